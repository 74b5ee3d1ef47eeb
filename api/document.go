package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

func init() {
	offer(operation{name: "document", at: onInstance, types: []string{"Composition"}, definition: core + "Composition-document", run: (*request).document})
}

// maxDocument is how many resources a document holds.
const maxDocument = 2000

// document makes a document of a Composition: a Bundle with everything that it
// refers to, and what that refers to, as far as the one who asks may read it.
// https://hl7.org/fhir/R4/composition-operation-document.html
func (q *request) document(typ, id string) error {
	const op = "api.document"
	args, err := q.arguments()
	if err != nil {
		return err
	}
	if args.text("persist") == "true" {
		return fault.E(op, fault.NotSupported, "a document is given, and not kept: post it to /fhir/Bundle", "persist")
	}
	f, err := q.fieldFor(typ, id)
	if err != nil {
		return err
	}
	first, err := f.get(typ, id)
	if err != nil {
		return err
	}
	if first == nil {
		return fault.E(op, fault.NotFound, "there is no such resource")
	}
	have := map[string]bool{typ + "/" + id: true}
	all := []*hit{first}
	for i := 0; i < len(all); i++ {
		for _, t := range referred(all[i]) {
			if ref := t.Type + "/" + t.ID; !have[ref] {
				have[ref] = true
				h, err := f.get(t.Type, t.ID)
				if err != nil {
					return err
				}
				if h != nil {
					all = append(all, h)
				}
				if len(all) > maxDocument {
					return fault.E(op, fault.TooCostly, "the document would hold more than 2000 resources")
				}
			}
		}
	}
	b := newBundle("document")
	b.meta = q.tagged()
	sum := sha256.New()
	for _, h := range all {
		body := h.body()
		sum.Write(body)
		b.add(entry{full: q.base + "/" + h.Type + "/" + h.ID, resource: body})
	}
	b.identifier = fhir.Object{"system": "urn:ietf:rfc:3986", "value": "urn:sha256:" + hex.EncodeToString(sum.Sum(nil))}
	b.timestamp = q.Now()
	q.send(http.StatusOK, b.bytes(-1, nil))
	return nil
}

// referred are the resources of this server that a resource refers to.
func referred(h *hit) (out []search.Target) {
	fhir.RewriteReferences(h.Res.JSON, func(ref string) string {
		if t := search.ParseReference(ref); t.Type != "" && t.URL == "" {
			out = append(out, t)
		}
		return ref
	})
	return out
}

// fieldFor is the field that a resource is read in.
func (q *request) fieldFor(typ, id string) (field, error) {
	if q.system() {
		return q.ownField(typ+"/"+id, store.Latest)
	}
	return q.fieldOf(typ, id, store.Latest)
}
