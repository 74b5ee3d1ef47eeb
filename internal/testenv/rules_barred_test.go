package testenv

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/store"
)

// removes has an item of the hospital's removed by order of a court: one person proposes it,
// another approves, the operator carries it out. It gives the case of the disposal.
func (o *outside) removes(item string) string {
	o.Helper()
	form := url.Values{"number": {folake}, "kind": {"erasure"}, "asker": {"Family court"}, "identity": {"sealed order"}, "order": {"ZE26C00123"}, "item": {item}, "words": {"Remove it"}}
	status, page := o.posts("privacy", "/privacy/cases", form.Encode())
	if status != 303 {
		o.Fatal(item, status, page)
	}
	officer, _ := o.Subject("privacy")
	c, err := o.Region.Access.ProposeRemoval(o.Context(), officer, o.caseOf("privacy"))
	if err != nil {
		o.Fatal(item, err)
	}
	o.must(o.approves("second", c.ID))
	if _, _, err := o.Region.Dispose(o.Context(), region.OperatorSubject(), c.ID); err != nil {
		o.Fatal(item, err)
	}
	return c.ID
}

// submits has a source send something, and gives what became of it.
func (o *outside) submits(source nhs.Source, format, call, body string) ingest.Outcome {
	o.Helper()
	r, err := o.Region.Ingest.Submit(o.Context(), &ingest.Raw{Source: source, Format: format, Door: "test", Call: call, Body: []byte(body)})
	if err != nil {
		o.Fatal(err)
	}
	out, err := r.Committed(o.Context())
	if err != nil {
		o.Fatal(err)
	}
	if out.State == ingest.Stored || out.State == ingest.Duplicate {
		return out
	}
	if out.Err == nil {
		o.Fatal(out.State)
	}
	return out
}

// made is the id of the one item of a kind that a message made.
func made(t *testing.T, items []ingest.Item, typ string) string {
	t.Helper()
	id := ""
	for _, i := range items {
		if i.Type == typ {
			if id != "" {
				t.Fatal("there are two of ", typ)
			}
			id = i.Type + "/" + i.ID
		}
	}
	if id == "" {
		t.Fatalf("nothing is a %s: %+v", typ, items)
	}
	return id
}

func visitOf(event, id, diagnoses string) string {
	return v2(strings.Replace(msh(event, id), "G85915", "RJZ", 1), `PID|1||H77^^^RJZ^MR~`+folake+`^^^NHS^NH||ADEYEMI^FOLAKE||19511105|F`, "PV1|1|I|W1^^^RJZ||||||||100||||||||V77", diagnoses)
}

