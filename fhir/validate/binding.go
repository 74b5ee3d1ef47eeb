package validate

import (
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// membership is what terminology says of a code, or of several.
type membership uint8

const (
	outside membership = iota
	inside
	notKnown
)

// bound holds an element against the binding of a rule.
// https://hl7.org/fhir/R4/terminologies.html#strength
func (x *run) bound(it *fhirpath.Item, r *rule) {
	if x.v.terms == nil {
		return
	}
	b := r.binding
	switch {
	case b.Strength == "required":
		if x.inSet(it, b.ValueSet) == outside {
			x.say(Error, fault.Value, strayed(it, b.ValueSet, "must"))
		}
	case b.Strength == "extensible" && x.full && coded(it):
		if x.inSet(it, b.ValueSet) == outside {
			x.report(Issue{Severity: Warning, Code: "value", Text: strayed(it, b.ValueSet, "should")})
		}
	}
	if b.Max != "" && x.full && coded(it) && x.inSet(it, b.Max) == outside {
		x.say(Error, fault.Value, strayed(it, b.Max, "must"))
	}
}

func strayed(it *fhirpath.Item, valueSet, must string) string {
	if it.Node().IsString() {
		return "the code is not in the value set " + valueSet + ", from which it " + must + " be taken"
	}
	return "none of the codes is in the value set " + valueSet + ", from which one " + must + " be taken"
}

// coded says whether an element has a code at all, rather than text only.
func coded(it *fhirpath.Item) bool {
	return it.Node().IsString() || it.Node().Member("coding").Exists() || it.Node().Member("code").Exists()
}

// inSet says whether a code, Coding, CodeableConcept or Quantity is in a value
// set; of something else it is not known.
func (x *run) inSet(it *fhirpath.Item, valueSet string) membership {
	n, d := it.Node(), it.Datatype()
	if valueSet == "" || d == nil {
		return notKnown
	}
	switch {
	case n.IsString():
		return x.codeIn(valueSet, "", n.View())
	case d.Name() == "Coding" || d.Form() == fhir.QuantityForm:
		code := n.Member("code")
		if !code.Exists() {
			return notKnown
		}
		return x.codingIn(valueSet, n)
	case d.Name() == "CodeableConcept":
		result := outside
		any := false
		for c := n.Member("coding").Children(); c.Next(); {
			any = true
			switch x.codingIn(valueSet, c.Node()) {
			case inside:
				return inside
			case notKnown:
				result = notKnown
			}
		}
		if !any && !x.known(valueSet) {
			return notKnown
		}
		return result
	}
	return notKnown
}

// codingIn is codeIn of a Coding or Quantity: without a system it is in no value
// set. The check of structure alone, by which a resource is taken or not, goes
// by the code then: many systems leave the system of a status out, and what they
// mean is not in doubt.
func (x *run) codingIn(valueSet string, n fhir.Node) membership {
	if system := n.Member("system"); system.Exists() {
		return x.codeIn(valueSet, system.View(), n.Member("code").View())
	}
	if !x.full && n.Member("code").Exists() {
		return x.codeIn(valueSet, "", n.Member("code").View())
	}
	if x.known(valueSet) {
		return outside
	}
	return notKnown
}

// mimeTypes is the value set of all MIME types.
const mimeTypes = "http://hl7.org/fhir/ValueSet/mimetypes"

// known says whether anything is known of a value set.
func (x *run) known(valueSet string) bool {
	_, known := x.v.terms.Member(valueSet, "", "\x00")
	return known
}

func (x *run) codeIn(valueSet, system, code string) membership {
	if strings.HasPrefix(valueSet, mimeTypes) && !strings.Contains(code, "/") {
		// https://hl7.org/fhir/R4/http.html#mime-type takes short names, too.
		switch code {
		case "json", "xml", "ttl":
			return inside
		}
	}
	in, known := x.v.terms.Member(valueSet, system, code)
	if bare, _, versioned := strings.Cut(valueSet, "|"); !known && versioned { // another version is better than none
		in, known = x.v.terms.Member(bare, system, code)
	}
	switch {
	case !known:
		return notKnown
	case in:
		return inside
	}
	return outside
}

// memberOf is FHIRPath's function.
func (x *run) memberOf(coded fhirpath.Item, valueSet string) (bool, error) {
	if x.v.terms != nil {
		switch x.inSet(&coded, valueSet) {
		case inside:
			return true, nil
		case outside:
			return false, nil
		}
	}
	return false, fault.E("validate.memberOf", fault.NotSupported, "the value set is not known")
}

// conformsTo is FHIRPath's function.
func (x *run) conformsTo(it fhirpath.Item, profile string) (bool, error) {
	if t := fhir.DatatypeOf(strings.TrimPrefix(profile, standard)); strings.HasPrefix(profile, standard) && t != nil {
		return it.Datatype() != nil && it.Datatype().Is(t), nil
	}
	t, err := x.v.tree(profile)
	if err != nil {
		return false, err
	}
	if t == nil {
		return false, fault.E("validate.conformsTo", fault.NotFound, "the profile is not known")
	}
	return x.conforms(&it, t), nil
}

// references are the types that a rule lets a reference lead to, by their URLs.
func references(types []definition.Type) (targets []string, any bool) {
	for _, t := range types {
		if t.Code != "Reference" && t.Code != "canonical" {
			continue
		}
		if len(t.Targets) == 0 {
			return nil, true
		}
		targets = append(targets, t.Targets...)
	}
	return targets, len(targets) == 0
}
