package region

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/auth"
	"selda/fault"
	"selda/ingest"
	"selda/ingest/mllp"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/secrets"
	"selda/store"
	"selda/synth"
)

// This file makes the demonstration region: the accounts and the people that
// they are about before the doors open, and the other citizens through the doors.

// DemoPassword signs every account of a demonstration in. It is for made-up people only.
const DemoPassword = "south-east-london"

// Demo is a demonstration: which synthetic region, and how much of it has been sent.
type Demo struct {
	Seed     uint64    `json:"seed"`
	Citizens int       `json:"citizens"`
	Now      time.Time `json:"now"` // the day on which the synthetic region stands
	Sent     int       `json:"sent"`
}

// DemoUsers are the accounts in the order in which sign-in shows them.
func DemoUsers() []string {
	var out []string
	for _, a := range synth.Accounts() {
		out = append(out, a.User)
	}
	return out
}

// StartDemo makes the accounts and the named people, or takes up the
// demonstration that is there.
func (r *Region) StartDemo(ctx context.Context, d Demo) (Demo, error) {
	b, version, err := r.documents.Load(demoMark)
	if err != nil {
		return d, err
	}
	if version != 0 {
		var old Demo
		if err := json.Unmarshal(b, &old); err != nil {
			return d, fault.E("region.StartDemo", fault.Invalid, "the file `demonstration` of the data folder does not hold: delete the folder to begin again")
		}
		if old.Seed == d.Seed {
			d.Now, d.Sent = old.Now, old.Sent
		}
	} else if n, err := r.Store.N(ctx); err != nil || n > 0 {
		return d, errors.Join(err, fault.E("region.StartDemo", fault.Conflict, "the data folder holds a region that is no demonstration: choose another with --data"))
	}
	if d.Now.IsZero() {
		d.Now = r.Now().UTC().Truncate(time.Hour)
	}
	if err := r.demoAccounts(); err != nil {
		return d, err
	}
	if err := r.DemoAgreements(ctx, d.Now); err != nil {
		return d, err
	}
	if err := r.named(ctx, d); err != nil {
		return d, err
	}
	return d, r.saveDemo(d)
}

func (r *Region) saveDemo(d Demo) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return r.documents.Save(demoMark, b, document.Any)
}

func (r *Region) demoAccounts() error {
	names := map[nhs.ODS]string{}
	for _, o := range synth.Organisations() {
		names[o.Code] = o.Name
	}
	hash, err := auth.HashPassword(DemoPassword)
	if err != nil {
		return err
	}
	for _, a := range synth.Accounts() {
		if _, known, _ := r.Auth.Accounts.Known(a.User); known {
			continue
		}
		if err := r.Auth.Accounts.Put(auth.Account{User: a.User, Name: a.Name, Role: a.Role, Organisation: a.Organisation, OrganisationName: names[a.Organisation],
			NHSNumber: a.NHSNumber, For: a.For, Source: a.Source, PasswordHash: hash, Contact: a.User + "@demonstration.example", Made: r.Now(), Ends: demoEnds(a.Role)}); err != nil {
			return err
		}
	}
	return r.demoOwners()
}

// demoEnds is when an account of the demonstration ends: a professional's after a year,
// as a contract does.
func demoEnds(role nhs.Role) time.Time {
	if role == nhs.Citizen || role == nhs.Proxy {
		return time.Time{}
	}
	return time.Now().Add(year).UTC().Truncate(time.Second)
}

// demoOwners says who answers for the demonstration's own keys, those among them that are made when they are first needed.
func (r *Region) demoOwners() error {
	register := secrets.Register{Documents: r.documents}
	for _, i := range append(r.ownKeys(), secrets.Item{Name: "account/system"}, secrets.Item{Name: "identity-keys"}) {
		if err := register.Own(i.Name, secrets.Owned{Owner: "Operations of the demonstration", Contact: "operations@demonstration.example"}, "demonstration", r.Now()); err != nil {
			return err
		}
	}
	return nil
}

// DemoAgreements puts the demonstration's agreements in the place of the one
// with which a region begins.
func (r *Region) DemoAgreements(ctx context.Context, now time.Time) error {
	s := OperatorSubject()
	files := synth.Agreements(now)
	for _, id := range slices.Sorted(maps.Keys(files)) {
		if r.Agreements.Latest().Find(id) != nil {
			continue
		}
		if _, err := r.PutAgreement(ctx, s, []byte(files[id])); err != nil {
			return err
		}
	}
	if a := r.Agreements.Latest().Find("founding"); a != nil && a.Withdrawn.IsZero() {
		_, err := r.WithdrawAgreement(ctx, s, a.ID)
		return err
	}
	return nil
}

