package main

import (
	"fmt"
	"strconv"
	"time"

	"selda/cmd/selda/region"
	"selda/subscription"
)

type subscriptionCmd struct {
	List   subscriptionListCmd   `cmd:"" help:"List who is told of changes, and how it goes."`
	Show   subscriptionShowCmd   `cmd:"" help:"Show one, with what was set aside."`
	Replay subscriptionReplayCmd `cmd:"" help:"Tell again what was set aside, and go on from where it stopped."`
	Off    subscriptionOffCmd    `cmd:"" help:"Turn one off. What waits is kept for a replay."`
}

type subscriptionListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (subscriptionListCmd) needsRegion() {}

func (c subscriptionListCmd) Run(e *env) error {
	list, err := e.region.Subscribers(e.ctx, region.OperatorSubject(), "")
	if err != nil {
		return err
	}
	var rows [][]string
	for _, s := range list {
		if c.JSON {
			if err := e.printJSON(s); err != nil {
				return err
			}
		}
		rows = append(rows, []string{s.User + "/" + s.ID, s.Status, s.Channel, s.Host, strconv.FormatUint(s.Told, 10), strconv.Itoa(s.Waiting), strconv.Itoa(s.Aside), s.Reason})
	}
	if !c.JSON {
		e.table("id\tstatus\tchannel\thost\ttold\twaiting\tset aside\treason", rows)
	}
	return nil
}

type subscriptionShowCmd struct {
	ID    string `arg:"" help:"The subscription: ID, or ACCOUNT/ID."`
	Limit int    `default:"100" help:"How many events at most."`
	JSON  bool   `name:"json" help:"Print one JSON object."`
}

func (subscriptionShowCmd) needsRegion() {}

// notTold is an event that was set aside.
type notTold struct {
	Number   uint64    `json:"number"`
	Resource string    `json:"resource"`
	At       time.Time `json:"at"`
	Aside    time.Time `json:"aside"`
	Reason   string    `json:"reason"`
}

func (c subscriptionShowCmd) Run(e *env) error {
	aside, err := e.region.NotTold(e.ctx, region.OperatorSubject(), c.ID, c.Limit)
	if err != nil {
		return err
	}
	list, err := e.region.Subscribers(e.ctx, region.OperatorSubject(), c.ID)
	if err != nil {
		return err
	}
	events, rows := []notTold{}, [][]string{}
	for _, x := range aside {
		t := notTold{x.Number, x.Type + "/" + x.ID, x.At, x.Done, x.Reason}
		events = append(events, t)
		rows = append(rows, []string{strconv.FormatUint(t.Number, 10), t.Resource, t.At.Format(time.DateTime), t.Aside.Format(time.DateTime), t.Reason})
	}
	s := list[0]
	if c.JSON {
		return e.printJSON(struct {
			subscription.Told
			Events []notTold `json:"events"`
		}{s, events})
	}
	fmt.Fprintf(e.stdout, "id         %s\naccount    %s\nstatus     %s\nchannel    %s\nhost       %s\ntopic      %s\nreason     %s\ntold       %d\nwaiting    %d\nset aside  %d\n\n",
		s.ID, s.User, s.Status, s.Channel, s.Host, s.Topic, s.Reason, s.Told, s.Waiting, s.Aside)
	e.table("number\tresource\thappened\tset aside\treason", rows)
	return nil
}

type subscriptionReplayCmd struct {
	ID string `arg:"" help:"The subscription: ID, or ACCOUNT/ID."`
}

func (subscriptionReplayCmd) needsRegion() {}

func (c subscriptionReplayCmd) Run(e *env) error {
	s, err := e.region.TellAgain(e.ctx, region.OperatorSubject(), c.ID)
	if err == nil {
		fmt.Fprintf(e.stdout, "%s is %s, with %d events to tell\n", s.ID, s.Status, s.Waiting)
	}
	return err
}

type subscriptionOffCmd struct {
	ID string `arg:"" help:"The subscription: ID, or ACCOUNT/ID."`
}

func (subscriptionOffCmd) needsRegion() {}

func (c subscriptionOffCmd) Run(e *env) error {
	err := e.region.TellNoMore(e.ctx, region.OperatorSubject(), c.ID)
	if err == nil {
		fmt.Fprintf(e.stdout, "%s is off\n", c.ID)
	}
	return err
}
