package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/internal/browser"
	"selda/web/assets"
	"selda/web/page"
)

// What is printed says whose it is, when and by whom on each sheet (G26), and that it may
// not be everything (G6); of a downtime copy, of when it is (G21), in ink that shows on paper.
func TestG26APrintedSheetSaysWhoseItIs(t *testing.T) {
	b := browser.Open(t, "..")
	p := page.RecordPage{Frame: frame(page.Staff, "ADEYEMI, Folake"), Base: "/record/0197c0ffee"}
	p.Frame.Whose, p.Frame.Emergency = "ADEYEMI, Folake, NHS No. 999 123 4519", "Emergency mode: this is a copy of 22-Nov-2026 13:00."
	rec := rows(sample(t), names, now, now, false)
	p.Summary = page.NewSummary(rec, lookedDate(now), now)
	files, err := assets.New()
	if err != nil {
		t.Fatal(err)
	}
	p.Frame.CSS = files.Path("selda.css")
	c := page.Record(p)
	mux := http.NewServeMux()
	mux.Handle("/assets/", files)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, rendered(t, c))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	b.Paper(true)
	b.Go(server.URL + "/")
	text := b.Eval("document.body.innerText")
	for _, want := range []string{"ADEYEMI, Folake, NHS No. 999 123 4519", "printed from SELDA 22-Nov-2026 14:07 by Dr A Okafor", page.Sentence, "this is a copy of 22-Nov-2026 13:00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the sheet does not say %q", want)
		}
	}
	if ink := b.Eval(`getComputedStyle(document.querySelector(".s-emergency strong")).color`); ink != "rgb(0, 0, 0)" {
		t.Errorf("that it is a copy is printed in %s on white", ink)
	}
}
