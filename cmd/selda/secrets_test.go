package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	documents "selda/internal/document"
	"selda/internal/seal"
)

// keysIn is how many keys a folder's own file holds.
func keysIn(t *testing.T, data string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

// The master key is being changed, and the process is killed at a random moment of it:
// every secret opens still, the next start finishes, and one key is left.
func TestRotatingTheMasterKeyMayBeKilledAnywhere(t *testing.T) {
	data := t.TempDir()
	ok(t, data, "ingest", "--source", "RJZ:PAS", "--json", writeMessage(t, admission("C1", "900", "9991234519", "ADEYEMI")))
	public := ok(t, data, "audit", "key")
	for i := range 150 { // so that it takes a while: of before, in the clear
		if err := documents.Folder(data).Save(fmt.Sprintf("auth/connected/of-before/%d.json", i), fmt.Appendf(nil, `{"a secret of before": %d}`, i), 0); err != nil {
			t.Fatal(err)
		}
	}
	kills := 8
	if testing.Short() {
		kills = 3
	}
	cut := 0
	for range kills {
		cmd := exec.Command(binary, "secrets", "rotate", "master", "--data", data)
		cmd.Dir = t.TempDir()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		killAt := rand.N(150 * time.Millisecond)
		for running := true; running; {
			select {
			case err := <-ended:
				if running = false; err != nil {
					t.Fatal("it failed before it was killed:", err)
				}
			case <-time.After(200 * time.Microsecond):
				if keysIn(t, data) == 2 { // it is under way
					time.Sleep(killAt)
					_ = cmd.Process.Kill()
					<-ended
					running = false
				}
			}
		}
		if keysIn(t, data) == 2 {
			cut++
		}
		if out := ok(t, data, "audit", "key"); out != public {
			t.Fatal("the key that signs checkpoints is another:", out)
		}
		if n := keysIn(t, data); n != 1 {
			t.Errorf("%d keys are left after the next start", n)
		}
		if out := ok(t, data, "audit", "verify", "--json"); !strings.Contains(out, `"holds":true`) {
			t.Error(out)
		}
	}
	if cut == 0 {
		t.Error("no kill was in the midst of it")
	}
	t.Logf("%d of %d kills were in the midst of it", cut, kills)
	if got := settled(trace(t, data, "C1")); fmt.Sprint(got) != "[committed]" {
		t.Error("the message is gone:", got)
	}
}

func writeMessage(t *testing.T, message string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.hl7")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(message, "\n", "\r")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The inventory at the command line, of a region that is served and of one that is not.
func TestSecretsAtTheCommandLine(t *testing.T) {
	data := t.TempDir()
	t.Setenv("SELDA_KEY_FILE", "")
	s := start(t, data, "serve")
	for _, served := range []bool{true, false} {
		if !served {
			s.stop(t)
		}
		r := selda(t, data, "secrets", "list", "--overdue", "--json")
		list := lines(t, r.out)
		if r.code != 1 || len(list) != 1 || list[0]["name"] != "master" || list[0]["state"] != "not kept safely" {
			t.Errorf("served %v: exit %d: %v", served, r.code, list)
		}
		ok(t, data, "secrets", "own", "tokens", "--owner", "Platform", "--contact", "p@selda.example", "--ends", "2099-03-31")
		found := false
		for _, l := range lines(t, ok(t, data, "secrets", "list", "--json")) {
			if l["name"] == "tokens" {
				found = l["owner"] == "Platform" && l["state"] == "good" && l["ends"] == "2099-03-30T23:00:00Z" // summer time
			}
		}
		if !found {
			t.Errorf("served %v: the owner is not kept", served)
		}
		before := ok(t, data, "audit", "key")
		ok(t, data, "secrets", "rotate", "trail/signer")
		if after := ok(t, data, "audit", "key"); after == before || !strings.Contains(ok(t, data, "audit", "handovers"), strings.TrimSpace(after)) {
			t.Errorf("served %v: the signer is not replaced", served)
		}
		if r := selda(t, data, "secrets", "rotate", "store/key"); r.code != 1 || !strings.Contains(r.err, "every id") {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
		if r := selda(t, data, "secrets", "own", "tokens", "--ends", "soon"); r.code != 2 {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
	}
	// With a key from outside nothing is overdue; with the wrong one nothing opens.
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(seal.NewLine()), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SELDA_KEY_FILE", key)
	if out := ok(t, data, "secrets", "list", "--overdue"); strings.Contains(out, "master") {
		t.Error(out)
	}
	t.Setenv("SELDA_KEY_FILE", "")
	if r := selda(t, data, "audit", "verify"); r.code != 1 || !strings.Contains(r.err, "SELDA_KEY_FILE") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}
