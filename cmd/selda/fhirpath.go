package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
	"selda/fhir/validate"
	"selda/terminology"
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
	if !tree.IsObject() {
		return fault.E("fhir path", fault.Structure, "the file should hold one JSON object, or a resource in XML")
	}
	focus := fhirpath.Resource(tree)
	if err := expression.Check(focus.Datatype(), fhirpath.Strict{}); err != nil {
		return err
	}
	terms := terminology.New(terminology.R4)
	v := validate.New(definition.R4, terms)
	v.Now = time.Now
	world := v.Environment(tree)
	world.Subsumes = func(general, specific fhirpath.Item) (bool, error) {
		return subsumes(terms, general.Node(), specific.Node())
	}
	found, err := expression.Eval(world, focus)
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

// subsumes says whether a code of one Coding or CodeableConcept subsumes one of
// another.
func subsumes(terms *terminology.Service, general, specific fhir.Node) (bool, error) {
	for _, g := range codings(general) {
		for _, s := range codings(specific) {
			system := g.Member("system").Text()
			if system == "" || !s.Member("system").Is(system) {
				continue
			}
			how, err := terms.Subsumes(system, "", g.Member("code").Text(), s.Member("code").Text())
			if err != nil {
				return false, err
			}
			if how == terminology.Equivalent || how == terminology.Subsumes {
				return true, nil
			}
		}
	}
	return false, nil
}

func codings(n fhir.Node) []fhir.Node {
	if list := n.Member("coding"); list.Exists() {
		return list.List()
	}
	return []fhir.Node{n}
}
