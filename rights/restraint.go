package rights

import (
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// This file puts what is restricted into FHIR, so that it is kept with the record, in
// every version, and holds as at any moment. It is a Basic, since FHIR has no resource
// for it. https://hl7.org/fhir/R4/basic.html

// Source is where what is decided in cases is kept.
const Source = nhs.Source("SELDA:RIGHTS")

const (
	codeSystem = "https://selda.example/rights"
	base       = "https://selda.example/StructureDefinition/"
	itemURL    = base + "restricted-item"
	sourceURL  = base + "restricted-source"
	periodURL  = base + "restricted-period"

	organisationURL = base + "restricted-organisation"
)

// RestraintID is the id of the Basic of a case.
func RestraintID(id string) string { return "restriction-" + id }

// Everything is the scope of a restriction of all that the organisation wrote.
const Everything = "everything"

// Scope is what a step restricts: what the request names, else what the step says. Where
// neither says so nothing is restricted: a request about some letters must not take the
// rest of a record from those who treat the person. What it is stays that of the
// organisation that restricted it, whomever the case is handed to.
func (c *Case) Scope(s Step) (out policy.Restraint, err error) {
	const op = "rights.Scope"
	controller := s.By.Organisation
	if controller == "" {
		controller = c.Controller
	}
	switch {
	case c.Asked.Item.ID != "":
		return policy.Restraint{Items: []policy.Item{c.Asked.Item}}, nil
	case c.Asked.Source != "":
		return policy.Restraint{Source: c.Asked.Source}, nil
	case len(s.Of) == 0:
		return out, fault.E(op, fault.Value, "choose what is restricted: all that your organisation keeps of the person, one source, or some items", "of")
	case len(s.Of) == 1 && s.Of[0] == Everything:
		return policy.Restraint{Organisation: controller}, nil
	}
	for _, of := range s.Of {
		typ, id, isItem := strings.Cut(of, "/")
		source, bad := nhs.ParseSource(of)
		switch {
		case isItem && fhir.IsResourceType(typ) && fhir.IsID(id):
			out.Items = append(out.Items, policy.Item{Type: typ, ID: id})
		case bad == nil && source.Organisation() == controller && len(s.Of) == 1:
			out.Source = source
		default:
			return policy.Restraint{}, fault.E(op, fault.Value, "choose everything, or one source of your own, or items: not several of these at once", "of")
		}
	}
	return out, nil
}

// BuildRestraint makes the Basic of a case's restriction. It is kept as a preference of the
// person's is: nobody who may not see what is restricted may see that something is.
func BuildRestraint(c *Case, r policy.Restraint, subject nhs.Number) fhir.Object {
	period := fhir.Object{"start": fhir.Instant(r.From)}
	if !r.To.IsZero() {
		period["end"] = fhir.Instant(r.To)
	}
	extension := []fhir.Object{{"url": periodURL, "valuePeriod": period}}
	for _, i := range r.Items {
		extension = append(extension, fhir.Object{"url": itemURL, "valueString": i.Type + "/" + i.ID})
	}
	if r.Source != "" {
		extension = append(extension, fhir.Object{"url": sourceURL, "valueString": string(r.Source)})
	}
	if r.Organisation != "" {
		extension = append(extension, fhir.Object{"url": organisationURL, "valueIdentifier": fhir.Object{"system": nhs.ODSSystem, "value": string(r.Organisation)}})
	}
	return fhir.Object{
		"resourceType": "Basic", "id": RestraintID(c.ID),
		"meta":       fhir.Object{"tag": []fhir.Object{fhir.Coding(policy.DataSetSystem, policy.Preferences.String(), "")}},
		"extension":  extension,
		"identifier": []fhir.Object{{"system": "https://selda.example/case", "value": c.ID}},
		"code":       fhir.Concept("Restriction of processing", fhir.Coding(codeSystem, "restriction", "Restriction of processing")),
		"subject":    fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"created":    r.From.Format(time.DateOnly),
	}
}

// RestraintOf reads one; false where it is none.
func RestraintOf(r *fhir.Resource, source nhs.Source) (policy.Restraint, bool) {
	out := policy.Restraint{}
	if r.Type != "Basic" || source != Source || !r.Get("code", "coding", "code").Is("restriction") {
		return out, false
	}
	for _, x := range r.Root().List("extension") {
		switch x.Get("url").Text() {
		case itemURL:
			typ, id, _ := strings.Cut(x.Get("valueString").Text(), "/")
			out.Items = append(out.Items, policy.Item{Type: typ, ID: id})
		case sourceURL:
			out.Source, _ = nhs.ParseSource(x.Get("valueString").Text())
		case organisationURL:
			out.Organisation, _ = nhs.ParseODS(x.Get("valueIdentifier", "value").Text())
		case periodURL:
			out.From, _ = fhir.Time(x.Get("valuePeriod", "start").Text())
			out.To, _ = fhir.Time(x.Get("valuePeriod", "end").Text())
		}
	}
	return out, true
}
