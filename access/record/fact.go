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
	Conflict string // in words, where the witnesses do not agree
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

// merge puts facts of the same key together. The first to come leads; differ
// says in words where a further witness does not agree, or "".
func merge(facts []Fact, key func(*Fact) string, differ func(lead, other *Fact) string) []Fact {
	var out []Fact
	at := map[string]int{}
	for _, f := range facts {
		k := key(&f)
		i, known := at[k]
		if !known || k == "" {
			at[k] = len(out)
			out = append(out, f)
			continue
		}
		lead := &out[i]
		if why := differ(lead, &f); why != "" && lead.Conflict == "" {
			lead.Conflict = why
		}
		lead.Items = append(lead.Items, f.Items...)
		lead.Detail = cmp.Or(lead.Detail, f.Detail)
		lead.Extra = cmp.Or(lead.Extra, f.Extra)
		lead.WhenText = cmp.Or(lead.WhenText, f.WhenText)
	}
	return out
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

// Groups of problems and medicines.
const (
	Active      = "active"
	Significant = "significant"
	Past        = "past"
	Acute       = "acute"
	Repeat      = "repeat"
	Stopped     = "stopped"
	Hospital    = "hospital"
)

// Problems are conditions: active, significant past and past.
func (v *View) Problems() []Fact {
	var facts []Fact
	for _, i := range v.Of("Condition") {
		r := i.Res.Root()
		if s := code(r.Get("verificationStatus")); s == "entered-in-error" || s == "refuted" {
			continue
		}
		f := Fact{Title: Words(r.Get("code")), Status: code(r.Get("clinicalStatus")), When: i.When, WhenText: date(r, "onsetDateTime", "onsetPeriod", "recordedDate"),
			End: date(r, "abatementDateTime", "abatementPeriod"), Items: []Item{i}}
		f.Detail = note(r)
		switch f.Status {
		case "inactive", "remission", "resolved":
			f.Group = Past
			if significant(r) {
				f.Group = Significant
			}
		default:
			f.Group = Active
		}
		facts = append(facts, f)
	}
	slices.SortStableFunc(facts, func(a, b Fact) int { return cmp.Compare(groupRank(a.Group), groupRank(b.Group)) })
	return byTime(merge(facts, func(f *Fact) string { return codeKey(f.Lead().Res.Get("code")) }, func(a, b *Fact) string {
		if (a.Group == Active) != (b.Group == Active) && a.Lead().Source != b.Lead().Source {
			return organisations(a) + ": " + a.Group + "; " + organisations(b) + ": " + b.Group
		}
		return ""
	}))
}

func groupRank(g string) int {
	return slices.Index([]string{Active, Repeat, Significant, Acute, Hospital, Past, Stopped}, g)
}

func significant(r fhir.Node) bool {
	for _, c := range r.List("category") {
		for _, g := range c.List("coding") {
			if t := strings.ToLower(g.Get("code").Text() + g.Get("display").Text()); strings.Contains(t, "significant") || strings.Contains(t, "major") {
				return true
			}
		}
	}
	for _, x := range r.List("extension") {
		if strings.Contains(x.Get("url").Text(), "ProblemSignificance") && (x.Get("valueCode").Is("major") || x.Get("valueCodeableConcept", "coding", "code").Is("major")) {
			return true
		}
	}
	return false
}

func note(r fhir.Node) string {
	var out []string
	for _, n := range r.List("note") {
		out = append(out, n.Get("text").Text())
	}
	return strings.Join(out, " ")
}

func organisations(f *Fact) string {
	var out []string
	for _, s := range f.Sources() {
		if o := string(s.Organisation()); !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return strings.Join(out, ", ")
}

// Medicines are what is taken: repeat, acute, stopped, and what only a hospital gives.
func (v *View) Medicines() []Fact {
	var facts []Fact
	for _, i := range v.Of("MedicationStatement", "MedicationRequest") {
		r := i.Res.Root()
		status := r.Get("status").Text()
		if status == "entered-in-error" || status == "draft" || status == "cancelled" {
			continue
		}
		f := Fact{Title: v.medication(r), Status: status, When: i.When, WhenText: date(r, "effectiveDateTime", "effectivePeriod", "authoredOn", "dateAsserted"),
			Detail: dose(r), Items: []Item{i}, Group: medicineGroup(i, status), Extra: lastIssue(r)}
		if f.Group == Stopped {
			f.End = cmp.Or(r.Get("effectivePeriod", "end").Text(), r.Get("dispenseRequest", "validityPeriod", "end").Text())
		}
		facts = append(facts, f)
	}
	slices.SortStableFunc(facts, func(a, b Fact) int {
		return cmp.Or(b.When.Compare(a.When), cmp.Compare(groupRank(a.Group), groupRank(b.Group)))
	})
	merged := merge(facts, func(f *Fact) string { return medicineKey(f) }, func(a, b *Fact) string {
		if (a.Group == Stopped) != (b.Group == Stopped) && a.Lead().Source != b.Lead().Source {
			return stopping(a) + "; " + stopping(b)
		}
		return ""
	})
	slices.SortStableFunc(merged, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(groupRank(a.Group), groupRank(b.Group)), strings.Compare(a.Title, b.Title))
	})
	return merged
}

