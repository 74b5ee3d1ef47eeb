package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/optout"
)

type optoutCmd struct {
	Load   optoutLoadCmd   `cmd:"" help:"Load who has opted out: a list of them, or the national service's reply to a file that was sent."`
	Filter optoutFilterCmd `cmd:"" help:"Print a file of NHS numbers without those who have opted out."`
	Status optoutStatusCmd `cmd:"" help:"Of when the opt-outs are, and until when they may be used."`
	Show   optoutShowCmd   `cmd:"" help:"What is known of one citizen's opt-outs of secondary use."`
}

type optoutLoadCmd struct {
	File string `arg:"" help:"NHS numbers, each with a comma and a line feed." placeholder:"FILE"`
	Sent string `help:"The file that was sent to the national service: FILE is then its reply, and who is missing from it has opted out." placeholder:"FILE"`
	At   string `help:"When the list was made or the reply came, such as 2026-11-26T09:00:00Z; now unless said." placeholder:"TIME"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

func (optoutLoadCmd) needsRegion() {}

func (c optoutLoadCmd) Run(e *env) error {
	at := e.region.Now()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, c.At); err != nil {
			return fmt.Errorf("%w: --at is a time such as 2026-11-26T09:00:00Z", errUsage)
		}
	}
	file, err := optOutFile(e, c.File)
	if err != nil {
		return err
	}
	var sent []byte
	if c.Sent != "" {
		if sent, err = optOutFile(e, c.Sent); err != nil {
			return err
		}
	}
	r, err := e.region.LoadOptOuts(e.ctx, region.OperatorSubject(), file, sent, at)
	if err != nil {
		return err
	}
	return e.optOuts(r, c.JSON)
}

// optOutFile reads a file, no more of it than may be.
func optOutFile(e *env, name string) ([]byte, error) {
	f, err := os.Open(e.path(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, optout.MaxFile+1))
	if b == nil {
		b = []byte{}
	}
	return b, err
}

type optoutFilterCmd struct {
	File string `arg:"" help:"NHS numbers, each with a comma and a line feed." placeholder:"FILE"`
}

func (optoutFilterCmd) needsRegion() {}

func (c optoutFilterCmd) Run(e *env) error {
	file, err := optOutFile(e, c.File)
	if err != nil {
		return err
	}
	back, left, err := e.region.FilterOptOuts(e.ctx, region.OperatorSubject(), file)
	if err != nil {
		return err
	}
	if _, err := e.stdout.Write(back); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d left out: they have opted out, or were not asked about\n", left)
	return nil
}

type optoutStatusCmd struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (optoutStatusCmd) needsRegion() {}

func (c optoutStatusCmd) Run(e *env) error {
	r, err := e.region.OptOuts(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	return e.optOuts(r, c.JSON)
}

// optOuts prints of when a register is, and how many are in it.
func (e *env) optOuts(r *optout.Register, asJSON bool) error {
	out, checked := r.Counts()
	usable := r.Usable(e.region.Now()) == nil
	if asJSON {
		return e.printJSON(struct {
			At       time.Time `json:"at"`
			Until    time.Time `json:"until"`
			OptedOut int       `json:"optedOut"`
			Checked  int       `json:"checked"`
			Usable   bool      `json:"usable"`
		}{r.At, r.Until(), out, checked, usable})
	}
	if r.At.IsZero() {
		fmt.Fprintln(e.stdout, "no national data opt-outs were loaded")
		return nil
	}
	fmt.Fprintf(e.stdout, "%d have opted out, as at %s; to be used until %s\n", out, r.At.Format(time.DateTime), r.Until().Format(time.DateTime))
	return nil
}

type optoutShowCmd struct {
	Citizen string `arg:"" help:"The citizen's NHS number, or their id, which is in the address of their record." placeholder:"CITIZEN"`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

func (optoutShowCmd) needsRegion() {}

func (c optoutShowCmd) Run(e *env) error {
	citizen, err := e.citizen(c.Citizen)
	if err != nil {
		return err
	}
	p, err := e.region.OptOutsOf(e.ctx, region.OperatorSubject(), citizen)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(struct {
			National bool `json:"national"`
			TypeOne  bool `json:"typeOne"`
		}{p.National, p.TypeOne})
	}
	fmt.Fprintf(e.stdout, "national data opt-out: %s; Type 1 objection: %s. Neither applies to individual care.\n", yes(p.National, "has opted out, or it can't be told"), yes(p.TypeOne, "objects"))
	return nil
}

func yes(b bool, words string) string {
	if b {
		return words
	}
	return "no"
}
