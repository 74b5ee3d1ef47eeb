package region

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"selda/agreement"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web"
)

const clinic = `agreement: falls
title: Falls clinic
purposes: [direct-care]
begins: 2026-01-01
basis: {data-protection: UK GDPR Art 6(1)(e) and 9(2)(h), confidentiality: implied consent}
contact: the falls clinic
shares: [{from: [RJZ], kinds: [problems], with: [RN7]}]
`

func acts(role nhs.Role, o nhs.ODS) policy.Subject {
	return policy.Subject{User: string(role) + "-" + string(o), Name: string(role), Role: role, Organisation: o, Purpose: nhs.Treatment}
}

// An organisation asks to join, who governs decides, and it is shown what the
// agreement shares; its own data flow once its controller has signed, and not before.
func TestG1AnOrganisationJoins(t *testing.T) {
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	r, err := Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	g := govern{r}
	lead, guardian := acts(nhs.GovernanceLead, "QKK"), acts(nhs.CaldicottGuardian, "RJ1")
	if a := r.Agreements.Latest().All(); len(a) != 1 || a[0].State(now) != "provisional" {
		t.Fatalf("a region does not begin with one that asks to be signed: %+v", a)
	}
	if _, err := g.Put(t.Context(), lead, []byte(clinic)); err != nil {
		t.Fatal(err)
	}
	shown := func(from nhs.Source, to nhs.ODS) bool {
		return r.Agreements.Latest().Find("falls") != nil && agreement.NewSet(r.Agreements.Latest().Find("falls")).
			Of(agreement.Reader{Organisation: to, Role: nhs.GP, Purpose: agreement.DirectCare}, agreement.Person{}, now).Has(from, policy.Problems)
	}
	does := func(s policy.Subject, a web.Act, yes bool) {
		t.Helper()
		if err := g.Act(t.Context(), s, "falls", a); (err == nil) != yes {
			t.Errorf("%s %s: %v", s.User, a.Do, err)
		}
	}
	does(acts(nhs.CaldicottGuardian, "RJZ"), web.Act{Do: "sign", Office: "guardian"}, true)
	if !shown("RJZ:PAS", "RN7") || shown("RJZ:PAS", "RJ1") {
		t.Error("signed, and it does not flow; or to whom it is not shared with")
	}
	does(guardian, web.Act{Do: "ask", Reason: "our falls clinic"}, true)
	does(guardian, web.Act{Do: "ask", Reason: "once more"}, false)
	for _, s := range []policy.Subject{acts(nhs.PrivacyOfficer, "RJ1"), acts(nhs.GP, "RJ1"), acts(nhs.Administrator, "QKK"), {}} {
		for _, do := range []web.Act{{Do: "ask", Reason: "x"}, {Do: "sign", Office: "x"}, {Do: "suspend", From: "RJZ", Reason: "x"}, {Do: "renew", Ends: "2030-01-01"}, {Do: "withdraw"}} {
			does(s, do, false)
		}
	}
	standing, err := g.Standing(t.Context(), lead)
	if err != nil || len(standing.Requests) != 1 || standing.Requests[0].Organisation != "RJ1" {
		t.Fatalf("%+v, %v", standing, err)
	}
	if err := g.Decide(t.Context(), guardian, standing.Requests[0].ID, true); err == nil {
		t.Error("who asks decides")
	}
	if err := g.Decide(t.Context(), lead, standing.Requests[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if !shown("RJZ:PAS", "RJ1") || shown("RJ1:PAS", "RN7") {
		t.Error("joined, and it is not shown; or its own data flow unsigned")
	}
	if err := g.Decide(t.Context(), lead, standing.Requests[0].ID, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("decided twice: %v", err)
	}
	does(guardian, web.Act{Do: "suspend", From: "RJZ", Reason: "not ours"}, false)
	does(lead, web.Act{Do: "withdraw"}, true)
	if shown("RJZ:PAS", "RN7") {
		t.Error("withdrawn, and it flows")
	}
	if n := len(g.Revisions("falls")); n != 4 {
		t.Error(fmt.Sprint(n, " revisions"))
	}
}
