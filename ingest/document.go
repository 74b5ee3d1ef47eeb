package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fhir"
	"selda/ingest/classify"
	"selda/ingest/mapped"
	"selda/store"
)

// This file keeps time and documents in order: a message that was sent before
// one that is known already changes nothing that the later one said, and what
// a document said, or was said of a visit, goes when that does (G19).

// sent is when the sender says that a message was made, by itself; zero where
// it does not say to the minute.
func sent(s string) time.Time {
	if len(s) <= len("2006-01-02") {
		return time.Time{}
	}
	t, _ := fhir.Time(s)
	return t
}

// late says whether this message was sent before the one that made a version.
// An API's writes count in the order in which they come.
func (c *commit) late(old *store.Version) (bool, error) {
	if old == nil || c.raw.Format != HL7v2 && c.raw.Format != CDA {
		return false, nil
	}
	own := sent(c.msg.Sent)
	if own.IsZero() || old.Source != c.raw.Source || old.Message == c.r.ID {
		return false, nil
	}
	before, known := c.sent[old.Message] // most of what a message says again was said by one other
	if !known {
		_, b, err := c.tx.StepsOf(old.Message)
		if err != nil {
			return false, err
		}
		before = sent(sentOf(b))
		if c.sent == nil {
			c.sent = map[store.MessageID]time.Time{}
		}
		c.sent[old.Message] = before
	}
	return !before.IsZero() && own.Before(before), nil
}

// sentOf reads when a message was made of its steps, where it stands first.
func sentOf(steps []byte) string {
	rest, ok := bytes.CutPrefix(steps, []byte(`{"sent":"`))
	if !ok {
		return ""
	}
	at, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(at)
}

// keptOf is a message's event, and its steps.
func (c *commit) keptOf(m store.MessageID) (event string, s steps, err error) {
	event, b, err := c.tx.StepsOf(m)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &s)
	}
	return event, s, err
}

func takenBack(body []byte) bool {
	s := statusOf(body)
	return s == "entered-in-error" || s == "cancelled"
}

func replaced(typ string, body []byte) bool {
	return typ == "DocumentReference" && statusOf(body) == "superseded"
}

// overtaken says whether the message brings a document that was replaced
// before it came, or of which a later version is known. Nothing of it is
// written then: it is kept as it came.
func (c *commit) overtaken() (bool, error) {
	for i := range c.msg.Resources {
		r, t := &c.msg.Resources[i], c.targets[i]
		if !r.Encloses || r.Type != "DocumentReference" || r.Action == mapped.Remove || !t.exists || replaced(r.Type, r.Body) {
			continue
		}
		old, err := c.tx.Current(t.l)
		if err != nil {
			return false, err
		}
		cancelled := false // and by no other document replaced
		if old.Deleted {
			event, _, err := c.keptOf(old.Message)
			if err != nil {
				return false, err
			}
			cancelled = event == "MDM^T11"
		}
		reason := ""
		switch before, now := documentVersion(old.Body), documentVersion(r.Body); {
		case old.Deleted && !cancelled, replaced(old.Type, old.Body):
			reason = "the document was replaced by another before this came"
		case now > 0 && before > 0:
			if now < before {
				reason = "version " + strconv.Itoa(before) + " of the document is known: this is version " + strconv.Itoa(now)
			}
		default:
			late, err := c.late(old)
			if err != nil {
				return false, err
			}
			if late {
				reason = "it came late: what was sent after it has spoken of this document already"
			}
		}
		if reason != "" {
			c.left = append(c.left, mapped.Unmapped{Place: r.Place, Reason: reason})
			return true, nil
		}
	}
	return false, nil
}

// documentVersion is the number of a document's version within its set; 0
// where it has none.
func documentVersion(body []byte) int {
	for name, value := range fhir.Members(body) {
		if name != "extension" {
			continue
		}
		var list []struct {
			URL   string `json:"url"`
			Value string `json:"valueString"`
		}
		if json.Unmarshal(value, &list) != nil {
			return 0
		}
		for _, e := range list {
			if e.URL == mapped.DocumentVersion {
				n, _ := strconv.Atoi(e.Value)
				return n
			}
		}
	}
	return 0
}

