// Package record opens a citizen's record under a Grant and gives a View: the
// items that the Grant shows, and what a page or an API asks of them. Reading
// goes through the Grant's predicate inside the store's query; nothing is
// filtered here. The same fact from several sources is one Fact, with its
// witnesses and any conflict; the items themselves stay as each source said.
package record

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Records opens records.
type Records struct {
	Store store.Reader
}

// Item is one resource of the record.
type Item struct {
	*store.Version
	Res *fhir.Resource
}

// View is one citizen's record as a Grant shows it.
type View struct {
	Grant   grant.Grant
	Citizen string // stable id
	Items   []Item // in order of type and age
	Person  Person
	// PlanExists says that there is a plan of which the reader may know no more.
	PlanExists bool
}

// Open reads the record that a Grant opens: one range read a linked subject.
// It answers fault.Security to a Grant that is not for a record.
func (rs *Records) Open(ctx context.Context, g grant.Grant, types ...string) (*View, error) {
	const op = "record.Open"
	if g.Kind() != seal.Record {
		return nil, fault.E(op, fault.Security, "the Grant does not open a record")
	}
	v, err := rs.view(ctx, g, g.Citizen(), types...)
	if err != nil {
		return nil, fault.E(op, err)
	}
	return v, nil
}

// view reads what a Grant shows of a citizen.
func (rs *Records) view(ctx context.Context, g grant.Grant, c mpi.Found, types ...string) (*View, error) {
	return rs.viewAt(ctx, g, c, g.N(), types...)
}

func (rs *Records) viewAt(ctx context.Context, g grant.Grant, c mpi.Found, n uint64, types ...string) (*View, error) {
	v := &View{Grant: g, Citizen: c.ID}
	p := g.Predicate()
	for _, k := range c.Subjects {
		versions, err := rs.Store.Compartment(ctx, k.Subject, n, p, types...)
		if err != nil {
			return nil, err
		}
		for _, version := range versions {
			res, err := version.Resource()
			if err != nil {
				return nil, err
			}
			v.Items = append(v.Items, Item{version, res})
		}
	}
	v.Person = v.person()
	if !p.ShowsType("Patient") { // whether where they live is withheld can't be told: so it is
		v.Person.Restricted = true
	}
	if v.Person.Restricted {
		v.Person.Practice, v.Person.PracticeODS = "", ""
		if err := v.withhold(); err != nil {
			return nil, err
		}
	}
	return v, rs.existence(ctx, v, c, n, p.OfExistence())
}

// existence asks whether there is anything of which the reader may know no more
// than that. What is over does not count.
func (rs *Records) existence(ctx context.Context, v *View, c mpi.Found, n uint64, p *policy.Predicate) error {
	if !p.Permit {
		return nil
	}
	for _, k := range c.Subjects {
		versions, err := rs.Store.Compartment(ctx, k.Subject, n, p)
		if err != nil {
			return err
		}
		for _, x := range versions {
			r, err := x.Resource()
			if err != nil {
				return err
			}
			switch r.Get("status").Text() {
			case "active", "current", "final", "":
				v.PlanExists = true
				return nil
			}
		}
	}
	return nil
}

// Sets are the kinds of data that the reader's role is shown, whatever there is
// of them; all where the View was not opened under a Grant.
func (v *View) Sets() policy.DataSets {
	p := v.Grant.Predicate()
	if !p.Permit || p.Everything {
		return policy.AllDataSets
	}
	return p.DataSets
}

// ShowsType says whether anything of a type may be in the View, as far as the
// application that asks is concerned.
func (v *View) ShowsType(typ string) bool { return v.Grant.Predicate().ShowsType(typ) }

// Of gives the items of some types.
func (v *View) Of(types ...string) []Item {
	n := 0
	for i := range v.Items {
		if slices.Contains(types, v.Items[i].Type) {
			n++
		}
	}
	out := make([]Item, 0, n)
	for _, i := range v.Items {
		if slices.Contains(types, i.Type) {
			out = append(out, i)
		}
	}
	return out
}

// InDataSet gives the items of a data set.
func (v *View) InDataSet(d policy.DataSet) []Item {
	var out []Item
	for _, i := range v.Items {
		if i.DataSet == d {
			out = append(out, i)
		}
	}
	return out
}

// Find gives one item.
func (v *View) Find(typ, id string) (Item, bool) {
	for _, i := range v.Items {
		if i.ID == id && i.Type == typ {
			return i, true
		}
	}
	return Item{}, false
}

// Reference gives the item that a relative reference names, if the View has it.
func (v *View) Reference(ref string) (Item, bool) {
	typ, id, ok := strings.Cut(ref, "/")
	if !ok {
		return Item{}, false
	}
	return v.Find(typ, id)
}

// SourceState is how one source stands for this citizen.
type SourceState struct {
	Source nhs.Source
	AsAt   time.Time // the latest that it has said of this citizen
	Items  int
}

