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
	x.textLinks(n)
	div := n.Member("div").View()
	if !strings.Contains(div, "href=") {
		return
	}
	x.push("div", -1)
	defer x.pop()
	var anchors map[string]bool
	for link := range attributes(div, "href") {
		anchor, local := strings.CutPrefix(link, "#")
		if local && anchors == nil {
			anchors = map[string]bool{}
			anchorsOf(div, anchors)
			anchored(x.env.Resource.Node(), anchors, 0)
		}
		switch {
		case local && anchor != "" && !anchors[anchor]:
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

// anchorsOf takes up the ids and names in XHTML.
func anchorsOf(div string, into map[string]bool) {
	for _, name := range []string{"id", "name"} {
		for v := range attributes(div, name) {
			into[v] = true
		}
	}
}

// anchored takes up all ids in a resource, its narratives' among them.
func anchored(n fhir.Node, into map[string]bool, depth int) {
	for c := n.Children(); c.Next() && depth < fhir.MaxDepth; {
		child := c.Node()
		switch {
		case c.Named("id") && child.IsString():
			into[child.View()] = true
		case c.Named("div") && child.IsString():
			anchorsOf(child.View(), into)
		default:
			anchored(child, into, depth+1)
		}
	}
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
