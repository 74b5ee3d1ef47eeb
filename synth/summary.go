package synth

import (
	"strconv"
	"time"
)

// dischargeSummary sends the summary of an admission: diagnoses, procedures,
// allergies as the hospital has them, medicines that go on and that stopped,
// and what the practice is asked to do.
func (s *story) dischargeSummary(who *identity, v *visit, e stay) {
	made := v.to.Add(75 * time.Minute)
	if !s.within(made) {
		return
	}
	src := s.source(who.org, "EPR")
	id := s.uuid(1)
	if s.silent {
		s.deliver(src, who, made, &xmlDoc{})
		return
	}
	x := &xmlDoc{}
	s.header(x, clinicalDocument{messageType: "POCD_MT160001UK06", id: id, code: "373942005", title: "Discharge summary", made: made, x: who, author: v.doctor, role: "Hospital doctor",
		visit: v, visitCode: "32485007", visitTerm: "Hospital admission"})
	x.body(func() {
		x.section("", "8648-8", "Hospital course", []string{s.course(v, e)}, nil)
		s.diagnosesSection(x, id, v, e)
		if len(e.procedures) > 0 {
			s.proceduresSection(x, id, v, e)
		}
		s.allergySection(x, id, who)
		s.medicineSection(x, id, v, e)
		ask := []string{"Please review blood pressure and repeat urea and electrolytes in two weeks.", "Please update the problem list."}
		for _, m := range e.stops {
			ask = append(ask, "Please do not restart "+m.d.name+" until reviewed: "+e.stopWhy+".")
		}
		x.section("2.16.840.1.113883.10.20.22.2.10", "18776-5", "Plan and requested actions", ask, nil)
	})
	s.deliver(src, who, made, x)
}

func (s *story) course(v *visit, e stay) string {
	t := "Admitted on " + v.from.Format("2 January 2006") + " with " + e.reason.term + "."
	for _, c := range e.also {
		t += " Also found: " + c.term + "."
	}
	if e.emergency {
		t += " Came through the emergency department."
	}
	return t + " Improved with treatment and was discharged home on " + v.to.Format("2 January 2006") + "."
}

func (s *story) diagnosesSection(x *xmlDoc, id string, v *visit, e stay) {
	all := append([]*concept{e.reason}, e.also...)
	var lines []string
	for _, c := range all {
		lines = append(lines, c.term)
	}
	x.section("2.16.840.1.113883.10.20.22.2.24", "11535-2", "Diagnoses", lines, func() {
		for i, c := range all {
			x.open("entry", "typeCode", "DRIV")
			x.open("act", "classCode", "ACT", "moodCode", "EVN")
			x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.33")
			x.empty("id", "root", id, "extension", "problem-"+strconv.Itoa(i+1))
			x.empty("code", "code", "11535-2", "codeSystem", "2.16.840.1.113883.6.1", "displayName", "Hospital discharge diagnosis")
			x.empty("statusCode", "code", "active")
			x.open("entryRelationship", "typeCode", "SUBJ")
			x.open("observation", "classCode", "OBS", "moodCode", "EVN")
			x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.4")
			x.empty("id", "root", id, "extension", "diagnosis-"+strconv.Itoa(i+1))
			x.empty("code", "code", "282291009", "codeSystem", oidSNOMED, "displayName", "Diagnosis")
			x.empty("statusCode", "code", "completed")
			x.low(v.from)
			x.empty("value", "xsi:type", "CD", "code", c.sct, "codeSystem", oidSNOMED, "displayName", c.term)
			x.shut("observation")
			x.shut("entryRelationship")
			x.shut("act")
			x.shut("entry")
		}
	})
}

func (x *xmlDoc) low(t time.Time) {
	x.open("effectiveTime")
	x.empty("low", "value", hl7Date(t))
	x.shut("effectiveTime")
}

