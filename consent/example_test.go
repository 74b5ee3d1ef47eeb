package consent_test

import (
	"fmt"
	"time"

	"selda/consent"
	"selda/fhir"
)

// The objection that hides everything but what an organisation wrote itself (G4).
func ExampleRead() {
	r, err := fhir.Parse([]byte(`{"resourceType":"Consent","status":"active","dateTime":"2026-11-25",
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},
		"provision":{"type":"deny"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	s := consent.Read(r, consent.Version{ID: "c1", Source: "SELDA:ME", Recorded: now}, nil)
	fmt.Println(consent.Words(s.Preference, now, consent.Names{}))
	// Output: Everything is kept from everyone
}
