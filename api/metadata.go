package api

import (
	"net/http"
	"slices"
	"strconv"
	"sync"

	"selda/fhir"
	"selda/fhir/search"
)

// notStored are the types that are no record of anything.
var notStored = map[string]bool{"Parameters": true, "OperationOutcome": true}

// statement is a CapabilityStatement as it was made last.
type statement struct {
	sync.Mutex
	of   *search.Parameters
	base string
	body []byte
}

// metadata is the CapabilityStatement: what is true of this server, made from
// the tables that serve. It needs no sign-in.
// https://hl7.org/fhir/R4/capabilitystatement.html
func (q *request) metadata() error {
	if q.query().Get("mode") == "terminology" {
		q.terminologyCapabilities()
		return nil
	}
	ps := q.parameters()
	s := &q.statement
	s.Lock()
	if s.of != ps || s.base != q.base {
		s.of, s.base, s.body = ps, q.base, q.capabilities(ps)
	}
	body := s.body
	s.Unlock()
	q.send(http.StatusOK, body)
	return nil
}

func (q *request) capabilities(ps *search.Parameters) []byte {
	back := map[string][]string{} // what may refer to a type
	for _, t := range fhir.ResourceTypes() {
		for _, p := range ps.Of(t) {
			if p.Kind != search.Reference {
				continue
			}
			targets := p.Targets
			if len(targets) == 0 {
				targets = fhir.ResourceTypes()
			}
			for _, to := range targets {
				back[to] = append(back[to], t+":"+p.Code)
			}
		}
	}
	var types []fhir.Object
	for _, t := range fhir.ResourceTypes() {
		switch {
		case t == "Subscription" && q.Subscriptions != nil:
			types = append(types, q.subscriptionCapability(ps))
		case t == "AuditEvent":
			types = append(types, trailCapability(ps))
		case !notStored[t]:
			types = append(types, capability(ps, t, back[t]))
		}
	}
	return fhir.Marshal(fhir.Object{
		"resourceType": "CapabilityStatement", "instantiates": q.instantiates(), "status": "active", "date": fhir.Instant(q.Now()), "kind": "instance", "fhirVersion": "4.0.1",
		"format": []string{"application/fhir+json", "application/fhir+xml"}, "patchFormat": []string{"application/json-patch+json", "application/fhir+json", "application/fhir+xml"},
		"software":       fhir.Object{"name": "SELDA", "version": q.Version},
		"implementation": fhir.Object{"description": "The shared care record of South East London", "url": q.base},
		"rest": []fhir.Object{{"mode": "server", "resource": types, "extension": q.socketExtension(),
			"documentation": "A search or a history that names no patient is of what a source system wrote; of a citizen's own record, or of those for whom a proxy acts; of the people whom a professional's organisation looks after, at most " + strconv.Itoa(maxPeople) + " of whom something is found. " +
				"A search names at most " + strconv.Itoa(maxNamed) + " patients. Roles without a caseload (front desk, 111, ambulance) name one, as they do for a history. People are found by demographics whoever looks after them.",
			"interaction": codes("transaction", "batch", "search-system", "history-system"),
			"operation":   operationsAt(onSystem, ""),
			"compartment": []string{"http://hl7.org/fhir/CompartmentDefinition/patient", "http://hl7.org/fhir/CompartmentDefinition/encounter", "http://hl7.org/fhir/CompartmentDefinition/relatedPerson",
				"http://hl7.org/fhir/CompartmentDefinition/practitioner", "http://hl7.org/fhir/CompartmentDefinition/device"},
			"security": fhir.Object{"cors": true, "service": []fhir.Object{fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/restful-security-service", "SMART-on-FHIR", "SMART on FHIR"))},
				"description": "Every request needs a bearer token and is decided, audited and narrowed by the citizen's choices and the rules of care. Answers to professionals say in their Link header that they may not be everything, and where emergency access is."}}},
	})
}

// instantiates are the statements of others that this server keeps.
func (q *request) instantiates() (out []string) {
	if q.Bulk != nil {
		out = append(out, "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data")
	}
	if q.Subscriptions != nil {
		out = append(out, "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4")
	}
	return out
}

// trailCapability is what can be done with AuditEvents.
func trailCapability(ps *search.Parameters) fhir.Object {
	c := capability(ps, "AuditEvent", nil)
	return fhir.Object{"type": "AuditEvent", "searchParam": c["searchParam"], "interaction": codes("read", "search-type"), "versioning": "no-version", "referencePolicy": []string{"literal", "logical"},
		"supportedProfile": balpProfiles(),
		"documentation": "The trail: who did what, when, why and under which rule, in the shape of IHE BALP, the latest first. A citizen reads that of their own record, who acts for them too (patient=ID), a privacy officer or Caldicott guardian that of the own organisation's users; " +
			"it is written by what is done, and by nobody else. A source system may keep AuditEvents of its own, as any type: they are no part of it."}
}

// balpProfiles are those that entries are made by.
func balpProfiles() (out []string) {
	for _, d := range deeds {
		if d.profile != "" {
			out = append(out, balpProfile+d.profile, balpProfile+"Patient"+d.profile)
		}
	}
	slices.Sort(out)
	return out
}

func codes(list ...string) (out []fhir.Object) {
	for _, c := range list {
		out = append(out, fhir.Object{"code": c})
	}
	return out
}

// capability is what can be done with one type.
func capability(ps *search.Parameters, t string, back []string) fhir.Object {
	params := []fhir.Object{
		{"name": "_content", "type": "string"}, {"name": "_text", "type": "string"}, {"name": "_list", "type": "special"},
		{"name": "_has", "type": "special"}, {"name": "_filter", "type": "special", "definition": "http://hl7.org/fhir/SearchParameter/filter"},
	}
	includes := []string{"*"}
	for _, p := range ps.Of(t) {
		params = append(params, fhir.Object{"name": p.Code, "type": p.Kind.String(), "definition": p.URL})
		if p.Kind == search.Reference {
			includes = append(includes, t+":"+p.Code)
		}
	}
	slices.Sort(back)
	return fhir.Object{"type": t, "searchParam": params, "searchInclude": includes, "searchRevInclude": slices.Compact(back),
		"interaction": codes("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"),
		"versioning":  "versioned-update", "readHistory": true, "updateCreate": true, "conditionalCreate": true, "conditionalRead": "full-support",
		"conditionalUpdate": true, "conditionalDelete": "multiple", "referencePolicy": []string{"literal", "logical"},
		"operation": operationsAt(onType|onInstance, t)}
}

// operationsAt are the operations that can be asked somewhere.
func operationsAt(at level, typ string) (out []fhir.Object) {
	for i := range operations {
		o := &operations[i]
		if o.at&at != 0 && (typ == "" || o.types == nil || slices.Contains(o.types, typ)) {
			out = append(out, fhir.Object{"name": o.name, "definition": o.definition})
		}
	}
	return out
}