func stopping(f *Fact) string {
	if f.Group == Stopped {
		return organisations(f) + ": stopped"
	}
	return organisations(f) + ": current"
}

func medicineKey(f *Fact) string {
	r := f.Lead().Res
	if k := codeKey(r.Get("medicationCodeableConcept")); k != "" {
		return k
	}
	return fold.Name(f.Title)
}

func (v *View) medication(r fhir.Node) string {
	if w := Words(r.Get("medicationCodeableConcept")); w != "" {
		return w
	}
	ref := r.Get("medicationReference")
	if d := ref.Get("display").Text(); d != "" {
		return d
	}
	if i, ok := v.Reference(ref.Get("reference").Text()); ok {
		return Words(i.Res.Get("code"))
	}
	if id, ok := strings.CutPrefix(ref.Get("reference").Text(), "#"); ok {
		for _, c := range r.List("contained") {
			if c.Get("id").Is(id) {
				return Words(c.Get("code"))
			}
		}
	}
	return "Medicine not named by its source"
}

func medicineGroup(i Item, status string) string {
	switch status {
	case "stopped", "completed", "not-taken", "on-hold":
		return Stopped
	}
	r := i.Res.Root()
	for _, path := range []string{"courseOfTherapyType", "category"} {
		for _, c := range r.List(path) {
			switch t := strings.ToLower(code(c) + " " + Words(c)); {
			case strings.Contains(t, "continuous") || strings.Contains(t, "repeat"):
				return Repeat
			case strings.Contains(t, "acute"):
				return Acute
			case strings.Contains(t, "inpatient") || strings.Contains(t, "hospital"):
				return Hospital
			}
		}
	}
	for _, x := range r.List("extension") {
		if t := strings.ToLower(x.Get("url").Text()); strings.Contains(t, "prescriptiontype") || strings.Contains(t, "repeatinformation") {
			if strings.Contains(strings.ToLower(Words(x.Get("valueCodeableConcept"))), "acute") {
				return Acute
			}
			return Repeat
		}
	}
	if !strings.HasPrefix(i.Source.System(), "GP") {
		return Hospital
	}
	return Acute
}

func dose(r fhir.Node) string {
	var out []string
	for _, d := range append(r.List("dosage"), r.List("dosageInstruction")...) {
		if t := d.Get("text").Text(); t != "" {
			out = append(out, t)
			continue
		}
		var parts []string
		if q := d.Get("doseAndRate", "doseQuantity"); q.Exists() {
			parts = append(parts, strings.TrimSpace(q.Get("value").Text()+" "+cmp.Or(q.Get("unit").Text(), q.Get("code").Text())))
		}
		if w := Words(d.Get("route")); w != "" {
			parts = append(parts, w)
		}
		if w := Words(d.Get("timing", "code")); w != "" {
			parts = append(parts, w)
		} else if rep := d.Get("timing", "repeat"); rep.Exists() {
			parts = append(parts, frequency(rep))
		}
		out = append(out, strings.Join(parts, ", "))
	}
	return strings.Join(out, "; ")
}

