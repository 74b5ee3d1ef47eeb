package agreement

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Notice is something about an agreement that a controller has to look at (G17).
type Notice struct {
	Agreement string
	Kind      NoticeKind
	Since     time.Time // since when it is so
	Days      int       // to the end, or since it
	Parties   []Party   // whom it is about
	Words     string
}

// NoticeKind says what a notice is about.
type NoticeKind string

// Kinds of notices, the most urgent first.
const (
	Ended     NoticeKind = "stopped"   // a secondary use has come to its end
	Late      NoticeKind = "overdue"   // care goes on past the end
	Unsigned  NoticeKind = "unsigned"  // named as a source, and has not signed
	Suspended NoticeKind = "suspended" // the flow is suspended
	Expiring  NoticeKind = "expiring"  // within 90, 30 or 7 days
)

// warnings are the days before the end at which controllers are warned (G17).
var warnings = []int{7, 30, 90}

const day = 24 * time.Hour

// Notices are those of all agreements at a moment, in the order in which they
// should be looked at.
func (s *Set) Notices(now time.Time) []Notice {
	var out []Notice
	for _, a := range s.list {
		out = append(out, a.notices(now)...)
	}
	order := []NoticeKind{Late, Ended, Unsigned, Suspended, Expiring}
	slices.SortStableFunc(out, func(x, y Notice) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), x.Since.Compare(y.Since))
	})
	return out
}

func (a *Agreement) notices(now time.Time) (out []Notice) {
	if a.withdrawn(now) {
		return nil
	}
	add := func(k NoticeKind, since time.Time, days int, who []Party, words string) {
		out = append(out, Notice{a.ID, k, since, days, who, words})
	}
	switch left := a.Ends.Sub(now); {
	case a.Ends.IsZero():
	case a.Overdue(now):
		days := int(now.Sub(a.Ends)/day) + 1
		add(Late, a.Ends, days, nil, fmt.Sprintf("ran out %s ago and goes on under: %s. A controller renews or suspends it", counted(days, "day"), a.Authority))
	case left <= 0:
		add(Ended, a.Ends, int(now.Sub(a.Ends)/day), nil, "has come to its end, and nothing flows under it any more")
	default:
		for _, w := range warnings {
			if left <= time.Duration(w)*day {
				days := int((left + day - 1) / day)
				add(Expiring, a.Ends.Add(-time.Duration(w)*day), days, nil, "runs out in "+counted(days, "day"))
				break
			}
		}
	}
	var unsigned []Party
	for i := range a.Shares {
		for _, p := range a.Shares[i].From {
			if _, ok := a.signedFor(p); !ok && !slices.Contains(unsigned, p) {
				unsigned = append(unsigned, p)
			}
		}
	}
	if len(unsigned) > 0 {
		add(Unsigned, a.Begins, 0, unsigned, "is not signed for "+said(unsigned)+": nothing of theirs flows under it")
	}
	for _, g := range a.Signatures {
		if g.Provisional {
			add(Unsigned, g.Signed, int(now.Sub(g.Signed)/day), g.For, "stands in until its controllers have signed: it was signed provisionally for "+said(g.For)+" by "+g.Name)
		}
	}
	for _, x := range a.Suspended(now) {
		add(Suspended, x.Since, int(now.Sub(x.Since)/day), x.From, "is suspended for "+said(x.From)+": "+x.Reason)
	}
	return out
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
