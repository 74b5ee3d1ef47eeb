package synth

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/nhs"
)

// The region's ages, backgrounds and conditions are those of the sources.
func TestRegionIsAsItsSources(t *testing.T) {
	citizens, slack := 20_000, 1.0
	if testing.Short() {
		citizens, slack = 2_000, 3.2
	}
	r := New(1, citizens, time.Time{})
	living, ages, backgrounds, boroughsOf := 0, make([]int, len(ageBands)), map[byte]int{}, map[string]int{}
	number, of := map[string]int{}, map[int]int{}
	for c := range r.Citizens() {
		if !c.Died.IsZero() {
			continue
		}
		living++
		age := years(c.Born, r.now)
		band := 0
		for band < len(ageBands)-2 && age >= ageBands[band+1] {
			band++
		}
		ages[band]++
		backgrounds[c.Ethnicity[0]]++
		boroughsOf[c.Borough]++
		for _, x := range conditions {
			if age >= x.from && slices.Contains(c.Conditions, x.key) {
				number[x.key]++
			}
		}
		for _, from := range []int{0, 15, 16, 17, 18, 20, 50, 65} {
			if age >= from {
				of[from]++
			}
		}
	}
	share := func(n, all int) float64 { return 100 * float64(n) / float64(all) }
	for i := range innerAges {
		want := 0.0
		for b := range boroughs {
			want += 100 * boroughs[b].ageShare(i) * float64(boroughs[b].Residents) / float64(residents)
		}
		if got := share(ages[i], living); math.Abs(got-want) > 1.8*slack {
			t.Errorf("from age %d: %.1f %% of the living, the census has %.1f", ageBands[i], got, want)
		}
	}
	for i := range ethnicities {
		want := 0.0
		for b := range boroughs {
			want += boroughs[b].ethnic[i] * float64(boroughs[b].Residents) / float64(residents)
		}
		if got := share(backgrounds[ethnicities[i]], living); math.Abs(got-want) > 2.2*slack {
			t.Errorf("ethnic category %c: %.1f %%, the census has %.1f", ethnicities[i], got, want)
		}
	}
	for b := range boroughs {
		if got, want := share(boroughsOf[boroughs[b].Name], living), share(boroughs[b].Residents, residents); math.Abs(got-want) > 2*slack {
			t.Errorf("%s: %.1f %% of the living, the census has %.1f", boroughs[b].Name, got, want)
		}
	}
	for _, c := range conditions {
		got, error2 := share(number[c.key], of[c.from]), 3*math.Sqrt(c.register*(100-c.register)/float64(of[c.from]))
		if math.Abs(got-c.register) > c.register*.12+error2*1.2 {
			t.Errorf("%s: %.2f %% of those aged %d and over, registers have %.2f", c.key, got, c.from, c.register)
		}
	}
}

// Nothing happens that could not.
func TestLivesArePlausible(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	r := New(9, 900, time.Time{})
	dead, merges, pregnant := 0, 0, 0
	r.walk(false, func(_ int, s *story) bool {
		p := s.p
		checkStory(t, s)
		if !p.died.IsZero() {
			dead++
			if p.died.Before(p.born) || p.died.After(r.now) {
				t.Errorf("citizen %d died at a time that cannot be", p.index)
			}
		}
		for _, c := range s.conditions {
			if c == "prostatecancer" && p.female() {
				t.Errorf("citizen %d: prostate cancer in a woman", p.index)
			}
			if c == "dementia" && p.age(s.end) < 55 || c == "frailty" && p.age(s.end) < 65 {
				t.Errorf("citizen %d: %s at %d", p.index, c, p.age(s.end))
			}
		}
		for _, d := range s.gp.problems {
			if d.c == cPregnancy {
				pregnant++
				if age := p.age(d.onset); !p.female() || age < 15 || age > 50 {
					t.Errorf("citizen %d: pregnant at %d", p.index, age)
				}
			}
		}
		for _, c := range p.children {
			if age := years(p.born, c.born); age < 15 || age > 50 {
				t.Errorf("citizen %d: a mother at %d", p.index, age)
			}
		}
		merges += len(s.merges)
		return true
	})
	if dead == 0 || merges == 0 || pregnant == 0 {
		t.Errorf("%d dead, %d merges, %d pregnancies", dead, merges, pregnant)
	}
}

