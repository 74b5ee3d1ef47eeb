package fhirtofhir

import (
	"bytes"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// ImportCall is the call of a part of an import: NDJSON.
const ImportCall = "$import"

// Lines reads a part of an import: each line is a resource that its source
// keeps under the id that it has, with references as they stand. A line stands
// for itself: one that can't be used is in Refused, and the others are not
// touched by it. check says why else a resource is not taken; it may be nil.
// Places are of the lines: line[1], line[2].valueQuantity.
func Lines(ndjson []byte, source nhs.Source, check func(*fhir.Resource) error) *mapped.Message {
	x := &interaction{source: source, people: map[string]int{}, out: &mapped.Message{Event: "FHIR import", Each: true}}
	for n := 1; len(ndjson) > 0; n++ {
		var line []byte
		line, ndjson, _ = bytes.Cut(ndjson, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		s, err := importStep(line, "line["+strconv.Itoa(n)+"]")
		if err == nil && check != nil {
			err = check(s.res)
		}
		if err != nil {
			x.out.Refused = append(x.out.Refused, mapped.Refusal{Place: s.place, Err: err})
			continue
		}
		x.steps = append(x.steps, s)
	}
	for i := range x.steps {
		if s := &x.steps[i]; s.res.Type == "Patient" {
			p := Person(s.res, x.source, s.place)
			p.ID, p.Body = s.res.ID, fhir.Bare(s.res.JSON)
			x.people["Patient/"+p.ID] = len(x.out.Patients)
			x.out.Patients = append(x.out.Patients, p)
		}
	}
	for i := range x.steps {
		if s := &x.steps[i]; s.res.Type != "Patient" {
			x.line(s)
		}
	}
	return x.out
}

// importStep reads one line.
func importStep(line []byte, place string) (step, error) {
	const op = "fhirtofhir.Lines"
	s := step{method: "PUT", place: place}
	compact, err := fhir.Compact(line)
	if err == nil {
		s.res, err = fhir.ParseTrusted(compact)
	}
	switch {
	case err != nil:
		return s, at(err, place)
	case !fhir.IsID(s.res.ID):
		return s, fault.E(op, fault.Required, "an imported resource is kept under its id: give it one, of letters, digits, - and . (64 at most)", join(place, "id"))
	case s.res.Type == "Subscription":
		return s, fault.E(op, fault.NotSupported, "a Subscription is no record: ask for it at /fhir/Subscription", join(place, "resourceType"))
	case s.res.Type == "Bundle":
		return s, fault.E(op, fault.NotSupported, "a line is one resource: post a Bundle to the base", join(place, "resourceType"))
	}
	if why, no := refused[s.res.Type]; no {
		return s, fault.E(op, fault.NotSupported, why, join(place, "resourceType"))
	}
	return s, nil
}

// line adds what one line says.
func (x *interaction) line(s *step) {
	r := mapped.Resource{Type: s.res.Type, ID: s.res.ID, Place: s.place, Body: fhir.Bare(s.res.JSON)}
	if r.Patient = x.about(s); r.Patient == mapped.Shared && !shared[r.Type] {
		if element := someone(s.res); element != "" {
			x.out.Refused = append(x.out.Refused, mapped.Refusal{Place: s.place, Err: fault.E("fhirtofhir.Lines", fault.Value,
				"nobody is known by this: a person is named as Patient/id, or by an NHS number", join(s.place, element))})
			return
		}
	}
	if err := x.elsewhere(s, r.Patient); err != nil {
		x.out.Refused = append(x.out.Refused, mapped.Refusal{Place: s.place, Err: err})
		return
	}
	x.out.Resources = append(x.out.Resources, r)
}

// someone is the element by which a resource is about a person who can't be
// found: it would be in no record, and be missed by no one.
func someone(r *fhir.Resource) string {
	for _, element := range []string{"subject", "patient", "beneficiary", "for"} {
		n := r.Get(element)
		if !n.IsObject() {
			continue
		}
		ref := n.Get("reference").Text()
		if ref == "" || strings.HasPrefix(ref, "Patient?") || strings.HasPrefix(ref, "urn:") {
			return element
		}
	}
	return ""
}
