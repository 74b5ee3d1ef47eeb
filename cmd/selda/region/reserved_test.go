package region

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"selda/auth"
	"selda/hl7v2"
	"selda/nhs"
	"selda/store/sqlite"
)

// What the exchange itself keeps of people, their statements and who acts for them, has
// sources of its own: nobody from outside can send under such a name.
func TestSourcesOfTheExchangeAreNobodyElses(t *testing.T) {
	m, err := hl7v2.Parse([]byte("MSH|^~\\&|PROXY|SELDA|||20261105||ADT^A01|1|P|2.4\rPID|1\r"))
	if err != nil {
		t.Fatal(err)
	}
	if source, why := OpenFeeds().Admit(m, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, time.Now()); why == "" {
		t.Errorf("a peer on this machine is admitted as %s", source)
	}
	file := filepath.Join(t.TempDir(), "feeds.yaml")
	if err := os.WriteFile(file, []byte("feeds:\n  - source: SELDA:PROXY\n    facility: X\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFeeds(file); err == nil {
		t.Error("a feeds file names one")
	}
	dir := filepath.Join(t.TempDir(), "SELDA_ME")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sourceOfFolder(list[0]); err == nil {
		t.Error("a folder of files names one")
	}
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	accounts := auth.OpenAccounts(db, false)
	for _, a := range []auth.Account{{User: "x", Name: "X", Role: nhs.SourceSystem, Organisation: "RJ1", Source: "SELDA:ME"}, {User: "x", Name: "X", Role: nhs.GP, Organisation: nhs.Exchange}} {
		if err := accounts.Put(a); err == nil {
			t.Errorf("an account acts as the exchange: %+v", a)
		}
	}
}