// Sources are those that an item shown comes from, by name.
func (v *View) Sources() []SourceState {
	bySource := map[nhs.Source]*SourceState{}
	for _, i := range v.Items {
		s := bySource[i.Source]
		if s == nil {
			s = &SourceState{Source: i.Source}
			bySource[i.Source] = s
		}
		s.Items++
		if i.Recorded.After(s.AsAt) {
			s.AsAt = i.Recorded
		}
	}
	out := make([]SourceState, 0, len(bySource))
	for _, s := range bySource {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b SourceState) int { return strings.Compare(string(a.Source), string(b.Source)) })
	return out
}

// Since are the items recorded after t, the latest first, demographics and
// directory aside.
func (v *View) Since(t time.Time) []Item {
	var out []Item
	for _, i := range v.Items {
		if i.Recorded.After(t) && i.DataSet != policy.Demographics && i.DataSet != policy.Directory && i.DataSet != policy.Preferences {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b Item) int { return b.Recorded.Compare(a.Recorded) })
	return out
}

// Timeline are all items that have a clinical time, the latest first.
func (v *View) Timeline() []Item {
	var out []Item
	for _, i := range v.Items {
		if !i.When.IsZero() && i.DataSet != policy.Demographics && i.DataSet != policy.Directory {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b Item) int { return b.When.Compare(a.When) })
	return out
}

// Directory reads an organisation, practitioner or place by a reference.
// Anyone who holds a Grant may.
func (rs *Records) Directory(ctx context.Context, g grant.Grant, ref string) (*fhir.Resource, error) {
	if g.Kind() == seal.None {
		return nil, fault.E("record.Directory", fault.Security, "there is no Grant")
	}
	typ, id, ok := strings.Cut(ref, "/")
	if !ok || !fhir.IsResourceType(typ) {
		return nil, fault.E("record.Directory", fault.NotFound, "there is no such resource")
	}
	v, err := rs.DirectoryVersion(ctx, g, typ, id)
	if err != nil {
		return nil, err
	}
	return v.Resource()
}

// Read gives one resource under a Grant.
func (rs *Records) Read(ctx context.Context, g grant.Grant, typ, id string) (*store.Version, error) {
	v, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())
	if err == nil && !within(g, v) {
		err = fault.E("record.Read", fault.NotFound, "there is no such resource")
	}
	return v, err
}

// History gives all versions of one resource under a Grant, the latest first.
func (rs *Records) History(ctx context.Context, g grant.Grant, typ, id string) ([]*store.Version, error) {
	all, err := rs.Store.History(ctx, typ, id, g.N(), g.Predicate())
	if err == nil && !within(g, all[0]) {
		err = fault.E("record.History", fault.NotFound, "there is no such resource")
	}
	return all, err
}

// within says whether a version is of what the Grant opens.
func within(g grant.Grant, v *store.Version) bool {
	switch g.Kind() {
	case seal.System, seal.Operate:
		return true
	case seal.Item:
		return v.Subject == store.Shared
	case seal.Record:
		for _, k := range g.Citizen().Subjects {
			if k.Subject == v.Subject {
				return true
			}
		}
	}
	return false
}

// Search finds items across what a Grant for searching opens.
func (rs *Records) Search(ctx context.Context, g grant.Grant, q store.Query) ([]store.Found, error) {
	switch g.Kind() {
	case seal.Search, seal.System, seal.Item:
		return rs.Store.Search(ctx, q, g.Predicate())
	}
	return nil, fault.E("record.Search", fault.Security, "the Grant is not for searching")
}

// Ranged finds by ordered values what a source system wrote or what is of no
// person: how many they are, or the latest of them.
func (rs *Records) Ranged(ctx context.Context, g grant.Grant, q store.Range) (store.Ranged, error) {
	switch g.Kind() {
	case seal.System, seal.Item:
		return rs.Store.Ranged(ctx, q, g.Predicate())
	}
	return store.Ranged{}, fault.E("record.Ranged", fault.Security, "the Grant is not for searching")
}

// Items gives what Ranged found.
func (rs *Records) Items(ctx context.Context, g grant.Grant, items []store.ItemID, n uint64) ([]*store.Version, error) {
	switch g.Kind() {
	case seal.System, seal.Item:
		return rs.Store.Items(ctx, items, n, g.Predicate())
	}
	return nil, fault.E("record.Items", fault.Security, "the Grant is not for searching")
}

// Changes gives what the log tells a source system of its own writes.
func (rs *Records) Changes(ctx context.Context, g grant.Grant, l store.Log) ([]*store.Version, uint64, error) {
	if g.Kind() != seal.System {
		return nil, 0, fault.E("record.Changes", fault.Security, "the Grant is not a source system's")
	}
	return rs.Store.Changes(ctx, l, g.Predicate())
}

// N is the number of the last commit.
func (rs *Records) N(ctx context.Context) (uint64, error) { return rs.Store.N(ctx) }

