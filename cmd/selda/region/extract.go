package region

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/ingest"
	"selda/ingest/csvtofhir"
	"selda/ingest/mapped"
	"selda/internal/document"
	"selda/policy"
)

// This file loads CSV extracts: each row a message of its own, the totals
// checked before any row is taken, and what came held against what came last
// time.

// vanished is the mapping of what is no longer in a full extract: the message
// is one of ours, and says what is taken back.
const vanished = "vanished"

// csv maps one row; a whole file where the row is 0.
func (x *mapper) csv(r *ingest.Raw) (*mapped.Message, error) {
	const op = "region.csv"
	if r.Mapping == vanished {
		var m mapped.Message
		if err := json.Unmarshal(r.Body, &m); err != nil {
			return nil, fault.E(op, fault.Structure, err)
		}
		return &m, nil
	}
	m, err := x.mapping(r.Mapping)
	if err != nil {
		return nil, err
	}
	if r.Row > 0 {
		return csvtofhir.MapRow(m, r.Body, r.Row, r.Source)
	}
	rows, err := readExtract(m, r, nil)
	if err == nil {
		_, err = x.gone(m, rows.reader, r.Source, false)
	}
	if err != nil {
		return nil, err
	}
	return nil, fault.E(op, fault.NotSupported, "the extract is whole now: load the file again, row by row")
}

// mapping finds a mapping by name: in the box, or kept in this region.
func (x *mapper) mapping(name string) (*csvtofhir.Mapping, error) {
	const op = "region.mapping"
	if m, ok := x.mappings.Load(name); ok {
		return m.(*csvtofhir.Mapping), nil
	}
	if name == "" {
		return nil, fault.E(op, fault.Required, "no mapping is known for this extract: name one with --mapping, or begin the file's name with one of "+strings.Join(csvtofhir.Names(), ", "))
	}
	m, err := csvtofhir.Named(name)
	if err != nil && x.documents != nil && filepath.Base(name) == name {
		var text []byte
		var version int64
		if text, version, err = x.documents.Load("mappings/" + name); err == nil && version == 0 {
			err = fault.E(op, fault.NotFound, "there is no mapping of this name")
		}
		if err == nil {
			m, err = csvtofhir.ParseMapping(text)
		}
	}
	if err != nil {
		return nil, err
	}
	x.mappings.Store(name, m)
	return m, nil
}

// keep stores a mapping file in the region, under a name that says which
// text it is, so that its rows can be mapped again.
func (x *mapper) keep(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fault.E("region.mapping", fault.NotFound, err)
	}
	m, err := csvtofhir.ParseMapping(text)
	if err != nil {
		return "", err
	}
	h := sha256.Sum256(text)
	name := m.Name + "-" + hex.EncodeToString(h[:6]) + ".yaml"
	return name, x.documents.Save("mappings/"+name, text, document.Any)
}

// mappingOf tells an extract's mapping: as said, or by the file's name.
func (l *load) mappingOf(file string) (string, error) {
	if l.files.Mapping != "" {
		if filepath.IsAbs(l.files.Mapping) {
			return l.r.mapper.keep(l.files.Mapping)
		}
		return l.files.Mapping, nil
	}
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	for _, n := range csvtofhir.Names() {
		if strings.HasPrefix(base, n) || strings.HasSuffix(base, n) {
			return n, nil
		}
	}
	return "", nil
}

