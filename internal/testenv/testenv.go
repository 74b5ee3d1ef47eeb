// Package testenv is the whole system in process: a region in a folder of its
// own, its doors open on free ports of this machine, the demonstration's
// accounts, and a clock that stands still until it is told to go on. Tests
// stand on it, and so do the journeys (journey.go), which it plays from text.
// It holds no clinical meaning of its own.
package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/auth/app"
	"selda/cmd/selda/region"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/mllp"
	"selda/nhs"
	"selda/policy"
	"selda/synth"
)

// Start is the time at which an environment's clock stands at first.
var Start = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)

// Env is a region with its doors open.
type Env struct {
	Region *region.Region
	Dir    string
	HTTP   string // http://127.0.0.1:41234
	MLLP   string // 127.0.0.1:41235

	clock  *clock
	tokens map[string]string
	line   *mllp.Client
	client *http.Client // follows no redirect
	stop   context.CancelFunc
	served chan error
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Databases is the port to databases that stand for folders: with it the same
// stories are played on a database.
type Databases interface {
	// Of gives the address of a folder's database, a new one where it has none.
	Of(dir string) (dsn string, err error)
	// Copy makes another folder's database as one that nobody has open.
	Copy(from, to string) error
}

type databasesKey struct{}

// OnDatabases has the regions that are opened under a context kept in databases.
func OnDatabases(ctx context.Context, d Databases) context.Context {
	return context.WithValue(ctx, databasesKey{}, d)
}

// copyRegion copies a region that is closed.
func copyRegion(ctx context.Context, from, to string) error {
	if d, ok := ctx.Value(databasesKey{}).(Databases); ok {
		return d.Copy(from, to)
	}
	return os.CopyFS(to, os.DirFS(from))
}

// Open opens a region in dir, makes the demonstration's accounts, without the
// people that they are about, and opens the doors. Source systems may have files
// imported from the folders that are named.
func Open(ctx context.Context, dir string, now time.Time, importFrom ...string) (e *Env, err error) {
	return OpenWith(ctx, region.Options{Data: dir, ImportFrom: importFrom}, now)
}

// OpenWith is Open, of a region that is set up in another way.
func OpenWith(ctx context.Context, o region.Options, now time.Time) (e *Env, err error) {
	dir := o.Data
	e = &Env{Dir: dir, clock: &clock{now: now}, tokens: map[string]string{}, served: make(chan error, 1)}
	e.client = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	o.Now, o.Log = e.clock.Now, slog.New(slog.DiscardHandler)
	if d, ok := ctx.Value(databasesKey{}).(Databases); ok {
		if o.Postgres, err = d.Of(dir); err != nil {
			return nil, err
		}
	}
	o.SignOn = byPassword(o.SignOn)
	if e.Region, err = region.Open(ctx, o); err != nil {
		return nil, err
	}
	if err := errors.Join(e.accounts(), e.agreements(ctx, now)); err != nil {
		return nil, errors.Join(err, e.Region.Close())
	}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	ready := make(chan region.Served, 1)
	go func() {
		e.served <- e.Region.Serve(ctx, region.Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", Feeds: region.OpenFeeds()}, func(s region.Served) error {
			ready <- s
			return nil
		})
	}()
	select {
	case s := <-ready:
		e.HTTP, e.MLLP = s.HTTP, s.MLLP
		return e, nil
	case err := <-e.served:
		e.stop()
		return nil, errors.Join(err, e.Region.Close())
	}
}

// agreements puts the demonstration's in force. The one for care has no end that the
// clock comes to: where it is overdue the trail tells of it by itself (G17).
func (e *Env) agreements(ctx context.Context, now time.Time) error {
	if err := e.Region.DemoAgreements(ctx, now); err != nil {
		return err
	}
	_, err := e.Region.RenewAgreement(ctx, region.OperatorSubject(), "sel-direct-care", "2999-12-31")
	return err
}

