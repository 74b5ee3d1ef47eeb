package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"selda/internal/testenv"
	"selda/testdata/journeys"
)

// journeyLasts is how long a journey may take.
const journeyLasts = 55 * time.Second

type journeyCmd struct {
	Name string `arg:"" help:"The journey: U-A, admit-to-discharge, …"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help lists the journeys.
func (journeyCmd) Help() string {
	return "The journeys are " + strings.Join(journeyNames(), ", ") + "."
}

func journeyNames() []string {
	files, _ := fs.Glob(journeys.FS, "*.txtar")
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = strings.TrimSuffix(f, ".txtar")
	}
	return out
}

// Run plays a journey in a fresh region, in a folder that is gone afterwards.
func (c journeyCmd) Run(e *env) error {
	if !slices.Contains(journeyNames(), c.Name) {
		return fmt.Errorf("there is no journey of this name: there are %s", strings.Join(journeyNames(), ", "))
	}
	text, err := fs.ReadFile(journeys.FS, c.Name+".txtar")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "selda-journey-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithTimeout(e.ctx, journeyLasts)
	defer cancel()
	r, err := testenv.Play(ctx, dir, text)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := e.printJSON(r); err != nil {
			return err
		}
	} else {
		about, _, _ := strings.Cut(string(text), "\n-- ")
		fmt.Fprintf(e.stdout, "%s\n\n%d messages, %d entries in the audit trail, %s\n", strings.TrimSpace(about), r.Messages, r.Audit,
			map[bool]string{true: "everyone saw what they should", false: "not everyone saw what they should:\n" + strings.Join(r.Differences, "\n")}[r.Passed])
	}
	if !r.Passed {
		return errors.New("the journey did not go as it is written")
	}
	return nil
}
