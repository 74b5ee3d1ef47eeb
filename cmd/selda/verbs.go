package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/nhs"
)

// printJSON prints one object on a line of its own.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table prints rows under headings.
func (e *env) table(head string, rows [][]string) {
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	_ = w.Flush()
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	info, _ := debug.ReadBuildInfo()
	rev := "unknown"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			rev = s.Value
		}
	}
	fmt.Fprintf(e.stdout, "selda %s, commit %s, build %s, %s\n", info.Main.Version, rev, build(), info.GoVersion)
	return nil
}

// build names the binary itself: a copy of the tree without its history has no commit.
func build() string {
	path, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

type tokenCmd struct {
	User    string `required:"" help:"The account." placeholder:"NAME"`
	Purpose string `help:"Purpose of use, such as TREAT or BTG." placeholder:"P"`
	Hours   int    `default:"8" help:"How long it holds."`
	App     string `help:"As the application of this id, for an hour: with --scope." placeholder:"ID"`
	Scope   string `help:"The application's scopes." placeholder:"SCOPES"`
	Patient string `help:"The citizen for whom the application is launched, by id." placeholder:"ID"`
}

func (tokenCmd) needsRegion() {}

func (c tokenCmd) Run(e *env) error {
	if !e.region.Demonstration() {
		return fmt.Errorf("tokens are printed only where `selda demo` made the region")
	}
	account, ok := e.region.Auth.Accounts.Find(c.User)
	if !ok {
		return fmt.Errorf("there is no account of this name: `selda user list` shows them")
	}
	if c.App != "" {
		t, err := e.region.Auth.AppToken(e.ctx, c.User, c.App, c.Patient, strings.Fields(c.Scope))
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, t)
		return nil
	}
	purpose := auth.Purpose(account.Role)
	if purpose != nhs.PatientRequest && purpose != nhs.DecedentReview {
		purpose = nhs.Treatment
	}
	if c.Purpose != "" {
		var err error
		if purpose, err = nhs.ParsePurpose(c.Purpose); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	if c.Hours < 1 {
		return fmt.Errorf("%w: --hours is at least 1", errUsage)
	}
	t, err := e.region.Auth.Token(e.ctx, c.User, purpose, time.Duration(c.Hours)*time.Hour)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, t)
	return nil
}

type userCmd struct {
	List     userListCmd     `cmd:"" help:"List the accounts."`
	Add      userAddCmd      `cmd:"" help:"Make an account, and print the password with which its owner signs in the first time."`
	Password userPasswordCmd `cmd:"" help:"Give somebody who has forgotten theirs a password that is good once."`
	Disable  userDisableCmd  `cmd:"" help:"Keep an account out, and end whatever was begun in its name."`
	Enable   userEnableCmd   `cmd:"" help:"Let an account that was disabled sign in again."`
	Reset    userResetCmd    `cmd:"" help:"Take away the passkeys and codes of somebody who has lost them; they set up new ones."`
	End      userEndCmd      `cmd:"" help:"End an account's sessions, tokens and connections; it may sign in again."`
	EndsOn   userEndsOnCmd   `cmd:"" help:"Say when an account ends, with a contract, and who answers for it."`
}

// acted is what an account's verb needs: whose, and why.
type acted struct {
	User   string `arg:"" help:"Whose account."`
	Reason string `required:"" help:"Why; it is in the trail."`
}

func (acted) needsRegion() {}

type userDisableCmd struct{ acted }

func (c userDisableCmd) Run(e *env) error {
	return e.region.Auth.Disable(e.ctx, region.OperatorSubject(), c.User, c.Reason)
}

type userEnableCmd struct{ acted }

func (c userEnableCmd) Run(e *env) error {
	return e.region.Auth.Enable(e.ctx, region.OperatorSubject(), c.User, c.Reason)
}

type userResetCmd struct{ acted }

func (c userResetCmd) Run(e *env) error {
	return e.region.Auth.Reset(e.ctx, region.OperatorSubject(), c.User, c.Reason)
}

type userEndCmd struct{ acted }

func (c userEndCmd) Run(e *env) error {
	return e.region.Auth.EndAll(e.ctx, region.OperatorSubject(), c.User, c.Reason)
}

type userEndsOnCmd struct {
	User    string `arg:"" help:"Whose account."`
	Date    string `required:"" help:"Its first day without: 2027-03-31; never for none." placeholder:"DATE"`
	Contact string `help:"Who answers for it." placeholder:"ADDRESS"`
}

func (userEndsOnCmd) needsRegion() {}

func (c userEndsOnCmd) Run(e *env) error {
	var ends time.Time
	if c.Date != "never" {
		var err error
		if ends, err = auth.EndDay(c.Date); err != nil {
			return fmt.Errorf("%w: --date is a day such as 2027-03-31, or never", errUsage)
		}
	}
	return e.region.Auth.EndsOn(e.ctx, region.OperatorSubject(), c.User, ends, c.Contact)
}

type userListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (userListCmd) needsRegion() {}

