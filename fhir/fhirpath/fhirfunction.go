package fhirpath

import (
	"strings"

	"selda/fault"
	"selda/fhir"
)

// ofFHIR is https://hl7.org/fhir/R4/fhirpath.html#functions.
func ofFHIR() map[string]function {
	return map[string]function{
		"extension": with(extension),
		"hasExtension": with(func(r *run, n *node, lo, mid int) error { // a search parameter of R4 has it
			if err := extension(r, n, lo, mid); err != nil {
				return err
			}
			r.give(lo, Boolean(len(r.items) > lo))
			return nil
		}),
		"hasValue": whole(func(r *run, _ *node, lo int) error {
			v := false
			if len(r.items) == lo+1 {
				it := &r.items[lo]
				v = it.kind != Element || (it.typ == nil || it.typ.Primitive()) && it.node.Exists()
			}
			r.give(lo, Boolean(v))
			return nil
		}),
		"getValue": whole(func(r *run, _ *node, lo int) error {
			if len(r.items) == lo+1 {
				if v, ok := r.items[lo].value(); ok && v.kind != QuantityKind {
					r.give(lo, v)
					return nil
				}
			}
			r.items = r.items[:lo]
			return nil
		}),
		"resolve":    {0, 0, func(c *compiler, n *node) (eval, error) { return c.resolving(n, false) }},
		"memberOf":   on2(memberOf),
		"subsumes":   on2(func(r *run, n *node, it, arg *Item) (bool, error) { return subsumes(r, n, it, arg) }),
		"subsumedBy": on2(func(r *run, n *node, it, arg *Item) (bool, error) { return subsumes(r, n, arg, it) }),
		"conformsTo": on2(conformsTo),
		"htmlChecks": whole(func(r *run, _ *node, lo int) error {
			v := len(r.items) > lo
			for i := lo; i < len(r.items); i++ {
				text, ok := r.items[i].Text()
				v = v && ok && fhir.NarrativeFault(text) == ""
			}
			r.give(lo, Boolean(v))
			return nil
		}),
		"checkModifiers": of(1, 100, checkModifiers),
	}
}

// on2 is a function of one item, element or value, and of one argument.
func on2(f func(r *run, n *node, it, arg *Item) (bool, error)) function {
	return with(func(r *run, n *node, lo, mid int) error {
		if len(r.items)-mid > 1 || mid-lo > 1 {
			return invalid(n.pos, "there is more than one item where one is needed")
		}
		if mid == lo || len(r.items) == mid {
			r.items = r.items[:lo]
			return nil
		}
		it, arg := r.items[lo], r.items[mid]
		v, err := f(r, n, &it, &arg)
		r.give(lo, Boolean(v))
		return err
	})
}

// extension is the extensions of a URL, of elements and of primitives.
func extension(r *run, n *node, lo, mid int) error {
	url, ok, err := r.single(mid, n.pos)
	r.items = r.items[:mid]
	if err != nil || !ok {
		r.items = r.items[:lo]
		return err
	}
	if url.kind != StringKind {
		return invalid(n.pos, "extension() takes a URL")
	}
	want := url.string()
	for i := lo; i < mid; i++ {
		it := &r.items[i]
		from := it.node
		if it.primitive() {
			from = it.under
		}
		for c := from.Member("extension").Children(); c.Next(); {
			if e := c.Node(); e.Member("url").Is(want) {
				r.push(Item{node: e, typ: extensionType(it), kind: Element})
			}
		}
	}
	r.keep(lo, mid)
	return r.step(1 + mid - lo)
}

func extensionType(it *Item) *fhir.Datatype {
	if it.typ == nil {
		return nil
	}
	return fhir.DatatypeOf("Extension")
}

// resolving compiles resolve(): the resources that references, canonical URLs and
// URIs lead to. Where only the type is asked for, it may be taken from the
// reference's own text.
func (c *compiler) resolving(n *node, typeOnly bool) (eval, error) {
	in, err := c.input(n.in)
	if err != nil {
		return nil, err
	}
	return func(r *run) error {
		lo := len(r.items)
		if err := in(r); err != nil {
			return err
		}
		k := lo
		for i := lo; i < len(r.items); i++ {
			it, ok := r.resolve(&r.items[i])
			if !ok && typeOnly {
				it, ok = referenced(&r.items[i])
			}
			if ok {
				r.items[k] = it
				k++
			}
		}
		r.items = r.items[:k]
		return r.step(1 + k - lo)
	}, nil
}

