package auth

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"selda/nhs"
)

// A session ends when it was left untouched for as long as its people's kind may leave it,
// and in all after as long as theirs may last, however busy they are; a page that asks by
// itself is nobody at work. Elsewhere what is said for another kind changes nothing.
func TestSessionsEndByKind(t *testing.T) {
	limits := map[Kind]Limit{Professionals: {30 * time.Minute, 8 * time.Hour}, Citizens: {15 * time.Minute, time.Hour}, Administrators: {10 * time.Minute, 4 * time.Hour}}
	for _, c := range []struct {
		user string
		said map[Kind]Limit
		want Limit
	}{
		{"gp", limits, limits[Professionals]}, {"citizen", limits, limits[Citizens]}, {"parent", limits, limits[Citizens]}, {"admin", limits, limits[Administrators]},
		{"gp", nil, Limit{IdleTimeout, AbsoluteTimeout}}, {"citizen", map[Kind]Limit{Administrators: {time.Minute, time.Minute}}, Limit{IdleTimeout, AbsoluteTimeout}},
		{"citizen", map[Kind]Limit{Citizens: {Idle: time.Minute}}, Limit{time.Minute, AbsoluteTimeout}},
		{"gp", map[Kind]Limit{Professionals: {12 * time.Hour, 36 * time.Hour}}, Limit{12 * time.Hour, 36 * time.Hour}}, // longer than what is usual
	} {
		t.Run(c.user, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sessionEnds(t, c.user, Config{Limits: c.said}, c.want) })
		})
	}
}

func sessionEnds(t *testing.T, user string, conf Config, want Limit) {
	g := newRegion(t, conf)
	if err := g.Accounts.Put(Account{User: "admin", Name: "Anna Kowalska", Role: nhs.Administrator, Organisation: "G85001", PasswordHash: hash()}); err != nil {
		t.Fatal(err)
	}
	b := g.browser(t, "http://localhost")
	in := func(what string, want bool) {
		t.Helper()
		if _, page := b.get("/"); strings.HasPrefix(page, "hello "+user) != want {
			t.Fatalf("%s: signed in is %v", what, !want)
		}
	}
	b.signIn("/", user, password)
	in("just now", true)
	time.Sleep(want.Idle - time.Second)
	in("a second before it was untouched for long", true)
	time.Sleep(want.Idle - time.Second)
	b.headers.Set(Watching, "1")
	in("a page that asks by itself", true)
	b.headers.Del(Watching)
	time.Sleep(time.Second)
	in("untouched for long, but for a page that asks by itself", false)

	began := time.Now()
	b.signIn("/", user, password)
	for step := want.Idle / 2; time.Since(began) < want.Absolute-step; {
		time.Sleep(step)
		in("at work", true)
	}
	time.Sleep(time.Until(began.Add(want.Absolute - time.Second)))
	in("a second before the end", true)
	time.Sleep(time.Second)
	in("at its end", false)
}
