package validate

import (
	"encoding/xml"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// What later releases say of narratives, which profiles of R4 use, too.

// languages holds a narrative in several languages against what a profile asks of
// its sections: _no, _yes, _resource for the resource's own language, or one.
// https://hl7.org/fhir/extensions/StructureDefinition-narrative-language-control.html
func (x *run) languages(n fhir.Node, r *rule) {
	if len(r.languages) == 0 || !n.Member("div").Exists() {
		return
	}
	has := sections(n.Member("div").View())
	for _, want := range r.languages {
		if want == "_resource" {
			if want = x.env.Resource.Node().Member("language").View(); want == "" {
				continue
			}
		}
		switch {
		case want == "_no" && len(has) > 0:
			x.say(Error, fault.Invalid, "the narrative has sections by language: "+of(r)+" allows none")
		case want == "_no":
		case len(has) == 0:
			x.say(Error, fault.Required, "the narrative has no sections by language: "+of(r)+" asks for them, each a div with lang")
		case want != "_yes" && !slices.Contains(has, want):
			x.say(Error, fault.Required, "the narrative has no section in the language "+want+": "+of(r)+" asks for one")
		}
	}
}

// sections are the languages of a narrative's sections: the divs right within it
// that say theirs.
func sections(div string) (languages []string) {
	d := xml.NewDecoder(strings.NewReader(div))
	for depth := 0; ; {
		t, err := d.RawToken()
		if err != nil {
			return languages
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth != 2 || t.Name.Local != "div" {
				continue
			}
			for _, a := range t.Attr {
				if a.Name.Local == "lang" && a.Value != "" && !slices.Contains(languages, a.Value) {
					languages = append(languages, a.Value)
				}
			}
		case xml.EndElement:
			depth--
		}
	}
}

// textLink is an extension of later releases: it says from which data a part of a
// narrative was made. https://hl7.org/fhir/extensions/StructureDefinition-textLink.html
const textLink = standard + "textLink"

// textLinks holds those of a narrative: both ends are there, and the selector is
// one of what it leads to.
func (x *run) textLinks(n fhir.Node) {
	var anchors map[string]bool
	k := -1
	for c := n.Member("extension").Children(); c.Next(); {
		if k++; !c.Node().Member("url").Is(textLink) {
			continue
		}
		if anchors == nil {
			anchors = map[string]bool{}
			anchorsOf(n.Member("div").View(), anchors)
		}
		x.push("extension", k)
		x.link(c.Node(), anchors)
		x.pop()
	}
}

func (x *run) link(n fhir.Node, anchors map[string]bool) {
	parts := map[string]fhir.Node{}
	for c := n.Member("extension").Children(); c.Next(); {
		_, parts[c.Node().Member("url").View()] = c.Node().First("value")
	}
	if id := parts["htmlid"]; id.IsString() && !anchors[id.View()] {
		x.say(Error, fault.NotFound, "the narrative has no element of the id "+shorten(id.View()))
	}
	data, selector := parts["data"].View(), parts["selector"].View()
	ref, id, _ := strings.Cut(data, "#")
	target, found := x.env.Resource.Node(), true
	if ref != "" {
		target, found = x.target(ref)
	}
	if !found {
		return
	}
	if id != "" && !target.Member("id").Is(id) && !hasID(target, id, 0) {
		x.say(Error, fault.NotFound, "what the link leads to has no element of the id "+shorten(id))
	}
	d := fhir.DatatypeOf(target.Member("resourceType").View())
	if selector == "" || d == nil || id != "" {
		return
	}
	e, err := fhirpath.Compile(selector)
	if err == nil {
		err = e.Check(d, fhirpath.Strict{})
	}
	if err != nil {
		x.say(Error, fault.Invalid, "the selector finds nothing in a "+d.Name()+": "+fault.Reason(err)+", at "+fault.PlaceOf(err))
	}
}

// hasID says whether an element, or a contained resource, has an id.
func hasID(n fhir.Node, id string, depth int) bool {
	for c := n.Children(); c.Next() && depth < fhir.MaxDepth; {
		if c.Named("id") && c.Node().Is(id) || hasID(c.Node(), id, depth+1) {
			return true
		}
	}
	return false
}
