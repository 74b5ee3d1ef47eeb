package record

import (
	"cmp"
	"slices"
	"strings"

	"selda/fhir"
)

// Medicines are what is taken: repeat, acute, stopped, and what only a hospital gives.
func (v *View) Medicines() []Fact {
	items := v.Of("MedicationStatement", "MedicationRequest")
	facts := make([]Fact, 0, len(items))
	for _, i := range items {
		if i.Res.Get("medicationCodeableConcept").Exists() {
			if f := i.Derived(func() any { return v.medicine(i) }).(*Fact); f != nil {
				facts = append(facts, *f)
			}
		} else if f := v.medicine(i); f != nil { // its name is in another item of this View
			facts = append(facts, *f)
		}
	}
	return mergeMedicines(facts)
}

// medicine is what one item says; nil where it says nothing that is taken.
func (v *View) medicine(i Item) *Fact {
	r := i.Res.Root()
	status := r.Get("status").Text()
	if status == "entered-in-error" || status == "draft" || status == "cancelled" {
		return nil
	}
	f := Fact{Title: v.medication(r), Status: status, When: i.When, WhenText: date(r, "effectiveDateTime", "effectivePeriod", "authoredOn", "dateAsserted"),
		Detail: dose(r), Items: []Item{i}, Group: medicineGroup(i, status), Extra: lastIssue(r)}
	if f.Group == Stopped {
		f.End = cmp.Or(r.Get("effectivePeriod", "end").Text(), r.Get("dispenseRequest", "validityPeriod", "end").Text())
	}
	f.key = medicineKey(&f)
	return &f
}

func mergeMedicines(facts []Fact) []Fact {
	merged := merge(facts, rules{
		key:   func(f *Fact) string { return f.key },
		newer: func(a, b *Fact) bool { return a.When.After(b.When) },
		open:  func(f *Fact) bool { return f.Group != Stopped },
		says: func(f *Fact) string {
			switch {
			case f.Group == Stopped:
				return "stopped"
			case f.Detail != "":
				return f.Detail
			}
			return "current"
		},
		over: func(closed, open *Fact) bool {
			return closed.End != "" && snapshot(open) != "" && snapshot(open) < closed.End
		},
	})
	slices.SortStableFunc(merged, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(groupRank(a.Group), groupRank(b.Group)), strings.Compare(a.Title, b.Title))
	})
	return merged
}

// snapshot is the day on which somebody who does not prescribe the medicine
// wrote that it is taken, as a discharge summary does; "" of who keeps a list of
// what they prescribe. What was stopped after that day is stopped.
func snapshot(f *Fact) string {
	i := f.Lead()
	if i.Type != "MedicationStatement" || strings.HasPrefix(i.Source.System(), "GP") {
		return ""
	}
	day, _, _ := strings.Cut(i.Res.Get("dateAsserted").Text(), "T")
	return day
}

// medicineKey is the medicine by its words without the form: a code is of one
// form and pack, and some sources send none. "Furosemide 40mg tablets" and
// "furosemide 40 mg tablet" are one.
func medicineKey(f *Fact) string {
	var b strings.Builder
	for _, c := range strings.ToLower(f.Title) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c > 127 || c == '.' {
			b.WriteRune(c)
		}
	}
	k := b.String()
	for _, form := range []string{"tablets", "tablet", "capsules", "capsule", "oral"} {
		k = strings.TrimSuffix(k, form)
	}
	if k == "" {
		return codeKey(f.Lead().Res.Get("medicationCodeableConcept"))
	}
	return k
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
