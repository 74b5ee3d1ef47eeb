// Package death is what is recorded here of somebody's death, as FHIR: that a
// source's statement of it was found to be wrong, by whom and why (G20). It is a
// Basic, since FHIR has no resource for it. What counts is policy's to say.
//
// https://hl7.org/fhir/R4/basic.html
package death

import (
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// Source is where such findings are kept.
const Source = nhs.Source("SELDA:DEATH")

// Holds is how long a finding holds: by then the source has corrected its own
// statement, or it is looked at again.
const Holds = 90 * 24 * time.Hour

const (
	codeSystem = "https://selda.example/death"
	base       = "https://selda.example/StructureDefinition/"
	sourceURL  = base + "death-stated-by"
	reasonURL  = base + "death-wrong-since"
	periodURL  = base + "death-wrong-period"
)

// Finding is that a source's statement of a death is wrong.
type Finding struct {
	policy.Refuted
	Reason   string
	User, By string
}

// Of reads a finding; false where it is none.
func Of(r *fhir.Resource, source nhs.Source) (Finding, bool) {
	f := Finding{}
	if r.Type != "Basic" || source != Source || !r.Get("code", "coding", "code").Is("wrong") {
		return f, false
	}
	for _, x := range r.Root().List("extension") {
		switch x.Get("url").Text() {
		case sourceURL:
			f.Refuted.By, _ = nhs.ParseSource(x.Get("valueString").Text())
		case reasonURL:
			f.Reason = x.Get("valueString").Text()
		case periodURL:
			f.From, _ = fhir.Time(x.Get("valuePeriod", "start").Text())
			f.Until, _ = fhir.Time(x.Get("valuePeriod", "end").Text())
		}
	}
	f.User, f.By = r.Get("author", "identifier", "value").Text(), r.Get("author", "display").Text()
	return f, f.Refuted.By != ""
}

// Build makes the Basic.
func Build(f Finding, subject nhs.Number) fhir.Object {
	return fhir.Object{
		"resourceType": "Basic",
		"meta":         fhir.Object{"tag": []fhir.Object{fhir.Coding(policy.DataSetSystem, policy.Demographics.String(), "")}},
		"extension": []fhir.Object{
			{"url": sourceURL, "valueString": string(f.Refuted.By)},
			{"url": reasonURL, "valueString": f.Reason},
			{"url": periodURL, "valuePeriod": fhir.Object{"start": fhir.Instant(f.From), "end": fhir.Instant(f.Until)}},
		},
		"code":    fhir.Concept("The statement of a death is wrong", fhir.Coding(codeSystem, "wrong", "The statement of a death is wrong")),
		"subject": fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"created": f.From.Format(time.DateOnly),
		"author":  fhir.Object{"type": "Practitioner", "identifier": fhir.Object{"system": "https://selda.example/user", "value": f.User}, "display": f.By},
	}
}
