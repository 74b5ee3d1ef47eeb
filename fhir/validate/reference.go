package validate

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// reference holds a Reference against the types that it may lead to.
// https://hl7.org/fhir/R4/references.html
func (x *run) reference(it *fhirpath.Item, r *rule) {
	n := it.Node()
	text := n.Member("reference").View()
	target, found := x.target(text)
	if id, local := strings.CutPrefix(text, "#"); local && !found {
		words := "nothing is contained under this id"
		if id == "" {
			words = "# alone leads to the resource itself, which is not at hand"
		}
		x.say(Error, fault.NotFound, words)
		return
	}
	if text != "" && !found && !wellFormed(text) {
		x.say(Warning, fault.Value, "a reference within a server is written Type/id, with a type of FHIR R4: Patient/123")
	}
	if !found && x.leadsNowhere(text) {
		x.report(Issue{Severity: Warning, Code: "not-found", Text: "the reference leads to nothing that you can see here: it is taken nevertheless, since it may come later"})
	}
	name := typeOf(n, target, text)
	if says := namedType(text); says != "" && found && says != name {
		x.say(Error, fault.Invalid, "the reference names a "+says+", and what it leads to is a "+name)
		return
	}
	for _, t := range r.types {
		if t.Code == "Reference" && t.Contained && !t.Bundled && text != "" && !strings.HasPrefix(text, "#") {
			x.say(Error, fault.Invalid, "a reference to a contained resource is needed here: #id")
		}
	}
	targets, any := references(r.types)
	if any || name == "" {
		return
	}
	if slices.ContainsFunc(targets, func(url string) bool { return x.v.allows(url, name) }) {
		x.conforming(target, found, targets)
		return
	}
	x.say(Error, fault.Invalid, "the reference leads to a "+name+": here it may lead to "+names(targets)+" only")
}

// conforming holds what a reference leads to, where that is at hand, against the
// profiles of which it must meet one.
func (x *run) conforming(target fhir.Node, found bool, targets []string) {
	if !found || x.follows >= maxFollowed {
		return
	}
	it := fhirpath.Resource(target)
	for _, url := range targets {
		t, err := x.v.tree(url)
		if t == nil || err != nil || !t.Constraint && it.Datatype().Is(fhir.DatatypeOf(t.Type)) {
			return
		}
	}
	x.follows++
	defer func() { x.follows-- }()
	for _, url := range targets {
		if t, _ := x.v.tree(url); x.conforms(&it, t) {
			return
		}
	}
	x.say(Error, fault.Invalid, "what the reference leads to conforms to none of the profiles that are allowed here: "+names(targets))
}

// maxFollowed bounds how far references are followed from one resource to
// another, since they may lead in circles.
const maxFollowed = 4

// typeOf is the type of what a reference leads to, as far as it is known: that of
// the resource, the one that its text names, or the one that it says.
func typeOf(n, target fhir.Node, text string) string {
	if t := target.Member("resourceType").View(); t != "" {
		return t
	}
	if t := namedType(text); t != "" {
		return t
	}
	if t := n.Member("type").View(); fhir.IsResourceType(t) {
		return t
	}
	return ""
}

// wellFormed says whether a reference is absolute, or one that a server can resolve:
// to a resource, to a version of it, or by a search.
// https://hl7.org/fhir/R4/references.html#literal
func wellFormed(ref string) bool {
	if scheme, _, absolute := strings.Cut(ref, ":"); absolute && !strings.ContainsAny(scheme, "/?#") {
		return true
	}
	if typ, _, search := strings.Cut(ref, "?"); search {
		return fhir.IsResourceType(typ)
	}
	ref, _, _ = strings.Cut(ref, "#")
	parts := strings.Split(strings.TrimPrefix(ref, "/"), "/")
	switch len(parts) {
	case 2:
	case 4:
		if parts[2] != "_history" || !fhir.IsID(parts[3]) {
			return false
		}
	default:
		return false
	}
	return fhir.IsResourceType(parts[0]) && fhir.IsID(parts[1])
}

// namedType is the type in Patient/1 or https://example.org/fhir/Patient/1.
func namedType(ref string) string {
	if i := strings.Index(ref, "/_history/"); i >= 0 {
		ref = ref[:i]
	}
	end := strings.LastIndexByte(ref, '/')
	if end < 0 {
		return ""
	}
	name := ref[strings.LastIndexByte(ref[:end], '/')+1 : end]
	if !fhir.IsResourceType(name) {
		return ""
	}
	return name
}

// allows says whether a target profile is one of a resource type.
func (v *Validator) allows(url, name string) bool {
	t := fhir.DatatypeOf(name)
	if of, ok := strings.CutPrefix(url, standard); ok {
		if d := fhir.DatatypeOf(of); d != nil {
			return t.Is(d)
		}
	}
	p, err := v.tree(url)
	if p == nil || err != nil {
		return true // what is not known is not held against it
	}
	return t.Is(fhir.DatatypeOf(p.Type))
}

// names are the last words of URLs.
func names(urls []string) string {
	var out []string
	for _, u := range urls {
		out = append(out, u[strings.LastIndexByte(u, '/')+1:])
	}
	return strings.Join(out, ", ")
}

// target finds what a reference leads to: contained, in the bundle, or by the
// port.
func (x *run) target(ref string) (fhir.Node, bool) {
	if ref == "" {
		return fhir.Node{}, false
	}
	root := x.env.RootResource.Node()
	if id, local := strings.CutPrefix(ref, "#"); local {
		if id == "" {
			return root, true
		}
		for _, from := range []fhir.Node{root, x.env.Resource.Node()} {
			for c := from.Member("contained").Children(); c.Next(); {
				if c.Node().Member("id").Is(id) {
					return c.Node(), true
				}
			}
		}
		return fhir.Node{}, false
	}
	if n, ok := x.bundle[ref]; ok {
		return n, true
	}
	if n, ok := x.byUUID(ref); ok {
		return n, true
	}
	if x.v.resolve == nil {
		return fhir.Node{}, false
	}
	n, _ := x.v.resolve(ref)
	return n, n.Exists()
}

// leadsNowhere says whether it is known that there is nothing at a reference.
func (x *run) leadsNowhere(ref string) bool {
	if x.v.resolve == nil || namedType(ref) == "" {
		return false
	}
	_, known := x.v.resolve(ref)
	return known
}

// named are the resources of a Bundle by their fullUrl, and by the type and id that
// end it.
// https://hl7.org/fhir/R4/bundle.html#references
func named(bundle fhir.Node) map[string]fhir.Node {
	out := map[string]fhir.Node{}
	for c := bundle.Member("entry").Children(); c.Next(); {
		url, resource := c.Node().Member("fullUrl").View(), c.Node().Member("resource")
		if url == "" || !resource.Exists() {
			continue
		}
		out[url] = resource
		if of := namedType(url); of != "" {
			out[url[strings.LastIndex(url, "/"+of+"/")+1:]] = resource
		}
	}
	return out
}

// byUUID is the resource of a relative reference whose id is that of a urn:uuid.
func (x *run) byUUID(ref string) (fhir.Node, bool) {
	if strings.Contains(ref, ":") || x.bundle == nil {
		return fhir.Node{}, false
	}
	n, ok := x.bundle["urn:uuid:"+ref[strings.LastIndexByte(ref, '/')+1:]]
	return n, ok
}
