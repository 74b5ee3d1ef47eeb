package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"selda/auth"
	"selda/cmd/selda/region"
)

type doorFlags struct {
	HTTP      string        `name:"http" default:"127.0.0.1:8080" help:"Address of the pages and of /fhir." placeholder:"ADDR"`
	MLLP      string        `name:"mllp" default:"127.0.0.1:2575" help:"Address of the HL7 v2 door." placeholder:"ADDR"`
	MLLPS     string        `name:"mllps" help:"Address of the HL7 v2 door over TLS, for feeds that show the certificate that the feeds file names." placeholder:"ADDR"`
	Drop      string        `help:"Folder into which files are dropped." placeholder:"DIR"`
	DropEvery time.Duration `name:"drop-every" default:"2s" help:"How long a dropped file must be as it is before it is taken." placeholder:"TIME"`
	Feeds     string        `help:"Which senders are admitted, as which source." placeholder:"FILE"`
	Subscribe string        `name:"subscriptions" help:"Whom subscribers may have called, their topics, and the mail server." placeholder:"FILE"`
	SignOn    string        `name:"sign-on" help:"The identity services that people sign in with." placeholder:"FILE"`
	Proxies   []string      `name:"proxies" help:"Addresses or ranges of the proxies in front: their X-Forwarded-For says who calls; more than one with commas between." placeholder:"ADDR"`
	Downtime  string        `help:"Folder in which a downtime copy is kept; name one on another disk." placeholder:"DIR"`
	CopyEvery time.Duration `name:"downtime-every" default:"1h" help:"How often the downtime copy is made." placeholder:"TIME"`
	Import    []string      `name:"import-from" help:"Folder, or address beginning with https://, that source systems may have files imported from through /fhir/$import; more than one with commas between." placeholder:"PLACE"`
}

func (f doorFlags) signOn(e *env) (*region.SignOn, error) {
	if f.SignOn == "" {
		return nil, nil
	}
	return region.ReadSignOn(e.path(f.SignOn))
}

func (f doorFlags) subscribing(e *env) (*region.Subscribing, error) {
	if f.Subscribe == "" {
		return nil, nil
	}
	return region.ReadSubscribing(e.path(f.Subscribe))
}

func (f doorFlags) doors(e *env) (region.Doors, error) {
	d := region.Doors{HTTP: f.HTTP, MLLP: f.MLLP, MLLPS: f.MLLPS, DropEvery: f.DropEvery, Feeds: region.OpenFeeds()}
	if d.DropEvery <= 0 {
		return d, fmt.Errorf("%w: --drop-every is more than nothing", errUsage)
	}
	if f.Drop != "" {
		d.Drop = e.path(f.Drop)
	}
	if f.Feeds != "" {
		feeds, err := region.ReadFeeds(e.path(f.Feeds))
		if err != nil {
			return d, err
		}
		d.Feeds = feeds
	}
	return d, nil
}

// copies has a downtime copy made every so often, where a folder is named.
func (f doorFlags) copies(ctx context.Context, e *env, r *region.Region) {
	if f.Downtime != "" {
		go r.FollowDowntime(ctx, e.path(f.Downtime), max(f.CopyEvery, time.Minute))
	}
}

type serveCmd struct{ doorFlags }

func (c serveCmd) Run(e *env) error {
	doors, err := c.doors(e)
	if err != nil {
		return err
	}
	signOn, err := c.signOn(e)
	if err != nil {
		return err
	}
	subscribing, err := c.subscribing(e)
	if err != nil {
		return err
	}
	proxies, err := region.ParseProxies(c.Proxies)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	r, err := region.Open(e.ctx, region.Options{Data: e.data, Postgres: e.dsn, Log: e.log, SignOn: signOn, Subscribing: subscribing, ImportFrom: c.Import, Proxies: proxies})
	if err != nil {
		return err
	}
	return e.serve(r, doors, func(ctx context.Context, _ region.Served) error {
		c.copies(ctx, e, r)
		return nil
	})
}

