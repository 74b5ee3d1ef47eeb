package synth

import (
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/ingest/mapped"
)

// The facts of the account citizen that demonstrations and tests count on.
func TestFolake(t *testing.T) {
	for _, now := range []time.Time{{}, time.Date(2027, 2, 3, 8, 30, 0, 0, time.UTC), time.Date(2026, 7, 19, 23, 5, 0, 0, time.UTC)} {
		r := New(1, 3, now)
		var folake, kofi Citizen
		for c := range r.Citizens() {
			switch c.Index {
			case 0:
				folake = c
			case 2:
				kofi = c
			}
		}
		if folake.NHSNumber.Digits() != "9991234519" || folake.Family != "Adeyemi" || folake.Born.Format(time.DateOnly) != "1951-11-05" || folake.Borough != "Southwark" || folake.Practice != gpPractice {
			t.Errorf("%+v", folake)
		}
		if kofi.NHSNumber.Digits() != childNumber || years(kofi.Born, r.now) > 10 {
			t.Errorf("%+v", kofi)
		}
		f := gatherFolake(t, r)
		if f.stays["open"] != 1 || f.stays["finished"] < 2 {
			t.Errorf("stays at King's: %v", f.stays)
		}
		if f.finals["RJZ"] < 5 || f.finals[string(gpPractice)] < 5 || f.finals["RJ1"] < 5 {
			t.Errorf("final observations: %v", f.finals)
		}
		for _, want := range []string{"AllergyIntolerance G85915:GP 91936005", "AllergyIntolerance RJZ:PAS 716186003", "Condition G85915:GP 84114007", "Condition G85915:GP 700379002", "Condition G85915:GP 49436004",
			"CarePlan G85915:GP 1382601000000107", "Flag G85915:GP 204241000000105", "Ramipril stopped", "DocumentReference RJZ:EPR", "yo", "39579001"} {
			if !f.seen[want] {
				t.Errorf("now %s: not there: %s", r.now, want)
			}
		}
		if len(f.creatinine) < 8 || f.creatinine[len(f.creatinine)-1] != "149" && f.creatinine[len(f.creatinine)-1] != "151" {
			t.Errorf("creatinine at King's and Guy's: %v", f.creatinine)
		}
	}
}

// folakeFacts are what the doors make of her messages.
type folakeFacts struct {
	stays, finals map[string]int
	seen          map[string]bool
	creatinine    []string
}

func gatherFolake(t *testing.T, r *Region) folakeFacts {
	t.Helper()
	f := folakeFacts{map[string]int{}, map[string]int{}, map[string]bool{}, nil}
	stays := map[string]bool{}
	for m := range r.Messages() {
		if m.Format == "csv" || !strings.Contains(string(m.Body), "9991234519") {
			continue
		}
		if m.Source.Organisation() == "RN7" {
			t.Errorf("Dartford speaks of her: %s", m.Name)
		}
		if m.Fault != "" {
			t.Errorf("a message of her is faulty: %s", m.Fault)
		}
		got, err := through(m)
		if err != nil {
			t.Fatal(m.Source, m.Name, err)
		}
		if got.Event == "ADT^A01" && strings.Contains(string(m.Body), "PV1|1|I|") {
			stays[visitOf(m)] = true
		}
		if got.Event == "ADT^A03" && stays[visitOf(m)] {
			delete(stays, visitOf(m))
			f.stays["finished"]++
		}
		f.read(m, got)
	}
	f.stays["open"] = len(stays)
	return f
}

func visitOf(m Message) string { return strings.Split(segment(string(m.Body), "PV1"), "|")[19] }

func (f *folakeFacts) read(m Message, got *mapped.Message) {
	for _, x := range got.Resources {
		body := string(x.Body)
		if x.Type == "Observation" && strings.Contains(body, `"status":"final"`) {
			f.finals[string(m.Source.Organisation())]++
			if r, err := fhir.Parse(x.Body); err == nil && strings.Contains(body, `"1000731000000107"`) && m.Source.System() == "LAB" {
				f.creatinine = append(f.creatinine, r.Get("valueQuantity", "value").Text())
			}
		}
		f.seen[x.Type+" "+string(m.Source)] = true
		for _, code := range []string{"91936005", "716186003", "84114007", "700379002", "49436004", "1382601000000107", "204241000000105"} {
			if strings.Contains(body, `"`+code+`"`) {
				f.seen[x.Type+" "+string(m.Source)+" "+code] = true
			}
		}
		if strings.Contains(body, "39579001") {
			f.seen["39579001"] = true
		}
		if x.Type == "MedicationRequest" && strings.Contains(body, "Ramipril") && strings.Contains(body, `"status":"stopped"`) {
			f.seen["Ramipril stopped"] = true
		}
	}
	for _, p := range got.Patients {
		if strings.Contains(string(p.Body), `"yo"`) {
			f.seen["yo"] = true
		}
	}
}
