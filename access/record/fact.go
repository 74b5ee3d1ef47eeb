package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
)

// Fact is one thing that is known of a citizen, from one source or several:
// one row on a page.
type Fact struct {
	Title    string // "Heart failure", "Furosemide 40 mg tablets"
	Detail   string // dose, reaction, outcome, …
	Group    string // a problem's or medicine's group; empty elsewhere
	Status   string // as the leading item says
	When     time.Time
	WhenText string // the clinical date as given: its precision is kept
	End      string
	Extra    string // a medicine's last issue, a plan's issuer, …
	Items    []Item // the leading one first, then the other witnesses
	Conflict []Said // what each says, where sources do not agree

	key   string // what it is the same by, where that is known beforehand
	words string // the title, folded, where it is compared
}

// Said is what one source says of a Fact, in words: "active", "one a day".
type Said struct {
	Source nhs.Source
	Words  string
}

// Sources are the sources of the witnesses, each once.
func (f *Fact) Sources() []nhs.Source {
	var out []nhs.Source
	for _, i := range f.Items {
		if !slices.Contains(out, i.Source) {
			out = append(out, i.Source)
		}
	}
	return out
}

// Lead is the item that the Fact shows first.
func (f *Fact) Lead() Item { return f.Items[0] }

// rules say how facts of the same key become one.
type rules struct {
	key func(*Fact) string
	// newer says whether a was said after b; by when it was recorded where nil.
	newer func(a, b *Fact) bool
	// open says whether a source holds the Fact to be so now.
	open func(*Fact) bool
	// says is what is compared between sources; "" is silent.
	says func(*Fact) string
	// weak is how weakly a source stands by the Fact, 0 where fully. Where
	// another stands by it more, a weak one bears witness only: it neither leads
	// nor contradicts.
	weak func(*Fact) int
	// over says whether a closed Fact was closed after an open one was said.
	over func(closed, open *Fact) bool
}

// merge puts facts of the same key together. The latest leads. Of one source
// only its latest word counts, what it said before is history; between
// sources, what one holds to be so is not hidden by what another has closed:
// the Fact stays in the open one's group, and the two are its Conflict.
func merge(facts []Fact, r rules) []Fact {
	var same [][]*Fact
	at := map[string]int{}
	for i := range facts {
		f := &facts[i]
		k := r.key(f)
		j, known := at[k]
		if !known || k == "" {
			at[k] = len(same)
			same = append(same, []*Fact{f})
			continue
		}
		same[j] = append(same[j], f)
	}
	out := make([]Fact, 0, len(same))
	for _, list := range same {
		out = append(out, r.join(list))
	}
	return out
}

func (r rules) join(list []*Fact) Fact {
	if len(list) == 1 {
		return *list[0]
	}
	newer := r.newer
	if newer == nil {
		newer = func(a, b *Fact) bool { return a.Lead().Recorded.After(b.Lead().Recorded) }
	}
	slices.SortStableFunc(list, func(a, b *Fact) int {
		switch {
		case newer(a, b):
			return -1
		case newer(b, a):
			return 1
		}
		return 0
	})
	if r.weak != nil {
		slices.SortStableFunc(list, func(a, b *Fact) int { return r.weak(a) - r.weak(b) })
	}
	latest := r.latest(list)
	lead := *latest[0]
	lead.Items = slices.Clone(lead.Items)
	for _, f := range list {
		if f != latest[0] {
			lead.Items = append(lead.Items, f.Items...)
		}
		lead.Detail, lead.Extra, lead.WhenText = cmp.Or(lead.Detail, f.Detail), cmp.Or(lead.Extra, f.Extra), cmp.Or(lead.WhenText, f.WhenText)
	}
	for _, f := range latest[1:] {
		if r.open != nil && r.open(f) && !r.open(latest[0]) {
			lead.Group, lead.Status = f.Group, f.Status
			break
		}
	}
	lead.Conflict = r.conflict(latest)
	return lead
}

// latest is the last word of each source that counts, the leading one first.
func (r rules) latest(list []*Fact) []*Fact {
	var each []*Fact
	for _, f := range list {
		known := slices.IndexFunc(each, func(l *Fact) bool { return l.Lead().Source == f.Lead().Source })
		switch {
		case known >= 0 && each[known].Group == f.Group: // an order has no end, the statement beside it has
			each[known].End = cmp.Or(each[known].End, f.End)
		case known < 0 && (r.weak == nil || r.weak(f) == r.weak(list[0])):
			each = append(each, f)
		}
	}
	if r.over == nil {
		return each
	}
	var out []*Fact
	for _, f := range each {
		if !r.open(f) || !slices.ContainsFunc(each, func(c *Fact) bool { return !r.open(c) && r.over(c, f) }) {
			out = append(out, f)
		}
	}
	return out
}

// conflict is what each source says, where they differ.
func (r rules) conflict(latest []*Fact) []Said {
	if r.says == nil {
		return nil
	}
	var said []Said
	differ := false
	for _, f := range latest {
		w := r.says(f)
		if w == "" {
			continue
		}
		differ = differ || len(said) > 0 && !strings.EqualFold(fold.Name(said[0].Words), fold.Name(w))
		said = append(said, Said{f.Lead().Source, w})
	}
	if !differ {
		return nil
	}
	return said
}

