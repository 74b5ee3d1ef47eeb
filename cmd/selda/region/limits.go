package region

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/access"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
)

// limiting keeps what controllers have set for their own organisations (G4, G7), in
// one document. What is read of it is used for a few seconds.
type limiting struct {
	documents document.Store
	changed   func() // has the marks of teams be made again

	mu   sync.Mutex
	of   map[nhs.ODS]*policy.Limits
	read time.Time
}

// limitsFile is where they are kept.
const limitsFile = "limits.json"

// limitsFor is how long a node may go on with limits that another has changed.
const limitsFor = 5 * time.Second

// Limits is what an organisation has set, as a file says it: for people to read, and
// under version control.
type Limits struct {
	Teams []Team `yaml:"teams" json:"teams,omitempty"`
	Seals []Seal `yaml:"seals" json:"seals,omitempty"`
	// AfterCareDays is how long a relationship lasts after care (G7).
	AfterCareDays int `yaml:"after-care-days,omitempty" json:"afterCareDays,omitempty"`
}

// Team is policy.Team in a file.
type Team struct {
	Name   string   `yaml:"name" json:"name"`
	Groups []string `yaml:"groups,omitempty" json:"groups,omitempty"`
	Wrote  []string `yaml:"wrote,omitempty" json:"wrote,omitempty"`
	From   []string `yaml:"from,omitempty" json:"from,omitempty"`
}

// Seal is policy.Seal in a file.
type Seal struct {
	ID       string    `yaml:"id" json:"id"`
	Title    string    `yaml:"title" json:"title"`
	Teams    []string  `yaml:"teams,omitempty" json:"teams,omitempty"`
	Roles    []string  `yaml:"roles,omitempty" json:"roles,omitempty"`
	Of       []string  `yaml:"of,omitempty" json:"of,omitempty"`
	From     []string  `yaml:"from,omitempty" json:"from,omitempty"`
	DataSets []string  `yaml:"data-sets,omitempty" json:"dataSets,omitempty"`
	Labels   []string  `yaml:"labels,omitempty" json:"labels,omitempty"`
	Reason   string    `yaml:"reason" json:"reason"`
	By       string    `yaml:"by,omitempty" json:"by,omitempty"`
	Set      time.Time `yaml:"set,omitempty" json:"set,omitzero"`
	Begins   time.Time `yaml:"begins,omitempty" json:"begins,omitzero"`
	Ends     time.Time `yaml:"ends,omitempty" json:"ends,omitzero"`
}

// parsed is what a file says.
func (s Limits) parsed() (out policy.Limits, err error) {
	out.AfterCare = time.Duration(s.AfterCareDays) * 24 * time.Hour
	for _, t := range s.Teams {
		team := policy.Team{Name: t.Name, Groups: t.Groups, Wrote: t.Wrote}
		if team.From, err = parseEach(t.From, nhs.ParseSource); err != nil {
			return out, fault.E("region.Limits", fault.Value, err, "team "+t.Name)
		}
		out.Teams = append(out.Teams, team)
	}
	for _, x := range s.Seals {
		seal, err := x.parsed()
		if err != nil {
			return out, err
		}
		out.Seals = append(out.Seals, seal)
	}
	return out, nil
}

func (x Seal) parsed() (policy.Seal, error) {
	const op = "region.Limits"
	out := policy.Seal{ID: x.ID, Title: x.Title, Teams: x.Teams, Of: x.Of, Reason: x.Reason, By: x.By, Set: x.Set, Begins: x.Begins, Ends: x.Ends}
	var err error
	if out.From, err = parseEach(x.From, nhs.ParseSource); err == nil {
		out.Roles, err = parseEach(x.Roles, nhs.ParseRole)
	}
	if err != nil {
		return out, fault.E(op, fault.Value, err, "seal "+x.ID)
	}
	for _, name := range x.DataSets {
		d := policy.ParseDataSet(name)
		if d == policy.NoDataSet {
			return out, fault.E(op, fault.Value, "there is no such data set", "seal "+x.ID+" data-sets")
		}
		out.Sets |= policy.SetOf(d)
	}
	for _, code := range x.Labels {
		l := policy.ParseLabel(code)
		if l == 0 {
			return out, fault.E(op, fault.Value, "there is no such label", "seal "+x.ID+" labels")
		}
		out.Labels |= l
	}
	return out, nil
}

