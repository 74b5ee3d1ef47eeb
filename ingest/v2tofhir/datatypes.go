package v2tofhir

import (
	"strconv"
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// concept is a CE, CWE, CNE, CF, IS or ID value as a CodeableConcept. The
// coding as sent is always kept, the alternate one too.
func (w *mapper) concept(it *item, path string, v hl7v2.Value) fhir.Object {
	return w.conceptIn(it, path, v, "")
}

// conceptIn is concept, with the system of a code that names none.
func (w *mapper) conceptIn(it *item, path string, v hl7v2.Value, system string) fhir.Object {
	if !v.Exists() {
		return nil
	}
	var codings []fhir.Object
	for _, at := range []int{1, 4} {
		code := v.Comp(at)
		c := fhir.Object{}
		p := index(join(path, "coding"), len(codings))
		if !it.set(c, p, "code", token(code.Text()), code) {
			continue
		}
		c["system"] = system
		if name := token(v.Comp(at + 2).Text()); name != "" {
			c["system"] = w.codeSystem(name)
		}
		it.put(c, p, "display", v.Comp(at+1))
		codings = append(codings, c)
	}
	o := fhir.Object{}
	if len(codings) > 0 {
		o["coding"] = codings
	}
	for _, n := range []int{9, 2, 5} { // as the clinician wrote it, else as the code's own words
		if it.put(o, path, "text", v.Comp(n)) {
			break
		}
	}
	if len(o) == 0 {
		return nil
	}
	return o
}

// coded sets a CodeableConcept of the resource.
func (w *mapper) coded(it *item, name string, v hl7v2.Value) bool {
	c := w.concept(it, name, v)
	it.object(name, c)
	return c != nil
}

// codedList sets a list of one CodeableConcept for each repetition.
func (w *mapper) codedList(it *item, name, system string, v hl7v2.Value) {
	var list []fhir.Object
	for r := range v.Reps() {
		if c := w.conceptIn(it, index(name, len(list)), r, system); c != nil {
			list = append(list, c)
		}
	}
	it.list(name, list...)
}

// words are the text of a concept, for a display.
func words(v hl7v2.Value) string {
	for _, n := range []int{9, 2, 5, 1} {
		if t := clean(v.Comp(n).Text()); t != "" {
			return t
		}
	}
	return ""
}

// codeOf is what makes a concept the same again: its code, else its words.
func codeOf(v hl7v2.Value) string {
	if c := token(v.Comp(1).Text()); c != "" {
		return c
	}
	return strings.ToLower(words(v))
}

// humanName is an XPN as a HumanName, use being what the field implies.
func (it *item) humanName(path string, v hl7v2.Value, use string) fhir.Object {
	if !v.Exists() {
		return nil
	}
	o := fhir.Object{}
	it.put(o, path, "family", v.Comp(1).Sub(1))
	var given []string
	for _, n := range []int{2, 3} {
		if t := clean(v.Comp(n).Text()); t != "" {
			it.from(index(join(path, "given"), len(given)), v.Comp(n))
			given = append(given, t)
		}
	}
	if o["family"] == nil && len(given) == 0 {
		return nil
	}
	o["given"] = given
	if t := clean(v.Comp(5).Text()); t != "" {
		o["prefix"] = []string{t}
		it.from(join(path, "prefix[0]"), v.Comp(5))
	}
	if t := clean(v.Comp(4).Text()); t != "" {
		o["suffix"] = []string{t}
		it.from(join(path, "suffix[0]"), v.Comp(4))
	}
	if u := nameUses[strings.ToUpper(token(v.Comp(7).Text()))]; u != "" {
		it.set(o, path, "use", u, v.Comp(7))
	} else if use != "" {
		o["use"] = use
	}
	return o
}

// address is an XAD as an Address.
func (it *item) address(path string, v hl7v2.Value) fhir.Object {
	if !v.Exists() {
		return nil
	}
	o := fhir.Object{}
	var lines []string
	line := func(v hl7v2.Value) {
		if t := clean(v.Text()); t != "" {
			it.from(index(join(path, "line"), len(lines)), v)
			lines = append(lines, t)
		}
	}
	street := v.Comp(1)
	if street.Sub(2).Exists() || street.Sub(3).Exists() { // street, its name, the dwelling's number
		line(street.Sub(3))
		line(street.Sub(1))
		line(street.Sub(2))
	} else {
		line(street.Sub(1))
	}
	line(v.Comp(2))
	if len(lines) > 0 {
		o["line"] = lines
	}
	it.put(o, path, "city", v.Comp(3))
	if !it.put(o, path, "district", v.Comp(9)) {
		it.put(o, path, "district", v.Comp(4))
	} else {
		it.put(o, path, "state", v.Comp(4))
	}
	postcode := clean(v.Comp(5).Text())
	if p := nhs.Postcode(postcode); p != "" {
		postcode = p
	}
	it.set(o, path, "postalCode", postcode, v.Comp(5))
	it.put(o, path, "country", v.Comp(6))
	if len(o) == 0 {
		return nil
	}
	kind := strings.ToUpper(token(v.Comp(7).Text()))
	it.set(o, path, "use", addressUses[kind], v.Comp(7))
	if kind == "M" {
		it.set(o, path, "type", "postal", v.Comp(7))
	}
	return o
}

// telecom is an XTN, or a plain TN, as a ContactPoint; use is what the field implies.
func (it *item) telecom(path string, v hl7v2.Value, use string) fhir.Object {
	if !v.Exists() {
		return nil
	}
	o := fhir.Object{}
	kind := strings.ToUpper(token(v.Comp(3).Text()))
	mark := strings.ToUpper(token(v.Comp(2).Text()))
	system := telecomSystems[kind]
	if mark == "NET" {
		system = "email"
	}
	email := v.Comp(4)
	if system == "email" && !strings.Contains(email.Text(), "@") {
		email = v.Comp(1)
	}
	switch {
	case strings.Contains(email.Text(), "@"):
		it.put(o, path, "value", email)
	case it.put(o, path, "value", v.Comp(1)), it.put(o, path, "value", v.Comp(12)):
	default:
		var parts []string
		for n := 5; n <= 8; n++ {
			if t := clean(v.Comp(n).Text()); t != "" {
				parts = append(parts, t)
			}
		}
		it.set(o, path, "value", strings.Join(parts, " "), v)
	}
	value, _ := o["value"].(string)
	if value == "" {
		return nil
	}
	if strings.Contains(value, "@") {
		system = "email"
	}
	if system == "" || system == "email" && !strings.Contains(value, "@") {
		system = "phone"
	}
	o["system"] = system
	if kind == "CP" {
		o["use"] = "mobile"
	} else if u := telecomUses[mark]; u != "" {
		it.set(o, path, "use", u, v.Comp(2))
	} else if use != "" {
		o["use"] = use
	}
	return o
}

// maxRepetitions of a field become elements: more is no real message, and
// would cost a thousand times its size.
const maxRepetitions = 500

// each maps the repetitions of a field and collects what is not empty.
func each(path string, v hl7v2.Value, list []fhir.Object, f func(path string, v hl7v2.Value) fhir.Object) []fhir.Object {
	for r := range v.Reps() {
		if len(list) == maxRepetitions {
			break
		}
		if o := f(index(path, len(list)), r); len(o) > 0 {
			list = append(list, o)
		}
	}
	return list
}

// person is an XCN, CN or PPN as a Reference to a Practitioner, which the
// message's resources hold once. Without a number there are only the words.
func (w *mapper) person(it *item, path string, v hl7v2.Value) fhir.Object {
	if !v.Exists() {
		return nil
	}
	id := token(v.Comp(1).Text())
	family, given, prefix := clean(v.Comp(2).Sub(1).Text()), clean(v.Comp(3).Text()), clean(v.Comp(6).Text())
	if family == "" && given == "" && !strings.ContainsAny(id, "0123456789") {
		family, id = id, "" // a name alone
	}
	display := strings.TrimSpace(strings.Join(strings.Fields(prefix+" "+given+" "+family), " "))
	if display == "" {
		display = id
	}
	if display == "" {
		return nil
	}
	o := fhir.Object{"display": display}
	it.from(join(path, "display"), v)
	if id == "" {
		return o
	}
	system := w.professional(id, token(v.Comp(9).Sub(1).Text()), token(v.Comp(13).Text()))
	key := plainKey(system[strings.LastIndexByte(system, '/')+1:] + ":" + id)
	o["reference"] = mapped.Ref("Practitioner", key)
	if !w.once("Practitioner " + key) {
		return o
	}
	p := &item{typ: "Practitioner", key: key, patient: mapped.Shared, place: v.Place(), o: fhir.Object{"resourceType": "Practitioner"}}
	number := fhir.Object{"system": system, "value": id}
	p.from("identifier[0].value", v.Comp(1))
	p.list("identifier", number)
	name := fhir.Object{}
	p.put(name, "name[0]", "family", v.Comp(2).Sub(1))
	if given != "" {
		name["given"] = []string{given}
		p.from("name[0].given[0]", v.Comp(3))
	}
	if prefix != "" {
		name["prefix"] = []string{prefix}
		p.from("name[0].prefix[0]", v.Comp(6))
	}
	p.list("name", name)
	w.add(p)
	return o
}

// organisation is an XON or a plain code as a Reference by identifier.
func (w *mapper) organisation(it *item, path, name, id string, vName, vID hl7v2.Value) fhir.Object {
	o := fhir.Object{"type": "Organization"}
	if name != "" {
		o["display"] = name
		it.from(join(path, "display"), vName)
	}
	if id != "" {
		system := mapped.LocalSystem(w.source, "organisation")
		if odsLike(id) {
			system, id = nhs.ODSSystem, strings.ToUpper(id)
		}
		o["identifier"] = fhir.Object{"system": system, "value": id}
		it.from(join(path, "identifier.value"), vID)
	}
	if len(o) == 1 {
		return nil
	}
	return o
}

// xon is an XON as a Reference: the name, and the code of component 3 or 10.
func (w *mapper) xon(it *item, path string, v hl7v2.Value) fhir.Object {
	if !v.Exists() {
		return nil
	}
	code := v.Comp(3)
	if v.Comp(10).Exists() {
		code = v.Comp(10)
	}
	return w.organisation(it, path, clean(v.Comp(1).Text()), token(code.Text()), v.Comp(1), code)
}

// odsLike says whether a code has the form of an ODS code of a trust, practice
// or site: a letter first, 3 to 8 letters and digits, at least one digit where
// it is longer than 3.
func odsLike(s string) bool {
	if len(s) < 3 || len(s) > 8 || (s[0]|0x20) < 'a' || (s[0]|0x20) > 'z' {
		return false
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case c >= '0' && c <= '9':
			digits++
		case c < 'a' || c > 'z':
			return false
		}
	}
	return digits > 0 || len(s) == 3 && strings.ToUpper(s) == s
}

// place is a PL as words: bed, room, ward, facility.
func placeWords(v hl7v2.Value) string {
	var parts []string
	for _, n := range []int{3, 2, 1, 7, 4, 9} {
		t := clean(v.Comp(n).Sub(1).Text())
		if t != "" && (len(parts) == 0 || parts[len(parts)-1] != t) {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, ", ")
}

// entity is the identifier of an EI, or of a CM of the old versions: its
// number and the one who assigned it.
func entity(v hl7v2.Value) string { return token(v.Comp(1).Sub(1).Text()) }

// number is a decimal as FHIR writes it, of a number as people do: no plus
// sign, no zeros in front, a digit before the point. "" where it is none.
func number(s string) fhir.Decimal {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	minus := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	s = strings.TrimSuffix(s, ".")
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	for len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		s = s[1:]
	}
	if minus {
		s = "-" + s
	}
	if !fhir.IsDecimal(s) {
		return ""
	}
	return fhir.Decimal(s)
}

// whole is a small whole number.
func whole(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil && n > 0
}