func (s *story) proceduresSection(x *xmlDoc, id string, v *visit, e stay) {
	var lines []string
	for _, c := range e.procedures {
		lines = append(lines, c.term)
	}
	x.section("2.16.840.1.113883.10.20.22.2.7.1", "47519-4", "Procedures", lines, func() {
		for i, c := range e.procedures {
			x.open("entry", "typeCode", "DRIV")
			x.open("procedure", "classCode", "PROC", "moodCode", "EVN")
			x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.14")
			x.empty("id", "root", id, "extension", "procedure-"+strconv.Itoa(i+1))
			x.empty("code", "code", c.sct, "codeSystem", oidSNOMED, "displayName", c.term)
			x.empty("statusCode", "code", "completed")
			x.empty("effectiveTime", "value", hl7Date(v.from))
			x.shut("procedure")
			x.shut("entry")
		}
	})
}

// allergySection says what is recorded, that none is known, or that nobody asked.
func (s *story) allergySection(x *xmlDoc, id string, who *identity) {
	if !who.asked {
		x.section("2.16.840.1.113883.10.20.22.2.6.1", "48765-2", "Allergies and adverse reactions", []string{"Not recorded during this admission."}, nil)
		return
	}
	lines := []string{"No known allergies"}
	if len(who.allergies) > 0 {
		lines = nil
	}
	for _, a := range who.allergies {
		lines = append(lines, a.a.term+": "+a.reaction.term)
	}
	x.section("2.16.840.1.113883.10.20.22.2.6.1", "48765-2", "Allergies and adverse reactions", lines, func() {
		if len(who.allergies) == 0 {
			x.allergyEntry(id, nil)
		}
		for _, a := range who.allergies {
			x.allergyEntry(id, a)
		}
	})
}

// allergyEntry is one allergy; of nil, that none is known.
func (x *xmlDoc) allergyEntry(id string, a *allergyFact) {
	ext, negated := "none", "true"
	if a != nil {
		ext, negated = a.a.sct, ""
	}
	x.open("entry", "typeCode", "DRIV")
	x.open("act", "classCode", "ACT", "moodCode", "EVN")
	x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.30")
	x.empty("id", "root", id, "extension", "allergy-act-"+ext)
	x.empty("code", "code", "CONC", "codeSystem", "2.16.840.1.113883.5.6")
	x.empty("statusCode", "code", "active")
	x.open("entryRelationship", "typeCode", "SUBJ")
	x.open("observation", "classCode", "OBS", "moodCode", "EVN", "negationInd", negated)
	x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.7")
	x.empty("id", "root", id, "extension", "allergy-"+ext)
	x.empty("code", "code", "ASSERTION", "codeSystem", "2.16.840.1.113883.5.4")
	x.empty("statusCode", "code", "completed")
	if a == nil {
		x.empty("value", "xsi:type", "CD", "code", "419199007", "codeSystem", oidSNOMED, "displayName", "Allergy to substance")
	} else {
		x.low(a.since)
		x.empty("value", "xsi:type", "CD", "code", a.a.sct, "codeSystem", oidSNOMED, "displayName", a.a.term)
		x.open("participant", "typeCode", "CSM")
		x.open("participantRole", "classCode", "MANU")
		x.open("playingEntity", "classCode", "MMAT")
		x.empty("code", "code", a.a.sct, "codeSystem", oidSNOMED, "displayName", a.a.term)
		x.text("name", a.a.substance)
		x.shut("playingEntity")
		x.shut("participantRole")
		x.shut("participant")
		x.open("entryRelationship", "typeCode", "MFST", "inversionInd", "true")
		x.open("observation", "classCode", "OBS", "moodCode", "EVN")
		x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.9")
		x.empty("code", "code", "ASSERTION", "codeSystem", "2.16.840.1.113883.5.4")
		x.empty("statusCode", "code", "completed")
		x.empty("value", "xsi:type", "CD", "code", a.reaction.sct, "codeSystem", oidSNOMED, "displayName", a.reaction.term)
		x.shut("observation")
		x.shut("entryRelationship")
	}
	x.shut("observation")
	x.shut("entryRelationship")
	x.shut("act")
	x.shut("entry")
}

