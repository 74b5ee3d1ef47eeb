package testenv

import (
	"testing"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/optout"
)

// G3: who has opted out nationally, and objects at their practice, is cared for
// as anybody: their record is read, and they are found among the people looked
// after. They are left out where opt-outs apply, and only there; a register that
// is too old lets nobody through.
func TestG3OptOutsApplyToReleasesAndNeverToCare(t *testing.T) {
	o := known(t)
	ctx, operator := t.Context(), region.OperatorSubject()
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Frailty"},`+atGP)
	o.declares("visitor")
	cared := func() [3]int {
		return [3]int{o.total("visitor", "/fhir/Condition?patient={citizen}"), o.total("gp", "/fhir/Condition?patient={citizen}"), o.total("gp", "/fhir/Condition")}
	}
	before := cared()
	if before != [3]int{1, 1, 1} {
		t.Fatal(before)
	}
	other := testNumber(7).Digits()
	file := []byte(folake + ",\n" + other + ",\n")
	if _, _, err := o.Region.FilterOptOuts(ctx, operator, file); !fault.Is(err, fault.NotFound) {
		t.Error("before any opt-outs were loaded a file is filtered:", err)
	}
	if p, err := o.Region.OptOutsOf(ctx, operator, o.citizen); err != nil || !p.National || p.TypeOne {
		t.Errorf("before any were loaded: %+v %v", p, err)
	}
	if _, err := o.Region.LoadOptOuts(ctx, operator, []byte(folake+",\n"), nil, o.Now()); err != nil {
		t.Fatal(err)
	}
	o.writes("G85915:GP", "Observation", "type1", `"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"827241000000103"}]},"effectiveDateTime":"2020-01-01",`+atGP)
	if after := cared(); after != before {
		t.Errorf("an opt-out touches care: %v, then %v", before, after)
	}
	if p, err := o.Region.OptOutsOf(ctx, operator, o.citizen); err != nil || !p.National || !p.TypeOne {
		t.Errorf("opted out: %+v %v", p, err)
	}
	back, left, err := o.Region.FilterOptOuts(ctx, operator, file)
	if err != nil || string(back) != other+",\n" || left != 1 {
		t.Errorf("%q, %d left out, %v", back, left, err)
	}
	// The reply of the national service to what was sent: she has changed her mind.
	if _, err := o.Region.LoadOptOuts(ctx, operator, []byte(folake+",\n"), file, o.Now()); err != nil {
		t.Fatal(err)
	}
	o.writes("G85915:GP", "Observation", "type1x", `"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"827261000000102"}]},"effectiveDateTime":"2021-01-01",`+atGP)
	if p, err := o.Region.OptOutsOf(ctx, operator, o.citizen); err != nil || p.National || p.TypeOne {
		t.Errorf("opted in again: %+v %v", p, err)
	}
	o.Advance(optout.Lasts)
	if _, _, err := o.Region.FilterOptOuts(ctx, operator, file); !fault.Is(err, fault.Expired) {
		t.Error("opt-outs that are too old are used:", err)
	}
	if p, err := o.Region.OptOutsOf(ctx, operator, o.citizen); err != nil || !p.National {
		t.Errorf("too old to be used: %+v %v", p, err)
	}
	for _, user := range []string{"gp", "citizen", "engineer", "analyst"} {
		s, err := o.Subject(user)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Region.LoadOptOuts(ctx, s, file, nil, o.Now()); !fault.Is(err, fault.Security) {
			t.Errorf("%s loads opt-outs: %v", user, err)
		}
	}
	if _, err := o.Region.LoadOptOuts(ctx, operator, file, nil, o.Now().Add(time.Hour)); !fault.Is(err, fault.Value) {
		t.Error("opt-outs of a time to come are taken:", err)
	}
}
