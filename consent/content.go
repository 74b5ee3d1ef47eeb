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
	case d.Items == nil && c.Related == nil && c.Dependents == nil:
		return true
	}
	for _, list := range [][]policy.Item{d.Items, c.Related, c.Referred, c.Dependents} {
		if slices.Contains(list, item) {
			return true
		}
	}
	return refers(r.Root(), c.Dependents)
}

// References are the items that anything in an instance refers to.
func References(n fhir.Node) (out []policy.Item) {
	if ref := n.Get("reference"); n.IsObject() && ref.IsString() {
		if typ, id, ok := strings.Cut(local(ref.Text()), "/"); ok {
			out = append(out, policy.Item{Type: typ, ID: id})
		}
	}
	for c := n.Children(); c.Next(); {
		out = append(out, References(c.Node())...)
	}
	return out
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
