package region

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
	"github.com/ncruces/go-sqlite3"

	"selda/audit"
	"selda/auth"
	"selda/auth/app"
	"selda/internal/document"
	"selda/internal/pgtest"
	"selda/internal/seal"
	"selda/nhs"
	"selda/store/sqlite"
	"selda/subscription"
)

// given makes a file of keys and gives it from outside.
func given(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "selda.key")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SELDA_KEY_FILE", path)
	return path
}

// written are the ways in which bytes stand in a file.
func written(secret []byte) [][]byte {
	return [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)), []byte(base64.RawURLEncoding.EncodeToString(secret))}
}

// nowhere fails where one of the secrets stands in a file of a folder.
func nowhere(t *testing.T, dir string, secrets map[string][]byte) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if strings.HasSuffix(p, ".backup") {
			z, _ := zstd.NewReader(bytes.NewReader(b))
			b, err = io.ReadAll(z)
			z.Close()
		}
		files++
		for name, s := range secrets {
			for _, w := range written(s) {
				if bytes.Contains(b, w) {
					t.Errorf("%s stands in %s", name, p)
				}
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Fatal(files, err)
	}
}

// planted are secrets of a region that is open: those that were made, and some that
// are put there.
func planted(t *testing.T, r *Region) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, use := range []string{"ids", "pseudonyms", "subscriptions", "export", "cursors", "login"} {
		out["the key for "+use] = r.Store.Secret(use)
	}
	hash, err := auth.HashPassword("correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	number, err := nhs.ParseNumber("9991234519")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Auth.Accounts.Add(auth.Account{User: "nurse.of.the.test", Name: "N", Role: nhs.Nurse, Organisation: "RJZ", PasswordHash: hash, Contact: "matron.of.the.test"},
		auth.Account{User: "citizen.of.the.test", Name: "Folake of the test", Role: nhs.Citizen, NHSNumber: number}); err != nil {
		t.Fatal(err)
	}
	account, _, err := r.accounts.Account("nurse.of.the.test")
	_, phc, found := strings.Cut(string(account.Body), "$argon2id$")
	if err != nil || !found {
		t.Fatal("no hash in the account", err)
	}
	out["a password's hash"], out["who answers for an account"] = []byte(phc[:60]), []byte("matron.of.the.test")
	out["a citizen's name"], out["a citizen's number"] = []byte("Folake of the test"), []byte(number.Digits())
	b, _, err := r.documents.Load("auth/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	_, d, _ := strings.Cut(string(b), `"d":"`)
	d, _, _ = strings.Cut(d, `"`)
	if len(d) < 40 {
		t.Fatalf("no private key in %.40q", b)
	}
	out["the key of tokens"] = []byte(d)
	plantOthers(t, r, out)
	return out
}

