package synth

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/nhs"
)

// Extracts: some practices, councils, community services and a hospice drop
// files of rows instead of sending messages. Each file is complete as it
// stands that night; two are kept, a month apart, so that what changed or
// vanished between them can be seen. Columns and totals are those of the
// mappings of ingest/csvtofhir that bear the extracts' names.

// row is how one thing stands in an extract from a day on.
type row struct {
	src     nhs.Source
	extract string
	id      string // of the thing
	on      time.Time
	cells   []string // nil: it is in the extract no longer
	cost    int      // pounds a week, of the extracts that sum them
}

// extractColumns are the header of each extract: whom it is about, then what.
var extractColumns = map[string][]string{
	"gp-problems":          strings.Fields("nhs_number nhs_number_status patient_id surname forename dob sex problem_id code term status significance onset_date end_date recorded_date recorded_by"),
	"gp-medications":       strings.Fields("nhs_number nhs_number_status patient_id surname forename dob sex medication_id dmd_code medicine type dose quantity quantity_unit issues_authorised start_date end_date last_issued status prescriber"),
	"gp-allergies":         strings.Fields("nhs_number nhs_number_status patient_id surname forename dob sex allergy_id code term type category criticality reaction severity onset_date recorded_date recorded_by status"),
	"social-care-packages": strings.Fields("nhs_number person_id surname forename dob sex postcode service_id service frequency hours_per_week weekly_cost provider team social_worker assessed_date start_date end_date status notes"),
	"community-caseload":   strings.Fields("nhs_number nhs_number_status patient_id surname forename dob sex postcode referral_id team priority reason referral_date referred_by start_date end_date key_worker provider status"),
	"hospice-caseload":     strings.Fields("nhs_number hospice_number surname forename dob sex referral_id setting start_date end_date main_diagnosis key_worker hospice status has_akps akps_date akps has_phase phase_date phase"),
}

// row says how a thing of the person stands from a day on.
func (s *story) row(src nhs.Source, known *identity, extract, id string, on time.Time, cost int, cells ...string) {
	s.used(src, known.number)
	if s.silent {
		return
	}
	x := known.as(on)
	person := make([]string, 0, 20)
	person = append(person, x.nhs)
	if strings.HasPrefix(extract, "gp-") || extract == "community-caseload" {
		person = append(person, map[bool]string{true: "01", false: "02"}[x.traced])
	}
	person = append(person, x.number, x.family, x.given, ukDate(x.born), string(x.sex))
	if extract == "social-care-packages" || extract == "community-caseload" {
		person = append(person, s.p.home.postcode)
	}
	s.rows = append(s.rows, row{src, extract, id, on, append(append(person, id), cells...), cost})
}

// gone takes a thing out of the extract from a day on.
func (s *story) gone(src nhs.Source, extract, id string, on time.Time) {
	if !s.silent {
		s.rows = append(s.rows, row{src: src, extract: extract, id: id, on: on})
	}
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
			s.problemRow(src, x, e.i, on, doctor)
		case isMedicine:
			s.medicineRow(src, x, e.i, on, doctor)
		case isAllergy:
			s.allergyRow(src, x, e.i, on, doctor)
		}
	}
}

func (s *story) problemRow(src nhs.Source, x *identity, i int, on time.Time, doctor string) {
	d := s.gp.problems[i]
	id := x.number + "-P" + itoa(i+1)
	switch {
	case sensitive[d.c] != "": // such extracts leave restricted codes out
		return
	case !d.wrong.IsZero() && !on.Before(d.wrong):
		s.gone(src, "gp-problems", id, on)
		return
	}
	status, end := "active", ""
	if d.past || d.over(on) {
		status = "past"
	}
	if d.over(on) {
		end = ukDate(d.end)
	}
	s.row(src, x, "gp-problems", id, on, 0, d.c.sct, d.c.term, status, map[bool]string{true: "minor", false: "major"}[d.minor], ukDate(d.onset), end, ukDate(d.onset), doctor)
}

