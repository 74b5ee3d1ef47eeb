package v2tofhir

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// pid opens a patient. A patient that the message has named before is the same.
func (w *mapper) pid(s hl7v2.Segment) error {
	w.closeReport()
	w.encounter, w.last, w.order, w.request = "", nil, order{}, nil
	w.subject, w.within = nil, nil
	pd1 := w.after(s, "PD1", "PID", "PV1", "OBR", "MRG")
	it := w.start("Patient", "", s)
	p := mapped.Patient{Place: s.Place()}
	status := ""
	for r := range s.Field(32).Reps() {
		if status = verificationCode(token(r.Text())); status != "" {
			break
		}
	}
	p.Identifiers = w.identifiers(s, status == "01")
	w.names(it, s)
	p.Fallback = fallback(s)
	if len(p.Identifiers) == 0 && p.Fallback == "" {
		return fault.E("v2tofhir.Map", fault.Required, "the patient has neither identifier nor name", s.Place())
	}
	w.identifierList(it, p.Identifiers, status, s.Field(32))
	w.demographics(it, s)
	w.registration(it, pd1)
	w.restrict(it, s)
	p.Cleared = append(cleared(s, it.o), it.cleared()...)
	p.Gone = w.typ == "ADT" && w.trigger == "A29"
	it.mark()
	p.Body, p.Origins = fhir.Marshal(it.o), it.origins
	w.pkey = patientKey(p)
	if i, ok := w.people[w.pkey]; ok {
		w.patient = i
		return nil
	}
	w.patient = len(w.out.Patients)
	if w.people == nil {
		w.people = map[string]int{}
	}
	w.people[w.pkey] = w.patient
	w.out.Patients = append(w.out.Patients, p)
	return nil
}

// patientKey stands for the patient in the keys of what has no number of its
// own. Only the source's own number stands in it as it is.
func patientKey(p mapped.Patient) string {
	secret := p.Fallback
	if len(p.Identifiers) > 0 {
		id := p.Identifiers[0]
		if id.System != nhs.NumberSystem {
			return id.System[strings.LastIndexByte(id.System, '/')+1:] + "|" + id.Value
		}
		secret = id.System + id.Value
	}
	sum := sha256.Sum256([]byte(secret))
	return "patient|" + hex.EncodeToString(sum[:12])
}

// fallback is what tells people without a number apart; "" without a name.
func fallback(s hl7v2.Segment) string {
	name := s.Field(5).Rep(1)
	family, given := clean(name.Comp(1).Sub(1).Text()), clean(name.Comp(2).Text())
	if family == "" && given == "" {
		return ""
	}
	born, _ := hl7v2.Date(s.Comp(7, 1).Text())
	return strings.ToLower(family + "|" + given + "|" + born + "|" + genders[strings.ToUpper(token(s.Comp(8, 1).Text()))])
}

// identifiers are those of PID-3, PID-2, PID-4 and PID-19, best first: the
// source's own patient numbers, the NHS number, then others.
func (w *mapper) identifiers(s hl7v2.Segment, verified bool) []mapped.Identifier {
	var own, national, other []mapped.Identifier
	seen := map[string]bool{}
	take := func(v hl7v2.Value, unnamed string) {
		id, kind := w.identifier(v, unnamed)
		if id.Value == "" || seen[id.System+" "+id.Value] || unnamed != "" && seen[id.Value] {
			return
		}
		seen[id.System+" "+id.Value], seen[id.Value] = true, true
		switch {
		case id.System == nhs.NumberSystem:
			id.Verified = verified
			national = append(national, id)
		case kind == "" || kind == "MR" || kind == "PI" || kind == "PT" || kind == "MRN":
			own = append(own, id)
		default:
			other = append(other, id)
		}
	}
	for r := range s.Field(3).Reps() {
		take(r, "")
	}
	for r := range s.Field(2).Reps() {
		take(r, "external")
	}
	for r := range s.Field(4).Reps() {
		take(r, "alternate")
	}
	take(s.Field(19), "SS")
	return slices.Concat(own, national, other)
}

