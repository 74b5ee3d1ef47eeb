package cdatofhir

import (
	"strconv"
	"strings"

	"selda/cda"
	"selda/fhir"
	"selda/fhir/ucum"
	"selda/ingest/mapped"
	"selda/internal/london"
	"selda/nhs"
)

// systems are the FHIR names of code systems by OID.
// https://terminology.hl7.org, and https://fhir.hl7.org.uk for the UK's.
var systems = map[string]string{
	"2.16.840.1.113883.6.96":         "http://snomed.info/sct",
	"2.16.840.1.113883.2.1.3.2.4.15": "http://snomed.info/sct",
	"2.16.840.1.113883.6.1":          "http://loinc.org",
	"2.16.840.1.113883.6.88":         "http://www.nlm.nih.gov/research/umls/rxnorm",
	"2.16.840.1.113883.6.3":          "http://hl7.org/fhir/sid/icd-10",
	"2.16.840.1.113883.6.90":         "http://hl7.org/fhir/sid/icd-10-cm",
	"2.16.840.1.113883.6.4":          "http://www.cms.gov/Medicare/Coding/ICD10",
	"2.16.840.1.113883.6.103":        "http://hl7.org/fhir/sid/icd-9-cm",
	"2.16.840.1.113883.6.104":        "http://hl7.org/fhir/sid/icd-9-cm",
	"2.16.840.1.113883.6.12":         "http://www.ama-assn.org/go/cpt",
	"2.16.840.1.113883.6.285":        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
	"2.16.840.1.113883.12.292":       "http://hl7.org/fhir/sid/cvx",
	"2.16.840.1.113883.6.59":         "http://hl7.org/fhir/sid/cvx",
	"2.16.840.1.113883.6.69":         "http://hl7.org/fhir/sid/ndc",
	"2.16.840.1.113883.6.8":          "http://unitsofmeasure.org",
	"2.16.840.1.113883.4.9":          "http://fdasis.nlm.nih.gov",
	"2.16.840.1.113883.6.101":        "http://nucc.org/provider-taxonomy",
	"2.16.840.1.113883.3.26.1.1":     "http://ncithesaurus-stage.nci.nih.gov",
	"2.16.840.1.113883.2.1.6.2":      "http://read.info/readv2",
	"2.16.840.1.113883.2.1.3.2.4.14": "http://read.info/ctv3",
	"2.16.840.1.113883.5.4":          "http://terminology.hl7.org/CodeSystem/v3-ActCode",
	"2.16.840.1.113883.5.8":          "http://terminology.hl7.org/CodeSystem/v3-ActReason",
	"2.16.840.1.113883.5.25":         "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
	"2.16.840.1.113883.1.11.16926":   "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
	"2.16.840.1.113883.5.83":         "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
	"2.16.840.1.113883.5.84":         "http://terminology.hl7.org/CodeSystem/v3-ObservationMethod",
	"2.16.840.1.113883.5.2":          "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
	"2.16.840.1.113883.5.111":        "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
	"2.16.840.1.113883.5.112":        "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration",
	"2.16.840.1.113883.5.1008":       "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
	"2.16.840.1.113883.5.1063":       "http://terminology.hl7.org/CodeSystem/v3-SeverityObservation",
	"2.16.840.1.113883.12.112":       "http://terminology.hl7.org/CodeSystem/v2-0112",
}

func system(oid string) string {
	if s := systems[oid]; s != "" || oid == "" {
		return s
	}
	return "urn:oid:" + oid
}

// OIDs of identifiers that the NHS gives.
const (
	nhsVerified   = "2.16.840.1.113883.2.1.4.1"         // NHS number, traced
	nhsUnverified = "2.16.840.1.113883.2.1.3.2.4.18.23" // NHS number, as the patient or a document said
	localNumber   = "2.16.840.1.113883.2.1.3.2.4.18.24" // a number of the organisation in assigningAuthorityName
	odsOrg        = "2.16.840.1.113883.2.1.3.2.4.19.1"  // organisation code
	odsSite       = "2.16.840.1.113883.2.1.3.2.4.19.2"  // site code
)