// byNumber finds a document that is replaced by its own number, where its
// source calls it by that of its set.
func (c *commit) byNumber(r *mapped.Resource, t *target) error {
	l, exists, err := c.tx.DocumentOf(c.raw.Source, r.Key)
	if err != nil || !exists {
		return err
	}
	for i := range c.targets {
		if c.targets[i].l.Item == l.Item {
			return nil // an earlier version of this very document
		}
	}
	t.l, t.exists = l, true
	return nil
}

// absent is what is taken back before it came. Of a document that is
// remembered: it may yet come.
func (c *commit) absent(r *mapped.Resource, t target) error {
	if !r.Encloses || len(c.subjects) == 0 {
		return nil
	}
	none, err := fhir.ParseTrusted([]byte(`{"resourceType":"` + r.Type + `"}`))
	if err != nil {
		return err
	}
	_, err = c.tx.Write(store.Put{Subject: c.subjects[0], Type: r.Type, Item: t.l.Item, Source: c.raw.Source, Message: c.r.ID, Deleted: true,
		DataSet: classify.Of(none, c.raw.Source, classify.By{}).DataSet, Origin: EncodeOrigins(r.Place, nil)})
	return err
}

// takeBack takes back what the earlier versions of this message's documents
// said and this message does not say.
func (c *commit) takeBack() error {
	said := map[store.ItemID]bool{}
	for i := range c.targets {
		said[c.targets[i].l.Item] = true
	}
	for i := range c.msg.Resources {
		r, t := &c.msg.Resources[i], c.targets[i]
		if r.Encloses && r.Type == "DiagnosticReport" {
			if err := c.takeBackEmbedded(r, t.subject, said); err != nil {
				return err
			}
		}
		if !r.Encloses || !t.exists || slices.Contains(c.came, t.l.Item) {
			continue
		}
		doc := t.l
		doc.Subject = t.subject
		if err := c.takeBackOf(r, doc, said); err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) takeBackOf(r *mapped.Resource, doc store.Located, said map[store.ItemID]bool) error {
	versions, err := c.tx.Versions(doc)
	if err != nil {
		return err
	}
	own := map[store.MessageID]bool{}
	for _, v := range versions {
		own[v.Message] = v.Message != c.r.ID && !v.Deleted
	}
	var others *standing
	for m, is := range own {
		if !is {
			continue
		}
		items, err := c.tx.ChangedBy(m)
		if err != nil {
			return err
		}
		for _, l := range items {
			if said[l.Item] || l.Deleted || l.Subject == store.Shared || l.Type == "Patient" || l.Type == "DocumentReference" {
				continue
			}
			said[l.Item] = true
			now, err := c.tx.Current(l)
			if err != nil {
				return err
			}
			if !own[now.Message] { // said by another message since
				continue
			}
			if part, err := c.partOf(r, versions, now); err != nil || !part {
				if err != nil {
					return err
				}
				continue
			}
			if others == nil {
				if others, err = c.standing(doc, own); err != nil {
					return err
				}
			}
			if err := c.withdraw(r, l, others); err != nil {
				return err
			}
		}
	}
	return nil
}

// partOf says whether what stands beside a document, a report or a visit in its
// messages was said of that alone. In HL7 v2 a document's own are its
// observations, a report's own those that it names; a visit that is called off
// takes its diagnoses and procedures with it, and one that was a mistake its
// observations too. A laboratory's message only names the visit.
func (c *commit) partOf(r *mapped.Resource, versions []*store.Version, v *store.Version) (bool, error) {
	if c.raw.Format != HL7v2 {
		return true, nil
	}
	segment := v.Origin[:min(3, len(v.Origin))]
	switch r.Type {
	case "DocumentReference":
		return segment == "OBX", nil
	case "DiagnosticReport":
		reference := []byte(`"` + v.Type + "/" + v.ID + `"`)
		return slices.ContainsFunc(versions, func(of *store.Version) bool { return bytes.Contains(of.Body, reference) }), nil
	}
	event, _, err := c.keptOf(v.Message)
	return strings.HasPrefix(event, "ADT") && (segment == "DG1" || segment == "PR1" || segment == "OBX" && statusOf(r.Body) == "entered-in-error"), err
}

// takeBackEmbedded takes back the documents that came within a report which is
// cancelled now. A report that had nothing else is known by them alone.
func (c *commit) takeBackEmbedded(r *mapped.Resource, subject store.Subject, said map[store.ItemID]bool) error {
	report, err := fhir.ParseTrusted(r.Body)
	if err != nil {
		return err
	}
	all, err := c.tx.InForce(subject, "DocumentReference")
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.Source != c.raw.Source || said[v.Item] {
			continue
		}
		v, err := c.tx.Current(store.Located{Item: v.Item, Subject: subject, Type: v.Type, Version: v.Version, Source: v.Source})
		if err != nil {
			return err
		}
		doc, err := v.Resource()
		if err != nil {
			return err
		}
		if !embeddedIn(doc, report) {
			continue
		}
		late, err := c.late(v)
		if err != nil {
			return err
		}
		if late {
			continue
		}
		l := store.Located{Item: v.Item, Subject: subject, Type: v.Type, Version: v.Version, Source: v.Source}
		if err := c.write(&mapped.Resource{Type: v.Type, Action: mapped.Remove, Place: r.Place}, target{l: l, exists: true, subject: subject}); err != nil {
			return err
		}
	}
	return nil
}

