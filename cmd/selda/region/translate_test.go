package region

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

// adopt imports a file of terminology.
func adopt(t *testing.T, r *Region, name, content string) {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := r.Terminology.Build(p, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		if _, err := r.Terminology.Adopt([]string{m.Name}); err != nil {
			t.Fatal(err)
		}
	}
}

// A message's Read code is there as it came, with SNOMED CT beside it from the
// moment that a map is imported; a code without a map is listed.
func TestConceptMapsAreAppliedAtTheDoor(t *testing.T) {
	r := open(t)
	message := func(control, code string) string {
		return "MSH|^~\\&|GP|G85915|SELDA|SEL|20261102090000||ADT^A08|" + control + "|P|2.4\nPID|1||K300^^^G85915^MRN||ADEYEMI^FOLAKE||19511105|F\nDG1|1||" + code + "^Asthma^CTV3||20261101|F\n"
	}
	source := nhs.Source("G85915:GP")
	if b := body(t, r, send(t, r, source, message("1", "H33..")), "Condition"); strings.Contains(b, "snomed") {
		t.Fatalf("before there is a map: %s", b)
	}
	adopt(t, r, "gp.csv", "source_system,source_code,target_code,target_display\nhttp://read.info/ctv3,H33..,195967001,Asthma\n")
	out := send(t, r, source, message("2", "H33.."))
	b := body(t, r, out, "Condition")
	if !strings.Contains(b, `"code":"H33.."`) || !strings.Contains(b, `"code":"195967001"`) || strings.Index(b, "H33..") > strings.Index(b, "195967001") {
		t.Errorf("with a map: %s", b)
	}
	send(t, r, source, message("3", "XaZZZ"))
	if err := r.Ingest.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := r.Unmapped.List()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, e := range list {
		if e.Source != source || e.System != "http://read.info/ctv3" || e.First.IsZero() || e.Last.Before(e.First) || time.Since(e.Last) > time.Hour {
			t.Errorf("%+v", e)
		}
		found[e.Code] = e.Count
	}
	if found["H33.."] != 1 || found["XaZZZ"] != 1 || len(found) != 2 {
		t.Errorf("codes without a map: %v", found)
	}
}
