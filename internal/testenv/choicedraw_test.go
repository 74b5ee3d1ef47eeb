package testenv

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/policy"
)

// drawChoice draws a Consent about somebody, of every shape that is accepted: what is
// held against the oracle, and what must leave no trace.
func drawChoice(t *rapid.T, id string, about fhir.Object, at time.Time, refs []string) fhir.Object {
	o := fhir.Object{"resourceType": "Consent", "id": id, "status": pick(t, []string{"active", "active", "active", "inactive"}, "status"), "patient": about, "category": []fhir.Object{fhir.Concept("x")},
		"scope": fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", ""))}
	root := fhir.Object{"type": "deny"}
	base := "OPTOUT"
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0: // all, but for
		base, root["type"] = "OPTIN", "permit"
		if oneIn(t, 2, "but for") {
			root["provision"] = []fhir.Object{drawLimits(t, fhir.Object{"type": "deny"}, at, refs)}
		}
	case 1: // none
	case 2: // none, but for, but for
		inner := drawLimits(t, fhir.Object{"type": "permit"}, at, refs)
		if oneIn(t, 2, "two levels") {
			inner["provision"] = []fhir.Object{drawLimits(t, fhir.Object{"type": "deny"}, at, refs)}
		}
		root["provision"] = []fhir.Object{inner}
	default:
		drawLimits(t, root, at, refs)
	}
	if root["type"] == "deny" && oneIn(t, 3, "no override") {
		root["purpose"] = []fhir.Object{fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "TREAT", ""), fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "BTG", "")}
	}
	if oneIn(t, 3, "period") {
		day := at.AddDate(0, 0, pick(t, []int{-2, -1, 0, 1, 2}, "off")).Format(time.DateOnly)
		root["period"] = fhir.Object{pick(t, []string{"start", "end"}, "edge"): day}
	}
	o["policyRule"], o["provision"] = fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", base, "")), root
	return o
}

// limits gives a provision one or two limits.
func drawLimits(t *rapid.T, p fhir.Object, at time.Time, refs []string) fhir.Object {
	for range rapid.IntRange(1, 2).Draw(t, "limits") {
		switch rapid.IntRange(0, 12).Draw(t, "limit") {
		case 0, 1:
			p["actor"] = []fhir.Object{{"reference": org(pick(t, judgedOrgs, "whom"))}}
		case 2:
			p["actor"] = []fhir.Object{{"role": fhir.Concept("", fhir.Coding("", pick(t, []string{"gp", "nurse", "hospital-doctor", "paramedic", "social-worker"}, "role"), "")), "reference": fhir.Object{"display": "them"}}}
		case 3:
			p["class"] = []fhir.Object{fhir.Coding("", pick(t, append([]string{"Condition", "Observation", "Encounter", "MedicationRequest"}, judgedKinds[1:]...), "class"), "")}
		case 4:
			p["code"] = []fhir.Object{concept(sct, pick(t, []string{"44054006", "195967001"}, "coded"), "")}
		case 5:
			p["data"] = []fhir.Object{{"meaning": pick(t, []string{"instance", "instance", "dependents", "related"}, "meaning"), "reference": fhir.Ref(pick(t, refs, "item"))}}
		case 6:
			p["data"] = []fhir.Object{{"meaning": "authoredby", "reference": org(pick(t, judgedOrgs, "author"))}}
		case 7:
			p["dataPeriod"] = fhir.Object{pick(t, []string{"start", "end"}, "side"): at.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "days")).Format(time.DateOnly)}
		case 9:
			p["securityLabel"] = []fhir.Object{fhir.Coding(policy.LabelSystem, pick(t, judgedLabels[:14], "labelled"), "")}
		case 10: // of another purpose: nothing of it is about care
			p["purpose"] = []fhir.Object{fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", pick(t, []string{"HRESCH", "TREAT", "ETREAT"}, "purpose"), "")}
		case 11: // a provision within its own time
			p["period"] = fhir.Object{pick(t, []string{"start", "end"}, "edge"): at.AddDate(0, 0, pick(t, []int{-3, -1, 1, 3}, "off")).Format(time.DateOnly)}
		case 12: // by a team of the record, or an organisation of the directory
			team := suited(refs, "CareTeam")
			if ref := pick(t, append([]string{"Organization/drawn-rjz", "Organization/nobody"}, team...), "of the directory"); strings.HasPrefix(ref, "Organization/") || strings.HasPrefix(ref, "CareTeam/") {
				p["actor"] = []fhir.Object{{"reference": fhir.Ref(ref)}}
			}
		case 8:
			p["actor"] = []fhir.Object{{"reference": fhir.Object{"identifier": fhir.Object{"system": "https://selda.example/user", "value": pick(t, judgedUsers, "user")}}}}
		}
	}
	return p
}
