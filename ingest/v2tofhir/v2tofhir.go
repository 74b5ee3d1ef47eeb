// Package v2tofhir puts HL7 version 2 messages into FHIR R4. It is pure, and
// decides nothing: who a patient is, and whether the source may say this, is
// for others.
//
// Its flow: Map walks the segments in order. PID opens a patient, PV1 a visit,
// OBR a report, TXA a document; what follows belongs to what is open. Each
// segment that has a place in FHIR becomes a resource with a Key made of the
// source's own identifiers, so that a later message finds the same resource
// again; each element that carries a value keeps the place of the field that it
// was read from. What has no place is listed as unmapped, never dropped in
// silence. One file holds what one family of segments becomes.
//
// What an event means for a resource (an admission is cancelled, a result is
// wrong) follows rule G19: what was said of the wrong patient, or never
// happened, is removed; what was called off keeps its place with its new status.
//
// Source: HL7 v2.3 to v2.8, and the HL7 version 2 to FHIR guide for what it
// leaves open (https://hl7.org/fhir/uv/v2mappings/).
package v2tofhir

import (
	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// mapper is the state of one walk.
type mapper struct {
	m       *hl7v2.Message
	source  string
	org     nhs.ODS
	typ     string // MSH-9.1
	trigger string // MSH-9.2
	out     *mapped.Message
	items   []*item        // what becomes of the segments so far
	people  map[string]int // index of each patient by key

	patient   int         // index of the patient that segments belong to; -1 before the first
	pkey      string      // the patient's key, for the keys of what has no identifier of its own
	encounter string      // key of the open visit
	subject   fhir.Object // the reference to the patient, and to the visit: made once, shared, never changed
	within    fhir.Object
	last      *item // what a note belongs to
	order     order // the open ORC
	request   *item // the open order's resource
	report    *report
	// pendingReferral is an RF1 that stood before the patient.
	pendingReferral hl7v2.Segment
	seen            map[string]bool // visits and practitioners that are in the message's resources
	keys            map[string]int

	ownName, ownSystem string // the last of the source's own code systems
}

// aboutNobody are the message types that speak of no patient: master files,
// acknowledgements, queries and network management.
var aboutNobody = map[string]bool{"MFN": true, "MFK": true, "MFQ": true, "MFR": true, "MFD": true, "ACK": true, "MCF": true,
	"NMD": true, "NMQ": true, "NMR": true, "QRY": true, "QBP": true, "QCK": true, "QCN": true, "PMU": true, "SSU": true,
	"SRM": true, "LSU": true, "INU": true, "EAC": true, "EAN": true, "EAR": true, "ESU": true, "ESR": true, "TCU": true, "TCR": true}

// Map puts one message into FHIR. An error names the place that makes the
// message impossible to use: "PID" where nobody is identified, "MRG-1" where a
// merge does not say of whom.
func Map(m *hl7v2.Message, source nhs.Source) (*mapped.Message, error) {
	w := &mapper{m: m, source: string(source), org: source.Organisation(), typ: m.Type(), trigger: m.Trigger(), patient: -1,
		out: &mapped.Message{Event: m.Event(), ControlID: clean(m.ControlID()), Sent: m.Sent()}}
	pids := 0
	for range m.All("PID") {
		pids++
	}
	if pids == 0 && !aboutNobody[w.typ] && w.typ != "SIU" {
		return nil, fault.E("v2tofhir.Map", fault.Required, "the message names no patient", "PID")
	}
	if pids == 0 {
		for s := range m.All("") {
			if !headers[s.Name()] {
				w.unmapped(s, "the message is about no patient")
			}
		}
		return w.out, nil
	}
	if err := w.walk(); err != nil {
		return nil, err
	}
	w.write()
	return w.out, nil
}

func (w *mapper) walk() error {
	if w.typ == "SIU" {
		defer w.appointment()
	}
	for i := 0; i < w.m.Len(); i++ {
		s := w.m.Segment(i)
		if s.Name() == "PID" {
			if err := w.pid(s); err != nil {
				return err
			}
			continue
		}
		if w.patient < 0 && s.Name() != "SCH" && !headers[s.Name()] && !early[s.Name()] {
			w.unmapped(s, "it stands before the patient")
			continue
		}
		w.segment(s)
	}
	w.closeReport()
	if w.pendingReferral.Exists() {
		w.foremost()
		w.referral(w.pendingReferral)
	}
	return w.links()
}

// headers are segments that describe the message itself, not what it says.
var headers = map[string]bool{"MSH": true, "EVN": true, "SFT": true, "UAC": true, "MSA": true, "ERR": true, "QRD": true,
	"QRF": true, "QAK": true, "QPD": true, "RGS": true, "PD1": true, "PV2": true, "DSC": true, "MRG": true, "ARV": true}

// early are segments that stand before PID in some messages and are read from
// there by the segment that needs them.
var early = map[string]bool{"RF1": true, "PRD": true, "CTD": true}

// segment maps one segment in its context.
func (w *mapper) segment(s hl7v2.Segment) {
	switch name := s.Name(); name {
	case "PV1":
		w.visit(s)
	case "NK1":
		w.relatedPerson(s)
	case "AL1", "IAM":
		w.allergy(s)
	case "DG1":
		w.diagnosis(s)
	case "PRB":
		w.problem(s)
	case "PR1":
		w.procedure(s)
	case "ORC":
		w.orc(s)
	case "OBR":
		w.obr(s)
	case "OBX":
		w.obx(s)
	case "NTE":
		w.note(s)
	case "SPM":
		w.specimen(s)
	case "TXA":
		w.document(s)
	case "RF1":
		w.referral(s)
	case "RXO", "RXE", "RXA", "RXR":
		w.medicine(s)
	case "TQ1":
		w.timing(s)
	case "CON":
		w.consent(s)
	case "SCH", "AIS", "AIG", "AIL", "AIP":
		if w.typ != "SIU" {
			w.unmapped(s, reasonNoPlace)
		}
	case "PRD":
		if w.typ != "REF" {
			w.unmapped(s, reasonNoPlace)
		}
	default:
		switch {
		case headers[name]:
		case name[0] == 'Z':
			w.unmapped(s, "a segment of the sender's own")
		default:
			w.unmapped(s, reasonNoPlace)
		}
	}
}

const reasonNoPlace = "it has no place in FHIR here yet"

func (w *mapper) unmapped(s hl7v2.Segment, reason string) {
	w.out.Unmapped = append(w.out.Unmapped, mapped.Unmapped{Place: s.Place(), Reason: reason})
}

// foremost returns to the message's first patient.
func (w *mapper) foremost() {
	w.patient, w.subject, w.pkey = 0, nil, patientKey(w.out.Patients[0])
}

// once says whether this is the first time that the message names a thing.
func (w *mapper) once(what string) bool {
	if w.seen[what] {
		return false
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[what] = true
	return true
}

// after is the first segment of a name that follows s, before any of the
// names in until; the zero Segment where there is none.
func (w *mapper) after(s hl7v2.Segment, name string, until ...string) hl7v2.Segment {
	for i := s.Index() + 1; i < w.m.Len(); i++ {
		t := w.m.Segment(i)
		n := t.Name()
		if n == name {
			return t
		}
		for _, u := range until {
			if n == u {
				return hl7v2.Segment{}
			}
		}
	}
	return hl7v2.Segment{}
}

// eventTime is when the event happened, and where that stands: EVN-6, EVN-2,
// or when the message was made.
func (w *mapper) eventTime() (string, hl7v2.Value) {
	evn := w.m.First("EVN")
	for _, n := range []int{6, 2} {
		v := evn.Comp(n, 1)
		if t, ok := hl7v2.DateTime(v.Text()); ok {
			return t, v
		}
	}
	v := w.m.First("MSH").Comp(7, 1)
	return w.out.Sent, v
}

// encounterRef is the reference to the open visit, nil where there is none.
func (w *mapper) encounterRef() fhir.Object {
	if w.encounter == "" {
		return nil
	}
	if w.within == nil {
		w.within = fhir.Ref(mapped.Ref("Encounter", w.encounter))
	}
	return w.within
}