// identifier is an II. One without an extension is itself the number.
func (r *resource) identifier(path string, id *cda.Element) fhir.Object {
	root, ext := id.Attr("root"), id.Attr("extension")
	switch {
	case id.Null() != "" || root == "" && ext == "":
		return nil
	case ext == "":
		r.from(path+".value", id.AttrPlace("root"))
		if strings.Count(root, "-") == 4 {
			return fhir.Object{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:" + strings.ToLower(root)}
		}
		return fhir.Object{"system": "urn:ietf:rfc:3986", "value": "urn:oid:" + root}
	}
	r.from(path+".value", id.AttrPlace("extension"))
	switch root {
	case nhsVerified, nhsUnverified:
		return fhir.Object{"system": nhs.NumberSystem, "value": ext}
	case odsOrg, odsSite:
		return fhir.Object{"system": nhs.ODSSystem, "value": ext}
	case "":
		return fhir.Object{"value": ext}
	}
	r.from(path+".system", id.AttrPlace("root"))
	if strings.Count(root, "-") == 4 {
		return fhir.Object{"system": "urn:uuid:" + strings.ToLower(root), "value": ext}
	}
	return fhir.Object{"system": "urn:oid:" + root, "value": ext}
}

// coding is the code that an element itself holds; nil where it holds none.
func (r *resource) coding(path string, e *cda.Element) fhir.Object {
	code, display := e.Attr("code"), e.Attr("displayName")
	if code == "" && display == "" {
		return nil
	}
	o := fhir.Object{"code": code, "display": display}
	if code != "" {
		r.from(path+".code", e.AttrPlace("code"))
		if o["system"] = system(e.Attr("codeSystem")); o["system"] != "" {
			r.from(path+".system", e.AttrPlace("codeSystem"))
		}
	}
	if display != "" {
		r.from(path+".display", e.AttrPlace("displayName"))
	}
	return o
}

// concept is a CD with its translations and the words it was made of; nil
// where there is nothing at all.
func (r *resource) concept(path string, e *cda.Element) fhir.Object {
	if e == nil {
		return nil
	}
	var list []fhir.Object
	add := func(c *cda.Element) {
		if o := r.coding(path+".coding["+strconv.Itoa(len(list))+"]", c); o != nil {
			list = append(list, o)
		}
	}
	add(e)
	for _, t := range e.All("translation") {
		add(t)
	}
	o := fhir.Object{"coding": list}
	if text, place := r.m.words(e); text != "" {
		o["text"] = text
		r.from(path+".text", place)
	}
	if len(list) == 0 && o["text"] == nil {
		return nil
	}
	return o
}

// words are the original text of a coded value, in the element itself or in
// the narrative that it refers to, and where they stand.
func (m *mapping) words(e *cda.Element) (text, place string) {
	return m.referred(e.First("originalText"))
}

// referred is the text of an ED: its own, or that of the narrative it points
// into.
func (m *mapping) referred(e *cda.Element) (text, place string) {
	if e == nil {
		return "", ""
	}
	ref := e.First("reference").Attr("value")
	if ref == "" {
		ref = e.Attr("value") // <reference value="#x"/> itself
	}
	if id, ok := strings.CutPrefix(ref, "#"); ok {
		if at := m.doc.ByID(id); at != nil {
			return at.Text(), at.Place()
		}
	}
	return e.Text(), e.Place()
}

// conceptOr is a concept, or, where the code is null and there are no words,
// the text of the entry.
func (r *resource) conceptOr(path string, e *cda.Element) fhir.Object {
	if o := r.concept(path, e); o != nil {
		return o
	}
	text, place := r.m.referred(r.e.First("text"))
	if text == "" {
		return nil
	}
	r.from(path+".text", place)
	return fhir.Object{"text": text}
}

// dateTime is a V3 timestamp as a FHIR dateTime, "" where it is none. A time
// without a zone is taken as the region's. An hour without minutes is left
// out, since FHIR has no such precision.
func dateTime(ts string) string {
	ts = strings.TrimSpace(ts)
	zone := ""
	if i := strings.IndexAny(ts, "+-Z"); i >= 0 {
		ts, zone = ts[:i], ts[i:]
	}
	ts, fraction, _ := strings.Cut(ts, ".")
	n := func(from, to int) int { v, _ := strconv.Atoi(ts[from:to]); return v }
	if len(ts) < 4 || len(ts) > 14 || len(ts)%2 != 0 || strings.Trim(ts+fraction, "0123456789") != "" || n(0, 4) == 0 {
		return ""
	}
	out := ts[:4]
	if len(ts) >= 6 {
		if n(4, 6) < 1 || n(4, 6) > 12 {
			return ""
		}
		out += "-" + ts[4:6]
	}
	if len(ts) >= 8 {
		if n(6, 8) < 1 || n(6, 8) > 31 {
			return ""
		}
		out += "-" + ts[6:8]
	}
	if len(ts) < 12 {
		return out
	}
	seconds := ":00"
	if len(ts) == 14 {
		seconds = ":" + ts[12:14]
		if fraction != "" {
			seconds += "." + fraction
		}
	}
	if n(8, 10) > 23 || n(10, 12) > 59 || seconds > ":60" {
		return ""
	}
	return out + "T" + ts[8:10] + ":" + ts[10:12] + seconds + offset(zone, n(0, 4), n(4, 6), n(6, 8), n(8, 10))
}

// offset is the zone as FHIR writes it: from "+01", "+0100", "+01:00" or "Z".
func offset(zone string, year, month, day, hour int) string {
	switch {
	case zone == "Z":
		return "Z"
	case len(zone) == 3:
		zone += ":00"
	case len(zone) == 5:
		zone = zone[:3] + ":" + zone[3:]
	}
	if len(zone) != 6 || zone[3] != ':' || strings.Trim(zone[1:3]+zone[4:], "0123456789") != "" || zone[1:3] > "14" || zone[4:] > "59" {
		return london.Offset(year, month, day, hour)
	}
	return zone
}

// timestamp puts an element's time under name.
func (r *resource) timestamp(name string, e *cda.Element) bool {
	t := dateTime(e.Attr("value"))
	if t == "" {
		return false
	}
	r.body[name] = t
	r.from(name, e.AttrPlace("value"))
	return true
}

// period is an IVL_TS; nil where it has neither end.
func (r *resource) period(path string, e *cda.Element) fhir.Object {
	p, start := fhir.Object{}, ""
	for _, end := range [][2]string{{"low", "start"}, {"high", "end"}} {
		at := e.First(end[0])
		if t := dateTime(at.Attr("value")); t != "" {
			if mapped.Inverted(start, t) {
				r.m.left(at, "it ends before it starts")
				continue
			}
			p[end[1]], start = t, t
			r.from(path+"."+end[1], at.AttrPlace("value"))
		}
	}
	if len(p) == 0 {
		return nil
	}
	return p
}

// moment puts an effectiveTime under name+"DateTime" or name+"Period".
func (r *resource) moment(name string, e *cda.Element) bool {
	if e == nil {
		return false
	}
	if r.timestamp(name+"DateTime", e) || r.timestamp(name+"DateTime", e.First("center")) {
		return true
	}
	if low, high := e.First("low"), e.First("high"); low != nil && high != nil && low.Attr("value") == high.Attr("value") {
		return r.timestamp(name+"DateTime", low)
	}
	if p := r.period(name+"Period", e); p != nil {
		r.body[name+"Period"] = p
		return true
	}
	return false
}

// quantity is a PQ, or INT or REAL; nil where it holds no number.
func (r *resource) quantity(path string, e *cda.Element) fhir.Object {
	value := number(e.Attr("value"))
	if value == "" {
		return nil
	}
	r.from(path+".value", e.AttrPlace("value"))
	o := fhir.Object{"value": fhir.Decimal(value)}
	if unit := e.Attr("unit"); unit != "" && unit != "1" {
		o["unit"] = unit
		r.from(path+".unit", e.AttrPlace("unit"))
		if isUCUM(unit) {
			o["system"], o["code"] = "http://unitsofmeasure.org", unit
			r.from(path+".code", e.AttrPlace("unit"))
		}
	}
	return o
}

// number is s as FHIR writes a decimal, "" where it is none.
func number(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	if !fhir.IsDecimal(s) {
		return ""
	}
	return s
}

// isUCUM says whether a unit is one of UCUM, as the standard demands.
func isUCUM(unit string) bool {
	_, err := ucum.Parse(unit)
	return err == nil
}
