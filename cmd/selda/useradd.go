package main

import (
	"fmt"
	"time"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/internal/london"
	"selda/nhs"
)

type userAddCmd struct {
	User         string `arg:"" help:"Its user name: letters, digits and -_.:@"`
	Name         string `required:"" help:"The person's name, or the system's."`
	Role         string `required:"" help:"In which role they act: gp, nurse, receptionist, privacy-officer, source-system, citizen…"`
	Organisation string `help:"The ODS code of the organisation that they work for." placeholder:"CODE"`
	NHSNumber    string `name:"nhs-number" help:"Of a citizen." placeholder:"NUMBER"`
	Source       string `help:"Of a system, the feed that it writes as." placeholder:"CODE"`
	Contact      string `help:"Who answers for the account." placeholder:"ADDRESS"`
	Ends         string `help:"Its first day without, with a contract: 2027-03-31." placeholder:"DATE"`
	Provider     string `help:"The sign-on provider from outside that vouches; left out, the one in the box." placeholder:"NAME"`
	Reason       string `required:"" help:"Why; it is in the trail."`
}

func (userAddCmd) needsRegion() {}

// Run makes the account, and prints the password that is good once.
func (c userAddCmd) Run(e *env) error {
	a, err := c.account()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if a.Organisation != "" {
		a.OrganisationName = e.region.OrganisationName(a.Organisation)
		if !e.region.TakesPart(a.Organisation) {
			fmt.Fprintf(e.stderr, "nobody of the organisation %s is here yet, and the directory has no name for it: look whether the code is right\n", a.Organisation)
		}
	}
	password, err := e.region.Auth.Make(e.ctx, region.OperatorSubject(), a, c.Reason)
	if err != nil {
		return err
	}
	return e.given(password)
}

// account is what was said of it.
func (c userAddCmd) account() (a auth.Account, err error) {
	a = auth.Account{User: c.User, Name: c.Name, Contact: c.Contact, Provider: c.Provider}
	if a.Role, err = nhs.ParseRole(c.Role); err != nil {
		return a, fmt.Errorf("--role: %w", err)
	}
	if c.Organisation != "" {
		if a.Organisation, err = nhs.ParseODS(c.Organisation); err != nil {
			return a, err
		}
	}
	if c.NHSNumber != "" {
		if a.NHSNumber, err = nhs.ParseNumber(c.NHSNumber); err != nil {
			return a, err
		}
	}
	if c.Source != "" {
		if a.Source, err = nhs.ParseFeed(c.Source); err != nil {
			return a, err
		}
		if a.Organisation == "" {
			a.Organisation = a.Source.Organisation()
		}
	}
	if c.Ends != "" {
		a.Ends, err = auth.EndDay(c.Ends)
	}
	return a, err
}

// given prints a password that was given out, alone, and says beside it what it is for.
func (e *env) given(password string) error {
	if password == "" {
		return nil
	}
	fmt.Fprintf(e.stderr, "the password is good once, until %s, to choose another:\n", london.In(time.Now().Add(auth.GivenFor)).Format("2 January 2006"))
	_, err := fmt.Fprintln(e.stdout, password)
	return err
}

type userPasswordCmd struct{ acted }

// Run gives somebody who has forgotten theirs another password.
func (c userPasswordCmd) Run(e *env) error {
	password, err := e.region.Auth.GivePassword(e.ctx, region.OperatorSubject(), c.User, c.Reason)
	if err != nil {
		return err
	}
	return e.given(password)
}
