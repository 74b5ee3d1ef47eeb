package agreement

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

const care = `# what the lead wrote
agreement: care
title: Care
purposes: [direct-care]
begins: 2026-04-01
ends: 2027-03-31
basis: {data-protection: UK GDPR Art 6(1)(e) and 9(2)(h), confidentiality: implied consent}
authority: the duty to share
contact: IG team
groups: {trusts: [RJ1, RJZ]}
shares:
  - from: [trusts, "G85915:GP"]
    kinds: [all]
    not: [social-care]
    with: [all] # of the region
  - from: ["708"]
    kinds: [social-care]
    with: [RJZ]
    roles: [hospital-doctor]
    citizens: {registered: [G85915], from-age: 65}
signed:
  - {organisation: RJZ, name: Dr M, office: Caldicott guardian, signed: 2026-04-01}
  - {organisation: QKK, name: C N, office: lead, signed: 2026-05-01T09:00:00Z, for: [G85915, "708"]}
`

func parse(t *testing.T, file string) *Agreement {
	t.Helper()
	a, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err, fault.PlaceOf(err))
	}
	return a
}

func day0(s string) time.Time { t, _ := time.Parse(time.DateOnly, s); return t.Add(12 * time.Hour) }

// G1: what others wrote is shown where their controllers agreed to it: from its
// beginning, once signed for, to those with whom it is shared.
func TestG1WhatIsAgreedIsShown(t *testing.T) {
	set := NewSet(parse(t, care))
	gp := Reader{"G85999", nhs.GP, DirectCare}
	doctor := Reader{"RJZ", nhs.HospitalDoctor, DirectCare}
	old := Person{Registered: []nhs.ODS{"G85915"}, Age: 70}
	for _, c := range []struct {
		name   string
		r      Reader
		p      Person
		on     string
		source nhs.Source
		set    policy.DataSet
		want   bool
	}{
		{"before it begins", gp, old, "2026-03-31", "RJZ:PAS", policy.Results, false},
		{"in force", gp, old, "2026-04-01", "RJZ:PAS", policy.Results, true},
		{"a kind that is left out", gp, old, "2026-06-01", "RJZ:PAS", policy.SocialCare, false},
		{"a source that has not signed", gp, old, "2026-06-01", "RJ1:PAS", policy.Results, false},
		{"a source that is not named", gp, old, "2026-06-01", "RV5:PAS", policy.Results, false},
		{"signed for by another, not yet", gp, old, "2026-04-30", "G85915:GP", policy.Problems, false},
		{"signed for by another", gp, old, "2026-05-02", "G85915:GP", policy.Problems, true},
		{"another system of theirs", gp, old, "2026-05-02", "G85915:OTHER", policy.Problems, false},
		{"social care, with the trust", doctor, old, "2026-06-01", "708:SC", policy.SocialCare, true},
		{"with another organisation", gp, old, "2026-06-01", "708:SC", policy.SocialCare, false},
		{"in another role", Reader{"RJZ", nhs.Nurse, DirectCare}, old, "2026-06-01", "708:SC", policy.SocialCare, false},
		{"of somebody younger", doctor, Person{old.Registered, 64}, "2026-06-01", "708:SC", policy.SocialCare, false},
		{"of somebody whose age is not known", doctor, Person{old.Registered, -1}, "2026-06-01", "708:SC", policy.SocialCare, false},
		{"of somebody registered elsewhere", doctor, Person{[]nhs.ODS{"G1"}, 70}, "2026-06-01", "708:SC", policy.SocialCare, false},
		{"overdue", gp, old, "2027-04-02", "RJZ:PAS", policy.Results, true},
		{"for the citizen", Reader{"", nhs.Citizen, CitizenAccess}, old, "2026-06-01", "RJZ:PAS", policy.Results, false},
		{"for secondary use", Reader{"QKK", nhs.Analyst, SecondaryUse}, old, "2026-06-01", "RJZ:PAS", policy.Results, false},
		{"in an emergency", Reader{"G85999", nhs.GP, Emergency}, old, "2026-06-01", "RJZ:PAS", policy.Results, true},
	} {
		if got := set.Of(c.r, c.p, day0(c.on)).Has(c.source, c.set); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if NewSet().Of(gp, old, day0("2026-06-01")).Has("RJZ:PAS", policy.Results) {
		t.Error("without an agreement something is shown")
	}
}

// G17: care goes on past the end and is escalated; secondary use stops at it.
func TestG17TheEndOfAnAgreement(t *testing.T) {
	a := parse(t, care)
	kinds := func(s string) (out []string) {
		for _, n := range NewSet(a).Notices(day0(s)) {
			out = append(out, string(n.Kind)+" "+n.Words)
		}
		return out
	}
	for on, want := range map[string]string{"2026-12-31": "", "2027-01-01": "runs out in 90 days", "2027-03-01": "runs out in 31 days", "2027-03-24": "runs out in 8 days", "2027-03-31": "runs out in 1 day",
		"2027-04-01": "ran out 1 day ago and goes on under: the duty to share", "2027-04-10": "ran out 10 days ago"} {
		if got := strings.Join(kinds(on), "\n"); !strings.Contains(got, want) || want == "" && (strings.Contains(got, "runs out") || strings.Contains(got, "ran out")) {
			t.Errorf("%s: %s", on, got)
		}
	}
	if got := kinds("2026-06-01"); len(got) != 1 || !strings.Contains(got[0], "not signed for RJ1") {
		t.Error(got)
	}
	secondary := strings.NewReplacer("[direct-care]", "[secondary-use]", "authority: the duty to share", "gateway: anonymised\nopt-out: does not apply, since nobody can be told").Replace(care)
	set := NewSet(parse(t, secondary))
	r := Reader{"QKK", nhs.Analyst, SecondaryUse}
	end := time.Date(2027, 3, 31, 23, 0, 0, 0, time.UTC) // midnight in London, in summer time
	for at, want := range map[time.Time]bool{end.Add(-time.Second): true, end: false} {
		if got := set.Of(r, Person{}, at).Has("RJZ:PAS", policy.Results); got != want {
			t.Errorf("%v: %t", at, got)
		}
	}
	if n := set.Notices(end); n[0].Kind != Ended {
		t.Error(n)
	}
}

// What is suspended flows no more, from that moment on until it is lifted; who would
// be shown it may know since when.
func TestG17Suspended(t *testing.T) {
	at := day0("2026-06-01")
	file, err := Suspend([]byte(care), Suspension{From: []Party{"RJZ"}, Since: at, Reason: "a feed that mixes people up", By: "guardian"})
	if err != nil {
		t.Fatal(err)
	}
	r := Reader{"G85999", nhs.GP, DirectCare}
	has := func(file []byte, at time.Time) bool {
		return NewSet(parse(t, string(file))).Of(r, Person{}, at).Has("RJZ:PAS", policy.Results)
	}
	if !has(file, at.Add(-time.Second)) || has(file, at) {
		t.Error("it is not suspended from its moment on")
	}
	if s := NewSet(parse(t, string(file))).NotShared(r, at); len(s) != 1 || s[0].Source != "RJZ" || !s[0].Since.Equal(at) {
		t.Error(s)
	}
	if s := NewSet(parse(t, string(file))).NotShared(Reader{"", nhs.Citizen, CitizenAccess}, at); len(s) > 0 {
		t.Error("told to whom it is not shared with", s)
	}
	lifted, err := Resume(file, "RJZ", at.Add(time.Hour))
	if err != nil || has(lifted, at.Add(time.Minute)) || !has(lifted, at.Add(time.Hour)) {
		t.Error(err, string(lifted))
	}
	if _, err := Resume(lifted, "RJZ", at.Add(2*time.Hour)); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// What a change writes keeps the words and comments of its author.
func TestChangesKeepTheFile(t *testing.T) {
	at := day0("2026-06-01")
	for name, f := range map[string]func([]byte) ([]byte, error){
		"sign": func(b []byte) ([]byte, error) {
			return Sign(b, Signature{Organisation: "RJ1", Name: "Dr X", Office: "guardian", Signed: at})
		},
		"renew":    func(b []byte) ([]byte, error) { return Renew(b, "2028-03-31") },
		"join":     func(b []byte) ([]byte, error) { return Join(b, 1, "RJ1") },
		"withdraw": func(b []byte) ([]byte, error) { return Withdraw(b, at) },
	} {
		out, err := f([]byte(care))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, words := range []string{"# what the lead wrote", "# of the region", "trusts"} {
			if !strings.Contains(string(out), words) {
				t.Errorf("%s: %q is gone:\n%s", name, words, out)
			}
		}
		a := parse(t, string(out))
		switch name {
		case "sign":
			if _, ok := a.signedFor("RJ1"); !ok {
				t.Error("not signed")
			}
		case "renew":
			if a.Ends.Year() != 2028 {
				t.Error(a.Ends)
			}
		case "join":
			if !a.Shares[1].with(Reader{"RJ1", nhs.HospitalDoctor, DirectCare}) {
				t.Error("not joined")
			}
		case "withdraw":
			if a.Flows(DirectCare, at) || len(a.notices(at)) > 0 {
				t.Error("it flows, or is told of")
			}
		}
	}
	if _, err := Renew([]byte(care), "next year"); err == nil {
		t.Error("a date that is none")
	}
}

// A mistake is told with its place and what to write.
func TestMistakesAreTold(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"agreement: care", "agreement: Care!"}:               "agreement: an agreement has a name of small letters",
		{"[direct-care]", "[direct-care, selling]"}:           `purposes: "selling" is not a purpose`,
		{"[direct-care]", "[direct-care, secondary-use]"}:     "purposes: secondary use has an agreement of its own",
		{"[direct-care]", "[secondary-use]"}:                  "gateway: name the legal gateway",
		{"begins: 2026-04-01", "begins: April"}:               `begins: "April" is not a day`,
		{"ends: 2027-03-31", "ends: 2025-03-31"}:              "ends: it ends before it begins",
		{", confidentiality: implied consent", ""}:            "basis.confidentiality: name the basis",
		{"authority: the duty to share\n", ""}:                "authority: an agreement for care that ends says",
		{"kinds: [social-care]", "kinds: [gossip]"}:           `shares[1].kinds: "gossip" is not a kind of data`,
		{"kinds: [social-care]", "kinds: []"}:                 "shares[1].kinds: say which kinds",
		{"from: [trusts", "from: [hospital trusts"}:           `shares[0].from: "hospital trusts" is no ODS code, no group`,
		{"roles: [hospital-doctor]", "roles: [wizard]"}:       `shares[1].roles: "wizard" is not a role`,
		{"with: [RJZ]", "with: [\"RJZ:PAS\"]"}:                "shares[1].with: data are shared with organisations",
		{"from-age: 65", "from-age: 65, to-age: 5"}:           "shares[1].citizens: say which citizens",
		{"office: Caldicott guardian, ", ""}:                  "signed[0]: a signature has the name and the office",
		{"contact: IG team", "contact: IG team\nfurther: x"}:  "field further is not known",
		{"groups: {", "groups: ["}:                            "not well-formed",
		{"title: Care\n", "title: [Care]\n"}:                  "one line of text stands here in an agreement",
		{"from-age: 65", "from-age: old"}:                     "a number stands here in an agreement",
		{"kinds: [social-care]", "kinds: social-care"}:        "a list stands here in an agreement",
		{"title: Care\n", "title: Care\n---\nagreement: b\n"}: ": a file holds one agreement",
	} {
		_, err := Parse([]byte(strings.Replace(care, change[0], change[1], 1)))
		if err == nil {
			t.Errorf("%q is taken", change[1])
			continue
		}
		if got := fault.PlaceOf(err) + ": " + fault.Reason(err); !strings.Contains(got, want) {
			t.Errorf("%q: %s", change[1], got)
		}
		if got := fault.Reason(err); strings.Contains(got, "unmarshal") || strings.Contains(got, "!!") {
			t.Errorf("%q: the words are those of the program: %s", change[1], got)
		}
	}
}

