package rights

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever is done in whatever order: a closed case stays closed, with the outcome that it
// has, no step is lost, and what is refused changes nothing.
func TestG18ACaseKeepsWhatWasDone(t *testing.T) {
	all := []Did{Received, AskedIdentity, ShownIdentity, AskedClarification, Clarified, Extended, HandedOver, SentToSource, Restrained, Announced, Lifted, Reviewing, Noted, Withdrawn, Decided}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{Access, Correction, Restriction, Erasure, Objection, Disposal}).Draw(t, "kind")
		now := at("2026-01-31")
		c, err := Open("c1", "q1", "RJZ", Asked{Kind: kind, Citizen: "c", By: ByStaff, Who: officer, Asker: "x", Identity: "y", Words: "why"}, now)
		if kind == Correction {
			if err == nil {
				t.Fatal("a correction of nothing")
			}
			return
		}
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "days"))
			s := Step{At: now, By: officer, Did: rapid.SampledFrom(all).Draw(t, "did"), Words: rapid.SampledFrom([]string{"", "because"}).Draw(t, "words"),
				Code: rapid.SampledFrom([]string{"", "refused", "released", "restricted", "upheld"}).Draw(t, "code"), To: "RV5", On: now.AddDate(0, 0, 8).Format("2006-01-02")}
			was := len(c.Steps)
			next, err := c.Act(s)
			switch {
			case err != nil && (len(next.Steps) != was || next.State != c.State || next.Controller != c.Controller):
				t.Fatal("refused, and changed", s.Did)
			case err == nil && len(next.Steps) != was+1:
				t.Fatal("a step is lost", s.Did)
			case c.State == Closed && (next.State != Closed || next.Outcome != c.Outcome):
				t.Fatal("a closed case was opened", s.Did)
			case next.State == Closed && next.Outcome == "":
				t.Fatal("closed without an outcome", s.Did)
			}
			c = next
		}
	})
}

func TestG18ARestrictionEndsWithNotice(t *testing.T) {
	c := opened(t, Restriction, at("2026-03-02"))
	if _, err := c.Act(Step{At: at("2026-03-03"), By: officer, Did: Decided, Code: "restricted"}); err == nil {
		t.Error("decided to restrict, and nothing is restricted")
	}
	c, err := c.Act(Step{At: at("2026-03-03"), By: officer, Did: Restrained, Words: "accuracy is contested (Art 18(1)(a))"})
	if err == nil {
		c, err = c.Act(Step{At: at("2026-03-03"), By: officer, Did: Decided, Code: "restricted"})
	}
	if err != nil || !c.Restricting() {
		t.Fatal(err)
	}
	if _, err := c.Act(Step{At: at("2026-06-01"), By: officer, Did: Announced, Words: "verified", On: "2026-06-07"}); err == nil {
		t.Error("six days of notice")
	}
	if _, err := c.Act(Step{At: at("2026-06-01"), By: officer, Did: Announced, Words: "verified", On: "2026-06-08"}); err != nil {
		t.Error(err)
	}
}
