package consent

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

var at = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

var version = Version{ID: "c1", Source: "SELDA:ME", N: 7, Recorded: at}

func read(t interface{ Fatal(...any) }, body string) Statement {
	r, err := fhir.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Read(r, version, nil)
}

const in, out = `"policyRule":{"coding":[{"code":"OPTIN"}]}`, `"policyRule":{"coding":[{"code":"OPTOUT"}]}`

func active(about string) string {
	return `{"resourceType":"Consent","status":"active",` + about + `}`
}

func atODS(code string) string {
	return `{"reference":{"identifier":{"system":"` + nhs.ODSSystem + `","value":"` + code + `"}}}`
}

// G4: the common shapes, in the words in which they are told back.
func TestG4ShapesInWords(t *testing.T) {
	for body, want := range map[string]string{
		active(out + `,"provision":{"type":"deny"}`): "Everything is kept from everyone",
		active(out): "Everything is kept from everyone",
		active(in + `,"provision":{"type":"permit"}`): "Everything is shared with everyone",
		active(in): "Everything is shared with everyone",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"permit","actor":[` + atODS("RJZ") + `]}]}`):                       "Everything is kept from everyone, except RJZ",
		active(out + `,"provision":{"type":"permit","actor":[` + atODS("RJZ") + `]}`):                                                     "Everything is kept from everyone, except RJZ",
		active(in + `,"provision":{"type":"deny","actor":[` + atODS("RJZ") + `]}`):                                                        "Everything is kept from RJZ",
		active(in + `,"provision":{"actor":[` + atODS("RJZ") + `]}`):                                                                      "Everything is kept from RJZ",
		active(in + `,"provision":{"type":"permit","provision":[{"type":"deny","actor":[` + atODS("RJZ") + `]}]}`):                        "Everything is shared with everyone; but everything is kept from RJZ",
		active(out + `,"provision":{"type":"deny","class":[{"code":"MedicationRequest"}]}`):                                               "MedicationRequest resources are kept from everyone",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"deny","purpose":[{"code":"BTG"}]}]}`):                             "Everything is kept from everyone, in an emergency too",
		active(out + `,"provision":{"type":"deny","period":{"start":"2026-12-01","end":"2026-12-31"}}`):                                   "Everything is kept from everyone, from 1 December 2026, until the end of 31 December 2026",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"permit","class":[{"code":"medications"}]}]}`):                     "Everything except medicines is kept from everyone",
		active(out + `,"provision":{"type":"deny","actor":[{"role":{"coding":[{"code":"social-worker"}]},"reference":{"display":"x"}}]}`): "Everything is kept from those in the role social worker",
		active(out + `,"provision":{"type":"deny","securityLabel":[{"code":"HIV"}]}`):                                                     "Everything about hiv sti is kept from everyone",
		active(out + `,"provision":{"type":"deny","code":[{"coding":[{"system":"http://snomed.info/sct","code":"44054006"}]}]}`):          "Everything with the code 44054006 is kept from everyone",
		active(out + `,"provision":{"type":"deny","actor":[{"role":{"coding":[{"code":"CST"}]},` + atODS("RJZ")[1:] + `]}`):               "Everything that RJZ wrote is kept from everyone",
	} {
		s := read(t, body)
		if got := Words(s.Preference, at, Names{}); got != want || !s.Decides || s.Refusal.Words != "" || len(s.Doubts) > 0 {
			t.Errorf("%s: %q, want %q; %+v", body, got, want, s)
		}
	}
}

// What can't be told is withheld, and said; nothing of it is given back.
func TestG4WhatCantBeToldFailsSafe(t *testing.T) {
	unknown := `{"reference":{"reference":"Practitioner/13"}}`
	for body, want := range map[string]string{
		active(out + `,"provision":{"type":"deny","actor":[` + unknown + `]}`):                                                                                             "Everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","actor":[` + atODS("RJZ") + `,` + unknown + `]}`):                                                                        "Everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","class":[{"code":"application/hl7-cda+xml"},{"code":"medications"}]}`):                                                   "Everything is kept from everyone",
		active(out + `,"provision":{"type":"permit","actor":[` + unknown + `]}`):                                                                                           "Everything is kept from everyone",
		active(out + `,"provision":{"type":"permit","actor":[` + atODS("RJZ") + `,` + unknown + `]}`):                                                                      "Everything is kept from everyone, except RJZ",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"permit","actor":[` + unknown + `]}]}`):                                                             "Everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"permit","class":[{"code":"x/y"}],"actor":[` + atODS("RJZ") + `]}]}`):                               "Everything is kept from everyone",
		active(in + `,"provision":{"provision":[{"type":"permit","class":[{"code":"x/y"}],"provision":[{"type":"deny"}]}]}`):                                               "Everything is shared with everyone; but everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","securityLabel":[{"code":"WHATEVER"}]}`):                                                                                 "Everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"identifier":{"value":"1"}}}]}`):                                              "Everything is kept from everyone",
		active(out + `,"provision":{"type":"deny","provision":[{"actor":[` + atODS("RJZ") + `]}]}`):                                                                        "Everything is kept from everyone; but everything is kept from RJZ",
		active(out + `,"provision":{"type":"deny","provision":[{"type":"deny","class":[{"code":"x/y"}],"provision":[{"type":"permit","actor":[` + atODS("RJZ") + `]}]}]}`): "Everything is kept from everyone; but everything is kept from everyone",
	} {
		s := read(t, body)
		if got := Words(s.Preference, at, Names{}); got != want || !s.Decides || len(s.Doubts) == 0 {
			t.Errorf("%s: %q, want %q; %+v", body, got, want, s)
		}
	}
}

