package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

func init() {
	offer(operation{name: "document", at: onType | onInstance, types: []string{"Composition"}, definition: core + "Composition-document", run: (*request).document})
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
	if id, err = documented(args, id); err != nil {
		return err
	}
	f, err := q.fieldFor(typ, id, store.Latest)
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
	if args.text("persist") == "true" {
		return q.persist(b.bytes(-1, nil))
	}
	q.send(http.StatusOK, b.bytes(-1, nil))
	return nil
}

// documented is the Composition that is meant: that of the URL, or of the parameter id.
func documented(args *arguments, id string) (string, error) {
	const op = "api.document"
	named := args.text("id")
	switch {
	case args.text("graph") != "":
		return "", fault.E(op, fault.NotSupported, "what a document holds is what its Composition refers to: no GraphDefinition is followed", "graph")
	case id == "" && !fhir.IsID(named):
		return "", fault.E(op, fault.Required, "say which Composition, by its id on this server", "id")
	case id == "":
		return named, nil
	case named != "":
		return "", fault.E(op, fault.Invalid, "the URL says already which Composition is meant", "id")
	}
	return id, nil
}

// persist keeps a document as a Bundle, by the rules of a create.
func (q *request) persist(document []byte) error {
	if err := q.mayWrite(audit.Create, "Bundle"); err != nil {
		return err
	}
	out, err := q.submit("POST Bundle", document, q.subject.Source, "")
	if err != nil {
		return err
	}
	i, ok := itemOf(out, "Bundle")
	if !ok {
		return fault.E("api.document", "nothing was written")
	}
	q.w.Header().Set("Location", q.base+"/Bundle/"+i.ID)
	q.send(http.StatusOK, fhir.Dress(i.Body, i.ID, strconv.Itoa(i.Version), i.At))
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

// fieldFor is the field that a resource is read in, as at n.
func (q *request) fieldFor(typ, id string, n uint64) (field, error) {
	if q.system() {
		return q.ownField(typ+"/"+id, n)
	}
	return q.fieldOf(typ, id, n)
}
