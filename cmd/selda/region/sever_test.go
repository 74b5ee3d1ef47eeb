package region

import (
	"testing"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// G14: a severed identity is a citizen of its own; later messages, with the
// same number, do not bring the two together, and nothing lists the pair.
func TestG14Sever(t *testing.T) {
	r := open(t)
	register := func(source nhs.Source, mrn, control string) string {
		out := send(t, r, source, "MSH|^~\\&|"+source.System()+"|"+string(source.Organisation())+"|SELDA|SEL|20261101090000||ADT^A31|"+control+"|P|2.4\nPID|1||"+mrn+"^^^"+string(source.Organisation())+"^MRN~9991234519^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\n")
		for _, i := range out.Items {
			if i.Type == "Patient" {
				return i.ID
			}
		}
		t.Fatal("no Patient")
		return ""
	}
	citizenOf := func(patient string) string {
		s, err := r.Store.Owner(t.Context(), "Patient", patient)
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.Store.CitizenID(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a, b := register("RJZ:PAS", "K1", "1"), register("RJ1:PAS", "G1", "2")
	if citizenOf(a) != citizenOf(b) {
		t.Fatal("the same number, name and birth date are not one citizen at first")
	}
	if _, err := r.Sever(t.Context(), policy.Subject{User: "gp", Role: nhs.GP, Organisation: "G1"}, b); !fault.Is(err, fault.Security) {
		t.Errorf("a practitioner severed an identity: %v", err)
	}
	fresh, err := r.Sever(t.Context(), OperatorSubject(), b)
	if err != nil || fresh == citizenOf(a) || fresh != citizenOf(b) {
		t.Fatal(fresh, err)
	}
	register("RJ1:PAS", "G1", "3")
	register("RJZ:PAS", "K1", "4")
	if citizenOf(a) == citizenOf(b) {
		t.Error("a later message has brought them together")
	}
	found, err := r.Store.Citizen(t.Context(), citizenOf(a), store.Latest)
	if err != nil || len(found.Subjects) != 1 {
		t.Errorf("%+v %v", found, err)
	}
	if _, reviews, err := r.Links(t.Context(), OperatorSubject(), 10); err != nil || len(reviews) != 0 {
		t.Errorf("the pair is listed for review: %+v %v", reviews, err)
	}
}