// identifier is a CX as an identifier of the source, and its type code. unnamed
// is the number space of a number of which nothing says what it is.
func (w *mapper) identifier(v hl7v2.Value, unnamed string) (mapped.Identifier, string) {
	number := v.Comp(1)
	id := mapped.Identifier{Value: token(number.Text()), Place: number.Place()}
	authority, oid := token(v.Comp(4).Sub(1).Text()), token(v.Comp(4).Sub(2).Text())
	kind := strings.ToUpper(token(v.Comp(5).Text()))
	n, err := nhs.ParseNumber(id.Value)
	if isNHS(authority, oid, kind) || unnamed == "SS" && err == nil {
		id.System = nhs.NumberSystem
		if err == nil {
			id.Value = n.Digits()
		}
		return id, "NH"
	}
	if authority == "" {
		authority = oid
	}
	if authority == "" {
		authority = unnamed
	}
	if authority == "" && kind != "MR" && kind != "PI" && kind != "PT" && kind != "MRN" {
		authority = kind
	}
	if unnamed != "" && kind == "" {
		kind = unnamed
	}
	id.System = mapped.LocalSystem(w.source, slug(authority))
	return id, kind
}

// identifierList is Patient.identifier. The tracing status is an extension of
// the NHS number.
func (w *mapper) identifierList(it *item, ids []mapped.Identifier, status string, from hl7v2.Value) {
	list := make([]fhir.Object, 0, len(ids))
	for i, id := range ids {
		o := fhir.Object{"system": id.System, "value": id.Value}
		it.origins = append(it.origins, mapped.Origin{Element: index("identifier", i) + ".value", Place: id.Place})
		if id.System == nhs.NumberSystem && status != "" {
			o["extension"] = []fhir.Object{{"url": extensionVerification, "valueCodeableConcept": fhir.Concept("", fhir.Coding(systemVerification, status, verification[status]))}}
			it.from(index("identifier", i)+".extension[0].valueCodeableConcept.coding[0].code", from)
		}
		list = append(list, o)
	}
	it.list("identifier", list...)
}

func (w *mapper) names(it *item, s hl7v2.Segment) {
	first := true
	names := each("name", s.Field(5), nil, func(p string, v hl7v2.Value) fhir.Object {
		use := ""
		if first {
			use = "official"
		}
		first = false
		return it.humanName(p, v, use)
	})
	names = each("name", s.Field(9), names, func(p string, v hl7v2.Value) fhir.Object { return it.humanName(p, v, "old") })
	it.list("name", names...)
}

// demographics are the rest of PID.
func (w *mapper) demographics(it *item, s hl7v2.Segment) {
	w.birth(it, s)
	it.set(it.o, "", "gender", genders[strings.ToUpper(token(s.Comp(8, 1).Text()))], s.Comp(8, 1))
	it.list("address", each("address", s.Field(11), nil, it.address)...)
	phones := each("telecom", s.Field(13), nil, func(p string, v hl7v2.Value) fhir.Object { return it.telecom(p, v, "home") })
	phones = each("telecom", s.Field(14), phones, func(p string, v hl7v2.Value) fhir.Object { return it.telecom(p, v, "work") })
	it.list("telecom", phones...)
	if v := s.Field(15).Rep(1); v.Exists() {
		if c := w.conceptIn(it, "communication[0].language", v, "urn:ietf:bcp:47"); c != nil {
			if list, _ := c["coding"].([]fhir.Object); len(list) > 0 && list[0]["system"] == "urn:ietf:bcp:47" {
				list[0]["code"] = strings.ToLower(list[0]["code"].(string))
			}
			it.list("communication", fhir.Object{"language": c, "preferred": true})
		}
	}
	if v := s.Field(16).Rep(1); v.Exists() {
		system := mapped.LocalSystem(w.source, "marital-status")
		if marital[token(v.Comp(1).Text())] {
			system = systemMarital
		}
		it.object("maritalStatus", w.conceptIn(it, "maritalStatus", v, system))
	}
	w.death(it, s)
	switch multiple, order := strings.ToUpper(token(s.Comp(24, 1).Text())), s.Comp(25, 1); {
	case order.Exists():
		if n, ok := whole(order.Text()); ok {
			it.o["multipleBirthInteger"] = n
			it.from("multipleBirthInteger", order)
		}
	case multiple == "Y" || multiple == "N":
		it.o["multipleBirthBoolean"] = multiple == "Y"
		it.from("multipleBirthBoolean", s.Comp(24, 1))
	}
	w.extensions(it, s)
}

