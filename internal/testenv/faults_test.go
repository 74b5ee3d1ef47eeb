package testenv

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A seeded fault is a small change of the system that opens a leak. It is made from
// the source as it stands, by putting a text in the place of another: where that is
// not there any more, the test fails and does not go stale in silence.
type seeded struct {
	name  string
	by    string // the proof that has to find it
	in    string // the folder of that test; "" for this one
	every bool   // in `make test`; the others with SELDA_FAULTS=1
	edits []edit
}

type edit struct {
	file, old, new string
	all            bool // wherever it stands in the file
}

const (
	byOracle  = "TestG1TheOracleAgrees"
	byWithout = "TestInvariant3WhatIsHiddenLeavesNoTrace"
)

// beneath has each opened record keep what lies beneath the predicate, too: what the
// faults of the faces then tell of.
var beneath = []edit{
	{file: "access/record/record.go", old: "	PlanExists bool\n}", new: "	PlanExists bool\n	Beneath    []Item\n}"},
	{file: "access/record/record.go", old: "	v.Person = v.person()\n", new: `	for _, k := range c.Subjects {
		under, _ := rs.Store.Compartment(ctx, k.Subject, n, &policy.Predicate{Permit: true, Everything: true})
		for _, version := range under {
			if res, err := version.Resource(); err == nil {
				v.Beneath = append(v.Beneath, Item{version, res})
			}
		}
	}
	v.Person = v.person()
`},
}

// found gives what lies beneath in the place of what is not found.
const foundBeneath = `if r, ok := f.(*recordField); ok && found == nil {
					for _, x := range r.view.Beneath {
						if x.Type == t.Type && x.ID == t.ID {
							found = r.hit(x)
						}
					}
				}
				`

// lookBeneath has a search look in what lies beneath the predicate of a record.
const lookBeneath = `if r, ok := f.(*recordField); ok {
			under := q.inRecord(r.view)
			for _, x := range r.view.Beneath {
				under.hits[x.Type] = append(under.hits[x.Type], under.hit(x))
			}
			f = under
		}
		`

