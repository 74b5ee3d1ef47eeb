package region

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"selda/fhir"
	"selda/ingest/classify"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/terminology"
)

// labels are the lists by which what comes gets its labels (G8): those of the box,
// with what the imported release of SNOMED CT has below their codes, and with the
// sources all of whose items are sensitive, as their feeds say. Those are kept: a
// verb at the command line knows of no feeds.
type labels struct {
	terms     func() (*terminology.Service, error)
	limits    *limiting // has the teams of organisations
	documents document.Store
	used      atomic.Pointer[classify.Lists]
	with      atomic.Pointer[terminology.Service] // that they were made with
	teamed    atomic.Pointer[string]              // the teams that they were made with
}

// labelFile is where the sources with labels are kept.
const labelFile = "labels.json"

// mostBelow are the codes that one code of a list may stand for.
const mostBelow = 50_000

// lists are those in use.
func (l *labels) lists() *classify.Lists { return l.used.Load() }

// load makes the lists: of the release that is imported, and the sources, now.
func (l *labels) load() error {
	sources := map[nhs.Source]policy.Labels{}
	b, _, err := l.documents.Load(labelFile)
	if err != nil {
		return err
	}
	if b != nil {
		said := map[nhs.Source][]string{}
		if err := json.Unmarshal(b, &said); err != nil {
			return err
		}
		for s, codes := range said {
			for _, c := range codes {
				sources[s] |= policy.ParseLabel(c)
			}
		}
	}
	terms, err := l.terms()
	if err != nil {
		return err
	}
	teams, teamed, err := l.limits.teams()
	if err != nil {
		return err
	}
	l.teamed.Store(&teamed)
	l.with.Store(terms)
	l.used.Store(classify.Box().WithTeams(teams, sources, func(e classify.Entry) (codes []string) {
		if e.Within {
			codes, _ = terms.CodesWithin(terminology.SNOMED, e.Code, mostBelow)
		} else {
			codes, _ = terms.CodesBelow(terminology.SNOMED, e.Code, mostBelow)
		}
		return codes
	}))
	return nil
}

// follow makes the lists again where another release was imported, or an organisation
// named other teams.
func (l *labels) follow() error {
	terms, err := l.terms()
	if err != nil {
		return err
	}
	_, teamed, err := l.limits.teams()
	if err != nil || terms == l.with.Load() && teamed == *l.teamed.Load() {
		return err
	}
	return l.load()
}

// stale says whether what is there is marked by other teams than those of now.
func (l *labels) stale() (bool, error) {
	marked, err := l.limits.marked()
	return marked != *l.teamed.Load(), err
}

// from keeps which sources' items are all sensitive; it says whether that is new.
func (l *labels) from(sources map[nhs.Source]policy.Labels) (changed bool, err error) {
	before := l.lists()
	said := map[nhs.Source][]string{}
	for s, labels := range sources {
		said[s] = labels.Codes()
	}
	b, err := json.Marshal(said)
	if err != nil {
		return false, err
	}
	if err := l.documents.Save(labelFile, b, document.Any); err != nil {
		return false, err
	}
	err = l.load()
	return err == nil && l.lists().Hash() != before.Hash(), err
}

// by is what resources are found by and labelled by.
func (r *Region) by() classify.By {
	return classify.By{Parameters: r.searches.indexed(), Lists: r.labels.lists()}
}

// relabel gives what is there the labels that the lists of now find in it, in
// history too. A clinician's review stays.
func (l *labels) relabel(ctx context.Context, st Store, at time.Time) (int, error) {
	if err := l.load(); err != nil {
		return 0, err
	}
	lists, teamed := l.lists(), *l.teamed.Load()
	n, err := st.Relabel(ctx, at, func(all []*store.Version) []policy.Labels { return labelled(all, lists) })
	if err == nil {
		if marked, _ := l.limits.marked(); marked != teamed {
			err = l.limits.change(func(k *limitsKept) { k.Marked = teamed })
		}
	}
	return n, err
}

// labelled are the labels of all versions of a subject: of their own, and of what
// came with them in one message, and of their visit as it is known now.
func labelled(all []*store.Version, lists *classify.Lists) []policy.Labels {
	out := make([]policy.Labels, len(all))
	said := make([]classify.Said, len(all))
	messages := map[store.MessageID][]int{}
	sensitive := false
	for i, v := range all {
		out[i] = v.Labels
		r, err := v.Resource()
		if v.Deleted || err != nil {
			continue
		}
		out[i] = classify.LabelsOf(r, v.Source, lists) | v.Labels&policy.Reviewed
		if isCDA(r) { // what its sections say was found when it came
			out[i] |= v.Labels & (classify.Sensitive | policy.SafetyPlan)
		}
		said[i] = classify.Said{Names: []string{v.Type + "/" + v.ID}, Resource: r, Labels: out[i], Whole: isCDA(r)}
		messages[v.Message] = append(messages[v.Message], i)
		sensitive = sensitive || out[i]&(classify.Sensitive|policy.TeamMarks) != 0
	}
	if !sensitive {
		return out
	}
	for _, list := range messages {
		some := make([]classify.Said, len(list))
		for k, i := range list {
			some[k] = said[i]
		}
		for k, l := range classify.Carry(some) {
			out[list[k]] |= l
		}
	}
	visits := map[string]policy.Labels{}
	for i, v := range all {
		if v.Type == "Encounter" && !v.Deleted {
			visits["Encounter/"+v.ID] = out[i] // in order: the latest counts
		}
	}
	before := map[store.ItemID]policy.Labels{}
	for i, v := range all {
		if said[i].Resource == nil {
			continue
		}
		out[i] |= classify.OfVisit(v.Type, visits[classify.Visit(said[i].Resource)])
		if v.Labels&policy.Carried != 0 && out[i]&policy.Carried == 0 { // from a version before
			out[i] |= before[v.Item]&classify.Sensitive | policy.Carried
		}
		before[v.Item] = out[i]
	}
	return out
}

// isCDA says whether a resource is a CDA document, which encloses what came with it.
func isCDA(r *fhir.Resource) bool {
	return r.Type == "DocumentReference" && r.Get("content", "format", "code").Is("POCD_HD000040")
}

// Labelled are the sources all of whose items have labels, as a feeds file says.
func (f *Feeds) Labelled() map[nhs.Source]policy.Labels {
	out := map[nhs.Source]policy.Labels{}
	for i := range f.feeds {
		if l := f.feeds[i].labels; l != 0 {
			out[f.feeds[i].source] |= l
		}
	}
	return out
}