func (e *Env) accounts() error {
	names := map[nhs.ODS]string{}
	for _, o := range synth.Organisations() {
		names[o.Code] = o.Name
	}
	for _, a := range synth.Accounts() {
		if _, known := e.Region.Auth.Accounts.Find(a.User); known {
			continue
		}
		if err := e.Region.Auth.Accounts.Put(auth.Account{User: a.User, Name: a.Name, Role: a.Role, Organisation: a.Organisation, OrganisationName: names[a.Organisation],
			NHSNumber: a.NHSNumber, For: a.For, Source: a.Source}); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the doors and the region.
func (e *Env) Close() error {
	e.client.CloseIdleConnections()
	if e.line != nil {
		_ = e.line.Close()
	}
	e.stop()
	return errors.Join(<-e.served, e.Region.Close())
}

// Now is what the region's clock says.
func (e *Env) Now() time.Time { return e.clock.Now() }

// Advance moves the region's clock on.
func (e *Env) Advance(d time.Duration) {
	e.clock.mu.Lock()
	defer e.clock.mu.Unlock()
	e.clock.now = e.clock.now.Add(d)
}

// Send sends one HL7 v2 message through the MLLP door. It waits until what
// was acknowledged is committed, and gives the acknowledgement.
func (e *Env) Send(ctx context.Context, message []byte) (*hl7v2.Message, error) {
	if e.line == nil {
		c, err := mllp.Dial(ctx, e.MLLP)
		if err != nil {
			return nil, err
		}
		e.line = c
	}
	b, err := e.line.Send(ctx, message)
	if err != nil {
		return nil, err
	}
	ack, err := hl7v2.Parse(b)
	if err != nil {
		return nil, err
	}
	if code := ack.First("MSA").Comp(1, 1).Text(); code == "AR" || code == "CR" {
		return ack, nil
	}
	return ack, e.committed(ctx, ack.ControlID())
}

// committed waits until a message has an outcome.
func (e *Env) committed(ctx context.Context, id string) error {
	n, ok := e.Region.Store.MessageNumber(id)
	if !ok {
		return fmt.Errorf("the acknowledgement names no message: %q", id)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := e.Region.Store.Message(ctx, n); err == nil {
			return nil
		} else if time.Now().After(deadline) {
			return fmt.Errorf("message %s was acknowledged and is not committed: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Ingest loads one file as the verb does. format may be "auto"; mapping is of
// CSV, which gets a file of totals that counts its rows.
func (e *Env) Ingest(ctx context.Context, source nhs.Source, format, mapping, name string, body []byte) (region.Summary, error) {
	dir, err := os.MkdirTemp("", "selda-file-*")
	if err != nil {
		return region.Summary{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return region.Summary{}, err
	}
	if format == ingest.CSV {
		rows := fmt.Sprintf("rows=%d\n", max(bytes.Count(bytes.TrimSpace(body), []byte("\n")), 0))
		if err := os.WriteFile(file+".totals", []byte(rows), 0o600); err != nil {
			return region.Summary{}, err
		}
	}
	return e.Region.IngestFiles(ctx, region.OperatorSubject(), region.Files{Source: source, Format: format, Mapping: mapping, Paths: []string{file}})
}

// Answer is what came back over HTTP, whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one request of a path, as a user ("" for nobody). A body is FHIR
// JSON; headers are "Name: value".
func (e *Env) Do(ctx context.Context, user, method, path string, body []byte, headers ...string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.HTTP+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if user != "" {
		token, err := e.Token(ctx, user)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return &Answer{resp.StatusCode, resp.Header, b}, err
}

// Token is a bearer token of an account.
func (e *Env) Token(ctx context.Context, user string) (string, error) {
	if t, ok := e.tokens[user]; ok {
		return t, nil
	}
	a, ok := e.Region.Auth.Accounts.Find(user)
	if !ok {
		return "", fmt.Errorf("there is no account %q", user)
	}
	t, err := e.Region.Auth.Token(ctx, user, auth.Purpose(a.Role), time.Hour)
	e.tokens[user] = t
	return t, err
}

// AppToken is a token of an application that acts in somebody's name within
// scopes, for a patient. The application is registered with all that there is,
// and approved, at the first call.
func (e *Env) AppToken(ctx context.Context, user, patient, scope string) (string, error) {
	key := user + " " + patient + " " + scope
	if t, ok := e.tokens[key]; ok {
		return t, nil
	}
	now := time.Now()
	m := app.Metadata{Name: "An application", Contacts: []string{"help@app.example"}, RedirectURIs: []string{"https://app.example/"}, Method: "none",
		Scope: "openid fhirUser launch/patient patient/*.cruds user/*.cruds"}
	account := ""
	if a, _ := e.Region.Auth.Accounts.Find(user); a.Role == nhs.SourceSystem {
		account = user
		m.RedirectURIs, m.Method, m.Grants, m.Scope, m.KeysURI = nil, "private_key_jwt", []string{app.ClientGrant}, "system/*.cruds", "https://app.example/jwks"
	}
	id, ok := e.tokens["app "+account]
	if !ok {
		x, _, err := m.App(now)
		if err == nil {
			x, err = e.Region.Auth.Apps.Add(x, now)
		}
		if err == nil {
			x, err = e.Region.Auth.Apps.Approve(x.ID, "admin", account, now, now.Add(24*time.Hour))
		}
		if err != nil {
			return "", err
		}
		id = x.ID
		e.tokens["app "+account] = id
	}
	t, err := e.Region.Auth.AppToken(ctx, user, id, patient, strings.Fields(scope))
	e.tokens[key] = t
	return t, err
}

// Subject is an account as it asks.
func (e *Env) Subject(user string) (policy.Subject, error) {
	a, ok := e.Region.Auth.Accounts.Find(user)
	if !ok {
		return policy.Subject{}, fmt.Errorf("there is no account %q", user)
	}
	return a.Subject(auth.Purpose(a.Role)), nil
}

// Citizen is the id of the citizen with an NHS number.
func (e *Env) Citizen(ctx context.Context, number string) (string, error) {
	n, err := nhs.ParseNumber(number)
	if err != nil {
		return "", err
	}
	return e.Region.Access.ByNumber(ctx, n)
}

// Trail gives entries of the trail, the latest first. It stands outside the
// system, and leaves no entry itself.
func (e *Env) Trail(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return e.Region.Trail.Find(ctx, q)
}

// byPassword has people sign in by password alone unless something else is said: these are
// made up, as a demonstration's are. Second proofs are tried where they are made, in auth.
func byPassword(s *region.SignOn) *region.SignOn {
	out := region.SignOn{}
	if s != nil {
		out = *s
	}
	if out.SecondFactor == nil {
		out.SecondFactor = &[]auth.Kind{}
	}
	return &out
}