// G18: what was removed stays removed when its source sends it again, the same or changed, alone or
// with something new, by any door; what is new comes in; the bytes of what was held back are
// nowhere; whoever runs the interface is told under which case, and nothing of what it was. Where
// it was a mistake one person asks and another agrees, and it comes in again.
func TestG18WhatIsRemovedStaysRemoved(t *testing.T) {
	o := known(t)
	o.another("second", "RJZ")
	dg := "DG1|1||I50^Failure " + marker + "^I10||20261101|A"
	letter := strings.NewReplacer(`<section><code`, `<section><templateId root="2.16.840.1.113883.10.20.22.2.5.1"/><code`, `moodCode="EVN"><id root="1.2.3.4"`, `moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="1.2.3.4"`,
		`moodCode="EVN"><id root="1.2.3.5"`, `moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.5"`).Replace(cdaProblem("55607006", "Letter "+marker))
	bundle := func(more string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"x1","identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}},
		{"resource":{"resourceType":"Condition","id":"b1","code":{"text":"Bundled ` + marker + `"},"subject":{"reference":"Patient/x1"}}}` + more + `]}`
	}
	posted := `{"resourceType":"Condition","code":{"text":"Posted ` + marker + `"},` + atKings + `}`
	put := `{"resourceType":"Condition","id":"h1","code":{"text":"Put ` + marker + `"},` + atKings + `}`
	ways := []struct {
		name, format, call, body, typ string
		again                         map[string]string // how it is sent again: the call, and what
	}{
		{"HL7 v2", ingest.HL7v2, "", visitOf("ADT^A01^ADT_A01", "1", dg), "Condition", map[string]string{
			"the same": visitOf("ADT^A01^ADT_A01", "1", dg), "an A08": visitOf("ADT^A08^ADT_A01", "2", strings.Replace(dg, "Failure", "Heart failure", 1))}},
		{"CDA", ingest.CDA, "", letter, "DocumentReference", map[string]string{
			"the same": letter, "a later one": strings.Replace(strings.Replace(letter, "Letter "+marker, "Later "+marker, 1), "20261105080000", "20261105083000", 1)}},
		{"a file of FHIR", ingest.FHIR, "", bundle(""), "Condition", map[string]string{
			"the same": bundle(""), "changed": strings.Replace(bundle(""), "Bundled", "Changed", 1)}},
		{"FHIR, by id", ingest.FHIR, "PUT Condition/h1", put, "Condition", map[string]string{
			"the same": put, "changed": strings.Replace(put, "Put", "Changed", 1)}},
		{"FHIR, made anew", ingest.FHIR, "POST Condition", posted, "Condition", map[string]string{"the same": posted}},
	}
	cases := map[string]string{}
	for _, w := range ways {
		items := o.arrives("RJZ:PAS", w.format, w.call, w.body)
		cases[w.name] = o.removes(made(t, items, w.typ))
		if w.format == ingest.CDA { // what was taken out of the letter, too
			o.removes(made(t, items, "Condition"))
		}
	}
	p := planted{text: marker}
	if where := p.on(t, o.Dir); where != nil {
		t.Fatalf("before anything is sent again its bytes are in %v", where)
	}
	for _, w := range ways {
		for how, body := range w.again {
			out := o.submits("RJZ:PAS", w.format, w.call, body)
			if w.call != "" && (out.State != ingest.Refused || fault.KindOf(out.Err) != fault.BusinessRule || !strings.Contains(out.Reason, cases[w.name])) {
				t.Errorf("%s, %s: %s %v", w.name, how, out.State, out.Err)
			}
		}
	}
	for _, user := range []string{"doctor", "gp", "citizen"} {
		o.mayDeclare(user)
		if where := o.sees(user, marker, "/fhir/Condition?patient={citizen}", "/fhir/DocumentReference?patient={citizen}", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}/problems", "/record/{citizen}/documents", "/me/record"); where != nil {
			t.Errorf("%s sees it again at %v", user, where)
		}
	}
	if where := p.on(t, o.Dir); where != nil {
		t.Errorf("sent again, its bytes are in %v", where)
	}
	stages, err := o.Region.Trace(t.Context(), region.OperatorSubject(), "2") // the A08, by its own number
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, s := range stages {
		told += s.Stage + ": " + s.Detail + "\n"
	}
	if !strings.Contains(told, "held back: it was destroyed under case "+cases["HL7 v2"]) || strings.Contains(told, "Failure") {
		t.Error("the trace says", told)
	}
	_, page := o.asks("engineer", "GET", "/feeds/RJZ:PAS", "")
	o.must(200, page, "held back: it was destroyed under case "+cases["HL7 v2"])

	// What is new comes in, with what is held back or alone; of others, the same words.
	o.arrives("RJZ:PAS", ingest.HL7v2, "", visitOf("ADT^A08^ADT_A01", "3", dg+"\rDG1|2||J45^Asthma anew^I10||20261104|A"))
	o.arrives("RJZ:PAS", ingest.FHIR, "", bundle(`,{"resource":{"resourceType":"Condition","id":"b2","code":{"text":"Gout anew"},"subject":{"reference":"Patient/x1"}}}`))
	o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Sprain anew"},`+atKings)
	for _, words := range []string{"Asthma anew", "Gout anew", "Sprain anew"} {
		if where := o.sees("doctor", words, "/fhir/Condition?patient={citizen}"); where == nil {
			t.Errorf("%s did not come in", words)
		}
	}
	if where := o.sees("doctor", marker, "/fhir/Condition?patient={citizen}"); where != nil || p.on(t, o.Dir) != nil {
		t.Error("with what is new comes what was removed", where, p.on(t, o.Dir))
	}
	o.letsIn(cases["HL7 v2"])
	o.arrives("RJZ:PAS", ingest.HL7v2, "", visitOf("ADT^A01^ADT_A01", "1", dg)) // to the byte what it was
	if where := o.sees("doctor", marker, "/fhir/Condition?patient={citizen}"); where == nil {
		t.Error("what may come in again does not")
	}
	if out := o.submits("RJZ:PAS", ingest.FHIR, "PUT Condition/h1", put); out.State != ingest.Refused {
		t.Error("another case's is let in with it")
	}
}