func (c userListCmd) Run(e *env) error {
	var rows [][]string
	for a, err := range e.region.Auth.Accounts.All(auth.Query{}) {
		if err != nil {
			return err
		}
		if c.JSON {
			if err := e.printJSON(struct {
				User         string   `json:"user"`
				Name         string   `json:"name"`
				Role         nhs.Role `json:"role"`
				Organisation nhs.ODS  `json:"organisation"`
			}{a.User, a.Name, a.Role, a.Organisation}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{a.User, a.Name, a.Role.Title(), cmp.Or(a.OrganisationName, string(a.Organisation))})
	}
	if !c.JSON {
		e.table("user\tname\trole\torganisation", rows)
	}
	return nil
}

type linkCmd struct {
	List  linkListCmd  `cmd:"" help:"List changes of links, and pairs that wait for review."`
	Undo  linkUndoCmd  `cmd:"" help:"Undo one change of links exactly."`
	Sever linkSeverCmd `cmd:"" help:"Part one source's identity from its citizen, for good."`
}

type linkListCmd struct {
	JSON  bool `name:"json" help:"One JSON object a line."`
	Limit int  `default:"200" help:"How many at most."`
}

func (linkListCmd) needsRegion() {}

func (c linkListCmd) Run(e *env) error {
	events, reviews, err := e.region.Links(e.ctx, region.OperatorSubject(), c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, ev := range events {
			if err := e.printJSON(ev); err != nil {
				return err
			}
		}
		for _, rv := range reviews {
			if err := e.printJSON(rv); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, ev := range events {
		rows = append(rows, []string{strconv.FormatInt(ev.ID, 10), ev.At.Format(time.DateTime), ev.Kind, ev.Rule, ev.Reason, strings.Join(ev.Citizens, " "), map[bool]string{true: "undone"}[ev.Undone]})
	}
	e.table("id\tat\tkind\trule\treason\tcitizens\t", rows)
	rows = nil
	for _, rv := range reviews {
		rows = append(rows, []string{strconv.FormatInt(rv.Review, 10), rv.At.Format(time.DateTime), rv.Rule, rv.Reason, strings.Join(rv.Citizens, " ")})
	}
	if len(rows) > 0 {
		fmt.Fprintln(e.stdout, "\nin review")
		e.table("id\tat\trule\treason\tcitizens", rows)
	}
	return nil
}

type linkUndoCmd struct {
	ID int64 `arg:"" help:"The id that link list shows."`
}

func (linkUndoCmd) needsRegion() {}

func (c linkUndoCmd) Run(e *env) error {
	if err := e.region.UndoLink(e.ctx, region.OperatorSubject(), c.ID); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "link %d is undone\n", c.ID)
	return nil
}

type linkSeverCmd struct {
	Patient string `arg:"" help:"The id of the source's own Patient, as links of the citizen's Patient name it."`
}

func (linkSeverCmd) needsRegion() {}

func (c linkSeverCmd) Run(e *env) error {
	citizen, err := e.region.Sever(e.ctx, region.OperatorSubject(), strings.TrimPrefix(c.Patient, "Patient/"))
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "severed: the identity is now citizen %s\n", citizen)
	return nil
}

type traceCmd struct {
	ID   string `arg:"" help:"A message id, a control id (MSH-10), or a resource, Type/id."`
	JSON bool   `name:"json" help:"One JSON stage a line."`
}

func (traceCmd) needsRegion() {}

func (c traceCmd) Run(e *env) error {
	stages, err := e.region.Trace(e.ctx, region.OperatorSubject(), c.ID)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, s := range stages {
		if c.JSON {
			if err := e.printJSON(s); err != nil {
				return err
			}
		}
		at := ""
		if !s.At.IsZero() {
			at = s.At.Format("2006-01-02 15:04:05.000")
		}
		rows = append(rows, []string{s.Message, s.Stage, at, s.Rule, s.Place, s.Detail})
	}
	if !c.JSON {
		e.table("message\tstage\tat\trule\tplace\t", rows)
	}
	return nil
}

type ingestCmd struct {
	Source   string   `required:"" help:"The source's code, ODS:SYSTEM." placeholder:"CODE"`
	Format   string   `default:"auto" enum:"auto,hl7v2,fhir,cda,csv" help:"auto, hl7v2, fhir, cda or csv."`
	Mapping  string   `help:"The mapping of a CSV extract: a file, or the name of one in the box." placeholder:"FILE"`
	TakeBack bool     `help:"Take back what is no longer in a full extract, also where that is all of it or most."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
	Paths    []string `arg:"" name:"path" help:"Files and folders."`
}

func (ingestCmd) needsRegion() {}

func (c ingestCmd) Run(e *env) error {
	source, err := nhs.ParseFeed(c.Source)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	paths := make([]string, len(c.Paths))
	for i, p := range c.Paths {
		paths[i] = e.path(p)
	}
	mapping := c.Mapping
	if mapping != "" {
		if _, err := os.Stat(e.path(mapping)); err == nil {
			mapping = e.path(mapping)
		}
	}
	sum, err := e.region.IngestFiles(e.ctx, region.OperatorSubject(), region.Files{Source: source, Format: c.Format, Mapping: mapping, Paths: paths, TakeBack: c.TakeBack})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(sum)
	}
	fmt.Fprintf(e.stdout, "%d files, %d messages: %d stored (%d resources), %d quarantined, %d duplicates, in %.1f s\n",
		sum.Files, sum.Messages, sum.Stored, sum.Resources, sum.Quarantined, sum.Duplicates, sum.Seconds)
	return nil
}
