package region

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"selda/access"
	"selda/audit"
	"selda/bulk"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/rights/register"
	"selda/store"
)

// This file carries out a disposal that was approved (G18): the record in every version, the
// index, the raw messages, what waits to be told, exports and copies, and then the bytes. What
// is to be destroyed is noted first, so that one that was broken off is gone on with, and a
// backup of before is held against it when it is restored.

func (r *Region) disposals() register.Register { return register.Register{Documents: r.documents} }

func (r *Region) retention() (access.Retention, error) {
	g := r.disposals()
	_, schedule, err := g.Schedule()
	if err != nil {
		return access.Retention{}, err
	}
	holds, err := g.Holds()
	return access.Retention{Schedule: schedule, Holds: holds}, err
}

// Schedule is the retention schedule in force, as its file.
func (r *Region) Schedule() ([]byte, error) {
	b, _, err := r.disposals().Schedule()
	return b, err
}

// PutSchedule puts a retention schedule in force.
func (r *Region) PutSchedule(ctx context.Context, s policy.Subject, file []byte) error {
	if _, err := r.Access.Operate(ctx, s, audit.Administer, "retention schedule"); err != nil {
		return err
	}
	return r.disposals().PutSchedule(file)
}

// Due is what has been kept long enough of an organisation in a class: nothing is changed.
func (r *Region) Due(ctx context.Context, s policy.Subject, o nhs.ODS, class string) (rights.List, error) {
	with, err := r.retention()
	if err != nil {
		return rights.List{}, err
	}
	return r.Access.Due(ctx, s, o, class, with)
}

// Propose opens the case of a disposal of what is due now.
func (r *Region) Propose(ctx context.Context, s policy.Subject, o nhs.ODS, class string) (rights.Case, rights.List, error) {
	list, err := r.Due(ctx, s, o, class)
	if err != nil {
		return rights.Case{}, list, err
	}
	c, err := r.Access.Propose(ctx, s, list)
	return c, list, err
}

// Dispose carries out what was approved, and gives the statement of it with the number of
// its entry in the trail.
func (r *Region) Dispose(ctx context.Context, s policy.Subject, id string) (file []byte, seq uint64, err error) {
	const op = "region.Dispose"
	with, err := r.retention()
	if err != nil {
		return nil, 0, err
	}
	c, list, err := r.Access.Disposal(ctx, s, id, with)
	if err != nil {
		return nil, 0, err
	}
	if err := r.disposals().AddDisposed(noted(c.ID, r.Now(), &list)); err != nil {
		return nil, 0, fault.E(op, err)
	}
	done, err := r.destroy(ctx, store.Disposal{Items: refs(&list), Subjects: subjects(&list), Case: c.ID, Returns: list.Class != rights.RemovalClass}, func() error { return r.noteBars(c.ID) })
	if err != nil {
		return nil, 0, fault.E(op, err)
	}
	for _, p := range list.People {
		if err := r.withdrawCopies(ctx, &p); err != nil {
			return nil, 0, fault.E(op, err)
		}
	}
	copies, left, err := r.copyAgain(ctx, s)
	if err != nil {
		return nil, 0, fault.E(op, err)
	}
	approved, _ := c.Approval()
	statement := rights.Statement{Statement: rights.StatementKind, Case: c.ID, At: r.Now(), Class: list.Class, Rule: list.Rule, Order: list.Order, Of: list.Organisation, People: len(list.People), Items: list.Kinds(),
		Versions: done.Versions, Messages: len(done.Messages), Proposed: c.Asked.Who, Approved: approved, CarriedBy: rights.Who{User: s.User, Name: s.Name, Role: s.Role}, List: list.Hash(), Places: rights.Places,
		Left: done.Left, Copies: copies, CopiesLeft: left}
	for _, p := range list.People {
		if p.Whole {
			statement.Whole++
		}
	}
	file, hash, err := statement.Encode()
	if err != nil {
		return nil, 0, fault.E(op, err)
	}
	e := audit.From(s, audit.Delete, "disposal sha256:"+hash)
	e.Reason, e.Rules = fmt.Sprintf("%s; proposed by %s, approved by %s", list.Words(), c.Asked.Who.Name, approved.Name), []string{"G18 disposal"}
	if seq, err = r.Trail.Append(ctx, e); err != nil {
		return nil, 0, fault.E(op, err)
	}
	return file, seq, r.Access.FinishDisposal(ctx, s, c, file)
}

// noted is what is about to be destroyed.
func noted(id string, at time.Time, list *rights.List) register.Disposed {
	d := register.Disposed{Case: id, At: at, Subjects: subjects(list)}
	for _, x := range refs(list) {
		d.Items = append(d.Items, x.Type+"/"+x.ID)
	}
	return d
}

