package auth

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// rows are documents as nodes share them, each with its version.
type rows struct {
	mu sync.Mutex
	m  map[string]row
}

type row struct {
	content []byte
	version int64
}

func (r *rows) Load(name string) ([]byte, int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.m[name].content, r.m[name].version, nil
}

func (r *rows) Save(name string, content []byte, version int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if version >= 0 && r.m[name].version != version {
		return fault.E("rows.Save", fault.Conflict, "another one is there")
	}
	r.m[name] = row{slices.Clone(content), r.m[name].version + 1}
	return nil
}

func (r *rows) List(prefix string) (out []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.m {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (r *rows) Remove(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, name)
	return nil
}

// What ends at one node has ended at every other, at the next request: another role, another
// purpose, what the provider ended, and an account that was disabled.
func TestWhatEndsAtOneNodeEndsAtAll(t *testing.T) {
	shared := &Shared{Documents: &rows{m: map[string]row{}}, Passing: &passingHere{}, Secret: func(string) []byte { return make([]byte, 32) }}
	var conf Config
	n := openNational(t, func(c *Config) { c.Shared, c.Accounts = shared, &tableHere{}; conf = *c })
	other := newRegion(t, conf)
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001"), nrbac("102", "R8001", "RJZ")}
	_, _, b := n.comes(t, "cis2")
	there := other.browser(t, n.here) // the same browser, at the other node
	there.Jar = b.Jar
	in := func(b *browser) bool { _, page := b.get("/"); return strings.HasPrefix(page, "hello") }
	if _, page := there.post(rolePath, url.Values{"role": {"101"}}); !strings.HasPrefix(page, "hello") {
		t.Fatal("the choice of one node is not known at the other:", page)
	}
	if !in(b) || !in(there) {
		t.Fatal("a session holds at one node alone")
	}
	// A copy of the cookie, as a thief has it, at each node.
	copied := func() (here, elsewhere *browser) {
		u, _ := url.Parse(n.here)
		here, elsewhere = n.visitor(t), other.browser(t, n.here)
		here.Jar.SetCookies(u, b.Jar.Cookies(u))
		elsewhere.Jar.SetCookies(u, b.Jar.Cookies(u))
		return here, elsewhere
	}
	for what, end := range map[string]func(){
		"another purpose": func() { there.post(purposePath, url.Values{"purpose": {"PATADMIN"}}) },
		"another role":    func() { b.post(rolePath, url.Values{"role": {"102"}}) },
	} {
		one, two := copied()
		if !in(one) || !in(two) {
			t.Fatal(what, "the copies are not signed in")
		}
		if end(); in(one) || in(two) || !in(b) || !in(there) {
			t.Errorf("%s: the former session goes on, or the new one does not", what)
		}
	}
	if status, page := n.ended(t, n.cis2.Sign(n.logout(nil))); status != 200 || in(b) || in(there) {
		t.Error("what the provider ended goes on:", status, page)
	}
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001")}
	n.cis2.Said["sid"] = "there-2"
	_, _, b = n.comes(t, "cis2")
	there.Jar = b.Jar
	if !in(there) {
		t.Fatal("not signed in again")
	}
	if err := other.Disable(t.Context(), policy.Subject{User: "os:root", Role: nhs.Operator}, "cis2:"+cis2User, "left"); err != nil {
		t.Fatal(err)
	}
	if in(b) || in(there) {
		t.Error("a disabled account goes on")
	}
}
