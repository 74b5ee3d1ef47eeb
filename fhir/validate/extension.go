package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// extension holds an extension against its definition.
// https://hl7.org/fhir/R4/extensibility.html
func (x *run) extension(it *fhirpath.Item, modifier bool) {
	n := it.Node()
	url := n.Member("url").View()
	_, value := n.First("value")
	if !value.Exists() {
		_, value = n.First("_value")
	}
	if nested := n.Member("extension").Exists(); nested == value.Exists() {
		x.report(Issue{Severity: Error, Code: "invariant", Key: "ext-1", Text: "an extension has either extensions or a value, and one of both (ext-1)"})
	}
	if url == "" || !strings.Contains(url, ":") {
		if url != "" && !x.inExtension() {
			x.say(Error, fault.Invalid, "an extension's url is absolute, but within another extension")
		}
		return
	}
	t, err := x.v.tree(url)
	if t == nil && url == textLink { // held where the narrative is
		return
	}
	if t == nil || err != nil {
		if modifier && !strings.Contains(url, "://example.org/") { // the host of examples, whose extensions nobody defines
			x.report(Issue{Severity: Error, Code: "not-supported", Text: "the modifier extension " + url + " is not known: it might change what the resource means"})
			return
		}
		x.report(Issue{Severity: Warning, Code: "informational", Text: "the extension " + url + " is not known, and was not checked"})
		return
	}
	if t.Type != "Extension" {
		x.say(Error, fault.Invalid, "this url is that of a definition of "+t.Type+", and no extension's")
		return
	}
	if t.root.modifier != modifier {
		words := "this extension can change what the resource means: it stands in modifierExtension"
		if modifier {
			words = "this extension does not change what the resource means: it stands in extension"
		}
		x.say(Error, fault.Invalid, words)
	}
	x.context(t)
	x.constrain(it, t.root)
}

// inExtension says whether the extension at hand stands in another.
func (x *run) inExtension() bool {
	return len(x.path) > 1 && strings.HasSuffix(x.path[len(x.path)-2].name, "xtension")
}

// context says where an extension may not stand.
// https://hl7.org/fhir/R4/defining-extensions.html#context
func (x *run) context(t *tree) {
	if len(t.Context) == 0 {
		return
	}
	for _, c := range t.Context {
		if x.fits(c) {
			return
		}
	}
	var where []string
	for _, c := range t.Context {
		where = append(where, c.Expression)
	}
	x.say(Error, fault.Invalid, "the extension "+t.URL+" may not be used here, but on "+strings.Join(where, ", "))
}

// fits says whether the element that holds the extension at hand is of a
// context. The element's own path is compared, and those of its types.
func (x *run) fits(c definition.Context) bool {
	switch c.Type {
	case "extension":
		return x.inExtension()
	case "fhirpath":
		return true
	}
	want, _, _ := strings.Cut(c.Expression, "#")
	want = strings.TrimPrefix(want, standard)
	if c.Type == "element" && (want == "Element" || want == "*") {
		return true
	}
	names := x.owners()
	for _, name := range names {
		if name == want || want == name+"[x]" {
			return true
		}
	}
	return false
}

// owners are the names of the element that holds the extension at hand: the path
// from each type on the way down to it, and the types that it is of.
func (x *run) owners() []string {
	var heads []string // the paths so far, each from another type on
	for _, s := range x.path[:len(x.path)-1] {
		for k := range heads {
			heads[k] += "." + s.name
		}
		if s.of == nil {
			return nil
		}
		if fhir.IsResourceType(s.of.Name()) {
			heads = nil
		}
		for t := s.of; t != nil; t = t.Base() {
			heads = append(heads, t.Name())
		}
	}
	return heads
}
