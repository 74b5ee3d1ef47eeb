package auth

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file is the screens on which a person decides: for whose record, what the
// application may do there, and whether at all.

// pending is the request of a page, for the one whose it is.
func (a *Auth) pending(w http.ResponseWriter, r *http.Request) (id string, q asked, client app.App, s policy.Subject, ok bool) {
	w.Header().Set("Cache-Control", "no-store")
	id = r.PathValue("request")
	s, err := a.sessionSubject(r)
	if err != nil {
		http.Redirect(w, r, LoginURL(r), http.StatusSeeOther)
		return id, q, client, s, false
	}
	b, there, err := a.passing.Get(passingAsked, id)
	if err == nil && there {
		err = json.Unmarshal(b, &q)
	}
	if err != nil || !there || q.User != s.User {
		a.notConnected(w, http.StatusNotFound, "The request has ended: it waits 15 minutes, and is decided on once. Open the application again.")
		return id, q, client, s, false
	}
	client, err = a.Apps.Find(q.App)
	if err != nil || !client.Usable(time.Now()) || !serves(&client, s.Role) || !slices.Contains(client.RedirectURIs, q.Redirect) {
		a.notConnected(w, http.StatusForbidden, "The application can't be used any more.")
		return id, q, client, s, false
	}
	return id, q, client, s, true
}

// connect shows what has to be decided next.
func (a *Auth) connect(w http.ResponseWriter, r *http.Request) {
	id, q, client, s, ok := a.pending(w, r)
	if !ok {
		return
	}
	if !q.needsPatient() || q.Patient != "" {
		a.askConsent(w, r, id, q, client, s, "")
		return
	}
	p := connectPage{Title: "Whose record?", App: client.Name, Action: connectPath + id, Redirect: q.Redirect}
	if a.conf.Patients == nil {
		a.notConnected(w, http.StatusServiceUnavailable, "Nobody's record can be chosen here.")
		return
	}
	if s.Role != nhs.Citizen && s.Role != nhs.Proxy {
		p.Search = true
		a.page(w, http.StatusOK, p)
		return
	}
	own, err := a.conf.Patients.Own(r.Context(), s)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		a.notConnected(w, http.StatusServiceUnavailable, "This does not work at the moment. Try again in a minute.")
	case len(own) == 0:
		a.notConnected(w, http.StatusNotFound, "There is no record for this account yet.")
	case len(own) == 1:
		a.chooses(w, r, id, q, client, s, own[0].ID)
	default:
		p.Patients = own
		a.page(w, http.StatusOK, p)
	}
}

// chooses takes the patient of a request, where the record is the person's to open.
func (a *Auth) chooses(w http.ResponseWriter, r *http.Request, id string, q asked, client app.App, s policy.Subject, patient string) {
	if a.conf.Patients == nil {
		a.notConnected(w, http.StatusServiceUnavailable, "Nobody's record can be chosen here.")
		return
	}
	if _, err := a.conf.Patients.Open(r.Context(), s, patient); err != nil {
		a.notConnected(w, http.StatusForbidden, "You can't open that record, so the application can't. If the patient is in front of you, say so at their record first.")
		return
	}
	q.Patient = patient
	if _, err := a.keepAsked(id, q); err != nil {
		a.notConnected(w, http.StatusServiceUnavailable, "This does not work at the moment. Try again in a minute.")
		return
	}
	http.Redirect(w, r, connectPath+id, http.StatusSeeOther)
}

// askConsent shows who asks for what, for whom and for how long.
func (a *Auth) askConsent(w http.ResponseWriter, r *http.Request, id string, q asked, client app.App, s policy.Subject, problem string) {
	now := time.Now()
	citizen := s.Role == nhs.Citizen || s.Role == nhs.Proxy
	p := connectPage{Title: "Connect " + client.Name + "?", App: client.Name, Owner: client.Owner, Contact: client.Contact, About: client.About, Action: connectPath + id, Redirect: q.Redirect,
		Consent: true, Citizen: citizen, Error: problem, Until: until(&client, q.Scopes, now).Format("2 January 2006"), Keeps: has(q.Scopes, "offline_access"), Online: has(q.Scopes, "online_access"), Self: s.Name}
	if len(policy.Purposes(s.Role)) > 1 {
		p.For = provider.Sentence(nhs.Purpose(q.Purpose).Title())
	}
	if q.Patient != "" && a.conf.Patients != nil {
		patient, err := a.conf.Patients.Open(r.Context(), s, q.Patient)
		if err != nil {
			a.notConnected(w, http.StatusForbidden, "You can't open that record, so the application can't.")
			return
		}
		p.Patient = &patient
	}
	for _, x := range resources(q.Scopes) {
		p.Scopes = append(p.Scopes, scopeRow{Value: x.String(), Words: scopeWords(x, citizen)})
	}
	p.Name = has(q.Scopes, "profile") || has(q.Scopes, "fhirUser") || has(q.Scopes, "openid")
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	a.page(w, status, p)
}

