package region

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/subscription"
)

// Subscribing is what an operator says of subscriptions, as a file has it:
//
//	call: [rhapsody.kch.nhs.uk, 10.20.0.0/16]
//	topics: /etc/selda/topics
//	mail: {server: "mail.nhs.net:587", from: selda@nhs.net, user: selda, password_file: /run/secrets/mail, secure: true, ca: /etc/selda/mail.pem}
type Subscribing struct {
	Call   []string           `yaml:"call"`   // hosts and address ranges inside that may be called
	Topics string             `yaml:"topics"` // folder of topics, a JSON file each
	Mail   *subscription.Mail `yaml:"mail"`
}

// ReadSubscribing reads it. A folder is as from the file.
func ReadSubscribing(file string) (*Subscribing, error) {
	const op = "region.ReadSubscribing"
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.E(op, fault.NotFound, err)
	}
	s := &Subscribing{}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil {
		return nil, fault.E(op, fault.Structure, "the file says call, topics and mail, as YAML: it can't be read", filepath.Base(file))
	}
	if s.Mail != nil && (s.Mail.Server == "" || s.Mail.From == "") {
		return nil, fault.E(op, fault.Required, "mail has a server, host:port, and from", filepath.Base(file))
	}
	if m := s.Mail; m != nil && m.PasswordFile != "" {
		path := m.PasswordFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		secret, err := os.ReadFile(path)
		if err != nil || m.Password != "" {
			return nil, fault.E(op, fault.Invalid, "mail has a password, or a password_file that can be read", filepath.Base(file))
		}
		m.Password = strings.TrimSpace(string(secret))
	}
	if s.Topics != "" && !filepath.IsAbs(s.Topics) {
		s.Topics = filepath.Join(filepath.Dir(file), s.Topics)
	}
	return s, nil
}

// topics are those of a folder.
func (s *Subscribing) topics() (out []*subscription.Topic, err error) {
	const op = "region.topics"
	if s.Topics == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(s.Topics, "*.json"))
	if err != nil {
		return nil, fault.E(op, fault.NotFound, err)
	}
	slices.Sort(names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fault.E(op, fault.NotFound, err)
		}
		t, err := subscription.ReadTopic(b)
		if err != nil {
			return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), filepath.Base(name)+" "+fault.PlaceOf(err))
		}
		out = append(out, t)
	}
	return out, nil
}

// subscribe opens the follower that tells subscribers. It tells nothing until
// the region serves.
func (r *Region) subscribe(ctx context.Context, s *Subscribing) (err error) {
	if s == nil {
		s = &Subscribing{}
	}
	r.calls = &subscription.Calls{Hosts: s.Call}
	topics, err := s.topics()
	if err != nil {
		return err
	}
	var leases store.Leases
	if r.Nodes != nil {
		leases = r.Store
	}
	r.Subscriptions, err = subscription.Open(ctx, subscription.Options{Leases: leases, Node: rand.Text(), Register: r.Store, Queue: r.Store, Ledger: r.Store, Links: r.Store, Store: r.Store, Index: r.Store, Access: r.Access,
		Records: r.Records, Account: r.account, Parameters: r.searches.indexed, Terms: &terms{r.Terminology.Service}, Lists: r.labels.lists, Happened: r.happened, Key: r.Store.Secret("subscriptions"), Topics: topics, Calls: r.calls, Mail: s.Mail, Now: r.Now, Log: r.Log})
	return err
}

// account is an account as it stands now.
func (r *Region) account(user string, p nhs.Purpose) (policy.Subject, bool) {
	a, ok := r.Auth.Accounts.Find(user)
	return a.Subject(p), ok
}

// Subscribers lists who is told of changes, and how it goes.
func (r *Region) Subscribers(ctx context.Context, s policy.Subject, id string) ([]subscription.Told, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "subscriptions"); err != nil {
		return nil, err
	}
	return r.Subscriptions.Operated(ctx, id)
}

// NotTold gives what was set aside of one subscription.
func (r *Region) NotTold(ctx context.Context, s policy.Subject, id string, limit int) ([]subscription.Event, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "subscription "+id); err != nil {
		return nil, err
	}
	return r.Subscriptions.SetAside(ctx, id, limit)
}

// TellAgain tells again what was set aside of one subscription.
func (r *Region) TellAgain(ctx context.Context, s policy.Subject, id string) (subscription.Told, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Update, "replay of subscription "+id); err != nil {
		return subscription.Told{}, err
	}
	return r.Subscriptions.Replay(ctx, id)
}

// TellNoMore turns one subscription off.
func (r *Region) TellNoMore(ctx context.Context, s policy.Subject, id string) error {
	if _, err := r.Access.Operate(ctx, s, audit.Update, "subscription "+id+" off"); err != nil {
		return err
	}
	return r.Subscriptions.TurnOff(ctx, id)
}
