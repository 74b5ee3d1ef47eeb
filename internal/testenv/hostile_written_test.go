package testenv

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/internal/browser"
)

// A person at the pages: follows every link within the region, and fills in every form.

var (
	hostileLink   = regexp.MustCompile(`\shref="(/[^"#]*)`)
	hostilePosts  = regexp.MustCompile(`(?s)<form[^>]*\smethod="post"[^>]*>.*?</form>`)
	hostileTo     = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	hostileInput  = regexp.MustCompile(`(?s)<(input|textarea|button)\b([^>]*)>`)
	hostileSelect = regexp.MustCompile(`(?s)<select\b([^>]*)>(.*?)</select>`)
	hostileOption = regexp.MustCompile(`<option\b([^>]*)>`)
	hostileAttr   = regexp.MustCompile(`\b(name|type|value)="([^"]*)"`)
)

func attributes(s string) map[string]string {
	out := map[string]string{}
	for _, m := range hostileAttr.FindAllStringSubmatch(s, -1) {
		out[m[1]] = html.UnescapeString(m[2])
	}
	return out
}

// filled is a form with the mark wherever somebody could write; where a form asks
// for a number or a date it is given one. One press of each of its buttons.
func filled(form string, now time.Time) (out []url.Values) {
	values, press := url.Values{}, []url.Values{}
	for _, m := range hostileInput.FindAllStringSubmatch(form, -1) {
		a := attributes(m[2])
		name, kind := a["name"], a["type"]
		switch {
		case m[1] == "button" || kind == "submit":
			if name != "" {
				press = append(press, url.Values{name: {a["value"]}})
			}
		case name == "":
		case kind == "hidden" || kind == "checkbox" || kind == "radio":
			if kind != "radio" || !values.Has(name) {
				values.Add(name, a["value"])
			}
		case kind == "date":
			values.Set(name, now.AddDate(0, 0, 14).Format(time.DateOnly))
		case strings.HasSuffix(name, "day"):
			values.Set(name, "1")
		case strings.HasSuffix(name, "month"):
			values.Set(name, "12")
		case strings.HasSuffix(name, "year"):
			values.Set(name, "2026")
		case kind == "password", kind == "file":
		case strings.Contains(name, "number"):
			values.Set(name, folake)
		default:
			values.Set(name, hostileMark)
		}
	}
	for _, m := range hostileSelect.FindAllStringSubmatch(form, -1) {
		chosen := ""
		for _, o := range hostileOption.FindAllStringSubmatch(m[2], -1) {
			if v := attributes(o[1])["value"]; v != "" {
				chosen = v // the last is as good as any
			}
		}
		values.Set(attributes(m[1])["name"], chosen)
	}
	if len(press) == 0 {
		return []url.Values{values}
	}
	for _, p := range press {
		v := maps.Clone(values)
		maps.Copy(v, p)
		out = append(out, v)
	}
	return out
}

// ending are forms that end what the test is in the middle of.
var ending = regexp.MustCompile(`^/(logout|oidc|account|me/leave)|/(withdraw|suspend)$`)

// wanders opens every page that somebody reaches by links, and, where asked, sends
// every form once that is on them. It says which pages show the mark.
func (h *hostile) wanders(user string, c *http.Client, sends bool, seen map[string]bool, from ...string) (marked []string) {
	h.Helper()
	shapes := map[string]int{}
	ids := regexp.MustCompile(`/[0-9a-z]{10,}|/[0-9]+|\?.*`)
	for queue := from; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		shape := ids.ReplaceAllString(path, "/*")
		if shapes[shape]++; seen[path] || shapes[shape] > 3 || strings.HasPrefix(path, "/assets") || strings.Contains(path, "logout") {
			continue
		}
		seen[path] = true
		a := h.sent(c, "GET", path, "")
		body := string(a.Body)
		if a.Status >= 500 {
			h.Errorf("%s at %s: %d %.300s", user, path, a.Status, body)
		}
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			continue
		}
		h.isText(user, path, body)
		if strings.Contains(body, "MARKED") {
			marked = append(marked, path)
		}
		for _, m := range hostileLink.FindAllStringSubmatch(body, -1) {
			queue = append(queue, html.UnescapeString(m[1]))
		}
		if !sends {
			continue
		}
		for _, form := range hostilePosts.FindAllString(body, -1) {
			to := path
			if m := hostileTo.FindStringSubmatch(form); m != nil && m[1] != "" {
				to = html.UnescapeString(m[1])
			}
			if ending.MatchString(to) || !strings.HasPrefix(to, "/") || seen["POST "+ids.ReplaceAllString(to, "/*")] {
				continue
			}
			seen["POST "+ids.ReplaceAllString(to, "/*")] = true
			for _, values := range filled(form, h.Now()) {
				a := h.follows(c, "POST", to, values.Encode())
				if a.Status >= 500 {
					h.Errorf("%s sends %s: %d %.300s", user, to, a.Status, a.Body)
				}
				if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
					h.isText(user, "POST "+to, string(a.Body))
				}
			}
		}
	}
	return marked
}