// named commits what is known of the people that the accounts are about, and
// declares the visitor's relationship with the citizen (G7).
func (r *Region) named(ctx context.Context, d Demo) error {
	l := &load{r: r, ctx: ctx, sum: &Summary{}}
	if d.Sent == 0 {
		for m := range synth.New(d.Seed, 0, d.Now).Messages() {
			if err := l.arrive(m); err != nil {
				return err
			}
		}
	}
	if err := l.drain(0); err != nil {
		return err
	}
	var citizen, visitor synth.Account
	for _, a := range synth.Accounts() {
		switch a.User {
		case "citizen":
			citizen = a
		case "visitor":
			visitor = a
		}
	}
	id, err := r.Access.ByNumber(ctx, citizen.NHSNumber)
	if err != nil {
		return err
	}
	found, err := r.Store.Citizen(ctx, id, store.Latest)
	if err != nil {
		return err
	}
	s := found.Subjects[0].Subject
	claims, err := r.Store.ClaimsOf(ctx, []store.Subject{s})
	if err != nil {
		return err
	}
	now := r.Now()
	for _, c := range claims {
		if c.User == visitor.User && !c.Emergency && now.Before(c.To.AddDate(0, 0, -1)) {
			return nil
		}
	}
	return r.Store.AddClaim(ctx, s, policy.Claim{User: visitor.User, Organisation: visitor.Organisation, Reason: "attended our emergency department", From: now, To: now.AddDate(0, 0, 30)})
}

// sendingFor is how long a node may take for a few hundred messages before
// another one may go on in its place.
const sendingFor = time.Minute

// Arrive sends the region's messages through the doors until all are sent or
// ctx ends: HL7 v2 over MLLP, a connection a source; the rest through the drop
// folder's stages. progress is told now and then.
func (r *Region) Arrive(ctx context.Context, d Demo, mllpAddr string, progress func(sent int, done bool)) error {
	holder := rand.Text()
	lease, mine, err := r.Store.Acquire(ctx, demoMark, holder, sendingFor)
	if err != nil || !mine { // another node sends
		return err
	}
	defer func() { _ = r.Store.Release(context.WithoutCancel(ctx), lease) }()
	lines := &lines{addr: mllpAddr, open: map[nhs.Source]*mllp.Client{}}
	defer lines.close()
	l := &load{r: r, ctx: ctx, sum: &Summary{}}
	sent := 0
	for m := range synth.New(d.Seed, d.Citizens, d.Now).Messages() {
		sent++
		if sent <= d.Sent {
			continue
		}
		var err error
		if m.Format == ingest.HL7v2 {
			err = lines.send(ctx, m)
		} else {
			err = l.arrive(m)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if sent%500 == 0 {
			d.Sent = sent
			if err := r.saveDemo(d); err != nil {
				return err
			}
			if _, mine, err := r.Store.Acquire(ctx, demoMark, holder, sendingFor); err != nil || !mine {
				return err
			}
			progress(sent, false)
		}
	}
	if err := l.drain(0); err != nil {
		return err
	}
	d.Sent = sent
	progress(sent, true)
	return r.saveDemo(d)
}

// arrive takes one synthetic file as the drop folder would.
func (l *load) arrive(m synth.Message) error {
	l.files = Files{Source: m.Source, Mapping: m.Mapping}
	if m.Format == ingest.CSV {
		return l.extract(m.Name, m.Body, m.Totals)
	}
	return l.submit(&ingest.Raw{Source: m.Source, Format: m.Format, Door: "drop", Name: m.Name, Body: m.Body})
}

// lines are the MLLP connections of the synthetic systems.
type lines struct {
	addr string
	mu   sync.Mutex
	open map[nhs.Source]*mllp.Client
}

func (l *lines) send(ctx context.Context, m synth.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.open[m.Source]
	if c == nil {
		var err error
		if c, err = mllp.Dial(ctx, l.addr); err != nil {
			return err
		}
		l.open[m.Source] = c
	}
	ack, err := c.Send(ctx, m.Body)
	if err != nil {
		return err
	}
	if bytes.Contains(ack, []byte("MSA|AR")) && m.Fault == "" {
		return fmt.Errorf("%s was refused: %s", m.Source, strings.ReplaceAll(string(ack), "\r", " "))
	}
	return nil
}

func (l *lines) close() {
	for _, c := range l.open {
		_ = c.Close()
	}
}