// extract loads one file of rows; sidecar is its file of totals, nil where
// there is none.
func (l *load) extract(name string, body, sidecar []byte) error {
	mapping, err := l.mappingOf(name)
	if err != nil {
		return err
	}
	whole := &ingest.Raw{Source: l.files.Source, Format: ingest.CSV, Door: "file", Name: filepath.Base(name), Mapping: mapping, Body: body}
	m, err := l.r.mapper.mapping(mapping)
	if err != nil {
		return l.submit(whole)
	}
	came := Reconciliation{File: filepath.Base(name), Source: string(l.files.Source), Mapping: m.Name, At: l.r.Now().UTC(), Checked: m.Stated()}
	rows, err := readExtract(m, whole, sidecar)
	var gone []*mapped.Message
	if err == nil {
		gone, err = l.r.mapper.gone(m, rows.reader, l.files.Source, l.files.TakeBack)
	}
	if err != nil { // nothing of it is taken: it goes to quarantine as it is
		came.Problem, came.Place = fault.Reason(err), fault.PlaceOf(err)
		return errors.Join(l.reconcile(came), l.submit(whole))
	}
	if err := l.drain(0); err != nil {
		return err
	}
	before := *l.sum
	for i := range rows.raws {
		if err := l.submit(rows.raws[i]); err != nil {
			return err
		}
	}
	if err := l.vanish(m, rows.reader, gone); err != nil {
		return err
	}
	if err := l.drain(0); err != nil {
		return err
	}
	after := *l.sum
	l.sum.Messages, l.sum.Stored = after.Messages-len(gone), after.Stored-len(gone) // a message is a row: what vanished is none
	came.Rows, came.Kept, came.Unchanged = len(rows.raws), after.Stored-before.Stored-len(gone), after.Duplicates-before.Duplicates
	came.Refused, came.Vanished, came.Totals = after.Quarantined-before.Quarantined, len(gone), rows.reader.Totals()
	return l.reconcile(came)
}

type extractRows struct {
	raws   []*ingest.Raw
	reader *csvtofhir.Reader
}

// readExtract reads a file to its end and checks its totals.
func readExtract(m *csvtofhir.Mapping, whole *ingest.Raw, sidecar []byte) (*extractRows, error) {
	r, err := csvtofhir.NewReader(m, whole.Body, whole.Source)
	if err != nil {
		return nil, err
	}
	out := &extractRows{reader: r}
	for {
		_, line, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && line == 0 {
			return nil, err
		}
		row := *whole
		row.Row, row.Body = line, append([]byte(nil), r.Raw()...)
		out.raws = append(out.raws, &row)
	}
	return out, r.Check(sidecar)
}

// Reconciliation is what came of one extract.
type Reconciliation struct {
	File      string           `json:"file"`
	Source    string           `json:"source"`
	Mapping   string           `json:"mapping"`
	At        time.Time        `json:"at"`
	Rows      int              `json:"rows"`
	Kept      int              `json:"kept"`      // new or changed
	Unchanged int              `json:"unchanged"` // as last time
	Refused   int              `json:"refused"`   // in quarantine
	Vanished  int              `json:"vanished"`  // were there last time, and are taken back
	Checked   bool             `json:"checked"`   // the file states totals, which hold unless there is a problem
	Totals    csvtofhir.Totals `json:"totals"`
	Problem   string           `json:"problem,omitempty"` // why nothing of it was taken
	Place     string           `json:"place,omitempty"`
}

func (l *load) reconcile(c Reconciliation) error {
	name := strings.Replace(c.Source, ":", "_", 1)
	return saveJSON(l.r.documents, "extracts/"+name+"/"+c.Mapping+lastSuffix, c)
}

// Reconciliations are the last one of each source's extracts.
func (r *Region) Reconciliations(ctx context.Context, s policy.Subject) ([]Reconciliation, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "extracts"); err != nil {
		return nil, err
	}
	names, err := r.documents.List("extracts/")
	if err != nil {
		return nil, err
	}
	var out []Reconciliation
	for _, name := range names {
		if !strings.HasSuffix(name, lastSuffix) {
			continue
		}
		b, _, err := r.documents.Load(name)
		if err != nil {
			return nil, err
		}
		var c Reconciliation
		if err := json.Unmarshal(b, &c); err != nil {
			return nil, fault.E("region.Reconciliations", fault.Invalid, "a reconciliation does not hold: "+name)
		}
		out = append(out, c)
	}
	return out, nil
}

// lastSuffix ends the name of what came of a source's last extract.
const lastSuffix = ".last.json"

// saveJSON keeps a value as a document.
func saveJSON(docs document.Store, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return docs.Save(name, b, document.Any)
}