// plantOthers plants what others gave the region to keep: a subscriber's header, an
// application's secret, a client secret and a password in the operator's files.
func plantOthers(t *testing.T, r *Region, out map[string][]byte) {
	t.Helper()
	if err := r.Auth.Accounts.Add(auth.Account{User: "engine.of.the.test", Name: "E", Role: nhs.SourceSystem, Organisation: "RJ1", Source: "RJ1:EPR"}); err != nil {
		t.Fatal(err)
	}
	token, err := r.Auth.Token(t.Context(), "engine.of.the.test", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	out["a token"], out["a subscriber's header"] = []byte(token), []byte("hush-of-the-subscriber")
	q := httptest.NewRequest(http.MethodPost, "/fhir/Subscription", strings.NewReader(`{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?code=x","channel":{"type":"rest-hook","endpoint":"https://epr.example/hook","header":["Authorization: Bearer hush-of-the-subscriber"]}}`))
	q.Header.Set("Content-Type", "application/fhir+json")
	q.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, q)
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	x, secret, err := (&app.Metadata{Name: "App", RedirectURIs: []string{"https://app.example/back"}, Contacts: []string{"dev@app.example"}, Scope: "launch openid", Owner: "App team", For: []string{app.Professionals}}).App(time.Now())
	if err == nil {
		_, err = r.Auth.Apps.Add(x, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	out["an application's secret"], out["its hash"] = []byte(secret), []byte(x.Secret)
	r.signOnFile = &SignOn{Providers: []auth.Provider{{Name: "cis2", Title: "CIS2", ClientSecret: "hush-of-the-provider"}}}
	r.mail = &subscription.Mail{Server: "mail.example:587", Password: "hush-of-the-mail"}
	out["a provider's secret"], out["the mail server's password"] = []byte("hush-of-the-provider"), []byte("hush-of-the-mail")
	if err := r.keepSettings(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, _, err := r.documents.Load(settingsName); err != nil || !strings.Contains(string(b), "provider/cis2") {
		t.Fatal("the inventory does not have it", err)
	}
}

// oldFolder makes a data folder as it was before anything but accounts was sealed.
func oldFolder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	trail, err := audit.Open(audit.Options{Data: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trail.Append(t.Context(), audit.Entry{Action: audit.Administer, What: "of before"}); err != nil {
		t.Fatal(err)
	}
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"the key of ids": keptKey(t, dir)}
	for _, name := range []string{audit.KeyName, audit.SignerName} {
		if out[name], _, err = document.Folder(dir).Load(name); err != nil || len(out[name]) != 32 {
			t.Fatal(name, len(out[name]), err)
		}
	}
	if in := holds(t, dir, string(out["the key of ids"])); len(in) == 0 {
		t.Fatal("the folder of before has its key nowhere")
	}
	return out
}

// keptKey is the folder's own key as the database has it.
func keptKey(t *testing.T, dir string) []byte {
	t.Helper()
	c, err := sqlite3.OpenFlags(filepath.Join(dir, "record.db"), sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, _, err := c.Prepare(`SELECT value FROM meta WHERE name='id-key'`)
	if err != nil || !s.Step() {
		t.Fatal("no key", err)
	}
	defer func() { _ = s.Close() }()
	return s.ColumnBlob(0, nil)
}

// Not one byte of a secret is to be found in a data folder or a backup of it, also
// where it is one of before, whose secrets were in the clear.
func TestNoSecretIsInADataFolderInTheClear(t *testing.T) {
	dir := t.TempDir()
	secrets := oldFolder(t, dir)
	outside := given(t, seal.NewLine())
	var first []byte
	for range 2 { // the second time nothing is of before any more
		r, err := Open(t.Context(), Options{Data: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r.Store.Secret("ids")
			for name, s := range planted(t, r) {
				secrets[name] = s
			}
			if err := r.Backup(t.Context(), OperatorSubject(), filepath.Join(dir, "a.backup")); err != nil {
				t.Fatal(err)
			}
			if key, err := r.BackupKey(); err != nil || !strings.Contains(key, outside) || len(r.warnings()) > 0 {
				t.Error(key, err, r.warnings())
			}
		} else if !bytes.Equal(first, r.Store.Secret("ids")) {
			t.Error("the ids' key is another")
		}
		nowhere(t, dir, secrets)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		nowhere(t, dir, secrets)
	}
	if report, err := VerifyTrail(t.Context(), dir, ""); err != nil || report.Entries < 2 {
		t.Error("the trail of before does not hold any more:", report, err)
	}
}

// With a wrong key, or none, nothing opens, nothing changes, and the words say which
// key is wanted.
func TestAWrongKeyOpensNothingAndLosesNothing(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	right := seal.NewLine()
	given(t, right)
	r, err := Open(t.Context(), Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	id, backup := r.resting.ring.Keys().IDs()[0], filepath.Join(elsewhere, "a.backup")
	if err := r.Backup(t.Context(), OperatorSubject(), backup); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before := content(t, dir)
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), id) || !strings.Contains(err.Error(), "SELDA_KEY_FILE") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, wrong := range []string{seal.NewLine(), ""} {
		if wrong == "" {
			t.Setenv("SELDA_KEY_FILE", "")
		} else {
			given(t, wrong)
		}
		refused("start", openWith(t, dir, func(*Region) {}))
		_, err := VerifyTrail(t.Context(), dir, "")
		refused("verify", err)
		to := filepath.Join(elsewhere, "restored")
		refused("restore", Restore(t.Context(), backup, to, ""))
		if _, err := os.Stat(to); err == nil {
			t.Error("something was restored")
		}
	}
	after := content(t, dir)
	for name, b := range before {
		if after[name] != b {
			t.Error("changed by a start with a wrong key:", name)
		}
	}
	if len(after) != len(before) {
		t.Error("files came or went:", len(before), len(after))
	}
	given(t, right)
	if err := Restore(t.Context(), backup, filepath.Join(elsewhere, "restored"), ""); err != nil {
		t.Error("with its key:", err)
	}
	if err := openWith(t, filepath.Join(elsewhere, "restored"), func(*Region) {}); err != nil {
		t.Error("what is restored:", err)
	}
	if err := openWith(t, dir, func(*Region) {}); err != nil {
		t.Error("the folder with its key again:", err)
	}
}

// content is what a folder's files hold.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		if out[p] = string(b); strings.HasSuffix(p, "-shm") || strings.HasSuffix(p, "-wal") {
			delete(out, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// The key of a folder that has its own: it is told of, goes with a backup, and changes.
func TestTheKeyBesideIsToldOfAndChanges(t *testing.T) {
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "a.backup")
	r, err := Open(t.Context(), Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if w := r.warnings(); len(w) != 1 || !strings.Contains(w[0], "SELDA_KEY_FILE") {
		t.Error(w)
	}
	if w, err := r.BackupKey(); err != nil || !strings.Contains(w, "is in it") {
		t.Error(w, err)
	}
	secrets, ids := planted(t, r), r.Store.Secret("ids")
	if err := r.Backup(t.Context(), OperatorSubject(), backup); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := r.RotateMaster(t.Context(), OperatorSubject())
	if err != nil || n < 5 {
		t.Fatal(n, err)
	}
	now, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil || bytes.Equal(now, old) || len(keyLines(now)) != 1 {
		t.Errorf("%d lines, %v", len(keyLines(now)), err)
	}
	secrets["the key of before"] = bytes.TrimSpace(old)
	nowhere(t, dir, secrets)
	if _, ok := r.Auth.Accounts.Find("nurse.of.the.test"); !ok {
		t.Error("the account is gone")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{dir, filepath.Join(t.TempDir(), "restored")} {
		if where != dir {
			if err := Restore(t.Context(), backup, where, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := openWith(t, where, func(r *Region) {
			if !bytes.Equal(ids, r.Store.Secret("ids")) {
				t.Error("other ids in", where)
			}
		}); err != nil {
			t.Error(where, err)
		}
	}
}

// The key that is given changes by a new first line of its file.
func TestTheKeyThatIsGivenChanges(t *testing.T) {
	dir, first := t.TempDir(), seal.NewLine()
	path := given(t, first)
	r, err := Open(t.Context(), Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RotateMaster(t.Context(), OperatorSubject()); err == nil || !strings.Contains(err.Error(), "put a new line before it") {
		t.Error("nothing was changed, and it says:", err)
	}
	second := seal.NewLine()
	if err := os.WriteFile(path, []byte("# of this year\n"+second+first), 0o600); err != nil {
		t.Fatal(err)
	}
	n, next, err := r.RotateMaster(t.Context(), OperatorSubject())
	if err != nil || n < 4 || !strings.Contains(next, "can be removed") {
		t.Fatal(n, next, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	given(t, second)
	if err := openWith(t, dir, func(*Region) {}); err != nil {
		t.Error("with the new key alone:", err)
	}
	given(t, first)
	if err := openWith(t, dir, func(*Region) {}); err == nil {
		t.Error("the key of before still opens it")
	}
}

// dumped is every row of every table of a database, as it would be in a dump.
func dumped(t *testing.T, dsn string) []byte {
	t.Helper()
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(context.Background(), `SELECT c.relname::text FROM pg_class c WHERE c.relnamespace='public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	var b bytes.Buffer
	for _, n := range names {
		for _, format := range []string{"text", "binary"} {
			if _, err := c.PgConn().CopyTo(context.Background(), &b, `COPY (SELECT * FROM `+pgx.Identifier{n}.Sanitize()+`) TO STDOUT (FORMAT `+format+`)`); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.Bytes()
}

// Not one byte of a secret is to be found in a dump of a database, also where it was
// in the clear there before a key was given.
func TestNoSecretIsInADatabaseInTheClear(t *testing.T) {
	dsn := pgtest.DSN(t)
	t.Setenv("SELDA_KEY_FILE", "")
	options := Options{Data: t.TempDir(), Postgres: dsn, Log: slog.New(slog.DiscardHandler), Demo: &auth.Demonstration{Password: DemoPassword, Users: DemoUsers()}}
	r, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if w := r.warnings(); len(w) != 1 || !strings.Contains(w[0], "in the clear") {
		t.Error(w)
	}
	secrets := planted(t, r)
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), `SELECT name, value FROM secret`)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var value []byte
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		secrets["the secret "+name] = bytes.Clone(value)
		return nil
	}); err != nil || len(secrets) < 10 {
		t.Fatal(len(secrets), err)
	}
	_ = c.Close(t.Context())
	ids := r.Store.Secret("ids")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	line := seal.NewLine()
	given(t, line)
	if r, err = Open(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if !bytes.Equal(ids, r.Store.Secret("ids")) || len(r.warnings()) > 0 {
		t.Error("other ids, or a warning", r.warnings())
	}
	if err := r.shared.Passing.Put("session", "a-token-of-a-session", []byte("who it is"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if b, ok, err := r.shared.Passing.Get("session", "a-token-of-a-session"); string(b) != "who it is" || !ok || err != nil {
		t.Errorf("%q %v %v", b, ok, err)
	}
	secrets["a session's token"], secrets["what passes"] = []byte("a-token-of-a-session"), []byte("who it is")
	dump := dumped(t, dsn)
	for name, s := range secrets {
		for _, w := range written(s) {
			if bytes.Contains(dump, w) {
				t.Errorf("%s stands in the database", name)
			}
		}
	}
	// Another node without the key, or with another, does not start.
	for _, wrong := range []string{"", seal.NewLine()} {
		if t.Setenv("SELDA_KEY_FILE", ""); wrong != "" {
			given(t, wrong)
		}
		other := options
		other.Data = t.TempDir()
		n, err := Open(t.Context(), other)
		if err == nil || !strings.Contains(err.Error(), "SELDA_KEY_FILE") {
			t.Error("a node without the key:", err)
		}
		if err == nil {
			_ = n.Close()
		}
	}
	// The key changes while this node works; another with the new file starts.
	path, next := given(t, line), seal.NewLine()
	r.resting.outside = path
	if err := os.WriteFile(path, []byte(next+line), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, _, err := r.RotateMaster(t.Context(), OperatorSubject()); err != nil || n < 5 {
		t.Error(n, err)
	}
	if _, err := r.Store.N(t.Context()); err != nil {
		t.Error(err)
	}
	if report, err := VerifyTrail(t.Context(), "", dsn); err != nil || report.Entries == 0 {
		t.Error(report, err)
	}
	// A node whose file has the former key first still does not seal anything by it again:
	// the new key alone opens all.
	for _, file := range []string{line + next, next} {
		given(t, file)
		other := options
		other.Data = t.TempDir()
		n, err := Open(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		if used, err := n.keysInUse(); err != nil || len(used) != 1 {
			t.Error(used, err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A database elsewhere is refused without a key; nothing is asked of it.
func TestADatabaseElsewhereWantsAKey(t *testing.T) {
	t.Setenv("SELDA_KEY_FILE", "")
	for dsn, refused := range map[string]bool{"postgres://selda@db.example/selda": true, "host=10.1.2.3 user=selda": true, "postgres://selda@localhost/selda": false, "host=/run/postgresql user=selda": false, "postgres://selda@127.0.0.1,10.0.0.1/selda": true} {
		if _, err := databaseKeys(dsn); (err != nil) != refused {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
