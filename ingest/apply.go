package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/ingest/mapped"
	"selda/mpi"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file carries out what one message says: people first, then every
// resource's id, then the resources, then merges and links.

func (c *commit) apply() error {
	if c.msg.Each {
		return c.each()
	}
	for i := range c.msg.Patients {
		if err := c.patient(i); err != nil {
			return err
		}
	}
	// Every resource gets its id first: references may point forwards.
	c.targets = make([]target, len(c.msg.Resources))
	for i := range c.msg.Resources {
		var err error
		if _, barred := c.barred[i]; barred {
			_, id := c.tx.NewID() // what refers to it refers to nothing
			c.targets[i].ref = c.msg.Resources[i].Type + "/" + id
			continue
		}
		if c.targets[i], err = c.target(&c.msg.Resources[i]); err != nil {
			return err
		}
	}
	for i := range c.msg.Patients {
		if err := c.writePatient(i); err != nil {
			return err
		}
	}
	overtaken, err := c.overtaken()
	if err != nil || overtaken {
		return err
	}
	for i := range c.msg.Resources {
		if held, err := c.held(i); err != nil || held {
			if err != nil {
				return err
			}
			continue
		}
		c.ready, c.carried = c.r.prepared(i), c.r.carriedTo(i)
		if err := c.resource(&c.msg.Resources[i], c.targets[i]); err != nil {
			return err
		}
	}
	c.ready, c.carried = nil, 0
	if err := c.takeBack(); err != nil {
		return err
	}
	return c.links()
}

// patientKey is the key of a subject's own Patient.
func patientKey(s store.Subject) string { return "subject:" + strconv.FormatInt(int64(s), 10) }

// patient finds the subject of the message's i-th patient.
func (c *commit) patient(i int) error {
	p := &c.msg.Patients[i]
	person := person(p)
	person.Source, person.At, person.Message = c.raw.Source, c.now, c.r.ID
	if k := c.r.person(i); k != nil {
		person.Demographics = k.demographics
	} else if len(p.Body) > 0 {
		r, err := fhir.ParseTrusted(p.Body)
		if err != nil {
			return err
		}
		person.Demographics = mpi.FromPatient(r.Root())
	}
	s, known, err := c.named(p)
	switch {
	case err != nil:
		return err
	case known:
		if len(p.Body) > 0 {
			err = mpi.Update(c.tx, s, person)
		}
	case p.New || p.ID != "":
		s, err = mpi.Create(c.tx, person)
	default:
		s, err = mpi.Resolve(c.tx, person)
	}
	if err != nil {
		return err
	}
	if c.raw.About != "" {
		if err := c.ownAccount(s); err != nil {
			return err
		}
	}
	c.fresh(s)
	c.subjects = append(c.subjects, s)
	id := p.ID
	if id == "" {
		if _, id, _, err = c.tx.ByKey(c.raw.Source, "Patient", patientKey(s)); err != nil {
			return err
		}
	}
	c.patients = append(c.patients, "Patient/"+id)
	return nil
}

// named finds the subject of a patient whom the message names by the server's
// id. An id of another source's Patient is as unknown as one that never was.
func (c *commit) named(p *mapped.Patient) (store.Subject, bool, error) {
	if p.ID == "" {
		return 0, false, nil
	}
	l, exists, err := c.tx.ByID("Patient", p.ID)
	if err != nil {
		return 0, false, err
	}
	if exists && l.Source == c.raw.Source && (!l.Deleted || len(p.Body) > 0) {
		return l.Subject, true, nil
	}
	if exists || len(p.Body) == 0 {
		return 0, false, fault.E("ingest.patient", fault.Value, "it refers to a Patient that is not there", p.Place)
	}
	return 0, false, nil
}

