package testenv

import (
	"strings"
	"testing"
	"time"

	"selda/cmd/selda/region"
	"selda/policy"
	"selda/proxy"
)

// G11: the operator lets somebody act where no practice can, on the same grounds, and
// ends it; it is told as any other.
func TestG11TheOperatorLetsActAndEnds(t *testing.T) {
	o := known(t)
	o.helper("bola", "Bola Adeyemi")
	o.writes(ownGP, "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	op := region.OperatorSubject()
	let := func(p policy.Acting) error {
		return o.Region.LetAct(t.Context(), op, o.citizen, proxy.Person{Acting: p})
	}
	for what, p := range map[string]policy.Acting{
		"without evidence":         {User: "bola", As: policy.Wish},
		"of no account":            {User: "nobody", As: policy.Wish, Evidence: "seen"},
		"a deputy without an end":  {User: "bola", As: policy.Deputy, Evidence: "seen"},
		"a professional's account": {User: "doctor", As: policy.Wish, Evidence: "seen"},
	} {
		if err := let(p); err == nil {
			t.Error(what, "is let act")
		}
	}
	if o.opensFor("bola") {
		t.Fatal("nobody let them act, and they see the record")
	}
	if err := let(policy.Acting{User: "bola", As: policy.Wish, Evidence: "her word, on the telephone", To: o.Now().Add(48 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if !o.opensFor("bola") {
		t.Error("they are let act, and don't see the record")
	}
	list, err := o.Region.Helpers(t.Context(), op, o.citizen)
	if err != nil || len(list) != 1 || list[0].User != "bola" || list[0].Name != "Bola Adeyemi" || list[0].Evidence != "her word, on the telephone" {
		t.Fatalf("%+v %v", list, err)
	}
	if err := o.Region.StopActing(t.Context(), op, o.citizen, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if o.opensFor("bola") {
		t.Error("it is ended, and they see the record")
	}
}

// G11: a court's order names what a deputy sees, and a person what a helper sees: the
// practice writes it down, and it is all that they see.
func TestG11WhatAnOrderNames(t *testing.T) {
	o := known(t)
	o.helper("bola", "Bola Adeyemi")
	o.writes(ownGP, "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes(ownGP, "MedicationRequest", "m1", `"status":"active","intent":"order","medicationCodeableConcept":{"text":"Salbutamol"},`+atGP)
	if status, body := o.posts("gp", "/record/"+o.citizen+"/people", "user=bola&as=own-wish&evidence=her+word&until=&sets=medications&sets=nonsense"); status != 200 || !strings.Contains(body, "It holds from now on.") {
		t.Fatal(status, body)
	}
	for path, want := range map[string]int{"/fhir/MedicationRequest?patient={citizen}": 1, "/fhir/Condition?patient={citizen}": 0} {
		if n := o.total("bola", path); n != want {
			t.Errorf("%s: %d", path, n)
		}
	}
	if status, body := o.posts("gp", "/record/"+o.citizen+"/people", "user=bola&as=own-wish&evidence=&sets=medications"); status != 422 || !strings.Contains(body, `value="medications" checked`) {
		t.Error("what was chosen is lost with an error:", status)
	}
}
