package validate

import (
	"fmt"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/decimal"
	"selda/fhir/fhirpath"
)

// answerTypes are the types of the answers to each type of question.
// https://hl7.org/fhir/R4/valueset-item-type.html
var answerTypes = map[string]string{"boolean": "boolean", "decimal": "decimal", "integer": "integer", "date": "date", "dateTime": "dateTime",
	"time": "time", "string": "string", "text": "string", "url": "uri", "choice": "Coding", "open-choice": "Coding", "attachment": "Attachment",
	"reference": "Reference", "quantity": "Quantity"}

// answer holds one answer against its question.
func (f *form) answer(q, a fhir.Node, typ string) {
	key, v := a.First("value")
	want := answerTypes[typ]
	if !v.Exists() || want == "" {
		return
	}
	of := strings.TrimPrefix(key, "value")
	f.push("value", -1)
	defer f.pop()
	if !strings.EqualFold(of, want) && !(typ == "open-choice" && of == "String") && !(typ != "string" && optionOf(q, key)) {
		f.say(Error, fault.Invalid, "an answer to a question of type "+typ+" is of type "+want)
		return
	}
	f.options(q, v, key, typ)
	f.picked(v, key)
	f.limits(q, v, typ)
	switch typ {
	case "reference":
		f.mayLead(q, v)
	case "attachment":
		f.attached(q, v)
	}
}

// optionOf says whether one of a question's options is of a type.
func optionOf(q fhir.Node, key string) bool {
	for c := q.Member("answerOption").Children(); c.Next(); {
		if c.Node().Member(key).Exists() {
			return true
		}
	}
	return false
}

// options holds an answer against those that its question lists, or against its
// value set.
func (f *form) options(q, v fhir.Node, key, typ string) {
	options := q.Member("answerOption")
	if options.Exists() && !(typ == "open-choice" && key == "valueString") {
		for c := options.Children(); c.Next(); {
			if o := c.Node().Member(key); o.Exists() && sameAnswer(v, o) {
				return
			}
		}
		f.say(Error, fault.Value, "the answer is none of those that the Questionnaire lists")
		return
	}
	valueSet := q.Member("answerValueSet").View()
	if valueSet == "" || key != "valueCoding" || f.v.terms == nil || strings.HasPrefix(valueSet, "#") {
		return
	}
	it := fhirpath.ElementOf(v, fhir.Node{}, fhir.DatatypeOf("Coding"))
	if f.inSet(&it, valueSet) == outside {
		f.say(Error, fault.Value, "the answer is not in the value set "+valueSet+" that the Questionnaire names")
	}
}

// picked says where the text of a coded answer is no name of its code. It is what
// the person saw and picked: what was answered is in doubt then. Only English
// names are known of most codes.
func (f *form) picked(v fhir.Node, key string) {
	t, ok := f.v.terms.(Concepts)
	system, code, display := v.Member("system").View(), v.Member("code").View(), v.Member("display").View()
	if !ok || key != "valueCoding" || display == "" || !english(f.response) || !english(f.questionnaire) {
		return
	}
	if name, exists, known := t.Concept(system, v.Member("version").View(), code); known && exists && name != "" && !t.Named(system, code, display) {
		f.say(Error, fault.Value, "the text of the answer is no name of its code, which stands for "+name+": which of both was picked is not known")
	}
}

// english says whether a resource is in English, or does not say in what.
func english(n fhir.Node) bool {
	language := n.Member("language").View()
	return language == "" || language == "en" || strings.HasPrefix(language, "en-")
}

