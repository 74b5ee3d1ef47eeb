package main

import (
	"context"
	"encoding/json"
	"fmt"

	"selda/cmd/selda/region"
)

type doorFlags struct {
	HTTP  string `name:"http" default:"127.0.0.1:8080" help:"Address of the pages and of /fhir." placeholder:"ADDR"`
	MLLP  string `name:"mllp" default:"127.0.0.1:2575" help:"Address of the HL7 v2 door." placeholder:"ADDR"`
	Drop  string `help:"Folder into which files are dropped." placeholder:"DIR"`
	Feeds string `help:"Which senders are admitted, as which source." placeholder:"FILE"`
}

func (f doorFlags) doors(e *env) (region.Doors, error) {
	d := region.Doors{HTTP: f.HTTP, MLLP: f.MLLP, Feeds: region.OpenFeeds()}
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

type serveCmd struct{ doorFlags }

func (c serveCmd) Run(e *env) error {
	doors, err := c.doors(e)
	if err != nil {
		return err
	}
	r, err := region.Open(e.ctx, region.Options{Data: e.data, Log: e.log})
	if err != nil {
		return err
	}
	return e.serve(r, doors, func(context.Context, region.Served) error { return nil })
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
	wait, err := listenSocket(ctx, r)
	if err != nil {
		return err
	}
	defer func() { stop(); wait() }()
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
	return fmt.Errorf("the synthetic region is not wired yet")
}
