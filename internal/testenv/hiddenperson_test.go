package testenv

import (
	"fmt"
	"net/http"
	"time"

	"pgregory.net/rapid"

	"selda/auth"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
)

// person is who the citizen of a drawn record is: of which age, whether they die,
// whether one source's identity is severed from theirs (G14), who acts for them.
type person struct {
	born    string
	dead    int  // the source that states a death; -1: none
	wrong   bool // which the practice finds to be wrong
	severed int  // the source whose identity of them is severed; -1: none
	acts    string
	shows   bool // a parent is decided to see all
	member  bool // of a team of the reader's organisation
	// restricted is what the person has the use of stopped; nil: nothing.
	restricted *policy.Restraint
}

// drawPerson draws who the citizen is.
func (h *hidden) drawPerson(t *rapid.T, w *written) {
	w.born, w.dead, w.severed = pick(t, []string{"1951-11-05", "1951-11-05", "1951-11-05", "1990-02-03", "2021-03-03", "2014-06-01", "2012-12-20", "2009-09-09"}, "born"), -1, -1
	if oneIn(t, 8, "dies") || w.reader == "examiner" {
		w.dead, w.wrong = pick(t, []int{0, 1, 3}, "who says so"), oneIn(t, 3, "wrongly")
	}
	if oneIn(t, 10, "severed") && w.reader != "system" { // to who sent both they are both its own
		w.severed = pick(t, []int{0, 1, 3}, "from whom")
	}
	if w.reader == "helper" {
		w.acts = "own-wish"
		switch {
		case w.born > "2010-11":
			w.acts, w.shows = "parental-responsibility", rapid.Bool().Draw(t, "shows all")
		case rapid.Bool().Draw(t, "attorney"):
			w.acts = "attorney"
		}
	}
	w.member = rapid.Bool().Draw(t, "of the team")
	w.whole = oneIn(t, 3, "in one message")
	if oneIn(t, 5, "restricted") && w.reader != "system" {
		w.restricted = &policy.Restraint{}
		if oneIn(t, 3, "all of a source") {
			w.restricted.Source = pick(t, hiddenSources, "whose")
		} else {
			x := pick(t, w.pieces, "which")
			w.restricted.Items = []policy.Item{{Type: x.typ, ID: x.id}}
		}
	}
	if oneIn(t, 3, "follows") {
		topics := []string{"patient", "consent"}
		for _, x := range w.pieces { // of what there is to tell of
			if topic := map[string]string{"Observation": "result", "DocumentReference": "document", "MedicationRequest": "medication", "Encounter": "encounter", "ServiceRequest": "referral"}[x.typ]; topic != "" && x.late {
				topics = append(topics, topic, topic, topic)
			}
		}
		w.follows = pick(t, topics, "topic")
	}
}

// prepare makes in one region what all records of the test stand on.
func (h *hidden) prepare(e int) {
	h.submit(e, []*ingest.Raw{raw("RJZ:PAS", "PUT Organization/drawn-rjz", `{"resourceType":"Organization","id":"drawn-rjz","identifier":[{"system":"`+nhs.ODSSystem+`","value":"RJZ"}],"name":"A hospital"}`, "")})
	h.must(h.env[e].Region.Auth.Accounts.Put(auth.Account{User: "examiner", Name: "Examiner", Role: nhs.MedicalExaminer, Organisation: "RJZ"}))
}

// begin makes the citizen in one region, known to every source.
func (h *hidden) begin(e int, w *written) {
	var list []*ingest.Raw
	for i := range hiddenSources {
		list = append(list, w.patient(i, ""))
	}
	if w.reader == "system" {
		list = append(list, raw("RJ1:API", "PUT Group/"+w.key+"-g", `{"resourceType":"Group","id":"`+w.key+`-g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/`+w.key+`-0"}}]}`, ""))
	}
	h.submit(e, list)
	var err error
	w.citizen[e], err = h.env[e].Region.Access.ByNumber(h.Context(), w.number)
	h.must(err)
	switch accounts := h.env[e].Region.Auth.Accounts; w.reader {
	case "citizen":
		h.must(accounts.Put(auth.Account{User: w.user(), Name: "Ada Hidden", Role: nhs.Citizen, NHSNumber: w.number}))
	case "helper":
		h.must(accounts.Put(auth.Account{User: w.user(), Name: "Eve Helper", Role: nhs.Proxy}))
	default:
		if a, known := accounts.Find(w.reader); known && a.Organisation != "" && a.Role != nhs.SourceSystem {
			a.Teams = nil
			if w.member {
				a.Teams = []string{"Psychology"}
			}
			h.must(accounts.Put(a))
		}
	}
}