// ownAccount links what a citizen states from their own account to the
// citizen that the account is: sign-on has proven it.
func (c *commit) ownAccount(s store.Subject) error {
	citizen, ok := c.tx.CitizenNumber(c.raw.About)
	if !ok {
		return fault.E("ingest.about", fault.NotFound, "there is no such citizen")
	}
	all, err := c.tx.SubjectsOf(citizen)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fault.E("ingest.about", fault.NotFound, "there is no such citizen")
	}
	return mpi.Merge(c.tx, all[0], s, "link", "own account", "stated by the citizen, or for them by their practice", c.now, c.r.ID)
}

func (c *commit) writePatient(i int) error {
	p := &c.msg.Patients[i]
	l, _, exists, err := c.tx.ByKey(c.raw.Source, "Patient", patientKey(c.subjects[i]))
	if err != nil {
		return err
	}
	if p.Gone {
		if !exists || l.Deleted {
			return nil
		}
		return c.resource(&mapped.Resource{Type: "Patient", Patient: i, Action: mapped.Remove, Place: p.Place}, target{l: l, exists: true, subject: c.subjects[i]})
	}
	body := p.Body
	if len(body) == 0 {
		if exists {
			return nil
		}
		body = c.placeholder(p) // someone who has only been named by a number yet
	}
	action := mapped.Put
	if c.raw.Format != FHIR {
		action = mapped.Patch // what a message or a row leaves out of a person is not gone
	}
	c.ready = c.r.person(i)
	return c.resource(&mapped.Resource{Type: "Patient", Patient: i, Action: action, Body: body, Place: p.Place, Origins: p.Origins, IfMatch: p.IfMatch, Cleared: p.Cleared},
		target{l: l, id: p.ID, exists: exists, subject: c.subjects[i]})
}

// placeholder is the Patient of somebody of whom the source has said no more
// than a number. One that only a citizen's own statement made is a part of
// that statement: seen elsewhere, it would tell that they have stated something.
func (c *commit) placeholder(p *mapped.Patient) []byte {
	var ids []fhir.Object
	for _, id := range p.Identifiers {
		ids = append(ids, fhir.Object{"system": id.System, "value": id.Value})
	}
	o := fhir.Object{"resourceType": "Patient", "identifier": ids}
	if c.raw.About != "" {
		o["meta"] = fhir.Object{"tag": []fhir.Object{fhir.Coding(policy.DataSetSystem, policy.Preferences.String(), "")}}
	}
	return fhir.Marshal(o)
}

// target is where a resource is, or will be.
type target struct {
	l       store.Located
	id      string // asked for by a new one
	ref     string // Type/id
	exists  bool
	subject store.Subject
}

func (c *commit) target(r *mapped.Resource) (t target, err error) {
	if r.Patient >= 0 && r.Patient < len(c.subjects) {
		t.subject = c.subjects[r.Patient]
	}
	switch {
	case r.ID != "":
		t.l, t.exists, err = c.tx.ByID(r.Type, r.ID)
		t.id, t.ref = r.ID, r.ID
	case r.Key != "":
		t.l, t.ref, t.exists, err = c.byKey(r, t.subject)
	case r.Unnumbered:
		t.l, t.ref, t.exists, err = c.unnumberedVisit(t.subject)
	}
	if err == nil && !t.exists && r.Encloses && r.Action == mapped.Remove && len(r.Body) == 0 {
		err = c.byNumber(r, &t)
	}
	if t.exists && (r.Action == mapped.Remove || r.Action == mapped.Patch) && r.Patient == mapped.Shared {
		t.subject = t.l.Subject
	}
	if !t.exists && t.l.Item == 0 {
		var id string
		t.l.Item, id = c.tx.NewID()
		t.ref = cmp.Or(t.ref, id)
	}
	t.ref = r.Type + "/" + t.ref
	return t, err
}

