package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/audit"
	"selda/auth"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/rights"
	"selda/store"
	"selda/store/adapter"
)

// planted are the bytes by which the content of a resource is found on a disk: as text, and
// as the store packs it.
type planted struct {
	text   string
	packed [][]byte
}

// plant notes what an item looks like on the disk.
func (o *outside) plant(typ, id, text string) planted {
	o.Helper()
	p := planted{text: text}
	codec, err := adapter.NewCodec()
	if err != nil {
		o.Fatal(err)
	}
	all, err := o.Region.Store.History(o.Context(), typ, id, store.Latest, everything)
	if err != nil {
		o.Fatal(err)
	}
	for _, v := range all {
		b := codec.Pack(nil, typ, v.Body, v.Origin)
		p.packed = append(p.packed, b[len(b)/2:len(b)/2+24])
	}
	return p
}

// on are the files below a folder in which any of the bytes are.
func (p planted) on(t *testing.T, dir string) (where []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found := bytes.Contains(b, []byte(p.text))
		for _, x := range p.packed {
			found = found || bytes.Contains(b, x)
		}
		if found {
			where = append(where, filepath.Base(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// endsHold has one person ask that a hold ends, and another agree.
func (o *outside) endsHold(id string) {
	o.Helper()
	officer, _ := o.Subject("privacy")
	second, _ := o.Subject("second")
	if err := o.Region.ReleaseHold(o.Context(), second, id); !fault.Is(err, fault.Conflict) {
		o.Error("it ends, and nobody has asked for it", err)
	}
	if err := o.Region.AskReleaseHold(o.Context(), officer, id, "It is over"); err != nil {
		o.Fatal(err)
	}
	if err := o.Region.ReleaseHold(o.Context(), officer, id); !fault.Is(err, fault.Security) {
		o.Error("who asks that it ends agrees to it", err)
	}
	if err := o.Region.ReleaseHold(o.Context(), second, id); err != nil {
		o.Fatal(err)
	}
}

// marker is text that no packing makes shorter, and that stands nowhere else.
const marker = "Qx7ZkP2mVw9RtY4bNc8LdF1hGs6JaE3uXo5iKq0TzMvBnWyHrCpSgDfUl"

func (o *outside) another(user string, of nhs.ODS) {
	o.Helper()
	if err := o.Region.Auth.Accounts.Put(auth.Account{User: user, Name: "Second " + user, Role: nhs.CaldicottGuardian, Organisation: of}); err != nil {
		o.Fatal(err)
	}
}

// approves has somebody approve a disposal on its page.
func (o *outside) approves(user, id string) (int, string) {
	o.Helper()
	return o.worksOn(user, id, "approved")
}

// G18: what a court has ordered to be removed is proposed by one person, approved by another and
// carried out by a third; then it is nowhere: no page, search, history, earlier moment or trace
// has it, and no byte of it is in any file. The statement of it is proven by the trail.
func TestG18RemovedItIsNowhere(t *testing.T) {
	o := known(t)
	ctx := t.Context()
	operator := region.OperatorSubject()
	o.another("second", "RJZ")
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"First `+marker+`"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Again `+marker+`"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Heart failure"},`+atKings)
	before, err := o.Region.Store.N(ctx)
	if err != nil {
		t.Fatal(err)
	}
	version, err := o.Region.Store.Read(ctx, "Condition", "h1", store.Latest, everything)
	if err != nil {
		t.Fatal(err)
	}
	p := o.plant("Condition", "h1", marker)
	if where := p.on(t, o.Dir); os.Getenv("SELDA_STORE") == "" && len(where) < 2 {
		t.Fatal("the search of the disk finds nothing to begin with", where)
	}
	form := url.Values{"number": {folake}, "kind": {"erasure"}, "asker": {"Family court"}, "identity": {"sealed order"}, "order": {"ZE26C00123"}, "item": {"Condition/h1"}, "words": {"Remove it"}}
	if status, page := o.posts("privacy", "/privacy/cases", form.Encode()); status != 303 {
		t.Fatal(status, page)
	}
	erasure := o.caseOf("privacy")
	if status, _ := o.worksOn("second", erasure, "decided", "code", "removed"); status != 422 {
		t.Error("decided to be removed, and nothing is", status)
	}
	officer, _ := o.Subject("privacy")
	c, err := o.Region.Access.ProposeRemoval(ctx, officer, erasure)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Region.Dispose(ctx, operator, c.ID); !fault.Is(err, fault.Conflict) {
		t.Fatal("destroyed without approval", err)
	}
	if status, page := o.approves("privacy", c.ID); status != 403 || !strings.Contains(page, "nother person approves") {
		t.Error("who proposed it approves it", status)
	}
	o.must(o.approves("second", c.ID))
	if _, _, err := o.Region.Dispose(ctx, officer, c.ID); !fault.Is(err, fault.Security) {
		t.Error("an officer carries it out", err)
	}
	hold := rights.Hold{ID: "h1", Source: "RJZ:PAS", Why: "Public inquiry"}
	if err := o.Region.Hold(ctx, officer, hold); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Region.Dispose(ctx, operator, c.ID); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "hold") {
		t.Fatal("a hold does not stop it", err)
	}
	o.endsHold("h1")
	backup := filepath.Join(t.TempDir(), "before")
	if err := o.Region.Backup(ctx, operator, backup); err != nil {
		t.Fatal(err)
	}
	file, seq, err := o.Region.Dispose(ctx, operator, c.ID)
	if err != nil {
		t.Fatal(err)
	}

	if where := p.on(t, o.Dir); where != nil {
		t.Errorf("its bytes are still in %v", where)
	}
	for _, user := range []string{"doctor", "gp", "citizen"} {
		o.mayDeclare(user)
		for _, path := range []string{"/fhir/Condition/h1", "/fhir/Condition/h1/_history"} {
			if status, _ := o.asks(user, "GET", path, ""); status != 404 {
				t.Errorf("%s reads %s: %d", user, path, status)
			}
		}
		if where := o.sees(user, marker, "/fhir/Condition?patient={citizen}", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}/problems", "/me/record", "/me/rights", "/fhir/Condition?code:text=again"); where != nil {
			t.Errorf("%s sees it at %v", user, where)
		}
	}
	if status, _ := o.asks("doctor", "GET", "/fhir/Condition/h2", ""); status != 200 {
		t.Error("what was not to be removed is gone", status)
	}
	if _, err := o.Region.Store.Read(ctx, "Condition", "h1", before, everything); !fault.Is(err, fault.NotFound) {
		t.Error("an earlier moment has it", err)
	}
	if _, err := o.Region.Journal.Read(version.Message); !fault.Is(err, fault.Deleted) {
		t.Error("its raw message can be read", err)
	}
	if report, err := region.VerifyTrail(ctx, o.Dir, ""); os.Getenv("SELDA_STORE") == "" && err != nil && !strings.Contains(err.Error(), "in use") {
		t.Error("the trail does not hold any more", report, err)
	}
	o.proven(file, seq)
	if _, _, err := o.Region.Dispose(ctx, operator, c.ID); !fault.Is(err, fault.Conflict) {
		t.Error("carried out twice", err)
	}
	_, page := o.asks("citizen", "GET", "/me/rights", "")
	o.must(200, page, "It has been removed")

	if os.Getenv("SELDA_STORE") != "" {
		return
	}
	lists, err := o.Region.Disposed(ctx, operator)
	if err != nil || len(lists) != 1 {
		t.Fatal(lists, err)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	if err := region.Restore(ctx, backup, restored, ""); err != nil {
		t.Fatal(err)
	}
	if where := p.on(t, restored); len(where) == 0 {
		t.Fatal("the backup of before does not have it: the test shows nothing")
	}
	again, err := Open(context.WithoutCancel(ctx), restored, o.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if n, err := again.Region.DisposeAgain(ctx, operator, lists); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if where := p.on(t, restored); where != nil {
		t.Errorf("restored, its bytes are in %v", where)
	}
	if n, err := again.Region.DisposeAgain(ctx, operator, lists); err != nil || n != 0 {
		t.Error("a second time", n, err)
	}
}

// proven checks a statement against the trail, with what a stranger has: the proof and the key.
func (o *outside) proven(file []byte, seq uint64) {
	o.Helper()
	if _, err := o.Region.Trail.Grow(o.Context()); err != nil {
		o.Fatal(err)
	}
	proof, err := o.Region.ProveEntry(o.Context(), region.OperatorSubject(), seq, audit.Parts())
	if err != nil {
		o.Fatal(err)
	}
	checked, err := audit.CheckFile(proof, o.Region.Trail.Tree().Key())
	if err != nil {
		o.Fatal(err)
	}
	f := rights.FileOf(rights.StatementFile, file)
	if checked.Entry.What != "disposal sha256:"+f.SHA256 {
		o.Errorf("the trail proves %q, the statement is %s", checked.Entry.What, f.SHA256)
	}
	var s rights.Statement
	if err := json.Unmarshal(file, &s); err != nil || s.Approved.User == s.Proposed.User || s.Approved.User == "" || len(s.Items) == 0 || s.Messages == 0 {
		o.Errorf("the statement says %s", file)
	}
	if bytes.Contains(file, []byte(folake)) || bytes.Contains(file, []byte("Adeyemi")) || bytes.Contains(file, []byte(o.citizen)) {
		o.Error("the statement names somebody")
	}
}

// G18: what has been kept long enough is listed by class, without a change; one person proposes
// the list, another approves it; what has changed since stops it; a hold of the person keeps
// them off the list. Of somebody of whom nothing is left there, what they are known by goes too,
// and what other organisations keep stays.
func TestG18WhatWasKeptLongEnough(t *testing.T) {
	o := known(t)
	ctx := t.Context()
	operator := region.OperatorSubject()
	o.another("second", "RJZ")
	o.writes("RJZ:PAS", "Condition", "old", `"code":{"text":"Fracture"},"onsetDateTime":"2015-03-01","recordedDate":"2015-03-01",`+atKings)
	o.writes("RJZ:PAS", "Condition", "older", `"code":{"text":"`+marker+`"},"onsetDateTime":"2011-03-01","recordedDate":"2011-03-01",`+atKings)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},"recordedDate":"2001-01-01",`+atGP)
	p := o.plant("Condition", "older", marker)
	officer, _ := o.Subject("privacy")
	due := func() rights.List {
		t.Helper()
		list, err := o.Region.Due(ctx, officer, "RJZ", "health")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := due()
	if len(list.People) != 1 || !list.People[0].Whole || list.Kinds()["Condition"] != 2 || list.Kinds()["Patient"] != 1 {
		t.Fatalf("%+v", list)
	}
	if list, err := o.Region.Due(ctx, operator, "G85915", "gp"); err != nil || len(list.People) != 0 {
		t.Error("a GP's record of the living is due", list, err)
	}
	for user, class := range map[string]string{"gp": "health", "governance": "health", "citizen": "health", "privacy": "nonsense"} {
		s, _ := o.Subject(user)
		if _, err := o.Region.Due(ctx, s, "RJZ", class); err == nil {
			t.Errorf("%s lists %s", user, class)
		}
	}
	if err := o.Region.Hold(ctx, officer, rights.Hold{ID: "h", Citizen: o.citizen, Why: "A claim"}); err != nil {
		t.Fatal(err)
	}
	if list := due(); len(list.People) != 0 {
		t.Error("who is held is listed")
	}
	o.endsHold("h")
	c, _, err := o.Region.Propose(ctx, officer, "RJZ", "health")
	if err != nil {
		t.Fatal(err)
	}
	_, page := o.asks("second", "GET", "/privacy/cases/"+c.ID, "")
	o.must(200, page, "What would be destroyed", "all that is kept there", "2 Condition, 1 Patient", "8 years after you were last seen", "Approve it")
	if strings.Contains(page, "Fracture") || strings.Contains(page, folake) {
		t.Error("the list says more than is needed to approve it")
	}
	o.must(o.approves("second", c.ID))
	o.writes("RJZ:PAS", "Condition", "new", `"code":{"text":"Gout"},"onsetDateTime":"2026-11-01","recordedDate":"2026-11-01",`+atKings)
	if _, _, err := o.Region.Dispose(ctx, operator, c.ID); !fault.Is(err, fault.Conflict) {
		t.Fatal("somebody who was seen since is destroyed", err)
	}
	if list := due(); len(list.People) != 0 {
		t.Errorf("seen this month, and due: %+v", list)
	}
	o.writes("RJZ:PAS", "Condition", "new", `"code":{"text":"Gout"},"onsetDateTime":"2016-11-01","recordedDate":"2016-11-01",`+atKings) // it was a mistake
	c, _, err = o.Region.Propose(ctx, officer, "RJZ", "health")
	if err != nil {
		t.Fatal(err)
	}
	o.must(o.approves("second", c.ID))
	file, seq, err := o.Region.Dispose(ctx, operator, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.proven(file, seq)
	if where := p.on(t, o.Dir); where != nil {
		t.Errorf("its bytes are still in %v", where)
	}
	status, page := o.asks("gp", "GET", "/fhir/Condition/c1", "") // what the practice keeps
	o.must(status, page, "Asthma")
	if status, _ := o.asks("gp", "GET", "/fhir/Condition/old", ""); status != 404 {
		t.Error("it is still there", status)
	}
	of, err := o.Region.Store.Citizen(ctx, o.citizen, store.Latest)
	if err != nil || len(of.Subjects) != 1 || of.Subjects[0].Source.Organisation() != "G85915" {
		t.Error("what the hospital knew of them is left", of, err)
	}
	// The person comes back: the hospital may write of them as of anybody.
	o.writes("RJZ:PAS", "Patient", "p-rjz", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	old := `{"resourceType":"Condition","id":"old","code":{"text":"Fracture"},` + atKings + `}`
	if out := o.submits("RJZ:PAS", ingest.FHIR, "PUT Condition/old", old); out.State != ingest.Refused {
		t.Error("what was destroyed comes in again", out.State)
	}
	o.writes("RJZ:PAS", "Condition", "sprain", `"code":{"text":"Sprain"},`+atKings)
	o.arrives("RJZ:PAS", ingest.FHIR, "PUT Condition/old", old) // it is part of what is kept anew
	o.mayDeclare("doctor")
	for _, words := range []string{"Sprain", "Fracture"} {
		if where := o.sees("doctor", words, "/fhir/Condition?patient={citizen}"); where == nil {
			t.Error("of who came back there is no", words)
		}
	}
}