func (s *story) medicineRow(src nhs.Source, x *identity, i int, on time.Time, doctor string) {
	m := s.gp.medicines[i]
	if sensitive[m.why] != "" {
		return
	}
	id := x.number + "-M" + itoa(i+1)
	status, end, kind, issues := "active", "", "repeat", "12"
	if !m.repeat {
		kind, issues, status = "acute", "", "completed"
	}
	if !m.end.IsZero() && !on.Before(m.end) {
		status, end = "stopped", ukDate(m.end)
	}
	code := m.d.code
	if m.d.substance != "" {
		code = "" // the column is for codes of products
	}
	quantity, unit, _ := strings.Cut(m.d.quantity, " ")
	s.row(src, x, "gp-medications", id, on, 0, code, m.d.name, kind, m.d.dose, quantity, unit, issues, ukDate(m.start), end, ukDate(lastIssued(m, on)), status, doctor)
	if !m.repeat { // acute issues stay for twelve months
		s.gone(src, "gp-medications", id, on.AddDate(1, 0, 0))
	}
}

func (s *story) allergyRow(src nhs.Source, x *identity, i int, on time.Time, doctor string) {
	a := s.gp.allergies[i]
	id := x.number + "-A" + itoa(i+1)
	switch {
	case !a.wrong.IsZero() && !on.Before(a.wrong):
		s.gone(src, "gp-allergies", id, on)
	case a.a == nil:
		s.row(src, x, "gp-allergies", id, on, 0, noKnownAllergy, "No known allergy", "", "", "", "", "", "", ukDate(a.since), doctor, "active")
	default:
		s.row(src, x, "gp-allergies", id, on, 0, a.a.sct, a.a.term, "allergy", a.a.category, map[bool]string{true: "high", false: "low"}[a.severe], a.reaction.term,
			map[bool]string{true: "severe", false: "moderate"}[a.severe], ukDate(a.since), ukDate(a.since), doctor, "active")
	}
}

// sheets gathers the extracts of the whole region as its citizens are told of.
type sheets struct {
	nights [2]time.Time
	list   []*sheet
	of     map[sheetKey]*sheet
}

type sheetKey struct {
	src     nhs.Source
	extract string
	night   int
}

type sheet struct {
	key  sheetKey
	body bytes.Buffer
	rows int
	cost int
}

func (r *Region) newSheets() *sheets {
	last := midnight(r.now).Add(2 * time.Hour)
	if last.After(r.now) {
		last = last.AddDate(0, 0, -1)
	}
	return &sheets{nights: [2]time.Time{last.AddDate(0, 0, -30), last}, of: map[sheetKey]*sheet{}}
}

// take adds one citizen's rows, as they stand on each night.
func (t *sheets) take(rows []row) {
	if len(rows) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.on.Compare(b.on) })
	for night, at := range t.nights {
		latest := map[[3]string]int{}
		for i, w := range rows {
			if !w.on.After(at) {
				latest[[3]string{string(w.src), w.extract, w.id}] = i
			}
		}
		for i, w := range rows {
			if last, ok := latest[[3]string{string(w.src), w.extract, w.id}]; ok && last == i && w.cells != nil {
				t.sheet(sheetKey{w.src, w.extract, night}).add(w)
			}
		}
	}
}

func (t *sheets) sheet(k sheetKey) *sheet {
	f := t.of[k]
	if f == nil {
		f = &sheet{key: k}
		f.line(extractColumns[k.extract])
		t.of[k] = f
		t.list = append(t.list, f)
	}
	return f
}

func (f *sheet) add(w row) {
	f.line(w.cells)
	f.rows++
	f.cost += w.cost
}

// line writes cells by RFC 4180: CRLF, and quotes where they are needed.
func (f *sheet) line(cells []string) {
	for i, c := range cells {
		if i > 0 {
			f.body.WriteByte(',')
		}
		if strings.ContainsAny(c, ",\"\r\n") {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		f.body.WriteString(c)
	}
	f.body.WriteString("\r\n")
}

// messages are the finished files, with their trailers or files of totals.
func (t *sheets) messages() []Message {
	var out []Message
	for _, f := range t.list {
		m := Message{Source: f.key.src, Format: "csv", At: instant(t.nights[f.key.night]), Mapping: f.key.extract}
		switch f.key.extract {
		case "social-care-packages":
			f.line([]string{"END", strconv.Itoa(f.rows), strconv.Itoa(f.cost)})
		case "community-caseload":
			f.line([]string{"TOTAL", strconv.Itoa(f.rows)})
		default:
			m.Totals = []byte("rows=" + strconv.Itoa(f.rows) + "\n")
		}
		m.Body = f.body.Bytes()
		out = append(out, m)
	}
	return out
}