// byKey finds a resource by what its source calls it. A number that an HL7 v2
// message or a document gives again to somebody else is another resource,
// unless it says that it corrects one: numbers are used twice, and an item may
// not silently leave the citizen it was given to. In FHIR an id is the
// resource, and goes to the right patient with it (G19).
func (c *commit) byKey(r *mapped.Resource, subject store.Subject) (store.Located, string, bool, error) {
	l, id, exists, err := c.tx.ByKey(c.raw.Source, r.Type, r.Key)
	if err != nil || !exists || r.Patient == mapped.Shared || l.Subject == subject || c.raw.Format == FHIR || c.raw.Format == CSV {
		return l, id, exists, err
	}
	if r.Replaces {
		return l, id, exists, nil
	}
	if s := statusOf(r.Body); s == "corrected" || s == "amended" || s == "entered-in-error" {
		return l, id, exists, nil
	}
	theirs, err := c.tx.CitizenOf(l.Subject)
	if err != nil {
		return l, id, exists, err
	}
	own, err := c.tx.CitizenOf(subject)
	if err != nil || own == theirs {
		return l, id, exists, err
	}
	return c.tx.ByKey(c.raw.Source, r.Type, r.Key+"\x00"+patientKey(subject))
}

func statusOf(body []byte) string {
	for name, value := range fhir.Members(body) {
		if name == "status" {
			return strings.Trim(string(value), `"`)
		}
	}
	return ""
}

func (c *commit) resource(r *mapped.Resource, t target) error {
	gone := r.Action == mapped.Remove && (len(r.Body) == 0 || r.Type == "DocumentReference" && r.Encloses)
	if gone && (!t.exists || len(r.Body) == 0) || r.Action == mapped.Patch && replaced(r.Type, r.Body) {
		switch {
		case !t.exists:
			return c.absent(r, t)
		case t.l.Deleted:
			return nil
		}
	}
	version := t.l.Version
	if r.ID != "" && t.exists && t.l.Source != c.raw.Source {
		version = 0 // which version another source's resource has is not told
	}
	if r.Unnumbered && !t.exists {
		c.left = append(c.left, mapped.Unmapped{Place: r.Place, Reason: "the visit has no number, and no visit of this person is open"})
		return nil
	}
	switch {
	case r.IfMatch == mapped.Nothing && version > 0 && !t.l.Deleted:
		return fault.E("ingest.write", fault.Conflict, "there is such a resource already", r.Place)
	case r.IfMatch == mapped.Something && (version == 0 || t.l.Deleted):
		return fault.E("ingest.write", fault.Conflict, "there is no such resource", r.Place)
	case r.IfMatch > 0 && r.IfMatch != version:
		return fault.E("ingest.write", fault.Conflict, "another version is in force", r.Place)
	}
	return c.write(r, t)
}