// codeKey is what two concepts are the same by: a code of a shared system, else the words.
func codeKey(c fhir.Node) string {
	for _, g := range c.List("coding") {
		switch g.Get("system").Text() {
		case "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10", "http://www.nlm.nih.gov/research/umls/rxnorm":
			if code := g.Get("code").Text(); code != "" {
				return g.Get("system").Text() + "|" + code
			}
		}
	}
	return fold.Name(Words(c))
}

func byTime(facts []Fact) []Fact {
	slices.SortStableFunc(facts, func(a, b Fact) int { return b.When.Compare(a.When) })
	return facts
}

// code is the first code of a concept element.
func code(n fhir.Node) string { return n.Get("coding", "code").Text() }

// date is the first of some elements that is there, as given.
func date(r fhir.Node, names ...string) string {
	for _, n := range names {
		d := r.Get(n)
		if d.IsObject() {
			d = d.Get("start")
		}
		if t := d.Text(); t != "" {
			return t
		}
	}
	return ""
}

// simple makes facts of items that need no more than words and a date.
func simple(items []Item, title, detail, extra func(fhir.Node) string, dates ...string) []Fact {
	out := make([]Fact, 0, len(items))
	for _, i := range items {
		r := i.Res.Root()
		status := r.Get("status").Text()
		if status == "entered-in-error" {
			continue
		}
		f := Fact{Title: title(r), Status: status, When: i.When, WhenText: date(r, dates...), Items: []Item{i}}
		if detail != nil {
			f.Detail = detail(r)
		}
		if extra != nil {
			f.Extra = extra(r)
		}
		out = append(out, f)
	}
	return byTime(out)
}

func words(name string) func(fhir.Node) string {
	return func(r fhir.Node) string { return Words(r.Get(name)) }
}

// Immunisations are vaccines given, and those that were declined.
func (v *View) Immunisations() []Fact {
	facts := simple(v.Of("Immunization"), words("vaccineCode"), func(r fhir.Node) string {
		return strings.TrimSpace(r.Get("lotNumber").Text() + " " + Words(r.Get("site")))
	}, words("statusReason"), "occurrenceDateTime")
	return merge(facts, rules{key: func(f *Fact) string { return dayKey(f, codeKey(f.Lead().Res.Get("vaccineCode"))) }, says: func(f *Fact) string { return f.Status }})
}

// dayKey is a key that holds for one day; none where the day is not known.
func dayKey(f *Fact, key string) string {
	day, _, _ := strings.Cut(f.WhenText, "T")
	if key == "" || day == "" {
		return ""
	}
	return key + "|" + day
}

// Procedures are what was done.
func (v *View) Procedures() []Fact {
	facts := simple(v.Of("Procedure"), words("code"), note, words("outcome"), "performedDateTime", "performedPeriod")
	return merge(facts, rules{key: func(f *Fact) string { return dayKey(f, codeKey(f.Lead().Res.Get("code"))) }})
}

// Plans are care plans, and documents that are plans, superseded ones marked (G24).
func (v *View) Plans() []Fact {
	plans := slices.DeleteFunc(v.InDataSet(policy.Plans), func(i Item) bool { return i.Type == "Flag" }) // Alerts has them
	return simple(plans, func(r fhir.Node) string {
		return cmp.Or(r.Get("title").Text(), Words(r.Get("category")), Words(r.Get("type")), Words(r.Get("description")), "Plan")
	}, func(r fhir.Node) string { return cmp.Or(r.Get("description").Text(), note(r)) }, words("author"), "period", "created", "date")
}

// Alerts are flags.
func (v *View) Alerts() []Fact {
	facts := simple(v.Of("Flag"), words("code"), words("category"), words("author"), "period")
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Status == "inactive" })
}

// Referrals are requests to others; Appointments what is booked.
func (v *View) Referrals() []Fact {
	return simple(v.InDataSet(policy.Referrals), func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("code")), Words(r.Get("category")), Words(r.Get("orderDetail")), "Request")
	}, words("reasonCode"), words("performer"), "authoredOn", "occurrenceDateTime")
}

// Appointments are what is booked, the latest first.
func (v *View) Appointments() []Fact {
	return simple(v.Of("Appointment"), func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("appointmentType")), Words(r.Get("serviceType")), r.Get("description").Text(), Words(r.Get("specialty")), "Appointment")
	}, func(r fhir.Node) string { return r.Get("comment").Text() }, words("reasonCode"), "start")
}

// SocialCare is what social care provides.
func (v *View) SocialCare() []Fact {
	return simple(v.InDataSet(policy.SocialCare), func(r fhir.Node) string {
		return cmp.Or(r.Get("title").Text(), Words(r.Get("category")), Words(r.Get("code")), "Social care")
	}, func(r fhir.Node) string { return cmp.Or(r.Get("description").Text(), note(r)) }, words("author"), "period", "authoredOn")
}

// Reports are laboratory and imaging reports, with what they conclude.
func (v *View) Reports() []Fact {
	facts := simple(v.Of("DiagnosticReport", "ImagingStudy"), func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("code")), r.Get("description").Text(), "Report")
	}, func(r fhir.Node) string { return r.Get("conclusion").Text() }, words("performer"), "effectiveDateTime", "effectivePeriod", "issued", "started")
	return merge(facts, rules{key: func(f *Fact) string { return dayKey(f, f.Title+f.Detail+f.WhenText) }})
}
