package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
)

type rightsCmd struct {
	List      rightsListCmd      `cmd:"" help:"The cases, what is overdue first."`
	Show      rightsShowCmd      `cmd:"" help:"One case, with what was done."`
	Open      rightsOpenCmd      `cmd:"" help:"Write down a request that came to an organisation."`
	Decide    rightsDecideCmd    `cmd:"" help:"Say what a case came to."`
	Extend    rightsExtendCmd    `cmd:"" help:"Take two months more, with a reason, within the first month."`
	Hold      rightsHoldCmd      `cmd:"" help:"What stops disposal: list it, hold a person, a case or a source, end a hold."`
	Retention rightsRetentionCmd `cmd:"" help:"How long things are kept: show the schedule, or put a file in force."`
	Dispose   rightsDisposeCmd   `cmd:"" help:"Destroy what was kept long enough, or what a court has ordered to be removed."`
}

// caseLine is a case as --json prints it: no name, and nothing of what was asked.
type caseLine struct {
	ID         string       `json:"id"`
	Kind       rights.Kind  `json:"kind"`
	Controller nhs.ODS      `json:"controller"`
	State      rights.State `json:"state"`
	Outcome    string       `json:"outcome,omitempty"`
	Received   string       `json:"received"`
	Due        string       `json:"due,omitempty"`
	Left       int          `json:"left"` // days; less than 0 where it is overdue
	Overdue    bool         `json:"overdue"`
}

func caseLineOf(e *env, c *rights.Case) caseLine {
	now := e.region.Now()
	l := caseLine{ID: c.ID, Kind: c.Asked.Kind, Controller: c.Controller, State: c.State, Outcome: c.Outcome, Received: c.Received.Format("2006-01-02")}
	var urgency rights.Urgency
	urgency, l.Left = c.Urgency(now)
	l.Overdue = urgency == rights.Overdue
	if due := c.Due(now); !due.IsZero() && c.State != rights.Closed {
		l.Due = due.Format("2006-01-02")
	}
	return l
}

func (l caseLine) String() string {
	left := ""
	switch {
	case l.Overdue:
		left = fmt.Sprintf(", overdue by %d days", -l.Left)
	case l.Due != "":
		left = fmt.Sprintf(", answer by %s, %d days left", l.Due, l.Left)
	}
	state := string(l.State)
	if l.Outcome != "" {
		state += ": " + l.Outcome
	}
	return fmt.Sprintf("%s  %-11s %-8s %s, received %s%s", l.ID, l.Kind, l.Controller, state, l.Received, left)
}

type rightsListCmd struct {
	Organisation string `help:"Of this organisation alone." placeholder:"CODE"`
	All          bool   `help:"Those that are closed, too."`
	JSON         bool   `name:"json" help:"Print one JSON object a line."`
}

func (rightsListCmd) needsRegion() {}

func (c rightsListCmd) Run(e *env) error {
	s := region.OperatorSubject()
	s.Organisation = nhs.ODS(c.Organisation)
	list, err := e.region.Access.CasesOf(e.ctx, s, !c.All)
	if err != nil {
		return err
	}
	for i := range list {
		l := caseLineOf(e, &list[i])
		if c.JSON {
			if err := e.printJSON(l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(e.stdout, l)
	}
	return nil
}

type rightsShowCmd struct {
	ID        string `arg:"" help:"The case."`
	Statement bool   `help:"Of a disposal: print the statement of what was destroyed."`
	JSON      bool   `name:"json" help:"Print the whole case as one JSON object."`
}

func (rightsShowCmd) needsRegion() {}

func (c rightsShowCmd) Run(e *env) error {
	s := region.OperatorSubject()
	if c.Statement {
		b, err := e.region.Access.CaseFile(e.ctx, s, c.ID, rights.StatementFile)
		if err == nil {
			_, err = e.stdout.Write(b)
		}
		return err
	}
	k, err := e.region.Access.Case(e.ctx, s, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(k)
	}
	fmt.Fprintln(e.stdout, caseLineOf(e, &k))
	for _, step := range k.Steps {
		fmt.Fprintf(e.stdout, "  %s  %s, %s", step.At.Format("2006-01-02 15:04"), rights.DidWords(step.Did), step.By.Name)
		if step.Code != "" {
			fmt.Fprintf(e.stdout, ": %s", step.Code)
		}
		fmt.Fprintln(e.stdout)
	}
	for _, f := range k.Files {
		fmt.Fprintf(e.stdout, "  %s  sha256 %s\n", f.Name, f.SHA256)
	}
	return nil
}

type rightsOpenCmd struct {
	Number       string `required:"" help:"The person's NHS number." placeholder:"NUMBER"`
	Organisation string `required:"" help:"Which organisation answers." placeholder:"CODE"`
	Kind         string `required:"" help:"access, correction, restriction, erasure or objection."`
	Asker        string `required:"" help:"Who asked, and how." placeholder:"WORDS"`
	Identity     string `help:"How they have shown who they are; without it the clock waits." placeholder:"WORDS"`
	Words        string `help:"What they ask." placeholder:"WORDS"`
	Item         string `help:"Of which item, such as Condition/abc." placeholder:"TYPE/ID"`
	Order        string `help:"The court's number, where a court has ordered it." placeholder:"NUMBER"`
}

func (rightsOpenCmd) needsRegion() {}

func (c rightsOpenCmd) Run(e *env) error {
	n, err := nhs.ParseNumber(c.Number)
	if err != nil {
		return fault.E("rights open", fault.Value, "that is no NHS number", "number")
	}
	s := region.OperatorSubject()
	s.Organisation = nhs.ODS(c.Organisation)
	ask := rights.Asked{Kind: rights.Kind(c.Kind), Asker: c.Asker, Identity: c.Identity, Words: c.Words, Order: c.Order}
	if c.Order != "" {
		ask.By = rights.ByCourt
	}
	ask.Item.Type, ask.Item.ID, _ = strings.Cut(c.Item, "/")
	k, err := e.region.Access.AskForNumber(e.ctx, s, n, ask)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, k.ID)
	return nil
}

type rightsDecideCmd struct {
	ID      string `arg:"" help:"The case."`
	Outcome string `required:"" help:"What it came to: refused, disputed, restricted, upheld, released, …" placeholder:"CODE"`
	Why     string `help:"The reason: the person reads it." placeholder:"WORDS"`
}

func (rightsDecideCmd) needsRegion() {}

func (c rightsDecideCmd) Run(e *env) error {
	return e.acts(c.ID, rights.Step{Did: rights.Decided, Code: c.Outcome, Words: c.Why})
}

type rightsExtendCmd struct {
	ID  string `arg:"" help:"The case."`
	Why string `required:"" help:"Why it takes longer: the person reads it." placeholder:"WORDS"`
}

func (rightsExtendCmd) needsRegion() {}

func (c rightsExtendCmd) Run(e *env) error {
	return e.acts(c.ID, rights.Step{Did: rights.Extended, Words: c.Why})
}

// acts does something to a case, and prints how it stands then.
func (e *env) acts(id string, step rights.Step) error {
	k, err := e.region.Access.ActOnCase(e.ctx, region.OperatorSubject(), id, step)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, caseLineOf(e, &k))
	return nil
}