func (c *commit) write(r *mapped.Resource, t target) error {
	put := store.Put{Subject: t.subject, Type: r.Type, Item: t.l.Item, ID: t.id, Source: c.raw.Source, Message: c.r.ID, Origin: EncodeOrigins(r.Place, r.Origins)}
	body := r.Body
	var old *store.Version
	var kept policy.Labels // that what came with an older version gave it
	if t.exists {
		var err error
		if old, err = c.tx.Current(t.l); err != nil {
			return err
		}
		if old.Source != c.raw.Source && r.ID != "" {
			return fault.E("ingest.write", fault.NotFound, "there is no such resource of this source", r.Place)
		}
	}
	late, err := c.late(old)
	if err != nil {
		return err
	}
	switch {
	case late && (old.Deleted || r.Action == mapped.Remove || r.Type != "Patient" && r.Type != "Encounter" || takenBack(old.Body)):
		c.left = append(c.left, mapped.Unmapped{Place: r.Place, Reason: "it came late: a message that was sent after it has spoken of this already"})
		c.came = append(c.came, t.l.Item)
		return nil
	case late: // it fills what is not known yet
		body = overlay(r.Type, body, old.Body)
	case r.Action == mapped.Remove && len(body) == 0:
		put.Deleted, put.DataSet, put.Labels = true, old.DataSet, old.Labels
	case r.Action != mapped.Put && old != nil && !old.Deleted:
		body = overlay(r.Type, fhir.Without(old.Body, r.Cleared...), body)
	case r.Action == mapped.Put && !r.SaysLabels && old != nil && c.raw.Format != CDA: // a CDA document says it each time
		before, err := c.saidBefore(t.l, old)
		if err != nil {
			return err
		}
		body = c.stillLabelled(r, body, before)
		if kept, err = c.stillCarried(r, old); err != nil {
			return err
		}
	}
	if r.Type == "Encounter" && !put.Deleted {
		body = wholeEncounter(c.begun(body))
	}
	if !put.Deleted {
		var failed error
		var visit string
		if old != nil && !old.Deleted {
			body = rights.StillDisputed(body, old.Body)
		}
		put.Body = mapped.Rewrite(body, func(typ, key string) string { return c.reference(typ, key, &failed) })
		if failed != nil {
			return failed
		}
		if !t.exists {
			if bar, same, err := c.sameAsDestroyed(&put); err != nil || same {
				if err != nil {
					return err
				}
				return c.hold(bar.Case, r.Place)
			}
		}
		if c.ready.of(put.Body) {
			fill(&put, &c.ready.class)
			put.Origin, put.Packed = c.ready.origin, c.ready.packed
			visit = c.ready.class.Visit
		} else {
			res, err := fhir.ParseTrusted(put.Body)
			if err != nil {
				return err
			}
			class := classify.Of(res, put.Source, c.r.p.classifiedBy())
			fill(&put, &class)
			visit = class.Visit
		}
		c.deletedLabels(r, old, put.Body)
		if err := c.label(&put, visit); err != nil {
			return err
		}
		put.Labels |= kept
		if old != nil && bytes.Equal(old.Body, put.Body) {
			put.Labels |= old.Labels & policy.Reviewed // what is changed has not been reviewed (G10)
		}
	}
	put.Tokens = c.elsewhere(put.Tokens, t.subject)
	w, err := c.tx.Write(put)
	if err != nil {
		return err
	}
	c.visited(&put, w.ID)
	item := Item{Written: w, Type: r.Type, Existed: t.exists && (old == nil || !old.Deleted), Place: r.Place, At: c.now, Deleted: put.Deleted}
	if c.raw.Call != "" && !c.msg.Each {
		item.Body = put.Body
		if w.Same {
			item.At = old.Recorded
		}
	}
	c.items = append(c.items, item)
	return nil
}

// elsewhere leaves out the tokens of references to what the message itself puts
// into the same record: it is found there (search.Clause.InRecordOf), and so many
// tokens that one resource alone has would be a tenth of the index.
func (c *commit) elsewhere(tokens []string, subject store.Subject) []string {
	if subject == store.Shared || len(c.targets) < 2 {
		return tokens
	}
	if c.beside == nil {
		c.beside = make(map[string]store.Subject, len(c.targets))
		for i, t := range c.targets {
			if search.OwnRecord(c.msg.Resources[i].Type) {
				c.beside["r:"+t.ref] = t.subject
			}
		}
	}
	within := func(token string) bool {
		whose, is := c.beside[token]
		return is && whose == subject
	}
	if !slices.ContainsFunc(tokens, within) {
		return tokens
	}
	return slices.DeleteFunc(slices.Clone(tokens), within) // what was made ready is not changed: it may be committed again
}

// overlay puts what a message says over what is known already.
func overlay(typ string, old, body []byte) []byte {
	switch typ {
	case "Patient":
		for name := range fhir.Members(body) {
			if strings.HasPrefix(name, "deceased") {
				old = fhir.Without(old, "deceasedBoolean", "deceasedDateTime") // one or the other
			}
		}
		return fhir.Overlay(old, identifiers(old, body))
	case "Encounter":
		return fhir.Overlay(old, body, "period", "hospitalization")
	case "Observation":
		old = fhir.Without(old, outdated(old, body)...)
	}
	return fhir.Overlay(old, body)
}

