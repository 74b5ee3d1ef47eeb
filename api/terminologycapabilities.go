package api

import (
	"net/http"

	"selda/fhir"
	"selda/terminology"
)

// expandParameters are those of $expand that are used. Those with a type shape
// the expansion, which says so.
var expandParameters = []struct{ name, typ string }{{"url", ""}, {"valueSet", ""}, {"valueSetVersion", ""}, {"context", ""}, {"contextDirection", ""}, {"date", ""}, {"filter", "String"}, {"offset", "Integer"}, {"count", "Integer"},
	{"activeOnly", "Boolean"}, {"displayLanguage", "Code"}, {"includeDesignations", "Boolean"}, {"designation", "String"}, {"property", "String"}, {"includeDefinition", "Boolean"}, {"excludeNested", "Boolean"},
	{"excludeNotForUI", "Boolean"}, {"exclude-system", "Uri"}, {"system-version", "Uri"}, {"force-system-version", "Uri"}, {"check-system-version", "Uri"}}

// terminologyCapabilities says which code systems are loaded, and what can be
// asked of them. Like the CapabilityStatement it needs no sign-in.
// https://hl7.org/fhir/R4/terminologycapabilities.html
func (q *request) terminologyCapabilities() {
	s := terminology.New(terminology.R4)
	var err error
	if q.Terminology != nil {
		if s, err = q.Terminology(); err != nil {
			q.fail(err)
			return
		}
	}
	list, err := s.CodeSystems()
	if err != nil {
		q.fail(err)
		return
	}
	var systems []fhir.Object
	for i := 0; i < len(list); {
		var versions []fhir.Object
		first := i
		for ; i < len(list) && list[i].System == list[first].System; i++ {
			if list[i].Version != "" {
				versions = append(versions, fhir.Object{"code": list[i].Version, "isDefault": i == first})
			}
		}
		systems = append(systems, fhir.Object{"uri": list[first].System, "version": versions, "subsumption": true})
	}
	var parameters []fhir.Object
	for _, p := range expandParameters {
		parameters = append(parameters, fhir.Object{"name": p.name})
	}
	q.send(http.StatusOK, fhir.Marshal(fhir.Object{"resourceType": "TerminologyCapabilities", "status": "active", "date": fhir.Instant(q.Now()), "kind": "instance",
		"software": fhir.Object{"name": "SELDA", "version": q.Version}, "implementation": fhir.Object{"description": "The shared care record of South East London", "url": q.base},
		"codeSystem": systems, "expansion": fhir.Object{"hierarchical": true, "paging": true, "incomplete": false, "parameter": parameters, "textFilter": "words, each the beginning of one in a name, or a code"},
		"codeSearch": "explicit", "validateCode": fhir.Object{"translations": true}, "translation": fhir.Object{"needsMap": false}}))
}
