package seal_test

import (
	"bytes"
	"testing"

	"selda/fault"
	"selda/internal/seal"
)

func keys(t testing.TB, file string) seal.Keys {
	t.Helper()
	k, err := seal.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensByItsKeyAndNameAlone(t *testing.T) {
	first, second := seal.NewLine(), seal.NewLine()
	k := keys(t, "# of 2025\n"+first)
	sealed, err := k.Seal([]byte("a secret"), "auth/keys.json")
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatal("not sealed:", err)
	}
	if b, err := k.Open(sealed, "auth/keys.json"); err != nil || string(b) != "a secret" {
		t.Error(string(b), err)
	}
	if _, err := k.Open(sealed, "auth/accounts.json"); !fault.Is(err, fault.Security) {
		t.Error("it opens under another name:", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := k.Open(bad, "auth/keys.json"); err == nil {
			t.Fatal("a changed byte is not noticed:", i)
		}
	}
	if _, err := keys(t, second).Open(sealed, "auth/keys.json"); !fault.Is(err, fault.Security) {
		t.Error("another key opens it:", err)
	}
	// A new first line: what is there opens, and is to be sealed again.
	both := keys(t, second+first)
	if b, err := both.Open(sealed, "auth/keys.json"); err != nil || string(b) != "a secret" || both.Current(sealed) || !k.Current(sealed) {
		t.Error(string(b), err)
	}
	if _, err := (seal.Keys{}).Seal(nil, ""); err == nil {
		t.Error("no key seals")
	}
}

func TestFileOfKeysSaysWhatIsWrong(t *testing.T) {
	for _, file := range []string{"", "# none\n", "c2hvcnQ=\n", "not base64 at all\n", string(bytes.Repeat([]byte(seal.NewLine()), 17))} {
		if _, err := seal.Parse([]byte(file)); err == nil {
			t.Errorf("%.20q is taken", file)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := keys(f, seal.NewLine())
	sealed, _ := k.Seal([]byte("x"), "y")
	f.Add(sealed)
	f.Add(sealed[:20])
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := k.Open(b, "y"); err == nil && !bytes.Equal(b, sealed) {
			t.Error("a forgery opens")
		}
	})
}
