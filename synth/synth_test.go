package synth

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

// digest is a hash of everything that a region gives.
func digest(r *Region) string {
	h := sha256.New()
	r.windows(func(truth []Citizen, list []Message) bool {
		for _, c := range truth {
			h.Write(TruthLine(c))
		}
		for _, m := range list {
			_, _ = io.WriteString(h, string(m.Source)+m.Format+m.Name+m.At.String()+m.Mapping+m.Fault)
			h.Write(m.Body)
		}
		return true
	})
	return hex.EncodeToString(h.Sum(nil))
}

// The same seed, number and day give the same bytes, others give others.
func TestSameSeedSameBytes(t *testing.T) {
	first := digest(New(11, 120, time.Time{}))
	if again := digest(New(11, 120, time.Time{})); again != first {
		t.Error("the same seed gave other bytes")
	}
	if digest(New(12, 120, time.Time{})) == first {
		t.Error("another seed gave the same bytes")
	}
	if digest(New(11, 120, DefaultNow.AddDate(0, 0, 1))) == first {
		t.Error("another day gave the same bytes")
	}
}

// Citizens tells the truth of the very messages that Messages gives, though
// it does not write them.
func TestTruthIsOfTheMessages(t *testing.T) {
	r := New(5, 500, time.Time{})
	var truth []Citizen
	r.windows(func(list []Citizen, _ []Message) bool { truth = append(truth, list...); return true })
	i := 0
	for c := range r.Citizens() {
		if !reflect.DeepEqual(c, truth[i]) {
			t.Fatalf("citizen %d differs:\n%+v\n%+v", i, c, truth[i])
		}
		i++
	}
	if i != 500 {
		t.Errorf("%d citizens", i)
	}
}

func TestStopsWhenAsked(t *testing.T) {
	next, stop := iter.Pull(New(1, 5000, time.Time{}).Messages())
	if _, ok := next(); !ok {
		t.Error("no message")
	}
	stop()
}

// NHS numbers are valid, of the test range, and each citizen's own.
func TestNumbers(t *testing.T) {
	n := newNumbers(1, folakeNumber)
	seen := map[string]bool{}
	for range 300_000 {
		s := n.next()
		if _, err := nhs.ParseNumber(s); err != nil || !strings.HasPrefix(s, "999") || seen[s] || s == folakeNumber {
			t.Fatalf("number %d: %v, seen %v", len(seen), err, seen[s])
		}
		seen[s] = true
	}
	if testing.Short() {
		return
	}
	for s := n.next(); s != ""; s = n.next() {
		seen[s] = true
	}
	if len(seen) < MaxCitizens {
		t.Errorf("the range has %d numbers, fewer than MaxCitizens", len(seen))
	}
}

func TestOrganisationsAndAccounts(t *testing.T) {
	codes, practices := map[nhs.ODS]Organisation{}, map[string]int{}
	for _, o := range Organisations() {
		if c, err := nhs.ParseODS(string(o.Code)); err != nil || c != o.Code {
			t.Errorf("%s is no ODS code", o.Code)
		}
		if _, twice := codes[o.Code]; twice {
			t.Errorf("%s stands twice", o.Code)
		}
		codes[o.Code] = o
		for _, s := range o.Sources {
			if p, err := nhs.ParseSource(string(s)); err != nil || p != s || p.Organisation() != o.Code {
				t.Errorf("%s is no source of %s", s, o.Code)
			}
		}
		if o.Kind == Practice {
			practices[o.Borough]++
		}
	}
	if len(practices) != 6 || len(codes) < 50 {
		t.Errorf("%d boroughs with practices, %d organisations", len(practices), len(codes))
	}
	if o := codes[gpPractice]; o.Borough != "Southwark" || o.Format != "fhir" {
		t.Errorf("gp's practice is in %s and sends %s", o.Borough, o.Format)
	}
	users := map[string]Account{}
	for _, a := range Accounts() {
		users[a.User] = a
		if _, err := nhs.ParseRole(string(a.Role)); err != nil {
			t.Errorf("%s has no role", a.User)
		}
		if a.Organisation != "" && codes[a.Organisation].Name == "" {
			t.Errorf("%s is of an unknown organisation", a.User)
		}
	}
	for _, u := range strings.Fields("gp doctor visitor nurse pharmacist social handler advisor paramedic reception hospice privacy guardian governance analyst admin citizen parent engineer system") {
		if users[u].User == "" {
			t.Errorf("no account %s", u)
		}
	}
	if users["citizen"].NHSNumber.Digits() != "9991234519" || len(users["parent"].For) != 1 || users["parent"].For[0].IsZero() || users["system"].Source == "" {
		t.Error("citizen, parent or system is not as the contract has it")
	}
}

// verhoeff says whether a SNOMED CT identifier's check digit holds.
// SNOMED CT Technical Implementation Guide, "Verhoeff's dihedral group D5 check".
func verhoeff(id string) bool {
	d := [10][10]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8},
		{5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}
	p := [8][10]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}}
	for i := 2; i < 8; i++ {
		for j := range 10 {
			p[i][j] = p[i-1][p[1][j]]
		}
	}
	c := 0
	for i := range len(id) {
		c = d[c][p[i%8][id[len(id)-1-i]-'0']]
	}
	return c == 0
}

// Every SNOMED CT code in the source has its check digit: a slip of the
// finger does not pass for a code.
func TestCodesHaveCheckDigits(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || strings.HasSuffix(f, "_test.go") || f == "named.go" {
			continue
		}
		for i, s := range strings.Split(string(b), `"`) {
			if i%2 == 0 || len(s) < 6 || len(s) > 18 || strings.Trim(s, "0123456789") != "" || s[0] == '0' || s == "246500" {
				continue
			}
			n++
			if !verhoeff(s) {
				t.Errorf("%s: %s", f, s)
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d codes were found", n)
	}
}

// Files: one folder a source, the truth at the top, and nothing lost.
func TestWriteFiles(t *testing.T) {
	dir := t.TempDir()
	r := New(2, 60, time.Time{})
	w, err := r.WriteFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, bytes := 0, int64(0)
	for m := range r.Messages() {
		want++
		bytes += int64(len(m.Body))
	}
	if w.Citizens != 60 || w.Messages != want || w.Bytes < bytes {
		t.Errorf("%+v, want %d messages and over %d bytes", w, want, bytes)
	}
	truth, err := os.ReadFile(filepath.Join(dir, "truth.ndjson"))
	if err != nil || strings.Count(string(truth), "\n") != 60 || !strings.Contains(string(truth), `"nhsNumber":"9991234519"`) {
		t.Error("truth.ndjson is not the truth of 60 citizens", err)
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "RJZ-PAS", "*.hl7")); len(list) == 0 {
		t.Error("no messages of King's PAS")
	}
	if _, err := r.WriteFiles(dir); err == nil {
		t.Error("it wrote into a folder that was not empty")
	}
}

func BenchmarkMessages(b *testing.B) {
	n := 0
	for b.Loop() {
		n = 0
		for range New(1, 1000, time.Time{}).Messages() {
			n++
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
