package proxy

import (
	"reflect"
	"testing"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

var now = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)

func number(t testing.TB) nhs.Number {
	n, err := nhs.ParseNumber("9991234519")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func read(t testing.TB, o fhir.Object) *fhir.Resource {
	r, err := fhir.ParseTrusted(fhir.Marshal(o))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// G11: what is written is what is read, and no other source's word counts.
func TestG11WrittenAndRead(t *testing.T) {
	p := Person{Acting: policy.Acting{ID: "a1", User: "grace", As: policy.Deputy, From: now, To: now.AddDate(1, 0, 0), Evidence: "court order seen", Decided: now, Whole: true,
		DataSets: policy.SetOf(policy.Medications, policy.Appointments)}, Name: "Grace Mensah", By: "A Okafor, General practitioner", At: "G85915"}
	r := read(t, Build(p, number(t)))
	if got, ok := Of(r, Source); !ok || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v\n%+v", got, p)
	}
	if _, ok := Of(r, "RJZ:PAS"); ok {
		t.Error("a hospital's word lets somebody act")
	}
	a := Assessment{Capacity: policy.Capacity{Able: true, Assessed: now, Review: now.AddDate(0, 6, 0)}, User: "gp", By: "A Okafor", About: "talked about it"}
	r = read(t, BuildAssessment(a, number(t)))
	if got, ok := AssessmentOf(r, Source); !ok || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v\n%+v", got, a)
	}
	if _, ok := AssessmentOf(r, "RJZ:PAS"); ok {
		t.Error("a hospital's word decides about capacity")
	}
}

// What is stored does not let anybody act longer, or sooner, than it says.
func FuzzOf(f *testing.F) {
	p := Person{Acting: policy.Acting{User: "grace", As: policy.Parent, From: now, Evidence: "seen", Decided: now}}
	f.Add(fhir.Marshal(Build(p, number(f))))
	p.Stopped, p.Ended = "by the citizen", true
	f.Add(fhir.Marshal(Build(p, number(f))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := fhir.Parse(b)
		if err != nil {
			return
		}
		got, ok := Of(r, Source)
		if !ok {
			return
		}
		facts := policy.Facts{BirthDate: now.AddDate(-5, 0, 0)}
		s := facts.Stands(&got.Acting, now)
		if s.Holds && (got.Ended || now.Before(got.From) || !got.To.IsZero() && !now.Before(got.To) || got.Evidence == "") {
			t.Errorf("%+v holds", got)
		}
	})
}