// embeddedIn says whether a document names a report: by its number, and of the
// same kind, since one order has several.
func embeddedIn(doc, report *fhir.Resource) bool {
	kind := func(n fhir.Node) string { return cmp.Or(n.Get("coding", "code").Text(), n.Get("text").Text()) }
	if kind(doc.Get("type")) != kind(report.Get("code")) {
		return false
	}
	for _, related := range doc.Root().List("context", "related") {
		number := related.Get("identifier")
		for _, id := range report.Root().List("identifier") {
			if related.Get("type").Is("DiagnosticReport") && id.Get("system").Is(number.Get("system").Text()) && id.Get("value").Is(number.Get("value").Text()) {
				return true
			}
		}
	}
	return false
}

// standing are the other documents of a source about the same person.
type standing struct {
	messages map[store.MessageID]bool
	again    map[store.ItemID]bool // what they say that was known before they came
}

func (c *commit) standing(doc store.Located, own map[store.MessageID]bool) (*standing, error) {
	s := &standing{map[store.MessageID]bool{}, map[store.ItemID]bool{}}
	all, err := c.tx.InForce(doc.Subject, doc.Type)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Item == doc.Item || v.Source != c.raw.Source || own[v.Message] || s.messages[v.Message] {
			continue
		}
		s.messages[v.Message] = true
		_, kept, err := c.keptOf(v.Message)
		if err != nil {
			return nil, err
		}
		for _, i := range kept.Again {
			s.again[i] = true
		}
	}
	return s, nil
}

// withdraw takes one item back. What another document that stands says too
// stays, as that one said it.
func (c *commit) withdraw(r *mapped.Resource, l store.Located, others *standing) error {
	if others.again[l.Item] {
		return nil
	}
	versions, err := c.tx.Versions(l)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Deleted || !others.messages[v.Message] {
			continue
		}
		res, err := v.Resource()
		if err != nil {
			return err
		}
		class := classify.Of(res, v.Source, c.r.p.classifiedBy())
		_, err = c.tx.Write(store.Put{Subject: l.Subject, Type: l.Type, Item: l.Item, Source: v.Source, DataSet: v.DataSet, Labels: v.Labels, Final: v.Final,
			When: v.When, Reported: v.Reported, Message: v.Message, Body: v.Body, Origin: v.Origin, Tokens: class.Tokens, Ordered: class.Ordered})
		return err
	}
	return c.write(&mapped.Resource{Type: l.Type, Action: mapped.Remove, Place: r.Place}, target{l: l, exists: true, subject: l.Subject})
}
