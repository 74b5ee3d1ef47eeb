package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

type fhirPathCmd struct {
	Expression string `arg:"" help:"A FHIRPath expression."`
	File       string `arg:"" help:"A resource as JSON or XML, or any JSON object."`
	JSON       bool   `name:"json" help:"Print JSON."`
}

func (c fhirPathCmd) Run(e *env) error {
	expression, err := fhirpath.Compile(c.Expression)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(e.path(c.File))
	if err != nil {
		return err
	}
	if body, err = region.FHIRJSON(body); err != nil {
		return err
	}
	tree, err := fhir.ParseTree(body)
	if err != nil {
		return err
	}
	focus := fhirpath.Resource(tree)
	if err := expression.Check(focus.Datatype(), fhirpath.Strict{}); err != nil {
		return err
	}
	found, err := expression.Eval(&fhirpath.Env{Now: time.Now()}, focus)
	if err != nil {
		return err
	}
	if !c.JSON {
		for i := range found {
			fmt.Fprintf(e.stdout, "%s\t%s\n", found[i].TypeInFHIR(), found[i].JSON())
		}
		return nil
	}
	out := bytes.NewBufferString("[")
	for i := range found {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, `{"type":%q,"value":%s}`, found[i].TypeInFHIR(), found[i].JSON())
	}
	fmt.Fprintf(e.stdout, "%s]\n", out)
	return nil
}
