package main

import (
	"fmt"
	"time"

	"selda/cmd/selda/region"
	"selda/policy"
	"selda/proxy"
)

// proxyCmd is who acts for whom (G11), for an operator: practices decide it on the
// pages of a record, which this is for where no practice can.
type proxyCmd struct {
	List proxyListCmd `cmd:"" help:"Who acts for a citizen, and since when, on what evidence, until when."`
	Add  proxyAddCmd  `cmd:"" help:"Let an account act for a citizen, or decide again about one that does."`
	End  proxyEndCmd  `cmd:"" help:"End that somebody acts for a citizen, at once."`
}

type proxyListCmd struct {
	Citizen string `arg:"" help:"The citizen's NHS number, or their id, which is in the address of their record." placeholder:"CITIZEN"`
	All     bool   `help:"Also those who do no longer."`
	JSON    bool   `name:"json" help:"One JSON object a line."`
}

func (proxyListCmd) needsRegion() {}

// shownHelper is one who acts, as it is printed.
type shownHelper struct {
	ID       string          `json:"id"`
	User     string          `json:"user"`
	Name     string          `json:"name"`
	As       policy.ActingAs `json:"as"`
	Whole    bool            `json:"whole"` // the whole record, where it would be narrowed
	Evidence string          `json:"evidence"`
	From     time.Time       `json:"from"`
	To       *time.Time      `json:"to,omitempty"`
	Ended    bool            `json:"ended"`
	By       string          `json:"by"` // who decided
	Stopped  string          `json:"stopped,omitempty"`
}

func (c proxyListCmd) Run(e *env) error {
	citizen, err := e.citizen(c.Citizen)
	if err != nil {
		return err
	}
	list, err := e.region.Helpers(e.ctx, region.OperatorSubject(), citizen)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, h := range list {
		if h.Ended && !c.All {
			continue
		}
		p := shownHelper{ID: h.ID, User: h.User, Name: h.Name, As: h.As, Whole: h.Whole, Evidence: h.Evidence, From: h.From, Ended: h.Ended, By: h.By, Stopped: h.Stopped}
		until := ""
		if !h.To.IsZero() {
			p.To, until = &h.To, h.To.Format(time.DateOnly)
		}
		if c.JSON {
			if err := e.printJSON(p); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{p.ID, p.User, string(p.As), p.From.Format(time.DateOnly), until, p.By})
	}
	if !c.JSON {
		e.table("id\taccount\tas\tfrom\tuntil\tdecided by", rows)
	}
	return nil
}

type proxyAddCmd struct {
	Citizen  string   `arg:"" help:"The citizen's NHS number, or their id, which is in the address of their record." placeholder:"CITIZEN"`
	User     string   `arg:"" help:"The account with which they sign in." placeholder:"USER"`
	As       string   `required:"" help:"parental-responsibility, own-wish, attorney or deputy." placeholder:"KIND"`
	Evidence string   `required:"" help:"What was seen or checked: the paper with its number, and how both are known." placeholder:"WORDS"`
	Until    string   `help:"The last day, such as 2027-11-26; a deputy's order always has one." placeholder:"DAY"`
	Whole    bool     `help:"The whole record, where it would be narrowed from the eleventh birthday."`
	Sets     []string `help:"Only these kinds of data, such as medications,appointments; all that their kind sees unless said." placeholder:"KIND,…"`
}

func (proxyAddCmd) needsRegion() {}

func (c proxyAddCmd) Run(e *env) error {
	p := proxy.Person{Acting: policy.Acting{User: c.User, As: policy.ActingAs(c.As), Evidence: c.Evidence, Whole: c.Whole}}
	if c.Until != "" {
		var err error
		if p.To, err = time.Parse(time.DateOnly, c.Until); err != nil {
			return fmt.Errorf("%w: --until is a day such as 2027-11-26", errUsage)
		}
	}
	for _, code := range c.Sets {
		d := policy.ParseDataSet(code)
		if d == policy.NoDataSet {
			return fmt.Errorf("%w: %s is no kind of data, such as medications or appointments", errUsage, code)
		}
		p.DataSets |= policy.SetOf(d)
	}
	citizen, err := e.citizen(c.Citizen)
	if err != nil {
		return err
	}
	return e.region.LetAct(e.ctx, region.OperatorSubject(), citizen, p)
}

type proxyEndCmd struct {
	Citizen string `arg:"" help:"The citizen's NHS number, or their id, which is in the address of their record." placeholder:"CITIZEN"`
	ID      string `arg:"" help:"The id of it, as proxy list prints it." placeholder:"ID"`
}

func (proxyEndCmd) needsRegion() {}

func (c proxyEndCmd) Run(e *env) error {
	citizen, err := e.citizen(c.Citizen)
	if err != nil {
		return err
	}
	return e.region.StopActing(e.ctx, region.OperatorSubject(), citizen, c.ID)
}
