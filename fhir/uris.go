package fhir

import (
	"bytes"
	"regexp"
)

// RewriteURIs gives what a resource links to by URI to f, and puts what it answers
// in its place: elements of the types uri, url, oid and uuid, and the links and
// images of narratives. Canonical URLs stay, and References are RewriteReferences's.
// https://hl7.org/fhir/R4/http.html#trules
func RewriteURIs(compact []byte, f func(uri string) string) []byte {
	root, err := ParseTree(compact)
	if err != nil {
		return compact
	}
	w := uriWriter{f: f, in: compact}
	w.object(root, root.Get("resourceType").Text())
	if w.done == 0 {
		return compact
	}
	return append(w.out, compact[w.done:]...)
}

type uriWriter struct {
	f       func(string) string
	in, out []byte
	done    int // how much of in is in out
}

func (w *uriWriter) object(n Node, typ string) {
	t := xmlTypes()[typ]
	n.Each(func(name string, child Node) {
		e, ok := t[name]
		if !ok {
			return
		}
		if !child.IsArray() {
			w.value(child, e)
			return
		}
		for _, one := range child.List() {
			w.value(one, e)
		}
	})
}

func (w *uriWriter) value(n Node, e xmlElement) {
	switch e.shape {
	case complexShape:
		w.object(n, e.typ)
	case resourceShape:
		w.object(n, n.Get("resourceType").Text())
	case xhtmlShape:
		w.replace(n, linked.ReplaceAllStringFunc(n.Text(), func(attribute string) string {
			m := linked.FindStringSubmatch(attribute)
			if to := w.f(m[2]); to != m[2] {
				return m[1] + `"` + to + `"`
			}
			return attribute
		}))
	default:
		switch e.typ {
		case "uri", "url", "oid", "uuid":
			w.replace(n, w.f(n.Text()))
		}
	}
}

// linked is an attribute of a narrative that leads somewhere by urn:.
var linked = regexp.MustCompile(`(\s(?:href|src)\s*=\s*)["'](urn:[^"'<>&\s]*)["']`)

func (w *uriWriter) replace(n Node, by string) {
	start, end := n.Span()
	quoted := appendString(nil, by)
	if !n.IsString() || n.Text() == by || bytes.Equal(w.in[start:end], quoted) {
		return
	}
	w.out = append(append(w.out, w.in[w.done:start]...), quoted...)
	w.done = end
}