// patient is what a source says of who the citizen is.
func (w *written) patient(source int, more string) *ingest.Raw {
	id := fmt.Sprintf("%s-%d", w.key, source)
	return raw(hiddenSources[source], "PUT Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+w.number.Digits()+`"}],"name":[{"family":"`+w.family()+`","given":["Ada"]}],"birthDate":"`+w.born+`"`+more+`}`, "")
}

func (w *written) user() string {
	switch w.reader {
	case "citizen", "helper":
		return w.reader + "-" + w.key
	}
	return w.reader
}

// parts severs the identity that one source has of the citizen.
func (h *hidden) parts(e int, w *written) {
	if w.severed >= 0 {
		_, err := h.env[e].Region.Sever(h.Context(), operatorSubject(), fmt.Sprintf("%s-%d", w.key, w.severed))
		h.must(err)
	}
}

// decided is what the practice decides, in both regions alike: who acts for the
// citizen, and whether they can decide for themselves.
func (h *hidden) decided(e int, w *written) {
	o := &outside{T: h.T, Env: h.env[e], citizen: w.citizen[e]}
	young := w.born > "2010-11" // under 16
	switch {
	case w.reader == "citizen" && young:
		o.assesses("able", o.Now().AddDate(0, 6, 0))
	case w.acts == "attorney":
		o.assesses("lacking", o.Now().AddDate(0, 6, 0))
	}
	if w.acts != "" {
		form := []string{"until", o.Now().AddDate(1, 0, 0).Format(time.DateOnly)}
		if w.shows {
			form = append(form, "whole", "yes")
		}
		if status, page := o.lets(w.user(), w.acts, form...); status != http.StatusOK {
			h.Fatal(w.acts, status, page)
		}
	}
}

// restricts has the use of something stopped in one region, as a case does.
func (h *hidden) restricts(e int, w *written) {
	if w.restricted == nil {
		return
	}
	w.restricted.From = h.env[e].Now().Add(-time.Minute)
	o := rights.BuildRestraint(&rights.Case{ID: w.key}, *w.restricted, w.number)
	h.submit(e, []*ingest.Raw{raw(rights.Source, "PUT Basic/"+rights.RestraintID(w.key), string(fhir.Marshal(o)), w.citizen[e])})
}

// claim has the reader state a relationship, in both regions alike.
func (h *hidden) claim(e int, w *written) {
	s := h.subject(e, w)
	s.Scopes = nil // stated before an application is asked
	must := h.must
	if w.purpose != "" {
		must = func(error) {} // a purpose may leave nothing to state
	}
	switch {
	case w.reader == "citizen" || w.reader == "helper" || w.reader == "system" || w.claim == "nothing":
	case w.reader == "examiner":
		_ = h.env[e].Region.Access.Declare(h.Context(), s, w.citizen[e], "case") // of the dead, once they are
	case w.claim == "break-glass" && s.Role.Clinician():
		must(h.env[e].Region.Access.BreakGlass(h.Context(), s, w.citizen[e], "emergency"))
	default:
		must(h.env[e].Region.Access.Declare(h.Context(), s, w.citizen[e], ""))
	}
}

// dies has a source state a death, and the practice find that it is wrong.
func (h *hidden) dies(e int, w *written) {
	if w.dead < 0 {
		return
	}
	h.submit(e, []*ingest.Raw{w.patient(w.dead, `,"deceasedDateTime":"`+h.env[e].Now().Format(time.DateOnly)+`"`)})
	if w.wrong && w.dead != w.severed {
		o := &outside{T: h.T, Env: h.env[e], citizen: w.citizen[e]}
		if status, page := o.posts("reception", "/record/"+w.citizen[e]+"/death", "by="+string(hiddenSources[w.dead])+"&reason=seen+today"); status != http.StatusOK {
			h.Fatal(status, page)
		}
	}
	if w.reader == "examiner" {
		h.claim(e, w)
	}
}
