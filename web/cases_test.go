package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/access"
	"selda/audit"
	"selda/nhs"
)

// What a privacy officer looks at first is by risk, one case for what one user
// did with one record on one day; a review closes what was done before it, and
// nothing that is done after it.
func TestG9CasesToReview(t *testing.T) {
	day := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	seq := uint64(0)
	entry := func(action, user, citizen string, more func(*audit.Entry)) audit.Entry {
		seq++
		e := audit.Entry{Seq: seq, At: day.Add(time.Duration(seq) * time.Minute), Action: action, Outcome: audit.Permit, User: user, Citizen: citizen, Role: nhs.Nurse}
		if more != nil {
			more(&e)
		}
		return e
	}
	signed := func(signs ...string) func(*audit.Entry) { return func(e *audit.Entry) { e.Signs = signs } }
	refused := func(e *audit.Entry) { e.Outcome, e.Rules = audit.Deny, []string{"G7 no legitimate relationship"} }
	accesses := []audit.Entry{
		entry(audit.Read, "n", "c1", refused),                                                 // 1
		entry(audit.Read, "n", "c2", signed(access.SignFamily)),                               // 2
		entry(audit.Read, "n", "c2", signed(access.SignFamily)),                               // 3: the same case
		entry(audit.Read, "n", "c3", nil),                                                     // 4: nothing to look at
		entry(audit.BreakGlass, "d", "c1", func(e *audit.Entry) { e.Reason = "unconscious" }), // 5
		entry(audit.Read, "n", "c4", signed(access.SignOwn, access.SignFamily)),               // 6: the riskier of the two
	}
	for i := range many + 1 {
		accesses = append(accesses, entry(audit.Read, "busy", fmt.Sprint("r", i), nil))
	}
	told := func(list []*suspicion) string {
		var out []string
		for _, c := range list {
			s := fmt.Sprint(c.what, " ", c.first.Seq)
			if c.closed {
				s += " closed"
			} else if len(c.outcomes) > 0 {
				s += " open"
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	}
	if got, want := told(cases(accesses, nil)), "Emergency access 5, Own record 6, Same family name 2, Many records 7, Refused 1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	justified := entry(audit.Review, "p", "", func(e *audit.Entry) { e.About, e.Reason = 5, access.Outcomes[0].Words })
	asked := entry(audit.Review, "p", "", func(e *audit.Entry) { e.About, e.Reason = 2, access.Outcomes[2].Words })
	again := entry(audit.BreakGlass, "d", "c1", nil)
	got := told(cases(append(accesses, again), []audit.Entry{asked, justified}))
	if want := fmt.Sprintf("Emergency access %d, Emergency access 5 closed, Own record 6, Same family name 2 open, Many records 7, Refused 1", again.Seq); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Unusually many records are told against what the user and the role usually open: few
// are never unusual, and a clerk who always opens many is not raised each day.
func TestG9UnusualVolume(t *testing.T) {
	var accesses []audit.Entry
	seq := uint64(0)
	opens := func(user string, day, n int) {
		for i := range n {
			seq++
			accesses = append(accesses, audit.Entry{Seq: seq, At: time.Date(2026, 11, day, 9, 0, i, 0, time.UTC), Action: audit.Read, Outcome: audit.Permit, User: user, Citizen: fmt.Sprint(user, day, i), Role: nhs.Nurse})
		}
	}
	for day := 1; day <= 8; day++ {
		opens("steady", day, 30)
		opens("quiet", day, 4)
	}
	opens("steady", 9, 40)
	opens("quiet", 9, 20)
	opens("little", 9, 14)
	opens("new", 9, 61)
	var got []string
	for _, c := range cases(accesses, nil) {
		got = append(got, c.first.User+": "+strings.Join(c.facts, "; "))
	}
	want := "new: Opened 61 records on this day; Others of this role open about 30 a day, quiet: Opened 20 records on this day; On other days this user opens about 4; Others of this role open about 30 a day"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, ", "), want)
	}
}
