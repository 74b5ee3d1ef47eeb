package api

import (
	"cmp"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"selda/audit"
	"selda/fhir"
	"selda/nhs"
)

// An AuditEvent is an entry of the trail, in the shape that IHE BALP gives it; it is
// made when it is asked for, and stored nowhere.
// https://hl7.org/fhir/R4/auditevent.html and https://profiles.ihe.net/ITI/BALP/content.html

const (
	dicom       = "http://dicom.nema.org/resources/ontology/DCM"
	ownAudit    = "https://selda.example/audit"
	balpProfile = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	absent      = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
)

// deed is how an action is told: type, subtype, R4's letter, and BALP's profile of it.
type deed struct {
	typ, subtype fhir.Object
	action       string
	profile      string // with Patient before it where there is one; "" for none
	inward       bool   // what was asked for flows to the one who asks
}

func rest(interaction, action, profile string, inward bool) deed {
	return deed{fhir.Coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation"),
		fhir.Coding("http://hl7.org/fhir/restful-interaction", interaction, interaction), action, profile, inward}
}

// alert and activity are DICOM's, with our own word for what DICOM has none for.
func alert(subtype fhir.Object) deed {
	return deed{typ: fhir.Coding(dicom, "110113", "Security Alert"), subtype: subtype, action: "E"}
}

func activity(code, display string) deed {
	return deed{typ: fhir.Coding(dicom, "110100", "Application Activity"), subtype: fhir.Coding(ownAudit, code, display), action: "E"}
}

func authentication(code, display string) deed {
	return deed{typ: fhir.Coding(dicom, "110114", "User Authentication"), subtype: fhir.Coding(dicom, code, display), action: "E"}
}

var deeds = map[string]deed{
	audit.Read:       rest("read", "R", "Read", true),
	audit.Search:     rest("search", "E", "Query", false),
	audit.Create:     rest("create", "C", "Create", false),
	audit.Update:     rest("update", "U", "Update", false),
	audit.Delete:     rest("delete", "D", "Delete", false),
	audit.Export:     {typ: fhir.Coding(dicom, "110106", "Export"), subtype: fhir.Coding("http://hl7.org/fhir/restful-interaction", "operation", "operation"), action: "R", inward: true},
	audit.SignIn:     authentication("110122", "Login"),
	audit.SignOut:    authentication("110123", "Logout"),
	audit.Token:      {typ: fhir.Coding(dicom, "110114", "User Authentication"), subtype: fhir.Coding(ownAudit, audit.Token, "A token was issued"), action: "E"},
	audit.BreakGlass: alert(fhir.Coding(dicom, "110127", "Emergency Override Started")),
	audit.Declare:    alert(fhir.Coding(ownAudit, audit.Declare, "A relationship was declared")),
	audit.Administer: activity(audit.Administer, "An administrative act"),
	audit.Review:     activity(audit.Review, "A review of an access"),
	audit.Safety:     activity(audit.Safety, "The safety mode of an account"),
	audit.Ask:        activity(audit.Ask, "A question about an access"),
}

// purposes are the displays of v3-ActReason.
var purposes = map[nhs.Purpose]string{nhs.Treatment: "treatment", nhs.Emergency: "break the glass", nhs.PatientRequest: "patient requested", nhs.Operations: "healthcare operations",
	nhs.RecordAdmin: "patient administration", nhs.PrivacyReview: "health system administration", nhs.PublicHealthUse: "public health", nhs.DecedentReview: "decedent reporting",
	nhs.Complaint: "health compliance", nhs.Safeguarding: "patient safety", nhs.Research: "healthcare research"}