// serve runs a region until the process is told to stop, and closes it.
func (e *env) serve(r *region.Region, doors region.Doors, ready func(context.Context, region.Served) error) (err error) {
	ctx, stop := context.WithCancel(e.ctx)
	defer func() {
		stop()
		if cerr := r.Close(); err == nil {
			err = cerr
		}
	}()
	if r.Nodes == nil { // of a database anybody may be a node: there is nothing to call
		wait, err := listenSocket(ctx, r)
		if err != nil {
			return err
		}
		defer func() { stop(); wait() }()
	}
	return r.Serve(ctx, doors, func(s region.Served) error {
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "ready %s\n", line)
		return ready(ctx, s)
	})
}

type demoCmd struct {
	Citizens int    `default:"2000" help:"How many citizens arrive." placeholder:"N"`
	Seed     uint64 `default:"1" help:"The same seed makes the same region." placeholder:"S"`
	doorFlags
}

func (c demoCmd) Run(e *env) error {
	doors, err := c.doors(e)
	if err != nil {
		return err
	}
	signOn, err := c.signOn(e)
	if err != nil {
		return err
	}
	subscribing, err := c.subscribing(e)
	if err != nil {
		return err
	}
	proxies, err := region.ParseProxies(c.Proxies)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	r, err := region.Open(e.ctx, region.Options{Data: e.data, Postgres: e.dsn, Log: e.log, SignOn: signOn, Subscribing: subscribing, ImportFrom: c.Import, Proxies: proxies, Demo: &auth.Demonstration{Password: region.DemoPassword, Users: region.DemoUsers()}})
	if err != nil {
		return err
	}
	d, err := r.StartDemo(e.ctx, region.Demo{Seed: c.Seed, Citizens: c.Citizens})
	if err != nil {
		return errors.Join(err, r.Close())
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	return e.serve(r, doors, func(ctx context.Context, s region.Served) error {
		e.welcome(r, s)
		c.copies(ctx, e, r)
		wg.Go(func() { e.arrive(ctx, r, d, s) })
		return nil
	})
}

// arrive sends the citizens and says how far it is.
func (e *env) arrive(ctx context.Context, r *region.Region, d region.Demo, s region.Served) {
	began := time.Now()
	last := began
	err := r.Arrive(ctx, d, s.MLLP, func(sent int, done bool) {
		if done || time.Since(last) > 5*time.Second {
			last = time.Now()
			fmt.Fprintf(e.stderr, "  %d messages have arrived in %s%s\n", sent, time.Since(began).Round(time.Second), map[bool]string{true: ": that is everyone"}[done])
		}
	})
	if err != nil {
		fmt.Fprintln(e.stderr, "selda: the synthetic systems stopped sending:", explain(err))
	}
}

// welcome says where each door is and who can sign in.
func (e *env) welcome(r *region.Region, s region.Served) {
	fmt.Fprintf(e.stderr, `
SELDA: the shared care record of South East London, with synthetic citizens.

  pages      %s
  FHIR R4    %s/fhir
  HL7 v2     %s (MLLP)
`, strings.Replace(s.HTTP, "127.0.0.1", "localhost", 1), strings.Replace(s.HTTP, "127.0.0.1", "localhost", 1), s.MLLP)
	if s.Drop != "" {
		fmt.Fprintf(e.stderr, "  files      %s/ODS_SYSTEM/\n", s.Drop)
	}
	fmt.Fprintf(e.stderr, "  data       %s\n\n  sign in with the password %s as\n", e.place(), region.DemoPassword)
	for _, name := range region.DemoUsers() {
		if a, ok := r.Auth.Accounts.Find(name); ok {
			fmt.Fprintf(e.stderr, "    %-11s %s, %s%s\n", a.User, a.Name, a.Role.Title(), map[bool]string{true: ", " + a.OrganisationName}[a.OrganisationName != ""])
		}
	}
	fmt.Fprintln(e.stderr)
}