// clearing are the fields of PID that clear an element when they hold "".
var clearing = []struct {
	field   int
	element string
}{{7, "birthDate"}, {7, "_birthDate"}, {8, "gender"}, {11, "address"}, {13, "telecom"}, {14, "telecom"}, {15, "communication"}, {16, "maritalStatus"},
	{29, "deceasedDateTime"}, {30, "deceasedBoolean"}}

// cleared are the elements that the sender deletes: a field of "" says that
// there is no value any more, where an empty one says nothing.
// HL7 v2.5.1 section 2.5.3.1.
func cleared(s hl7v2.Segment, now fhir.Object) (names []string) {
	for _, c := range clearing {
		if s.Field(c.field).Null() && now[c.element] == nil {
			names = append(names, c.element)
		}
	}
	return names
}

// birth sets the birth date, and the time of a birth that has one: the age of
// the newborn is told in hours.
func (w *mapper) birth(it *item, s hl7v2.Segment) {
	v := s.Comp(7, 1)
	if !it.date("birthDate", v) {
		return
	}
	full, _ := hl7v2.DateTime(v.Text())
	if len(full) > 10 && !strings.Contains(full, "T00:00:00") {
		it.o["_birthDate"] = fhir.Object{"extension": []fhir.Object{{"url": core + "patient-birthTime", "valueDateTime": full}}}
		it.from("_birthDate.extension[0].valueDateTime", v)
	}
}

// death: G20. A source that says N takes a death back.
func (w *mapper) death(it *item, s hl7v2.Segment) {
	if it.when("deceasedDateTime", s.Comp(29, 1)) {
		return
	}
	v := s.Comp(30, 1)
	switch strings.ToUpper(token(v.Text())) {
	case "Y":
		it.o["deceasedBoolean"] = true
	case "N":
		it.o["deceasedBoolean"] = false
	default:
		return
	}
	it.from("deceasedBoolean", v)
}

// extensions are what R4's Patient has no element for.
func (w *mapper) extensions(it *item, s hl7v2.Segment) {
	var list []fhir.Object
	at := func(value string) string { return index("extension", len(list)) + "." + value }
	for _, n := range []int{22, 10} { // British senders use either for ethnic category
		v := s.Field(n).Rep(1)
		code := strings.ToUpper(token(v.Comp(1).Text()))
		var c fhir.Object
		if words, ok := ethnic[code]; ok {
			c = fhir.Concept("", fhir.Coding(systemEthnic, code, words))
			it.from(at("valueCodeableConcept.coding[0].code"), v.Comp(1))
		} else {
			c = w.conceptIn(it, at("valueCodeableConcept"), v, mapped.LocalSystem(w.source, "ethnic-group"))
		}
		if c != nil {
			list = append(list, fhir.Object{"url": extensionEthnic, "valueCodeableConcept": c})
			break
		}
	}
	if c := w.conceptIn(it, at("valueCodeableConcept"), s.Field(17).Rep(1), mapped.LocalSystem(w.source, "religion")); c != nil {
		list = append(list, fhir.Object{"url": core + "patient-religion", "valueCodeableConcept": c})
	}
	if v := s.Field(6).Rep(1).Comp(1).Sub(1); v.Exists() {
		it.from(at("valueString"), v)
		list = append(list, fhir.Object{"url": core + "patient-mothersMaidenName", "valueString": clean(v.Text())})
	}
	if v := s.Comp(23, 1); v.Exists() {
		it.from(at("valueAddress.text"), v)
		list = append(list, fhir.Object{"url": core + "patient-birthPlace", "valueAddress": fhir.Object{"text": clean(v.Text())}})
	}
	it.list("extension", list...)
}

