package agreement

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
)

// maxFile is the largest agreement that is read, in bytes.
const maxFile = 256 << 10

// file is an agreement as it is written. Its words are those that governance
// leads use; docs/agreements.md explains each.
type file struct {
	Agreement string    `yaml:"agreement"`
	Title     string    `yaml:"title"`
	Purposes  []Purpose `yaml:"purposes,flow"`
	Begins    string    `yaml:"begins"`
	Ends      string    `yaml:"ends,omitempty"`
	Basis     struct {
		DataProtection  string `yaml:"data-protection"`
		Confidentiality string `yaml:"confidentiality"`
	} `yaml:"basis"`
	Authority string `yaml:"authority,omitempty"`
	Gateway   string `yaml:"gateway,omitempty"`
	OptOut    string `yaml:"opt-out,omitempty"`
	Contact   string `yaml:"contact"`
	// Groups give lists of organisations a name.
	Groups    map[string][]string `yaml:"groups,omitempty"`
	Shares    []shareFile         `yaml:"shares"`
	Signed    []signatureFile     `yaml:"signed,omitempty"`
	Suspended []suspensionFile    `yaml:"suspended,omitempty"`
	Withdrawn string              `yaml:"withdrawn,omitempty"`
}

type shareFile struct {
	From     []string      `yaml:"from,flow"`
	Kinds    []string      `yaml:"kinds,flow"`
	Not      []string      `yaml:"not,flow,omitempty"`
	With     []string      `yaml:"with,flow"`
	Roles    []string      `yaml:"roles,flow,omitempty"`
	Citizens *citizensFile `yaml:"citizens,omitempty"`
}

type citizensFile struct {
	Registered []string `yaml:"registered,flow,omitempty"`
	FromAge    int      `yaml:"from-age,omitempty"`
	ToAge      int      `yaml:"to-age,omitempty"`
}

type signatureFile struct {
	Organisation string   `yaml:"organisation"`
	Name         string   `yaml:"name"`
	Office       string   `yaml:"office"`
	Signed       string   `yaml:"signed"`
	For          []string `yaml:"for,flow,omitempty"`
	Provisional  bool     `yaml:"provisional,omitempty"`
}

type suspensionFile struct {
	From   []string `yaml:"from,flow"`
	Since  string   `yaml:"since"`
	Until  string   `yaml:"until,omitempty"`
	Reason string   `yaml:"reason"`
	By     string   `yaml:"by,omitempty"`
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Parse reads an agreement's file. An error names the place, and says what to
// write there instead.
func Parse(content []byte) (*Agreement, error) {
	const op = "agreement.Parse"
	if len(content) > maxFile {
		return nil, fault.E(op, fault.TooLong, "an agreement is larger than 256 kB")
	}
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&f); errors.Is(err, io.EOF) {
		return nil, fault.E(op, fault.Structure, "the agreement is empty: it begins with agreement: and a name")
	} else if err != nil {
		return nil, fault.E(op, fault.Structure, plainYAML(err))
	}
	if err := dec.Decode(&f); !errors.Is(err, io.EOF) {
		return nil, fault.E(op, fault.Structure, "a file holds one agreement: nothing follows it")
	}
	r := &reader{groups: f.Groups}
	a := r.agreement(&f)
	if r.err != nil {
		return nil, r.err
	}
	return a, nil
}

// plainYAML is what a YAML error says, without the names of Go types.
func plainYAML(err error) string {
	lines := strings.Split(err.Error(), "\n")
	words := strings.TrimSpace(lines[len(lines)-1])
	words = strings.TrimPrefix(words, "yaml: ")
	if field, _, ok := strings.Cut(words, " not found in type"); ok {
		return field + " is not known in an agreement; docs/agreements.md lists what is"
	}
	if line, rest, ok := strings.Cut(words, ": cannot unmarshal"); ok {
		_, into, _ := strings.Cut(rest, " into ")
		return line + ": " + shape(into) + " stands here in an agreement; docs/agreements.md shows one"
	}
	return "not well-formed: " + words
}

// shape is what a place of the file holds, in words for a Go type.
func shape(into string) string {
	switch {
	case into == "agreement.file":
		return "the names of its parts, such as agreement: and title:, each with what it says"
	case strings.HasPrefix(into, "[]"):
		return "a list"
	case strings.HasPrefix(into, "agreement.") || strings.HasPrefix(into, "map["):
		return "names, each with what it says"
	case strings.HasPrefix(into, "int"):
		return "a number"
	case into == "bool":
		return "true or false"
	}
	return "one line of text"
}

// reader reads the parts of a file. The first mistake is kept.
type reader struct {
	groups map[string][]string
	err    error
}

