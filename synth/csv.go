package synth

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"selda/nhs"
)

// Extracts: some practices, councils and community services drop a file of
// rows a month instead of sending messages. Each row stands for one thing as
// it is on that day, under its own id; a later row of the same id replaces it.

// row is one line of an extract to be.
type row struct {
	src     nhs.Source
	extract string
	on      time.Time
	cells   []string
}

// personColumns begin every extract.
var personColumns = words("nhs_number local_id family_name given_name date_of_birth sex postcode")

// extractColumns are what follows them.
var extractColumns = map[string][]string{
	"gp-problems":          words("problem_id snomed_code problem onset_date end_date status significance recorded_by"),
	"gp-medications":       words("medication_id code medication dose type start_date end_date last_issue_date status prescriber"),
	"gp-allergies":         words("allergy_id snomed_code allergy reaction severity recorded_date status"),
	"social-care-packages": words("package_id package_type provider hours_per_week start_date end_date status social_worker"),
	"community-caseload":   words("caseload_id service referral_date snomed_code reason frequency clinician status discharge_date"),
	"hospice-caseload":     words("referral_id referral_date snomed_code diagnosis preferred_place_of_death resuscitation_status respect_date key_worker status end_date"),
}

// row adds a line about the person as a source has them.
func (s *story) row(src nhs.Source, known *identity, extract string, on time.Time, cells ...string) {
	s.used(src, known.number)
	if s.silent {
		return
	}
	x := known.as(on)
	person := []string{x.nhs, x.number, x.family, x.given, ukDate(x.born), string(x.sex), s.p.home.postcode}
	s.rows = append(s.rows, row{src, extract, on, append(person, cells...)})
}

// extracts writes the practice's record as rows: problems, medicines and
// allergies, which is all that such extracts hold.
func (s *story) extracts() {
	x := s.known(s.p.practice)
	src := s.source(s.p.practice, "GP")
	s.used(src, x.number)
	entries := s.gp.entries
	slices.SortStableFunc(entries, func(a, b gpEntry) int { return a.at.Compare(b.at) })
	for _, e := range entries {
		on := e.at
		if on.Before(s.start) {
			on = s.start
		}
		if !on.Before(s.end) {
			continue
		}
		me := clinician(s.p.practice, e.i%5)
		doctor := me.title + " " + me.given + " " + me.family
		switch e.kind {
		case isProblem:
			d := s.gp.problems[e.i]
			status, end := "Active", ""
			if d.past || d.over(on) {
				status = "Past"
			}
			if d.over(on) {
				end = ukDate(d.end)
			}
			if !d.wrong.IsZero() && !on.Before(d.wrong) {
				status = "Entered in error"
			}
			if !d.sensitive { // such extracts leave restricted codes out
				s.row(src, x, "gp-problems", on, "P"+itoa(e.i+1), d.c.sct, d.c.term, ukDate(d.onset), end, status, map[bool]string{true: "Minor", false: "Major"}[d.minor], doctor)
			}
		case isMedicine:
			m := s.gp.medicines[e.i]
			if m.why == cHIV {
				continue
			}
			status, end, kind := "Active", "", "Repeat"
			if !m.repeat {
				kind = "Acute"
			}
			if !m.end.IsZero() && !on.Before(m.end) {
				status, end = "Stopped", ukDate(m.end)
			}
			s.row(src, x, "gp-medications", on, "M"+itoa(e.i+1), m.d.sct, m.d.name, m.d.dose, kind, ukDate(m.start), end, ukDate(lastIssued(m, on)), status, doctor)
		case isAllergy:
			a := s.gp.allergies[e.i]
			status := "Active"
			if !a.wrong.IsZero() && !on.Before(a.wrong) {
				status = "Entered in error"
			}
			if a.a == nil {
				s.row(src, x, "gp-allergies", on, "A"+itoa(e.i+1), noKnownAllergy, "No known allergy", "", "", ukDate(a.since), status)
			} else {
				s.row(src, x, "gp-allergies", on, "A"+itoa(e.i+1), a.a.sct, a.a.term, a.reaction.term, map[bool]string{true: "Severe", false: "Moderate"}[a.severe], ukDate(a.since), status)
			}
		}
	}
}

// files are the extracts of a window's rows: one of everything up to the
// day, two years ago, on which extracts began, then one a month.
func (r *Region) files(rows []row, window int) []Message {
	begin := midnight(r.now.AddDate(-2, 0, 0))
	drop := func(on time.Time) time.Time { // the night on which a row leaves
		if on.Before(begin) {
			return begin.Add(2 * time.Hour)
		}
		return time.Date(on.Year(), on.Month()+1, 1, 2, 0, 0, 0, time.UTC)
	}
	type key struct {
		src     nhs.Source
		extract string
		at      int64
	}
	groups := map[key][]row{}
	var order []key
	for _, w := range rows {
		at := drop(w.on)
		if at.After(r.now) {
			at = r.now
		}
		k := key{w.src, w.extract, at.Unix()}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], w)
	}
	var out []Message
	for _, k := range order {
		list := groups[k]
		slices.SortStableFunc(list, func(a, b row) int { return a.on.Compare(b.on) })
		out = append(out, Message{Source: k.src, Format: "csv", At: instant(time.Unix(k.at, 0).UTC()), Body: sheet(k.extract, latest(list)), Mapping: k.extract})
	}
	return out
}

// latest keeps of rows with the same person and id the last: an extract shows
// how things stand when it is drawn.
func latest(rows []row) []row {
	last := map[string]int{}
	id := len(personColumns)
	name := func(w row) string { return w.cells[1] + "\x00" + w.cells[id] }
	for i, w := range rows {
		last[name(w)] = i
	}
	var out []row
	for i, w := range rows {
		if last[name(w)] == i {
			out = append(out, w)
		}
	}
	return out
}

// sheet is a file by RFC 4180: a header, CRLF, quotes where they are needed.
func sheet(extract string, rows []row) []byte {
	var b bytes.Buffer
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteByte(',')
			}
			if strings.ContainsAny(c, ",\"\r\n") {
				c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			b.WriteString(c)
		}
		b.WriteString("\r\n")
	}
	line(append(slices.Clone(personColumns), extractColumns[extract]...))
	for _, w := range rows {
		line(w.cells)
	}
	return b.Bytes()
}
