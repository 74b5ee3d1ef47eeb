package region

import (
	"fmt"
	"strings"
	"testing"

	"selda/internal/browser"
)

// Real pages of the demonstration in a browser, signed in as those who use
// them: what only real data shows.
func TestRealPagesInABrowser(t *testing.T) {
	b := browser.Open(t, "../../..")
	base, number := demonstration(t)
	record := signedIn(t, base, "gp").find(number)
	b.Width(1280)
	b.Go(base + "/")
	b.Look("real-sign-in-1280")
	b.Width(360)
	b.Look("real-sign-in-360")
	tour := []struct {
		user  string
		pages []string
	}{
		{"gp", []string{"", "/results", "/documents", "/medicines", "/timeline", "/encounters", "/care-team"}},
		{"paramedic", []string{""}},
		{"citizen", []string{"/me", "/me/record", "/me/results", "/me/letters", "/me/sharing", "/me/looked"}},
		{"engineer", []string{"/feeds"}},
		{"privacy", []string{"/privacy", "/privacy/trail"}},
	}
	for _, one := range tour {
		b.Dark(one.user == "paramedic")
		b.Go(base + "/login?return=/")
		b.Submit([2]string{"user", one.user}, [2]string{"password", DemoPassword})
		if where := b.Eval("document.querySelector('.s-top__who') ? '' : location.pathname + document.body.innerText"); where != "" {
			t.Fatalf("%s could not sign in: %s", one.user, where)
		}
		for _, page := range one.pages {
			if one.user == "gp" || one.user == "paramedic" {
				page = record + page
			}
			for _, width := range []int64{1280, 360} {
				b.Width(width)
				b.Go(base + page)
				b.Look(fmt.Sprintf("real-%s-%s-%d", one.user, name(strings.Replace(page+"/", record+"/", "/summary-", 1)), width))
			}
		}
		if one.user == "gp" {
			b.Width(1280)
			b.Go(base + record + "/documents")
			b.Go(b.Eval(`document.querySelector("a[href*='/file/']").href`))
			b.Look("real-gp-letter-1280")
			b.Go(base + record + "/results")
			b.Go(b.Eval(`document.querySelector("a[href*='/origin/']").href`))
			b.Look("real-gp-origin-1280")
		}
	}
}

// name is the last part of a path.
func name(path string) string {
	path = strings.TrimSuffix(path, "/")
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
