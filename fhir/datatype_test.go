package fhir

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDatatypes(t *testing.T) {
	for name, bases := range map[string]string{"Patient": "DomainResource Resource", "Bundle": "Resource", "code": "string Element",
		"Age": "Quantity Element", "Timing": "BackboneElement Element", "Patient.contact": "BackboneElement Element", "Timing.repeat": "Element",
		"canonical": "uri Element", "positiveInt": "integer Element"} {
		var got []string
		for b := DatatypeOf(name).Base(); b != nil; b = b.Base() {
			got = append(got, b.Name())
		}
		if strings.Join(got, " ") != bases {
			t.Errorf("%s specialises %v", name, got)
		}
	}
	if DatatypeOf("Foo") != nil {
		t.Error("there is a type Foo")
	}
	value := DatatypeOf("Observation").Property([]byte("value"))
	if value == nil || !value.Choice() || value.Of([]byte("valueQuantity")).Name() != "Quantity" || value.Of([]byte("valueMoney")) != nil {
		t.Error(value)
	}
	if p := DatatypeOf("Patient").Property([]byte("deceasedBoolean")); p == nil || p.Name != "deceased" || p.List {
		t.Error(p)
	}
	if p := DatatypeOf("HumanName").Property([]byte("given")); p == nil || !p.List || p.Choice() || p.Types[0].Form() != StringForm {
		t.Error(p)
	}
}

// Every element of every type is of a type that there is.
func TestEveryTypeOfTheTableIsKnown(t *testing.T) {
	for name, d := range datatypes() {
		for _, p := range d.Properties() {
			for i, of := range p.Types {
				if of == nil {
					t.Errorf("%s.%s is of no type", name, p.Keys()[i])
				}
			}
		}
	}
}

func TestCursorAndView(t *testing.T) {
	n, err := ParseTree([]byte(`{"a":[1,null,"x"],"b":{},"c":"\u0041b"}`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for c := n.Children(); c.Next(); {
		names = append(names, string(c.Name()))
	}
	if strings.Join(names, "") != "abc" || n.Member("c").View() != "Ab" || n.Member("d").Exists() {
		t.Error(names)
	}
	var kinds []bool
	for c := n.Member("a").Children(); c.Next(); {
		kinds = append(kinds, c.Node().IsNull())
	}
	if len(kinds) != 3 || kinds[0] || !kinds[1] || kinds[2] {
		t.Error(kinds)
	}
	if start, end := n.Member("b").Span(); end-start != 2 {
		t.Error(start, end)
	}
	for c := n.Member("c").Children(); c.Next(); {
		t.Error("a string has children")
	}
}

func TestNarrativeFault(t *testing.T) {
	const open = `<div xmlns="http://www.w3.org/1999/xhtml">`
	for _, good := range []string{open + "text</div>", open + `<p class="x">a<br/>b &nbsp;</p></div>`, open + `<img src="a.png"/></div>`,
		open + `<table><tr><td colspan="2">x</td></tr></table></div>`} {
		if f := NarrativeFault(good); f != "" {
			t.Errorf("%s: %s", good, f)
		}
	}
	for _, bad := range []string{"", "text", "<div>text</div>", open + "</div>", open + "  </div>", open + "text", open + "<script>x</script>x</div>",
		open + `<p onclick="x">x</p></div>`, open + `<a href="x" onload="y">x</a></div>`, open + "x</div>y", open + "<form>x</form></div>",
		`<p xmlns="http://www.w3.org/1999/xhtml">x</p>`, open + strings.Repeat("<b>", 100) + "x" + strings.Repeat("</b>", 100) + "</div>"} {
		if NarrativeFault(bad) == "" {
			t.Errorf("%s was taken", bad)
		}
	}
}

// What is taken quickly is what is taken by reading it as XML.
func FuzzNarrative(f *testing.F) {
	const open = `<div xmlns="http://www.w3.org/1999/xhtml">`
	for _, s := range []string{open + "text</div>", open + `<p class="x">a<br/>b &nbsp; &amp;</p><!-- c --></div>`, open + `<img src="a.png" alt="b"/></div>`,
		open + "<b>x</i></div>", `<div>x</div>`, open + "x</div> ", open + "a &foo; b</div>", open + `<a href="x" href="y">z</a></div>`, open + "]]></div>",
		open + `<a href="JavaScript:x">y</a></div>`, open + "<a href=\"java\tscript\n:x\">y</a></div>", open + `<img src="data:text/html,x"/></div>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, div string) {
		if plainNarrative(div) {
			if fault := narrativeFault(div, false); fault != "" && utf8.ValidString(div) {
				t.Errorf("%q was taken, though %s", div, fault)
			}
			if fault := narrativeFault(div, true); fault != "" && utf8.ValidString(div) && NarrativeDanger(div) == "" {
				t.Errorf("%q was taken for harmless, though %s", div, fault)
			}
		}
	})
}
