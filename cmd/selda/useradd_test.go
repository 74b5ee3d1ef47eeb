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
	if r := add("typist --name T --role receptionist --organisation RJX --reason start"); r.code != 0 || !strings.Contains(r.err, "look whether the code is right") {
		t.Errorf("an organisation that nobody knows is not doubted: %+v", r)
	}
	if r := add("pas --name PAS --role source-system --source RJZ:PAS --reason start"); r.code != 0 || r.out != "" {
		t.Errorf("a system: %+v", r)
	}
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"a.mensah --name Ama --role nurse --organisation RJZ --reason again", "choose another", 1},
		{"b --name B --role wizard --organisation RJZ --reason start", "no such role: administrator, advisor", 2},
		{"b --name B --role nurse --organisation no/such --reason start", "ods code", 2},
		{"b --name B --role nurse --reason start", "organisation", 1},
		{"b --name B --role citizen --nhs-number 1234567890 --reason start", "number", 2},
		{"b --name B --role nurse --organisation RJZ", "reason", 2},
	} {
		if r := add(c.args); r.code != c.code || !strings.Contains(strings.ToLower(r.err), c.says) || r.out != "" {
			t.Errorf("user add %s: %+v", c.args, r)
		}
	}
	if r := selda(t, data, "user", "list", "--json"); strings.Count(r.out, "\n") != 3 || !strings.Contains(r.out, `"user":"a.mensah"`) {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "user", "password", "a.mensah", "--reason", "forgot it"); r.code != 0 || len(r.out) < 16 {
		t.Errorf("%+v", r)
	}
	if r := selda(t, data, "user", "password", "pas", "--reason", "x"); r.code != 1 {
		t.Errorf("a system is given a password: %+v", r)
	}
}

// Letters and telephone calls name a person by NHS number: so do the verbs about a citizen.
// Who is not here is answered with what to give.
func TestCitizensAreNamedByNHSNumber(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "a.hl7")
	write(t, file, strings.ReplaceAll(admission("W1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	ingested(t, data, "--source", "RJZ:PAS", file)
	for _, verb := range []string{"preference show", "proxy list", "optout show"} {
		of := func(who string) result { return selda(t, data, append(strings.Fields(verb), who)...) }
		if r := of("999 123 4519"); r.code != 0 {
			t.Errorf("%s: %+v", verb, r)
		}
		if r := of("9990000042"); r.code != 1 || !strings.Contains(r.err, "no record here has this NHS number") || strings.Contains(r.err, "9990000042") {
			t.Errorf("%s of nobody: %+v", verb, r)
		}
		if r := of("nobody"); r.code != 1 || !strings.Contains(r.err, "give the NHS number") {
			t.Errorf("%s of no id: %+v", verb, r)
		}
	}
}
