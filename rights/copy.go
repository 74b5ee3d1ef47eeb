package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/policy"
)

// The files of a copy.
const (
	CopyPage   = "record.html"
	CopyBundle = "record.json"
)

// Look is one look at the record, as the person may see it.
type Look struct{ When, Who, Where, Did, Why string }

// About is what stands beside the items of a copy (Art 15(1)).
type About struct {
	Controller string   // its name
	Person     string   // name and number
	Made       string   // the day
	Stylesheet string   // of the page; it stands in it
	Sources    []string // where the items are from, in words
	Purposes   []string
	Recipients []string
	Retention  []string
	Looks      []Look
	// Titles are what people call an item; Type/id is its key.
	Titles map[string]string
	// Names are what sources are called.
	Names map[string]string
}

// left is what always stands in a copy: whether anything was left out can't be told from it.
const leftOut = "We may have left out information about other people, or information that could cause serious harm. The law lets us do so (Data Protection Act 2018, Schedules 2 to 4)."

// yours are the rights that a copy tells of (Art 15(1)(e), (f)).
var yours = []string{
	"You can ask for something that is wrong to be corrected, for something to be removed, or for its use to be restricted, and you can object to a use.",
	"If you do not agree with this answer, tell the organisation. You can complain to the Information Commissioner: ico.org.uk, 0303 123 1113. You can also go to court.",
	"No decision about you is made by a computer alone.",
}

// Copy is what is given out.
type Copy struct {
	Page, Bundle []byte
	// Left is how many files were left out, since nobody can take words out of them.
	Left int
}

// Make makes the copy of what was released. Where anything is still to be decided it makes none.
func (c *Case) Make(entries []Entry, about About, at time.Time) (Copy, error) {
	const op = "rights.Make"
	switch {
	case c.Asked.Kind != Access:
		return Copy{}, fault.E(op, fault.Conflict, "only a request for a copy has one")
	case c.Undecided(entries) > 0:
		return Copy{}, fault.E(op, fault.Conflict, "something is still to be looked at, or has changed since: nothing goes out that nobody has looked at")
	}
	clean := cleaner{words: NewWords(c.Redact), has: map[string]bool{}}
	var out []Entry
	var told []string
	for i := range entries {
		e := &entries[i]
		d, _ := c.decision(e)
		if d.Exemption == "" {
			out = append(out, *e)
			clean.has[e.Item.Type+"/"+e.Item.ID] = true
		} else if x, _ := exemptionOf(d.Exemption); x.Told != "" && e.Labels&secret() == 0 && !slices.Contains(told, x.Told) {
			told = append(told, x.Told)
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		return strings.Compare(a.Item.Type+"/"+a.Item.ID, b.Item.Type+"/"+b.Item.ID)
	})
	resources := make([][]byte, len(out))
	var all [][]byte
	for i := range out {
		r, err := clean.resource(out[i].Body)
		if err != nil {
			return Copy{}, fault.E(op, err)
		}
		resources[i] = r
		all = append(all, r)
		out[i].Earlier = slices.Clone(out[i].Earlier)
		for j := range out[i].Earlier {
			e := &out[i].Earlier[j]
			if e.Body, err = clean.resource(e.Body); err != nil {
				return Copy{}, fault.E(op, err)
			}
			all = append(all, e.Body)
		}
	}
	slices.Sort(told)
	if clean.left > 0 {
		told = append(told, "A file in it could not be shown here. Ask the organisation for it.")
	}
	made := Copy{Bundle: bundle(all, at), Left: clean.left}
	var err error
	if made.Page, err = page(out, resources, clean.about(about), told); err != nil {
		return Copy{}, fault.E(op, err)
	}
	// What is to be taken out is looked for once more in what goes out.
	empty, err := page(nil, nil, About{Person: about.Person, Controller: about.Controller, Made: about.Made}, nil)
	switch {
	case err != nil:
		return Copy{}, fault.E(op, err)
	case clean.words.In(string(empty)):
		return Copy{}, fault.E(op, fault.Conflict, "one of the words to take out is in the person’s own name or in the words of every copy: write it with the words beside it")
	case clean.words.In(string(made.Bundle)) || clean.words.In(string(made.Page)):
		return Copy{}, fault.E(op, fault.Conflict, "a word that is to be taken out is still there: nothing is given out")
	}
	return made, nil
}

// about is what stands beside the items without the words.
func (c *cleaner) about(a About) About {
	lines := func(list []string) []string {
		out := make([]string, len(list))
		for i, l := range list {
			out[i] = c.text(l)
		}
		return out
	}
	a.Sources, a.Purposes, a.Recipients, a.Retention = lines(a.Sources), lines(a.Purposes), lines(a.Recipients), lines(a.Retention)
	looks := make([]Look, len(a.Looks))
	for i, l := range a.Looks {
		looks[i] = Look{c.text(l.When), c.text(l.Who), c.text(l.Where), c.text(l.Did), c.text(l.Why)}
	}
	a.Looks = looks
	titles := make(map[string]string, len(a.Titles))
	for k, t := range a.Titles {
		titles[k] = c.text(t)
	}
	a.Titles = titles
	return a
}

// bundle is the copy for a computer. https://hl7.org/fhir/R4/bundle.html
func bundle(resources [][]byte, at time.Time) []byte {
	b := []byte(`{"resourceType":"Bundle","type":"collection","timestamp":"` + fhir.Instant(at) + `"`)
	for i, r := range resources {
		if i == 0 {
			b = append(b, `,"entry":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"resource":`...), r...), '}')
		if i == len(resources)-1 {
			b = append(b, ']')
		}
	}
	return append(b, '}')
}

// FileOf is what a case notes of a file.
func FileOf(name string, content []byte) File {
	sum := sha256.Sum256(content)
	return File{Name: name, SHA256: hex.EncodeToString(sum[:]), Bytes: len(content)}
}

// InCopy are the items in a copy, by its file for a computer.
func InCopy(bundle []byte) (out []policy.Item, err error) {
	r, err := fhir.ParseTrusted(bundle)
	if err != nil {
		return nil, err
	}
	for _, e := range r.Root().List("entry") {
		out = append(out, policy.Item{Type: e.Get("resource", "resourceType").Text(), ID: e.Get("resource", "id").Text()})
	}
	return out, nil
}
