package ingest

import (
	"bytes"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/classify"
	"selda/ingest/mapped"
	"selda/policy"
	"selda/store"
)

// This file gives what is committed the labels that go on to it from what belongs
// with it (G8): from the resources of its message, and from its visit.

// carry finds what goes on from one resource of a message to another; nil where
// nothing does, as in nearly every message.
func (p *Pipeline) carry(raw *Raw, m *mapped.Message, made []*ready) []policy.Labels {
	if m == nil || m.Each || len(m.Resources) < 2 && len(m.Coded) == 0 {
		return nil
	}
	lists := p.classifiedBy().Sensitive()
	var document policy.Labels // what its sections say
	for _, c := range m.Coded {
		document |= lists.Coded(c.System, c.Code, c.Display)
	}
	own := make([]policy.Labels, len(m.Resources))
	sensitive := document
	for i := range m.Resources {
		if made[i] != nil {
			own[i] = made[i].class.Labels
		} else if res := p.mayBeLabelled(raw, m.Resources[i].Body, lists); res != nil {
			own[i] = classify.LabelsOf(res, raw.Source, lists)
		}
		sensitive |= own[i]
	}
	if sensitive&classify.Sensitive == 0 {
		return nil
	}
	all := make([]classify.Said, len(m.Resources))
	for i := range m.Resources {
		r := &m.Resources[i]
		s := classify.Said{Names: []string{mapped.LocalRef(i)}, Labels: own[i], Whole: raw.Format == CDA && r.Encloses && r.Type == "DocumentReference"}
		if r.ID != "" {
			s.Names = append(s.Names, r.Type+"/"+r.ID)
		}
		if r.Key != "" {
			s.Names = append(s.Names, mapped.Ref(r.Type, r.Key))
		}
		if s.Whole {
			s.Labels |= document
		}
		body := r.Body
		if len(body) == 0 {
			body = []byte(`{"resourceType":"` + r.Type + `"}`)
		}
		var err error
		if s.Resource, err = fhir.ParseTrusted(body); err != nil {
			return nil // its commit says so
		}
		all[i] = s
	}
	return classify.Carry(all)
}

// mayBeLabelled is a resource that may have labels of its own; nil for nearly all,
// which are not taken apart for it.
func (p *Pipeline) mayBeLabelled(raw *Raw, body []byte, lists *classify.Lists) *fhir.Resource {
	if len(body) == 0 || lists.OfSource(raw.Source) == 0 && bytes.IndexByte(body, '\\') < 0 && !bytes.Contains(body, []byte(`"security`)) && !lists.May(body) {
		return nil
	}
	res, err := fhir.ParseTrusted(body)
	if err != nil {
		return nil // its commit says so
	}
	return res
}

// carriedTo is what goes on to the message's i-th resource.
func (r *Receipt) carriedTo(i int) policy.Labels {
	if i < len(r.carried) {
		return r.carried[i] & (classify.Sensitive | policy.Carried)
	}
	return 0
}

// label adds to a version's labels those that go on to it.
func (c *commit) label(put *store.Put, visit string) error {
	put.Labels |= c.carried
	if visit == "" || put.Subject == store.Shared {
		return nil
	}
	labels, known := c.visits[visit]
	if !known {
		id, ok := strings.CutPrefix(visit, "Encounter/")
		if !ok {
			return nil
		}
		l, exists, err := c.tx.ByID("Encounter", id)
		if err != nil {
			return err
		}
		// A visit that was deleted was as sensitive as it said: what is of it keeps that.
		if exists && l.Subject == put.Subject {
			v, err := c.tx.Current(l)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			if err == nil {
				labels = v.Labels
			}
		}
		c.visited(&store.Put{Type: "Encounter", Labels: labels}, id)
	}
	put.Labels |= classify.OfVisit(put.Type, labels)
	return nil
}

// visited remembers the labels of a visit that the message speaks of.
func (c *commit) visited(put *store.Put, id string) {
	if put.Type != "Encounter" {
		return
	}
	if c.visits == nil {
		c.visits = map[string]policy.Labels{}
	}
	c.visits["Encounter/"+id] = put.Labels
}

// saidBefore is what an item said last: of one that was deleted and is sent again,
// what it said before that.
func (c *commit) saidBefore(l store.Located, old *store.Version) ([]byte, error) {
	if !old.Deleted {
		return old.Body, nil
	}
	all, err := c.tx.Versions(l)
	for _, v := range all { // the latest is first
		if !v.Deleted {
			return v.Body, err
		}
	}
	return nil, err
}

// stillCarried are the labels of the version before, where some of them came with it in one
// message. A version of FHIR that comes alone still means those: that the others are not
// repeated is no word that the item is not sensitive any more. All that it had stay, since
// which of them it had by itself as well can't be told. Where it says something of labels
// itself, the source is followed.
func (c *commit) stillCarried(r *mapped.Resource, old *store.Version) (policy.Labels, error) {
	if old.Labels&policy.Carried == 0 || c.raw.Format != FHIR {
		return 0, nil
	}
	if is, err := fhir.ParseTrusted(r.Body); err != nil || is.Get("meta", "security").Exists() {
		return 0, err
	}
	return old.Labels & (classify.Sensitive | policy.Carried), nil
}

// deletedLabels tells of a source that has said of its own accord that an item has no label.
func (c *commit) deletedLabels(r *mapped.Resource, old *store.Version, body []byte) {
	if old == nil || !slices.Contains(r.Cleared, "meta") || !bytes.Contains(old.Body, []byte(`"security"`)) {
		return
	}
	if was, err := fhir.ParseTrusted(old.Body); err == nil {
		if is, err := fhir.ParseTrusted(body); err == nil {
			c.tookBack(r, was, is)
		}
	}
}

// tookBack has the trace say which labels a source took back.
func (c *commit) tookBack(r *mapped.Resource, was, is *fhir.Resource) {
	if gone := classify.Stated(was) &^ classify.Stated(is); gone != 0 {
		c.left = append(c.left, mapped.Unmapped{Place: r.Place, Reason: "the source has taken back a label that the version before had: " + gone.String()})
	}
}

// stillLabelled is a new version with the security labels that the version before
// had, where it says nothing of them: that a source does not repeat a label is no
// word that the item is not sensitive any more. Where it does say something, the
// source is followed, and what it took back is told to those who run the interface
// (docs/adr/0017).
func (c *commit) stillLabelled(r *mapped.Resource, body, old []byte) []byte {
	if !bytes.Contains(old, []byte(`"security"`)) {
		return body
	}
	was, err := fhir.ParseTrusted(old)
	if err != nil {
		return body
	}
	is, err := fhir.ParseTrusted(body)
	if err != nil {
		return body
	}
	before := was.Get("meta", "security")
	switch {
	case !before.Exists():
		return body
	case is.Get("meta", "security").Exists():
		c.tookBack(r, was, is)
		return body
	}
	meta := is.Get("meta").JSON()
	if len(meta) == 0 {
		meta = []byte("{}")
	}
	security := append(append([]byte(`{"security":`), before.JSON()...), '}')
	meta = fhir.Overlay(meta, security)
	return fhir.Overlay(body, append(append([]byte(`{"meta":`), meta...), '}'))
}
