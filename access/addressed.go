package access

import (
	"context"
	"strings"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// sent are the resources that say to whom something was sent for the
// citizen's care, with the element that names whom and those that name what
// goes with it (G4).
var sent = map[string]struct{ to, with []string }{
	"ServiceRequest":    {[]string{"performer"}, []string{"supportingInfo", "reasonReference"}},
	"MedicationRequest": {[]string{"dispenseRequest.performer"}, nil},
	"Task":              {[]string{"owner"}, []string{"focus"}},
	"Communication":     {[]string{"recipient"}, []string{"payload.contentReference", "about"}},
	"DocumentManifest":  {[]string{"recipient"}, []string{"content"}},
	"DocumentReference": {[]string{"context.related"}, nil},
}

var sentTypes = []string{"ServiceRequest", "MedicationRequest", "Task", "Communication", "DocumentManifest", "DocumentReference"}

// addressed adds what a subject's sources have sent to somebody. A source can
// only give away what it wrote itself.
func (a *Access) addressed(ctx context.Context, f *policy.Facts, s store.Subject, n uint64) error {
	versions, err := a.Store.Compartment(ctx, s, n, system, sentTypes...)
	if err != nil {
		return err
	}
	for _, v := range versions {
		r, err := v.Resource()
		if err != nil {
			return err
		}
		if r.Get("status").Is("entered-in-error") {
			continue
		}
		kind := sent[v.Type]
		items := []policy.Item{{Type: v.Type, ID: v.ID}}
		for _, path := range kind.with {
			for _, ref := range list(r.Root(), path) {
				if i, ok := a.written(ctx, v, ref, n); ok {
					items = append(items, i)
				}
			}
		}
		for _, path := range kind.to {
			for _, ref := range list(r.Root(), path) {
				o := a.organisation(ctx, ref)
				if o == "" {
					continue
				}
				for _, i := range items {
					f.Addressed = append(f.Addressed, policy.Addressed{Organisation: o, Item: i})
				}
			}
		}
	}
	return nil
}

// written is the item that a reference names, where it is of the same source
// and person as the version that names it.
func (a *Access) written(ctx context.Context, by *store.Version, ref fhir.Node, n uint64) (policy.Item, bool) {
	typ, id, ok := strings.Cut(ref.Get("reference").Text(), "/")
	if !ok {
		return policy.Item{}, false
	}
	v, err := a.Store.Read(ctx, typ, id, n, system)
	if err != nil || v.Source.Organisation() != by.Source.Organisation() || v.Subject != by.Subject {
		return policy.Item{}, false
	}
	return policy.Item{Type: typ, ID: id}, true
}

// list are the elements at a path of names, whatever of it repeats.
func list(n fhir.Node, path string) []fhir.Node {
	name, rest, more := strings.Cut(path, ".")
	found := n.List(name)
	if !more {
		return found
	}
	var out []fhir.Node
	for _, f := range found {
		out = append(out, list(f, rest)...)
	}
	return out
}
