package consent

import (
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/policy"
)

// Holds says whether an item is among those that a rule's content is about. A
// clinical time that is not known is in every period: so it is withheld, and
// permit says that it is not to be given back.
func Holds(d *policy.Data, permit bool, item policy.Item, r *fhir.Resource, when time.Time) bool {
	c := d.Content
	switch {
	case c == nil:
		return true
	case when.IsZero() && (!c.From.IsZero() || !c.To.IsZero()) && permit:
		return false
	case !when.IsZero() && (when.Before(c.From) || !c.To.IsZero() && !when.Before(c.To)):
		return false
	case len(c.Codes) > 0 && !coded(r.Root(), c.Codes):
		return false
	case d.Items == nil && c.Related == nil:
		return true
	}
	return slices.Contains(d.Items, item) || slices.Contains(c.Related, item) || refers(r.Root(), c.Related)
}

// coded says whether a code is found anywhere in an instance.
// https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision.code
func coded(n fhir.Node, codes []policy.Code) bool {
	if code := n.Get("code"); n.IsObject() && code.IsString() {
		system := n.Get("system")
		for _, c := range codes {
			if code.Is(c.Code) && (c.System == "" || system.Is(c.System)) {
				return true
			}
		}
	}
	return within(n, func(child fhir.Node) bool { return coded(child, codes) })
}

// refers says whether anything in an instance refers to one of the items.
func refers(n fhir.Node, items []policy.Item) bool {
	if ref := n.Get("reference"); n.IsObject() && ref.IsString() {
		typ, id, _ := strings.Cut(local(ref.Text()), "/")
		if slices.Contains(items, policy.Item{Type: typ, ID: id}) {
			return true
		}
	}
	return within(n, func(child fhir.Node) bool { return refers(child, items) })
}

func within(n fhir.Node, holds func(fhir.Node) bool) bool {
	for c := n.Children(); c.Next(); {
		if holds(c.Node()) {
			return true
		}
	}
	return false
}