// outdated are the elements of an Observation that can't stand beside what is
// said of its value now: it has one value, or a reason for having none (obs-6).
func outdated(old, body []byte) []string {
	valued, absent := false, false
	for name := range fhir.Members(body) {
		valued = valued || strings.HasPrefix(name, "value") || name == "component"
		absent = absent || name == "dataAbsentReason"
	}
	if !valued && !absent {
		return nil
	}
	gone := []string{"dataAbsentReason", "component", "interpretation"}
	if absent {
		gone = append(gone, "referenceRange")
	}
	for name := range fhir.Members(old) {
		if strings.HasPrefix(name, "value") {
			gone = append(gone, name)
		}
	}
	return gone
}

// identifiers keeps the numbers of systems that a message does not speak of.
func identifiers(old, body []byte) []byte {
	before, err := fhir.ParseTrusted(old)
	if err != nil {
		return body
	}
	now, err := fhir.ParseTrusted(body)
	if err != nil || !now.Get("identifier").Exists() {
		return body
	}
	said := map[string]bool{}
	var list []any
	for _, id := range now.Root().List("identifier") {
		said[id.Get("system").Text()] = true
		list = append(list, json.RawMessage(id.JSON()))
	}
	kept := len(list)
	for _, id := range before.Root().List("identifier") {
		if !said[id.Get("system").Text()] {
			list = append(list, json.RawMessage(id.JSON()))
		}
	}
	if len(list) == kept {
		return body
	}
	return fhir.Overlay(body, fhir.Marshal(fhir.Object{"identifier": list}))
}

// begun says of an Encounter whose beginning was missed, as of those who lay in
// a hospital when its feed was joined, that it is going on: it has begun, and
// its patient administration says nothing of an end.
func (c *commit) begun(body []byte) []byte {
	if s := statusOf(body); !strings.HasPrefix(c.msg.Event, "ADT") || s != "" && s != "unknown" {
		return body
	}
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return body
	}
	start, ok := fhir.Time(r.Get("period", "start").Text())
	if !ok || start.After(c.now) || r.Get("period", "end").Exists() {
		return body
	}
	return fhir.Overlay(body, []byte(`{"status":"in-progress"}`))
}

// wholeEncounter gives an Encounter the elements that R4 demands, where its
// message did not know them.
func wholeEncounter(body []byte) []byte {
	have := map[string]bool{}
	for name := range fhir.Members(body) {
		have[name] = true
	}
	if !have["status"] {
		body = fhir.Overlay(body, []byte(`{"status":"unknown"}`))
	}
	if !have["class"] {
		body = fhir.Overlay(body, []byte(`{"class":{"system":"http://terminology.hl7.org/CodeSystem/v3-NullFlavor","code":"UNK"}}`))
	}
	return body
}

// reference is what a key refers to: an id, which it may have before it comes.
func (c *commit) reference(typ, key string, failed *error) string {
	if typ == mapped.LocalType {
		if i, err := strconv.Atoi(key); err == nil && i < len(c.targets) {
			return c.targets[i].ref
		}
		return ""
	}
	if typ == "Patient" {
		if i, err := strconv.Atoi(key); err == nil && i < len(c.patients) {
			return c.patients[i]
		}
	}
	for i := range c.msg.Resources {
		if r := &c.msg.Resources[i]; r.Key == key && r.Type == typ && i < len(c.targets) {
			return c.targets[i].ref
		}
	}
	_, id, _, err := c.tx.ByKey(c.raw.Source, typ, key)
	if err != nil {
		*failed = err
		return ""
	}
	return typ + "/" + id
}

func (c *commit) links() error {
	for _, l := range c.msg.Links {
		if l.Keep >= len(c.subjects) || l.Other >= len(c.subjects) {
			return fault.E("ingest.links", fault.Invalid, "a link names someone whom the message does not", l.Place)
		}
		keep, other := c.subjects[l.Keep], c.subjects[l.Other]
		var err error
		switch l.Kind {
		case "unlink":
			err = mpi.Unlink(c.tx, keep, other, c.msg.Event, c.now, c.r.ID)
		default:
			err = mpi.Merge(c.tx, keep, other, l.Kind, c.msg.Event, "the source says that these are one person", c.now, c.r.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
