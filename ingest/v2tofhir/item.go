package v2tofhir

import (
	"slices"
	"strconv"
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// item is a resource under construction, with the place that each of its
// elements was read from.
type item struct {
	typ, key   string
	patient    int
	action     int
	place      string
	o          fhir.Object
	origins    []mapped.Origin
	sensitive  []string // codes of v3 ActCode that say of what kind it is
	labels     string   // the strictest v3-Confidentiality code given it, "" for none
	lifted     bool     // the source deletes the label that it gave before
	notes      []fhir.Object
	added      bool
	encloses   bool // mapped.Resource.Encloses
	unnumbered bool // mapped.Resource.Unnumbered
}

// start begins a resource about the open patient. subject names the element
// that refers to them.
func (w *mapper) start(typ, subject string, s hl7v2.Segment) *item {
	it := &item{typ: typ, patient: w.patient, place: s.Place(), o: make(fhir.Object, 14), origins: make([]mapped.Origin, 0, 16)}
	it.o["resourceType"] = typ
	if subject != "" {
		if w.subject == nil {
			w.subject = fhir.Ref(mapped.PatientRef(w.patient))
		}
		it.o[subject] = w.subject
	}
	return it
}

// add takes the item into the message, at the place of its first add. What
// comes to it later (a note, a label) still counts: it is written at the end.
func (w *mapper) add(it *item) {
	if it == nil || it.added {
		return
	}
	it.added = true
	w.items = append(w.items, it)
}

// write makes the message's resources of its items.
func (w *mapper) write() {
	w.out.Resources = make([]mapped.Resource, len(w.items))
	for i, it := range w.items {
		if len(it.notes) > 0 {
			it.o["note"] = it.notes
		}
		w.restrictAll(it)
		it.mark()
		w.out.Resources[i] = mapped.Resource{Type: it.typ, Key: it.key, Patient: it.patient, Action: it.action, Body: fhir.Marshal(it.o), Place: it.place, Origins: it.origins,
			Encloses: it.encloses, Unnumbered: it.unnumbered, Cleared: it.cleared(), SaysLabels: it.lifted}
	}
}

// mark writes the item's label into it.
func (it *item) mark() {
	if it.labels != "" {
		security := []fhir.Object{fhir.Coding(systemConfidentiality, it.labels, "")}
		for _, code := range it.sensitive {
			security = append(security, fhir.Coding(systemActCode, code, ""))
		}
		it.o["meta"] = fhir.Object{"security": security}
	}
}

// cleared are the elements that the source deletes: of labels only where the message
// gives none. An N does not delete one: systems send it that do not know of the label.
func (it *item) cleared() []string {
	if it.lifted = it.lifted && it.labels == ""; it.lifted {
		return []string{"meta"}
	}
	return nil
}

// flag labels the item by an indicator of protection. HL7's null deletes what was said
// before (version 2.9, 2.5.3.4: "delete the existing value").
func (it *item) flag(v hl7v2.Value) {
	it.lifted = it.lifted || v.Null()
	it.label(flagged(v))
}

// uniqueKey is key, or key with a count where the message has used it for the
// type before. "" stays "": always a new resource.
func (w *mapper) uniqueKey(typ, key string) string {
	if key = plainKey(key); key == "" {
		return ""
	}
	if w.keys == nil {
		w.keys = map[string]int{}
	}
	w.keys[typ+" "+key]++
	if n := w.keys[typ+" "+key]; n > 1 {
		return key + "/" + strconv.Itoa(n)
	}
	return key
}

// shortest is the length from which a number counts as the source's own. One
// that is shorter ("1", "ds1") is counted within the patient: some systems
// begin anew with each, and one patient's document must never become another's.
const shortest = 5

// own is a number of the source as a key, "" where there is none.
func (w *mapper) own(number string) string {
	if number != "" && len(number) < shortest {
		return w.pkey + "/" + number
	}
	return number
}

// plainKey makes a key that reads the same inside JSON: a reference holds it.
func plainKey(s string) string {
	bad := func(c byte) bool { return c < 0x20 || c == '"' || c == '\\' || c == 0x7f }
	for i := range len(s) {
		if bad(s[i]) {
			b := []byte(s)
			for j := range b {
				if bad(b[j]) {
					b[j] = '_'
				}
			}
			return string(b)
		}
	}
	return s
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// from notes that an element was read from v. What the sender left out has no origin.
func (it *item) from(element string, v hl7v2.Value) {
	if clean(v.Text()) == "" {
		return
	}
	it.origins = append(it.origins, mapped.Origin{Element: element, Place: v.Place()})
}

// forget drops the origins of an element and all below it: it was read anew.
func (it *item) forget(element string) {
	it.origins = slices.DeleteFunc(it.origins, func(o mapped.Origin) bool {
		rest, ok := strings.CutPrefix(o.Element, element)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// put sets a text element from a value; false where the value is empty.
func (it *item) put(o fhir.Object, path, name string, v hl7v2.Value) bool {
	return it.set(o, path, name, clean(v.Text()), v)
}

// set sets an element to what v was translated to.
func (it *item) set(o fhir.Object, path, name, value string, v hl7v2.Value) bool {
	if value == "" {
		return false
	}
	o[name] = value
	it.from(join(path, name), v)
	return true
}

// date sets a date element of the resource itself.
func (it *item) date(name string, v hl7v2.Value) bool {
	d, _ := hl7v2.Date(v.Text())
	return it.set(it.o, "", name, d, v)
}

// when sets a dateTime element of the resource itself.
func (it *item) when(name string, v hl7v2.Value) bool {
	d, _ := hl7v2.DateTime(v.Text())
	return it.set(it.o, "", name, d, v)
}

// object sets a complex element where it is not empty.
func (it *item) object(name string, o fhir.Object) {
	if len(o) > 0 {
		it.o[name] = o
	}
}

// list sets a list of one complex element where it is not empty.
func (it *item) list(name string, o ...fhir.Object) {
	var some []fhir.Object
	for _, x := range o {
		if len(x) > 0 {
			some = append(some, x)
		}
	}
	if len(some) > 0 {
		it.o[name] = some
	}
}

// clean makes text fit to be a FHIR string: no blanks round it, no control
// characters but tab and line feed.
func clean(s string) string {
	s = strings.TrimSpace(s)
	for i := range len(s) {
		if s[i] < 0x20 && s[i] != '\n' && s[i] != '\t' || s[i] == 0x7f {
			return strings.TrimSpace(scrub(s))
		}
	}
	return s
}

func scrub(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r < 0x20 && r != '\n' && r != '\t', r == 0x7f:
			return -1
		}
		return r
	}, s)
}

// token makes text fit to be a FHIR code: single blanks only.
func token(s string) string {
	s = clean(s)
	if strings.ContainsAny(s, "\n\t") || strings.Contains(s, "  ") {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}

// label keeps the strictest of the labels given to an item.
func (it *item) label(code string) {
	if code == "V" || code == "R" && it.labels == "" {
		it.labels = code
	}
}

// stated is what a source says of confidentiality: a code of v3-Confidentiality, and of
// which kind the item is, as a code of ActCode; "" for nothing.
type stated struct{ code, kind string }

// confidential are the codes of HL7 table 0177 that say of which kind.
var confidential = map[string]string{"AID": "HIV", "HIV": "HIV", "PSY": "PSY", "ETH": "ETH"}

// confidentiality reads a code of HL7 table 0177.
func confidentiality(v hl7v2.Value) stated {
	switch code := strings.ToUpper(token(v.Comp(1).Text())); code {
	case "", "U", "N", "L", "M":
		return stated{}
	case "V":
		return stated{code: "V"}
	default:
		return stated{"R", confidential[code]}
	}
}

// states gives the item what a source says of it.
func (it *item) states(s stated) {
	it.label(s.code)
	if s.kind != "" && !slices.Contains(it.sensitive, s.kind) {
		it.sensitive = append(it.sensitive, s.kind)
	}
}

// flagged is R where a yes-or-no or free indicator says that access is restricted.
func flagged(v hl7v2.Value) string {
	switch strings.ToUpper(token(v.Comp(1).Text())) {
	case "", "N", "NO", "0", "U", "F", "FALSE", "NONE":
		return ""
	case "V":
		return "V"
	}
	return "R"
}
