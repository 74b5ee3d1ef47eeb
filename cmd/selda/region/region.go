// Package region wires a region: it is the one place where ports meet their
// adapters. A Region is one data folder, open: its store, journal, trail,
// accounts, the door in and the door out; or a node of several on a database.
// Serve opens the doors to the world.
//
// One process opens a data folder. It holds DIR/lock and answers on
// DIR/selda.sock; every command on a folder in use is a call over that socket.
package region

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/agreement/register"
	"selda/api"
	"selda/audit"
	"selda/auth"
	"selda/bulk"
	"selda/ingest"
	"selda/ingest/mapped"
	"selda/ingest/unmapped"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/subscription"
	"selda/terminology/release"
	"selda/web"
)

// Region is one data folder, open, or a node on a database.
type Region struct {
	Data    string
	Store   Store
	Nodes   Nodes // nil of a data folder: it has one process
	Journal *ingest.Journal
	Ingest  *ingest.Pipeline
	Trail   *audit.Trail
	Access  *access.Access
	Records *record.Records
	Auth    *auth.Auth
	Log     *slog.Logger
	Now     func() time.Time
	// Terminology is what was imported, over the box of R4.
	Terminology *release.Store
	// Agreements are what controllers have agreed.
	Agreements *register.Register
	// Unmapped counts the codes that found no concept map.
	Unmapped *unmapped.Ledger
	// Subscriptions tells those who subscribed what has changed.
	Subscriptions *subscription.Follower

	lock      *os.File
	index     io.Closer
	documents document.Store
	accounts  restingAccounts
	resting   *restingKeys // of what is sealed at rest; nil where nothing is
	sealed    []sealer     // the places of what is
	rekeying  sync.Mutex   // held while keys change, and while they are copied
	shared    *auth.Shared
	stop      context.CancelFunc
	line      int             // how many messages may wait for their commit
	unusable  context.Context // ends where this node can't write any more
	unfit     context.CancelFunc
	running   sync.WaitGroup

	calls       *subscription.Calls
	searches    *searches
	corrections *corrections
	labels      *labels
	staff       *staff
	limits      *limiting
	cursors     *api.Cursors
	strangers   strangers
	admitted    atomic.Pointer[Feeds] // which senders are admitted, as the file is now
	shown       shownCertificates     // that feeds have shown
	proxies     Proxies
	https       bool   // people reach it by https
	contact     string // whom to tell of a weakness
	fhir        *api.API
	jobs        bulk.Store
	mapper      *mapper
	metrics     *metrics
	downtime    *Downtime    // of a copy
	copied      atomic.Int64 // when the downtime copy that is kept was made, in Unix seconds; 0 where none is
	copying     sync.Mutex   // held while a downtime copy is made
	drop        atomic.Value // string: the folder that is watched

	serving      atomic.Bool // doors are open, and the operator's files read
	signOnFile   *SignOn
	mail         *subscription.Mail
	dsn          string
	settingsKept string // what is kept of the secrets in those files
}

// Options of a region.
type Options struct {
	Data     string
	Postgres string // the database's address; "" for the data folder
	Now      func() time.Time
	Log      *slog.Logger
	// ImportFrom are the folders, and addresses beginning with https, that files
	// may be imported from through /fhir.
	ImportFrom []string
	SignOn     *SignOn             // nil: with the built-in provider alone
	Demo       *auth.Demonstration // set where the region is a demonstration
	// LoopbackKeys lets applications keep their public keys on this machine, for tests.
	LoopbackKeys bool
	// Downtime: the folder is a downtime copy, in use while the region can't be (G21):
	// it is read alone.
	Downtime *Downtime
	// Proxies are those in front, whose word for who calls is taken.
	Proxies Proxies
	// Subscribing says where subscribers may be called; nil: at public addresses.
	Subscribing *Subscribing
}

