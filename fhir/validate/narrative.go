package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
)

// narrative holds the links of a narrative: those to elsewhere have a scheme that
// a reader can follow, those within lead to something.
// https://hl7.org/fhir/R4/narrative.html#id
func (x *run) narrative(n fhir.Node) {
	div := n.Member("div").View()
	if !strings.Contains(div, "href=") {
		return
	}
	x.push("div", -1)
	defer x.pop()
	for link := range attributes(div, "href") {
		anchor, local := strings.CutPrefix(link, "#")
		switch {
		case local && anchor != "" && !x.anchored(div, anchor):
			x.say(Error, fault.NotFound, "a link of the narrative leads to #"+shorten(anchor)+", and nothing has this id")
		case local:
		default:
			scheme, _, absolute := strings.Cut(link, ":")
			if absolute && !followed[strings.ToLower(scheme)] && !strings.ContainsAny(scheme, "/?") {
				x.say(Error, fault.Invalid, "a link of the narrative has a scheme that no reader can follow")
			}
		}
	}
}

// followed are the schemes that links may have.
var followed = map[string]bool{"http": true, "https": true, "mailto": true, "tel": true, "ftp": true, "sftp": true}

// attributes gives the values of an attribute in XHTML.
func attributes(div, name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, rest, ok := strings.Cut(div, " "+name+"=\"")
			if !ok {
				return
			}
			value, after, ok := strings.Cut(rest, "\"")
			if !ok || !yield(value) {
				return
			}
			div = after
		}
	}
}

// anchored says whether an id stands in the narrative or in its resource.
func (x *run) anchored(div, id string) bool {
	for _, name := range []string{"id", "name"} {
		for v := range attributes(div, name) {
			if v == id {
				return true
			}
		}
	}
	return hasID(x.env.Resource.Node(), id, 0)
}

func hasID(n fhir.Node, id string, depth int) bool {
	if n.Member("id").Is(id) {
		return true
	}
	for c := n.Children(); c.Next() && depth < fhir.MaxDepth; {
		if hasID(c.Node(), id, depth+1) {
			return true
		}
	}
	if div := n.Member("div"); div.IsString() {
		for v := range attributes(div.View(), "id") {
			if v == id {
				return true
			}
		}
	}
	return false
}

func shorten(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

// ids says where an element's id is one that another of the resource has.
// https://hl7.org/fhir/R4/element.html#id
func (x *run) ids(n fhir.Node, seen map[string]bool, depth int) map[string]bool {
	if depth > fhir.MaxDepth {
		return seen
	}
	k := 0
	list := n.IsArray()
	for c := n.Children(); c.Next(); k++ {
		child := c.Node()
		if !child.IsObject() && !child.IsArray() || c.Named("contained") {
			continue
		}
		name := ""
		if !list {
			if name = string(c.Name()); child.IsObject() {
				x.push(strings.TrimPrefix(name, "_"), -1)
			}
		}
		switch {
		case child.IsArray():
			x.push(strings.TrimPrefix(name, "_"), -1)
			seen = x.ids(child, seen, depth+1)
			x.pop()
			continue
		case list:
			x.path[len(x.path)-1].index = k
		}
		if !child.Member("resourceType").Exists() { // a resource has ids of its own
			if id := child.Member("id"); id.IsString() {
				if seen[id.View()] {
					x.say(Error, fault.Duplicate, "another element of the resource has this id")
				}
				if seen == nil {
					seen = map[string]bool{}
				}
				seen[id.View()] = true
			}
			seen = x.ids(child, seen, depth+1)
		}
		if !list {
			x.pop()
		}
	}
	return seen
}
