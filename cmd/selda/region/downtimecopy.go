package region

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/fault"
	"selda/ingest"
	"selda/ingest/classify"
	"selda/internal/document"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/sqlite"
)

// The downtime copy (G21) is a small data folder of its own: of every citizen who
// they are, allergies, medicines, alerts and plans, and what decides who may see
// them. `selda downtime serve` opens it where the region can't be used; what is
// looked at there is in the copy's own trail, and comes into the region's afterwards.

// shownInDowntime are the data sets that the copy shows.
var shownInDowntime = policy.SetOf(policy.Demographics, policy.Allergies, policy.Medications, policy.Alerts, policy.Plans, policy.Directory)

// decidingTypes are in the copy for decisions alone: nobody is shown them.
var decidingTypes = []string{"Encounter", "EpisodeOfCare", "Appointment", "ServiceRequest", "CareTeam", "Consent", "Basic"}

// sharedTypes are of no person: organisations, and who works there.
var sharedTypes = []string{"Organization", "Practitioner", "PractitionerRole", "Location"}

// downtimeMark says of a folder that it is a copy.
const downtimeMark = "downtime.json"

// Downtime says what a copy is of.
type Downtime struct {
	ID       string    `json:"id"`
	Made     time.Time `json:"made"`
	N        uint64    `json:"n"` // as at
	Citizens int       `json:"citizens"`
	Items    int       `json:"items"`
	// Included is the number of the last entry of its trail that the region's has.
	Included uint64 `json:"included"`
}

// ReadDowntime reads what a folder is a copy of.
func ReadDowntime(dir string) (Downtime, error) {
	var d Downtime
	b, _, err := document.Folder(dir).Load(downtimeMark)
	if err == nil && b == nil {
		err = fault.E("region.ReadDowntime", fault.NotFound, "this is no downtime copy: `selda downtime copy DIR` makes one")
	}
	if err != nil {
		return d, err
	}
	if json.Unmarshal(b, &d) != nil {
		return d, fault.E("region.ReadDowntime", fault.Invalid, "the copy's downtime.json does not hold: make the copy again")
	}
	return d, nil
}

// CopyForDowntime makes the copy in a folder, in place of the one that is there. One whose
// trail has entries that are not included yet is not replaced.
func (r *Region) CopyForDowntime(ctx context.Context, s policy.Subject, dir string) (Downtime, error) {
	const op = "region.CopyForDowntime"
	if _, err := r.Access.Operate(ctx, s, audit.Export, "downtime copy"); err != nil {
		return Downtime{}, err
	}
	r.copying.Lock() // whoever has destroyed something waits for a copy that is being made, and makes it again
	defer r.copying.Unlock()
	if err := mayReplace(dir); err != nil {
		return Downtime{}, fault.E(op, err)
	}
	n, err := r.Store.N(ctx)
	if err != nil {
		return Downtime{}, err
	}
	made := filepath.Clean(dir) + ".new"
	if err := os.RemoveAll(made); err != nil {
		return Downtime{}, fault.E(op, fault.NoStore, err)
	}
	c := &copying{r: r, d: Downtime{ID: r.Now().UTC().Format("20060102T150405"), Made: r.Now().UTC(), N: n}}
	if err := c.fill(ctx, made); err != nil {
		return c.d, errors.Join(fault.E(op, err), os.RemoveAll(made))
	}
	old := filepath.Clean(dir) + ".old"
	err = os.RemoveAll(old)
	if _, there := os.Stat(dir); err == nil && there == nil {
		err = os.Rename(dir, old)
	}
	if err == nil {
		err = os.Rename(made, dir)
	}
	if err != nil {
		return c.d, fault.E(op, fault.NoStore, err)
	}
	return c.d, errors.Join(os.RemoveAll(old), r.keepsCopy(dir, c.d))
}

// mayReplace says whether a folder is one that a copy may take the place of.
func mayReplace(dir string) error {
	const op = "region.mayReplace"
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	d, err := ReadDowntime(dir)
	if err != nil {
		return fault.E(op, fault.Conflict, "the folder holds something that is no downtime copy: name another")
	}
	if _, err := os.Stat(filepath.Join(dir, "audit")); err != nil {
		return nil // nobody has looked at anything
	}
	docs, _, err := sealedFolder(dir, false)
	if err != nil {
		return err
	}
	report, err := audit.Verify(dir, docs)
	if err == nil && report.Entries > d.Included {
		err = fault.E(op, fault.Conflict, "the copy was used, and what was looked at is not in the region's trail yet: `selda downtime include DIR` first")
	}
	return err
}

