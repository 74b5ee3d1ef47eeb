package auth

import (
	"path/filepath"
	"testing"
	"time"

	"selda/internal/document"
)

// A new key signs at once; what the old one signed holds while it may, at every node, and
// not at all where that is asked for.
func TestSigningKeysAreRotatedWithOverlap(t *testing.T) {
	docs := document.Folder(filepath.Join(t.TempDir(), "auth"))
	open := func() *keys {
		t.Helper()
		k, err := openKeys(docs, "keys.json")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	here, other := open(), open()
	first, now := here.signing().KeyID, time.Now()
	knows := func(k *keys, kid string, want bool) {
		t.Helper()
		k.read = time.Time{} // a node that has not read for long
		if _, ok := k.verifying(kid); ok != want {
			t.Errorf("key %s verifies: %v, want %v", kid, ok, want)
		}
		published := false
		for _, key := range k.public().Keys {
			published = published || key.KeyID == kid
			if !key.IsPublic() {
				t.Error("a private key is published")
			}
		}
		if published != want {
			t.Errorf("key %s is published: %v, want %v", kid, published, want)
		}
	}
	if err := here.rotate(now, false); err != nil {
		t.Fatal(err)
	}
	second := here.signing().KeyID
	if second == first {
		t.Fatal("the old key signs")
	}
	for _, k := range []*keys{here, other, open()} {
		knows(k, first, true)
		knows(k, second, true)
		if k.signing().KeyID != second {
			t.Error("another key signs")
		}
	}
	if err := other.rotate(now.Add(-2*MaxTokenTTL), false); err != nil { // whose former retired long ago
		t.Fatal(err)
	}
	third := other.signing().KeyID
	knows(here, first, true) // until its own time
	knows(here, second, false)
	knows(here, third, true)
	if err := here.rotate(now, true); err != nil {
		t.Fatal(err)
	}
	for _, kid := range []string{first, second, third} {
		knows(other, kid, false)
	}
	if b, _, err := docs.Load("keys.json"); err != nil || len(here.public().Keys) != 1 {
		t.Errorf("%d bytes, %d keys: %v", len(b), len(here.public().Keys), err)
	}
}