func (h *hostile) isText(user, at, body string) {
	h.Helper()
	if found := hostileTag.FindString(body); found != "" && !strings.Contains(found, "&") || hostileOwn.MatchString(body) {
		h.Errorf("%s at %s: %q is in the page", user, at, found)
	}
}

// What staff and citizens write in any form is text wherever it is shown afterwards:
// in what a server sends, and in what a browser makes of it. The hole is opened where a
// page writes a field with templ.Raw.
func TestHostileWhatPeopleWriteIsText(t *testing.T) {
	h := attacked(t)
	h.writes("G85915:GP", "Observation", "marked1", `"status":"final","code":{"text":"`+strings.ReplaceAll(hostileMark, `"`, `\"`)+`"},`+atGP)
	users := []string{"gp", "citizen", "privacy", "governance", "engineer", "admin", "analyst", "nurse"}
	starts := func(user string) []string {
		if user == "gp" || user == "nurse" {
			return []string{"/", "/record/" + h.citizen, "/record/" + h.citizen + "/people", "/record/" + h.citizen + "/sharing", "/record/" + h.citizen + "/death", "/record/" + h.citizen + "/emergency"}
		}
		return []string{"/", "/privacy/limits", "/privacy/watched", "/apps/register", "/quarantine", "/accounts", "/me/people", "/me/apps"}
	}
	_, _ = h.Send(t.Context(), []byte("MSH|^~\\&|PAS|RJZ|SELDA|SELDA|20261105090000||ADT^A08|1|P|2.4\rPID|1||1^^^RJZ^MR||<script>alert(2)^Ann||nonsense|F\r"))
	asks, err := json.Marshal(someApp(hostileMark))
	if err != nil {
		t.Fatal(err)
	}
	h.sent(h.from("127.9.0.1"), "POST", "/oidc/register", string(asks), "Content-Type: application/json")
	sent := map[string]bool{}
	for range 2 { // what one wrote another may decide on, in another form
		for _, user := range users {
			seen := map[string]bool{}
			h.wanders(user, h.signsIn(user), true, seen, starts(user)...)
			for at := range seen {
				if strings.HasPrefix(at, "POST ") {
					sent[at] = true
				}
			}
		}
	}
	if len(sent) < 20 {
		t.Errorf("%d forms were sent only: the test looks past what can be written", len(sent))
	}
	pages := map[string][]string{}
	shown := 0
	for _, user := range users {
		pages[user] = h.wanders(user, h.signsIn(user), false, map[string]bool{}, starts(user)...)
		shown += len(pages[user])
	}
	t.Logf("%d forms were sent, and %d pages show what was written", len(sent), shown)
	if shown < 15 {
		t.Errorf("the mark is on %d pages only", shown)
	}
	for _, user := range users {
		if len(pages[user]) == 0 {
			continue
		}
		b := browser.Open(t, "../..")
		b.Go(h.HTTP + "/login")
		b.Submit([2]string{"user", user}, [2]string{"password", hostilePassword})
		slices.Sort(pages[user])
		for _, path := range pages[user][:min(len(pages[user]), 12)] {
			b.Go(h.HTTP + path)
			const foreign = `Array.from(document.querySelectorAll('script:not([src]),iframe,object,embed,img[src="x"],svg[onload],a[href^="javascript:"],form[action^="javascript:"]')).concat(Array.from(document.querySelectorAll('*')).filter(e => Array.from(e.attributes).some(a => a.name.startsWith('on')))).map(e => e.outerHTML.slice(0, 100)).join('\n')`
			if found := b.Eval(foreign); found != "" {
				t.Errorf("%s at %s: the browser has %s", user, path, found)
			}
			if b.Eval(`String(document.body.textContent.includes('MARKED') || Array.from(document.querySelectorAll('input')).some(e => e.value.includes('MARKED')))`) != "true" {
				t.Errorf("%s at %s: the browser does not show what was written", user, path)
			}
		}
	}
}
