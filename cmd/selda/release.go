package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/population"
)

type releaseCmd struct {
	Make releaseMakeCmd `cmd:"" help:"Release data without names under an agreement: counts of people, or rows."`
	List releaseListCmd `cmd:"" help:"What was released, to whom, under what, and which opt-outs were applied."`
}

type releaseMakeCmd struct {
	Agreement string `arg:"" help:"The agreement for secondary use."`
	For       string `required:"" help:"The organisation to which it is released." placeholder:"ODS"`
	Why       string `required:"" help:"What it is for; it is logged."`
	By        string `help:"Count people by these, with commas between: kind, code, sex, age, year, source."`
	Rows      bool   `help:"Rows, in place of counts: they are personal data."`
	Kind      string `help:"Of one kind of data alone." placeholder:"KIND"`
	Code      string `help:"Of one code alone." placeholder:"CODE"`
	Out       string `help:"The file; standard output where none is named." placeholder:"FILE"`
}

func (releaseMakeCmd) needsRegion() {}

func (c releaseMakeCmd) Run(e *env) (err error) {
	ask := population.Ask{Agreement: c.Agreement, Why: c.Why, Rows: c.Rows, Code: c.Code}
	if c.Rows == (c.By != "") {
		return fmt.Errorf("%w: say --rows, or --by what people are counted", errUsage)
	}
	if !c.Rows {
		if ask.By, err = population.ParseDimensions(c.By); err != nil {
			return err
		}
	}
	if c.Kind != "" {
		if ask.Kind = policy.ParseDataSet(c.Kind); ask.Kind == policy.NoDataSet {
			return fault.E("release make", fault.Value, c.Kind+" is not a kind of data: docs/agreements.md lists them")
		}
	}
	s := region.OperatorSubject()
	if s.Organisation, err = nhs.ParseODS(c.For); err != nil {
		return err
	}
	var w io.Writer = e.stdout
	if c.Out != "" {
		f, err := os.OpenFile(e.path(c.Out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fault.E("release make", fault.Conflict, "the file is there already, or can't be made: "+c.Out)
		}
		defer func() {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
		}()
		w = f
	}
	rel, counts, err := e.region.Release(e.ctx, s, ask, w)
	if err != nil {
		return err
	}
	if counts != nil {
		if err := counts.CSV(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "release %s: %s people, %d rows, %s left out by opt-outs, %d suppressed. %s\n", rel.ID, population.Told(rel.People), rel.Rows, population.Told(rel.OptedOut), rel.Suppressed, rel.OptOutWhy)
	return nil
}

type releaseListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (releaseListCmd) needsRegion() {}

func (c releaseListCmd) Run(e *env) error {
	list, err := e.region.Releases(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, r := range list {
		if c.JSON {
			err := e.printJSON(struct {
				population.Release
				People   string `json:"people"` // as they may be told
				OptedOut string `json:"optedOut"`
			}{r, population.Told(r.People), population.Told(r.OptedOut)})
			if err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{r.Begun.Format(time.DateTime), r.Agreement, string(r.Organisation), r.By, r.Shape, population.Told(r.People), population.Told(r.OptedOut), string(r.Gateway), r.Purpose})
	}
	if !c.JSON {
		e.table("when\tagreement\tto\tby\twhat\tpeople\topted out\tgateway\tpurpose", rows)
	}
	return nil
}