func frequency(rep fhir.Node) string {
	f, p, unit := rep.Get("frequency").Text(), rep.Get("period").Text(), rep.Get("periodUnit").Text()
	units := map[string]string{"h": "hours", "d": "days", "wk": "weeks", "mo": "months", "min": "minutes", "s": "seconds", "a": "years"}
	if p == "" || units[unit] == "" {
		return ""
	}
	if p == "1" || p == "1.0" {
		return cmp.Or(f, "1") + " times a " + strings.TrimSuffix(units[unit], "s")
	}
	return cmp.Or(f, "1") + " times every " + p + " " + units[unit]
}

func lastIssue(r fhir.Node) string {
	for _, x := range r.List("extension") {
		if strings.Contains(x.Get("url").Text(), "LastIssueDate") {
			return x.Get("valueDateTime").Text()
		}
	}
	return r.Get("dispenseRequest", "validityPeriod", "start").Text()
}

// Allergy states (G6).
const (
	AllergiesRecorded    = "recorded"
	AllergiesNoneKnown   = "none known"
	AllergiesNotRecorded = "nothing recorded"
	AllergiesUnavailable = "source unavailable"
)

// noKnown are the codes that positively say that there is no known allergy.
var noKnown = map[string]bool{"716186003": true, "409137002": true, "428607008": true, "428197003": true, "429625007": true, "160244002": true}

// Allergies gives the state and the allergies. Where one source records an
// allergy and another says that none is known, the state is recorded and the
// allergy carries the conflict.
func (v *View) Allergies() (state string, facts []Fact) {
	var none []Item
	for _, i := range v.Of("AllergyIntolerance") {
		r := i.Res.Root()
		if s := code(r.Get("verificationStatus")); s == "entered-in-error" || s == "refuted" {
			continue
		}
		if isNoKnown(r.Get("code")) {
			none = append(none, i)
			continue
		}
		facts = append(facts, Fact{Title: Words(r.Get("code")), Detail: reaction(r), Status: code(r.Get("clinicalStatus")), Extra: r.Get("criticality").Text(),
			When: i.When, WhenText: date(r, "onsetDateTime", "recordedDate"), Items: []Item{i}})
	}
	facts = byTime(merge(facts, func(f *Fact) string { return codeKey(f.Lead().Res.Get("code")) }, func(a, b *Fact) string {
		if a.Detail != b.Detail && b.Detail != "" && a.Detail != "" {
			return organisations(a) + ": " + a.Detail + "; " + organisations(b) + ": " + b.Detail
		}
		return ""
	}))
	for i := range facts {
		for _, n := range none {
			if !slices.Contains(facts[i].Sources(), n.Source) && facts[i].Conflict == "" {
				facts[i].Conflict = organisations(&facts[i]) + ": " + facts[i].Title + "; " + string(n.Source.Organisation()) + ": no known allergies"
				facts[i].Items = append(facts[i].Items, n)
			}
		}
	}
	switch {
	case len(facts) > 0:
		return AllergiesRecorded, facts
	case len(none) > 0:
		return AllergiesNoneKnown, []Fact{{Title: "No known allergies", Items: none, When: none[0].When, WhenText: date(none[0].Res.Root(), "recordedDate")}}
	}
	return AllergiesNotRecorded, nil
}

func isNoKnown(c fhir.Node) bool {
	for _, g := range c.List("coding") {
		if noKnown[g.Get("code").Text()] {
			return true
		}
	}
	t := strings.ToLower(Words(c))
	return strings.HasPrefix(t, "no known") || t == "nkda"
}

func reaction(r fhir.Node) string {
	var out []string
	for _, x := range r.List("reaction") {
		for _, m := range x.List("manifestation") {
			w := Words(m)
			if s := x.Get("severity").Text(); s != "" {
				w += " (" + s + ")"
			}
			out = append(out, w)
		}
	}
	return strings.Join(out, ", ")
}