// All gives what answers a query, of what a source system wrote or of what is
// of no person. last is the item from which the next query goes on; 0 where
// there is no more.
func (rs *Records) All(ctx context.Context, g grant.Grant, q store.Query) (versions []*store.Version, last store.ItemID, err error) {
	q.Bodies = true
	found, err := rs.Search(ctx, g, q)
	if err != nil {
		return nil, 0, err
	}
	out := make([]*store.Version, 0, len(found))
	for _, f := range found {
		if f.Version != nil && !f.Version.Deleted {
			out = append(out, f.Version)
		}
	}
	if len(found) == q.Limit && len(found) > 0 {
		last = found[len(found)-1].Item
	}
	return out, last, nil
}

// ReadAt is Read as at n, of what a source system wrote or of what is of no person.
func (rs *Records) ReadAt(ctx context.Context, g grant.Grant, typ, id string, n uint64) (*store.Version, error) {
	v, err := rs.Store.Read(ctx, typ, id, n, g.Predicate())
	if err == nil && (g.Kind() == seal.Record || !within(g, v)) {
		err = fault.E("record.ReadAt", fault.NotFound, "there is no such resource")
	}
	return v, err
}

// Around gives what a source system wrote in the record that a resource
// belongs to, as at n. A record that is in seen already gives nothing.
func (rs *Records) Around(ctx context.Context, g grant.Grant, typ, id string, n uint64, seen map[store.Subject]bool, types ...string) ([]*store.Version, store.Subject, error) {
	if g.Kind() != seal.System {
		return nil, 0, fault.E("record.Around", fault.Security, "the Grant is not a source system's")
	}
	list, subject, err := rs.Store.Enclosing(ctx, typ, id, n, g.Predicate(), types...)
	if err != nil || seen[subject] {
		return nil, subject, err
	}
	seen[subject] = true
	return list, subject, nil
}

// DirectoryVersion is Directory with what is stored beside the resource.
func (rs *Records) DirectoryVersion(ctx context.Context, g grant.Grant, typ, id string) (*store.Version, error) {
	if g.Kind() == seal.None {
		return nil, fault.E("record.Directory", fault.Security, "there is no Grant")
	}
	if !g.Predicate().ShowsType(typ) {
		return nil, fault.E("record.Directory", fault.NotFound, "there is no such resource")
	}
	return rs.Store.Shared(ctx, typ, id)
}

// Find gives the citizens whose Patients have a token of every group: each
// once, with their demographics, under a Grant for searching.
func (rs *Records) Find(ctx context.Context, g grant.Grant, index mpi.Index, groups [][]string, limit int) ([]*View, error) {
	return rs.FindAt(ctx, g, index, groups, store.Latest, limit)
}

// FindAt is Find as at n, for the next page of a search that began then.
func (rs *Records) FindAt(ctx context.Context, g grant.Grant, index mpi.Index, groups [][]string, n uint64, limit int) ([]*View, error) {
	found, err := rs.Search(ctx, g, store.Query{Type: "Patient", Groups: groups, N: n, Limit: limit})
	if err != nil {
		return nil, err
	}
	var out []*View
	seen := map[string]bool{}
	for _, f := range found {
		id, err := index.CitizenID(ctx, f.Subject)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		c, err := index.Citizen(ctx, id, n)
		if fault.Is(err, fault.NotFound) {
			continue // not there yet
		}
		if err != nil {
			return nil, err
		}
		v, err := rs.viewAt(ctx, g, c, n, "Patient")
		if err != nil {
			return nil, err
		}
		if len(v.Items) > 0 && !(v.Person.Restricted && byPlace(groups)) {
			out = append(out, v)
		}
	}
	return out, nil
}

// byPlace says whether a search names a postcode (ingest/classify's token). By
// one nobody is found whose address is withheld: that they are would tell it.
func byPlace(groups [][]string) bool {
	return slices.ContainsFunc(groups, func(g []string) bool {
		return slices.ContainsFunc(g, func(t string) bool { return strings.HasPrefix(t, "post:") })
	})
}

// OfMessage gives what a message made, as far as the View's Grant shows it,
// of the same citizen.
func (rs *Records) OfMessage(ctx context.Context, v *View, m store.MessageID) ([]*store.Version, error) {
	all, err := rs.Store.OfMessage(ctx, m, v.Grant.Predicate())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(x *store.Version) bool { return !within(v.Grant, x) }), nil
}

// Demographics gives who a citizen is, and no more, under a Grant for searching.
func (rs *Records) Demographics(ctx context.Context, g grant.Grant, index mpi.Index, citizen string) (*View, error) {
	const op = "record.Demographics"
	if g.Kind() != seal.Search {
		return nil, fault.E(op, fault.Security, "the Grant is not for searching")
	}
	c, err := index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return nil, fault.E(op, err)
	}
	v, err := rs.view(ctx, g, c, "Patient")
	if err != nil {
		return nil, fault.E(op, err)
	}
	return v, nil
}
