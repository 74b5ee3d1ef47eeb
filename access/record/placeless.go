package record

import "selda/fhir"

// Placeless is a Patient or a related person without what tells where somebody
// lives or how to reach them: of a citizen whose address is withheld no source's
// word shows it (G13). Anything else is as it was.
func Placeless(typ string, body []byte) []byte {
	if typ != "Patient" && typ != "RelatedPerson" {
		return body
	}
	return fhir.Without(body, "address", "telecom", "contact", "text")
}