// What a set says of a source is what a look at each agreement, each share, each
// signature and each suspension by itself says.
func TestSetAgreesWithEachShare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parties := []Party{All, "RJZ", "RJZ:PAS", "RJ1", "G85915:GP", "708"}
	some := func() (out []Party) {
		for range 1 + r.IntN(2) {
			out = append(out, parties[r.IntN(len(parties))])
		}
		return out
	}
	now := day0("2026-06-01")
	moment := func() time.Time { return now.AddDate(0, 0, r.IntN(9)-4) }
	for range 3000 {
		var list []*Agreement
		for i := range 1 + r.IntN(3) {
			a := &Agreement{ID: string(rune('a' + i)), Purposes: []Purpose{purposes[r.IntN(len(purposes))]}, Begins: moment(), Ends: moment()}
			for range 1 + r.IntN(2) {
				a.Shares = append(a.Shares, Share{From: some(), With: []Party{All}, Kinds: policy.DataSets(r.Uint64()) & policy.AllDataSets})
				a.Signatures = append(a.Signatures, Signature{Organisation: "QKK", For: some(), Signed: moment()})
			}
			if r.IntN(2) == 0 {
				a.Suspensions = append(a.Suspensions, Suspension{From: some(), Since: moment(), Until: moment()})
			}
			list = append(list, a)
		}
		set, reader := NewSet(list...), Reader{"RJ2", nhs.GP, purposes[r.IntN(len(purposes))]}
		got := set.Of(reader, Person{}, now)
		for _, source := range []nhs.Source{"RJZ:PAS", "RJZ:LIMS", "RJ1:PAS", "G85915:GP", "G85915:X", "708:SC", "RV5:PAS"} {
			if want := naively(list, reader, source, now); got.Sets(source) != want {
				t.Fatalf("%s: %b, want %b\n%+v", source, got.Sets(source), want, got)
			}
		}
	}
}