// reference is the text of what may be resolved.
func reference(it *Item) string {
	if it.kind == Element && it.node.IsObject() {
		return it.node.Member("reference").View()
	}
	s, _ := it.Text()
	return s
}

func (r *run) resolve(it *Item) (Item, bool) {
	ref := reference(it)
	if ref == "" {
		return Item{}, false
	}
	root := r.container()
	if id, local := strings.CutPrefix(ref, "#"); local {
		if id == "" {
			return Resource(root), root.Exists()
		}
		for c := root.Member("contained").Children(); c.Next(); {
			if c.Node().Member("id").Is(id) {
				return Resource(c.Node()), true
			}
		}
		return Item{}, false
	}
	if root.Member("resourceType").Is("Bundle") {
		for c := root.Member("entry").Children(); c.Next(); {
			if c.Node().Member("fullUrl").Is(ref) {
				return Resource(c.Node().Member("resource")), true
			}
		}
	}
	if r.env.Resolve == nil {
		return Item{}, false
	}
	n, ok := r.env.Resolve(ref)
	return Resource(n), ok
}

// container is the resource in which a reference's #id is looked for.
func (r *run) container() fhir.Node {
	if r.env.RootResource.kind != None {
		return r.env.RootResource.node
	}
	if res := r.resource(); len(res) > 0 {
		return res[0].node
	}
	return fhir.Node{}
}

// referenced is an item without content, of the type that a reference's own
// text names: Patient/1, https://example.org/fhir/Patient/1/_history/2.
func referenced(it *Item) (Item, bool) {
	ref := reference(it)
	if i := strings.Index(ref, "/_history/"); i >= 0 {
		ref = ref[:i]
	}
	end := strings.LastIndexByte(ref, '/')
	if end < 0 {
		if it.kind == Element {
			return stub(it.node.Member("type").View())
		}
		return Item{}, false
	}
	start := strings.LastIndexByte(ref[:end], '/') + 1
	return stub(ref[start:end])
}

func stub(name string) (Item, bool) {
	if !fhir.IsResourceType(name) {
		return Item{}, false
	}
	return Item{typ: fhir.DatatypeOf(name), kind: Element}, true
}

func missingPort(n *node) error {
	return fault.E("fhirpath.Eval", fault.NotSupported, n.text+"() needs what is not connected here")
}

func memberOf(r *run, n *node, it, arg *Item) (bool, error) {
	url, ok := arg.Text()
	if !ok {
		return false, invalid(n.pos, "memberOf() takes the URL of a value set")
	}
	if r.env.MemberOf == nil {
		return false, missingPort(n)
	}
	return r.env.MemberOf(*it, url)
}

func subsumes(r *run, n *node, general, specific *Item) (bool, error) {
	if r.env.Subsumes == nil {
		return false, missingPort(n)
	}
	return r.env.Subsumes(*general, *specific)
}

// profiles is where the standard's own definitions of types stand.
const profiles = "http://hl7.org/fhir/StructureDefinition/"

// conformsTo asks the port; without one, it knows the types of the standard.
func conformsTo(r *run, n *node, it, arg *Item) (bool, error) {
	url, ok := arg.Text()
	if !ok {
		return false, invalid(n.pos, "conformsTo() takes the URL of a profile")
	}
	if r.env.ConformsTo != nil {
		return r.env.ConformsTo(*it, url)
	}
	if name, standard := strings.CutPrefix(url, profiles); standard {
		if t := fhir.DatatypeOf(name); t != nil {
			return it.typ != nil && it.typ.Is(t), nil
		}
	}
	return false, invalid(n.pos, "the profile is not known")
}

// checkModifiers fails where an element has modifier extensions other than those
// named.
func checkModifiers(r *run, n *node, lo int, args []eval) error {
	hi := len(r.items)
	known := map[string]bool{}
	for _, e := range args {
		if err := e(r); err != nil {
			return err
		}
	}
	for i := hi; i < len(r.items); i++ {
		known[r.items[i].String()] = true
	}
	r.items = r.items[:hi]
	for i := lo; i < hi; i++ {
		for m := r.items[i].node.Member("modifierExtension").Children(); m.Next(); {
			if !known[m.Node().Member("url").View()] {
				return invalid(n.pos, "there is a modifier extension that is not known")
			}
		}
	}
	return nil
}
