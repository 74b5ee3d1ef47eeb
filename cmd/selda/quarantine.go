package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"selda/cmd/selda/region"
	"selda/ingest"
	"selda/nhs"
)

type quarantineCmd struct {
	List   quarantineListCmd   `cmd:"" help:"List what is in quarantine."`
	Show   quarantineShowCmd   `cmd:"" help:"Show one message."`
	Replay quarantineReplayCmd `cmd:"" help:"Try messages again, after the fix."`
}

type quarantineListCmd struct {
	JSON  bool `name:"json" help:"One JSON object a line."`
	Limit int  `default:"100000" help:"How many at most."`
}

func (quarantineListCmd) needsRegion() {}

type quarantined struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Reason   string    `json:"reason"`
	Place    string    `json:"place"`
	Received time.Time `json:"received"`
	Format   string    `json:"format"`
	Message  string    `json:"message,omitempty"`
}

func (e *env) quarantined(r ingest.Record) quarantined {
	return quarantined{ID: e.region.Store.MessageID(r.ID), Source: string(r.Source), Reason: r.Reason, Place: r.Place, Received: r.Received, Format: r.Format}
}

func (c quarantineListCmd) Run(e *env) error {
	list, err := e.region.Quarantine(e.ctx, region.OperatorSubject(), c.Limit)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, r := range list {
		q := e.quarantined(r)
		if c.JSON {
			if err := e.printJSON(q); err != nil {
				return err
			}
		}
		rows = append(rows, []string{q.ID, q.Source, q.Received.Format(time.DateTime), q.Place, q.Reason})
	}
	if !c.JSON {
		e.table("id\tsource\treceived\tplace\treason", rows)
	}
	return nil
}

type quarantineShowCmd struct {
	ID   string `arg:"" help:"The message."`
	Show bool   `help:"With the message itself; audited."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

func (quarantineShowCmd) needsRegion() {}

func (c quarantineShowCmd) Run(e *env) error {
	what := "quarantine " + c.ID
	if c.Show {
		what += ", with values"
	}
	rec, raw, err := e.region.Message(e.ctx, region.OperatorSubject(), c.ID, what)
	if err != nil {
		return err
	}
	q := e.quarantined(rec)
	if c.Show {
		q.Message = string(raw.Body)
	}
	if c.JSON {
		return e.printJSON(q)
	}
	fmt.Fprintf(e.stdout, "message   %s\nsource    %s\nformat    %s\nreceived  %s\nstate     %s\nreason    %s\nplace     %s\n",
		q.ID, q.Source, q.Format, q.Received.Format(time.DateTime), rec.State, q.Reason, q.Place)
	if c.Show {
		fmt.Fprintln(e.stdout, "\n"+strings.ReplaceAll(q.Message, "\r", "\n"))
	}
	return nil
}

type quarantineReplayCmd struct {
	IDs    []string `arg:"" optional:"" name:"id" help:"The messages."`
	All    bool     `help:"All of them, in the order in which they came; --source and --reason narrow it."`
	Source string   `help:"With --all: of this source, ODS:SYSTEM." placeholder:"CODE"`
	Reason string   `help:"With --all: those that failed with exactly this reason." placeholder:"WORDS"`
	JSON   bool     `name:"json" help:"With --all: print one JSON object."`
}

func (quarantineReplayCmd) needsRegion() {}

func (c quarantineReplayCmd) Run(e *env) error {
	switch {
	case c.All && len(c.IDs) > 0:
		return fmt.Errorf("%w: say --all or name messages", errUsage)
	case c.All:
		return c.all(e)
	case len(c.IDs) == 0:
		return fmt.Errorf("%w: name a message, or say --all", errUsage)
	}
	var failed error
	for _, id := range c.IDs {
		out, err := e.region.Replay(e.ctx, region.OperatorSubject(), id)
		switch {
		case err != nil:
			return err
		case out.State == ingest.Quarantined:
			failed = errors.Join(failed, fmt.Errorf("%s stays in quarantine: %s (at %s)", id, out.Reason, cmp.Or(out.Place, "no place")))
		default:
			fmt.Fprintf(e.stdout, "%s is %s, with %d resources\n", id, out.State, len(out.Items))
		}
	}
	return failed
}

func (c quarantineReplayCmd) all(e *env) error {
	out, err := e.region.ReplayAll(e.ctx, region.OperatorSubject(), region.Which{Source: nhs.Source(c.Source), Reason: c.Reason})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(out)
	}
	fmt.Fprintf(e.stdout, "%d tried: %d are stored, %d stay in quarantine\n", out.Tried, out.Stored, out.Held)
	return nil
}

type extractCmd struct {
	List extractListCmd `cmd:"" help:"What came of the last CSV extracts: kept, unchanged, refused, vanished, and their totals."`
}

type extractListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (extractListCmd) needsRegion() {}

func (c extractListCmd) Run(e *env) error {
	list, err := e.region.Reconciliations(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, x := range list {
		if c.JSON {
			if err := e.printJSON(x); err != nil {
				return err
			}
		}
		totals := x.Problem
		if totals == "" && x.Checked {
			totals = "agree"
		}
		rows = append(rows, []string{x.Source, x.Mapping, x.At.Format(time.DateTime), strconv.Itoa(x.Rows), strconv.Itoa(x.Kept), strconv.Itoa(x.Unchanged),
			strconv.Itoa(x.Refused), strconv.Itoa(x.Vanished), totals})
	}
	if !c.JSON {
		e.table("source\textract\tcame\trows\tkept\tunchanged\trefused\tvanished\ttotals", rows)
	}
	return nil
}
