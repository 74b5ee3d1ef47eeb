package main

import (
	"context"
	"encoding/json"
	"fmt"

	"selda/cmd/selda/region"
)

type downtimeCmd struct {
	Copy    downtimeCopyCmd    `cmd:"" help:"Make a copy in a folder: of every citizen who they are, allergies, medicines, alerts and plans."`
	Serve   downtimeServeCmd   `cmd:"" help:"Declare emergency mode and serve a copy; it needs nothing of the region."`
	Include downtimeIncludeCmd `cmd:"" help:"Put what was looked at in a copy into the region's trail."`
}

type downtimeCopyCmd struct {
	Folder string `arg:"" help:"Where the copy is made; name one on another disk."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

func (downtimeCopyCmd) needsRegion() {}

func (c downtimeCopyCmd) Run(e *env) error {
	d, err := e.region.CopyForDowntime(e.ctx, region.OperatorSubject(), e.path(c.Folder))
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(d)
	}
	fmt.Fprintf(e.stdout, "%d citizens with %d items, as at n %d\n", d.Citizens, d.Items, d.N)
	return nil
}

type downtimeServeCmd struct {
	Folder string `arg:"" help:"The copy."`
	Reason string `required:"" help:"Why emergency mode is declared; it is the first entry of the copy's trail."`
	HTTP   string `name:"http" default:"127.0.0.1:8080" help:"Address of the pages." placeholder:"ADDR"`
}

func (c downtimeServeCmd) Run(e *env) error {
	d, err := region.ReadDowntime(e.path(c.Folder))
	if err != nil {
		return err
	}
	r, err := region.Open(e.ctx, region.Options{Data: e.path(c.Folder), Log: e.log, Downtime: &d})
	if err != nil {
		return err
	}
	err = r.ServeDowntime(e.ctx, region.OperatorSubject(), c.HTTP, c.Reason, func(s region.Served) error {
		line, err := json.Marshal(s)
		if err == nil {
			fmt.Fprintf(e.stdout, "ready %s\n", line)
		}
		return err
	})
	if cerr := r.Close(); err == nil || err == context.Canceled {
		err = cerr
	}
	return err
}

type downtimeIncludeCmd struct {
	Folder string `arg:"" help:"The copy that was used."`
}

func (downtimeIncludeCmd) needsRegion() {}

func (c downtimeIncludeCmd) Run(e *env) error {
	n, err := e.region.IncludeDowntime(e.ctx, region.OperatorSubject(), e.path(c.Folder))
	if err == nil {
		fmt.Fprintf(e.stdout, "%d entries are in the trail now\n", n)
	}
	return err
}