// checkStory holds one story's facts and messages to the life that they are of.
func checkStory(t *testing.T, s *story) {
	t.Helper()
	p, r := s.p, s.r
	grace := 5 * day
	last := p.last(r.now)
	for _, m := range s.out {
		if m.At.Before(instant(p.born)) || m.At.After(instant(r.now)) || !p.died.IsZero() && m.At.After(instant(last.Add(grace))) {
			t.Fatalf("citizen %d: a message of %s arrives at %s; born %s, died %s", p.index, m.Source, m.At, p.born, p.died)
		}
	}
	for _, d := range s.gp.problems {
		if d.onset.Before(p.born) || d.onset.After(last) || !d.end.IsZero() && d.end.Before(d.onset) {
			t.Errorf("citizen %d: %s from %s to %s", p.index, d.c.term, d.onset, d.end)
		}
	}
	for _, v := range s.gp.vaccinations {
		weeks := int(v.at.Sub(p.born) / (7 * day))
		if v.v.weeks > 0 && (weeks < v.v.weeks || weeks > v.v.weeks+6) {
			t.Errorf("citizen %d: %s at %d weeks, due at %d", p.index, v.v.term, weeks, v.v.weeks)
		}
	}
	for _, m := range s.gp.medicines {
		if !m.end.IsZero() && m.end.Before(m.start) {
			t.Errorf("citizen %d: %s ends before it begins", p.index, m.d.name)
		}
		if penicillins[m.d] && s.allergicTo(aPenicillin, m.start) {
			t.Errorf("citizen %d: %s despite the allergy", p.index, m.d.name)
		}
	}
}

// Every number by which a source's messages name somebody is in the truth, and
// nobody else's; merges name numbers that are.
func TestTruthNamesEveryNumber(t *testing.T) {
	r := New(4, 400, time.Time{})
	owner := map[LocalID]int{}
	for c := range r.Citizens() {
		if c.NHSNumber.IsZero() {
			t.Fatalf("citizen %d has no number", c.Index)
		}
		for _, id := range c.IDs {
			if other, taken := owner[id]; taken {
				t.Errorf("%s %s is citizen %d and %d", id.Source, id.ID, other, c.Index)
			}
			owner[id] = c.Index
		}
		for _, m := range c.Merges {
			for _, n := range []string{m.Kept, m.Gone} {
				if owner[LocalID{m.Source, n}] != c.Index {
					t.Errorf("a merge at %s names a number that is not citizen %d's", m.Source, c.Index)
				}
			}
		}
	}
	for m := range r.Messages() {
		if m.Format != "hl7v2" || m.Fault == "unparsable" {
			continue
		}
		pid := segment(string(m.Body), "PID")
		number, _, _ := strings.Cut(strings.Split(pid, "|")[3], "^")
		if _, ok := owner[LocalID{m.Source, number}]; !ok {
			t.Fatalf("%s: the truth does not know number %s", m.Source, number)
		}
	}
}

func segment(message, name string) string {
	for s := range strings.SplitSeq(message, "\r") {
		if strings.HasPrefix(s, name+"|") {
			return s
		}
	}
	return strings.Repeat("|", 60)
}

// The mistakes that the doors must cope with are there.
func TestFaultsAreThere(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	const citizens = 1_300
	faults, missing, invalid := map[string]int{}, 0, 0
	found := map[string]int{}
	for m := range New(6, citizens, time.Time{}).Messages() {
		faults[m.Fault]++
		if m.Format != "hl7v2" || m.Fault == "unparsable" {
			continue
		}
		body := string(m.Body)
		if !strings.Contains(body, "^^^NHS^NH") {
			missing++
		} else if i := strings.Index(body, "^^^NHS^NH"); i > 10 {
			if _, err := nhs.ParseNumber(body[i-10 : i]); err != nil {
				invalid++
			}
		}
		for _, e := range []string{"ADT^A11", "ADT^A13", "ADT^A34", "ADT^A40", "MDM^T10", "MDM^T11", "SIU^S15"} {
			if strings.Contains(body[:80], e) {
				found[e]++
			}
		}
		for status, at := range map[string]string{"corrected": "||||C|||", "cancelled": "||||X|||"} {
			if strings.Contains(body, at) {
				found[status]++
			}
		}
	}
	for _, f := range []string{"late", "duplicate", "unparsable"} {
		if faults[f] == 0 {
			t.Errorf("no message is %s", f)
		}
	}
	for _, e := range []string{"ADT^A11", "ADT^A13", "ADT^A34", "ADT^A40", "MDM^T10", "MDM^T11", "SIU^S15", "corrected", "cancelled"} {
		if found[e] == 0 {
			t.Errorf("no %s", e)
		}
	}
	if missing == 0 || invalid == 0 {
		t.Errorf("%d without an NHS number, %d with an invalid one", missing, invalid)
	}
}

// A number that was merged away is not spoken of again.
func TestMergedNumbersFallSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	r := New(13, 900, time.Time{})
	gone := map[LocalID]time.Time{}
	for c := range r.Citizens() {
		for _, m := range c.Merges {
			gone[LocalID{m.Source, m.Gone}] = m.At
		}
	}
	seen := 0
	for m := range r.Messages() {
		if m.Format != "hl7v2" || m.Fault != "" {
			continue
		}
		body := string(m.Body)
		number, _, _ := strings.Cut(strings.Split(segment(body, "PID"), "|")[3], "^")
		at, merged := gone[LocalID{nhs.Source(string(m.Source.Organisation()) + ":PAS"), number}]
		if !merged {
			continue
		}
		seen++
		if m.At.After(at.Add(10*time.Minute)) && !strings.Contains(body[:90], "ADT^A40") {
			t.Errorf("%s speaks of %s at %s, which was merged away at %s", m.Source, number, m.At, at)
		}
	}
	if seen == 0 {
		t.Error("no number was merged away")
	}
}
