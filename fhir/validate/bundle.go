package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
)

// entryOf is an entry of a Bundle, as its rules see it.
type entryOf struct {
	url      string
	resource fhir.Node
	method   fhir.Node
}

// entries are a Bundle's, in order.
func entries(bundle fhir.Node) []entryOf {
	var out []entryOf
	for c := bundle.Member("entry").Children(); c.Next(); {
		n := c.Node()
		out = append(out, entryOf{n.Member("fullUrl").View(), n.Member("resource"), n.Member("request").Member("method")})
	}
	return out
}

// bundled holds a Bundle against the rules that no invariant says.
// https://hl7.org/fhir/R4/bundle.html
func (x *run) bundled(bundle fhir.Node) {
	all := entries(bundle)
	for i := range all {
		x.push("entry", i)
		x.fullURL(&all[i])
		x.pop()
	}
	typ := bundle.Member("type").View()
	if typ != "document" && typ != "message" || len(all) == 0 {
		return
	}
	byURL := make(map[string]int, len(all))
	for i := range all {
		if _, twice := byURL[all[i].url]; !twice && all[i].url != "" {
			byURL[all[i].url] = i
		}
	}
	x.leads(all, byURL)
	if typ == "document" {
		x.reachable(all, byURL)
	}
}

// fullURL holds an entry's fullUrl against its resource.
// https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl
func (x *run) fullURL(e *entryOf) {
	if e.url == "" {
		return
	}
	if !strings.Contains(e.url, ":") {
		x.say(Error, fault.Invalid, "fullUrl is an absolute URL: it has a scheme, as in https:// or urn:uuid:")
		return
	}
	of := namedType(e.url)
	if of == "" || !e.resource.Exists() || !strings.HasPrefix(e.url, "http") || e.method.Is("POST") {
		return
	}
	id := e.resource.Member("id").View()
	switch {
	case id == "":
		x.say(Error, fault.Invalid, "fullUrl is that of a resource with an id, and the resource has none")
	case !strings.HasSuffix(e.url, "/"+e.resource.Member("resourceType").View()+"/"+id):
		x.say(Error, fault.Invalid, "fullUrl does not end in the resource's type and id")
	}
}

// find is the entry that a reference of another leads to; -1 where there is none.
// A relative reference is one to the server that the other's fullUrl names.
// https://hl7.org/fhir/R4/bundle.html#references
func find(byURL map[string]int, from *entryOf, ref string) int {
	ref, _, _ = strings.Cut(ref, "/_history/")
	if !strings.Contains(ref, ":") {
		of := namedType(from.url)
		base := strings.LastIndex(from.url, "/"+of+"/")
		if of == "" || base < 0 {
			return -1
		}
		ref = from.url[:base+1] + ref
	}
	if i, ok := byURL[ref]; ok {
		return i
	}
	return -1
}

// carriedBy are the references that a document or message must bring along, by
// the type of its first resource.
var carriedBy = map[string][]string{
	"Composition":   {"subject", "encounter", "author", "attester.party", "custodian", "event.detail", "section.author", "section.focus", "section.entry"},
	"MessageHeader": {"focus"},
}

// leads says which references of the first resource lead to nothing.
// https://hl7.org/fhir/R4/documents.html#content
func (x *run) leads(all []entryOf, byURL map[string]int) {
	first := &all[0]
	x.push("entry", 0)
	x.push("resource", -1)
	for _, path := range carriedBy[first.resource.Member("resourceType").View()] {
		x.lead(byURL, first, first.resource, strings.Split(path, "."))
	}
	x.pop()
	x.pop()
}

func (x *run) lead(byURL map[string]int, first *entryOf, n fhir.Node, path []string) {
	if len(path) == 0 {
		ref := n.Member("reference").View()
		if ref == "" || strings.HasPrefix(ref, "#") || find(byURL, first, ref) >= 0 {
			return
		}
		x.say(Error, fault.NotFound, "the reference leads to nothing in the Bundle: its resource is part of a document or message, under the fullUrl that the reference names")
		return
	}
	follow := func(child fhir.Node, k int) {
		x.push(path[0], k)
		x.lead(byURL, first, child, path[1:])
		if path[0] == "section" {
			k := 0
			for c := child.Member("section").Children(); c.Next(); k++ {
				x.push("section", k)
				x.lead(byURL, first, c.Node(), path[1:])
				x.pop()
			}
		}
		x.pop()
	}
	child := n.Member(path[0])
	if !child.IsArray() {
		if child.Exists() {
			follow(child, -1)
		}
		return
	}
	k := 0
	for c := child.Children(); c.Next(); k++ {
		follow(c.Node(), k)
	}
}

// reachable says which entries of a document have nothing to do with its
// Composition: no reference leads from the one to the other, by however many.
func (x *run) reachable(all []entryOf, byURL map[string]int) {
	linked := make([][]int, len(all))
	for i := range all {
		eachReference(all[i].resource, 0, func(ref string) {
			if k := find(byURL, &all[i], ref); k >= 0 && k != i {
				linked[i], linked[k] = append(linked[i], k), append(linked[k], i)
			}
		})
	}
	seen := make([]bool, len(all))
	seen[0] = true
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		for _, k := range linked[queue[0]] {
			if !seen[k] {
				seen[k] = true
				queue = append(queue, k)
			}
		}
	}
	for i, ok := range seen {
		if !ok {
			x.push("entry", i)
			x.say(Error, fault.Invalid, "nothing leads from the Composition to this entry, nor back: a document has only what belongs to it")
			x.pop()
		}
	}
}

// eachReference calls f for every Reference.reference in a resource.
func eachReference(n fhir.Node, depth int, f func(ref string)) {
	for c := n.Children(); c.Next(); {
		child := c.Node()
		if c.Named("reference") && child.IsString() {
			f(child.View())
			continue
		}
		if depth < fhir.MaxDepth {
			eachReference(child, depth+1, f)
		}
	}
}
