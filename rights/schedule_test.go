package rights

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/nhs"
	"selda/policy"
)

// NHS Records Management Code of Practice 2021, Appendix II.
func TestG18HowLongWhatIsKept(t *testing.T) {
	_, s := Box()
	item := func(source nhs.Source, set policy.DataSet, l policy.Labels) *Rule {
		return s.Of(&policy.Columns{Source: source, DataSet: set, Labels: l})
	}
	hospital, gp, mind, birth := item("RJZ:PAS", policy.Problems, 0), item("G85915:GP", policy.Problems, policy.MentalHealthDetail), item("RV5:EPR", policy.Problems, policy.MentalHealthDetail), item("RJZ:MAT", policy.Problems, 0)
	for _, c := range []struct {
		what            string
		rule            *Rule
		born, seen, die string
		want            string
	}{
		{"an adult: 8 years after last seen", hospital, "1951-11-05", "2016-03-01", "", "2024-03-01"},
		{"last seen on the day that leap years have", hospital, "1951-11-05", "2016-02-29", "", "2024-02-29"},
		{"a child: the 25th birthday", hospital, "2000-06-01", "2010-01-01", "", "2025-06-01"},
		{"17 when last seen: the 26th", hospital, "2000-06-01", "2018-05-31", "", "2026-06-01"},
		{"18 when last seen: an adult", hospital, "2000-06-01", "2018-06-01", "", "2026-06-01"},
		{"a child who has died: 8 years after", hospital, "2000-06-01", "2010-01-01", "2010-02-01", "2018-02-01"},
		{"who may have been a child is kept", hospital, "", "2010-01-01", "", ""},
		{"a GP's record of the living is kept", gp, "1951-11-05", "1980-01-01", "", ""},
		{"10 years after a death", gp, "1951-11-05", "2014-01-01", "2015-05-04", "2025-05-04"},
		{"mental health: 20 years", mind, "1951-11-05", "2006-03-01", "", "2026-03-01"},
		{"or 10 after a death", mind, "1951-11-05", "2014-03-01", "2015-01-01", "2025-01-01"},
		{"maternity: 25 years", birth, "1981-11-05", "2001-03-01", "", "2026-03-01"},
		{"nobody knows when they were seen", hospital, "1951-11-05", "", "", ""},
	} {
		l := Life{Dead: c.die != ""}
		for p, s := range map[*time.Time]string{&l.Born: c.born, &l.LastSeen: c.seen, &l.Died: c.die} {
			if s != "" {
				*p = at(s)
			}
		}
		due, ok := c.rule.Due(l)
		if got := due.Format(time.DateOnly); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s, %v, not %s", c.what, got, ok, c.want)
		}
	}
}

// Nothing is due before its least period is over, and never of who was seen since.
func TestG18NothingIsDueTooSoon(t *testing.T) {
	_, s := Box()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) time.Time {
			return time.Date(1930, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365*100).Draw(t, name))
		}
		l := Life{Born: draw("born"), LastSeen: draw("seen"), Dead: rapid.Bool().Draw(t, "dead")}
		if l.Dead {
			l.Died = draw("died")
		}
		r := rapid.SampledFrom(s.Rules).Draw(t, "rule")
		due, ok := r.Due(l)
		if !ok {
			return
		}
		since := l.LastSeen
		if l.Dead && r.AfterDeath > 0 {
			since = l.Died
		}
		if due.Before(day(since).AddDate(8, 0, -1)) {
			t.Fatalf("%s: seen %s, died %s, due %s", r.Class, l.LastSeen, l.Died, due)
		}
		if age, _ := policy.Age(l.Born, l.LastSeen); r.Child && !l.Dead && age < 18 && due.Before(day(l.Born).AddDate(25, 0, 0)) {
			t.Fatalf("a child's record is due on %s", due)
		}
	})
}

func TestScheduleSaysWhatIsWrong(t *testing.T) {
	for file, want := range map[string]string{
		"schedule: x\nrules: [{class: a, title: A}]":                                           "how many years",
		"schedule: x\nrules: [{class: a, title: A, years: 1}]":                                 "say why",
		"schedule: x\nrules: [{class: a, title: A, years: 9, labels: [nonsense]}]":             "no label",
		"schedule: x\nrules: [{class: a, title: A, years: 9}, {class: a, title: B, years: 9}]": "one rule",
		"schedule: x\nrules: [{class: a, title: A, years: 9, from: ['*']}]":                    "RJZ:PAS",
		"schedule: x\nrules: [{class: a, title: A, year: 9}]":                                  "can't be read",
		"schedule: x\nrules: []": "1 to 100 rules",
		"schedule: x\nrules: [{class: a, title: A, years: 2, because: local duplicates of the source}]": "",
	} {
		_, err := ParseSchedule([]byte(file))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	b, err := os.ReadFile("retention.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("schedule: &a [*a]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSchedule(b)
		if err != nil {
			return
		}
		for i := range s.Rules {
			if due, ok := s.Rules[i].Due(Life{Born: at("1951-11-05"), LastSeen: at("2016-01-01")}); ok && !due.After(at("2016-01-01")) {
				t.Fatal("due at once", s.Rules[i].Class)
			}
		}
	})
}
