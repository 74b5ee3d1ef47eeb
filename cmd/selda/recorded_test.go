package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"selda/audit"
	"selda/cmd/selda/region"
)

// alone are the verbs that open no region, or enter what they do elsewhere: why.
var alone = map[string]string{
	"serve": "TestServingAndRestoringAreRecorded", "demo": "as serve", "restore": "TestServingAndRestoringAreRecorded",
	"audit verify": "it reads the files of the trail, which may not be written to just then", "audit check": "an engine by itself",
	"hl7v2 map": "an engine by itself", "cda map": "an engine by itself", "fhir path": "an engine by itself", "fhir validate": "an engine by itself", "fhir convert": "an engine by itself",
	"downtime serve": "its copy notes each look, which comes into the trail of the region afterwards",
	"synth":          "it writes synthetic files", "bench": "a region of its own", "journey": "a region of its own", "version": "says which build it is",
	"terminology import": "what it has built is adopted by a verb of its own, which is recorded", "terminology list": "definitions are of nobody",
}

// R14: every verb that works on a region is in its trail, carried out or refused. The
// verbs come from the command line itself: a new one is asked for without being named here.
func TestEveryVerbLeavesAnEntry(t *testing.T) {
	r, err := region.Open(t.Context(), region.Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	parser, err := kong.New(&cli{}, kong.Name("selda"), kong.Vars{"cwd": "."}, kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir) // some verbs write files
	writePackage(t, filepath.Join(dir, "a.tgz"), map[string]string{"package/package.json": `{"name":"x.example","version":"1.0.0"}`})
	write(t, filepath.Join(dir, "a.hl7"), strings.ReplaceAll(admission("V1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	with := map[string]string{"ingest": "--source RJZ:PAS a.hl7", "backup": "b.selda", "package add": "a.tgz", "audit prove": "1", "token": "--user gp", "release make": "frailty --for RJZ --why planning --by sex"} // what succeeds, or is refused
	seen := map[string]bool{}
	for _, leaf := range parser.Model.Leaves(false) {
		verb := strings.TrimPrefix(leaf.FullPath(), "selda ")
		if strings.HasPrefix(verb, "bench ") {
			verb = "bench"
		}
		seen[verb] = true
		_, needs := leaf.Target.Addr().Interface().(onRegion)
		if needs == (alone[verb] != "") {
			t.Errorf("selda %s: works on a region: %v; the reason why it is in no trail: %q", verb, needs, alone[verb])
		}
		if !needs {
			continue
		}
		args := append(strings.Fields(verb), strings.Fields(with[verb])...)
		if with[verb] == "" {
			for range leaf.Positional {
				args = append(args, "4711")
			}
			for _, f := range leaf.Flags {
				if f.Required {
					args = append(args, "--"+f.Name+"=4711")
				}
			}
		}
		latest, err := r.Trail.Find(t.Context(), audit.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		before := uint64(0)
		if len(latest) > 0 {
			before = latest[0].Seq
		}
		var errs bytes.Buffer
		code := run(t.Context(), args, dir, io.Discard, &errs, r) // whatever comes of it, it is recorded
		told, err := r.Trail.Find(t.Context(), audit.Query{Limit: 20})
		if err != nil || len(told) == 0 || told[0].Seq == before {
			t.Errorf("selda %s (exit %d) is in no trail: %v %s", strings.Join(args, " "), code, err, errs.String())
			continue
		}
		named := false
		for _, e := range told {
			named = named || e.Seq > before && e.What == "command: "+verb && strings.HasPrefix(e.User, "os:")
		}
		if !named {
			t.Errorf("selda %s: the trail does not say who did what: %+v", verb, told[0])
		}
	}
	for verb := range alone {
		if !seen[verb] {
			t.Errorf("there is no verb %s any more", verb)
		}
	}
}

// R14: that the doors were opened and closed, and that a backup was restored, is in
// the trail.
func TestServingAndRestoringAreRecorded(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	s := start(t, data, "serve")
	file := filepath.Join(dir, "b.selda")
	ok(t, data, "backup", file)
	if code := s.stop(t); code != 0 {
		t.Fatal(code, s.errs)
	}
	again := filepath.Join(dir, "again")
	ok(t, again, "restore", file)
	ok(t, again, "audit", "verify")
	for place, want := range map[string][]string{data: {"the doors are opened", "backup", "the doors are closed"}, again: {"the doors are opened", "restore of a backup"}} {
		segments, err := filepath.Glob(filepath.Join(place, "audit", "*"))
		if err != nil || len(segments) != 1 {
			t.Fatal(segments, err)
		}
		b, err := os.ReadFile(segments[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !bytes.Contains(b, []byte(w)) {
				t.Errorf("%s is in no trail", w)
			}
		}
	}
}
