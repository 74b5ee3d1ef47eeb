package synth

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
)

// Written says what WriteFiles wrote.
type Written struct {
	Citizens, Messages, Files int
	Bytes                     int64
}

// WriteFiles writes the region's messages into dir, one folder a source, and
// the truth beside them as truth.ndjson. HL7 v2 and FHIR messages are gathered
// by month ("2019-06.hl7", "2019-06.ndjson"), each in the order in which it
// comes; documents and extracts are a file each. dir must be empty or new, as
// months are appended to.
func (r *Region) WriteFiles(dir string) (Written, error) {
	const op = "synth.WriteFiles"
	w := Written{}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, fault.E(op, fault.NoStore, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		return w, fault.E(op, fault.Conflict, "the folder must be empty or new")
	}
	out := appender{dir: dir, pending: map[string]*bytes.Buffer{}, made: map[string]bool{}}
	r.windows(func(truth []Citizen, list []Message) bool {
		for _, c := range truth {
			out.add("truth.ndjson", TruthLine(c))
		}
		for _, m := range list {
			out.message(m)
		}
		w.Citizens += len(truth)
		w.Messages += len(list)
		return out.flush() == nil
	})
	w.Files, w.Bytes = len(out.made), out.bytes
	if out.err != nil {
		return w, fault.E(op, fault.NoStore, out.err)
	}
	return w, nil
}

// appender gathers what goes to each file, and appends it window by window,
// so that few files are open and little is held.
type appender struct {
	dir     string
	pending map[string]*bytes.Buffer
	order   []string
	made    map[string]bool
	bytes   int64
	err     error
}

func (a *appender) add(name string, parts ...[]byte) {
	b := a.pending[name]
	if b == nil {
		b = &bytes.Buffer{}
		a.pending[name] = b
		a.order = append(a.order, name)
	}
	for _, p := range parts {
		b.Write(p)
	}
}

func (a *appender) message(m Message) {
	folder := strings.Replace(string(m.Source), ":", "-", 1) + "/"
	month := m.At.Format("2006-01")
	switch m.Format {
	case "hl7v2":
		a.add(folder+month+".hl7", m.Body, []byte("\n"))
	case "fhir":
		a.add(folder+month+".ndjson", bytes.ReplaceAll(m.Body, []byte("\n"), []byte(" ")), []byte("\n"))
	default:
		a.add(folder+m.Name, m.Body)
		if m.Totals != nil {
			a.add(folder+m.Name+".totals", m.Totals)
		}
	}
}

func (a *appender) flush() error {
	for _, name := range a.order {
		if a.err == nil {
			a.err = a.write(name, a.pending[name].Bytes())
		}
	}
	clear(a.pending)
	a.order = a.order[:0]
	return a.err
}

func (a *appender) write(name string, b []byte) error {
	path := filepath.Join(a.dir, filepath.FromSlash(name))
	if !a.made[name] {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		a.made[name] = true
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err != nil {
		_ = f.Close()
		return err
	}
	a.bytes += int64(len(b))
	return f.Close()
}

// truthLine is a line of truth.ndjson. NHS numbers stand in it in full: it is
// who is who, and nobody in it is real.
type truthLine struct {
	NHSNumber  string       `json:"nhsNumber"`
	Family     string       `json:"family"`
	Given      string       `json:"given"`
	Gender     string       `json:"gender"`
	BirthDate  string       `json:"birthDate"`
	Died       string       `json:"died,omitempty"`
	Ethnicity  string       `json:"ethnicity"`
	Borough    string       `json:"borough"`
	PostalCode string       `json:"postalCode"`
	Practice   nhs.ODS      `json:"practice"`
	Household  int          `json:"household"`
	Conditions []string     `json:"conditions"`
	IDs        []truthID    `json:"ids"`
	Merges     []truthMerge `json:"merges,omitempty"`
}

type truthID struct {
	Source nhs.Source `json:"source"`
	ID     string     `json:"id"`
}

type truthMerge struct {
	Source nhs.Source `json:"source"`
	Kept   string     `json:"kept"`
	Gone   string     `json:"gone"`
	At     string     `json:"at"`
}

// TruthLine is one citizen's line of truth.ndjson, with its line end.
func TruthLine(c Citizen) []byte {
	l := truthLine{NHSNumber: c.NHSNumber.Digits(), Family: c.Family, Given: c.Given, Gender: c.Sex, BirthDate: fhirDate(c.Born), Ethnicity: c.Ethnicity,
		Borough: c.Borough, PostalCode: c.Postcode, Practice: c.Practice, Household: c.Household, Conditions: c.Conditions}
	if !c.Died.IsZero() {
		l.Died = fhirDate(c.Died)
	}
	for _, id := range c.IDs {
		l.IDs = append(l.IDs, truthID(id))
	}
	for _, m := range c.Merges {
		l.Merges = append(l.Merges, truthMerge{m.Source, m.Kept, m.Gone, m.At.Format(time.RFC3339)})
	}
	b, _ := json.Marshal(l) // plain strings and numbers always marshal
	return append(b, '\n')
}