func naively(list []*Agreement, r Reader, source nhs.Source, now time.Time) (out policy.DataSets) {
	means := func(parties []Party) bool {
		for _, p := range parties {
			if p == All || string(p) == string(source) || string(p) == string(source.Organisation()) {
				return true
			}
		}
		return false
	}
	for _, a := range list {
		is := a.Purposes[0] == r.Purpose || a.Purposes[0] == DirectCare && r.Purpose == Emergency
		if !is || now.Before(a.Begins) || r.Purpose == SecondaryUse && !now.Before(a.Ends) {
			continue
		}
		signed, stopped := false, false
		for _, g := range a.Signatures {
			signed = signed || means(g.For) && !now.Before(g.Signed)
		}
		for _, x := range a.Suspensions {
			stopped = stopped || means(x.From) && !now.Before(x.Since) && now.Before(x.Until)
		}
		for _, s := range a.Shares {
			if signed && !stopped && means(s.From) {
				out |= s.Kinds
			}
		}
	}
	return out
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(care))
	f.Add([]byte("agreement: a\nshares: [{from: [all], kinds: [all], with: [all]}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Parse(b)
		if err != nil {
			return
		}
		NewSet(a).Of(Reader{"RJZ", nhs.GP, DirectCare}, Person{}, a.Begins)
		NewSet(a).Notices(a.Begins)
		if _, err := Withdraw(b, a.Begins); err != nil {
			t.Fatal(err)
		}
	})
}