// copying makes a copy.
type copying struct {
	r   *Region
	to  *sqlite.DB
	d   Downtime
	now time.Time
}

// citizensAtOnce are written in one transaction.
const citizensAtOnce = 200

func (c *copying) fill(ctx context.Context, dir string) (err error) {
	docs, k, err := sealedFolder(dir, true)
	if err != nil {
		return err
	}
	if c.to, err = sqlite.Open(dir, sqlite.Options{Keys: k.ring}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.to.Close()) }()
	c.now = c.r.Now()
	if err := c.shared(ctx); err != nil {
		return err
	}
	var waiting []*person
	flush := func() error {
		err := c.write(ctx, waiting)
		waiting = waiting[:0]
		return err
	}
	for w := (store.Walk{N: store.Latest, Types: []string{"Patient"}, Limit: 5000}); ; {
		versions, next, more, err := c.r.Store.Walk(ctx, w, everything)
		if err != nil {
			return err
		}
		for _, v := range versions {
			p, err := c.person(ctx, v.Subject)
			if err != nil {
				return err
			}
			if p != nil {
				if waiting = append(waiting, p); len(waiting) == citizensAtOnce {
					if err := flush(); err != nil {
						return err
					}
				}
			}
		}
		if !more {
			break
		}
		w.After = next
	}
	if err := flush(); err != nil {
		return err
	}
	if err := c.documents(docs); err != nil {
		return err
	}
	if err := c.accounts(auth.OpenAccounts(restingAccounts{c.to, k.ring, c.to.Secret("accounts")}, false)); err != nil {
		return err
	}
	return saveJSON(document.Folder(dir), downtimeMark, c.d)
}

// person is one citizen with what the copy has of each subject.
type person struct {
	found  mpi.Found
	of     [][]*store.Version // of each subject
	claims []policy.Claim
}

// person is the citizen of a subject, where that is the first of theirs.
func (c *copying) person(ctx context.Context, s store.Subject) (*person, error) {
	if s == store.Shared {
		return nil, nil
	}
	found, err := c.r.Store.Citizens(ctx, []store.Subject{s})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	p := &person{found: found[0]}
	for _, k := range p.found.Subjects {
		if k.Subject < s {
			return nil, nil // taken with that one
		}
	}
	types := slices.Concat(decidingTypes, []string{"Patient", "RelatedPerson", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "MedicationDispense", "Flag", "CarePlan", "DetectedIssue", "DocumentReference", "Observation"})
	var subjects []store.Subject
	for _, k := range p.found.Subjects {
		versions, err := c.r.Store.Compartment(ctx, k.Subject, store.Latest, everything, types...)
		if err != nil {
			return nil, err
		}
		p.of = append(p.of, slices.DeleteFunc(slices.Clone(versions), func(v *store.Version) bool { return !c.takes(v) }))
		subjects = append(subjects, k.Subject)
	}
	p.claims, err = c.r.Store.ClaimsOf(ctx, subjects)
	return p, err
}

// takes says whether an item is in the copy: one that is shown, or decides. What
// ended long ago decides nothing any more.
func (c *copying) takes(v *store.Version) bool {
	if v.Deleted {
		return false
	}
	if shownInDowntime.Has(v.DataSet) {
		return true
	}
	if !slices.Contains(decidingTypes, v.Type) {
		return false
	}
	return v.Type == "Consent" || v.Type == "Basic" || v.When.IsZero() || c.now.Sub(v.When) < 2*policy.UntilSigned
}