// medicineSection lists what goes on, and in words what stopped.
func (s *story) medicineSection(x *xmlDoc, id string, v *visit, e stay) {
	going := s.taking(v.to.Add(time.Minute))
	var lines []string
	for _, m := range going {
		if sensitive[m.why] == "" {
			lines = append(lines, "Continue: "+m.d.name+", "+m.d.dose)
		}
	}
	for _, m := range e.stops {
		lines = append(lines, "STOPPED: "+m.d.name+" ("+e.stopWhy+")")
	}
	if len(lines) == 0 {
		lines = []string{"No regular medicines"}
	}
	x.section("2.16.840.1.113883.10.20.22.2.11.1", "10183-2", "Medications at discharge", lines, func() {
		for i, m := range going {
			if sensitive[m.why] == "" {
				x.medicineEntry(id, i, m, "active")
			}
		}
		for i, m := range e.stops {
			x.medicineEntry(id, len(going)+i, m, "aborted")
		}
	})
}

func (x *xmlDoc) medicineEntry(id string, i int, m *medicine, status string) {
	x.open("entry", "typeCode", "DRIV")
	x.open("substanceAdministration", "classCode", "SBADM", "moodCode", "EVN")
	x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.16")
	x.empty("id", "root", id, "extension", "medicine-"+strconv.Itoa(i+1))
	x.text("text", m.d.dose)
	x.empty("statusCode", "code", status)
	x.open("effectiveTime", "xsi:type", "IVL_TS")
	x.empty("low", "value", hl7Date(m.start))
	if status == "aborted" {
		x.empty("high", "value", hl7Date(m.end))
	}
	x.shut("effectiveTime")
	if m.d.times > 0 {
		x.open("effectiveTime", "xsi:type", "PIVL_TS", "operator", "A")
		x.empty("period", "value", strconv.Itoa(24/m.d.times), "unit", "h")
		x.shut("effectiveTime")
	}
	if m.d.unit == "mg" {
		x.empty("routeCode", "code", "26643006", "codeSystem", oidSNOMED, "displayName", "Oral")
		x.empty("doseQuantity", "value", m.d.amount, "unit", "mg")
	}
	x.open("consumable")
	x.open("manufacturedProduct", "classCode", "MANU")
	x.empty("templateId", "root", "2.16.840.1.113883.10.20.22.4.23")
	x.open("manufacturedMaterial")
	switch {
	case m.d.substance != "":
		x.open("code", "code", m.d.code, "codeSystem", oidSNOMED, "displayName", m.d.substance)
		x.text("originalText", m.d.name)
		x.shut("code")
	case m.d.code != "":
		x.empty("code", "code", m.d.code, "codeSystem", oidSNOMED, "displayName", m.d.name)
	default:
		x.open("code", "nullFlavor", "OTH")
		x.text("originalText", m.d.name)
		x.shut("code")
	}
	x.text("name", m.d.name)
	x.shut("manufacturedMaterial")
	x.shut("manufacturedProduct")
	x.shut("consumable")
	x.shut("substanceAdministration")
	x.shut("entry")
}

// plainLetter is a document of sections in words only.
func (s *story) plainLetter(who *identity, d clinicalDocument, titles, texts []string) {
	src := s.source(who.org, "EPR")
	if d.messageType == "POCD_MT200001GB02" {
		src = s.source(who.org, "NHS111")
	}
	if s.silent {
		s.deliver(src, who, d.made, &xmlDoc{})
		return
	}
	x := &xmlDoc{}
	d.x = who
	s.header(x, d)
	x.body(func() {
		for i, t := range titles {
			x.section("", "", t, []string{texts[i]}, nil)
		}
	})
	s.deliver(src, who, d.made, x)
}
