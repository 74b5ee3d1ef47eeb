package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"selda/access"
	"selda/agreement"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
)

type agreementCmd struct {
	List      agreementListCmd      `cmd:"" help:"The agreements, how each stands, and what a controller has to look at."`
	Show      agreementShowCmd      `cmd:"" help:"An agreement's file, as it is or as a revision had it."`
	Put       agreementPutCmd       `cmd:"" help:"Put a file in force, in place of the agreement of its name."`
	Try       agreementTryCmd       `cmd:"" help:"What a file would change if it were signed, or what the end of an agreement would: who would see how many more or fewer items, of which kinds."`
	Catalogue agreementCatalogueCmd `cmd:"" help:"Which sources hold which kinds of data, and under which agreements each is shared."`
	Sign      agreementSignCmd      `cmd:"" help:"Sign for an organisation."`
	Suspend   agreementSuspendCmd   `cmd:"" help:"Stop the flow from some sources."`
	Resume    agreementResumeCmd    `cmd:"" help:"Let it flow again."`
	Renew     agreementRenewCmd     `cmd:"" help:"Give it a new end."`
	Withdraw  agreementWithdrawCmd  `cmd:"" help:"End it for good."`
}

type agreementLine struct {
	Agreement string              `json:"agreement"`
	Title     string              `json:"title"`
	Purposes  []agreement.Purpose `json:"purposes"`
	State     string              `json:"state"`
	Begins    time.Time           `json:"begins"`
	Ends      *time.Time          `json:"ends,omitempty"`
	Revision  int                 `json:"revision"`
	Notices   []string            `json:"notices,omitempty"`
}

type agreementListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (agreementListCmd) needsRegion() {}

func (c agreementListCmd) Run(e *env) error {
	if err := e.region.Access.Govern(e.ctx, region.OperatorSubject(), "agreements"); err != nil {
		return err
	}
	set, now := e.region.Agreements.Latest(), e.region.Now()
	notices := set.Notices(now)
	var rows [][]string
	for _, a := range set.All() {
		l := agreementLine{Agreement: a.ID, Title: a.Title, Purposes: a.Purposes, State: a.State(now), Begins: a.Begins, Revision: len(e.region.Agreements.Revisions(a.ID))}
		ends := "no end"
		if !a.Ends.IsZero() {
			l.Ends, ends = &a.Ends, london.In(a.Ends.Add(-12*time.Hour)).Format(time.DateOnly) // its last day, as the file has it
		}
		for _, n := range notices {
			if n.Agreement == a.ID {
				l.Notices = append(l.Notices, n.Words)
			}
		}
		if c.JSON {
			if err := e.printJSON(l); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{a.ID, l.State, london.In(a.Begins).Format(time.DateOnly), ends, strconv.Itoa(l.Revision), a.Title})
		for _, n := range l.Notices {
			rows = append(rows, []string{"", "  " + n})
		}
	}
	if !c.JSON {
		e.table("agreement\tstate\tbegins\tends\trevision\ttitle", rows)
	}
	return nil
}

type agreementCatalogueCmd struct {
	Citizens int  `help:"How many citizens are looked at, spread over all." default:"2000" placeholder:"N"`
	JSON     bool `name:"json" help:"One JSON object a line."`
}

func (agreementCatalogueCmd) needsRegion() {}