// What can't be honoured at all is refused where it is posted.
func TestWhatCantBeHonouredIsRefused(t *testing.T) {
	deep := `{"type":"deny"}`
	for range maxDepth {
		deep = `{"type":"deny","provision":[` + deep + `]}`
	}
	for _, body := range []string{
		active(`"provision":{"actor":[` + atODS("RJZ") + `]}`),
		active(out + `,"provision":{"type":"permit"}`),
		active(out + `,"provision":{"type":"deny","action":[{"coding":[{"code":"correct"}]}]}`),
		active(out + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Patient/p1"}}]}`),
		active(out + `,"provision":{"type":"deny","class":[{"code":"Patient"}]}`),
		active(out + `,"provision":{"type":"deny","modifierExtension":[{"url":"urn:x"}]}`),
		active(out + `,"provision":` + deep),
		active(out + `,"provision":{"type":"deny","provision":[` + strings.Repeat(`{"type":"deny"},`, maxRules) + `{"type":"deny"}]}`),
	} {
		if s := read(t, body); s.Refusal.Words == "" || s.Refusal.Place == "" {
			t.Errorf("%.200s: taken as %q", body, Words(s.Preference, at, Names{}))
		}
	}
}

// What is no decision about sharing for care decides nothing: a draft, what was
// withdrawn, and (G3) an opt-out of research or of another secondary use.
func TestG3OptOutsOfOtherUsesDoNotTouchCare(t *testing.T) {
	for _, c := range []struct {
		status, scope, purpose string
		want                   bool
	}{
		{"active", "", "", true}, {"active", "patient-privacy", "", true}, {"active", "patient-privacy", "TREAT", true}, {"active", "patient-privacy", "BTG", true},
		{"active", "patient-privacy", "UNHEARD", true},
		{"inactive", "", "", false}, {"draft", "", "", false}, {"entered-in-error", "", "", false},
		{"active", "research", "", false}, {"active", "treatment", "", false}, {"active", "patient-privacy", "HRESCH", false}, {"active", "patient-privacy", "PUBHLTH", false},
	} {
		scope, purpose := "", ""
		if c.scope != "" {
			scope = `"scope":{"coding":[{"code":"` + c.scope + `"}]},`
		}
		if c.purpose != "" {
			purpose = `,"purpose":[{"code":"` + c.purpose + `"}]`
		}
		s := read(t, fmt.Sprintf(`{"resourceType":"Consent","status":%q,%s%s,"provision":{"type":"deny"%s}}`, c.status, scope, out, purpose))
		if s.Decides != c.want || !c.want && len(s.Doubts) == 0 {
			t.Errorf("%+v: decides: %t, %+v", c, s.Decides, s.Doubts)
		}
	}
}

// A day that is named is in force until it is over.
func TestPeriodsIncludeTheirLastDay(t *testing.T) {
	for end, want := range map[string]string{"2026-12-31": "2027-01-01T00:00:00Z", "2026-12": "2027-01-01T00:00:00Z", "2026": "2027-01-01T00:00:00Z", "2026-12-31T12:00:00Z": "2026-12-31T12:00:00Z"} {
		if s := read(t, active(out+`,"provision":{"type":"deny","period":{"end":"`+end+`"}}`)); s.To.Format(time.RFC3339) != want {
			t.Errorf("%s: until %s", end, s.To)
		}
	}
}

// An opt-in about everything and everyone states the choice anew; one about
// something, and every opt-out, does not.
func TestWhatStatesTheChoiceAnew(t *testing.T) {
	for body, want := range map[string]bool{
		active(in): true,
		active(in + `,"provision":{"type":"permit","purpose":[{"code":"TREAT"}],"period":{"end":"2027"}}`):         true,
		active(in + `,"provision":{"type":"permit","provision":[{"type":"deny","actor":[` + atODS("RJZ") + `]}]}`): true,
		active(in + `,"provision":{"type":"permit","actor":[` + atODS("RJZ") + `]}`):                               false,
		active(in + `,"provision":{"type":"permit","class":[{"code":"x/y"}]}`):                                     false,
		active(`"provision":{"type":"permit"}`):                                                                    false,
		active(out):                                                                                                false,
	} {
		if s := read(t, body); s.Anew != want {
			t.Errorf("%s: anew is %t", body, s.Anew)
		}
	}
}

// HL7's own examples are understood, or are withheld and it is said what of them
// is not. https://hl7.org/fhir/R4/consent-examples.html
func TestOfficialExamples(t *testing.T) {
	files, _ := filepath.Glob("../../shared/material/fhir-r4-examples/Consent-*.json")
	if len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("the examples are not there")
		}
		t.Skip("../shared/material/fhir-r4-examples is not there")
	}
	f001 := func(ref fhir.Node) []nhs.ODS {
		if ref.Get("reference").Is("Organization/f001") {
			return []nhs.ODS{"F001"}
		}
		return nil
	}
	want := map[string]string{"notAuthor": "Everything that F001 wrote is kept from everyone", "notOrg": "Everything is kept from F001", "notThem": "Everything is kept from everyone",
		"notThis": "Task/example3 and what it names is kept from everyone", "Emergency": "Everything that F001 wrote is kept from everyone, in an emergency too; but everything that F001 wrote is kept from everyone"}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Consent-consent-example-"), ".json")
		s := Read(r, version, f001)
		if got := Words(s.Preference, at, Names{}); !s.Decides || want[name] != "" && got != want[name] {
			t.Errorf("%s: %q, %+v", name, got, s.Doubts)
		}
	}
}