func parseEach[T any](list []string, parse func(string) (T, error)) (out []T, err error) {
	for _, s := range list {
		v, err := parse(s)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func words[T ~string](list []T) (out []string) {
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

// LimitsFile is what an organisation has set, as a file.
func LimitsFile(s *policy.Limits) (out Limits) {
	out.AfterCareDays = int(s.AfterCare / (24 * time.Hour))
	for _, t := range s.Teams {
		out.Teams = append(out.Teams, Team{t.Name, t.Groups, t.Wrote, words(t.From)})
	}
	for i := range s.Seals {
		x := &s.Seals[i]
		f := Seal{ID: x.ID, Title: x.Title, Teams: x.Teams, Roles: words(x.Roles), Of: x.Of, From: words(x.From), Labels: x.Labels.Codes(), Reason: x.Reason, By: x.By, Set: x.Set, Begins: x.Begins, Ends: x.Ends}
		for d := policy.Demographics; d <= policy.Other; d++ {
			if x.Sets.Has(d) {
				f.DataSets = append(f.DataSets, d.String())
			}
		}
		out.Seals = append(out.Seals, f)
	}
	return out
}

// limitsKept is the document: what each organisation has set, and by which teams the
// items that are there were marked.
type limitsKept struct {
	Organisations map[nhs.ODS]Limits `json:"organisations"`
	Marked        string             `json:"marked,omitempty"`
}

func (s *limiting) load() (kept limitsKept, version int64, err error) {
	b, version, err := s.documents.Load(limitsFile)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &kept)
	}
	return kept, version, err
}

// all are the limits of every organisation. s.mu is held.
func (s *limiting) all() (map[nhs.ODS]*policy.Limits, error) {
	if s.of != nil && time.Since(s.read) < limitsFor {
		return s.of, nil
	}
	kept, _, err := s.load()
	if err != nil {
		return nil, err
	}
	of := map[nhs.ODS]*policy.Limits{}
	for o, file := range kept.Organisations {
		parsed, err := file.parsed()
		if err != nil {
			return nil, err
		}
		of[o] = &parsed
	}
	s.of, s.read = of, time.Now()
	return of, nil
}

// LimitsOf is access.Limits'.
func (s *limiting) LimitsOf(o nhs.ODS) (*policy.Limits, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, err := s.all()
	return of[o], err
}

// PutLimits is access.Limits'.
func (s *limiting) PutLimits(o nhs.ODS, limits policy.Limits) error {
	err := s.change(func(k *limitsKept) {
		if k.Organisations == nil {
			k.Organisations = map[nhs.ODS]Limits{}
		}
		k.Organisations[o] = LimitsFile(&limits)
	})
	if err == nil && s.changed != nil {
		s.changed()
	}
	return err
}

func (s *limiting) change(f func(*limitsKept)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, version, err := s.load()
	if err != nil {
		return err
	}
	f(&kept)
	b, err := json.Marshal(kept)
	if err == nil {
		err = s.documents.Save(limitsFile, b, version)
	}
	s.of = nil // it is read again
	return err
}

// teams are those of every organisation, and a word that changes with them.
func (s *limiting) teams() (map[nhs.ODS][]policy.Team, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, err := s.all()
	out, sum := map[nhs.ODS][]policy.Team{}, sha256.New()
	for _, o := range slices.Sorted(maps.Keys(of)) {
		for i, t := range of[o].Teams {
			out[o] = append(out[o], t)
			fmt.Fprintf(sum, "%s %d %q %q\n", o, i, t.Wrote, t.From)
		}
	}
	if len(out) == 0 {
		return nil, "", err
	}
	return out, hex.EncodeToString(sum.Sum(nil)[:8]), err
}

// marked says by which teams the items that are there were marked.
func (s *limiting) marked() (string, error) {
	kept, _, err := s.load()
	return kept.Marked, err
}

// ParseLimits reads a file of limits.
func ParseLimits(b []byte) (policy.Limits, error) {
	var file Limits
	if err := yaml.Unmarshal(b, &file); err != nil {
		return policy.Limits{}, fault.E("region.ParseLimits", fault.Structure, err)
	}
	return file.parsed()
}

// PutLimits puts a file in the place of what an organisation has set. Who sets a seal
// that is new or says something else stands in it.
func (r *Region) PutLimits(ctx context.Context, s policy.Subject, o nhs.ODS, file []byte) error {
	said, err := ParseLimits(file)
	if err != nil {
		return err
	}
	now := r.Now().UTC()
	return r.Access.SetLimits(ctx, s, o, "limits of "+string(o), func(kept *policy.Limits) error {
		for i := range said.Seals {
			signSeal(&said.Seals[i], kept, s, now)
		}
		*kept = said
		return nil
	})
}

// mostOfTeams is how many teams somebody can be in.
const mostOfTeams = 64

// InTeams says which teams of their organisation somebody is in. A provider from
// outside says so itself, each time that they sign in.
func (r *Region) InTeams(ctx context.Context, s policy.Subject, user string, teams []string) error {
	const op = "region.InTeams"
	a, ok := r.Auth.Accounts.Find(user)
	switch {
	case !ok:
		return fault.E(op, fault.NotFound, "nobody has that user name")
	case a.Organisation == "":
		return fault.E(op, fault.Value, "teams are within an organisation, and the account has none")
	case a.Provider != "":
		return fault.E(op, fault.Value, "the provider that vouches for the account says which teams it is in")
	case len(teams) > mostOfTeams:
		return fault.E(op, fault.TooLong, "nobody is in more than 64 teams")
	}
	// Who is in a team is for who sets the limits to say.
	if err := r.Access.SetLimits(ctx, s, a.Organisation, "the teams of "+user, func(*policy.Limits) error { return nil }); err != nil {
		return err
	}
	a.Teams = teams
	return r.Auth.Accounts.Put(a)
}

// signSeal says in a seal who set it, where that is not who did before.
func signSeal(x *policy.Seal, kept *policy.Limits, s policy.Subject, now time.Time) {
	for i := range kept.Seals {
		old := kept.Seals[i]
		if old.ID == x.ID && same(old, *x) {
			x.By, x.Set, x.Begins = old.By, old.Set, old.Begins
			return
		}
	}
	if x.By, x.Set = s.Name, now; x.Begins.IsZero() {
		x.Begins = now
	}
}

// same says whether two seals say the same, but for who set them.
func same(a, b policy.Seal) bool {
	if b.Begins.IsZero() {
		b.Begins = a.Begins
	}
	a.By, a.Set, b.By, b.Set = "", time.Time{}, "", time.Time{}
	x, _ := json.Marshal(LimitsFile(&policy.Limits{Seals: []policy.Seal{a}}))
	y, _ := json.Marshal(LimitsFile(&policy.Limits{Seals: []policy.Seal{b}}))
	return string(x) == string(y)
}

var _ access.Limits = (*limiting)(nil)
