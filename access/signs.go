package access

import (
	"slices"
	"strings"

	"selda/fhir"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
)

// Signs of an access that a privacy officer should look at. No decision rests
// on them: they are noted in the entry of the trail as it is made, from the
// facts that the decision had, so that nothing is read again to find them.
const (
	SignOwn        = "own record"
	SignFamily     = "same family name"
	SignRestricted = "restricted record"
)

// known is what the sources' Patients say that makes a sign, and what else is
// weighed before a decision.
type known struct {
	families   []string
	restricted bool
	left       []nhs.ODS // practices that say that the person is no longer registered
}

func (k *known) add(r *fhir.Resource) {
	for _, n := range r.Root().List("name") {
		if f := fold.Name(n.Get("family").Text()); f != "" && !slices.Contains(k.families, f) {
			k.families = append(k.families, f)
		}
	}
	for _, s := range r.Root().List("meta", "security") {
		if c := s.Get("code"); c.Is("R") || c.Is("V") || c.Is("REDACTED") {
			k.restricted = true
		}
	}
}

// signs are those of a professional's access.
func (k *known) signs(s policy.Subject, f policy.Facts) []string {
	switch s.Role {
	case nhs.Citizen, nhs.Proxy, nhs.SourceSystem:
		return nil
	}
	var out []string
	if !s.NHSNumber.IsZero() && slices.Contains(f.NHSNumbers, s.NHSNumber) {
		out = append(out, SignOwn)
	}
	names := strings.Fields(s.Name)
	if n := len(names); n > 1 && slices.Contains(k.families, fold.Name(names[n-1])) {
		out = append(out, SignFamily)
	}
	if k.restricted {
		out = append(out, SignRestricted)
	}
	return out
}
