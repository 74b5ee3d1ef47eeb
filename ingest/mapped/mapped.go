// Package mapped is what one message of a source says, once it is put into
// FHIR R4: whom it speaks of, the resources, and the place in the message that
// each came from. Every mapping (v2tofhir, cdatofhir, csvtofhir, fhirtofhir)
// gives one, and ingest commits it. It is pure, and decides nothing.
//
// A mapping does not know the server's ids. It names a resource by a Key, what
// the source itself calls it (a visit number, a filler order number with the
// observation's code), and refers to it with Ref; ingest turns keys into ids.
// The same Key from the same source is the same resource, a new version of it.
package mapped

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"

	"selda/fhir"
)

// Message is what one message says.
type Message struct {
	Event     string     // "ADT^A01", "Bundle transaction", "CDA 34133-9", "CSV gp-problems"
	ControlID string     // the sender's own id of it: MSH-10, ClinicalDocument.id; may be empty
	Sent      string     // when the sender says it was made: a FHIR dateTime; may be empty
	Patients  []Patient  // whom it speaks of, the first foremost; none for a directory's message
	Resources []Resource // in an order in which a reader would tell them
	Links     []Link     // merges, links and their undoing
	Unmapped  []Unmapped // what was understood as HL7, CDA, … but not put into FHIR
	// Untranslated are the codes that no concept map has SNOMED CT for.
	Untranslated []Code
	// Coded is what a document's sections are headed by and coded with.
	Coded []Code
	// Each: every resource stands for itself, as a line of an import does. One
	// that can't be used is refused, and the others are written.
	Each    bool
	Refused []Refusal
}

// Refusal is a resource of a message that could not be used, though others could.
type Refusal struct {
	Place string
	Err   error
	// Absent: it is about a person who is not there, and may yet come.
	Absent bool
}

// Code is a code as a source gave it.
type Code struct{ System, Code, Display string }

// Patient is one person of the message, as the source describes them.
type Patient struct {
	// Body is a FHIR Patient: identifiers (local numbers with the source's own
	// system, the NHS number under nhs.NumberSystem, as given even where it is
	// invalid), names, birthDate, gender, address, telecom, extensions. nil
	// where the message only identifies them.
	Body []byte
	// Identifiers name the person within the source, best first. A person
	// with no identifier at all gets one from Fallback.
	Identifiers []Identifier
	// Fallback tells two unidentified people of one source apart: family,
	// given, birth date and sex in lower case, joined by '|'. "" where even
	// these are missing: then the message can't be identified.
	Fallback string
	// ID is the server's id of the person's Patient, where the message says it:
	// by reference, or in a FHIR update, which makes it where it is free.
	ID string
	// New makes a subject of its own: a FHIR create.
	New bool
	// Cleared are elements of Body's that the source says have no value any more.
	Cleared []string
	// Gone: the source takes the person back, who should never have been there (ADT^A29).
	Gone bool
	// IfMatch is the version that must be in force; 0 is any or none, Something any, Nothing none.
	IfMatch int
	Place   string   // "PID", "recordTarget", "entry[0].resource"
	Origins []Origin // of the elements of Body
}

// Identifier is one number that a person goes by.
type Identifier struct {
	System string // a URI; LocalSystem(…) for a source's own numbers
	Value  string
	// Verified: the source states that it was traced (status 01, or
	// number-present-and-verified). Only for NHS numbers.
	Verified bool
	Place    string // "PID-3[2].1"
}

// LocalSystem is the identifier system of a source's own numbers. Those of a
// named assigning authority are its organisation's, whichever of its systems
// says them: the hospital number on a laboratory's report is that of the
// patient administration system. Others are the source's alone.
func LocalSystem(source, authority string) string {
	if authority == "" {
		return localPrefix + source
	}
	organisation, _, _ := strings.Cut(source, ":")
	return localPrefix + organisation + "/" + authority
}

const localPrefix = "https://selda.example/id/"

// IsLocal says whether a system is of a source's own codes or numbers.
func IsLocal(system string) bool { return strings.HasPrefix(system, localPrefix) }

// OfOrganisation says whether a system is of numbers that all systems of one
// organisation use.
func OfOrganisation(system string) bool {
	rest, ok := strings.CutPrefix(system, localPrefix)
	organisation, authority, found := strings.Cut(rest, "/")
	return ok && found && authority != "" && !strings.Contains(organisation, ":")
}

// What is done with a resource.
const (
	Put    = iota // store this version; same content as the last is no new version
	Remove        // the source takes it back (cancelled, entered in error, vanished): Body is the last version with its status changed, or empty to delete
	Patch         // as Put, but elements that Body does not have are kept from the last version (a status change such as ADT^A02)
)

