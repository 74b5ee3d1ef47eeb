package view

import (
	"strings"

	"selda/fhir"
)

// Concept is a CodeableConcept in words: its text, else a display, else a code.
// https://hl7.org/fhir/R4/datatypes.html#CodeableConcept
func Concept(n fhir.Node) string {
	if t := strings.TrimSpace(n.Get("text").Text()); t != "" {
		return t
	}
	code := ""
	for _, c := range n.List("coding") {
		if d := strings.TrimSpace(c.Get("display").Text()); d != "" {
			return d
		}
		if code == "" {
			code = c.Get("code").Text()
		}
	}
	return code
}

// quantity is a Quantity's number, as it was written, and its unit.
func quantity(n fhir.Node) (value, unit string) {
	value = n.Get("value").Text()
	if value == "" {
		return "", ""
	}
	unit = n.Get("unit").Text()
	if unit == "" {
		unit = n.Get("code").Text()
	}
	return n.Get("comparator").Text() + value, Unit(unit)
}

// Unit writes a unit as people do: UCUM's "umol/L" is µmol/L.
func Unit(u string) string {
	if w, ok := units[u]; ok {
		return w
	}
	return u
}

var units = map[string]string{"umol/L": "µmol/L", "umol/l": "µmol/L", "ug/L": "µg/L", "ug/l": "µg/L", "ug": "µg", "mm[Hg]": "mmHg", "/min": "per min",
	"{beats}/min": "per min", "Cel": "°C", "kg/m2": "kg/m²", "10*9/L": "×10⁹/L", "10^9/L": "×10⁹/L", "10*12/L": "×10¹²/L", "10^12/L": "×10¹²/L", "10⁹/L": "×10⁹/L", "10¹²/L": "×10¹²/L", "mL/min/1.73m2": "mL/min/1.73 m²", "mL/min/1.73m²": "mL/min/1.73 m²",
	"10*3/uL": "×10³/µL", "10*6/uL": "×10⁶/µL", "mL/min/{1.73_m2}": "mL/min/1.73 m²", "m[IU]/L": "mIU/L", "[IU]/L": "IU/L", "1": "", "{score}": ""}

// period is a Period in words.
func period(n fhir.Node) string {
	start, end := ParseDate(n.Get("start").Text()).ProTime(), ParseDate(n.Get("end").Text()).ProTime()
	switch {
	case start != "" && end != "" && start != end:
		return start + " to " + end
	case start != "":
		return start
	case end != "":
		return "to " + end
	}
	return ""
}

// reference is a Reference's words; "" where it only names an id, which means
// nothing to people.
func reference(n fhir.Node) string {
	if d := n.Get("display").Text(); d != "" {
		return d
	}
	return n.Get("identifier", "value").Text()
}

// human is a HumanName. https://hl7.org/fhir/R4/datatypes.html#HumanName
func human(n fhir.Node) Name {
	name := Name{Family: n.Get("family").Text()}
	join := func(list []fhir.Node) string {
		var out []string
		for _, x := range list {
			out = append(out, x.Text())
		}
		return strings.Join(out, " ")
	}
	name.Given, name.Title = join(n.List("given")), join(n.List("prefix"))
	if name.Family == "" && name.Given == "" {
		name.Family = n.Get("text").Text()
	}
	return name
}

// dose is a Dosage in words: its own text where it has one.
// https://hl7.org/fhir/R4/dosage.html
func dose(n fhir.Node) string {
	if t := n.Get("text").Text(); t != "" {
		return t
	}
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	for _, dr := range n.List("doseAndRate") {
		v, u := quantity(dr.Get("doseQuantity"))
		add(strings.TrimSpace(v + " " + u))
		if r := dr.Get("doseRange"); r.Exists() {
			lo, _ := quantity(r.Get("low"))
			hi, u := quantity(r.Get("high"))
			add(strings.TrimSpace(lo + " to " + hi + " " + u))
		}
	}
	add(Concept(n.Get("route")))
	add(timing(n.Get("timing")))
	if n.Get("asNeededBoolean").Bool() {
		add("when needed")
	}
	if c := Concept(n.Get("asNeededCodeableConcept")); c != "" {
		add("when needed for " + c)
	}
	return strings.Join(out, ", ")
}

// timing is a Timing in words, as far as it is simple.
func timing(n fhir.Node) string {
	if c := Concept(n.Get("code")); c != "" {
		return c
	}
	r := n.Get("repeat")
	freq, per, unit := r.Get("frequency").Text(), r.Get("period").Text(), r.Get("periodUnit").Text()
	if freq == "" || per == "" || unit == "" {
		return ""
	}
	names := map[string]string{"h": "hour", "d": "day", "wk": "week", "mo": "month", "min": "minute", "a": "year", "s": "second"}
	name := names[unit]
	if name == "" {
		return ""
	}
	times := freq + " times"
	switch freq {
	case "1":
		times = "once"
	case "2":
		times = "twice"
	}
	if per == "1" || per == "1.0" {
		return times + " a " + name
	}
	return times + " every " + per + " " + name + "s"
}

