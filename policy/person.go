package policy

import (
	"crypto/sha256"
	"encoding/hex"

	"selda/nhs"
)

// Person is the resource that stands for who signed in, by type and id: what
// SMART calls fhirUser. Its id says nothing. A citizen's is their Patient, which
// is found by number; theirs here is of no use.
func (s *Subject) Person() (typ, id string) {
	sum := sha256.Sum256([]byte("person of " + s.User))
	id = "account-" + hex.EncodeToString(sum[:12])
	if s.Role == nhs.Proxy {
		return "Person", id
	}
	return "Practitioner", id
}
