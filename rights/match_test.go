package rights

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestG18WordsAreFoundHoweverTheyAreWritten(t *testing.T) {
	w := NewWords([]string{"Bola Adeyémi", "07700 900 451", "Ann", " ", "…"})
	for in, want := range map[string]string{
		"Her son Bola Adeyemi calls.":        "Her son [removed] calls.",
		"BOLA\u00a0ADEYÉMI's wife":           "[removed]'s wife",
		"bola-adeye\u0301mi":                 "[removed]",
		"b\u00adola  Ade\u200byemi":          "[removed]",
		"call 07700900451 or (07700) 900451": "call [removed] or ([removed]",
		"Ann came, Annual review":            "[removed] came, Annual review",
		"Joann Bolabola":                     "Joann Bolabola",
		"nothing of them":                    "nothing of them",
	} {
		if got, found := w.Out(in); got != want || found != (in != want) {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Her son Bola Adeyemi lives at 1 Hidden Street", "Bola Adeyemi")
	f.Add("Zoë\u0301 & Zoe%20x <b>Z</b>oe", "zoe")
	f.Add("\xff\xfeBola", "b")
	f.Fuzz(func(t *testing.T, text, word string) {
		w := NewWords([]string{word})
		out, _ := w.Out(text)
		if again, found := w.Out(out); found && !strings.Contains(strings.ToLower(Removed), strings.ToLower(word)) && !w.In(Removed) {
			t.Fatalf("%q still has %q: %q", out, word, again)
		}
	})
}

// Whatever a word is wrapped in, a copy has no trace of it, and of how long it was.
func TestG18RedactionLeavesNoTraceInAnyEncoding(t *testing.T) {
	const name = "Bola Adeyémi"
	wrapped := []string{name, norm.NFD.String(name), strings.ToUpper(name), html.EscapeString(name), "Bola&#32;Adey&eacute;mi", "B&#111;la Adeyemi", url.QueryEscape(name), url.PathEscape(name),
		base64.StdEncoding.EncodeToString([]byte(name)), base64.URLEncoding.EncodeToString([]byte("son: " + name)), base64.RawStdEncoding.EncodeToString([]byte("x " + name)), hex.EncodeToString([]byte(name)),
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(name))), "<b>Bo</b>la Adeyemi"}
	c := cleaner{words: NewWords([]string{name}), has: map[string]bool{}}
	for _, x := range wrapped {
		body := `{"resourceType":"DocumentReference","text":{"status":"generated","div":"<div>Bola Adeyemi</div>"},"description":` + quoted(x) +
			`,"content":[{"attachment":{"contentType":"text/plain","data":` + quoted(base64.StdEncoding.EncodeToString([]byte("son: "+x))) + `}},{"attachment":{"contentType":"text/html","data":` + quoted(base64.StdEncoding.EncodeToString([]byte("<p>"+x+"</p>"))) +
			`}},{"attachment":{"contentType":"application/pdf","data":"JVBERi0="}}],"contained":[{"resourceType":"RelatedPerson","name":[{"text":` + quoted(x) + `}]}]}`
		out, err := c.resource([]byte(body))
		if err != nil {
			t.Fatal(x, err)
		}
		if c.words.In(string(out)) {
			t.Errorf("%q is there still: %s", x, out)
		}
		if !strings.Contains(string(out), `"description":"[removed]"`) {
			t.Errorf("%q leaves something: %s", x, out)
		}
	}
	short, _ := (&cleaner{words: NewWords([]string{"Li"})}).resource([]byte(`{"resourceType":"Basic","x":"Li"}`))
	long, _ := (&cleaner{words: NewWords([]string{"Featherstonehaugh"})}).resource([]byte(`{"resourceType":"Basic","x":"Featherstonehaugh"}`))
	if string(short) != string(long) {
		t.Error("how long a word was can be seen")
	}
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
