package rights

import (
	"cmp"
	"slices"
	"time"
)

// Sort has those first that are overdue, then those with least time left.
func Sort(list []Case, now time.Time) {
	slices.SortStableFunc(list, func(a, b Case) int {
		ua, la := a.Urgency(now)
		ub, lb := b.Urgency(now)
		return cmp.Or(cmp.Compare(ua, ub), cmp.Compare(la, lb), a.Received.Compare(b.Received))
	})
}

// DidWords is what was done, in words.
func DidWords(d Did) string {
	return cmp.Or(map[Did]string{
		Received: "received", AskedIdentity: "asked to show who they are", ShownIdentity: "was shown who they are", AskedClarification: "asked what they mean",
		Clarified: "was told what they mean", Extended: "extended by two months", HandedOver: "handed over", SentToSource: "sent to its source",
		Restrained: "restricted meanwhile", Announced: "announced the end of a restriction", Lifted: "ended a restriction", Reviewing: "looked through items of a copy",
		NoteTaken: "took out a note of dispute", Noted: "noted", Approved: "approved", Destroyed: "destroyed", AskedLetIn: "asked that it may come in again", LetIn: "agreed that it may come in again", Withdrawn: "taken back", Decided: "decided",
	}[d], string(d))
}

// Oldest puts the oldest first, and gives so many at most; all where that is 0.
func Oldest(list []Case, most int) []Case {
	slices.SortStableFunc(list, func(a, b Case) int { return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID)) })
	if most > 0 && len(list) > most {
		return list[:most]
	}
	return list
}
