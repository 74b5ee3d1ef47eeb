package validate

import (
	"strings"

	"selda/fhir"
)

// contained says which contained resources nothing leads to, and which do not
// lead to their container: the invariant dom-3, with the links of narratives.
// https://hl7.org/fhir/R4/references.html#contained
func (x *run) contained(n fhir.Node) {
	list := n.Member("contained")
	if !list.Exists() {
		return
	}
	led := map[string]bool{} // what any "#id" in the resource names
	locals(n, led, 0)
	k := 0
	for c := list.Children(); c.Next(); k++ {
		id := c.Node().Member("id").View()
		if led[id] && id != "" {
			continue
		}
		back := map[string]bool{}
		if locals(c.Node(), back, 0); back[""] {
			continue
		}
		x.push("contained", k)
		x.report(Issue{Severity: Error, Code: "invariant", Key: "dom-3",
			Text: "nothing in the resource leads to this contained one, nor does it lead back: refer to it as #id, or take it out (dom-3)"})
		x.pop()
	}
}

// locals takes up what the references within a resource name: "" of # alone.
func locals(n fhir.Node, into map[string]bool, depth int) {
	for c := n.Children(); c.Next() && depth < fhir.MaxDepth; {
		child := c.Node()
		switch {
		case !child.IsString():
			locals(child, into, depth+1)
		case c.Named("div"):
			for _, name := range []string{"href", "src"} {
				for v := range attributes(child.View(), name) {
					if id, local := strings.CutPrefix(v, "#"); local {
						into[id] = true
					}
				}
			}
		default:
			if id, local := strings.CutPrefix(child.View(), "#"); local {
				into[id] = true
			}
		}
	}
}