func (c agreementCatalogueCmd) Run(e *env) error {
	list, citizens, all, err := e.region.Access.Catalogue(e.ctx, region.OperatorSubject(), c.Citizens)
	if err != nil {
		return err
	}
	set, now := e.region.Agreements.Latest(), e.region.Now()
	var rows [][]string
	for _, h := range list {
		under := set.Sharing(h.Source, h.Kind, now)
		if c.JSON {
			if err := e.printJSON(map[string]any{"source": h.Source, "kind": h.Kind.String(), "items": h.Items, "citizens": h.Citizens, "of": citizens, "agreements": under}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{string(h.Source), h.Kind.String(), strconv.Itoa(h.Items), strconv.Itoa(h.Citizens), cmp.Or(strings.Join(under, ", "), "none")})
	}
	if !c.JSON {
		of := "all " + strconv.Itoa(citizens) + " citizens"
		if !all {
			of = strconv.Itoa(citizens) + " citizens, spread over all"
		}
		fmt.Fprintf(e.stdout, "of %s:\n\n", of)
		e.table("source\tkind\titems\tcitizens\tagreements", rows)
	}
	return nil
}

type agreementShowCmd struct {
	ID       string `arg:"" help:"The agreement."`
	Revision int    `help:"A revision; the last where none is named." placeholder:"N"`
}

func (agreementShowCmd) needsRegion() {}

func (c agreementShowCmd) Run(e *env) error {
	if err := e.region.Access.Govern(e.ctx, region.OperatorSubject(), "agreement "+c.ID); err != nil {
		return err
	}
	list := e.region.Agreements.Revisions(c.ID)
	if n := cmp.Or(c.Revision, len(list)); n > 0 && n <= len(list) {
		r := list[n-1]
		fmt.Fprintf(e.stderr, "revision %d of %s: %s, by %s\n", r.Number, r.At.Format(time.DateTime), r.Why, r.By)
		fmt.Fprint(e.stdout, r.File)
		return nil
	}
	return fault.E("agreement show", fault.NotFound, "there is no such agreement or revision: `selda agreement list` says which there are")
}

type agreementPutCmd struct {
	File string `arg:"" help:"The agreement's file."`
}

func (agreementPutCmd) needsRegion() {}

func (c agreementPutCmd) Run(e *env) error {
	b, err := os.ReadFile(e.path(c.File))
	if err != nil {
		return err
	}
	a, err := e.region.PutAgreement(e.ctx, region.OperatorSubject(), b)
	return e.changed(a, err)
}

// changed says how an agreement stands after a change.
func (e *env) changed(a *agreement.Agreement, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is %s\n", a.ID, a.State(e.region.Now()))
	for _, n := range agreement.NewSet(a).Notices(e.region.Now()) {
		fmt.Fprintf(e.stdout, "  it %s\n", n.Words)
	}
	return nil
}

type agreementSignCmd struct {
	ID           string   `arg:"" help:"The agreement."`
	Organisation string   `required:"" help:"Which organisation signs." placeholder:"ODS"`
	Name         string   `required:"" help:"Who signs."`
	Office       string   `required:"" help:"In which office, such as Caldicott guardian."`
	For          []string `help:"For whom, where not for itself: organisations, sources, all."`
}

func (agreementSignCmd) needsRegion() {}

func (c agreementSignCmd) Run(e *env) error {
	o, err := nhs.ParseODS(c.Organisation)
	if err != nil {
		return err
	}
	a, err := e.region.SignAgreement(e.ctx, region.OperatorSubject(), c.ID, agreement.Signature{Organisation: o, Name: c.Name, Office: c.Office, Signed: e.region.Now(), For: parties(c.For)})
	return e.changed(a, err)
}

func parties(names []string) (out []agreement.Party) {
	for _, n := range names {
		out = append(out, agreement.Party(n))
	}
	return out
}

type agreementSuspendCmd struct {
	ID     string   `arg:"" help:"The agreement."`
	From   []string `required:"" help:"From whom: organisations, sources, all."`
	Reason string   `required:"" help:"Why."`
}

func (agreementSuspendCmd) needsRegion() {}

func (c agreementSuspendCmd) Run(e *env) error {
	s := region.OperatorSubject()
	a, err := e.region.SuspendAgreement(e.ctx, s, c.ID, agreement.Suspension{From: parties(c.From), Since: e.region.Now(), Reason: c.Reason, By: s.User})
	return e.changed(a, err)
}

type agreementResumeCmd struct {
	ID   string `arg:"" help:"The agreement."`
	From string `required:"" help:"From whom, as it was suspended."`
}

func (agreementResumeCmd) needsRegion() {}

func (c agreementResumeCmd) Run(e *env) error {
	a, err := e.region.ResumeAgreement(e.ctx, region.OperatorSubject(), c.ID, agreement.Party(c.From))
	return e.changed(a, err)
}

type agreementRenewCmd struct {
	ID   string `arg:"" help:"The agreement."`
	Ends string `required:"" help:"The last day, such as 2028-03-31." placeholder:"DAY"`
}

func (agreementRenewCmd) needsRegion() {}

func (c agreementRenewCmd) Run(e *env) error {
	a, err := e.region.RenewAgreement(e.ctx, region.OperatorSubject(), c.ID, c.Ends)
	return e.changed(a, err)
}

type agreementWithdrawCmd struct {
	ID string `arg:"" help:"The agreement."`
}

func (agreementWithdrawCmd) needsRegion() {}

func (c agreementWithdrawCmd) Run(e *env) error {
	a, err := e.region.WithdrawAgreement(e.ctx, region.OperatorSubject(), c.ID)
	return e.changed(a, err)
}

type agreementTryCmd struct {
	File     string `arg:"" optional:"" help:"The agreement's file."`
	Without  string `help:"In place of a file: an agreement whose end is tried." placeholder:"ID"`
	Citizens int    `help:"How many citizens are looked at, spread over all." default:"2000" placeholder:"N"`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

func (agreementTryCmd) needsRegion() {}

func (c agreementTryCmd) Run(e *env) error {
	s := region.OperatorSubject()
	var t *access.Trial
	var err error
	switch {
	case (c.File == "") == (c.Without == ""):
		return fmt.Errorf("%w: name a file, or an agreement with --without", errUsage)
	case c.Without != "":
		t, err = e.region.TryWithout(e.ctx, s, c.Without, c.Citizens)
	default:
		var b []byte
		if b, err = os.ReadFile(e.path(c.File)); err == nil {
			_, t, err = e.region.TryAgreement(e.ctx, s, b, c.Citizens)
		}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(trialJSON(t))
	}
	e.printTrial(t)
	return nil
}

type shiftLine struct {
	Reader   string   `json:"reader"`
	Role     nhs.Role `json:"role"`
	Source   string   `json:"source"`
	Kind     string   `json:"kind"`
	More     int      `json:"more"`
	Fewer    int      `json:"fewer"`
	Citizens int      `json:"citizens"`
	Before   int      `json:"before"`
	After    int      `json:"after"`
	Examples []string `json:"examples"`
}

type pathLine struct {
	Pathway string   `json:"pathway"`
	Reader  string   `json:"reader"`
	Role    nhs.Role `json:"role"`
	Lost    []string `json:"lost"`
}

type trialLine struct {
	Citizens int         `json:"citizens"`
	All      bool        `json:"all"`
	More     int         `json:"more"`
	Fewer    int         `json:"fewer"`
	Changes  []shiftLine `json:"changes"`
	Paths    []pathLine  `json:"broken"`
}

func trialJSON(t *access.Trial) trialLine {
	out := trialLine{Citizens: t.Citizens, All: t.All, Changes: []shiftLine{}, Paths: []pathLine{}}
	for _, x := range t.Changes {
		out.More, out.Fewer = out.More+x.More, out.Fewer+x.Fewer
		out.Changes = append(out.Changes, shiftLine{string(x.Reader), x.Role, string(x.Source), x.Kind.String(), x.More, x.Fewer, x.Citizens, x.Before, x.After, x.Examples})
	}
	for _, p := range t.Paths {
		l := pathLine{Pathway: p.Pathway, Reader: string(p.Reader), Role: p.Role}
		for _, f := range p.Lost {
			l.Lost = append(l.Lost, f.Kind.String()+" of "+string(f.Source))
		}
		out.Paths = append(out.Paths, l)
	}
	return out
}

func (e *env) printTrial(t *access.Trial) {
	of := "of all " + strconv.Itoa(t.Citizens) + " citizens"
	if !t.All {
		of = "of " + strconv.Itoa(t.Citizens) + " citizens, spread over all"
	}
	if len(t.Changes) == 0 {
		fmt.Fprintf(e.stdout, "nothing would change for anybody, %s\n", of)
		return
	}
	fmt.Fprintf(e.stdout, "what would change, %s:\n\n", of)
	var rows [][]string
	for _, x := range t.ByRole() {
		rows = append(rows, []string{x.Role.Title(), x.Kind.String(), fmt.Sprintf("%+d", x.More), fmt.Sprintf("%+d", -x.Fewer), strconv.Itoa(x.Readers), strconv.Itoa(x.Sources), strings.Join(x.Examples, " ")})
	}
	e.table("role\tkind\tmore\tfewer\torganisations\tsources\texamples", rows)
	rows = nil
	for _, x := range t.Changes[:min(len(t.Changes), mostShifts)] {
		rows = append(rows, []string{cmp.Or(string(x.Reader), "citizens"), x.Role.Title(), string(x.Source), x.Kind.String(), fmt.Sprintf("%+d", x.More), fmt.Sprintf("%+d", -x.Fewer), strconv.Itoa(x.Citizens)})
	}
	fmt.Fprintf(e.stdout, "\nthe greatest of %d changes (--json has all):\n\n", len(t.Changes))
	e.table("reader\trole\tsource\tkind\tmore\tfewer\tcitizens", rows)
	if len(t.Paths) == 0 {
		fmt.Fprintln(e.stdout, "\nno pathway would break")
		return
	}
	fmt.Fprintln(e.stdout, "\npathways that would break:")
	for _, p := range t.PathsByRole(func(o nhs.ODS) string { return string(o) }) {
		fmt.Fprintf(e.stdout, "  %s\n    %s at %s would see no more %s\n", p.Pathway, p.Role.Title(), p.Where, strings.Join(p.Lost, ", "))
	}
}

// mostShifts are printed for a person to read.
const mostShifts = 20

type whyCmd struct {
	User string `arg:"" help:"Whose account."`
	Item string `arg:"" help:"The item, Type/id."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

func (whyCmd) needsRegion() {}

type whyLine struct {
	User   string   `json:"user"`
	Role   nhs.Role `json:"role"`
	Item   string   `json:"item"`
	Sees   bool     `json:"sees"`
	Opens  bool     `json:"opens"`
	Record []string `json:"record"`
	Rules  []string `json:"rules"`
	Source string   `json:"source"`
	Kind   string   `json:"kind"`
	Labels []string `json:"labels,omitempty"`
}

func (c whyCmd) Run(e *env) error {
	w, err := e.region.Why(e.ctx, region.OperatorSubject(), c.User, c.Item)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(whyLine{c.User, w.Reader.Role, w.Item, w.Shown, w.Opens, w.Record, w.Rules, string(w.Source), w.DataSet.String(), w.Labels.Codes()})
	}
	sees := "does not see"
	if w.Shown {
		sees = "sees"
	}
	fmt.Fprintf(e.stdout, "%s (%s) %s %s: %s of %s\n", c.User, w.Reader.Role.Title(), sees, w.Item, w.DataSet, w.Source)
	for _, r := range w.Record {
		fmt.Fprintln(e.stdout, "  the record:", r)
	}
	for _, r := range w.Rules {
		fmt.Fprintln(e.stdout, "  the item:  ", r)
	}
	return nil
}
