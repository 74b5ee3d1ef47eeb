package main

import (
	"cmp"
	"fmt"
	"time"

	"selda/cmd/selda/region"
	"selda/internal/london"
	"selda/secrets"
)

// secretsCmd is every account, key, certificate and secret: who owns it, when it ends.
type secretsCmd struct {
	List   secretsListCmd   `cmd:"" help:"List accounts, applications, keys, certificates and secrets, the most urgent first."`
	Own    secretsOwnCmd    `cmd:"" help:"Say who answers for one, and when it ends."`
	Rotate secretsRotateCmd `cmd:"" help:"Replace a key or a secret by a new one."`
}

type secretsListCmd struct {
	Overdue bool `help:"Those alone that have ended or are not kept safely; exit status 1 where there is one."`
	JSON    bool `name:"json" help:"One JSON object a line."`
}

func (secretsListCmd) needsRegion() {}

// secretLine is an item as --json prints it.
type secretLine struct {
	Name    string        `json:"name"`
	Kind    secrets.Kind  `json:"kind"`
	State   secrets.State `json:"state"`
	Owner   string        `json:"owner,omitempty"`
	Contact string        `json:"contact,omitempty"`
	Made    *time.Time    `json:"made,omitempty"`
	Rotated *time.Time    `json:"rotated,omitempty"`
	Used    *time.Time    `json:"used,omitempty"`
	Ends    *time.Time    `json:"ends,omitempty"`
	Days    *int          `json:"days_left,omitempty"`
	Why     string        `json:"why,omitempty"` // it has no end, or is not kept safely
	Rotates bool          `json:"rotates"`
}

func secretLineOf(i *secrets.Item, now time.Time) secretLine {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	l := secretLine{Name: i.Name, Kind: i.Kind, State: i.State(now), Owner: i.Owner, Contact: i.Contact, Made: at(i.Made), Rotated: at(i.Rotated), Used: at(i.Used), Ends: at(i.Ends), Why: cmp.Or(i.Unsafe, i.Endless), Rotates: i.Rotates}
	if days, ends := i.DaysLeft(now); ends {
		l.Days = &days
	}
	return l
}

func (c secretsListCmd) Run(e *env) error {
	items, err := e.region.Secrets(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	now := e.region.Now()
	var rows [][]string
	overdue := 0
	for i := range items {
		state := items[i].State(now)
		late := state == secrets.Overdue || state == secrets.NotKept
		if late {
			overdue++
		} else if c.Overdue {
			continue
		}
		if c.JSON {
			if err := e.printJSON(secretLineOf(&items[i], now)); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, secretRow(&items[i], state))
	}
	if !c.JSON {
		e.table("name\tstate\tends\tlast replaced\tlast used\towner", rows)
	}
	if c.Overdue && overdue > 0 {
		return exitCode(1)
	}
	return nil
}

func secretRow(i *secrets.Item, state secrets.State) []string {
	date := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.Format(time.DateOnly)
	}
	replaced := date(i.Rotated, "")
	if replaced == "" {
		replaced = "made " + date(i.Made, "?")
	}
	owner := cmp.Or(i.Owner, "-")
	if i.Contact != "" {
		owner += " <" + i.Contact + ">"
	}
	return []string{i.Name, string(state), date(i.Ends, "-"), replaced, date(i.Used, "-"), owner}
}

type secretsOwnCmd struct {
	Name    string `arg:"" help:"Which, as secrets list names it."`
	Owner   string `help:"The person or team that answers for it." placeholder:"WHO"`
	Contact string `help:"How they are reached." placeholder:"ADDRESS"`
	Ends    string `help:"The day from which it is not to be used any more; an account is refused from then on." placeholder:"YYYY-MM-DD"`
}

func (secretsOwnCmd) needsRegion() {}

func (c secretsOwnCmd) Run(e *env) error {
	o := secrets.Owned{Owner: c.Owner, Contact: c.Contact}
	if c.Ends != "" {
		day, err := time.Parse(time.DateOnly, c.Ends)
		if err != nil {
			return fmt.Errorf("%w: --ends is a day such as 2027-03-31", errUsage)
		}
		o.Ends, _ = london.Day(day.Add(12 * time.Hour)) // it begins at midnight of the region
	}
	return e.region.OwnSecret(e.ctx, region.OperatorSubject(), c.Name, o)
}

type secretsRotateCmd struct {
	Name   string `arg:"" help:"Which: master, tokens, trail/signer, identity-keys, provider-keys, app/ID."`
	AtOnce bool   `help:"Of tokens: refuse what was signed before, too."`
}

func (secretsRotateCmd) needsRegion() {}

func (c secretsRotateCmd) Run(e *env) error {
	next, err := e.region.RotateSecret(e.ctx, region.OperatorSubject(), c.Name, c.AtOnce)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is replaced: %s\n", c.Name, next)
	return nil
}
