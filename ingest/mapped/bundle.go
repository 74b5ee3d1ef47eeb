package mapped

import (
	"encoding/json"

	"selda/fhir"
)

// Bundle is a message as a FHIR collection Bundle, for people who look at what
// a mapping does: references are by urn:selda:key.
func Bundle(m *Message) []byte {
	var entries []fhir.Object
	for i, p := range m.Patients {
		body := p.Body
		if len(body) == 0 {
			var ids []fhir.Object
			for _, id := range p.Identifiers {
				ids = append(ids, fhir.Object{"system": id.System, "value": id.Value})
			}
			body = fhir.Marshal(fhir.Object{"resourceType": "Patient", "identifier": ids})
		}
		entries = append(entries, fhir.Object{"fullUrl": PatientRef(i), "resource": json.RawMessage(body)})
	}
	for _, r := range m.Resources {
		entries = append(entries, fhir.Object{"fullUrl": Ref(r.Type, r.Key), "resource": json.RawMessage(r.Body)})
	}
	return fhir.Marshal(fhir.Object{"resourceType": "Bundle", "type": "collection", "entry": entries})
}