// registration is PD1: the practice, the practitioner, and whether the record
// is protected.
func (w *mapper) registration(it *item, pd1 hl7v2.Segment) {
	if !pd1.Exists() {
		return
	}
	var list []fhir.Object
	add := func(o fhir.Object) {
		if len(o) > 0 {
			list = append(list, o)
		}
	}
	add(w.xon(it, index("generalPractitioner", len(list)), pd1.Field(3).Rep(1)))
	add(w.person(it, index("generalPractitioner", len(list)), pd1.Field(4).Rep(1)))
	it.list("generalPractitioner", list...)
	it.flag(pd1.Field(12))
}

// linkKinds are the events that say that two identities are one, or are not.
var linkKinds = map[string]string{"A18": "merge", "A30": "merge", "A34": "merge", "A36": "merge", "A39": "merge", "A40": "merge",
	"A46": "merge", "A47": "merge", "A24": "link", "A37": "unlink"}

// links reads merges, links and their undoing. The person merged away is that
// of MRG; the person linked is that of the second PID.
func (w *mapper) links() error {
	kind := linkKinds[w.trigger]
	if w.typ != "ADT" || kind == "" {
		for s := range w.m.All("MRG") {
			w.unmapped(s, "the event merges accounts or visits, not patients")
		}
		return nil
	}
	if kind != "merge" && len(w.out.Patients) == 1 && !w.m.First("MRG").Exists() {
		return fault.E("v2tofhir.Map", fault.Required, "a link does not say of whom", "PID[2]")
	}
	if kind != "merge" && len(w.out.Patients) > 1 {
		w.out.Links = append(w.out.Links, mapped.Link{Kind: kind, Keep: 0, Other: 1, Place: w.out.Patients[1].Place})
		return nil
	}
	keep, found := -1, false
	for s := range w.m.All("") {
		switch s.Name() {
		case "PID":
			keep = w.patientAt(s)
		case "MRG":
			if keep >= 0 {
				found = w.mergeFrom(s, keep, kind) || found
			}
		}
	}
	if !found && len(w.out.Patients) > 1 && kind == "merge" {
		return fault.E("v2tofhir.Map", fault.Required, "a merge of several patients does not say which of them ends", "MRG-1")
	}
	if !found && kind == "merge" && !w.m.First("MRG").Exists() {
		return fault.E("v2tofhir.Map", fault.Required, "a merge does not say whom it merges", "MRG-1")
	}
	return nil
}

// patientAt is the index of the patient that a PID segment names.
func (w *mapper) patientAt(s hl7v2.Segment) int {
	ids := w.identifiers(s, false)
	if i, ok := w.people[patientKey(mapped.Patient{Identifiers: ids, Fallback: fallback(s)})]; ok {
		return i
	}
	return -1
}

// mergeFrom reads the identities of one MRG segment. Numbers of different
// kinds are one person's; a second number of the same kind is a second person.
func (w *mapper) mergeFrom(s hl7v2.Segment, keep int, kind string) bool {
	var people [][]mapped.Identifier
	survivor := w.out.Patients[keep].Identifiers
	same := 0
	take := func(v hl7v2.Value, unnamed string) {
		id, _ := w.identifier(v, unnamed)
		if id.Value == "" {
			return
		}
		if slices.ContainsFunc(survivor, func(o mapped.Identifier) bool { return o.System == id.System && o.Value == id.Value }) {
			same++
			return
		}
		n := len(people)
		if n == 0 || slices.ContainsFunc(people[n-1], func(o mapped.Identifier) bool { return o.System == id.System }) {
			people = append(people, nil)
			n++
		}
		people[n-1] = append(people[n-1], id)
	}
	for r := range s.Field(1).Reps() {
		take(r, "")
	}
	if len(people) == 0 && same == 0 {
		take(s.Field(4), "external")
	}
	if len(people) == 0 && same > 0 {
		w.unmapped(s, "it names the surviving patient's own number")
	}
	for _, ids := range people {
		other := len(w.out.Patients)
		w.out.Patients = append(w.out.Patients, mapped.Patient{Identifiers: ids, Place: s.Place()})
		w.out.Links = append(w.out.Links, mapped.Link{Kind: kind, Keep: keep, Other: other, Place: ids[0].Place})
	}
	return len(people) > 0
}
