package search

import (
	"strings"

	"selda/fhir"
)

// Written are the values that a parameter finds in a resource, as a client
// writes them to find it.
func (p *Parameter) Written(res *fhir.Resource) (out []string) {
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	_ = p.each(res, func(e element) bool {
		switch p.Kind {
		case Token:
			tokens(e, func(system, code, _ string, _ bool) bool {
				switch {
				case code == "":
				case system == "":
					add(Escaped(code))
				default:
					add(Escaped(system) + "|" + Escaped(code))
				}
				return false
			})
		case String:
			texts(e, func(s string, _ bool) bool {
				if folded(s) != "" {
					add(Escaped(s))
				}
				return false
			})
		case Reference:
			if ref, ok := e.reference(); ok && !strings.HasPrefix(ref, "#") {
				add(Escaped(ref))
			}
		case URI:
			add(Escaped(e.text()))
		case Date:
			switch e.typ {
			case "date", "dateTime", "instant":
				if _, ok := spanOf(e.text()); ok {
					add(e.text())
				}
			case "Period":
				if s := e.node.Get("start").Text(); s != "" {
					add("ge" + s)
				}
			}
		case Number:
			add(e.text())
		case Quantity:
			if v := e.node.Get("value"); v.Exists() && !e.node.Get("comparator").Exists() {
				add(v.Text() + "|" + Escaped(e.node.Get("system").Text()) + "|" + Escaped(e.node.Get("code").Text()))
			}
		}
		return false
	})
	return out
}

// Escaped is a text as it stands in a search.
func Escaped(s string) string {
	for _, c := range []string{`\`, "|", ",", "$"} {
		s = strings.ReplaceAll(s, c, `\`+c)
	}
	return s
}