// Open opens a region, making it where the folder is empty.
func Open(ctx context.Context, o Options) (r *Region, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	r = &Region{Data: o.Data, Now: o.Now, Log: o.Log, proxies: o.Proxies, signOnFile: o.SignOn, dsn: o.Postgres}
	if o.Subscribing != nil {
		r.mail = o.Subscribing.Mail
	}
	r.admitted.Store(&Feeds{})
	r.unusable, r.unfit = context.WithCancel(context.Background())
	r.Terminology = release.Open(o.Data, o.Now)
	guides := &packaged{data: o.Data}
	r.Terminology.Beside(guides.library)
	r.metrics = newMetrics(r)
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	if o.Postgres != "" {
		err = r.openPostgres(ctx, o)
	} else {
		err = r.openFolder(ctx, o)
	}
	if err != nil {
		return r, err
	}
	if err = r.openAgreements(); err != nil {
		return r, err
	}
	r.limits = &limiting{documents: r.documents, changed: func() { r.searches.changed() }}
	r.labels = &labels{terms: r.Terminology.Service, limits: r.limits, documents: r.documents}
	if err = r.labels.load(); err != nil {
		return r, err
	}
	r.mapper = &mapper{documents: r.documents, codings: r.Terminology.Codings, valid: &validators{packaged: guides, terms: r.Terminology.Service}}
	r.Unmapped = unmapped.Open(r.documents)
	if r.searches, err = openSearches(ctx, r, guides); err != nil {
		return r, err
	}
	r.corrections = newCorrections(r.Store)
	feeds, err := r.Store.Feeds(ctx, o.Now().Add(-ingest.HeardHours*time.Hour))
	if err != nil {
		return r, err
	}
	if r.Ingest, err = ingest.Open(ctx, ingest.Options{Journal: r.Journal, Store: r.Store, Mapper: r.mapper.Map, Now: o.Now, Log: o.Log, Heard: feeds, OnOutcome: r.outcome, Line: r.line, By: r.by}); err != nil {
		return r, err
	}
	r.Access = &access.Access{Store: r.Store, Index: r.Store, Owners: r.Store, Claims: r.Store, Cases: r.corrections, Marks: marks{r}, Trail: r.Trail, Agreements: r.Agreements, Now: o.Now}
	r.Access.File, r.Access.Leaves, r.Access.LetIn, r.Access.Unused = r.file, r.Store, r.letIn, r.unused
	if o.Downtime != nil {
		r.Access.Downtime, r.downtime = shownInDowntime, o.Downtime
	}
	r.Records = &record.Records{Store: r.Store}
	if r.cursors, err = api.NewCursors(r.Store.Secret("cursors")); err != nil {
		return r, err
	}
	r.Auth, err = auth.New(o.SignOn.config(auth.Config{Dir: o.Data, Documents: r.documents, Accounts: r.accounts, Shared: r.shared, Demonstration: o.Demo, OnEvent: r.signOn,
		Patients: web.Patients{Access: r.Access, Records: r.Records, Now: o.Now}, LoopbackKeys: o.LoopbackKeys, Citizen: r.itsRecord}))
	if err == nil {
		r.staff = &staff{accounts: r.Auth.Accounts, documents: r.documents}
		r.Access.Staff, r.Access.Limits, r.Access.TakesPart = r.staff, r.limits, r.TakesPart
	}
	if err == nil {
		err = r.subscribe(ctx, o.Subscribing)
	}
	if err == nil {
		err = r.openAPI(o)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.running.Go(func() { r.searches.follow(running) })
	r.running.Go(func() { r.followAgreements(running) })
	if err == nil && o.Downtime == nil {
		r.running.Go(func() { r.followCorrections(running) })
	}
	if err == nil && r.Nodes != nil {
		r.running.Go(func() { r.beANode(running) })
	}
	return r, err
}

// outcome notes what became of a message.
func (r *Region) outcome(raw *ingest.Raw, msg *mapped.Message, out *ingest.Outcome) {
	r.metrics.outcome(raw, out.State)
	if msg != nil && out.State == ingest.Stored {
		r.corrections.changed(out.Items)
		if slices.ContainsFunc(msg.Resources, func(x mapped.Resource) bool { return x.Type == "SearchParameter" }) {
			r.searches.changed()
		}
		r.Unmapped.Add(raw.Source, msg.Untranslated, raw.Received)
	}
}

// Close commits what was taken, and closes everything.
func (r *Region) Close() error {
	var errs []error
	if r.stop != nil {
		r.stop()
		r.running.Wait()
	}
	r.unfit()
	if r.Ingest != nil {
		errs = append(errs, r.Ingest.Close())
	}
	if r.Unmapped != nil {
		errs = append(errs, r.Unmapped.Close())
	}
	if r.Journal != nil {
		errs = append(errs, r.Journal.Close())
	}
	if r.Trail != nil {
		errs = append(errs, r.Trail.Close())
	}
	if r.index != nil {
		errs = append(errs, r.index.Close())
	}
	if r.Store != nil {
		errs = append(errs, r.Store.Close())
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
	}
	return errors.Join(errs...)
}

// signOn has what happens at sign-on recorded before it takes effect.
func (r *Region) signOn(ctx context.Context, e auth.Event) error {
	entry := audit.From(e.Subject, string(e.Kind), "sign-on")
	if e.Kind == auth.Refused {
		entry.Action, entry.Outcome, entry.Rules = audit.SignIn, audit.Deny, []string{e.Reason}
	}
	entry.Reason, entry.From = e.Provider, e.Address
	if e.Kind == auth.PurposeChanged {
		entry.What, entry.Reason = "purpose of use", e.Reason
	}
	if e.Whose != "" {
		entry.What, entry.Reason = "account "+e.Whose, e.Reason
		if e.Kind == auth.Refused {
			entry.Action = audit.Administer
		}
	}
	if e.App != "" || e.Kind == auth.AppRegistered {
		entry.App, entry.Citizen, entry.Reason, entry.What = e.App, e.Citizen, e.Reason, "application"
		if e.Kind == auth.AppDeclined {
			entry.Outcome, entry.Rules = audit.Deny, []string{e.Reason}
		}
	}
	_, err := r.Trail.Append(ctx, entry)
	return err
}

// Commanded records a verb of the command line before it is carried out. What the verb was
// given is not in it: that may be of a person.
func (r *Region) Commanded(ctx context.Context, verb string) error {
	_, err := r.Trail.Append(ctx, audit.From(OperatorSubject(), audit.Administer, "command: "+verb))
	return err
}

// OperatorSubject is the operating-system user, who acts at the command line.
func OperatorSubject() policy.Subject {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return policy.Subject{User: "os:" + name, Name: name, Role: nhs.Operator, Purpose: nhs.Operations}
}
