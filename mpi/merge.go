package mpi

import (
	"fmt"
	"slices"
	"time"

	"selda/fault"
	"selda/store"
)

// join moves all subjects of other to keep, for which with stands.
func join(l Ledger, e Event, keep, other store.Citizen, with store.Subject) error {
	if keep == other {
		return nil
	}
	all, err := l.SubjectsOf(other)
	if err != nil {
		return err
	}
	for _, s := range all {
		e.Moves = append(e.Moves, Move{s, other, keep, with})
	}
	_, err = l.Record(e)
	return err
}

// Merge makes the citizens of two subjects one, on a source's word.
func Merge(l Ledger, keep, other store.Subject, kind, rule, reason string, at time.Time, m store.MessageID) error {
	a, err := l.CitizenOf(keep)
	if err != nil {
		return err
	}
	b, err := l.CitizenOf(other)
	if err != nil || a == b {
		return err
	}
	return join(l, Event{At: at, Kind: kind, Rule: rule, Reason: reason, Message: m}, a, b, keep)
}

// Unlink parts two subjects of one citizen, on a source's word (A37). Where one
// event had joined them, everything that it moved goes back to where it was:
// what other sources say of either goes with them. Else only other leaves.
func Unlink(l Ledger, keep, other store.Subject, rule string, at time.Time, m store.MessageID) error {
	a, err := l.CitizenOf(keep)
	if err != nil {
		return err
	}
	b, err := l.CitizenOf(other)
	if err != nil || a != b {
		return err
	}
	why := Event{At: at, Kind: "unlink", Rule: rule, Message: m, Reason: "the source says that these are two people"}
	for _, s := range []store.Subject{other, keep} {
		e, err := l.LastEvent(s)
		if err != nil {
			return err
		}
		if e.Undone || e.Kind != "link" && e.Kind != "merge" && e.Kind != "auto" || e.moves(keep) == e.moves(other) {
			continue
		}
		later, err := joinedSince(l, e)
		if err != nil {
			return err
		}
		for _, s := range later { // whoever was joined to one who leaves leaves, too
			why.Moves = append(why.Moves, Move{Subject: s, From: a, To: e.Moves[0].From})
		}
		if err := revert(l, e, why); !fault.Is(err, fault.Conflict) {
			return err
		}
		why.Moves = nil
	}
	fresh, err := l.NewCitizen(0)
	if err != nil {
		return err
	}
	why.Moves = []Move{{Subject: other, From: a, To: fresh}}
	if _, err := l.Record(why); err != nil {
		return err
	}
	return l.KeepApart(a, fresh, false)
}

// moves says whether the event moved a subject.
func (e Event) moves(s store.Subject) bool {
	return slices.ContainsFunc(e.Moves, func(m Move) bool { return m.Subject == s })
}

// Undo takes an event back exactly: every subject that it moved goes back to
// the citizen it came from. It is a Conflict where one has moved on since.
// The two citizens are kept apart from then on: no number links them alone.
func Undo(l Ledger, id int64, at time.Time) error {
	const op = "mpi.Undo"
	e, err := l.Event(id)
	if err != nil {
		return err
	}
	if e.Undone {
		return fault.E(op, fault.Conflict, "it was undone already")
	}
	if e.Kind == "undo" || e.Kind == "sever" {
		return fault.E(op, fault.Conflict, "an undo or a severance is not undone here")
	}
	later, err := joinedSince(l, e)
	if err != nil {
		return err
	}
	if len(later) > 0 {
		last, err := l.LastEvent(later[len(later)-1])
		if err != nil {
			return err
		}
		return fault.E(op, fault.Conflict, fmt.Sprintf("another identity has been joined to what it moved since: undo link %d first", last.ID))
	}
	return revert(l, e, Event{At: at, Kind: "undo", Rule: e.Rule, Reason: fmt.Sprintf("undo of link %d", id)})
}

// joinedSince are the subjects that were joined, after an event, to one that it
// moved, or to one of those: they are the same person as it, not as the one
// that it was moved to.
func joinedSince(l Ledger, e Event) ([]store.Subject, error) {
	if len(e.Moves) == 0 || e.Kind == "unlink" {
		return nil, nil
	}
	all, err := l.SubjectsOf(e.Moves[0].To)
	if err != nil {
		return nil, err
	}
	with := map[store.Subject]store.Subject{} // of those that came later
	for _, s := range all {
		last, err := l.LastEvent(s)
		if err != nil {
			return nil, err
		}
		if last.ID <= e.ID || last.Undone {
			continue
		}
		for _, m := range last.Moves {
			if m.Subject == s && m.With != 0 {
				with[s] = m.With
			}
		}
	}
	gone := map[store.Subject]bool{}
	for _, m := range e.Moves {
		gone[m.Subject] = true
	}
	var out []store.Subject
	for more := true; more; {
		more = false
		for _, s := range all {
			if w, ok := with[s]; ok && gone[w] && !gone[s] {
				gone[s], more = true, true
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// revert moves back what an event moved, and says why.
func revert(l Ledger, e, why Event) error {
	for _, m := range e.Moves {
		now, err := l.CitizenOf(m.Subject)
		if err != nil {
			return err
		}
		if now != m.To {
			return fault.E("mpi.revert", fault.Conflict, fmt.Sprintf("subject %d has been linked again since: undo that first", m.Subject))
		}
		why.Moves = append(why.Moves, Move{Subject: m.Subject, From: m.To, To: m.From})
	}
	if _, err := l.Record(why); err != nil {
		return err
	}
	if e.Kind != "unlink" {
		for _, m := range e.Moves {
			if err := l.KeepApart(m.From, m.To, false); err != nil {
				return err
			}
		}
	}
	return l.SetUndone(e.ID)
}

// Sever takes a subject into a citizen of its own that is never matched,
// suggested or shown with the old one (G14).
func Sever(l Ledger, s store.Subject, at time.Time) (store.Citizen, error) {
	old, err := l.CitizenOf(s)
	if err != nil {
		return 0, err
	}
	fresh, err := l.NewCitizen(0)
	if err != nil {
		return 0, err
	}
	if _, err := l.Record(Event{At: at, Kind: "sever", Rule: "G14", Reason: "severed", Moves: []Move{{Subject: s, From: old, To: fresh}}}); err != nil {
		return 0, err
	}
	return fresh, l.KeepApart(old, fresh, true)
}