// auditEvent is an entry as an AuditEvent. plain says that the reader is the one
// whose record it is, or acts for them: what they are not shown is masked.
func (q *request) auditEvent(e audit.Entry, plain bool) []byte {
	d, known := deeds[e.Action]
	switch {
	case !known:
		d = activity(e.Action, e.Action)
	case e.Searched(): // also of one record, which is opened for it
		d = deeds[audit.Search]
	}
	out := fhir.Object{"resourceType": "AuditEvent", "id": strconv.FormatUint(e.Seq, 10), "meta": q.eventMeta(e, d), "type": d.typ, "subtype": []fhir.Object{d.subtype}, "action": d.action,
		"recorded": fhir.Instant(e.At), "outcome": "0", "agent": q.eventAgents(e, d, plain), "entity": eventEntities(e, d, plain),
		"source": fhir.Object{"site": q.base, "observer": q.observer(), "type": []fhir.Object{fhir.Coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")}}}
	if e.Outcome == audit.Deny {
		// A refusal is no fault of the server. https://hl7.org/fhir/R4/security.html#AccessDenied
		out["outcome"], out["outcomeDesc"] = "4", "refused: "+strings.Join(e.Decided(), "; ")
	}
	if e.Purpose != "" || e.Reason != "" {
		out["purposeOfEvent"] = []fhir.Object{purpose(e.Purpose, e.Reason)}
	}
	return fhir.Marshal(out)
}

func (q *request) eventMeta(e audit.Entry, d deed) fhir.Object {
	meta := fhir.Object{"versionId": "1", "lastUpdated": fhir.Instant(e.At)}
	if d.profile != "" && e.Outcome == audit.Permit { // BALP's profiles are of what succeeded
		name := d.profile
		if e.Citizen != "" {
			name = "Patient" + name
		}
		meta["profile"] = []string{balpProfile + name}
	}
	return meta
}

func purpose(p nhs.Purpose, words string) fhir.Object {
	if p == "" {
		return fhir.Object{"text": words}
	}
	return fhir.Concept(words, fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", string(p), purposes[p]))
}

// observer is the region itself, by the name that its checkpoints have.
func (q *request) observer() fhir.Object {
	o := fhir.Object{"display": "SELDA"}
	if tree := q.Access.Trail.Tree(); tree != nil {
		name, _, _ := strings.Cut(tree.Key(), "+")
		o["identifier"] = fhir.Object{"system": ownAudit, "value": name}
	}
	return o
}

// eventAgents are who did it, for which organisation, by what, and the server.
func (q *request) eventAgents(e audit.Entry, d deed, plain bool) []fhir.Object {
	client, server := fhir.Coding(dicom, "110153", "Source Role ID"), fhir.Coding(dicom, "110152", "Destination Role ID")
	if d.inward {
		client, server = server, client
	}
	user := fhir.Object{"type": fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")), "requestor": true, "who": userOf(e)}
	if d.action == "C" || d.action == "U" || d.action == "D" {
		user["type"] = fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "AUT", "author (originator)"))
	}
	if e.Name != "" {
		user["name"] = e.Name
	}
	if e.User != "" {
		user["altId"] = e.User
	}
	if e.Role != "" {
		user["role"] = []fhir.Object{fhir.Concept(e.Role.Title(), fhir.Coding("https://selda.example/role", string(e.Role), ""))}
	}
	if e.Purpose != "" {
		user["purposeOfUse"] = []fhir.Object{purpose(e.Purpose, "")}
	}
	if rules := e.Decided(); len(rules) > 0 {
		user["policy"] = policies(rules)
	}
	agents := []fhir.Object{user}
	if e.Organisation != "" {
		org := fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(e.Organisation)}, "display": string(e.Organisation)}
		if q.Organisation != nil {
			org["display"] = q.Organisation(e.Organisation)
		}
		agents = append(agents, fhir.Object{"type": fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider")), "requestor": false, "who": org})
	}
	app := fhir.Object{"display": "the user's own browser or command line"}
	if e.App != "" {
		app = fhir.Object{"identifier": fhir.Object{"system": "https://selda.example/app", "value": e.App}, "display": e.App}
	}
	return append(agents, fhir.Object{"type": fhir.Concept("", client), "requestor": false, "who": app, "network": address(e.From, plain)},
		fhir.Object{"type": fhir.Concept("", server), "requestor": false, "who": q.observer(), "network": fhir.Object{"address": q.base, "type": "5"}})
}

// userOf names the user: by the account where it may be told, else by what they are.
func userOf(e audit.Entry) fhir.Object {
	switch {
	case e.User != "" && e.Name != "":
		return fhir.Object{"identifier": fhir.Object{"system": "https://selda.example/account", "value": e.User}, "display": e.Name}
	case e.User != "":
		return fhir.Object{"identifier": fhir.Object{"system": "https://selda.example/account", "value": e.User}}
	case e.Name != "":
		return fhir.Object{"display": e.Name}
	case e.Role != "":
		return fhir.Object{"display": e.Role.Title()}
	}
	return fhir.Object{"display": "not known"}
}

// address is that of a connection; why there is none, where there is none.
func address(from string, plain bool) fhir.Object {
	switch {
	case plain:
		return fhir.Object{"_address": missing("masked"), "type": "2"}
	case from == "":
		return fhir.Object{"_address": missing("unknown"), "type": "1"}
	}
	return fhir.Object{"address": from, "type": "2"}
}

func missing(why string) fhir.Object {
	return fhir.Object{"extension": []fhir.Object{{"url": absent, "valueCode": why}}}
}

// policies are the rules that decided, as URIs.
func policies(rules []string) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = "https://selda.example/rules/" + url.PathEscape(r)
	}
	return out
}

// anItem is a resource by its type and id.
var anItem = regexp.MustCompile(`^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$`)

// eventEntities are whose record it was, and what was asked for.
func eventEntities(e audit.Entry, d deed, plain bool) []fhir.Object {
	var out []fhir.Object
	if e.Citizen != "" {
		p := entity("1", "Person", "1", "Patient")
		p["what"] = fhir.Ref("Patient/" + e.Citizen)
		if len(e.Signs) > 0 {
			var detail []fhir.Object
			for _, s := range e.Signs {
				detail = append(detail, fhir.Object{"type": "sign", "valueString": s})
			}
			p["detail"] = detail
		}
		out = append(out, p)
	}
	what := e.What
	if what == "" && plain {
		what = "not shown"
	}
	switch {
	case d.profile == "Query":
		// What a query said may be of a patient: it is not in the trail. BALP wants the
		// element, and says with it that it is kept back.
		query := entity("2", "System Object", "24", "Query")
		query["_query"] = missing("masked")
		if what != "" {
			query["description"] = what
		}
		out = append(out, query)
	case anItem.MatchString(what) && fhir.IsResourceType(what[:strings.IndexByte(what, '/')]):
		data := entity("2", "System Object", "4", "Domain Resource")
		data["what"] = fhir.Ref(what)
		out = append(out, data)
	case what != "" || d.profile != "":
		data := entity("2", "System Object", "4", "Domain Resource")
		data["what"] = fhir.Object{"display": cmp.Or(what, "not said")}
		out = append(out, data)
	}
	if e.About != 0 {
		about := entity("4", "Other", "13", "Security Resource")
		about["what"] = fhir.Ref("AuditEvent/" + strconv.FormatUint(e.About, 10))
		out = append(out, about)
	}
	if e.Request != "" {
		out = append(out, fhir.Object{"type": fhir.Coding("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId", ""), "what": fhir.Object{"identifier": fhir.Object{"value": e.Request}}})
	}
	return out
}

func entity(typ, typName, role, roleName string) fhir.Object {
	return fhir.Object{"type": fhir.Coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", typ, typName),
		"role": fhir.Coding("http://terminology.hl7.org/CodeSystem/object-role", role, roleName)}
}
