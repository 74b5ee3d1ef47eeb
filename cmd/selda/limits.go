package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

type limitsCmd struct {
	Show  limitsShowCmd  `cmd:"" help:"An organisation's file: its teams, its seals, and how long a relationship lasts after care."`
	Put   limitsPutCmd   `cmd:"" help:"Put a file in force, in place of what the organisation has set."`
	Teams limitsTeamsCmd `cmd:"" help:"Say which teams of their organisation somebody is in."`
}

type limitsShowCmd struct {
	Organisation string `arg:"" help:"The organisation's code, such as RJZ." placeholder:"CODE"`
	JSON         bool   `name:"json" help:"Print one JSON object."`
}

func (limitsShowCmd) needsRegion() {}

func (c limitsShowCmd) Run(e *env) error {
	o, err := nhs.ParseODS(c.Organisation)
	if err != nil {
		return fmt.Errorf("%w: %s is no organisation's code", errUsage, c.Organisation)
	}
	kept, err := e.region.Access.LimitsOf(e.ctx, region.OperatorSubject(), o)
	if err != nil {
		return err
	}
	file := region.LimitsFile(&kept)
	if c.JSON {
		return e.printJSON(file)
	}
	if file.Teams == nil && file.Seals == nil && file.AfterCareDays == 0 {
		fmt.Fprintf(e.stderr, "%s has set no limits of its own: %d days after care, and no seals\n", o, policy.AfterCare/(24*time.Hour))
		return nil
	}
	b, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(b)
	return err
}

type limitsPutCmd struct {
	Organisation string `arg:"" help:"The organisation's code, such as RJZ." placeholder:"CODE"`
	File         string `arg:"" help:"The file, as limits show prints it." placeholder:"FILE"`
}

func (limitsPutCmd) needsRegion() {}

// mostLimits bounds a file of limits.
const mostLimits = 256 << 10

func (c limitsPutCmd) Run(e *env) error {
	o, err := nhs.ParseODS(c.Organisation)
	if err != nil {
		return fmt.Errorf("%w: %s is no organisation's code", errUsage, c.Organisation)
	}
	f, err := os.Open(e.path(c.File))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, mostLimits+1))
	if err != nil {
		return err
	}
	if len(b) > mostLimits {
		return fault.E("limits put", fault.TooLong, "the file is longer than 256 kB")
	}
	return e.region.PutLimits(e.ctx, region.OperatorSubject(), o, b)
}

type limitsTeamsCmd struct {
	User  string   `arg:"" help:"The user name." placeholder:"USER"`
	Teams []string `arg:"" optional:"" help:"The teams; none takes them out of all." placeholder:"TEAM"`
}

func (limitsTeamsCmd) needsRegion() {}

func (c limitsTeamsCmd) Run(e *env) error {
	return e.region.InTeams(e.ctx, region.OperatorSubject(), c.User, c.Teams)
}
