package main

import (
	"fmt"
	"time"

	"selda/cmd/selda/region"
	"selda/synth"
)

type backupCmd struct {
	File string `arg:"" help:"The file to write; it must not be there."`
}

func (backupCmd) needsRegion() {}

func (c backupCmd) Run(e *env) error {
	if err := e.region.Backup(e.ctx, region.OperatorSubject(), e.path(c.File)); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "the region is in", c.File)
	key, err := e.region.BackupKey()
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, key)
	return nil
}

type restoreCmd struct {
	File     string `arg:"" help:"The backup."`
	Disposed string `help:"What was destroyed by then, as 'selda rights dispose lists' prints it: it is destroyed in the restored region too." placeholder:"FILE"`
}

func (c restoreCmd) Run(e *env) error {
	if err := region.Restore(e.ctx, e.path(c.File), e.data, e.dsn); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "the region is restored to", e.place())
	if c.Disposed != "" {
		return e.disposeAgain(c.Disposed)
	}
	fmt.Fprintln(e.stderr, "what was destroyed after the backup was taken is back: restore with --disposed and the lists that were kept, before anybody uses it")
	return nil
}

type reindexCmd struct{}

func (reindexCmd) needsRegion() {}

func (reindexCmd) Run(e *env) error {
	began := time.Now()
	n, err := e.region.Reindex(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%d resources are indexed again, in %s\n", n, time.Since(began).Round(time.Millisecond))
	return nil
}

type synthCmd struct {
	Citizens int    `required:"" help:"How many citizens." placeholder:"N"`
	Seed     uint64 `required:"" help:"The same seed gives the same bytes." placeholder:"S"`
	Out      string `required:"" help:"The folder to write: one folder a source." placeholder:"DIR"`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

func (c synthCmd) Run(e *env) error {
	w, err := synth.New(c.Seed, c.Citizens, time.Time{}).WriteFiles(e.path(c.Out))
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(w)
	}
	fmt.Fprintf(e.stdout, "%+v\n", w)
	return nil
}

// place is where the region is, for a person.
func (e *env) place() string {
	if e.dsn != "" {
		return "the database"
	}
	return e.data
}
