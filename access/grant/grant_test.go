package grant

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"selda/access/internal/seal"
)

// Invariant 2, no Grant, no data: the zero Grant permits nothing, and a Grant
// made elsewhere than in access does not compile.
func TestInvariant2GrantsAreMadeByAccessOnly(t *testing.T) {
	var zero Grant
	if zero.Kind() != seal.None || zero.Predicate().Permit {
		t.Error("the zero Grant permits something")
	}
	if testing.Short() {
		t.Skip("compiles packages")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ src, want string }{
		"a call from elsewhere": {"package web\n\nimport \"selda/access/internal/seal\"\n\nvar forged = seal.Make(seal.Fields{Kind: seal.Record})\n", "use of internal package"},
		"a literal":             {"package web\n\nimport \"selda/access/grant\"\n\nvar forged = grant.Grant{f: struct{}{}}\n", "cannot refer to unexported field f"},
		"a conversion":          {"package web\n\nimport \"selda/access/grant\"\n\nvar forged = grant.Grant(struct{ f int }{1})\n", "cannot convert"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "forged.go")
			if err := os.WriteFile(file, []byte(c.src), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "web", "forged.go"): file}})
			overlayFile := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("go", "build", "-overlay", overlayFile, "-o", os.DevNull, "./web")
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("it compiles, or fails for another reason: %v\n%s", err, out)
			}
		})
	}
}