// letsIn has what was destroyed under a case come in again.
func (o *outside) letsIn(id string) {
	o.Helper()
	if status, _ := o.worksOn("second", id, "let-in"); status != 422 {
		o.Error("agreed to what nobody has asked for", status)
	}
	if status, _ := o.worksOn("privacy", id, "asked-let-in"); status != 422 {
		o.Error("asked for without a reason", status)
	}
	o.must(o.worksOn("privacy", id, "asked-let-in", "words", "It was the wrong item"))
	if status, _ := o.worksOn("privacy", id, "let-in"); status != 403 {
		o.Error("who asks agrees", status)
	}
	o.must(o.worksOn("second", id, "let-in"))
	if status, _ := o.worksOn("second", id, "let-in"); status != 422 {
		o.Error("let in twice", status)
	}
}

// G18: the same holds after a stop between the commit and the end of the bytes, and in a region
// that was restored from a backup of before the removal, or of before the item.
func TestG18WhatIsRemovedStaysRemovedAfterARestore(t *testing.T) {
	if os.Getenv("SELDA_STORE") != "" {
		t.Skip("backups of a database are tested with it")
	}
	o := known(t)
	o.another("second", "RJZ")
	ctx, operator := t.Context(), region.OperatorSubject()
	backup, restored := t.TempDir()+"/before", t.TempDir()+"/restored"
	if err := o.Region.Backup(ctx, operator, backup); err != nil { // it does not have the item yet
		t.Fatal(err)
	}
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"`+marker+`"},`+atKings)
	o.removes("Condition/h1")
	lists, err := o.Region.Disposed(ctx, operator)
	if err != nil {
		t.Fatal(err)
	}
	if err := region.Restore(ctx, backup, restored, ""); err != nil {
		t.Fatal(err)
	}
	env, err := Open(ctx, restored, o.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = env.Close() }()
	if _, err := env.Region.DisposeAgain(ctx, operator, lists); err != nil {
		t.Fatal(err)
	}
	r, err := env.Region.Ingest.Submit(ctx, raw("RJZ:PAS", "PUT Condition/h1", `{"resourceType":"Condition","id":"h1","code":{"text":"`+marker+`"},`+atKings+`}`, ""))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := r.Committed(ctx); err != nil || out.State != ingest.Refused {
		t.Error("restored, it comes in", out.State, err)
	}
	if where := (planted{text: marker}).on(t, restored); where != nil {
		t.Errorf("restored, its bytes are in %v", where)
	}

	// A stop after the commit that holds a message back, and before its bytes are destroyed.
	receipt, err := env.Region.Ingest.Submit(ctx, raw("RJZ:PAS", "PUT Condition/h2", `{"resourceType":"Condition","id":"h2","code":{"text":"Gout"},`+atKings+`}`, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Committed(ctx); err != nil {
		t.Fatal(err)
	}
	if err := env.Region.Store.Commit(ctx, func(tx ingest.Tx) error { return tx.HoldBack(receipt.ID, "x") }); err != nil {
		t.Fatal(err)
	}
	if err := env.Close(); err != nil {
		t.Fatal(err)
	}
	if env, err = Open(ctx, restored, o.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Region.Journal.Read(receipt.ID); !fault.Is(err, fault.Deleted) {
		t.Error("after a start the bytes of what was held back are there", err)
	}
}

// G18: of somebody whose record was kept long enough, what is sent again is held back, and they are
// not known again by it. When they come back, what their source has of them comes in as of anybody:
// an allergy is not missing since it was destroyed once.
func TestG18WhoComesBackIsKeptAnew(t *testing.T) {
	o := known(t)
	o.another("second", "RJZ")
	allergy := "AL1|1|DA|PEN^Penicillin^L|SV|Anaphylaxis " + marker
	old := strings.ReplaceAll(visitOf("ADT^A01^ADT_A01", "11", allergy), "V77", "V11")
	o.arrives("RJZ:OLD", ingest.HL7v2, "", old)
	o.Advance(9 * 366 * 24 * time.Hour)
	o.disposes("health")
	of, err := o.Region.Store.Citizen(t.Context(), o.citizen, store.Latest)
	if err != nil {
		t.Fatal(err)
	}
	o.submits("RJZ:OLD", ingest.HL7v2, "", old)
	o.submits("RJZ:OLD", ingest.HL7v2, "", strings.NewReplacer("A01", "A08", "|11|P", "|12|P").Replace(old))
	o.submits("RJZ:OLD", ingest.HL7v2, "", strings.NewReplacer("A01", "A08", "|11|P", "|14|P", "V11", "").Replace(old)) // without a number of the visit
	p := planted{text: marker}
	if where := p.on(t, o.Dir); where != nil {
		t.Errorf("sent again, its bytes are in %v", where)
	}
	if now, err := o.Region.Store.Citizen(t.Context(), o.citizen, store.Latest); err != nil || len(now.Subjects) != len(of.Subjects) {
		t.Error("who had nothing left there is known there again", now, err)
	}
	o.submits("RJZ:OLD", ingest.HL7v2, "", strings.ReplaceAll(visitOf("ADT^A01^ADT_A01", "13", allergy), "V77", "V99"))
	o.mayDeclare("doctor")
	if where := o.sees("doctor", marker, "/fhir/AllergyIntolerance?patient={citizen}"); where == nil {
		t.Error("the allergy of who came back is held back")
	}
}

// disposes carries out what is due of the hospital in a class.
func (o *outside) disposes(class string) string {
	o.Helper()
	officer, _ := o.Subject("privacy")
	c, list, err := o.Region.Propose(o.Context(), officer, "RJZ", class)
	if err != nil || len(list.People) == 0 {
		o.Fatal(list, err)
	}
	o.must(o.approves("second", c.ID))
	if _, _, err := o.Region.Dispose(o.Context(), region.OperatorSubject(), c.ID); err != nil {
		o.Fatal(err)
	}
	return c.ID
}

// G18, G21: a downtime copy of before has what was destroyed: it is made anew with the disposal,
// what was looked at in it comes into the region's trail before; one that is in use just then is
// told of, and made anew as soon as it can be.
func TestG18TheDowntimeCopyIsMadeAgain(t *testing.T) {
	o := known(t)
	o.another("second", "RJZ")
	ctx, operator := t.Context(), region.OperatorSubject()
	letters := []byte(marker)
	slices.Reverse(letters)
	backwards := string(letters)
	o.writes("RJZ:PAS", "AllergyIntolerance", "a1", `"code":{"text":"`+marker+`"},"patient":{"reference":"Patient/p-rjz"}`)
	o.writes("RJZ:PAS", "AllergyIntolerance", "a2", `"code":{"text":"`+backwards+`"},"patient":{"reference":"Patient/p-rjz"}`)
	first, second := o.plant("AllergyIntolerance", "a1", marker), o.plant("AllergyIntolerance", "a2", backwards)
	copied := t.TempDir() + "/copy"
	if _, err := o.Region.CopyForDowntime(ctx, operator, copied); err != nil {
		t.Fatal(err)
	}
	if first.on(t, copied) == nil || second.on(t, copied) == nil {
		t.Fatal("the copy does not have it to begin with: the test shows nothing")
	}
	used := o.serves(copied)
	if err := used.stop(); err != nil {
		t.Fatal(err)
	}
	o.removes("AllergyIntolerance/a1")
	if where := first.on(t, copied); where != nil {
		t.Errorf("the copy has it in %v", where)
	}
	if second.on(t, copied) == nil {
		t.Error("the copy lacks what is kept")
	}
	entries, err := o.Region.Trail.Find(ctx, audit.Query{Limit: 1000})
	if err != nil || !slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.What == "emergency mode declared" }) {
		t.Error("what was done in the copy is not in the trail", err)
	}

	used = o.serves(copied) // while something is destroyed
	o.removes("AllergyIntolerance/a2")
	list, err := o.Region.DowntimeCopies(ctx, operator)
	if err != nil || len(list) != 1 || !list[0].Outdated || list[0].Left == "" {
		t.Error("that the copy still has it is not told", list, err)
	}
	if err := used.stop(); err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { o.Region.FollowDowntime(following, copied, time.Hour); close(done) }()
	for late := time.Now().Add(20 * time.Second); !upToDate(o, copied); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the copy is not made anew")
		}
	}
	stop()
	<-done
	if where := second.on(t, copied); where != nil {
		t.Errorf("the copy that was made anew has it in %v", where)
	}
}

// upToDate says whether the copy that is kept has nothing that was destroyed.
func upToDate(o *outside, dir string) bool {
	list, err := o.Region.DowntimeCopies(o.Context(), region.OperatorSubject())
	_, there := region.ReadDowntime(dir)
	return err == nil && there == nil && len(list) == 1 && !list[0].Outdated
}
