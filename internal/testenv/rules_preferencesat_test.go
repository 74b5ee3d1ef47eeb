package testenv

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/consent"
	"selda/policy"
)

// What was in force at any moment is told, through changes, corrections and
// withdrawals; a record as at that n is decided by the same; and who reviews an
// access sees what held when it was made, and of their own organisation alone.
func TestG4PreferencesAtAnyMoment(t *testing.T) {
	o := known(t)
	ctx := t.Context()
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	type moment struct {
		at    time.Time
		n     uint64
		words string
		shown map[string]bool // at King's, and at Dartford
	}
	var moments []moment
	mark := func(words string, kings, dartford bool) {
		t.Helper()
		n, err := o.Region.Store.N(ctx)
		if err != nil {
			t.Fatal(err)
		}
		moments = append(moments, moment{o.Now(), n, words, map[string]bool{"doctor": kings, "visitor": dartford}})
		o.Advance(time.Hour)
	}
	mark("", true, true)
	id := o.states(optsOut + `,"provision":{"type":"deny"}`)
	mark("Everything is kept from everyone", false, false)
	o.breaksGlass("doctor", "court-order")
	o.breaksGlass("visitor", "court-order")
	reviewed := o.Now()
	o.Advance(time.Hour)
	if status, body := o.asks("citizen", "PUT", "/fhir/Consent/"+id, `{"resourceType":"Consent","id":"`+id+`","status":"active",`+optsOut+`,"provision":{"type":"deny","actor":[`+kings+`]}}`); status != 200 {
		t.Fatal(status, body)
	}
	mark("Everything is kept from RJZ", false, true)
	o.takesBack(id)
	mark("", true, true)
	o.states(optsOut + `,"provision":{"type":"deny","class":[{"code":"problems"}],"period":{"end":"` + o.Now().Format(time.DateOnly) + `"}}`)
	mark("Conditions are kept from everyone, until the end of 5 November 2026", false, false)
	o.Advance(36 * time.Hour)
	mark("", true, true)
	o.declares("doctor")
	o.declares("visitor")
	for i, m := range moments {
		list, err := o.Region.Preferences(ctx, region.OperatorSubject(), o.citizen, m.at)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, s := range list {
			if s.InForce {
				words = append(words, consent.Words(s.Preference, m.at, consent.Names{}))
			}
			if s.Recorded.After(m.at) {
				t.Errorf("moment %d: what was stated later is told", i)
			}
		}
		if got := strings.Join(words, "; "); got != m.words {
			t.Errorf("moment %d: in force %q, want %q", i, got, m.words)
		}
		if i == 4 {
			continue // its time is over by now, whatever n is asked for
		}
		for user, want := range m.shown {
			s, err := o.Subject(user)
			if err != nil {
				t.Fatal(err)
			}
			g, err := o.Region.Access.RecordAt(ctx, s, o.citizen, "test", m.n)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Predicate().Shows(&policy.Columns{Type: "Condition", ID: "c1", Source: "G85915:GP", DataSet: policy.Problems, Final: true}); got != want {
				t.Errorf("moment %d: shown to %s is %t", i, user, got)
			}
		}
	}
	o.reviewsChoices(reviewed)
}

// reviewsChoices has the privacy officer of King's look at what was in force at an
// access there, and at one elsewhere.
func (o *outside) reviewsChoices(at time.Time) {
	o.Helper()
	entries, err := o.Trail(o.Context(), audit.Query{Citizen: o.citizen, Action: audit.BreakGlass})
	if err != nil || len(entries) != 2 {
		o.Fatal(entries, err)
	}
	for _, e := range entries {
		if !e.At.Equal(at) {
			o.Fatal("not the access that was meant")
		}
		path := fmt.Sprintf("/privacy/choices/%d", e.Seq)
		status, page := o.asks("privacy", "GET", path, "")
		if own := e.User == "doctor"; own != (status == 200 && strings.Contains(page, "Everything is kept from everyone. Recorded 05-Nov-2026")) || strings.Contains(page, "RJZ") {
			o.Errorf("an access of %s: %d %s", e.User, status, page)
		}
		for _, user := range []string{"gp", "citizen", "engineer"} {
			if status, _ := o.asks(user, "GET", path, ""); status == 200 {
				o.Errorf("%s sees what was in force", user)
			}
		}
	}
	if where := o.sees("privacy", "/privacy/choices/", "/privacy"); len(where) == 0 {
		o.Error("the case does not lead there")
	}
}

// G20: what a citizen has kept back stays kept back when they have died, and
// nobody can take it back from their account any more.
func TestG20SealsAndObjectionsPersistAfterDeath(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "Condition", "c2", `"code":{"text":"Eczema"},`+atGP)
	o.declares("visitor")
	o.declares("doctor")
	sealed := o.states(optsOut + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Condition/c1"}}]}`)
	o.states(optsOut + `,"provision":{"type":"deny","actor":[` + kings + `]}`)
	check := func(when string) {
		t.Helper()
		for user, want := range map[string]int{"visitor": 1, "doctor": 0, "gp": 2} {
			if n := o.total(user, "/fhir/Condition?patient={citizen}"); n != want {
				t.Errorf("%s: %s finds %d, want %d", when, user, n, want)
			}
		}
	}
	check("alive")
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","deceasedDateTime":"2026-11-05"`)
	check("dead")
	if status, _ := o.asks("citizen", "PUT", "/fhir/Consent/"+sealed, `{"resourceType":"Consent","id":"`+sealed+`","status":"inactive"}`); status < 400 {
		t.Errorf("taken back after death: %d", status)
	}
	if status, _ := o.posts("citizen", "/me/sharing", "choice=share&save=yes"); status < 400 {
		t.Errorf("shared after death: %d", status)
	}
	check("dead, and somebody tried to take it back")
}
