package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/web/view"
)

func (s *sheet) documents() view.Part {
	p := view.Part{Section: view.Documents, Title: "Documents", Empty: "Letters and discharge summaries would be here." + noneSent}
	var items, replaced []view.Item
	for _, f := range s.v.Documents() {
		it := s.row(view.Documents, "Document", f)
		it.Detail = dots(f.Extra, f.Detail)
		if f.Detail == it.Title {
			it.Detail = f.Extra
		}
		it.Copies = len(f.Items) - 1
		for _, i := range f.Items {
			it.Body, it.BodyRef = i.Res, i.Type+"/"+i.ID
			if len(it.Pages()) > 0 || len(it.Files()) > 0 {
				break
			}
		}
		switch {
		case f.Status == "superseded":
			it.Status, it.Tone = "replaced", view.Past
			replaced = append(replaced, it)
			continue
		case f.Lead().Res.Get("docStatus").Is("preliminary") || f.Status == "preliminary":
			it.Status, it.Tone = "not final", view.Warn
		}
		items = append(items, it)
	}
	p.Add("Letters and documents", items)
	p.Add("Replaced", replaced)
	return p
}

func (s *sheet) plans() view.Part {
	p := view.Part{Section: view.Plans, Title: "Plans and alerts", Empty: "Alerts, care plans and the person's decisions would be here." + noneSent}
	var alerts, resus, plans, past []view.Item
	for _, f := range s.v.Plans() {
		it := s.row(view.Plans, "Plan", f)
		it.Detail = dots(f.Detail, activities(f.Lead().Res))
		if f.Extra != "" {
			it.Detail = dots(it.Detail, "by "+f.Extra)
		}
		it.Body, it.BodyRef = f.Lead().Res, it.Ref
		switch {
		case f.Status == "completed" || f.Status == "revoked" || f.Status == "superseded" || f.Status == "inactive":
			it.Status, it.Tone = words(f.Status), view.Past // superseded copies are void (G24)
			past = append(past, it)
			continue
		case f.Status != "" && f.Status != "active" && f.Status != "current" && f.Status != "final":
			it.Status, it.Tone = words(f.Status), view.Warn
		}
		if resuscitation(f) {
			resus = append(resus, it)
		} else {
			plans = append(plans, it)
		}
	}
	for _, f := range s.v.Alerts() {
		it := s.row(view.Plans, "Alert", f)
		it.Tone = view.Warn
		if alertKinds[it.Detail] {
			it.Detail = ""
		}
		if resuscitation(f) {
			resus = append(resus, it)
		} else {
			alerts = append(alerts, it)
		}
	}
	if s.v.PlanExists { // to a role that may know no more (G12)
		alerts = append(alerts, view.Item{Ref: "CarePlan/exists", Section: view.Plans, Kind: "Alert", Title: "A care plan exists", Detail: "its content is for the clinical advisor: pass the call on", Tone: view.Warn})
	}
	s.decisions(resus)
	p.Add("Resuscitation and treatment escalation", resus)
	p.Add("Alerts", alerts)
	p.Add("Care plans", plans)
	p.Add("Past plans", past)
	return p
}

// decisions says of each decision about resuscitation that another source has one in
// force, too: which of them holds is for who reads them, and never passed over (G24).
func (s *sheet) decisions(resus []view.Item) {
	for i := range resus {
		var others []string
		for j := range resus {
			if i == j || len(resus[i].Sources) == 0 || len(resus[j].Sources) == 0 || resus[i].Sources[0] == resus[j].Sources[0] {
				continue
			}
			others = append(others, resus[j].Sources[0]+" has “"+resus[j].Title+"”, "+orUndated(s.date(resus[j].When)))
		}
		if len(others) > 0 {
			resus[i].Conflict = strings.Join(others, "; ") + ". Each is in force where it was written: read them all."
		}
	}
}

func orUndated(date string) string { return cmp.Or(date, "without a date") }

// alertKinds are the codes of a Flag's category: they say nothing that its words
// do not. https://hl7.org/fhir/R4/valueset-flag-category.html
var alertKinds = map[string]bool{"diet": true, "drug": true, "lab": true, "admin": true, "contact": true, "clinical": true, "behavioral": true, "research": true,
	"advance-directive": true, "safety": true}

// resuscitation says whether a plan or an alert speaks of it: DNACPR, ReSPECT,
// an advance decision.
func resuscitation(f record.Fact) bool {
	r := f.Lead().Res
	w := strings.ToLower(f.Title + " " + record.Words(r.Get("category")) + " " + record.Words(r.Get("type")) + " " + record.Words(r.Get("code")))
	for _, sign := range []string{"respect", "resuscitat", "dnacpr", "dnar", "advance decision", "treatment escalation"} {
		if strings.Contains(w, sign) {
			return true
		}
	}
	return false
}

func activities(r *fhir.Resource) string {
	var out []string
	for _, a := range r.Root().List("activity") {
		if w := dots(record.Words(a.Get("detail", "code")), a.Get("detail", "description").Text()); w != "" {
			out = append(out, strings.TrimSuffix(w, "."))
		}
	}
	return strings.Join(out, "; ")
}

func (s *sheet) referrals() view.Part {
	p := view.Part{Section: view.Referrals, Title: "Referrals and appointments", Empty: "Referrals, requests and appointments would be here." + noneSent}
	var coming, booked, open, past []view.Item
	for _, f := range s.v.Appointments() {
		it := s.row(view.Referrals, "Appointment", f)
		it.Detail = dots(s.with(f.Lead().Res), f.Extra, f.Detail)
		it.Status = words(f.Status)
		switch f.Status {
		case "noshow":
			it.Status, it.Tone = "did not attend", view.Warn
			booked = append(booked, it)
		case "cancelled", "fulfilled":
			it.Tone = view.Past
			booked = append(booked, it)
		default:
			if !it.When.IsZero() && it.When.At.Before(s.now.Add(-12*time.Hour)) {
				it.Status, it.Tone = dots(it.Status, "past"), view.Past
				booked = append(booked, it)
				continue
			}
			coming = append(coming, it)
		}
	}
	slices.Reverse(coming) // the next one first
	for _, f := range s.v.Referrals() {
		it := s.row(view.Referrals, "Referral", f)
		to := f.Extra
		if to != "" {
			to = "to " + to
		}
		it.Detail = dots(to, f.Detail)
		switch f.Status {
		case "completed", "revoked", "stopped", "cancelled", "rejected":
			it.Status, it.Tone = words(f.Status), view.Past
			past = append(past, it)
			continue
		}
		if pr := f.Lead().Res.Get("priority").Text(); pr != "" && pr != "routine" {
			it.Status, it.Tone = pr, view.Warn
		}
		open = append(open, it)
	}
	p.Add("Appointments", coming)
	p.Add("Referrals and requests", open)
	p.Add("Past appointments", booked)
	p.Add("Past referrals", past)
	return p
}

// with is whom an appointment is with.
func (s *sheet) with(r *fhir.Resource) string {
	var out []string
	for _, p := range r.Root().List("participant") {
		if a := p.Get("actor"); a.Get("display").Exists() && !strings.HasPrefix(a.Get("reference").Text(), "Patient/") {
			out = append(out, s.place(a.Get("display").Text()))
		}
	}
	return strings.Join(out, ", ")
}