// simple makes facts of items that need no more than words and a date.
func simple(items []Item, title, detail, extra func(fhir.Node) string, dates ...string) []Fact {
	var out []Fact
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
	return merge(facts, func(f *Fact) string {
		day, _, _ := strings.Cut(f.WhenText, "T")
		return codeKey(f.Lead().Res.Get("vaccineCode")) + "|" + day
	}, func(a, b *Fact) string {
		if a.Status != b.Status {
			return organisations(a) + ": " + a.Status + "; " + organisations(b) + ": " + b.Status
		}
		return ""
	})
}

// Procedures are what was done.
func (v *View) Procedures() []Fact {
	facts := simple(v.Of("Procedure"), words("code"), note, words("outcome"), "performedDateTime", "performedPeriod")
	return merge(facts, func(f *Fact) string {
		day, _, _ := strings.Cut(f.WhenText, "T")
		return codeKey(f.Lead().Res.Get("code")) + "|" + day
	}, func(*Fact, *Fact) string { return "" })
}

// Plans are care plans, and documents that are plans, superseded ones marked (G24).
func (v *View) Plans() []Fact {
	return simple(v.InDataSet(policy.Plans), func(r fhir.Node) string {
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

// Encounters are contacts: admissions, attendances, consultations.
func (v *View) Encounters() []Fact {
	facts := simple(v.Of("Encounter", "EpisodeOfCare"), func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("type")), r.Get("class", "display").Text(), r.Get("class", "code").Text(), "Contact")
	}, func(r fhir.Node) string {
		return cmp.Or(Words(r.Get("reasonCode")), Words(r.Get("serviceType")))
	}, func(r fhir.Node) string { return Words(r.Get("location", "location")) }, "period")
	for i := range facts {
		facts[i].End = facts[i].Lead().Res.Get("period", "end").Text()
	}
	return facts
}

// Documents are letters and summaries; the same letter from several sources,
// or sent twice, is one row.
func (v *View) Documents() []Fact {
	facts := simple(v.Of("DocumentReference", "Composition"), func(r fhir.Node) string {
		return cmp.Or(r.Get("description").Text(), r.Get("content", "attachment", "title").Text(), r.Get("title").Text(), Words(r.Get("type")), "Document")
	}, words("type"), words("author"), "date", "context")
	return merge(facts, func(f *Fact) string {
		r := f.Lead().Res
		if h := r.Get("content", "attachment", "hash").Text(); h != "" {
			return "hash|" + h
		}
		if f.WhenText == "" {
			return ""
		}
		day, _, _ := strings.Cut(f.WhenText, "T")
		return fold.Name(f.Title) + "|" + code(r.Get("type")) + "|" + day
	}, func(*Fact, *Fact) string { return "" })
}

// CareTeam is who is involved in care.
func (v *View) CareTeam() []Fact {
	var out []Fact
	seen := map[string]bool{}
	add := func(i Item, role string, who fhir.Node) {
		name := Words(who)
		if name == "" {
			name = who.Get("reference").Text()
		}
		if k := role + "|" + name; name != "" && !seen[k] && !strings.HasPrefix(name, "Patient/") {
			seen[k] = true
			out = append(out, Fact{Title: name, Detail: role, When: i.When, Items: []Item{i}})
		}
	}
	for _, i := range v.Items {
		r := i.Res.Root()
		switch i.Type {
		case "Patient":
			for _, g := range r.List("generalPractitioner") {
				add(i, "Registered practice", g)
			}
		case "RelatedPerson":
			name := r.Get("name")
			add(i, cmp.Or(Words(r.Get("relationship")), "Related person"), fhir.Node{})
			if n := strings.TrimSpace(name.Get("given").Get("0").Text() + " " + name.Get("family").Text()); n != "" && !seen[n] {
				seen[n] = true
				out = append(out, Fact{Title: n, Detail: cmp.Or(Words(r.Get("relationship")), "Related person"), Items: []Item{i}})
			}
		case "CareTeam":
			for _, p := range r.List("participant") {
				add(i, cmp.Or(Words(p.Get("role")), "Care team"), p.Get("member"))
			}
		case "EpisodeOfCare":
			add(i, "Care manager", r.Get("careManager"))
		case "Encounter":
			for _, p := range r.List("participant") {
				add(i, cmp.Or(Words(p.Get("type")), "Seen by"), p.Get("individual"))
			}
		}
	}
	return out
}
