package region

import (
	"context"

	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest"
	"selda/store"
	"selda/subscription"
	"selda/terminology"
)

// triggerEvents is HL7's table 0003, the trigger events of version 2.
const triggerEvents = "http://terminology.hl7.org/CodeSystem/v2-0003"

// happened is what a message says has happened: the trigger event of one of HL7
// v2, the event of a FHIR message. Others say nothing.
func (r *Region) happened(_ context.Context, id store.MessageID) ([]subscription.Coding, error) {
	raw, err := r.Journal.Read(id)
	if err != nil {
		kind := fault.KindOf(err)
		if r.Nodes == nil { // what a file does not give now it never will
			kind = fault.NotFound
		}
		return nil, fault.E("region.happened", kind, err)
	}
	switch {
	case raw.Format == ingest.HL7v2:
		m, err := hl7v2.Parse(raw.Body)
		if err == nil { // one that can't be read says nothing
			return []subscription.Coding{{System: triggerEvents, Code: m.Trigger()}}, nil
		}
	case raw.Format == ingest.FHIR && raw.Call == "":
		return eventOf(raw.Body), nil
	}
	return nil, nil
}

// eventOf is the event of a FHIR message, which stands in its header, the first
// resource. https://hl7.org/fhir/R4/messaging.html
func eventOf(body []byte) []subscription.Coding {
	b, err := FHIRJSON(body)
	if err != nil {
		return nil
	}
	r, err := fhir.ParseTrusted(b)
	if err != nil || r.Type != "Bundle" || !r.Get("type").Is("message") {
		return nil
	}
	entries := r.Root().List("entry")
	if len(entries) == 0 {
		return nil
	}
	c := entries[0].Get("resource", "eventCoding")
	return []subscription.Coding{{System: c.Get("system").Text(), Code: c.Get("code").Text()}}
}

// terms answers searches that ask for value sets and hierarchies, by the
// terminology of now.
type terms struct {
	service func() (*terminology.Service, error)
}

// InValueSet is search.Terms'.
func (t *terms) InValueSet(url, system, code string) (in, known bool) {
	s, err := t.service()
	if err != nil {
		return false, false
	}
	return s.Member(url, system, code)
}

// Subsumes is search.Terms'.
func (t *terms) Subsumes(system, a, b string) (subsumes, known bool) {
	s, err := t.service()
	if err != nil {
		return false, false
	}
	outcome, err := s.Subsumes(system, "", a, b)
	return outcome == terminology.Subsumes || outcome == terminology.Equivalent, err == nil
}

// Codes is search.Terms'.
func (t *terms) Codes(url string, most int) (codes []string, ok bool) {
	s, err := t.service()
	if err != nil {
		return nil, false
	}
	return s.Codes(url, most)
}

// CodesBelow is search.Terms'.
func (t *terms) CodesBelow(system, code string, most int) (codes []string, ok bool) {
	s, err := t.service()
	if err != nil {
		return nil, false
	}
	return s.CodesBelow(system, code, most)
}
