package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// relatedPerson is NK1: next of kin, carer, emergency contact.
func (w *mapper) relatedPerson(s hl7v2.Segment) {
	w.closeReport()
	name := s.Field(2).Rep(1)
	if !name.Exists() && !s.Field(13).Exists() {
		w.unmapped(s, "it names nobody")
		return
	}
	it := w.start("RelatedPerson", "patient", s)
	it.key = entity(s.Field(33))
	if it.key == "" {
		it.key = strings.ToLower(clean(name.Comp(1).Sub(1).Text()) + "|" + clean(name.Comp(2).Text()) + "|" + codeOf(s.Field(3)))
	}
	it.key = w.uniqueKey("RelatedPerson", w.pkey+"/"+it.key)
	it.o["active"] = true
	it.list("name", each("name", s.Field(2), nil, func(p string, v hl7v2.Value) fhir.Object { return it.humanName(p, v, "") })...)
	if it.o["name"] == nil {
		it.list("name", fhir.Object{"text": words(s.Field(13))})
		it.from("name[0].text", s.Field(13))
	}
	var kinds []fhir.Object
	for _, f := range []struct {
		field        int
		table, codes string // others are the sender's own
	}{{3, hl7 + "v2-0063", kin}, {7, hl7 + "v2-0131", contacts}} {
		v, system := s.Field(f.field).Rep(1), mapped.LocalSystem(w.source, "relationship")
		if code := token(v.Comp(1).Text()); strings.Contains(f.codes, " "+code+" ") {
			system = f.table
		}
		if c := w.conceptIn(it, index("relationship", len(kinds)), v, system); c != nil {
			kinds = append(kinds, c)
		}
	}
	it.list("relationship", kinds...)
	it.list("address", each("address", s.Field(4), nil, it.address)...)
	phones := each("telecom", s.Field(5), nil, func(p string, v hl7v2.Value) fhir.Object { return it.telecom(p, v, "home") })
	phones = each("telecom", s.Field(6), phones, func(p string, v hl7v2.Value) fhir.Object { return it.telecom(p, v, "work") })
	it.list("telecom", phones...)
	it.set(it.o, "", "gender", genders[strings.ToUpper(token(s.Comp(15, 1).Text()))], s.Comp(15, 1))
	it.date("birthDate", s.Comp(16, 1))
	p := fhir.Object{}
	if t, ok := hl7v2.DateTime(s.Comp(8, 1).Text()); ok {
		it.set(p, "period", "start", t, s.Comp(8, 1))
	}
	if t, ok := hl7v2.DateTime(s.Comp(9, 1).Text()); ok {
		it.set(p, "period", "end", t, s.Comp(9, 1))
	}
	it.object("period", p)
	w.add(it)
	w.last = it
}