// Whatever rule is built, it is read back.
func TestBuildIsReadBack(t *testing.T) {
	n, _ := nhs.ParseNumber("9991234519")
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Preference{ID: "c1", By: "SELDA:ME", N: 7, From: at, Own: true, Rule: drawRule(t, 3)}
		p.Rule.From, p.Rule.To = time.Time{}, time.Time{}
		if p.Rule.Uses == policy.InEmergency {
			p.Rule.Uses = 0
		}
		if rapid.Bool().Draw(t, "ends") {
			p.To = at.Add(time.Hour)
		}
		p.Anew = p.Rule.Permit && p.Rule.Whole()
		s := read(t, string(fhir.Marshal(Build(p, n, at))))
		if !reflect.DeepEqual(s.Preference, p) || len(s.Doubts) > 0 {
			t.Fatalf("%+v became %+v, %+v", p, s.Preference, s.Doubts)
		}
		if w := Words(p, at, Names{}); w == "" || strings.Contains(w, "  ") {
			t.Fatalf("%q", w)
		}
	})
}

// drawRule is any rule that can be written and is read without a doubt.
func drawRule(t *rapid.T, depth int) policy.Rule {
	some := func(what string) bool { return rapid.IntRange(0, 3).Draw(t, what) == 0 }
	r := policy.Rule{Permit: rapid.Bool().Draw(t, "permit")}
	if some("actors") {
		r.Actors = rapid.SliceOfNDistinct(rapid.SampledFrom([]policy.Actor{{Organisation: "RJZ"}, {Organisation: "RN7"}, {Role: nhs.GP}, {Organisation: "RJ1", Role: nhs.Nurse}, {User: "doctor"}}), 1, 2, rapid.ID).Draw(t, "who")
	}
	if some("uses") {
		r.Uses = rapid.SampledFrom([]policy.Uses{policy.InEmergency, policy.InCare | policy.InEmergency}).Draw(t, "use")
	}
	if some("period") {
		r.From, r.To = at.Add(-time.Hour), at.Add(time.Hour)
	}
	if some("sets") {
		r.Data.DataSets = policy.SetOf(policy.Results, rapid.SampledFrom([]policy.DataSet{policy.Medications, policy.Documents}).Draw(t, "set"))
	}
	if some("types") {
		r.Data.Types = []string{"Condition"}
	}
	if some("labels") {
		r.Data.Labels = rapid.SampledFrom([]policy.Labels{policy.HIVSTI, policy.Convictions | policy.FGM}).Draw(t, "label")
	}
	if some("sources") {
		r.Data.Sources = []nhs.ODS{"RJZ"}
	}
	if some("items") {
		r.Data.Items = []policy.Item{{Type: "Observation", ID: "o1"}}
	}
	if some("content") {
		r.Data.Content = &policy.Content{Codes: []policy.Code{{System: "http://snomed.info/sct", Code: "44054006"}}, From: at.Add(-48 * time.Hour)}
	}
	if depth > 0 {
		for range rapid.IntRange(0, 2).Draw(t, "exceptions") {
			r.But = append(r.But, drawRule(t, depth-1))
		}
	}
	return r
}