func (r *reader) wrong(place, words string) {
	if r.err == nil {
		r.err = fault.E("agreement.Parse", fault.Invalid, words, place)
	}
}

func (r *reader) agreement(f *file) *Agreement {
	a := &Agreement{ID: f.Agreement, Title: strings.TrimSpace(f.Title), Purposes: f.Purposes, DataProtection: strings.TrimSpace(f.Basis.DataProtection),
		Confidentiality: strings.TrimSpace(f.Basis.Confidentiality), Authority: strings.TrimSpace(f.Authority), Gateway: f.Gateway, OptOut: strings.TrimSpace(f.OptOut), Contact: strings.TrimSpace(f.Contact)}
	if !idPattern.MatchString(a.ID) {
		r.wrong("agreement", "an agreement has a name of small letters, digits and hyphens, such as sel-direct-care")
	}
	for _, p := range a.Purposes {
		if !slices.Contains(purposes, p) {
			r.wrong("purposes", fmt.Sprintf("%q is not a purpose: they are %s", p, said(purposes)))
		}
	}
	a.Begins = r.day("begins", f.Begins, false)
	if f.Ends != "" {
		a.Ends = r.day("ends", f.Ends, true)
	}
	for i := range f.Shares {
		a.Shares = append(a.Shares, r.share(&f.Shares[i], "shares["+strconv.Itoa(i)+"]"))
	}
	for i, g := range f.Signed {
		place := "signed[" + strconv.Itoa(i) + "]"
		s := Signature{Organisation: r.ods(place+".organisation", g.Organisation), Name: strings.TrimSpace(g.Name), Office: strings.TrimSpace(g.Office), Signed: r.day(place+".signed", g.Signed, false), Provisional: g.Provisional}
		if s.Name == "" || s.Office == "" {
			r.wrong(place, "a signature has the name and the office of who signed")
		}
		s.For = r.parties(place+".for", g.For)
		a.Signatures = append(a.Signatures, s)
	}
	for i, x := range f.Suspended {
		place := "suspended[" + strconv.Itoa(i) + "]"
		s := Suspension{From: r.parties(place+".from", x.From), Since: r.day(place+".since", x.Since, false), Reason: strings.TrimSpace(x.Reason), By: strings.TrimSpace(x.By)}
		if x.Until != "" {
			s.Until = r.day(place+".until", x.Until, true)
		}
		if len(s.From) == 0 || s.Reason == "" {
			r.wrong(place, "a suspension says from whom (or all), since when, and why")
		}
		a.Suspensions = append(a.Suspensions, s)
	}
	if f.Withdrawn != "" {
		a.Withdrawn = r.day("withdrawn", f.Withdrawn, false)
	}
	r.whole(a)
	return a
}

// whole says what is missing of an agreement (G1, G3, G17).
func (r *reader) whole(a *Agreement) {
	secondary := a.For(SecondaryUse)
	switch {
	case len(a.Purposes) == 0:
		r.wrong("purposes", "say what it is for: "+said(purposes))
	case secondary && len(a.Purposes) > 1:
		r.wrong("purposes", "secondary use has an agreement of its own: it ends, opts out and is signed by other rules than care")
	case a.Title == "":
		r.wrong("title", "give it a title that people will know it by")
	case a.DataProtection == "":
		r.wrong("basis.data-protection", "name the basis in data protection law, such as UK GDPR Art 6(1)(e) and 9(2)(h)")
	case a.Confidentiality == "":
		r.wrong("basis.confidentiality", "name the basis in the law of confidentiality, such as implied consent for direct care")
	case a.Contact == "":
		r.wrong("contact", "say who answers questions about it: citizens read it")
	case len(a.Shares) == 0:
		r.wrong("shares", "say what is shared: from, kinds, with")
	case !a.Ends.IsZero() && !a.Ends.After(a.Begins):
		r.wrong("ends", "it ends before it begins")
	case secondary && a.Ends.IsZero():
		r.wrong("ends", "an agreement for secondary use has an end")
	case secondary && a.Gateway == "":
		r.wrong("gateway", "name the legal gateway of a secondary use: "+strings.Join(gateways, ", "))
	case secondary && !slices.Contains(gateways, a.Gateway):
		r.wrong("gateway", fmt.Sprintf("%q is no gateway: they are %s", a.Gateway, strings.Join(gateways, ", ")))
	case secondary && a.OptOut == "":
		r.wrong("opt-out", "say whether the national data opt-out and the Type 1 objection apply, and why: begin with applies or does not apply")
	case secondary && !strings.HasPrefix(a.OptOut, "applies") && !strings.HasPrefix(a.OptOut, "does not apply"):
		r.wrong("opt-out", "begin with applies or does not apply, and say why")
	case !secondary && a.Gateway != "":
		r.wrong("gateway", "a gateway is for secondary use: individual care has its bases")
	case !secondary && !a.Ends.IsZero() && a.Authority == "":
		r.wrong("authority", "an agreement for care that ends says under what the flow goes on until it is renewed (G17)")
	}
}

