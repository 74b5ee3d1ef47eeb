package synth

import (
	"math"
	"strconv"
	"strings"
	"time"

	"selda/fhir"
	"selda/nhs"
)

// FHIR R4 as UK systems send it: resources to the UK Core profiles, in
// transaction Bundles.

const (
	ukCore      = "https://fhir.hl7.org.uk/StructureDefinition/"
	ukCoreSet   = "https://fhir.hl7.org.uk/CodeSystem/"
	hl7Set      = "http://terminology.hl7.org/CodeSystem/"
	labelSystem = "https://selda.example/labels"
	gmcSystem   = "https://fhir.hl7.org.uk/Id/gmc-number"
)

// bundle is a transaction of one source about one person.
type bundle struct {
	s       *story
	src     nhs.Source
	base    string // of the source's own server
	prefix  string // of its ids for this person
	entries []fhir.Object
}

func (s *story) newBundle(src nhs.Source, x *identity) *bundle {
	s.used(src, x.number)
	code := strings.ToLower(string(src.Organisation()))
	return &bundle{s: s, src: src, base: "https://" + code + "." + strings.ToLower(src.System()) + ".example/fhir/", prefix: code + "-" + strings.ToLower(x.number)}
}

// id is the source's own id of a fact: its kind's letter and its number.
func (b *bundle) id(kind string, n int) string { return b.prefix + "-" + kind + strconv.Itoa(n) }

// put adds a resource under its id.
func (b *bundle) put(typ, id, profile string, o fhir.Object) {
	o["resourceType"], o["id"] = typ, id
	meta, _ := o["meta"].(fhir.Object)
	if meta == nil {
		meta = fhir.Object{}
	}
	if profile != "" {
		meta["profile"] = []string{ukCore + "UKCore-" + profile}
	}
	o["meta"] = meta
	b.entries = append(b.entries, fhir.Object{"fullUrl": b.base + typ + "/" + id, "resource": o, "request": fhir.Object{"method": "PUT", "url": typ + "/" + id}})
}

// send hands the bundle over.
func (b *bundle) send(made time.Time) {
	s := b.s
	s.control++
	if s.silent {
		s.send(b.src, "fhir", made, nil)
		return
	}
	id := strings.ToLower(s.controlID(b.src))
	s.send(b.src, "fhir", made, fhir.Marshal(fhir.Object{"resourceType": "Bundle", "id": id, "type": "transaction", "timestamp": fhirTime(made),
		"identifier": fhir.Object{"system": b.base + "message", "value": id}, "entry": b.entries}))
}

func coded(c *concept) fhir.Object {
	return fhir.Concept(c.term, fhir.Coding(sctSystem, c.sct, c.term))
}

func hl7Coded(set, code, display string) fhir.Object {
	return fhir.Concept("", fhir.Coding(hl7Set+set, code, display))
}

func (b *bundle) subject() fhir.Object { return fhir.Ref("Patient/" + b.prefix) }

// labelled is the meta of a resource whose source labels it as sensitive, by
// the region's label codes and, with "R", by HL7's confidentiality.
func labelled(codes ...string) fhir.Object {
	var list []fhir.Object
	for _, c := range codes {
		system := labelSystem
		if c == "R" {
			system = hl7Set + "v3-Confidentiality"
		}
		list = append(list, fhir.Coding(system, c, ""))
	}
	return fhir.Object{"security": list}
}

// patient adds the person as x has them.
func (b *bundle) patient(known *identity, when time.Time) {
	s, p := b.s, b.s.p
	x := known.as(when)
	var ids []fhir.Object
	if x.nhs != "" {
		code, words := "01", "Number present and verified"
		if !x.traced {
			code, words = "02", "Number present but not traced"
		}
		ids = append(ids, fhir.Object{"system": nhs.NumberSystem, "value": x.nhs, "extension": []fhir.Object{{"url": ukCore + "Extension-UKCore-NHSNumberVerificationStatus",
			"valueCodeableConcept": fhir.Concept("", fhir.Coding(ukCoreSet+"UKCore-NHSNumberVerificationStatusEngland", code, words))}}})
	}
	ids = append(ids, fhir.Object{"system": b.base + "patient-number", "value": x.number})
	names := []fhir.Object{{"use": "official", "family": x.family, "given": given(x.given, p.middle), "prefix": []string{p.title}}}
	if p.preferred != "" {
		names = append(names, fhir.Object{"use": "nickname", "given": []string{p.preferred}})
	}
	ext := []fhir.Object{{"url": ukCore + "Extension-UKCore-EthnicCategory", "valueCodeableConcept": fhir.Concept("", fhir.Coding(ukCoreSet+"UKCore-EthnicCategoryEngland", string(p.ethnic), ethnicTerm[p.ethnic]))}}
	var speaks []fhir.Object
	if p.language != "" {
		l := fhir.Concept("", fhir.Coding("urn:ietf:bcp:47", p.language, languages[p.language].name))
		speaks = []fhir.Object{{"language": l, "preferred": true}}
		ext = append(ext, fhir.Object{"url": ukCore + "Extension-UKCore-NHSCommunication", "extension": []fhir.Object{{"url": "language", "valueCodeableConcept": l}, {"url": "interpreterRequired", "valueBoolean": true}}})
	}
	o := fhir.Object{"extension": ext, "identifier": ids, "active": true, "name": names, "gender": gender(x.sex), "birthDate": fhirDate(x.born),
		"telecom":              []fhir.Object{{"system": "phone", "use": "home", "value": p.home.phone}, {"system": "phone", "use": "mobile", "value": p.mobile}},
		"address":              []fhir.Object{{"use": "home", "line": []string{p.home.line}, "city": "London", "district": boroughs[p.home.borough].Name, "postalCode": p.home.postcode}},
		"communication":        speaks,
		"generalPractitioner":  []fhir.Object{{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(p.practice.Code)}, "display": p.practice.Name, "type": "Organization"}},
		"managingOrganization": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(x.org.Code)}, "display": x.org.Name}}
	if s.hidden {
		o["meta"] = labelled("R")
	}
	if !p.died.IsZero() && !when.Before(p.died) {
		o["deceasedDateTime"] = fhirTime(p.died)
	}
	if k := p.mother; k != nil && p.age(s.end) < 18 {
		o["contact"] = []fhir.Object{{"relationship": []fhir.Object{hl7Coded("v3-RoleCode", "MTH", "mother")}, "name": fhir.Object{"family": k.family, "given": []string{k.given}}, "telecom": []fhir.Object{{"system": "phone", "value": k.mobile}}}}
	}
	b.put("Patient", b.prefix, "Patient", o)
}