// limits holds an answer against the lengths and bounds of its question.
func (f *form) limits(q, v fhir.Node, typ string) {
	if v.IsString() && (typ == "string" || typ == "text" || typ == "url" || typ == "open-choice") {
		length := len([]rune(v.View()))
		if most, ok := q.Member("maxLength").Number(); ok && length > int(most) {
			f.say(Error, fault.TooLong, fmt.Sprintf("the answer is longer than %d characters", int(most)))
		}
		if least := extensionNumber(q, "minLength"); length < least {
			f.say(Error, fault.Value, fmt.Sprintf("the answer is shorter than %d characters", least))
		}
	}
	if places := extensionOf(q, "maxDecimalPlaces"); places.Exists() && v.IsNumber() {
		if d, ok := decimal.Parse(v.View()); ok && d.Scale() > extensionNumber(q, "maxDecimalPlaces") {
			f.say(Error, fault.Value, fmt.Sprintf("the answer has more than %d digits after the point", extensionNumber(q, "maxDecimalPlaces")))
		}
	}
	for _, b := range []struct {
		name, words string
		sign        int
	}{{"minValue", "less than the least that is allowed", -1}, {"maxValue", "more than the most that is allowed", 1},
		{"questionnaire-minQuantity", "less than the least that is allowed", -1}, {"questionnaire-maxQuantity", "more than the most that is allowed", 1}} {
		bound := extensionOf(q, b.name)
		if !bound.Exists() {
			bound = extensionAnywhere(q, b.name)
		}
		if !bound.Exists() {
			continue
		}
		order, ok := ordered(v, bound)
		switch {
		case !ok && v.IsObject():
			f.say(Error, fault.Value, "the answer can't be compared with what is allowed: both need units of UCUM, of one kind")
		case ok && order == b.sign:
			f.say(Error, fault.Value, "the answer is "+b.words+": "+shown(bound))
		}
	}
}

// extensionAnywhere is the value of an extension of structured data capture,
// whose definitions stand in a guide of their own.
func extensionAnywhere(q fhir.Node, name string) fhir.Node {
	const guide = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-"
	for c := q.Member("extension").Children(); c.Next(); {
		if c.Node().Member("url").Is(guide + name) {
			_, v := c.Node().First("value")
			return v
		}
	}
	return fhir.Node{}
}

// ordered compares numbers, dates and quantities; ok is false where they can't be.
func ordered(v, o fhir.Node) (int, bool) {
	switch {
	case v.IsNumber() && o.IsNumber():
		return beyond(v, o), true
	case v.IsString() && o.IsString():
		return strings.Compare(v.View(), o.View()), true
	case v.IsObject() && o.IsObject():
		a, ok1 := measured(v)
		b, ok2 := measured(o)
		if ok1 && ok2 {
			return a.Compare(b)
		}
	}
	return 0, false
}

// measured is a Quantity whose unit is one of UCUM.
func measured(n fhir.Node) (*fhirpath.Quantity, bool) {
	it := fhirpath.ElementOf(n, fhir.Node{}, fhir.DatatypeOf("Quantity"))
	q, ok := it.Quantity()
	return q, ok && n.Member("system").Is("http://unitsofmeasure.org")
}

// mayLead holds a reference against the types of resource that its question
// allows.
func (f *form) mayLead(q, v fhir.Node) {
	ref := v.Member("reference").View()
	if strings.ContainsAny(ref, " \t\n") {
		f.say(Error, fault.Invalid, "a reference has no white space")
		return
	}
	var allowed []string
	for c := q.Member("extension").Children(); c.Next(); {
		if c.Node().Member("url").Is(standard + "questionnaire-referenceResource") {
			allowed = append(allowed, c.Node().Member("valueCode").View())
		}
	}
	of := namedType(ref)
	if of == "" || len(allowed) == 0 {
		return
	}
	if slices.Contains(allowed, of) {
		return
	}
	f.say(Error, fault.Invalid, "the reference leads to a "+of+": the Questionnaire allows "+strings.Join(allowed, ", "))
}

// attached holds an attachment against the MIME types and the size that its
// question allows.
func (f *form) attached(q, v fhir.Node) {
	var allowed []string
	for c := q.Member("extension").Children(); c.Next(); {
		if c.Node().Member("url").Is(standard + "mimeType") {
			allowed = append(allowed, c.Node().Member("valueCode").View())
		}
	}
	given := v.Member("contentType").View()
	if len(allowed) > 0 && given != "" && !slices.Contains(allowed, given) {
		f.say(Error, fault.Value, "the attachment is of a MIME type that the Questionnaire does not allow: it allows "+strings.Join(allowed, ", "))
	}
	if most, ok := extensionOf(q, "maxSize").Number(); ok {
		if size, known := v.Member("size").Number(); known && size > most*1e6 {
			f.say(Error, fault.TooLong, "the attachment is larger than the Questionnaire allows")
		}
	}
}
