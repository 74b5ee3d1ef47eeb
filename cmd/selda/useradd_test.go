package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A site without a sign-on provider makes its first accounts at the command line.
func TestAccountsAreMadeAtTheCommandLine(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "a.hl7")
	write(t, file, strings.ReplaceAll(admission("W1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	ingested(t, data, "--source", "RJZ:PAS", file)
	add := func(args string) result { return selda(t, data, strings.Fields("user add "+args)...) }
	r := add("a.mensah --name Ama --role nurse --organisation RJZ --reason start --ends 2027-03-31")
	if r.code != 0 || !regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}\n$`).MatchString(r.out) || !strings.Contains(r.err, "good once, until") {
		t.Fatalf("%+v", r)
	}
	if r := add("pas --name PAS --role source-system --source RJZ:PAS --reason start"); r.code != 0 || r.out != "" {
		t.Errorf("a system: %+v", r)
	}
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"a.mensah --name Ama --role nurse --organisation RJZ --reason again", "choose another", 1},
		{"b --name B --role wizard --organisation RJZ --reason start", "no such role", 2},
		{"b --name B --role nurse --organisation no/such --reason start", "ods code", 2},
		{"b --name B --role nurse --reason start", "organisation", 1},
		{"b --name B --role citizen --nhs-number 1234567890 --reason start", "number", 2},
		{"b --name B --role nurse --organisation RJZ", "reason", 2},
	} {
		if r := add(c.args); r.code != c.code || !strings.Contains(strings.ToLower(r.err), c.says) || r.out != "" {
			t.Errorf("user add %s: %+v", c.args, r)
		}
	}
	if r := selda(t, data, "user", "list", "--json"); strings.Count(r.out, "\n") != 2 || !strings.Contains(r.out, `"user":"a.mensah"`) {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "user", "password", "a.mensah", "--reason", "forgot it"); r.code != 0 || len(r.out) < 16 {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "user", "password", "pas", "--reason", "x"); r.code != 1 {
		t.Errorf("a system is given a password: %+v", r)
	}
}
