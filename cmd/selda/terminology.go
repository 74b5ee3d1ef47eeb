package main

import (
	"fmt"
	"strconv"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/terminology/release"
)

type terminologyCmd struct {
	Import   terminologyImportCmd   `cmd:"" help:"Import a release of SNOMED CT (RF2), dm+d, LOINC, ICD-10 or OPCS-4, FHIR terminology resources, or a table that maps codes."`
	Adopt    terminologyAdoptCmd    `cmd:"" hidden:"" help:"Put releases that were built to use."`
	Remove   terminologyRemoveCmd   `cmd:"" help:"Remove a release: the one before it answers again."`
	List     terminologyListCmd     `cmd:"" help:"The releases that are kept, and which of them answer."`
	Unmapped terminologyUnmappedCmd `cmd:"" help:"Codes that came in and found no concept map: how often, first and last."`
	Labels   terminologyLabelsCmd   `cmd:"" help:"Codes by which items are labelled as sensitive that the releases that were imported do not have, or have withdrawn."`
}

type terminologyImportCmd struct {
	Paths  []string `arg:"" name:"path" help:"Files, folders or zips."`
	System string   `help:"The canonical URL of a code system whose files do not say it." placeholder:"URL"`
	JSON   bool     `name:"json" help:"Print one JSON object."`
}

// Run reads and writes in this process, whether or not a server has the folder
// open: only putting the result to use is the server's.
func (c terminologyImportCmd) Run(e *env) error {
	began := time.Now()
	s := release.Open(e.data, time.Now)
	var made []release.Release
	adopt := []string{"--data", e.data}
	if e.dsn != "" {
		adopt = append(adopt, "--postgres", e.dsn)
	}
	adopt = append(adopt, "terminology", "adopt")
	for _, p := range c.Paths {
		list, err := s.Build(e.path(p), c.System)
		if err != nil {
			return err
		}
		for _, r := range list {
			adopt = append(adopt, r.Name)
			made = append(made, r)
		}
	}
	if code := run(e.ctx, adopt, e.cwd, e.stdout, e.stderr, nil); code != 0 {
		return exitCode(code)
	}
	if c.JSON {
		return e.printJSON(struct {
			Releases []imported `json:"releases"`
			Seconds  float64    `json:"seconds"`
		}{summaries(made), time.Since(began).Seconds()})
	}
	return e.printReleases(made)
}

// imported is what one import made.
type imported struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	System   string `json:"system"`
	Version  string `json:"version"`
	Target   string `json:"target,omitempty"`
	Concepts int    `json:"concepts"`
	Bytes    int64  `json:"bytes"`
}

func summaries(list []release.Release) []imported {
	out := make([]imported, 0, len(list))
	for _, r := range list {
		out = append(out, imported{r.Name, r.Kind, r.System, r.Version, r.Target, r.Concepts, r.Bytes})
	}
	return out
}

func (e *env) printReleases(list []release.Release) error {
	var rows [][]string
	for _, r := range list {
		use := ""
		if r.InUse {
			use = "in use"
		}
		rows = append(rows, []string{r.Name, r.System, r.Version, strconv.Itoa(r.Concepts), fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6), r.Imported.Format(time.DateTime), use})
	}
	e.table("name\tsystem\tversion\tconcepts\tsize\timported\t", rows)
	return nil
}

type terminologyAdoptCmd struct {
	Names []string `arg:"" name:"name" help:"Names of folders."`
}

func (terminologyAdoptCmd) needsRegion() {}

func (c terminologyAdoptCmd) Run(e *env) error {
	if _, err := e.region.Access.Operate(e.ctx, region.OperatorSubject(), audit.Update, "terminology"); err != nil {
		return err
	}
	_, err := e.region.Terminology.Adopt(c.Names)
	return err
}

type terminologyRemoveCmd struct {
	Name string `arg:"" help:"The name that list shows."`
}

func (terminologyRemoveCmd) needsRegion() {}

func (c terminologyRemoveCmd) Run(e *env) error {
	if _, err := e.region.Access.Operate(e.ctx, region.OperatorSubject(), audit.Delete, "terminology "+c.Name); err != nil {
		return err
	}
	return e.region.Terminology.Remove(c.Name)
}

type terminologyListCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func (c terminologyListCmd) Run(e *env) error {
	list, err := release.Open(e.data, time.Now).List()
	if err != nil {
		return err
	}
	if !c.JSON {
		return e.printReleases(list)
	}
	for _, r := range list {
		if err := e.printJSON(r); err != nil {
			return err
		}
	}
	return nil
}

type terminologyUnmappedCmd struct {
	JSON  bool `name:"json" help:"One JSON object a line."`
	Limit int  `default:"1000" help:"How many at most, what came most often first."`
}

func (terminologyUnmappedCmd) needsRegion() {}

func (c terminologyUnmappedCmd) Run(e *env) error {
	if _, err := e.region.Access.Operate(e.ctx, region.OperatorSubject(), audit.Read, "unmapped codes"); err != nil {
		return err
	}
	list, err := e.region.Unmapped.List()
	if err != nil {
		return err
	}
	list = list[:min(len(list), max(c.Limit, 0))]
	var rows [][]string
	for _, u := range list {
		if c.JSON {
			if err := e.printJSON(u); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{strconv.Itoa(u.Count), string(u.Source), u.System, u.Code, u.Display, u.First.Format(time.DateOnly), u.Last.Format(time.DateOnly)})
	}
	if !c.JSON {
		e.table("count\tsource\tsystem\tcode\tdisplay\tfirst\tlast", rows)
	}
	return nil
}

type terminologyLabelsCmd struct {
	JSON bool `name:"json" help:"One JSON object a line."`
	All  bool `help:"Those that the release has, too."`
}

func (terminologyLabelsCmd) needsRegion() {}

func (c terminologyLabelsCmd) Run(e *env) error {
	list, err := e.region.LabelCodes(e.ctx, region.OperatorSubject())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, l := range list {
		if !c.All && l.Is == region.CodeHeld {
			continue
		}
		if c.JSON {
			if err := e.printJSON(l); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{l.Is, l.Label, l.System, l.Code, l.Words, l.Display})
	}
	if !c.JSON {
		e.table("is\tlabel\tsystem\tcode\tin the list\tin the release", rows)
	}
	return nil
}
