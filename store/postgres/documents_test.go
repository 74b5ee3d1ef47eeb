package postgres_test

import (
	"testing"
	"time"

	"selda/internal/document/documenttest"
)

func TestDocuments(t *testing.T) {
	documenttest.Run(t, openAt(t, database(t)).Documents())
}

// What one node puts another one gets; what has been ended is gone for all, and
// a request that is still under way does not bring it back.
func TestPassing(t *testing.T) {
	dsn := database(t)
	one, other := openAt(t, dsn).Passing(), openAt(t, dsn).Passing()
	soon := time.Now().Add(time.Hour)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func(kind, key, want string) {
		t.Helper()
		b, ok, err := other.Get(kind, key)
		must(err)
		if string(b) != want || ok != (want != "") {
			t.Errorf("%s %s: %q %t, want %q", kind, key, b, ok, want)
		}
	}
	must(one.Put("session", "a", []byte("1"), soon))
	must(one.Put("session", "a", []byte("2"), soon))
	get("session", "a", "2")
	get("code", "a", "")
	b, ok, err := other.End("session", "a", time.Minute)
	if string(b) != "2" || !ok || err != nil {
		t.Errorf("ended: %q %t %v", b, ok, err)
	}
	must(one.Put("session", "a", []byte("3"), soon))
	get("session", "a", "")
	if _, ok, err := one.End("session", "a", time.Minute); ok || err != nil {
		t.Error("ended twice", err)
	}
	must(one.Put("code", "late", []byte("1"), time.Now().Add(-time.Second)))
	get("code", "late", "")
	if _, ok, err := one.End("code", "late", time.Minute); ok || err != nil {
		t.Error("what had expired was taken", err)
	}
	if _, ok, err := one.End("code", "never", time.Minute); ok || err != nil {
		t.Error("what never was was taken", err)
	}
}
