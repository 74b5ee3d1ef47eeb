package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// G3: opt-outs are loaded and a file is filtered at the command line beside a
// server; an error names the line, and no number.
func TestOptOutsAtTheCommandLine(t *testing.T) {
	data, away := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(away, name) }
	s := start(t, data, "serve")
	write(t, at("sent.dat"), "9991234519,\n9449304424,\n")
	write(t, at("reply.dat"), "9449304424,\n")
	write(t, at("wrong.dat"), "9449304424,\n9991234518,\n")
	if r := selda(t, data, "optout", "filter", at("sent.dat")); r.code != 1 || !strings.Contains(r.err, "optout load") {
		t.Errorf("before anything was loaded: %+v", r)
	}
	if out := ok(t, data, "optout", "load", at("reply.dat"), "--sent", at("sent.dat"), "--json"); !strings.Contains(out, `"optedOut":1,"checked":2,"usable":true`) {
		t.Error(out)
	}
	if r := selda(t, data, "optout", "filter", at("sent.dat")); r.code != 0 || r.out != "9449304424,\n" || !strings.Contains(r.err, "1 left out") {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "optout", "load", at("wrong.dat")); r.code != 1 || !strings.Contains(r.err, "line 2") || strings.Contains(r.err, "9991234518") {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "optout", "load", at("reply.dat"), "--at", "yesterday"); r.code != 2 {
		t.Errorf("%+v", r)
	}
	if code := s.stop(t); code != 0 {
		t.Fatal(code, s.errs)
	}
}