// gateways are the legal gateways of a secondary use (G3).
var gateways = []string{string(optout.ExplicitConsent), string(optout.Section251), string(optout.Statute), string(optout.Anonymised)}

func (r *reader) share(f *shareFile, place string) Share {
	s := Share{From: r.parties(place+".from", f.From), With: r.parties(place+".with", f.With)}
	if len(s.From) == 0 {
		r.wrong(place+".from", "say whose data: organisations, sources, or all")
	}
	if len(s.With) == 0 {
		r.wrong(place+".with", "say with whom: organisations, or all")
	}
	for _, p := range s.With {
		if strings.Contains(string(p), ":") {
			r.wrong(place+".with", "data are shared with organisations, not with their systems")
		}
	}
	s.Kinds = r.kinds(place+".kinds", f.Kinds) &^ r.kinds(place+".not", f.Not)
	if s.Kinds == 0 {
		r.wrong(place+".kinds", "say which kinds of data: "+strings.Join(kindNames(policy.AllDataSets), ", ")+", or all")
	}
	for _, name := range f.Roles {
		role, err := nhs.ParseRole(name)
		if err != nil {
			r.wrong(place+".roles", fmt.Sprintf("%q is not a role", name))
		}
		s.Roles = append(s.Roles, role)
	}
	if c := f.Citizens; c != nil {
		s.Citizens = Citizens{FromAge: c.FromAge, ToAge: c.ToAge}
		for _, p := range r.parties(place+".citizens.registered", c.Registered) {
			s.Citizens.Registered = append(s.Citizens.Registered, nhs.Source(p).Organisation())
		}
		if s.Citizens.IsZero() || c.FromAge < 0 || c.ToAge < 0 || c.ToAge > 0 && c.ToAge < c.FromAge {
			r.wrong(place+".citizens", "say which citizens: registered with practices, from-age, to-age")
		}
	}
	return s
}

func (r *reader) kinds(place string, names []string) (out policy.DataSets) {
	for _, name := range names {
		if name == "all" {
			return policy.AllDataSets
		}
		d := policy.ParseDataSet(name)
		if d == policy.NoDataSet {
			r.wrong(place, fmt.Sprintf("%q is not a kind of data: they are %s, or all", name, strings.Join(kindNames(policy.AllDataSets), ", ")))
		}
		out |= policy.SetOf(d)
	}
	return out
}

// parties reads organisations, sources, groups of them, and all.
func (r *reader) parties(place string, names []string) (out []Party) {
	for _, name := range names {
		if members, ok := r.groups[name]; ok {
			for _, m := range members {
				out = append(out, r.party("groups."+name, m))
			}
			continue
		}
		out = append(out, r.party(place, name))
	}
	return out
}

func (r *reader) party(place, name string) Party {
	if Party(name) == All {
		return All
	}
	if strings.Contains(name, ":") {
		s, err := nhs.ParseSource(name)
		if err != nil {
			r.wrong(place, fmt.Sprintf("%q: %v", name, err))
		}
		return Party(s)
	}
	return Party(r.ods(place, name))
}

func (r *reader) ods(place, name string) nhs.ODS {
	o, err := nhs.ParseODS(name)
	if err != nil {
		r.wrong(place, fmt.Sprintf("%q is no ODS code, no group of this file, and not all", name))
	}
	return o
}

// day reads a day in London, or a moment; an end on a day is the day's end.
func (r *reader) day(place, s string, end bool) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC()
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		r.wrong(place, fmt.Sprintf("%q is not a day such as 2026-04-01, nor a moment such as 2026-04-01T09:30:00Z", s))
		return time.Time{}
	}
	if end {
		t = t.AddDate(0, 0, 1)
	}
	midnight, _ := time.Parse(time.RFC3339, t.Format(time.DateOnly)+"T00:00:00"+london.Offset(t.Year(), int(t.Month()), t.Day(), 0))
	return midnight.UTC()
}

func said[T ~string](list []T) string {
	var out []string
	for _, p := range list {
		out = append(out, string(p))
	}
	return strings.Join(out, ", ")
}

func kindNames(s policy.DataSets) (out []string) {
	for d := policy.Demographics; d <= policy.Other; d++ {
		if s.Has(d) {
			out = append(out, d.String())
		}
	}
	return out
}
