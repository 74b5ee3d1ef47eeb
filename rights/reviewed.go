package rights

import "selda/policy"

// Reviewed is what was decided of one item of a copy.
type Reviewed struct {
	Item    policy.Item `json:"item"`
	Version int         `json:"version"` // of the item that was looked at
	Release bool        `json:"release"`
	// Exemption is why it is withheld.
	Exemption string `json:"exemption,omitempty"`
	// Opinion is the health professional's whose opinion it rests on.
	Opinion string `json:"opinion,omitempty"`
}