var seededFaults = []seeded{
	{name: "a total counts what is hidden", by: byWithout, every: true, edits: append([]edit{
		{file: "api/find.go", old: "	a.turn(found)\n	return a, q.include(f, a)", new: "	a.turn(found)\n	if r, ok := f.(*recordField); ok {\n		a.total += len(r.view.Beneath) - len(r.view.Items)\n	}\n	return a, q.include(f, a)"}}, beneath...)},
	{name: "_include skips the predicate", by: byWithout, edits: append([]edit{
		{file: "api/find.go", old: "if found, err = f.get(t.Type, t.ID); err == nil && found != nil {", new: "found, err = f.get(t.Type, t.ID)\n				" + foundBeneath + "if err == nil && found != nil {"}}, beneath...)},
	{name: "a cursor reveals n", by: byWithout, edits: []edit{
		{file: "api/cursor.go", old: "	_, _ = rand.Read(nonce)\n	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, plain, nil)), nil", new: "	copy(nonce, strconv.FormatUint(cur.N, 10))\n	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, plain, nil)), nil"},
		{file: "api/cursor.go", old: "	\"crypto/rand\"\n", new: "	\"strconv\"\n"}}},
	{name: "a history keeps older versions that are hidden", by: byWithout, edits: []edit{
		{file: "store/sqlite/read.go", old: "		for _, v := range all {\n			if p.Shows(&v.Columns) {\n				out = append(out, v)", new: "		for _, v := range all {\n			if v != nil {\n				out = append(out, v)"}}},
	{name: "$everything forgets what is hidden", by: byWithout, edits: append([]edit{
		{file: "api/everything.go", old: "	for _, i := range v.Items {\n		if wanted(", new: "	for _, i := range v.Beneath {\n		if wanted("}}, beneath...)},
	{name: "an export skips the release rules", by: byWithout, edits: append([]edit{
		{file: "api/exporting.go", old: "	for _, i := range v.Items {\n		hits = append(hits, f.hit(i))", new: "	for _, i := range v.Beneath {\n		hits = append(hits, f.hit(i))"}}, beneath...)},
	{name: "an answer bears the ETag of a hidden version", by: byWithout, edits: []edit{
		{file: "access/record/record.go", old: "	v, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n", new: "	v, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n	if under, e := rs.Store.Read(ctx, typ, id, g.N(), &policy.Predicate{Permit: true, Everything: true}); e == nil && err != nil {\n		return under, err\n	}\n"},
		{file: "api/read.go", old: "	v, err := q.Records.Read(q.r.Context(), g, typ, id)\n	if err != nil {\n		return q.readPublished", new: "	v, err := q.Records.Read(q.r.Context(), g, typ, id)\n	if err != nil {\n		if v != nil {\n			q.headers(strconv.Itoa(v.Version), v.Recorded)\n		}\n		return q.readPublished"}}},
	{name: "an error text tells of a hidden reference", by: byWithout, edits: []edit{
		{file: "access/record/record.go", old: "	v, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n", new: "	v, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n	if _, e := rs.Store.Read(ctx, typ, id, g.N(), &policy.Predicate{Permit: true, Everything: true}); e == nil && err != nil {\n		return nil, fault.E(\"record.Read\", fault.NotFound, typ+\" is not for you\")\n	}\n"}}},
	{name: "a conditional create matches what is hidden", by: byWithout, edits: []edit{
		{file: "access/record/record.go", old: "		return rs.Store.Search(ctx, q, g.Predicate())\n", new: "		return rs.Store.Search(ctx, q, &policy.Predicate{Permit: true, Everything: true})\n"}}},
	{name: "a label is dropped with the next version", by: byOracle, every: true, edits: []edit{
		{file: "ingest/apply.go", old: "		body = c.stillLabelled(r, body, before)\n", new: "		_ = before\n"}}},
	{name: "a suspension is ignored", by: byOracle, edits: []edit{
		{file: "agreement/set.go", old: "if _, stopped := f.a.suspended(p, now); stopped {", new: "if _, stopped := f.a.suspended(p, now); stopped && false {"}}},
	{name: "an exception of a Consent is read as the rule", by: byOracle, every: true, edits: []edit{
		{file: "policy/preference.go", old: "	if exception {\n		return true, withheld", new: "	if exception {\n		return true, !withheld"}}},
	{name: "a chain goes through what is hidden", by: byWithout, edits: append([]edit{
		{file: "api/find.go", old: "		for i, t := range c.Chain.Types {\n", new: "		" + lookBeneath + "for i, t := range c.Chain.Types {\n"}}, beneath...)},
	{name: "_has looks at what is hidden", by: byWithout, edits: append([]edit{
		{file: "api/find.go", old: "		canonical := q.parameters().Lookup(typ, \"url\") != nil", new: "		" + lookBeneath + "canonical := q.parameters().Lookup(typ, \"url\") != nil"}}, beneath...)},
	{name: "GraphQL follows a reference to what is hidden", by: byWithout, edits: append([]edit{
		{file: "api/graphql.go", old: "	h, err := s.open.get(typ, id)\n", new: "	h, err := s.open.get(typ, id)\n	for _, f := range s.open.list {\n		if r, ok := f.(*recordField); ok && h == nil {\n			for _, x := range r.view.Beneath {\n				if x.Type == typ && x.ID == id {\n					h = r.hit(x)\n				}\n			}\n		}\n	}\n"}}, beneath...)},
	{name: "a page counts what is hidden", by: byWithout, edits: append([]edit{
		{file: "web/contacts.go", old: "	p := view.Part{Section: view.Other, Title: \"Other\"}\n", new: "	p := view.Part{Section: view.Other, Title: \"Other\" + strings.Repeat(\"+\", len(s.v.Beneath))}\n"}}, beneath...)},
	{name: "a choice's preview weighs what is hidden", by: byWithout, edits: append([]edit{
		{file: "web/sharing_preview.go", old: "	for _, i := range c.v.Items {\n", new: "	for _, i := range c.v.Beneath {\n"}}, beneath...)},
	{name: "a section lists what is hidden", by: byWithout, edits: append([]edit{
		{file: "web/contacts.go", old: "	for _, i := range s.v.Items {\n		if s.shown[", new: "	for _, i := range s.v.Beneath {\n		if s.shown["}}, beneath...)},
	{name: "an answer is as long as there is hidden", by: byWithout, edits: append([]edit{
		{file: "api/find.go", old: "	a.turn(found)\n	return a, q.include(f, a)", new: "	a.turn(found)\n	if r, ok := f.(*recordField); ok {\n		q.w.Header().Set(\"Server-Timing\", strings.Repeat(\"-\", len(r.view.Beneath)))\n	}\n	return a, q.include(f, a)"}}, beneath...)},
	{name: "a subscriber is told of what is hidden", by: byWithout, edits: []edit{
		{file: "subscription/turn.go", old: "	if v == nil || err != nil {\n		return nil, nil, err\n	}\n	if v.Deleted {", new: "	if v == nil {\n		v, err = f.Store.Read(ctx, e.Type, e.ID, e.N, &policy.Predicate{Permit: true, Everything: true})\n	}\n	if v == nil || err != nil {\n		return nil, nil, err\n	}\n	if v.Deleted {"},
		{file: "subscription/turn.go", old: "	\"selda/mpi\"\n", new: "	\"selda/mpi\"\n	\"selda/policy\"\n"}}},
	{name: "the citizen's trail tells of what they asked for in vain", by: byWithout, edits: []edit{
		{file: "access/access.go", old: "		return true, nil\n	}\n	if fault.Is(err, fault.Deleted)", new: "		return false, nil\n	}\n	if fault.Is(err, fault.Deleted)"}}},
	{name: "a parent sees the record at 16", by: byOracle, edits: []edit{
		{file: "policy/proxy.go", old: "	if !known || age >= adultAt {", new: "	if !known || age > adultAt {"}}},
	{name: "a seal within an organisation is forgotten", by: byOracle, edits: []edit{
		{file: "policy/limits.go", old: "	if len(p.Kept) == 0 ||", new: "	if len(p.Kept) != 1 ||"}}},
	{name: "what came with a sensitive item is not labelled", by: byOracle, edits: []edit{
		{file: "ingest/label.go", old: "	put.Labels |= c.carried\n", new: "	_ = c.carried\n"}}},
	{name: "an emergency opens what a statute keeps", by: byOracle, edits: []edit{
		{file: "policy/decide.go", old: "		d.Predicate.Hidden &= statutory\n", new: "		d.Predicate.Hidden = 0\n"}}},
	{name: "a restriction is forgotten for who wrote it", by: byOracle, edits: []edit{
		{file: "policy/restraint.go", old: "	case len(held) == 0 || r.Subject.Role == nhs.Coroner:\n", new: "	case len(held) == 0 || held[0].Organisation == r.Subject.Organisation || r.Subject.Role == nhs.Coroner:\n"}}},
	{name: "booking and registration sees what is labelled", by: byOracle, edits: []edit{
		{file: "policy/purpose.go", old: "	p.HiddenOwn |= own\n", new: "	_ = own\n"}}},
	{name: "an agreement is in force before it is signed", by: byOracle, edits: []edit{
		{file: "agreement/set.go", old: "if since, ok := f.a.signedFor(p); !ok || now.Before(since) {", new: "if _, ok := f.a.signedFor(p); !ok {"}}},
}

