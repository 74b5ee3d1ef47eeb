// Package population is the door for uses of data that are not somebody's care: an
// analyst gets rows and counts without names, under an agreement, and nothing else (G3).
//
// In order: an agreement for secondary use is asked for (access.SecondaryUse, in the
// trail); opt-outs that apply to its purpose and gateway leave people out; of the
// others each item that the agreement shows becomes a Row: codes, amounts, a month, and
// a pseudonym that is of this one project; counts of few people are suppressed; the
// release is logged with its purpose, gateway, opt-outs and why.
//
// It is not anonymous: pseudonymised data are personal data (G3), and who gets rows
// answers for them as such.
package population

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
)

// Door is where data without names are released.
type Door struct {
	Access    *access.Access
	Records   *record.Records
	Documents document.Store // where releases are logged
	// OptOuts is who has opted out, as the national service said.
	OptOuts func(ctx context.Context) (*optout.Register, error)
	// Secret makes pseudonyms: who has it can tell who somebody is.
	Secret []byte
	Now    func() time.Time
}

// Ask is what is asked for.
type Ask struct {
	Agreement string
	Why       string         // what for, in words, for the log
	Rows      bool           // rows; else counts of people
	Kind      policy.DataSet // of one kind of data alone; NoDataSet for all
	Code      string         // with this code alone; "" for all
	By        []Dimension    // of counts
}

// Release is one that was made, as it is logged.
type Release struct {
	ID           string         `json:"id"`
	Agreement    string         `json:"agreement"`
	Purpose      string         `json:"purpose"` // what for, as asked
	Gateway      optout.Gateway `json:"gateway"`
	National     bool           `json:"nationalOptOut"` // whether it was applied
	TypeOne      bool           `json:"typeOneObjection"`
	OptOutWhy    string         `json:"optOutWhy"`
	By           string         `json:"by"` // who asked
	Organisation nhs.ODS        `json:"organisation"`
	Shape        string         `json:"shape"` // "rows" or "counts by kind and sex"
	Begun        time.Time      `json:"begun"`
	Ended        time.Time      `json:"ended,omitzero"` // zero: it was broken off
	People       int            `json:"people"`
	Rows         int            `json:"rows"`
	OptedOut     int            `json:"optedOut"`   // left out by an opt-out
	Suppressed   int            `json:"suppressed"` // cells that would tell of few people
}

const releases = "releases/"

// Least is the fewest people that a count tells of, and Round to what counts are
// rounded, so that two of them can't be taken from each other to tell of few.
const (
	Least = 10
	Round = 5
)

// Make makes a release: rows are written to w as NDJSON, counts come back.
func (d *Door) Make(ctx context.Context, s policy.Subject, ask Ask, w io.Writer) (Release, *Counts, error) {
	const op = "population.Make"
	rel := Release{ID: strings.ToLower(rand.Text()), Agreement: ask.Agreement, Purpose: strings.TrimSpace(ask.Why), By: s.User, Organisation: s.Organisation, Shape: ask.shape(), Begun: d.Now().UTC()}
	if rel.Purpose == "" {
		return rel, nil, fault.E(op, fault.Required, "say what it is for: it is logged with the release")
	}
	pool, err := d.Access.SecondaryUse(ctx, s, ask.Agreement, "release "+rel.ID+": "+rel.Shape)
	if err != nil {
		return rel, nil, err
	}
	rel.Gateway = optout.Gateway(pool.Agreement.Gateway)
	applied := optout.Applies(nhs.PublicHealthUse, rel.Gateway)
	rel.National, rel.TypeOne, rel.OptOutWhy = applied.National, applied.TypeOne, applied.Why
	if applied.National && strings.HasPrefix(pool.Agreement.OptOut, "does not apply") {
		return rel, nil, fault.E(op, fault.Conflict, "the agreement says that opt-outs do not apply, and they do: "+applied.Why)
	}
	m := &making{d: d, ask: ask, rel: &rel, pseudonyms: NewPseudonyms(d.Secret, ask.Agreement), counts: newCounts(ask.By)}
	if ask.Rows {
		m.out = json.NewEncoder(w)
	}
	if applied.National {
		if m.register, err = d.OptOuts(ctx); err != nil {
			return rel, nil, fault.E(op, err)
		}
		if err := m.register.Usable(d.Now()); err != nil {
			return rel, nil, fault.E(op, fault.Conflict, "who has opted out is not known: "+fault.Reason(err))
		}
	}
	if err := d.log(rel); err != nil {
		return rel, nil, fault.E(op, err)
	}
	if err := pool.Each(ctx, func(p access.OfPool) error { return m.person(ctx, p) }); err != nil {
		return rel, nil, err
	}
	counts, err := m.end()
	if err == nil {
		rel.Ended = d.Now().UTC()
		err = d.log(rel)
	}
	return rel, counts, err
}

func (a *Ask) shape() string {
	out := "rows"
	if !a.Rows {
		by := make([]string, len(a.By))
		for i, b := range a.By {
			by[i] = string(b)
		}
		out = "counts by " + strings.Join(by, " and ")
	}
	if a.Kind != policy.NoDataSet {
		out += " of " + a.Kind.String()
	}
	if a.Code != "" {
		out += " with one code"
	}
	return out
}

func (d *Door) log(r Release) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return d.Documents.Save(releases+r.Begun.Format("20060102T150405.000")+"-"+r.ID, b, document.Any)
}

// Releases are the last that were made, the latest first: those of an organisation,
// or all.
func (d *Door) Releases(o nhs.ODS, limit int) ([]Release, error) {
	const op = "population.Releases"
	names, err := d.Documents.List(releases)
	if err != nil {
		return nil, fault.E(op, err)
	}
	var out []Release
	for _, name := range slices.Backward(names) {
		b, _, err := d.Documents.Load(name)
		if err != nil {
			return nil, fault.E(op, err)
		}
		var r Release
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fault.E(op, fault.Invalid, "a release's log does not hold: restore it from a backup", name)
		}
		if o == "" || r.Organisation == o {
			if out = append(out, r); len(out) == limit {
				break
			}
		}
	}
	return out, nil
}

// Pseudonyms are those of one project. What two projects have can't be joined by them.
type Pseudonyms struct{ key []byte }

// NewPseudonyms are a project's, from the region's secret.
func NewPseudonyms(secret []byte, project string) Pseudonyms {
	return Pseudonyms{keyed(secret, "project\x00"+project)}
}

// Of is somebody's, by their stable id.
func (p Pseudonyms) Of(citizen string) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(keyed(p.key, citizen)[:15]))
}

func keyed(key []byte, words string) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprint(h, words)
	return h.Sum(nil)
}
