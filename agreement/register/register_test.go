package register

import (
	"strings"
	"testing"
	"time"

	"selda/agreement"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

const file = `agreement: care
title: Care
purposes: [direct-care]
begins: 2026-01-01
basis: {data-protection: a, confidentiality: b}
contact: c
shares: [{from: [RJZ], kinds: [results], with: [all]}]
signed: [{organisation: RJZ, name: Dr M, office: guardian, signed: 2026-01-01}]
`

// Every revision is kept: what was agreed as at an older n answers for it, at
// another node, too; and who changes what another has changed is told.
func TestRevisions(t *testing.T) {
	docs := document.Folder(t.TempDir())
	one, err := Open(docs)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Open(docs)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	put := func(r *Register, number int, n uint64, kind string) error {
		_, err := r.Put(Revision{Number: number, At: now, By: "x", N: n, File: strings.Replace(file, "results", kind, 1)})
		return err
	}
	if err := put(one, 1, 10, "results"); err != nil {
		t.Fatal(err)
	}
	if err := put(two, 1, 11, "documents"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a revision that another made first: %v", err)
	}
	if err := put(two, 2, 20, "documents"); err != nil {
		t.Fatal(err)
	}
	if err := put(one, 3, 30, "gossip"); err == nil {
		t.Error("a file that does not hold is kept")
	}
	if err := one.Reload(); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[uint64]policy.DataSets{5: 0, 10: 0, 11: policy.SetOf(policy.Results), 20: policy.SetOf(policy.Results), 21: policy.SetOf(policy.Documents), store.Latest: policy.SetOf(policy.Documents)} {
		got := one.At(n).Of(agreement.Reader{Organisation: "RJ1", Role: nhs.GP, Purpose: agreement.DirectCare}, agreement.Person{}, now).Sets("RJZ:PAS")
		if got != want {
			t.Errorf("as at %d: %b, want %b", n, got, want)
		}
	}
	if list := one.Revisions("care"); len(list) != 2 || list[0].By != "x" {
		t.Errorf("%+v", list)
	}
}

// An organisation asks once, is answered once, and the answer stays.
func TestRequests(t *testing.T) {
	r, err := Open(document.Folder(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Agreement: "care", Organisation: "RJ1", Why: "falls", By: "g", At: time.Unix(1, 0).UTC()}
	if err := r.Ask(q); err != nil {
		t.Fatal(err)
	}
	if err := r.Ask(q); !fault.Is(err, fault.Conflict) {
		t.Errorf("asked twice: %v", err)
	}
	list, err := r.Requests()
	if err != nil || len(list) != 1 || list[0].Why != "falls" {
		t.Fatal(list, err)
	}
	if err := r.Answer(list[0].ID, "lead", true, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	if err := r.Answer(list[0].ID, "lead", false, time.Unix(3, 0)); !fault.Is(err, fault.Conflict) {
		t.Errorf("answered twice: %v", err)
	}
	if list, _ := r.Requests(); len(list) != 0 {
		t.Error(list)
	}
	for _, id := range []string{"../agreements/care/000001", "nobody", ""} {
		if _, err := r.Waiting(id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
