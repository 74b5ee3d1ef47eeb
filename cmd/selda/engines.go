package main

import (
	"fmt"
	"os"

	"selda/cmd/selda/region"
	"selda/fhir"
	"selda/ingest"
	"selda/ingest/filedrop"
	"selda/ingest/mapped"
	"selda/nhs"
)

type hl7v2Cmd struct {
	Map hl7v2MapCmd `cmd:"" help:"The FHIR Bundle that a message becomes, and what was not mapped."`
}

type hl7v2MapCmd struct {
	File   string `arg:"" help:"A file of HL7 v2 messages."`
	Sender string `help:"The source's code." default:"TEST:SYS" placeholder:"NAME"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c hl7v2MapCmd) Run(e *env) error { return e.mapFile(c.File, c.Sender, ingest.HL7v2) }

type cdaCmd struct {
	Map cdaMapCmd `cmd:"" help:"The FHIR Bundle that a document becomes, and what was not mapped."`
}

type cdaMapCmd struct {
	File   string `arg:"" help:"A CDA document."`
	Sender string `help:"The source's code." default:"TEST:SYS" placeholder:"NAME"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c cdaMapCmd) Run(e *env) error { return e.mapFile(c.File, c.Sender, ingest.CDA) }

// mapFile prints, for each message of a file, the Bundle that it becomes.
func (e *env) mapFile(file, sender, format string) error {
	body, err := os.ReadFile(e.path(file))
	if err != nil {
		return err
	}
	source, err := nhs.ParseSource(sender)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, p := range filedrop.Split(format, file, body) {
		m, err := region.Map(&ingest.Raw{Source: source, Format: p.Format, Body: p.Body})
		if err != nil {
			return err
		}
		if err := e.printJSON(struct {
			Bundle   jsonText          `json:"bundle"`
			Unmapped []mapped.Unmapped `json:"unmapped"`
		}{jsonText(mapped.Bundle(m)), m.Unmapped}); err != nil {
			return err
		}
	}
	return nil
}

type jsonText []byte

func (j jsonText) MarshalJSON() ([]byte, error) { return j, nil }

type fhirCmd struct {
	Path     fhirPathCmd     `cmd:"" help:"What a FHIRPath expression finds in a file."`
	Validate fhirValidateCmd `cmd:"" help:"Hold resources against FHIR R4 and profiles."`
	Convert  fhirConvertCmd  `cmd:"" help:"The same resource in the other format."`
}

type fhirConvertCmd struct {
	File string `arg:"" help:"A resource, as JSON or XML."`
	To   string `required:"" enum:"json,xml" help:"json or xml."`
}

func (c fhirConvertCmd) Run(e *env) error {
	body, err := os.ReadFile(e.path(c.File))
	if err != nil {
		return err
	}
	out, err := region.FHIRJSON(body)
	if err == nil && c.To == "xml" {
		out, err = fhir.ToXML(out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s\n", out)
	return nil
}
