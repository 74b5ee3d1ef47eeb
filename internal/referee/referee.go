// Package referee runs HL7's own validator for tests, where `make referee` has
// fetched it. It is no part of the product.
package referee

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Errors gives the errors that HL7's validator finds in each of the resources,
// JSON or XML, as "place: what is wrong". The folders have profiles and terminology as XML.
// Where the validator is not there the test is left out.
func Errors(t testing.TB, resources [][]byte, folders ...string) [][]string {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: it starts a Java machine")
	}
	_, here, _, _ := runtime.Caller(0)
	lib := filepath.Join(filepath.Dir(here), "lib")
	if _, err := os.Stat(filepath.Join(lib, "Referee.class")); err != nil {
		t.Skip("left out: HL7's validator is not there: make referee")
	}
	var in, said bytes.Buffer
	for _, r := range resources {
		in.Write(append(bytes.ReplaceAll(r, []byte("\n"), []byte(" ")), '\n'))
	}
	cmd := exec.Command("java", append([]string{"-Xmx2g", "-cp", filepath.Join(lib, "*") + string(os.PathListSeparator) + lib, "Referee"}, folders...)...)
	cmd.Stdin, cmd.Stderr = &in, &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	all := make([][]string, len(resources))
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for i := range all {
		for {
			if !lines.Scan() {
				t.Fatalf("there is no verdict on resource %d\n%s", i, said.String())
			}
			if lines.Text() == "." {
				break
			}
			all[i] = append(all[i], strings.TrimSpace(lines.Text()))
		}
	}
	return all
}