// Resource is one resource of the message.
type Resource struct {
	Type    string
	Key     string // unique within source and Type; "" is always a new resource
	Patient int    // index into Message.Patients; Shared for what is of no one person
	Action  int    // Put, Remove or Patch
	Body    []byte // compact JSON, references by Ref; without id
	Place   string // "OBX[3]", "entry[12].resource", "component[4].section.entry[0]", "row 17"
	Origins []Origin
	// ID names the resource by its id on the server, or asks for it where it is
	// free (FHIR update); empty otherwise.
	ID string
	// IfMatch is the version that must be in force; 0 is any or none, Something any, Nothing none.
	IfMatch int
	// Encloses marks a document or a visit that speaks for what its messages say
	// of it: what was said with an earlier version, and is not said again, is
	// taken back with it (G19). Replaces, in a document: it is known to follow an
	// earlier one, which goes with it to this patient, whoever had it before.
	Encloses, Replaces bool
	// Cleared are elements that the source says have no value any more, of a Patch.
	Cleared []string
	// SaysLabels: that Body has no security label says that there is none.
	SaysLabels bool
	// Unnumbered is a visit that its source gives no number: the person's one
	// that is open, or, of a discharge that is taken back, the last. Key is "".
	Unnumbered bool
}

// DocumentVersion is the extension of a DocumentReference with the number of
// the document's version in its set: R5's element, as R4 carries it.
// https://hl7.org/fhir/versions.html#extensions
const DocumentVersion = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.version"

// Shared marks a resource of no one person: an organisation, a practitioner.
const Shared = -1

// Origin says where an element's value was read.
type Origin struct {
	Element string // path within the resource: "valueQuantity.value", "code.coding[0].code"
	Place   string // "OBX[3]-5.1"; the value there, decoded, is the element's value or what it was translated from
}

// Link is a statement about two of the message's patients, by index.
// HL7 v2: A40 (merge), A34 (merge patient ids), A24 (link), A37 (unlink).
type Link struct {
	Kind  string // "merge", "link" or "unlink"
	Keep  int    // index into Message.Patients: the surviving one
	Other int    // the one merged away, linked or unlinked
	Place string // "MRG-1"
}

// Unmapped is a part of the message that has no place in FHIR here yet.
type Unmapped struct {
	Place  string `json:"place"` // "ZPI[1]", "component[7].section"
	Reason string `json:"reason"`
}

const refPrefix = "urn:selda:key:"

// Ref is the reference to a resource of the same source by its Key.
func Ref(typ, key string) string {
	if key == "" {
		return ""
	}
	return refPrefix + typ + ":" + url.PathEscape(key)
}

// PatientRef is the reference to the message's i-th patient.
func PatientRef(i int) string { return refPrefix + "Patient:" + strconv.Itoa(i) }

// LocalRef is the reference to the message's i-th resource.
func LocalRef(i int) string { return refPrefix + LocalType + ":" + strconv.Itoa(i) }

// LocalType marks a LocalRef when ParseRef takes it apart.
const LocalType = "resource"

// Reference is a Reference object to a resource of the same source, with the
// words to show for it; nil where there is neither.
func Reference(typ, key, display string) fhir.Object {
	if key == "" && display == "" {
		return nil
	}
	return fhir.Object{"reference": Ref(typ, key), "display": display}
}

// ParseRef takes a reference made by Ref or PatientRef apart.
func ParseRef(ref string) (typ, key string, ok bool) {
	rest, ok := strings.CutPrefix(ref, refPrefix)
	if !ok {
		return "", "", false
	}
	typ, key, ok = strings.Cut(rest, ":")
	if key, err := url.PathUnescape(key); ok && err == nil {
		return typ, key, true
	}
	return "", "", false
}

// Literal says whether a body has no reference made by Ref or PatientRef.
func Literal(body []byte) bool { return !bytes.Contains(body, []byte(`"`+refPrefix)) }

// Rewrite replaces each reference made by Ref or PatientRef in a body by what
// to gives for it; an empty answer leaves the reference as it is.
func Rewrite(body []byte, to func(typ, key string) string) []byte {
	mark := []byte(`"` + refPrefix)
	if !bytes.Contains(body, mark) {
		return body
	}
	out := make([]byte, 0, len(body))
	for {
		i := bytes.Index(body, mark)
		if i < 0 {
			return append(out, body...)
		}
		end := i + len(mark) + bytes.IndexByte(body[i+len(mark):], '"')
		if end < i+len(mark) {
			return append(out, body...)
		}
		if body[end-1] == '\\' { // within a narrative, whose quotes are escaped
			end--
		}
		ref := string(body[i+1 : end])
		if typ, key, ok := ParseRef(ref); ok {
			if r := to(typ, key); r != "" {
				ref = r
			}
		}
		out = append(out, body[:i+1]...)
		out = append(out, ref...)
		body = body[end:]
	}
}

// Nothing is the version that must be in force where nothing may be there.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
const Nothing = -1

// Something is the version that must be in force where any will do, but one must be there.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
const Something = -2

// Inverted says whether a period would end before it starts, as far as both are
// said: R4 has no such Period (per-1).
func Inverted(start, end string) bool {
	if start == "" || end == "" {
		return false
	}
	if n := min(len(start), len(end)); n <= len("2006-01-02") {
		return end[:n] < start[:n]
	}
	from, ok := fhir.Time(start)
	to, also := fhir.Time(end)
	return ok && also && to.Before(from)
}
