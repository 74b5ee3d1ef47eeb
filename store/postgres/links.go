package postgres

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

var _ mpi.Ledger = (*Tx)(nil)

// Identified is mpi.Identities'.
func (tx *Tx) Identified(system, value string) ([]mpi.Known, error) {
	id := identity{clean(system), clean(value)}
	if list, ok := tx.known.identified[id]; ok {
		return slices.Clone(list), nil
	}
	var out []mpi.Known
	err := tx.ask(func(r pgx.Rows) error { return tx.db.addKnown(tx.ctx, r, &out) }, sqlIdentified, id.system, id.value)
	if err == nil {
		tx.known.identified[id] = slices.Clone(out)
	}
	return out, err
}

// SetIdentities is mpi.Identities'. Numbers of the source's own stay when a
// message leaves them out; an NHS number is replaced by another one.
func (tx *Tx) SetIdentities(subject store.Subject, source nhs.Source, ids []mpi.Identifier) (dropped []mpi.Identifier, err error) {
	src, err := tx.Source(source)
	if err != nil {
		return nil, err
	}
	have, err := tx.identitiesOf(subject)
	if err != nil {
		return nil, err
	}
	numbered := false
	want := map[identity]bool{}
	for _, id := range ids {
		want[identity{clean(id.System), clean(id.Value)}] = id.Verified
		numbered = numbered || id.System == nhs.NumberSystem
	}
	me := mpi.Known{Subject: subject, Source: source}
	for id, verified := range want {
		was, ok := have[id]
		if ok && was == verified {
			continue
		}
		tx.do(`INSERT INTO identity(system, value, source, subject, verified, n) VALUES($1, $2, $3, $4, $5, $6)
			ON CONFLICT(value, system, source, subject) DO UPDATE SET verified=excluded.verified, n=excluded.n`, id.system, id.value, src, int64(subject), verified, int64(tx.n))
		have[id] = verified
		if list, known := tx.known.identified[id]; known && !slices.Contains(list, me) {
			tx.known.identified[id] = bySubject(append(list, me))
		}
	}
	for id := range have {
		if _, keep := want[id]; keep || !numbered || id.system != nhs.NumberSystem {
			continue
		}
		tx.do(`DELETE FROM identity WHERE system=$1 AND value=$2 AND source=$3 AND subject=$4`, id.system, id.value, src, int64(subject))
		delete(have, id)
		if list, known := tx.known.identified[id]; known {
			tx.known.identified[id] = slices.DeleteFunc(list, func(k mpi.Known) bool { return k == me })
		}
		dropped = append(dropped, mpi.Identifier{System: id.system, Value: id.value})
	}
	return dropped, nil
}

func bySubject(list []mpi.Known) []mpi.Known {
	slices.SortFunc(list, func(a, b mpi.Known) int { return int(a.Subject - b.Subject) })
	return list
}

// identitiesOf is what a subject goes by, and whether each is verified.
func (tx *Tx) identitiesOf(s store.Subject) (map[identity]bool, error) {
	if have, ok := tx.known.identities[s]; ok {
		return have, nil
	}
	have := map[identity]bool{}
	err := tx.ask(func(r pgx.Rows) error {
		var id identity
		var verified bool
		err := r.Scan(&id.system, &id.value, &verified)
		have[id] = verified
		return err
	}, `SELECT system, value, verified FROM identity WHERE subject=$1`, int64(s))
	if err == nil {
		tx.known.identities[s] = have
	}
	return have, err
}

// Demographics is mpi.Identities': those of the subject's own Patient.
func (tx *Tx) Demographics(subject store.Subject) (d mpi.Demographics, err error) {
	if _, written := tx.touched[subject]; written {
		tx.flush()
	}
	err = tx.ask(func(r pgx.Rows) error {
		var blob []byte
		if err := r.Scan(&blob); err != nil {
			return err
		}
		body, _, err := tx.db.codec.Unpack(blob)
		if err != nil || len(body) == 0 {
			return err
		}
		p, err := fhir.ParseTrusted(body)
		if err == nil {
			d = mpi.FromPatient(p.Root())
		}
		return err
	}, `SELECT body FROM resource WHERE subject=$1 AND type=$2 ORDER BY item, version DESC LIMIT 1`, int64(subject), int16(fhir.TypeNumber("Patient")))
	return d, err
}

// CitizenOf is mpi.Links'.
func (tx *Tx) CitizenOf(s store.Subject) (c store.Citizen, err error) {
	if c, ok := tx.known.citizens[s]; ok {
		return c, nil
	}
	err = tx.ask(func(r pgx.Rows) error { return r.Scan(&c) }, sqlCitizenOf, int64(s))
	if err == nil && c == 0 {
		err = errUnknown
	}
	if err == nil {
		tx.known.citizens[s] = c
	}
	return c, err
}

// CitizenNumber is ingest.Tx's.
func (tx *Tx) CitizenNumber(id string) (store.Citizen, bool) {
	n, ok := tx.db.ids.Decode(adapter.Citizen, id)
	return store.Citizen(n), ok
}

// SubjectsOf is mpi.Links'.
func (tx *Tx) SubjectsOf(c store.Citizen) ([]store.Subject, error) {
	if list, ok := tx.known.subjects[c]; ok {
		return slices.Clone(list), nil
	}
	var out []store.Subject
	err := tx.ask(func(r pgx.Rows) error {
		var s store.Subject
		err := r.Scan(&s)
		out = append(out, s)
		return err
	}, `SELECT subject FROM link WHERE citizen=$1 AND to_n IS NULL ORDER BY subject`, int64(c))
	if err == nil {
		tx.known.subjects[c] = slices.Clone(out)
	}
	return out, err
}