// shown are the elements that Fields leaves to other places, or that mean
// nothing to a reader.
var notShown = map[string]bool{"resourceType": true, "id": true, "meta": true, "text": true, "subject": true, "patient": true, "contained": true,
	"implicitRules": true, "language": true, "extension": true, "modifierExtension": true, "content": true, "section": true, "presentedForm": true,
	"clinicalStatus": false}

const maxFields = 60

// Fields is the whole resource in words, element by element in its own order.
func Fields(r *fhir.Resource) []Field {
	var out []Field
	r.Root().Each(func(name string, n fhir.Node) {
		if notShown[name] || strings.HasPrefix(name, "_") || len(out) >= maxFields {
			return
		}
		var texts []string
		for _, one := range n.List() {
			if t := words(name, one, 0); t != "" {
				texts = append(texts, t)
			}
		}
		if t := strings.Join(texts, "; "); t != "" {
			out = append(out, Field{label(name), t})
		}
	})
	return out
}

// words is an element in words, by its shape: FHIR's datatypes tell themselves
// apart by their names.
func words(name string, n fhir.Node, depth int) string {
	if depth > 4 {
		return ""
	}
	if !n.IsObject() {
		t := n.Text()
		if strings.HasSuffix(name, "Boolean") || t == "true" || t == "false" {
			return map[string]string{"true": "yes", "false": "no"}[t]
		}
		if d := ParseDate(t); d.Precision >= Day {
			return d.ProTime()
		}
		if name == "status" || name == "intent" || name == "priority" || name == "criticality" || name == "docStatus" {
			return strings.ReplaceAll(t, "-", " ")
		}
		return t
	}
	if s, known := datatype(name, n); known {
		return s
	}
	var parts []string
	only := ""
	n.Each(func(child string, c fhir.Node) {
		if notShown[child] || strings.HasPrefix(child, "_") || child == "status" {
			return
		}
		var texts []string
		for _, one := range c.List() {
			if t := words(child, one, depth+1); t != "" {
				texts = append(texts, t)
			}
		}
		if len(texts) > 0 {
			only = strings.Join(texts, ", ")
			parts = append(parts, strings.ToLower(label(child))+" "+only)
		}
	})
	if len(parts) == 1 {
		return only
	}
	return strings.Join(parts, "; ")
}

// datatype is an element of one of the datatypes that have words of their own.
func datatype(name string, n fhir.Node) (string, bool) {
	has := func(k string) bool { return n.Get(k).Exists() }
	switch {
	case has("coding") || has("text") && !has("timing") && !has("time") && !has("low"):
		if name == "dosage" || name == "dosageInstruction" {
			return dose(n), true
		}
		return Concept(n), true
	case name == "dosage" || name == "dosageInstruction":
		return dose(n), true
	case name == "participant" || name == "performer" && has("actor"):
		who := ""
		for _, part := range []string{"individual", "actor", "member"} {
			if who == "" {
				who = reference(n.Get(part))
			}
		}
		if role := Concept(n.Get("type")) + Concept(n.Get("role")) + Concept(n.Get("function")); role != "" && who != "" {
			who += " (" + role + ")"
		}
		return who, true
	case has("reference") || has("display") && !has("code") || has("identifier") && has("type"):
		return reference(n), true
	case has("value") && (has("unit") || has("code") && !has("use")):
		v, u := quantity(n)
		return strings.TrimSpace(v + " " + u), true
	case name == "identifier" || name == "masterIdentifier":
		return n.Get("value").Text(), true
	case has("start") || has("end"):
		return period(n), true
	case has("family") || has("given"):
		return human(n).Plain(), true
	case has("system") && has("code"):
		if d := n.Get("display").Text(); d != "" {
			return d, true
		}
		return n.Get("code").Text(), true
	case name == "referenceRange":
		return refRange(n), true
	case name == "note":
		return n.Get("text").Text(), true
	}
	return "", false
}

// refRange is an Observation's reference range in words.
func refRange(n fhir.Node) string {
	if t := n.Get("text").Text(); t != "" {
		return t
	}
	lo, unit := quantity(n.Get("low"))
	hi, u := quantity(n.Get("high"))
	if unit == "" {
		unit = u
	}
	switch {
	case lo != "" && hi != "":
		return strings.TrimSpace(lo + " to " + hi + " " + unit)
	case lo != "":
		return strings.TrimSpace("from " + lo + " " + unit)
	case hi != "":
		return strings.TrimSpace("up to " + hi + " " + unit)
	}
	return ""
}
