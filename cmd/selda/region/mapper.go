package region

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"

	"selda/api"
	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/cdatofhir"
	"selda/ingest/fhirtofhir"
	"selda/ingest/mapped"
	"selda/ingest/translate"
	"selda/ingest/v2tofhir"
	"selda/internal/document"
	"selda/nhs"
	"selda/terminology"
)

// mapper puts raw messages into FHIR. It keeps the mappings of CSV extracts
// that this region has seen, and what each source's last extract held.
type mapper struct {
	documents document.Store // nil for the mappings in the box alone
	mappings  sync.Map
	codings   func() *terminology.Codings // the maps in use; nil for none
	valid     *validators                 // of what is imported; nil for none
	profiles  atomic.Pointer[Feeds]       // what sources wish done about them
}

// checkOf says of a source's resources whether they may be imported.
func (x *mapper) checkOf(source nhs.Source) func(*fhir.Resource) error {
	if x.valid == nil {
		return nil
	}
	wish := api.ReportProfiles
	if f := x.profiles.Load(); f != nil {
		wish = f.Profiles(source)
	}
	v, err := x.valid.validator() // once for all lines of a message
	return func(r *fhir.Resource) error {
		if err != nil {
			return err
		}
		return api.Imported(v, wish, r)
	}
}

// Map puts a raw message into FHIR without a region: CSV by the mappings in the box.
func Map(r *ingest.Raw) (*mapped.Message, error) { return (&mapper{}).Map(r) }

// Map puts a raw message of any format into FHIR, with what concept maps have
// for its codes.
func (x *mapper) Map(r *ingest.Raw) (*mapped.Message, error) {
	m, err := x.parse(r)
	if err == nil && x.codings != nil {
		translate.Message(m, x.codings())
	}
	return m, err
}

func (x *mapper) parse(r *ingest.Raw) (*mapped.Message, error) {
	switch r.Format {
	case ingest.HL7v2:
		return mapV2(r)
	case ingest.FHIR:
		if strings.HasPrefix(r.Call, "DELETE") {
			return fhirtofhir.Interaction(r.Call, nil, r.Source)
		}
		if r.Call == fhirtofhir.ImportCall {
			return fhirtofhir.Lines(r.Body, r.Source, x.checkOf(r.Source)), nil
		}
		body, err := FHIRJSON(r.Body)
		if err != nil {
			return nil, err
		}
		if r.Call != "" {
			return fhirtofhir.Interaction(r.Call, body, r.Source)
		}
		return fhirtofhir.Map(body, r.Source)
	case ingest.CDA:
		d, err := cda.Parse(r.Body)
		if err != nil {
			return nil, err
		}
		return cdatofhir.Map(d, r.Source)
	case ingest.CSV:
		return x.csv(r)
	}
	return nil, fault.E("region.Map", fault.NotSupported, "no mapping is known for this format")
}

func mapV2(r *ingest.Raw) (*mapped.Message, error) {
	m, err := hl7v2.Parse(r.Body)
	if err != nil {
		return nil, err
	}
	out, err := v2tofhir.Map(m, r.Source)
	if err != nil { // what can be said of it: a trace finds it by its control id
		return &mapped.Message{Event: m.Event(), ControlID: m.ControlID()}, err
	}
	return out, nil
}

// FHIRJSON is a FHIR resource as compact JSON, whether it came as JSON or XML.
func FHIRJSON(body []byte) ([]byte, error) {
	if b := bytes.TrimLeft(body, "\xef\xbb\xbf \t\r\n"); len(b) > 0 && b[0] == '<' {
		j, err := fhir.FromXML(body)
		if err != nil {
			return nil, err
		}
		body = j
	}
	return fhir.Compact(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
}