// decide takes what the person has done on a screen.
func (a *Auth) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		a.notConnected(w, http.StatusBadRequest, "The form did not arrive whole.")
		return
	}
	id, q, client, s, ok := a.pending(w, r)
	if !ok {
		return
	}
	base, err := a.base(r)
	if err != nil {
		a.say(w, http.StatusMisdirectedRequest, "Use another address", fault.Reason(err)+".")
		return
	}
	switch r.PostForm.Get("do") {
	case "find":
		a.find(w, r, id, q, client, s)
	case "patient":
		if q.Launched {
			a.notConnected(w, http.StatusForbidden, "The application was opened at one record.")
			return
		}
		a.chooses(w, r, id, q, client, s, r.PostForm.Get("patient"))
	case "refuse":
		_, _, _ = a.passing.End(passingAsked, id, askedFor)
		_ = a.record(r.Context(), Event{Kind: AppDeclined, Time: time.Now(), Subject: s, App: client.ID, Citizen: q.Patient, Reason: "the person declined"})
		a.tellApp(w, r, q.Redirect, q.State, base, oauthError{"access_denied", "the person declined"})
	case "allow":
		a.allow(w, r, id, q, client, s, base)
	default:
		a.connect(w, r)
	}
}

// find looks for a professional's patient.
func (a *Auth) find(w http.ResponseWriter, r *http.Request, id string, q asked, client app.App, s policy.Subject) {
	p := connectPage{Title: "Whose record?", App: client.Name, Action: connectPath + id, Redirect: q.Redirect, Search: true, Looked: true, Text: r.PostForm.Get("text")}
	if a.conf.Patients == nil || q.Launched {
		a.notConnected(w, http.StatusForbidden, "Nobody else's record can be chosen here.")
		return
	}
	found, err := a.conf.Patients.Find(r.Context(), s, p.Text)
	switch {
	case fault.Is(err, fault.NoStore), fault.Is(err, fault.Transient):
		a.notConnected(w, http.StatusServiceUnavailable, "This does not work at the moment. Try again in a minute.")
		return
	case err != nil:
		p.Error = "Enter an NHS number, or a name and a date of birth"
	}
	p.Patients = found
	a.page(w, http.StatusOK, p)
}

// allow makes the code, for what the person left ticked.
func (a *Auth) allow(w http.ResponseWriter, r *http.Request, id string, q asked, client app.App, s policy.Subject, base string) {
	if q.needsPatient() && q.Patient == "" {
		a.connect(w, r)
		return
	}
	asksForRecords := len(resources(q.Scopes)) > 0
	ticked := policy.Narrowed(resources(r.PostForm["scope"]), resources(q.Scopes))
	if asksForRecords && len(ticked) == 0 {
		a.askConsent(w, r, id, q, client, s, "Leave at least one thing ticked, or choose not to connect")
		return
	}
	var granted []string
	for _, x := range q.Scopes {
		_, isResource := policy.ParseScope(x)
		if stays := x != "offline_access" || r.PostForm.Get("keep") == "yes"; !isResource && stays {
			granted = append(granted, x)
		}
	}
	granted = append(granted, words(ticked)...)
	if q.Patient != "" && a.conf.Patients != nil {
		if _, err := a.conf.Patients.Open(r.Context(), s, q.Patient); err != nil {
			a.notConnected(w, http.StatusForbidden, "You can't open that record, so the application can't.")
			return
		}
	}
	if _, first, err := a.passing.End(passingAsked, id, askedFor); err != nil || !first {
		a.notConnected(w, http.StatusConflict, "This was decided on already. Open the application again.")
		return
	}
	// The trail has it before the application has anything.
	if err := a.record(r.Context(), Event{Kind: AppConnected, Time: time.Now(), Subject: s, App: client.ID, Citizen: q.Patient, Address: a.conf.Address(r), Reason: joined(granted)}); err != nil {
		a.notConnected(w, http.StatusServiceUnavailable, "What can't be recorded is not done. Try again in a minute.")
		return
	}
	q.Scopes, q.At = granted, time.Now()
	b, err := json.Marshal(q)
	code := rand.Text()
	if err == nil {
		err = a.passing.Put(passingAppCode, code, b, q.At.Add(codeFor))
	}
	if err != nil {
		a.tellApp(w, r, q.Redirect, q.State, base, oauthError{"temporarily_unavailable", ""})
		return
	}
	http.Redirect(w, r, provider.AddQuery(q.Redirect, "code", code, "state", q.State, "iss", provider.Issuer(base)), http.StatusSeeOther)
}
