package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"selda/auth/app"
	"selda/cmd/selda/region"
)

// appCmd is the applications that may act in people's names.
type appCmd struct {
	List     appListCmd     `cmd:"" help:"List the applications, with their owners and ends."`
	Register appRegisterCmd `cmd:"" help:"Register an application from its metadata (RFC 7591) in a file. It is pending until it is approved."`
	Approve  appApproveCmd  `cmd:"" help:"Have an application used, until an end."`
	Suspend  appSuspendCmd  `cmd:"" help:"Stop an application at once."`
	Remove   appRemoveCmd   `cmd:"" help:"Take an application away; what people connected ends with it."`
}

// govern has the operator's decision recorded before it is done.
func (e *env) governApps(what, client string) error {
	return e.region.Access.GovernApps(e.ctx, region.OperatorSubject(), what, client)
}

type appListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (appListCmd) needsRegion() {}

// appLine is an application as --json prints it.
type appLine struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Owner   string     `json:"owner"`
	Contact string     `json:"contact"`
	Kind    app.Kind   `json:"kind"`
	For     []string   `json:"for"`
	Scopes  []string   `json:"scopes"`
	State   string     `json:"state"`
	Until   *time.Time `json:"until,omitempty"`
	Secret  *time.Time `json:"secret_until,omitempty"`
	By      string     `json:"approved_by,omitempty"`
}

func appLineOf(a *app.App, now time.Time) appLine {
	l := appLine{ID: a.ID, Name: a.Name, Owner: a.Owner, Contact: a.Contact, Kind: a.Kind, For: a.For, Scopes: a.Scopes, State: a.State(now)}
	if a.Approved != nil {
		l.Until, l.By = &a.Approved.Until, a.Approved.By
	}
	if !a.SecretUntil.IsZero() {
		l.Secret = &a.SecretUntil
	}
	return l
}

func (c appListCmd) Run(e *env) error {
	if err := e.governApps("register of applications", ""); err != nil {
		return err
	}
	list, err := e.region.Auth.Apps.List()
	if err != nil {
		return err
	}
	now := time.Now()
	var rows [][]string
	for _, a := range list {
		if c.JSON {
			if err := e.printJSON(appLineOf(&a, now)); err != nil {
				return err
			}
			continue
		}
		end := ""
		if !a.End().IsZero() {
			end = a.End().Format(time.DateOnly)
		}
		rows = append(rows, []string{a.ID, a.Name, a.State(now), cmp.Or(end, "-"), a.Owner, strings.Join(a.For, " ")})
	}
	if !c.JSON {
		e.table("id\tname\tstate\tends\towner\tfor", rows)
	}
	return nil
}

type appRegisterCmd struct {
	File string `arg:"" help:"JSON as RFC 7591 has it." `
}

func (appRegisterCmd) needsRegion() {}

func (c appRegisterCmd) Run(e *env) error {
	b, err := os.ReadFile(e.path(c.File))
	if err != nil {
		return err
	}
	m, err := app.ParseMetadata(b)
	if err != nil {
		return err
	}
	now := time.Now()
	x, secret, err := m.App(now)
	if err != nil {
		return err
	}
	if err := e.governApps("application: register", ""); err != nil {
		return err
	}
	x.By = region.OperatorSubject().User
	if x, err = e.region.Auth.Apps.Add(x, now); err != nil {
		return err
	}
	return e.printJSON(x.Said(secret, now))
}

type appApproveCmd struct {
	ID      string `arg:"" help:"The application."`
	Until   string `help:"The end, YYYY-MM-DD: within two years. A year from now where it is not said." placeholder:"DATE"`
	Account string `help:"The source system's account that a backend service acts as." placeholder:"NAME"`
}

func (appApproveCmd) needsRegion() {}

func (c appApproveCmd) Run(e *env) error {
	now := time.Now()
	until := now.AddDate(1, 0, 0)
	if c.Until != "" {
		var err error
		if until, err = time.Parse(time.DateOnly, c.Until); err != nil {
			return fmt.Errorf("%w: --until is a date, YYYY-MM-DD", errUsage)
		}
	}
	if err := e.governApps("application: approve", c.ID); err != nil {
		return err
	}
	x, err := e.region.Auth.Apps.Approve(c.ID, region.OperatorSubject().User, c.Account, now, until)
	if err != nil {
		return err
	}
	return e.printJSON(appLineOf(&x, now))
}

type appSuspendCmd struct {
	ID     string `arg:"" help:"The application."`
	Reason string `help:"Why." placeholder:"WORDS"`
}

func (appSuspendCmd) needsRegion() {}

func (c appSuspendCmd) Run(e *env) error {
	if err := e.governApps("application: suspend", c.ID); err != nil {
		return err
	}
	now := time.Now()
	x, err := e.region.Auth.Apps.Suspend(c.ID, region.OperatorSubject().User, c.Reason, now)
	if err != nil {
		return err
	}
	return e.printJSON(appLineOf(&x, now))
}

type appRemoveCmd struct {
	ID string `arg:"" help:"The application."`
}

func (appRemoveCmd) needsRegion() {}

func (c appRemoveCmd) Run(e *env) error {
	if err := e.governApps("application: remove", c.ID); err != nil {
		return err
	}
	return e.region.Auth.Apps.Remove(c.ID)
}
