package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"selda/fault"
	"selda/internal/seal"
)

// Whatever is sealed opens, by any file of keys that has its key, under its name and no
// other, and by no other key; and what is sealed shows nothing of its content.
func TestSealAndOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := make([]string, rapid.IntRange(1, 5).Draw(t, "keys"))
		for i := range lines {
			lines[i] = seal.NewLine()
		}
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		about, other := rapid.String().Draw(t, "about"), rapid.String().Draw(t, "other")
		by := rapid.IntRange(0, len(lines)-1).Draw(t, "by")
		one, err := seal.Parse([]byte(lines[by]))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := one.Seal(content, about)
		if err != nil || len(content) > 8 && bytes.Contains(kept, content) {
			t.Fatal("it shows, or:", err)
		}
		again, err := one.Seal(content, about)
		if err != nil || bytes.Equal(kept, again) {
			t.Fatal("sealed twice it is the same")
		}
		all, err := seal.Parse([]byte(strings.Join(lines, "")))
		if err != nil {
			t.Fatal(err)
		}
		got, anew, err := seal.Opened(all, kept, about)
		if err != nil || !bytes.Equal(got, content) || anew != (by != 0) {
			t.Fatalf("%q opens as %q, anew %v: %v", content, got, anew, err)
		}
		if _, err := all.Open(kept, other); (err == nil) != (other == about) {
			t.Fatalf("about %q it opens about %q: %v", about, other, err)
		}
		without, err := seal.Parse([]byte(strings.Join(append(append([]string{seal.NewLine()}, lines[:by]...), lines[by+1:]...), "")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := without.Open(kept, about); !fault.Is(err, fault.Security) || !strings.Contains(err.Error(), seal.ID(kept)) || seal.ID(kept) != one.IDs()[0] {
			t.Fatal("without its key:", err)
		}
	})
}

// A process that runs for long reads its keys anew where it meets one that it has not.
func TestARingReadsItsKeysAnew(t *testing.T) {
	first, second := seal.NewLine(), seal.NewLine()
	file, reads, broken := first, 0, error(nil)
	r, err := seal.NewRing(func() (seal.Keys, error) {
		reads++
		if broken != nil {
			return seal.Keys{}, broken
		}
		return seal.Parse([]byte(file))
	})
	if err != nil {
		t.Fatal(err)
	}
	old, err := r.Seal([]byte("x"), "y")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := keys(t, second).Seal([]byte("z"), "y")
	if err != nil {
		t.Fatal(err)
	}
	broken = errors.New("the disk is gone")
	if _, err := r.Open(kept, "y"); err == nil {
		t.Error("opened without its key")
	}
	if b, err := r.Open(old, "y"); string(b) != "x" || err != nil {
		t.Error("what it has is lost:", err)
	}
	broken, file = nil, second+first
	if b, err := r.Open(kept, "y"); string(b) != "z" || err != nil || r.Current(old) || !r.Current(kept) {
		t.Error(string(b), err)
	}
	before := reads
	if _, err := r.Open(old, "y"); err != nil || reads != before {
		t.Error("read anew for a key that it has:", err)
	}
	var none *seal.Ring
	if _, err := none.Seal(nil, ""); err == nil {
		t.Error("no ring seals")
	}
	if _, err := none.Open(kept, "y"); err == nil {
		t.Error("no ring opens")
	}
}

// What is in the clear stays so without a key; what is sealed does not open without one.
func TestWithoutAKey(t *testing.T) {
	if b, anew, err := seal.Opened(nil, []byte("plain"), "x"); string(b) != "plain" || anew || err != nil {
		t.Error(string(b), anew, err)
	}
	if b, err := seal.Closed(nil, []byte("plain"), "x"); string(b) != "plain" || err != nil {
		t.Error(string(b), err)
	}
	kept, err := keys(t, seal.NewLine()).Seal([]byte("x"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := seal.Opened(nil, kept, "x"); err == nil || !strings.Contains(err.Error(), seal.ID(kept)) {
		t.Error(err)
	}
}

// While it is easy, what any key of the file has sealed counts as sealed; what a key
// beside the file has, does not.
func TestEasy(t *testing.T) {
	first, beside := keys(t, seal.NewLine()), keys(t, seal.NewLine())
	lines := seal.NewLine() + seal.NewLine()
	file := keys(t, lines)
	other := keys(t, strings.SplitAfter(lines, "\n")[1])
	r, err := seal.NewRing(func() (seal.Keys, error) { return file.And(beside), nil })
	if err != nil {
		t.Fatal(err)
	}
	by := func(k seal.Keys) []byte {
		b, err := k.Seal([]byte("x"), "y")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	check := func(b []byte, strict, easy bool) {
		t.Helper()
		if r.Current(b) != strict {
			t.Error("strict", !strict)
		}
		_ = r.Easy(func() error {
			if r.Current(b) != easy {
				t.Error("easy", !easy)
			}
			return nil
		})
		if r.Current(b) != strict {
			t.Error("still easy")
		}
	}
	check(by(file), true, true)
	check(by(other), false, true)
	check(by(beside), false, false)
	check(by(first), false, false)
	check([]byte("plain"), false, false)
}
