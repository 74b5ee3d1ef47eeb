package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/search"
	"selda/fhir/validate"
	"selda/terminology"
)

type fhirValidateCmd struct {
	Files   []string `arg:"" help:"Resources as JSON or XML."`
	Profile []string `help:"A profile that each is held against, beside those it names." placeholder:"URL"`
	Package []string `help:"A FHIR package with profiles and terminology." placeholder:"TGZ"`
	JSON    bool     `name:"json" help:"Print one OperationOutcome a line."`
}

// Run validates each file. A file that can't be read at all is a failure of the
// verb; one that holds no resource is told of in its OperationOutcome.
func (c fhirValidateCmd) Run(e *env) error {
	var resources []*fhir.Resource
	for _, file := range c.Package {
		p, err := region.ReadPackage(e.path(file))
		if err != nil {
			return err
		}
		resources = append(resources, p.Resources...)
	}
	v := validate.New(definition.NewSet(definition.R4, resources...), terminology.New(terminology.NewResources(resources...), terminology.R4))
	v.Now = time.Now
	v.Canonical = validate.Canonical(resources)
	var failed error
	for _, file := range c.Files {
		body, err := os.ReadFile(e.path(file))
		if err != nil {
			failed = errors.Join(failed, err)
		}
		issues := c.validate(v, body, err)
		if c.JSON {
			fmt.Fprintf(e.stdout, "%s\n", fhir.Marshal(validate.Outcome(issues)))
			continue
		}
		if len(issues) == 0 {
			fmt.Fprintf(e.stdout, "%s: valid\n", file)
		}
		for _, i := range issues {
			fmt.Fprintf(e.stdout, "%s: %s: %s: %s\n", file, i.Severity, i.Expression, i.Text)
		}
	}
	return failed
}

// validate gives the issues of one file, of which bad is why it can't be read.
func (c fhirValidateCmd) validate(v *validate.Validator, body []byte, bad error) []validate.Issue {
	var r *fhir.Resource
	if bad == nil {
		body, bad = region.FHIRJSON(body)
	}
	if bad == nil {
		r, bad = fhir.Parse(body)
	}
	if bad != nil {
		return []validate.Issue{{Severity: validate.Fatal, Code: fault.KindOf(bad).String(), Expression: fault.PlaceOf(bad), Text: fault.Reason(bad)}}
	}
	return v.Profiles(r, c.Profile...)
}

type packageCmd struct {
	Add packageAddCmd `cmd:"" help:"Put a FHIR package into the data folder."`
}

type packageAddCmd struct {
	Files []string `arg:"" help:"FHIR packages, as .tgz."`
	JSON  bool     `name:"json" help:"Print one JSON object a line."`
}

func (packageAddCmd) needsRegion() {}

func (c packageAddCmd) Run(e *env) error {
	for _, file := range c.Files {
		p, err := e.region.AddPackage(e.ctx, region.OperatorSubject(), e.path(file))
		if err != nil {
			return err
		}
		used, unused := searchParameters(p)
		if !c.JSON {
			fmt.Fprintf(e.stdout, "%s %s: %d definitions, %d of them parameters to search by\n", p.Name, p.Version, len(p.Resources), used)
			for _, u := range unused {
				fmt.Fprintf(e.stdout, "not searched by: %s: %s\n", u.URL, u.Reason)
			}
			continue
		}
		if err := e.printJSON(struct {
			Name      string        `json:"name"`
			Version   string        `json:"version"`
			Resources int           `json:"resources"`
			Searches  int           `json:"searchParameters"`
			Unused    []notSearched `json:"notSearchedBy,omitempty"`
		}{p.Name, p.Version, len(p.Resources), used, unused}); err != nil {
			return err
		}
	}
	return nil
}

// notSearched is a SearchParameter of a package that can't be used.
type notSearched struct {
	URL    string `json:"url"`
	Reason string `json:"reason"`
}

// searchParameters says how many of a package's can be searched by, and which
// can't.
func searchParameters(p *definition.Package) (used int, unused []notSearched) {
	for _, r := range p.Resources {
		if r.Type != "SearchParameter" {
			continue
		}
		reason := ""
		if _, err := search.Define(r); err != nil {
			reason = fault.Reason(err)
		} else if r.Get("status").Is("retired") {
			reason = "it is retired"
		}
		if reason == "" {
			used++
			continue
		}
		unused = append(unused, notSearched{r.Get("url").Text(), reason})
	}
	return used, unused
}