func given(names ...string) []string {
	var out []string
	for _, n := range names {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// by is a reference to a clinician, by number and name.
func by(w who) fhir.Object {
	return fhir.Object{"type": "Practitioner", "identifier": fhir.Object{"system": gmcSystem, "value": w.code}, "display": w.title + " " + w.given + " " + w.family}
}

func org(o *Organisation) fhir.Object {
	return fhir.Object{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(o.Code)}, "display": o.Name}
}

// decimal is v with n decimals, as FHIR keeps it.
func decimal(v float64, n int) fhir.Decimal {
	return fhir.Decimal(strconv.FormatFloat(v, 'f', n, 64))
}

func quantity(v float64, t *assay) fhir.Object {
	return fhir.Object{"value": decimal(v, t.decimals), "unit": shownUnit(t.unit), "system": ucumSystem, "code": t.unit}
}

// shownUnit is a unit as people write it.
func shownUnit(u string) string {
	switch u {
	case "mm[Hg]":
		return "mmHg"
	case "Cel":
		return "°C"
	case "umol/L":
		return "µmol/L"
	case "m[IU]/L":
		return "mIU/L"
	case "10*9/L":
		return "10⁹/L"
	case "mL/min/{1.73_m2}":
		return "mL/min/1.73m²"
	case "/min":
		return "/min"
	}
	return u
}

// observation is a reading as a resource; of a blood pressure, both parts.
func (r *reading) observation(subject fhir.Object, who fhir.Object) fhir.Object {
	o := fhir.Object{"status": "final", "subject": subject, "effectiveDateTime": fhirTime(r.at), "performer": []fhir.Object{who}}
	switch {
	case r.t == nil:
		o["category"] = []fhir.Object{hl7Coded("observation-category", "social-history", "Social History")}
		if strings.Contains(r.about, "screening") {
			o["category"] = []fhir.Object{hl7Coded("observation-category", "procedure", "Procedure")}
		}
		o["code"] = fhir.Concept(r.about)
		if r.about == "Tobacco smoking status" {
			o["code"] = fhir.Concept(r.about, fhir.Coding(sctSystem, "365981007", "Tobacco smoking behaviour"))
		}
		o["valueCodeableConcept"] = fhir.Concept(r.text, fhir.Coding(sctSystem, r.code, r.text))
		if r.code == "" {
			delete(o, "valueCodeableConcept")
			o["valueString"] = r.text
		}
	case r.t == tSystolic:
		o["category"] = []fhir.Object{hl7Coded("observation-category", "vital-signs", "Vital Signs")}
		o["code"] = fhir.Concept("Blood pressure", fhir.Coding(sctSystem, "75367002", "Blood pressure"))
		o["component"] = []fhir.Object{
			{"code": fhir.Concept("", fhir.Coding(sctSystem, tSystolic.sct, tSystolic.name)), "valueQuantity": quantity(r.v, tSystolic)},
			{"code": fhir.Concept("", fhir.Coding(sctSystem, tDiastolic.sct, tDiastolic.name)), "valueQuantity": quantity(math.Min(r.with, r.v-18), tDiastolic)}}
	default:
		kind, words := "vital-signs", "Vital Signs"
		if r.t.local != "" {
			kind, words = "laboratory", "Laboratory"
		}
		o["category"] = []fhir.Object{hl7Coded("observation-category", kind, words)}
		o["code"] = fhir.Concept(r.t.name, fhir.Coding(sctSystem, r.t.sct, r.t.name))
		o["valueQuantity"] = quantity(r.v, r.t)
		if r.t.local != "" && (r.t.hi > 0 || r.t.lo > 0) {
			o["referenceRange"] = []fhir.Object{{"text": r.t.limits()}}
		}
	}
	return o
}