// NewCitizen is mpi.Links'. With a subject, it is that subject's from now on.
func (tx *Tx) NewCitizen(subject store.Subject) (store.Citizen, error) {
	tx.head.citizen++
	c := store.Citizen(tx.head.citizen)
	tx.known.subjects[c] = nil
	if subject != 0 {
		tx.link(subject, c, 0)
	}
	return c, nil
}

func (tx *Tx) link(subject store.Subject, c store.Citizen, event int64) {
	if _, made := tx.known.made[subject]; !made || tx.known.citizens[subject] != 0 {
		tx.do(`UPDATE link SET to_n=$1 WHERE subject=$2 AND to_n IS NULL AND from_n<>$1`, int64(tx.n), int64(subject))
	}
	tx.do(`INSERT INTO link(subject, from_n, citizen, event) VALUES($1, $2, $3, $4)
		ON CONFLICT(subject, from_n) DO UPDATE SET to_n=NULL, citizen=excluded.citizen, event=excluded.event`, int64(subject), int64(tx.n), int64(c), event)
	for other, list := range tx.known.subjects {
		if i := slices.Index(list, subject); i >= 0 && other != c {
			tx.known.subjects[other] = slices.Delete(list, i, i+1)
		}
	}
	if list, ok := tx.known.subjects[c]; ok && !slices.Contains(list, subject) {
		list = append(list, subject)
		slices.Sort(list)
		tx.known.subjects[c] = list
	}
	tx.known.citizens[subject] = c
}

// Record is mpi.Links'.
func (tx *Tx) Record(e mpi.Event) (int64, error) {
	if tx.n == 0 {
		return 0, fault.E("store.Record", "a change of links outside a commit")
	}
	moves, err := json.Marshal(e.Moves)
	if err != nil {
		return 0, err
	}
	tx.head.event++
	id := tx.head.event
	tx.do(`INSERT INTO link_event(id, n, at, kind, rule, reason, message, moves) VALUES($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, int64(tx.n), e.At.UnixMilli(), e.Kind, clean(e.Rule), clean(e.Reason), int64(e.Message), string(moves))
	for _, m := range e.Moves {
		tx.link(m.Subject, m.To, id)
	}
	return id, nil
}

const eventColumns = `id, n, at, kind, rule, reason, message, moves, undone IS NOT NULL`

func scanEvent(r pgx.Rows) (e mpi.Event, err error) {
	var n, at, message int64
	var moves string
	if err := r.Scan(&e.ID, &n, &at, &e.Kind, &e.Rule, &e.Reason, &message, &moves, &e.Undone); err != nil {
		return e, err
	}
	e.N, e.At, e.Message = uint64(n), time.UnixMilli(at).UTC(), store.MessageID(message)
	return e, json.Unmarshal([]byte(moves), &e.Moves)
}

// Event is mpi.Links'.
func (tx *Tx) Event(id int64) (e mpi.Event, err error) {
	err = tx.ask(func(r pgx.Rows) (err error) { e, err = scanEvent(r); return err }, `SELECT `+eventColumns+` FROM link_event WHERE id=$1`, id)
	if err == nil && e.ID == 0 {
		err = fault.E("store.Event", fault.NotFound, "there is no link with this id")
	}
	return e, err
}

// LastEvent is mpi.Links'.
func (tx *Tx) LastEvent(subject store.Subject) (mpi.Event, error) {
	var id int64
	err := tx.ask(func(r pgx.Rows) error { return r.Scan(&id) }, `SELECT event FROM link WHERE subject=$1 AND to_n IS NULL`, int64(subject))
	if err != nil || id == 0 {
		return mpi.Event{}, err
	}
	return tx.Event(id)
}

// SetUndone is mpi.Links'.
func (tx *Tx) SetUndone(id int64) error {
	tx.do(`UPDATE link_event SET undone=$1 WHERE id=$2`, int64(tx.n), id)
	return nil
}

// Apart is mpi.Links'. A citizen that was merged away takes what it is kept
// apart from with it.
func (tx *Tx) Apart(a, b store.Citizen) (apart bool, err error) {
	if a == b {
		return false, nil
	}
	err = tx.ask(func(r pgx.Rows) error { return r.Scan(&apart) }, sqlApart, int64(a), int64(b), int64(1)<<62)
	return apart, err
}

// KeepApart is mpi.Links'.
func (tx *Tx) KeepApart(a, b store.Citizen, severed bool) error {
	n := int64(tx.n)
	if severed {
		n = -n // a severance is marked by its sign
	}
	tx.do(`INSERT INTO severed(a, b, n) VALUES($1, $2, $3) ON CONFLICT DO NOTHING`, int64(min(a, b)), int64(max(a, b)), n)
	return nil
}

// AddReview is mpi.Links'. The same pair under the same rule stands once.
func (tx *Tx) AddReview(r mpi.Review) error {
	tx.head.review++
	tx.do(`INSERT INTO review(id, n, at, subject, other, rule, reason, state) VALUES($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		tx.head.review, int64(tx.n), r.At.UnixMilli(), int64(r.Subject), int64(r.Other), clean(r.Rule), clean(r.Reason), r.State)
	return nil
}
