package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a witness, and the holder of a proof, do with the trail: at the command
// line beside a server, over HTTP, and with no region at all.
func TestAuditIsProvenElsewhere(t *testing.T) {
	data, away := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(away, name) }
	s := start(t, data, "serve")
	s.send(t, admission("P1", "H1", "9991234519", "ADEYEMI"))
	settled(trace(t, data, "P1")) // an entry: who traced what
	write(t, at("old"), ok(t, data, "audit", "checkpoint"))
	write(t, at("key"), ok(t, data, "audit", "key"))
	trace(t, data, "P1")
	write(t, at("proof"), ok(t, data, "audit", "prove", "3"))
	write(t, at("part"), ok(t, data, "audit", "prove", "3", "--show", "act,name"))
	write(t, at("goes-on"), ok(t, data, "audit", "consistency", at("old")))

	for path, file := range map[string]string{"/audit/key": "key", "/audit/checkpoint": ""} {
		code, body := s.get(t, "", "GET", path, "")
		kept, _ := os.ReadFile(at(file))
		if code != 200 || file != "" && body != string(kept) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	for path, want := range map[string]int{"/audit/tile/0/000.p/1": 200, "/audit/tile/0/000": 404, "/audit/tile/entries/000": 404, "/audit/tile/0/..%2f..%2fcheckpoint": 404} {
		if code, body := s.get(t, "", "GET", path, ""); code != want || code == 200 && len(body) != 32 {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	// Five seconds after an entry the published checkpoint has it.
	trace(t, data, "P1")
	_, was := s.get(t, "", "GET", "/audit/checkpoint", "")
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, now := s.get(t, "", "GET", "/audit/checkpoint", ""); now != was {
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal("the published checkpoint is more than five seconds behind")
		}
	}
	if code := s.stop(t); code != 0 {
		t.Fatal(code, s.errs)
	}

	none := filepath.Join(away, "no-region")
	for args, want := range map[string]string{
		"audit check " + at("proof") + " --key " + at("key"):                                  "this is entry 3 of",
		"audit check " + at("part") + " --key " + at("key"):                                   "not shown: user, reason, what, rest",
		"audit check " + at("proof") + " --json --key " + at("key"):                           `"what":"trace of P1"`,
		"audit check " + at("goes-on") + " --key " + at("key") + " --old " + at("old"):        "goes on from",
		"audit check " + at("goes-on") + " --json --key " + at("key") + " --old " + at("old"): `"holds":true`,
	} {
		if out := ok(t, none, strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("selda %s: %s", args, out)
		}
	}
	proof, _ := os.ReadFile(at("proof"))
	write(t, at("forged"), strings.Replace(string(proof), "trace of P1", "trace of P2", 1))
	write(t, at("forged-checkpoint"), strings.Replace(ok(t, data, "audit", "checkpoint"), "\n1", "\n2", 1))
	for args, code := range map[string]int{
		"audit check " + at("forged") + " --key " + at("key"):                                        1,
		"audit check " + at("proof") + " --key nonsense":                                             1,
		"audit check " + at("nothing") + " --key " + at("key"):                                       1,
		"audit check " + at("proof"):                                                                 2,
		"audit check " + at("goes-on") + " --key " + at("key"):                                       2,
		"audit check " + at("goes-on") + " --key " + at("key") + " --old " + at("forged-checkpoint"): 1,
		"audit consistency " + at("forged-checkpoint"):                                               1,
		"audit consistency " + at("nothing"):                                                         1,
		"audit prove 4711":                                                                           1,
		"audit prove 1 --show everything":                                                            1,
		"audit prove one":                                                                            2,
	} {
		if r := selda(t, data, strings.Fields(args)...); r.code != code || r.err == "" || r.out != "" {
			t.Errorf("selda %s: exit %d, want %d: %s", args, r.code, code, r.err)
		}
	}
	if out := ok(t, data, "audit", "verify"); !strings.Contains(out, "its tree holds") {
		t.Error(out)
	}
}
