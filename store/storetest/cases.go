package storetest

import (
	"bytes"
	"errors"

	"selda/access"
	"selda/fault"
	"selda/nhs"
	"selda/rights"
)

// cases: what is saved is found again by whose it is and who works it; of two who change
// one at once the second is told so; what was given out stays as it was.
func cases(b *box) {
	open := func(id, citizen string, o nhs.ODS, day int) rights.Case {
		c, err := rights.Open(id, "q", o, rights.Asked{Kind: rights.Access, Citizen: citizen, By: rights.ByPerson, Who: rights.Who{User: "u"}}, epoch.AddDate(0, 0, day))
		if err == nil {
			c, err = b.SaveCase(b.ctx(), c)
		}
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	one := open("one", "c1", "RJZ", 2)
	open("two", "c2", "RJZ", 1)
	open("three", "c1", "RV5", 3)
	ids := func(q access.CaseQuery) (out string) {
		b.Helper()
		list, err := b.Cases(b.ctx(), q)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range list {
			out += c.ID + " "
		}
		return out
	}
	for want, q := range map[string]access.CaseQuery{
		"two one three ": {}, "two ": {Limit: 1}, "two one ": {Controller: "RJZ"}, "one three ": {Citizens: []string{"c1", "c0"}}, "three ": {ID: "three"}, "": {Citizens: []string{}},
	} {
		if got := ids(q); got != want {
			b.Errorf("%+v: %q, not %q", q, got, want)
		}
	}
	next, err := one.Act(rights.Step{At: one.Received, Did: rights.Withdrawn})
	if err != nil {
		b.Fatal(err)
	}
	saved, err := b.SaveCase(b.ctx(), next)
	if err != nil || saved.Version != one.Version+1 {
		b.Fatal(saved.Version, err)
	}
	if _, err := b.SaveCase(b.ctx(), next); !fault.Is(err, fault.Conflict) {
		b.Error("a change was written over another", err)
	}
	one.Version = 0
	if _, err := b.SaveCase(b.ctx(), one); !fault.Is(err, fault.Conflict) {
		b.Error("a case was opened twice", err)
	}
	if got := ids(access.CaseQuery{Controller: "RJZ", Open: true}); got != "two " {
		b.Error("open:", got)
	}
	list, err := b.Cases(b.ctx(), access.CaseQuery{ID: "one"})
	if err != nil || len(list) != 1 || len(list[0].Steps) != 2 || list[0].Outcome != "withdrawn" || !list[0].Received.Equal(one.Received) {
		b.Error(list, err)
	}
	content := bytes.Repeat([]byte{0, 1, 255}, 1000)
	if err := errors.Join(b.SaveFile(b.ctx(), "one", "record.json", []byte("x")), b.SaveFile(b.ctx(), "one", "record.json", content)); err != nil {
		b.Fatal(err)
	}
	got, err := b.CaseFile(b.ctx(), "one", "record.json")
	if _, err2 := b.CaseFile(b.ctx(), "two", "record.json"); err != nil || !bytes.Equal(got, content) || !fault.Is(err2, fault.NotFound) {
		b.Error(err, err2)
	}
}