// Whatever is sent as a Consent, it is read; what decides something narrows
// something, or states the choice anew, and it can be told in words.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		active(out + `,"provision":{"type":"deny","period":{"start":"2026-01-01","end":"2027-01-01"},"actor":[` + atODS("RJZ") + `],"class":[{"code":"Condition"}],"data":[{"meaning":"related","reference":{"reference":"Condition/c"}}],"provision":[{"type":"deny","purpose":[{"code":"BTG"}]}]}`),
		active(`"scope":{"coding":[{"code":"research"}]},"provision":{"purpose":[{"code":"TREAT"}]}`),
		active(in + `,"provision":{"securityLabel":[{"system":"` + policy.ConfidentialitySystem + `","code":"R"}],"dataPeriod":{"start":"2020"},"code":[{"coding":[{"code":"x"}]}]}`),
	} {
		f.Add([]byte(s))
	}
	for _, name := range []string{"pkb", "Emergency", "signature", "notThis"} {
		if b, err := os.ReadFile("../../shared/material/fhir-r4-examples/Consent-consent-example-" + name + ".json"); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := fhir.Parse(body)
		if err != nil {
			return
		}
		s := Read(r, version, nil)
		if s.Decides && (r.Type != "Consent" || s.ID != "c1" || !s.Rule.Denies() && !s.Anew) || Words(s.Preference, at, Names{}) == "" {
			t.Errorf("%s: %+v", body, s)
		}
	})
}