type rightsHoldCmd struct {
	Person string `help:"Hold all of a person: the citizen's id." placeholder:"ID"`
	Case   string `help:"Hold what a case is about." placeholder:"ID"`
	Source string `help:"Hold all of a source, or of an organisation: RJZ:PAS, RJZ:." placeholder:"SOURCE"`
	Why    string `help:"Why it is held." placeholder:"WORDS"`
	Until  string `help:"The day on which it ends by itself." placeholder:"YYYY-MM-DD"`
	End    string `help:"Ask that the hold with this id ends, with --why; another person says --agree." placeholder:"ID"`
	Agree  bool   `help:"With --end: agree to what another person has asked for."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
}

func (rightsHoldCmd) needsRegion() {}

func (c rightsHoldCmd) Run(e *env) error {
	s := region.OperatorSubject()
	switch {
	case c.End != "" && c.Agree:
		return e.region.ReleaseHold(e.ctx, s, c.End)
	case c.End != "":
		return e.region.AskReleaseHold(e.ctx, s, c.End, c.Why)
	case c.Person != "" || c.Case != "" || c.Source != "":
		until, err := rights.HeldUntil(c.Until)
		if err != nil {
			return err
		}
		id, err := e.region.AddHold(e.ctx, s, rights.Hold{Citizen: c.Person, Case: c.Case, Source: nhs.Source(c.Source), Why: c.Why, Until: until})
		if err == nil {
			fmt.Fprintln(e.stdout, id)
		}
		return err
	}
	list, err := e.region.Holds(e.ctx, s)
	if err != nil {
		return err
	}
	for _, h := range list {
		if c.JSON {
			if err := e.printJSON(h); err != nil {
				return err
			}
			continue
		}
		until := "in force"
		switch {
		case !h.Ended.IsZero():
			until = "ended " + h.Ended.Format("2006-01-02") + " by " + h.EndedBy.Name
		case !h.Holds(e.region.Now()):
			until = "ended by itself"
		case h.EndAsked.User != "":
			until = h.EndAsked.Name + " asks that it ends: " + h.EndWhy
		}
		fmt.Fprintf(e.stdout, "%s  %s%s%s, since %s by %s, %s: %s\n", h.ID, h.Citizen, h.Case, h.Source, h.From.Format("2006-01-02"), h.By.Name, until, h.Why)
	}
	return nil
}

type rightsRetentionCmd struct {
	File string `arg:"" optional:"" help:"A schedule to put in force; without one the schedule in force is printed." placeholder:"FILE"`
}

func (rightsRetentionCmd) needsRegion() {}

// mostRetention bounds a file of retention.
const mostRetention = 64 << 10

func (c rightsRetentionCmd) Run(e *env) error {
	if c.File == "" {
		b, err := e.region.Schedule()
		if err == nil {
			_, err = e.stdout.Write(b)
		}
		return err
	}
	f, err := os.Open(e.path(c.File))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, mostRetention+1))
	if err != nil {
		return err
	}
	return e.region.PutSchedule(e.ctx, region.OperatorSubject(), b)
}

// subjectOf is the operator, for an organisation.
func subjectOf(organisation string) policy.Subject {
	s := region.OperatorSubject()
	s.Organisation = nhs.ODS(organisation)
	return s
}
