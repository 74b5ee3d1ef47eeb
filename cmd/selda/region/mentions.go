package region

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/ingest/mapped"
	"selda/mpi"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// This file finds the raw messages that tell of what is to be destroyed and made none of it (G18):
// those in quarantine, those that an API refused, and those that said again what was known. They
// are found by whom they are about, and looked at as they would be mapped today.

// sought is somebody as one source knows them, of whose messages some go.
type sought struct {
	source   nhs.Source
	whole    bool // all of them
	numbers  map[mpi.Identifier]bool
	patients map[string]bool // ids of their Patient
	items    map[policy.Item]bool
	texts    []string // by which a text may be of them: their numbers, their Patient
	families []string
}

// seek says whose messages are looked for.
func (r *Region) seek(ctx context.Context, what *store.Disposal) ([]*sought, error) {
	people := map[store.Subject]*sought{}
	for _, ref := range what.Items {
		subject, err := r.Store.Owner(ctx, ref.Type, ref.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if subject == store.Shared {
			continue
		}
		p := people[subject]
		if p == nil {
			p = &sought{whole: slices.Contains(what.Subjects, subject), items: map[policy.Item]bool{}}
			if err := r.knows(ctx, subject, p); err != nil {
				return nil, err
			}
			people[subject] = p
		}
		p.items[policy.Item{Type: ref.Type, ID: ref.ID}] = true
	}
	var out []*sought
	for _, p := range people {
		if p.source != "" {
			out = append(out, p)
		}
	}
	return out, nil
}

// knows fills in what a subject's source knows somebody by.
func (r *Region) knows(ctx context.Context, subject store.Subject, p *sought) error {
	p.numbers, p.patients = map[mpi.Identifier]bool{}, map[string]bool{}
	versions, err := r.Store.Compartment(ctx, subject, store.Latest, everything, "Patient")
	if err != nil {
		return err
	}
	for _, v := range versions {
		p.source, p.patients[v.ID] = v.Source, true
		p.texts = append(p.texts, "Patient/"+v.ID)
	}
	for _, id := range identitiesOf(versions) {
		p.numbers[id] = true
		p.texts = append(p.texts, id.Value)
	}
	for _, v := range versions {
		body, err := v.Resource()
		if err != nil {
			return err
		}
		for _, n := range body.Root().List("name") {
			if f := fold.Name(n.Get("family").Text()); f != "" {
				p.families = append(p.families, f)
			}
		}
	}
	return nil
}

// mayBeOf says quickly whether a text may tell of somebody.
func (p *sought) mayBeOf(text []byte) bool {
	return slices.ContainsFunc(p.texts, func(t string) bool { return bytes.Contains(text, []byte(t)) }) || bytes.ContainsAny(text, " -") && p.spaced(text)
}

// spaced looks for an NHS number that is written with spaces.
func (p *sought) spaced(text []byte) bool {
	for id := range p.numbers {
		if n, err := nhs.ParseNumber(id.Value); id.System == nhs.NumberSystem && err == nil {
			if s := n.Spaced(); bytes.Contains(text, []byte(s)) || bytes.Contains(text, []byte(strings.ReplaceAll(s, " ", "-"))) {
				return true
			}
		}
	}
	return false
}

// is says whether somebody whom a message names is the one.
func (p *sought) is(x *mapped.Patient) bool {
	return p.patients[x.ID] || slices.ContainsFunc(x.Identifiers, func(id mapped.Identifier) bool {
		value := id.Value
		if n, err := nhs.ParseNumber(value); id.System == nhs.NumberSystem && err == nil {
			value = n.Digits()
		}
		return p.numbers[mpi.Identifier{System: id.System, Value: value}]
	})
}

// inText says whether a message that can't be mapped is about somebody: their NHS number is in
// it, or a number that their source gives and their family name. One alone might be another's.
func (p *sought) inText(text []byte) bool {
	number := p.spaced(text)
	for id := range p.numbers {
		if !bytes.Contains(text, []byte(id.Value)) {
			continue
		}
		number = number || id.System == nhs.NumberSystem
		folded := fold.Name(string(text))
		if len(id.Value) >= 4 && slices.ContainsFunc(p.families, func(f string) bool { return strings.Contains(folded, f) }) {
			return true
		}
	}
	return number
}

// says says whether a mapped message speaks of an item that goes.
func (p *sought) says(tx ingest.Tx, m *mapped.Message) (bool, error) {
	for i := range m.Resources {
		x := &m.Resources[i]
		item := policy.Item{Type: x.Type, ID: x.ID}
		if x.ID == "" {
			if x.Key == "" {
				continue
			}
			_, id, exists, err := tx.ByKey(p.source, x.Type, x.Key)
			if err != nil {
				return false, err
			}
			if !exists {
				continue
			}
			item.ID = id
		}
		if p.items[item] {
			return true, nil
		}
	}
	return false, nil
}

// mentions are the messages that go with what is destroyed, though they made none of it. Those
// in quarantine that are about others, too, are left: nothing is kept of these but there.
func (r *Region) mentions(ctx context.Context, people []*sought) (out []store.MessageID, left int, err error) {
	of := map[nhs.Source][]*sought{}
	for _, p := range people {
		of[p.source] = append(of[p.source], p)
	}
	for source, list := range of {
		for after := store.MessageID(0); ; {
			page, err := r.Store.OfSource(ctx, source, after, mostAtOnce)
			if err != nil {
				return nil, 0, err
			}
			for _, rec := range page {
				goes, others, err := r.goes(ctx, rec, list)
				if err != nil {
					return nil, 0, err
				}
				after = rec.ID
				if goes && others && rec.State == ingest.Quarantined {
					left++
				} else if goes {
					out = append(out, rec.ID)
				}
			}
			if len(page) < mostAtOnce {
				break
			}
		}
	}
	return out, left, nil
}

// mostAtOnce is how many messages are read at a time.
const mostAtOnce = 1000

// goes says whether one message does, and whether it is about others, too.
func (r *Region) goes(ctx context.Context, rec ingest.Record, list []*sought) (goes, others bool, err error) {
	raw, err := r.Journal.Read(rec.ID)
	if fault.Is(err, fault.Deleted) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	text := append([]byte(raw.Call+" "), raw.Body...)
	if list = slices.DeleteFunc(slices.Clone(list), func(p *sought) bool { return !p.mayBeOf(text) }); len(list) == 0 {
		return false, false, nil
	}
	m, err := r.mapper.Map(raw)
	if err != nil {
		return slices.ContainsFunc(list, func(p *sought) bool { return p.whole && p.inText(text) }), false, nil
	}
	for i := range m.Patients {
		others = others || !slices.ContainsFunc(list, func(p *sought) bool { return p.is(&m.Patients[i]) })
	}
	for _, p := range list {
		if p.whole {
			goes = goes || slices.ContainsFunc(m.Patients, func(x mapped.Patient) bool { return p.is(&x) })
			continue
		}
		if err := r.Store.Commit(ctx, func(tx ingest.Tx) error {
			says, err := p.says(tx, m)
			goes = goes || says
			return err
		}); err != nil {
			return false, false, err
		}
	}
	return goes, others, nil
}

// unused are the messages in quarantine that are about a citizen, of some of the sources that know
// them: they are kept, and so belong into a copy of the record (Art 15).
func (r *Region) unused(ctx context.Context, subjects []mpi.Known) (out []rights.Entry, err error) {
	people := map[nhs.Source]*sought{}
	for _, k := range subjects {
		p := &sought{whole: true}
		if err := r.knows(ctx, k.Subject, p); err != nil {
			return nil, err
		}
		if p.source != "" {
			people[p.source] = p
		}
	}
	list, err := r.Store.InQuarantine(ctx, mostReplayed)
	if err != nil || len(people) == 0 {
		return nil, err
	}
	for _, rec := range list {
		p := people[rec.Source]
		if p == nil {
			continue
		}
		about, _, err := r.goes(ctx, rec, []*sought{p})
		if err != nil {
			return nil, err
		}
		if !about {
			continue
		}
		raw, err := r.Journal.Read(rec.ID)
		if err != nil {
			return nil, err
		}
		id := r.Store.MessageID(rec.ID)
		out = append(out, rights.Entry{Item: policy.Item{Type: "Basic", ID: id}, Version: 1, Source: rec.Source, Recorded: rec.Received, When: rec.Received, Body: fhir.Marshal(fhir.Object{
			"resourceType": "Basic", "id": id, "code": fhir.Object{"text": "A message that could not be used yet"},
			"extension": []fhir.Object{{"url": "https://selda.example/StructureDefinition/message", "valueString": strings.ToValidUTF8(strings.ReplaceAll(string(raw.Body), "\r", "\n"), "�")}}})})
	}
	return out, nil
}
