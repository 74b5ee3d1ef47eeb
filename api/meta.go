package api

import (
	"net/http"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
)

func init() {
	offer(
		operation{name: "meta", at: onInstance, definition: core + "Resource-meta", run: (*request).metaOf},
		operation{name: "meta-add", at: onInstance, changes: true, definition: core + "Resource-meta-add", run: func(q *request, typ, id string) error { return q.changeMeta(typ, id, true) }},
		operation{name: "meta-delete", at: onInstance, changes: true, definition: core + "Resource-meta-delete", run: func(q *request, typ, id string) error { return q.changeMeta(typ, id, false) }},
		operation{name: "convert", at: onSystem, definition: core + "Resource-convert", run: (*request).convert},
	)
}

// metaOf gives a resource's profiles, tags and labels.
// https://hl7.org/fhir/R4/resource-operation-meta.html
func (q *request) metaOf(typ, id string) error {
	r, err := q.stored(typ, id)
	if err != nil {
		return err
	}
	return q.answerMeta(r)
}

// metaOfVersion is metaOf a version that was.
func (q *request) metaOfVersion(typ, id, version string) error {
	_, body, err := q.version(typ, id, version)
	if err != nil {
		return err
	}
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return err
	}
	return q.answerMeta(r)
}

func (q *request) answerMeta(r *fhir.Resource) error {
	out := `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":`
	meta := r.Get("meta").JSON()
	if len(meta) == 0 {
		meta = []byte("{}")
	}
	q.send(http.StatusOK, append(append([]byte(out), meta...), "}]}"...))
	return nil
}

// changeMeta adds to a resource's profiles, tags and labels, or takes away.
// https://hl7.org/fhir/R4/resource-operation-meta-add.html
func (q *request) changeMeta(typ, id string, add bool) error {
	args, err := q.arguments()
	if err != nil {
		return err
	}
	if len(args.parts["meta"]) != 1 {
		return fault.E("api.meta", fault.Required, "the input is Parameters with a parameter meta", "meta")
	}
	change := args.parts["meta"][0].Get("valueMeta")
	if err := q.mayWrite(audit.Update, typ+"/"+id); err != nil {
		return err
	}
	body, version, err := q.patched(typ, id, 0, func(compact []byte) ([]byte, error) { return withMeta(compact, change, add) })
	if err != nil {
		return err
	}
	if _, err := q.submit("META"+strings.TrimPrefix(putCall(typ, id, version), "PUT"), body, q.subject.Source, ""); err != nil {
		return err
	}
	r, err := q.stored(typ, id)
	if err != nil {
		return err
	}
	return q.answerMeta(r)
}

// withMeta is a resource with more, or fewer, profiles, tags and labels.
func withMeta(compact []byte, change fhir.Node, add bool) ([]byte, error) {
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	same := func(a, b fhir.Node) bool {
		if a.IsString() {
			return a.Text() == b.Text()
		}
		return a.Get("system").Text() == b.Get("system").Text() && a.Get("code").Text() == b.Get("code").Text()
	}
	has := func(list []fhir.Node, n fhir.Node) bool {
		for _, x := range list {
			if same(x, n) {
				return true
			}
		}
		return false
	}
	meta := fhir.Object{}
	for _, name := range []string{"profile", "tag", "security"} {
		now, said := r.Root().List("meta", name), change.List(name)
		list := []byte{'['}
		put := func(n fhir.Node) {
			if len(list) > 1 {
				list = append(list, ',')
			}
			list = append(list, n.JSON()...)
		}
		for _, n := range now {
			if add || !has(said, n) {
				put(n)
			}
		}
		for _, n := range said {
			if add && !has(now, n) {
				put(n)
			}
		}
		if len(list) > 1 {
			meta[name] = rawJSON(append(list, ']'))
		}
	}
	kept := fhir.Without(r.Get("meta").JSON(), "profile", "tag", "security")
	if !r.Get("meta").Exists() {
		kept = []byte("{}")
	}
	return fhir.Overlay(fhir.Without(compact, "meta"), fhir.Marshal(fhir.Object{"meta": rawJSON(fhir.Overlay(kept, fhir.Marshal(meta)))})), nil
}

// convert gives a resource in the other format, as Accept asks.
// https://hl7.org/fhir/R4/resource-operation-convert.html
func (q *request) convert(_, _ string) error {
	if _, err := q.Access.Directory(q.r.Context(), q.subject, "$convert"); err != nil {
		return err
	}
	args, err := q.arguments()
	if err != nil {
		return err
	}
	r, err := args.resource("input")
	if err != nil {
		return err
	}
	if r == nil && args.body != nil {
		r = args.body // Parameters themselves are converted, too
	}
	if r == nil {
		return fault.E("api.convert", fault.Required, "say what is to be converted: a resource, as JSON or XML", "input")
	}
	if q.xml {
		if _, err := fhir.ToXML(r.JSON); err != nil { // what R4 does not know has no place in XML
			return fault.E("api.convert", fault.Structure, fault.Reason(err), fault.PlaceOf(err))
		}
	}
	q.send(http.StatusOK, r.JSON)
	return nil
}
