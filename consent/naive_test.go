package consent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// A random tree of provisions decides as a naive evaluator has it, which is
// written from R4's words and reads the Consent itself: an exception decides
// within the rule around it, a denial beside a permission wins, what does not
// name the emergency gives way in one.
func TestG4ATreeDecidesAsItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{"resourceType": "Consent", "status": "active", "policyRule": coded1(rapid.SampledFrom([]string{"OPTIN", "OPTOUT"}).Draw(t, "base")), "provision": drawProvision(t, 3)}
		root := doc["provision"].(map[string]any)
		root["type"] = rapid.SampledFrom([]string{"deny", "permit"}).Draw(t, "root")
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		s := Read(r, version, nil)
		if s.Refusal.Words != "" || strings.Contains(fmt.Sprint(s.Doubts), "emergencies alone") {
			return
		}
		subject := policy.Subject{User: "u", Role: rapid.SampledFrom([]nhs.Role{nhs.GP, nhs.Nurse}).Draw(t, "role"), Organisation: rapid.SampledFrom([]nhs.ODS{"RJ1", "RN7"}).Draw(t, "organisation")}
		now := at.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "day")) * 24 * time.Hour)
		emergency := rapid.Bool().Draw(t, "emergency")
		facts := policy.Facts{Relationships: []policy.Relationship{{Organisation: subject.Organisation, Kind: "registration"}}}
		if emergency {
			facts.Claims = []policy.Claim{{User: "u", Organisation: subject.Organisation, Emergency: true, From: now, To: now.Add(time.Hour)}}
		}
		if s.Decides {
			facts.Preferences = []policy.Preference{s.Preference}
		}
		d := policy.Decide(policy.Request{Agreed: policy.Whole, Subject: subject, Now: now, Facts: facts})
		item := policy.Columns{Type: rapid.SampledFrom([]string{"Observation", "Condition"}).Draw(t, "type"), ID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), Source: rapid.SampledFrom([]nhs.Source{"RJZ:PAS", "G85915:GP"}).Draw(t, "source"),
			DataSet: rapid.SampledFrom([]policy.DataSet{policy.Results, policy.Problems}).Draw(t, "set"), Labels: rapid.SampledFrom([]policy.Labels{0, policy.SubstanceMisuse}).Draw(t, "labels"), Final: true}
		n := naive{&subject, now, &item}
		want := !n.withheld(doc, false) || emergency && !n.withheld(doc, true)
		if got := d.Predicate.Shows(&item); got != want {
			t.Fatalf("%s\n%+v at %s, emergency %t, %+v: shown is %t\n%s", body, subject, now, emergency, item, got, Words(s.Preference, now, Names{}))
		}
	})
}

func coded1(code string) map[string]any {
	return map[string]any{"coding": []any{map[string]any{"code": code}}}
}

func drawProvision(t *rapid.T, depth int) map[string]any {
	p := map[string]any{"type": rapid.SampledFrom([]string{"deny", "permit"}).Draw(t, "type")}
	some := func(what string) bool { return rapid.IntRange(0, 3).Draw(t, what) == 0 }
	if some("actors") {
		if rapid.Bool().Draw(t, "by role") {
			p["actor"] = []any{map[string]any{"role": coded1("nurse"), "reference": map[string]any{"display": "nurses"}}}
		} else {
			p["actor"] = []any{map[string]any{"reference": map[string]any{"identifier": map[string]any{"system": nhs.ODSSystem, "value": "RJ1"}}}}
		}
	}
	if some("classes") {
		p["class"] = []any{map[string]any{"code": rapid.SampledFrom([]string{"Observation", "problems"}).Draw(t, "class")}}
	}
	if some("data") {
		p["data"] = []any{map[string]any{"meaning": "instance", "reference": map[string]any{"reference": "Observation/a"}}}
	}
	if some("labels") {
		p["securityLabel"] = []any{map[string]any{"code": "substance-misuse"}}
	}
	if some("author") {
		p["data"] = []any{map[string]any{"meaning": "authoredby", "reference": map[string]any{"identifier": map[string]any{"system": nhs.ODSSystem, "value": "RJZ"}}}}
	}
	if some("period") {
		p["period"] = map[string]any{"start": "2026-11-02", "end": "2026-11-03"}
	}
	if some("purpose") {
		p["purpose"] = []any{map[string]any{"code": rapid.SampledFrom([]string{"TREAT", "BTG", "HRESCH"}).Draw(t, "purpose")}}
	}
	if depth > 0 {
		var nested []any
		for range rapid.IntRange(0, 2).Draw(t, "exceptions") {
			nested = append(nested, drawProvision(t, depth-1))
		}
		p["provision"] = nested
	}
	return p
}

// naive evaluates a Consent, for one reader and one item.
type naive struct {
	s    *policy.Subject
	now  time.Time
	item *policy.Columns
}

// withheld says whether a Consent withholds the item, in everyday care or in an emergency.
func (n naive) withheld(doc map[string]any, emergency bool) bool {
	base := fmt.Sprint(doc["policyRule"])
	root := doc["provision"].(map[string]any)
	out := strings.Contains(base, "OPTOUT") && root["type"] == "permit" && !emergency
	if strings.Contains(fmt.Sprint(root["purpose"]), "HRESCH") && root["type"] == "deny" {
		return false // of research alone (G3)
	}
	if !n.during(root) { // the time of the root is the Consent's own
		return false
	}
	if verdict := n.verdict(root, emergency); verdict != "" {
		return verdict == "deny"
	}
	return out
}

// verdict is "deny", "permit", or "" where a provision is not about this.
func (n naive) verdict(p map[string]any, emergency bool) string {
	codes := fmt.Sprint(p["purpose"])
	names, urgent := p["purpose"] != nil, strings.Contains(codes, "BTG")
	switch {
	case strings.Contains(codes, "HRESCH"), !n.during(p), !n.concerns(p), urgent && !emergency && names:
		return ""
	}
	var inner []string
	nested, _ := p["provision"].([]any)
	for _, x := range nested {
		inner = append(inner, n.verdict(x.(map[string]any), emergency))
	}
	switch {
	case slices.Contains(inner, "deny"):
		return "deny"
	case slices.Contains(inner, "permit"):
		return "permit"
	case emergency && !urgent:
		return "permit"
	}
	return p["type"].(string)
}

func (n naive) during(p map[string]any) bool {
	day := n.now.Format(time.DateOnly)
	return p["period"] == nil || day >= "2026-11-02" && day <= "2026-11-03"
}

func (n naive) concerns(p map[string]any) bool {
	actor, class, data := fmt.Sprint(p["actor"]), fmt.Sprint(p["class"]), fmt.Sprint(p["data"])
	return (p["actor"] == nil || strings.Contains(actor, string(n.s.Organisation)) || strings.Contains(actor, string(n.s.Role))) &&
		(p["class"] == nil || strings.Contains(class, n.item.Type) || strings.Contains(class, n.item.DataSet.String())) &&
		(p["securityLabel"] == nil || n.item.Labels != 0) &&
		(p["data"] == nil || strings.Contains(data, "Observation/a") && n.item.Type == "Observation" && n.item.ID == "a" || strings.Contains(data, "RJZ") && n.item.Source == "RJZ:PAS")
}
