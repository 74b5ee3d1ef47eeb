package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
	"selda/rights"
	"selda/rights/register"
)

type rightsDisposeCmd struct {
	Due      disposeDueCmd      `cmd:"" help:"List what has been kept long enough in a class. Nothing is changed."`
	Propose  disposeProposeCmd  `cmd:"" help:"Open a case with that list, for another person to approve."`
	Remove   disposeRemoveCmd   `cmd:"" help:"Propose that the item of a case of erasure is destroyed."`
	Approve  disposeApproveCmd  `cmd:"" help:"Approve a list that another person has proposed."`
	CarryOut disposeCarryOutCmd `cmd:"" name:"carry-out" help:"Destroy what was approved, in every file, and print the statement of it."`
	Barred   disposeBarredCmd   `cmd:"" help:"What is held back when its source sends it again, by case: how much, and how many messages."`
	LetIn    disposeLetInCmd    `cmd:"" name:"let-in" help:"Let what was destroyed by mistake come in again: one person asks, another agrees."`
	Lists    disposeListsCmd    `cmd:"" help:"Print what was destroyed, by ids: keep it with the backups, restore reads it."`
}

type disposeDueCmd struct {
	Organisation string `required:"" help:"Whose." placeholder:"CODE"`
	Class        string `required:"" help:"The class of the schedule." placeholder:"CLASS"`
	JSON         bool   `name:"json" help:"Print the list as one JSON object."`
}

func (disposeDueCmd) needsRegion() {}

func (c disposeDueCmd) Run(e *env) error {
	list, err := e.region.Due(e.ctx, subjectOf(c.Organisation), nhs.ODS(c.Organisation), c.Class)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(list)
	}
	return e.printList(list)
}

func (e *env) printList(list rights.List) error {
	for _, p := range list.People {
		what := "some of what is kept"
		if p.Whole {
			what = "all that is kept"
		}
		fmt.Fprintf(e.stdout, "%s  %s, due since %s, %s: %d items\n", p.Citizen, p.Source, p.Due, what, len(p.Items))
	}
	fmt.Fprintln(e.stdout, list.Words())
	if list.More {
		fmt.Fprintf(e.stderr, "there are more: one list is of %d people and %d items at most\n", rights.MostPeople, rights.MostListed)
	}
	return nil
}

type disposeProposeCmd struct {
	Organisation string `required:"" help:"Whose." placeholder:"CODE"`
	Class        string `required:"" help:"The class of the schedule." placeholder:"CLASS"`
}

func (disposeProposeCmd) needsRegion() {}

func (c disposeProposeCmd) Run(e *env) error {
	k, list, err := e.region.Propose(e.ctx, subjectOf(c.Organisation), nhs.ODS(c.Organisation), c.Class)
	if err != nil {
		return err
	}
	if err := e.printList(list); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, k.ID)
	return nil
}

type disposeRemoveCmd struct {
	ID string `arg:"" help:"The case of erasure."`
}

func (disposeRemoveCmd) needsRegion() {}

func (c disposeRemoveCmd) Run(e *env) error {
	k, err := e.region.Access.ProposeRemoval(e.ctx, region.OperatorSubject(), c.ID)
	if err == nil {
		fmt.Fprintln(e.stdout, k.ID)
	}
	return err
}

type disposeApproveCmd struct {
	ID string `arg:"" help:"The case of the disposal."`
}

func (disposeApproveCmd) needsRegion() {}

func (c disposeApproveCmd) Run(e *env) error { return e.acts(c.ID, rights.Step{Did: rights.Approved}) }

type disposeCarryOutCmd struct {
	ID string `arg:"" help:"The case of the disposal."`
}

func (disposeCarryOutCmd) needsRegion() {}

func (c disposeCarryOutCmd) Run(e *env) error {
	statement, seq, err := e.region.Dispose(e.ctx, region.OperatorSubject(), c.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "it is destroyed: entry %d of the trail has the hash of this statement (selda audit prove %d)\n", seq, seq)
	fmt.Fprintln(e.stderr, "keep `selda rights dispose lists` with the backups")
	var s rights.Statement
	if json.Unmarshal(statement, &s) == nil && s.CopiesLeft > 0 {
		fmt.Fprintf(e.stderr, "%d downtime copies still have it: `selda downtime list` says which, and why\n", s.CopiesLeft)
	}
	_, err = e.stdout.Write(statement)
	return err
}

type disposeBarredCmd struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

func (disposeBarredCmd) needsRegion() {}

func (c disposeBarredCmd) Run(e *env) error {
	list, err := e.region.Barred(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	for _, b := range list {
		if c.JSON {
			if err := e.printJSON(b); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(e.stdout, "%s  %d names of items", b.Case, b.Names)
		if b.People > 0 {
			fmt.Fprintf(e.stdout, ", until something new comes of %d people", b.People)
		}
		fmt.Fprintf(e.stdout, "; %d messages held back\n", b.HeldBack)
		for _, m := range b.Latest {
			fmt.Fprintf(e.stdout, "  %s  %s  %s\n", m.ID, m.Source, m.Received.Format(time.DateTime))
		}
	}
	return nil
}

type disposeLetInCmd struct {
	ID    string `arg:"" help:"The case of the disposal."`
	Why   string `help:"Ask for it, and why." placeholder:"WORDS"`
	Agree bool   `help:"Agree to what another person has asked for."`
}

func (disposeLetInCmd) needsRegion() {}

func (c disposeLetInCmd) Run(e *env) error {
	if c.Agree == (c.Why != "") {
		return fmt.Errorf("%w: say --why to ask for it, or --agree", errUsage)
	}
	if c.Agree {
		return e.acts(c.ID, rights.Step{Did: rights.LetIn})
	}
	return e.acts(c.ID, rights.Step{Did: rights.AskedLetIn, Words: c.Why})
}

type disposeListsCmd struct{}

func (disposeListsCmd) needsRegion() {}

func (disposeListsCmd) Run(e *env) error {
	lists, err := e.region.Disposed(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	for _, d := range lists {
		if err := e.printJSON(d); err != nil {
			return err
		}
	}
	return nil
}

// maxDisposed bounds one line of a file of lists.
const maxDisposed = 4 << 20

// disposeAgain holds a region that was restored against what was destroyed since.
func (e *env) disposeAgain(file string) error {
	f, err := os.Open(e.path(file))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var lists []register.Disposed
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxDisposed)
	for in.Scan() {
		var d register.Disposed
		if err := json.Unmarshal(in.Bytes(), &d); err != nil || d.Case == "" {
			return fault.E("restore", fault.Structure, "the file is not what `selda rights dispose lists` prints")
		}
		lists = append(lists, d)
	}
	if err := in.Err(); err != nil && err != io.EOF {
		return err
	}
	r, err := region.Open(e.ctx, region.Options{Data: e.data, Postgres: e.dsn, Log: e.log})
	if err != nil {
		return err
	}
	n, err := r.DisposeAgain(e.ctx, region.OperatorSubject(), lists)
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err == nil {
		fmt.Fprintf(e.stdout, "%d items that were destroyed since the backup are destroyed again\n", n)
	}
	return err
}
