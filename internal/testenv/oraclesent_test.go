package testenv

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"selda/ingest"
	"selda/internal/oracle"
	"selda/nhs"
)

// This file tells the system, and the oracle, what was sent and decided.

// practice has the practice decide what it decides: who acts, who can decide, that a
// death is stated wrongly. The oracle is told of what was taken.
func (x *examined) practice(j *judged, w *oracle.World, citizen string) {
	o := &outside{T: x.T, Env: x.env, citizen: citizen}
	for user, as := range j.acting {
		o.helper(user, "Eve")
		form := []string{}
		until := time.Time{}
		if j.whole {
			form = append(form, "whole", "yes")
		}
		if as == "deputy" || j.ends {
			day := o.Now().AddDate(0, 3, 0).Format(time.DateOnly)
			form = append(form, "until", day)
			until, _ = time.Parse(time.DateOnly, day)
		}
		if status, _ := o.lets(user, as, form...); status == http.StatusOK {
			w.Acting = append(w.Acting, oracle.Acting{User: user, As: as, Whole: j.whole, At: o.Now(), Until: until})
		}
	}
	if j.assessed != "" {
		review := o.Now().AddDate(0, 0, 20)
		form := url.Values{"assess": {j.assessed}, "about": {"talked with them"}, "review": {review.Format(time.DateOnly)}}
		if status, page := o.posts("gp", "/record/"+citizen+"/people", form.Encode()); status == http.StatusOK && strings.Contains(page, "Saved.") {
			day, _ := time.Parse(time.DateOnly, review.Format(time.DateOnly))
			w.Assessed = append(w.Assessed, oracle.Assessed{Able: j.assessed == "able", At: o.Now(), Review: day})
		}
	}
	if j.refuted {
		if status, page := o.posts("gp", "/record/"+citizen+"/death", "by="+string(j.sources[0])+"&reason=seen+today"); status == http.StatusOK && strings.Contains(page, "Saved.") {
			w.Refuted = append(w.Refuted, oracle.Refuted{Source: string(j.sources[0]), At: o.Now()})
		}
	}
}

// sendTogether sends what each source says in one message of its own.
func (x *examined) sendTogether(w *oracle.World, list []word) {
	x.Helper()
	for _, source := range judgedSources {
		var entries []string
		x.messages++
		for _, s := range list {
			if s.source == source && s.typ != "Patient" {
				entries = append(entries, `{"request":{"method":"PUT","url":"`+s.typ+`/`+s.id+`"},"resource":`+string(fhirBytes(s))+`}`)
				v := sent(s, len(w.Sent), x.env.Now())
				v.Message = x.messages
				w.Sent = append(w.Sent, v)
			}
		}
		if len(entries) == 0 {
			continue
		}
		r, err := x.env.Region.Ingest.Submit(x.ctx, raw(source, "POST", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`, ""))
		x.must(err)
		out, err := r.Committed(x.ctx)
		x.must(err)
		x.must(out.Err)
	}
}

// send sends what sources say, and tells the oracle.
func (x *examined) send(w *oracle.World, list []word) {
	x.Helper()
	var waiting []*ingest.Receipt
	for _, s := range list {
		call, body, about := "PUT "+s.typ+"/"+s.id, string(fhirBytes(s)), ""
		if s.body == nil {
			call = "DELETE " + s.typ + "/" + s.id
		}
		if s.source == "SELDA:ME" {
			n, err := nhs.ParseNumber(w.Number)
			x.must(err)
			about, err = x.env.Region.Access.ByNumber(x.ctx, n)
			x.must(err)
		}
		r, err := x.env.Region.Ingest.Submit(x.ctx, raw(s.source, call, body, about))
		x.must(err)
		waiting = append(waiting, r)
		w.Sent = append(w.Sent, sent(s, len(w.Sent), x.env.Now()))
	}
	for i, r := range waiting {
		out, err := r.Committed(x.ctx)
		x.must(err)
		if out.Err != nil {
			x.Fatalf("%v: %s", out.Err, fhirBytes(list[i]))
		}
	}
}