func refs(list *rights.List) (out []store.ItemRef) {
	for _, p := range list.People {
		for _, i := range p.Items {
			out = append(out, store.ItemRef{Type: i.Type, ID: i.ID, Version: i.Version})
		}
	}
	return out
}

func subjects(list *rights.List) (out []store.Subject) {
	for _, p := range list.People {
		if p.Whole {
			out = append(out, store.Subject(p.Subject))
		}
	}
	return out
}

// destroy takes items away wherever they are, and bars them. Done again it does what is left
// to do.
func (r *Region) destroy(ctx context.Context, what store.Disposal, bar func() error) (store.Disposed, error) {
	const op = "region.destroy"
	what.At = r.Now()
	people, err := r.seek(ctx, &what)
	if err != nil {
		return store.Disposed{}, err
	}
	left := 0
	if what.Messages, left, err = r.mentions(ctx, people); err != nil {
		return store.Disposed{}, err
	}
	done, err := r.Store.Dispose(ctx, what)
	done.Left = left
	if err == nil {
		err = bar()
	}
	if err != nil {
		return done, err
	}
	if done.Changed > 0 {
		return done, fault.E(op, fault.Conflict, "something has changed while it was destroyed: propose what is left again")
	}
	if err := r.Ingest.Destroy(ctx, done.Messages...); err != nil {
		return done, err
	}
	if _, err := r.searches.reindex(ctx); err != nil {
		return done, err
	}
	if err := r.forgetExports(); err != nil {
		return done, err
	}
	return done, r.Store.Scrub(ctx)
}

// forgetExports takes away exports: they are copies of what was there before.
func (r *Region) forgetExports() error {
	for _, ended := range []bool{true, false} {
		list, err := r.jobs.List(ended)
		if err != nil {
			return err
		}
		for _, j := range list {
			if err := r.jobs.Remove(j.ID); err != nil && !errors.Is(err, bulk.ErrUnknown) {
				return err
			}
		}
	}
	return nil
}

// withdrawCopies takes away what was given out to somebody, which holds what is destroyed,
// and what their cases call it; that it was given out stays in the case, with its hash.
func (r *Region) withdrawCopies(ctx context.Context, p *rights.OfPerson) error {
	list, err := r.Store.Cases(ctx, access.CaseQuery{Citizens: []string{p.Citizen}})
	if err != nil {
		return err
	}
	for _, c := range list {
		for _, f := range c.Files {
			if err := r.Store.SaveFile(ctx, c.ID, f.Name, []byte{}); err != nil {
				return err
			}
		}
		if c.Asked.Title != "" && slices.ContainsFunc(p.Items, func(i rights.Listed) bool { return i.ID == c.Asked.Item.ID && i.Type == c.Asked.Item.Type }) {
			c.Asked.Title = ""
			if _, err := r.Store.SaveCase(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Disposed are the lists of what was destroyed, for who keeps backups: with them a backup of
// before is restored.
func (r *Region) Disposed(ctx context.Context, s policy.Subject) ([]register.Disposed, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Export, "what was destroyed"); err != nil {
		return nil, err
	}
	return r.disposals().Disposed()
}

// DisposeAgain destroys what was destroyed after the backup was taken that this region was
// restored from. What the backup does not have is passed over.
func (r *Region) DisposeAgain(ctx context.Context, s policy.Subject, lists []register.Disposed) (items int, err error) {
	if _, err := r.Access.Operate(ctx, s, audit.Delete, "what was destroyed since the backup"); err != nil {
		return 0, err
	}
	var all []store.ItemRef
	var whole []store.Subject
	var bars []store.Bar
	for _, d := range lists {
		bars = append(bars, d.Bars...)
		if err := r.disposals().AddDisposed(d); err != nil {
			return 0, err
		}
		all = append(all, d.Refs()...)
		for _, k := range d.Subjects { // all that the backup has of them, whatever was left of it later
			left, err := r.Store.Leaves(ctx, k)
			if err != nil {
				return 0, err
			}
			for _, l := range left {
				all = append(all, store.ItemRef{Type: l.Type, ID: l.ID})
			}
			whole = append(whole, k)
		}
	}
	done, err := r.destroy(ctx, store.Disposal{Items: all, Subjects: whole}, func() error { return r.barAgain(ctx, bars) })
	return done.Items, err
}

// keptFor says how long what an organisation wrote is kept, in sentences for the person.
func (r *Region) keptFor(o nhs.ODS) (out []string) {
	_, schedule, err := r.disposals().Schedule()
	if err != nil {
		return nil
	}
	for i := range schedule.Rules {
		if x := &schedule.Rules[i]; x.Speaks(o) {
			out = append(out, x.Words()+".")
		}
	}
	return out
}
