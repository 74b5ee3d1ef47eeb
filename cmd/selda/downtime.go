package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"selda/cmd/selda/region"
)

type downtimeCmd struct {
	Copy    downtimeCopyCmd    `cmd:"" help:"Make a copy in a folder: of every citizen who they are, allergies, medicines, alerts and plans."`
	Serve   downtimeServeCmd   `cmd:"" help:"Declare emergency mode and serve a copy; it needs nothing of the region."`
	Include downtimeIncludeCmd `cmd:"" help:"Put what was looked at in a copy into the region's trail."`
	List    downtimeListCmd    `cmd:"" help:"Where copies are kept, of when they are, and which have something that was destroyed since."`
	Forget  downtimeForgetCmd  `cmd:"" help:"Take a copy off that list which was thrown away."`
}

type downtimeListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (downtimeListCmd) needsRegion() {}

func (c downtimeListCmd) Run(e *env) error {
	list, err := e.region.DowntimeCopies(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, d := range list {
		if c.JSON {
			if err := e.printJSON(d); err != nil {
				return err
			}
		}
		state := "whole"
		if d.Outdated {
			state = "has what was destroyed since: " + cmp.Or(d.Left, "it is to be made again there")
		}
		rows = append(rows, []string{d.Folder, d.Host, d.Made.Format(time.DateTime), state})
	}
	if !c.JSON {
		e.table("folder\tmachine\tmade\tstate", rows)
	}
	return nil
}

type downtimeForgetCmd struct {
	Folder string `arg:"" help:"Where it was."`
}

func (downtimeForgetCmd) needsRegion() {}

func (c downtimeForgetCmd) Run(e *env) error {
	return e.region.ForgetDowntimeCopy(e.ctx, region.OperatorSubject(), e.path(c.Folder))
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
