package subscription_test

import (
	"strings"
	"testing"
	"time"

	"selda/access"
)

// safe has the citizen set their safety mode.
func (r *region) safe(m access.Safety) {
	r.Helper()
	s, err := r.env.Subject("citizen")
	if err == nil {
		err = r.env.Region.Access.SetMySafety(r.Context(), s, m)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// G11: who has turned on safety mode is sent nothing until they say when; then what
// comes says nothing of what it is about, by e-mail only where nobody else reads it,
// and only in the hours that they chose.
func TestG11NoticesAreQuietInSafetyMode(t *testing.T) {
	p := mailServer(t)
	r := posting(t, p, "")
	v := receive(t)
	r.subscribe("citizen", letter())
	r.subscribe("citizen", topical("result", v.URL, "full-resource", "Observation?patient=Patient/p1"))
	letters := func() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.letters) }
	happens := func(what string) {
		t.Helper()
		r.observe("p1", what)
		r.settle()
	}
	r.settle()
	v.got()
	var calls []call
	heard := func() int { calls = append(calls, v.got()...); return len(calls) }

	r.safe(access.Safety{On: true})
	happens("a first secret")
	if letters() != 0 || heard() != 0 {
		t.Fatalf("no hour was chosen, and %d letters and %d calls came", letters(), heard())
	}

	r.safe(access.Safety{On: true, From: 10, To: 12}) // it is 9, and others may read the e-mail
	happens("a second secret")
	if letters() != 0 || heard() != 0 {
		t.Fatal("it came outside the hours that were chosen")
	}
	r.advance(90*time.Minute, 30*time.Minute)
	if letters() != 0 || heard() != 1 {
		t.Fatalf("in the hours that were chosen %d letters came, and %d calls", letters(), heard())
	}
	if body := string(calls[0].Body); strings.Contains(body, "secret") || strings.Contains(body, "Observation/") {
		t.Error("the notice says what it is about:", body)
	}

	r.safe(access.Safety{On: true, From: 9, To: 18, OwnMail: true})
	happens("a third secret")
	if letters() != 1 {
		t.Fatal("her own e-mail has", letters(), "letters")
	}
	p.mu.Lock()
	mail := strings.ToLower(p.letters[0])
	p.mu.Unlock()
	if _, text, _ := strings.Cut(mail, "subject:"); strings.Contains(text, "changed") || strings.Contains(text, "sign in") || strings.Contains(text, "selda") || strings.Contains(text, "http") || strings.Contains(text, "record") || strings.Contains(text, "health") {
		t.Error("the letter tells what it is about:", mail)
	}

	r.safe(access.Safety{})
	happens("a fourth")
	if letters() != 2 {
		t.Error("it is off, and the letter does not come")
	}
}
