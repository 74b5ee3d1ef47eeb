package optout

import "selda/nhs"

// Gateway is the legal gateway of a release for another use than the person's
// own care (G3).
type Gateway string

// The gateways.
const (
	ExplicitConsent Gateway = "explicit-consent" // each person has agreed to this use
	Section251      Gateway = "s251"             // National Health Service Act 2006, section 251
	Statute         Gateway = "statute"          // the law requires it, or a court
	Anonymised      Gateway = "anonymised"       // nobody can be told from it; pseudonymised data are not that
)

// Gateways are all of them.
var Gateways = []Gateway{ExplicitConsent, Section251, Statute, Anonymised}

// Applied says which opt-outs apply to a release, and why.
type Applied struct {
	National, TypeOne bool
	Why               string
}

// care are the purposes that are individual care, or what goes with it.
var care = map[nhs.Purpose]bool{nhs.Treatment: true, nhs.Emergency: true, nhs.PatientRequest: true, nhs.RecordAdmin: true, nhs.Operations: true, nhs.PrivacyReview: true, "ETREAT": true, "CAREMGT": true, "COC": true}

// Applies says which opt-outs apply to a use of data, by its purpose and its
// gateway. Where the gateway is not known both apply.
func Applies(p nhs.Purpose, g Gateway) Applied {
	switch {
	case care[p]:
		return Applied{Why: "this is individual care, or what goes with it: opt-outs do not apply (G3)"}
	case g == ExplicitConsent:
		return Applied{Why: "each person has agreed to this very use: that stands above an opt-out"}
	case g == Statute:
		return Applied{Why: "the law requires it: opt-outs do not apply to what the law requires"}
	case g == Anonymised:
		return Applied{Why: "nobody can be told from what is released: opt-outs are about confidential patient information"}
	case g == Section251:
		return Applied{true, true, "confidential patient information is used for another purpose than care, with support under section 251: both opt-outs apply"}
	}
	return Applied{true, true, "no gateway is known: both opt-outs apply"}
}
