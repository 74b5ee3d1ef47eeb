package factor

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"selda/auth/factor/factortest"
	"selda/fault"
	"selda/internal/document"
)

// once keeps challenges.
type once struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (o *once) Put(kind, key string, b []byte, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.m[kind+key] = b
	return nil
}

func (o *once) End(kind, key string, _ time.Duration) ([]byte, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, ok := o.m[kind+key]
	delete(o.m, kind+key)
	return b, ok, nil
}

func open(t testing.TB) *Factors {
	t.Helper()
	f, err := Open(document.Folder(t.TempDir()), &once{m: map[string][]byte{}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// RFC 6238, appendix B.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		if got := codeAt([]byte("12345678901234567890"), stepAt(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestACodeIsTakenOnce(t *testing.T) {
	f, now := open(t), time.Now()
	secret := NewSecret()
	at := func(d time.Duration) string { return codeAt(secret, stepAt(now.Add(d)), codeDigits) }
	check := func(code string, later time.Duration) bool {
		t.Helper()
		_, err := f.Check("gp", code, now.Add(later))
		if err != nil && !fault.Is(err, fault.Login) {
			t.Fatal(err)
		}
		return err == nil
	}
	if _, err := f.Enrol("gp", secret, "000000", now); err == nil && at(0) != "000000" {
		t.Error("enrolled by any code")
	}
	if check(at(0), 0) {
		t.Error("a code of nobody's")
	}
	first, err := f.Enrol("gp", secret, at(0), now)
	if err != nil || len(first) != recoveryMade {
		t.Fatal(first, err)
	}
	if !check(first[0], 0) || check(first[0], 0) {
		t.Error("a recovery code of the enrolment holds not once")
	}
	if check(at(0), 0) {
		t.Error("the code of the enrolment holds again")
	}
	if !check(at(codeStep), codeStep) || check(at(codeStep), codeStep) || check(at(codeStep), 2*codeStep) {
		t.Error("the next code holds not once")
	}
	if check(at(10*codeStep), 8*codeStep) || check(at(5*codeStep), 7*codeStep) {
		t.Error("a code of another time holds")
	}
	// Many at once: one of them is taken.
	taken := make(chan bool, 16)
	var wg sync.WaitGroup
	for range cap(taken) {
		wg.Go(func() {
			_, err := f.Check("gp", at(20*codeStep), now.Add(20*codeStep))
			taken <- err == nil
		})
	}
	wg.Wait()
	close(taken)
	n := 0
	for ok := range taken {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one code was taken %d times", n)
	}
	codes, err := f.Recover("gp")
	if check(first[1], 0) {
		t.Error("a recovery code of before holds")
	}
	if err != nil || len(codes) != recoveryMade {
		t.Fatal(codes, err)
	}
	if h, _ := f.Of("gp"); strings.Contains(strings.Join(h.Recovery, " "), codes[0]) {
		t.Error("recovery codes are kept as they are")
	}
	if recovered, err := f.Check("gp", strings.ToUpper(codes[3]), now); !recovered || err != nil {
		t.Error(err)
	}
	if check(codes[3], 0) || !check(strings.ReplaceAll(codes[4], "-", " "), 0) {
		t.Error("a recovery code holds not once")
	}
}

// Wrong codes in a row lock the codes, a right one in between begins anew; then no code is
// taken, of many at once as of one after the other, until a passkey shows that it is them
// or they are set up anew. Who has none is not told apart.
func TestWrongCodesLock(t *testing.T) {
	f, now := open(t), time.Now()
	secret := NewSecret()
	at := func(d time.Duration) string { return codeAt(secret, stepAt(now.Add(d)), codeDigits) }
	recovery, err := f.Enrol("gp", secret, at(0), now)
	if err != nil {
		t.Fatal(err)
	}
	wrong := func(n int) {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if _, err := f.Check("gp", "no code", now); !fault.Is(err, fault.Login) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	wrong(mostWrong - 1)
	if _, err := f.Check("gp", at(codeStep), now.Add(codeStep)); err != nil {
		t.Fatal("locked too early:", err)
	}
	wrong(mostWrong - 1)
	if _, err := f.Check("gp", recovery[0], now); err != nil {
		t.Fatal("a right code did not begin anew:", err)
	}
	wrong(mostWrong + 10)
	for _, code := range []string{at(3 * codeStep), recovery[1]} {
		if _, err := f.Check("gp", code, now.Add(3*codeStep)); !fault.Is(err, fault.Login) || !strings.Contains(fault.Reason(err), "locked") {
			t.Error("a right code is taken of who is locked:", err)
		}
	}
	if h, err := f.Of("gp"); err != nil || !h.Codes.Locked() || h.Codes.Wrong != mostWrong {
		t.Error(h.Codes, err)
	}
	k := passkey(t, f, "gp")
	k.Count++
	options, err := f.BeginSignIn(here)
	if err != nil {
		t.Fatal(err)
	}
	if user, err := f.FinishSignIn(here, k.Get(t, options), now); user != "gp" || err != nil {
		t.Fatal(user, err)
	}
	if _, err := f.Check("gp", at(4*codeStep), now.Add(4*codeStep)); err != nil {
		t.Error("a passkey did not unlock:", err)
	}
	if err := f.Reset("gp"); err != nil {
		t.Fatal(err)
	}
	if h, err := f.Of("gp"); err != nil || h.Codes.Locked() {
		t.Error(h.Codes, err)
	}
}

const here = "https://selda.example"

func passkey(t testing.TB, f *Factors, user string) *factortest.Key {
	t.Helper()
	opts, err := f.BeginPasskey(here, user)
	if err != nil {
		t.Fatal(err)
	}
	k, answer := factortest.Create(t, opts, here)
	if err := f.FinishPasskey(here, user, "Work\nphone", answer, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := f.FinishPasskey(here, user, "again", answer, time.Now()); err == nil {
		t.Error("one challenge makes two passkeys")
	}
	return k
}

func TestPasskeysSignInOnce(t *testing.T) {
	f := open(t)
	k := passkey(t, f, "gp")
	begin := func() []byte {
		t.Helper()
		opts, err := f.BeginSignIn(here)
		if err != nil {
			t.Fatal(err)
		}
		return opts
	}
	k.Count++
	answer := k.Get(t, begin())
	if user, err := f.FinishSignIn(here, answer, time.Now()); user != "gp" || err != nil {
		t.Fatal(user, err)
	}
	if _, err := f.FinishSignIn(here, answer, time.Now()); !fault.Is(err, fault.Login) {
		t.Error("an answer holds twice:", err)
	}
	h, _ := f.Of("gp")
	if p := h.Passkeys[0]; p.Label != "Work phone" || p.Used.IsZero() || p.Credential.Authenticator.SignCount != 2 {
		t.Errorf("%+v", p)
	}
	if bytes.Contains(k.Handle, []byte("gp")) {
		t.Error("the passkey tells who its owner is")
	}
	for name, change := range map[string]func(*factortest.Key){
		"another site's page":          func(k *factortest.Key) { k.Origin = "https://selda.example.evil" },
		"another port":                 func(k *factortest.Key) { k.Origin = here + ":8443" },
		"nobody asked whose finger":    func(k *factortest.Key) { k.Unverified = true },
		"for another site":             func(k *factortest.Key) { k.Site = "evil.example" },
		"a copy, whose counter is old": func(k *factortest.Key) { k.Count = 1 },
		"another's handle":             func(k *factortest.Key) { k.Handle = f.handle("admin") },
		"a key that is not known":      func(k *factortest.Key) { k.ID = make([]byte, 32) },
	} {
		bad := *k
		bad.Count++
		change(&bad)
		if _, err := f.FinishSignIn(here, bad.Get(t, begin()), time.Now()); !fault.Is(err, fault.Login) {
			t.Errorf("%s: %v", name, err)
		}
	}
	second := passkey(t, f, "gp")
	if err := f.RemovePasskey("gp", h.Passkeys[0].ID); err != nil {
		t.Fatal(err)
	}
	k.Count = 9
	if _, err := f.FinishSignIn(here, k.Get(t, begin()), time.Now()); err == nil {
		t.Error("a passkey that was removed signs in")
	}
	second.Count++
	if user, err := f.FinishSignIn(here, second.Get(t, begin()), time.Now()); user != "gp" || err != nil {
		t.Error("the other one does not:", err)
	}
	if _, err := f.BeginSignIn("http://192.0.2.1"); !fault.Is(err, fault.NotSupported) {
		t.Error("passkeys for an address in numbers:", err)
	}
}

// A challenge that one browser was given for one account makes no passkey of another.
func TestAPasskeyIsOfWhoBegan(t *testing.T) {
	f := open(t)
	opts, err := f.BeginPasskey(here, "gp")
	if err != nil {
		t.Fatal(err)
	}
	_, answer := factortest.Create(t, opts, here)
	if err := f.FinishPasskey(here, "admin", "", answer, time.Now()); !fault.Is(err, fault.Login) {
		t.Error(err)
	}
}

func TestPictureIsOfTheSecret(t *testing.T) {
	uri := SecretURI([]byte("12345678901234567890"), "gp", "selda.example")
	if uri != "otpauth://totp/SELDA%20selda.example:gp?issuer=SELDA&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(uri)
	}
	svg, err := Picture(uri, "QR code")
	if err != nil || !strings.HasPrefix(svg, "<svg ") || strings.Contains(svg, "GEZD") || strings.Count(svg, "M") < 100 {
		t.Error(err, len(svg))
	}
}

func FuzzResponses(f *testing.F) {
	fs := open(f)
	opts, err := fs.BeginPasskey(here, "gp")
	if err != nil {
		f.Fatal(err)
	}
	k, answer := factortest.Create(f, opts, here)
	f.Add(answer)
	if opts, err = fs.BeginSignIn(here); err != nil {
		f.Fatal(err)
	}
	f.Add(k.Get(f, opts))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if user, err := fs.FinishSignIn(here, b, time.Now()); err == nil {
			t.Errorf("%s signed in", user)
		}
		if err := fs.FinishPasskey(here, "somebody", "", b, time.Now()); err == nil {
			t.Error("a passkey of nobody's challenge")
		}
	})
}

// saves counts them.
type saves struct {
	document.Store
	n int
}

func (s *saves) Save(name string, content []byte, version int64) error {
	s.n++
	return s.Store.Save(name, content, version)
}

// What can't be recorded is not done: a change that the trail does not take is not made,
// and one that it takes is recorded once.
func TestAChangeIsRecordedBeforeItIsMade(t *testing.T) {
	f := open(t)
	secret, now := NewSecret(), time.Unix(1_800_000_000, 0)
	code := codeAt(secret, stepAt(now), codeDigits)
	if _, err := f.Recorded(func() error { return errors.New("no trail") }).Enrol("gp", secret, code, now); err == nil {
		t.Error("it was made without a record")
	}
	if h, err := f.Of("gp"); err != nil || h.Codes != nil {
		t.Error("it was made without a record", err)
	}
	times, saved := 0, &saves{Store: f.docs}
	f.docs = saved
	codes, err := f.Recorded(func() error { times++; return nil }).Enrol("gp", secret, code, now)
	if err != nil || times != 1 {
		t.Errorf("recorded %d times: %v", times, err)
	}
	// The telephone and its recovery codes are there together, in one save.
	if h, err := f.Of("gp"); err != nil || h.Codes == nil || len(h.Recovery) != recoveryMade || len(codes) != recoveryMade || saved.n != 1 {
		t.Errorf("%d codes, after %d saves: %v", len(codes), saved.n, err)
	}
}