func (c *copying) write(ctx context.Context, people []*person) error {
	if len(people) == 0 {
		return nil
	}
	type claimed struct {
		s     store.Subject
		claim policy.Claim
	}
	var claims []claimed
	err := c.to.Commit(ctx, func(tx ingest.Tx) error {
		claims = claims[:0]
		for _, p := range people {
			first, err := c.writeOne(tx, p)
			if err != nil {
				return err
			}
			for _, cl := range p.claims {
				claims = append(claims, claimed{first, cl})
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(claims); i++ {
		err = c.to.AddClaim(ctx, claims[i].s, claims[i].claim)
	}
	return err
}

// writeOne writes one citizen, linked as the region has them, and gives the first subject.
func (c *copying) writeOne(tx ingest.Tx, p *person) (first store.Subject, err error) {
	var citizen store.Citizen
	for i, k := range p.found.Subjects {
		if _, err := tx.Begin(c.now, k.Source, 0); err != nil {
			return 0, err
		}
		s, err := tx.NewSubject(k.Source)
		if err != nil {
			return 0, err
		}
		own, err := tx.NewCitizen(s)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			first, citizen = s, own
		} else if _, err := tx.Record(mpi.Event{At: c.now, Kind: "link", Rule: "G21", Reason: "linked so in the region", Moves: []mpi.Move{{Subject: s, From: own, To: citizen, With: first}}}); err != nil {
			return 0, err
		}
		if err := c.items(tx, s, p.of[i]); err != nil {
			return 0, err
		}
		if _, err := tx.SetIdentities(s, k.Source, identitiesOf(p.of[i])); err != nil {
			return 0, err
		}
	}
	c.d.Citizens++
	return first, nil
}

// items writes versions under the times at which the region received them.
func (c *copying) items(tx ingest.Tx, s store.Subject, versions []*store.Version) error {
	versions = slices.SortedStableFunc(slices.Values(versions), func(a, b *store.Version) int { return a.Recorded.Compare(b.Recorded) })
	for i, v := range versions {
		if i == 0 || !v.Recorded.Equal(versions[i-1].Recorded) {
			if _, err := tx.Begin(v.Recorded, v.Source, 0); err != nil {
				return err
			}
		}
		res, err := v.Resource()
		if err != nil {
			return err
		}
		class := classify.Of(res, v.Source, c.r.by())
		if _, err := tx.Write(store.Put{Subject: s, Type: v.Type, ID: v.ID, Source: v.Source, DataSet: v.DataSet, Labels: v.Labels, Final: v.Final, When: v.When, Reported: v.Reported,
			Body: v.Body, Tokens: class.Tokens, Ordered: class.Ordered}); err != nil {
			return err
		}
		c.d.Items++
	}
	return nil
}

// identitiesOf are the numbers by which somebody is found.
func identitiesOf(versions []*store.Version) (out []mpi.Identifier) {
	for _, v := range versions {
		r, err := v.Resource()
		if err != nil || v.Type != "Patient" {
			continue
		}
		for _, id := range r.Root().List("identifier") {
			system, value := id.Get("system").Text(), id.Get("value").Text()
			if n, err := nhs.ParseNumber(value); system == nhs.NumberSystem && err == nil {
				value = n.Digits()
			} else if system == nhs.NumberSystem {
				continue
			}
			if value != "" && !slices.ContainsFunc(out, func(i mpi.Identifier) bool { return i.System == system && i.Value == value }) {
				out = append(out, mpi.Identifier{System: system, Value: value})
			}
		}
	}
	return out
}

// shared copies what is of no person.
func (c *copying) shared(ctx context.Context) error {
	for w := (store.Walk{N: store.Latest, Types: sharedTypes, Limit: 5000, Last: store.Shared}); ; {
		versions, next, more, err := c.r.Store.Walk(ctx, w, everything)
		if err != nil {
			return err
		}
		versions = slices.DeleteFunc(versions, func(v *store.Version) bool { return v.Subject != store.Shared })
		if len(versions) > 0 {
			if err := c.to.Commit(ctx, func(tx ingest.Tx) error {
				return c.items(tx, store.Shared, versions)
			}); err != nil {
				return err
			}
		}
		if !more || next.Subject != store.Shared {
			return nil
		}
		w.After = next
	}
}

// accounts copies those of professionals, and of others those that sign in here: services
// outside can't be asked in an emergency.
func (c *copying) accounts(to *auth.Accounts) error {
	const atOnce = 1000
	var some []auth.Account
	for a, err := range c.r.Auth.Accounts.All(auth.Query{}) {
		if err != nil {
			return err
		}
		if a.Organisation == "" && a.Provider != "" {
			continue
		}
		if some = append(some, a); len(some) == atOnce {
			if err := to.Add(some...); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	return to.Add(some...)
}

// documents copies what is agreed, and what the index was made by.
func (c *copying) documents(to document.Store) error {
	names, err := c.r.documents.List("agreements/")
	if err != nil {
		return err
	}
	for _, name := range append(names, demoMark, searchFile) {
		b, version, err := c.r.documents.Load(name)
		if err != nil {
			return err
		}
		if version == 0 {
			continue
		}
		if err := to.Save(name, b, document.Any); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