// Each seeded fault is found, and by the proof that is there for it.
func TestInvariant3SeededFaultsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("each fault is a build of the system")
	}
	all := os.Getenv("SELDA_FAULTS") != ""
	for _, f := range seededFaults {
		if !f.every && !all {
			continue
		}
		if only := os.Getenv("SELDA_FAULT"); only != "" && !strings.Contains(f.name, only) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			began := time.Now()
			after, out := f.seek(t)
			if after == "" {
				t.Fatalf("it was not found: %s", out)
			}
			t.Logf("| %s | %s | %s | %v |", f.name, f.by, after, time.Since(began).Round(time.Second))
		})
	}
}

var failedAfter = regexp.MustCompile(`\[rapid\] failed after (\d+) tests: ([^\n]*)`)

// seek runs the proof on the system with the fault in it, and says after how many
// cases it was found.
func (f seeded) seek(t *testing.T) (after, out string) {
	t.Helper()
	overlay := f.overlay(t)
	args := []string{"test", "-overlay", overlay, "-run", "^" + f.by + "$", "-count=1", "-timeout=20m"}
	if f.in == "" {
		args = append(args, "selda/internal/testenv", "-rapid.shrinktime=1ms")
	} else {
		args = append(args, "selda/"+f.in)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "SELDA_CASES="+cmp.Or(os.Getenv("SELDA_FAULT_CASES"), "3000"), "SELDA_FAULTS=")
	b, err := cmd.CombinedOutput()
	if err == nil {
		return "", "the proof holds with the fault in it"
	}
	if m := failedAfter.FindSubmatch(b); m != nil {
		return string(m[1]), ""
	}
	if bytes.Contains(b, []byte("--- FAIL: "+f.by)) && !bytes.Contains(b, []byte("panic: ")) {
		return "0", ""
	}
	return "", fmt.Sprint(err, "\n", string(b[:min(len(b), 3000)]))
}

// overlay writes the files with the fault in them, and what Go is told of them.
func (f seeded) overlay(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, changed := t.TempDir(), map[string]string{}
	for _, e := range f.edits {
		if _, begun := changed[e.file]; !begun {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			changed[e.file] = string(b)
		}
		if n := strings.Count(changed[e.file], e.old); n == 0 || n > 1 && !e.all {
			t.Fatalf("%s has %d times what the fault is put in the place of: %q", e.file, n, e.old)
		}
		changed[e.file] = strings.ReplaceAll(changed[e.file], e.old, e.new)
	}
	replace := map[string]string{}
	for file, text := range changed {
		at := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = at
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(at, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}
