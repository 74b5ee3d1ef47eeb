package rights

import (
	"testing"

	"selda/fhir"
)

// A note goes in and out again, and leaves all else as the source wrote it, to the byte.
func TestG18ANoteOfDisputeStandsInTheItem(t *testing.T) {
	for _, body := range []string{`{"resourceType":"Condition","code":{"text":"x"},"n":1.00}`, `{"resourceType":"Condition","extension":[{"url":"http://a","valueDecimal":1.00}],"code":{"text":"x"}}`} {
		noted := Dispute([]byte(body), Note{Text: `She never had it "at all"`, At: at("2026-11-05"), Case: "c"})
		r, err := fhir.ParseTrusted(noted)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := NoteOf(r); !ok || n.Text != `She never had it "at all"` || !n.At.Equal(at("2026-11-05")) {
			t.Error(n)
		}
		if got := string(Undisputed(noted)); got != body {
			t.Errorf("%s is not %s", got, body)
		}
		if Said(noted) != Said([]byte(body)) {
			t.Error("a note counts as what the source says")
		}
		next := StillDisputed([]byte(`{"resourceType":"Condition","code":{"text":"y"}}`), noted)
		if r, _ := fhir.ParseTrusted(next); r == nil {
			t.Fatal(string(next))
		} else if n, ok := NoteOf(r); !ok || n.Text == "" {
			t.Error("the note is lost with the next version", string(next))
		}
		if Said(next) == Said(noted) {
			t.Error("the source says something else now")
		}
		if again := Dispute(noted, Note{Text: "2"}); len(Undisputed(again)) != len(body) {
			t.Error("two notes")
		}
	}
}
