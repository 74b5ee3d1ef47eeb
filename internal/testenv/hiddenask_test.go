package testenv

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// ask makes requests of every kind in both regions: some of each, so that many
// records are asked for in the time that there is.
func (h *hidden) ask(t *rapid.T, w *written) {
	one := func(n int) bool { return oneIn(t, 2*n, "asked") }
	if w.reader == "citizen" {
		for _, p := range []string{"/me", "/me/record", "/me/medicines", "/me/results", "/me/letters", "/me/plans", "/me/people", "/me/sharing", "/me/looked"} {
			if one(2) {
				h.same(t, w, "GET", p, "")
			}
		}
	}
	if w.reader == "helper" {
		for _, p := range []string{"", "/record", "/medicines", "/results", "/letters", "/plans", "/people", "/sharing", "/looked"} {
			if one(2) {
				h.same(t, w, "GET", "/for/{citizen}"+p, "")
			}
		}
	}
	items := map[string]bool{}
	for _, x := range w.pieces {
		items[x.typ+"/"+x.id] = true
	}
	var refs, ids []string
	for ref := range items {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	if w.reader == "citizen" {
		item := pick(t, refs, "of one item")
		for _, choice := range []string{"choice=object", "choice=share", "choice=kind&kind=results&kind=problems", "choice=kind&kind=medications&kind=procedures&kind=documents&organisation=RJZ&emergency=no", "choice=organisation&organisation=RJZ", "choice=item&item=" + item} {
			// What it would change, before it is saved.
			h.with(t, w, "POST", "/me/sharing", choice+"&details=yes", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		}
		h.same(t, w, "GET", "/me/sharing/item/"+item, "")
	}
	who := "patient={citizen}"
	if w.reader == "system" {
		who = "patient=" + w.key + "-0"
	}
	for _, ref := range refs {
		typ, id, _ := strings.Cut(ref, "/")
		ids = append(ids, id)
		h.same(t, w, "GET", "/fhir/"+ref, "")
		h.same(t, w, "GET", "/fhir/"+ref+"/_history", "")
		for _, q := range []string{"HEAD /fhir/" + ref, "GET /fhir/" + ref + "?_format=xml", "GET /fhir/" + typ + "?" + who + "&_id=" + id, "GET /fhir/" + typ + "?_id=" + id, "GET /fhir/" + ref + "/_history/99",
			"GET /record/{citizen}/origin/" + ref, "GET /record/{citizen}/file/" + ref + "?at=content[0].attachment", "GET /me/file/" + ref + "?at=content[0].attachment",
			"PUT /fhir/" + ref, "DELETE /fhir/" + ref} {
			method, path, _ := strings.Cut(q, " ")
			if write := method == "PUT" || method == "DELETE"; write && w.reader == "system" || !one(4) {
				continue // to a system it is its own id, or one that is not free
			}
			h.same(t, w, method, path, "")
		}
	}
	for _, typ := range hiddenTypes {
		base := "/fhir/" + typ + "?" + who
		for _, more := range []string{"", "&_count=0", "&_sort=-date", "&_sort=_lastUpdated", "&code=271649006", "&code=http://snomed.info/sct|91936005,44054006", "&status=final", "&clinical-status=active",
			"&date=ge2026-10-15", "&date=lt2026-10-15", "&_lastUpdated=gt2026-11-05", "&identifier=urn:x|271649006" + w.key, "&category=laboratory", "&_total=accurate", "&_summary=count",
			"&_include=*", "&_has:Provenance:target:agent=1", "&_id=" + strings.Join(ids, ","), "&_revinclude=*", "&_include=" + typ + ":*&_include:iterate=*", "&_revinclude=Provenance:target&_count=1",
			"&_content=diabetes", "&_text=x", "&_filter=" + url.QueryEscape("_lastUpdated ge 2026-01-01 and not (code eq 271649006)"), "&code:not=271649006", "&code:text=pressure", "&code:missing=true", "&_security:not=R",
			"&_tag=x", "&_security=hiv-sti,STD,R,safeguarding,fertility", "&_security:not=hiv-sti&_total=accurate", "&_sort=code,-_lastUpdated", "&_summary=true", "&_elements=code", "&_has:Observation:has-member:status=final", "&encounter.status=finished", "&encounter:missing=false", "&subject.name=ada",
			"&_list=" + w.key + "-l", "&value-quantity=gt1", "&_total=none&_count=1"} {
			if one(16) {
				h.same(t, w, "GET", base+more, "")
			}
		}
		if one(4) {
			h.pages(t, w, base+"&_count=1")
		}
	}
	for _, p := range []string{"/fhir/Patient/{citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient/{citizen}/_history", "/fhir/Patient/" + w.key + "-0", "/fhir/Patient/" + w.key + "-1/_history",
		"/fhir/Patient?identifier=" + w.number.Digits(), "/fhir/Patient?family=" + w.family(), "/fhir/Patient?_id={citizen}", "/fhir/Consent?patient={citizen}", "/fhir/Patient?name=ada&birthdate=" + w.born + "&family=" + w.family(),
		"/fhir/Patient/{citizen}/Observation?_sort=code", "/fhir/Patient/{citizen}/*", "/fhir/Patient/" + w.key + "-0/Condition", "/fhir/Observation/$lastn?" + who, "/fhir/Observation/$lastn?" + who + "&max=3",
		"/fhir/Patient?_id={citizen}&_revinclude=Observation:patient&_revinclude=Condition:subject", "/fhir/Patient?_id={citizen}&_has:Observation:patient:code=271649006", "/fhir/Patient?_id={citizen}&_has:Condition:patient:_has:Provenance:target:agent=1",
		"/fhir/Observation?patient.identifier=" + w.number.Digits(), "/fhir/Condition?subject:identifier=" + w.number.Digits(), "/fhir/Patient?_tag=https://selda.example/tags|source&_id={citizen}", "/fhir/Patient/{citizen}/$meta",
		"/fhir?_type=Observation,Condition,DocumentReference&" + who, "/fhir/Patient/{citizen}/$everything?_type=Observation&_count=1", "/fhir/Patient/{citizen}/$everything?start=2026-10-15",
		"/fhir/Provenance?patient={citizen}", "/fhir/AuditEvent?patient={citizen}",
		"/fhir/Observation?patient={citizen},nobody," + w.key + "-1", "/fhir/Condition?patient=nobody,{citizen}&_sort=code&_count=1",
		"/fhir/Observation?patient=" + w.key + "-0," + w.key + "-1&_total=none", "/fhir/Observation?patient.family=" + w.family() + "&patient._has:Condition:patient:code=44054006", "/fhir/Procedure?patient={citizen}," + w.key + "-2&_revinclude=*",
		"/record/{citizen}/emergency", "/feeds", "/privacy"} {
		if one(3) {
			h.same(t, w, "GET", p, "")
		}
	}
	h.caseload(t, w, one)
	h.same(t, w, "GET", "/record/{citizen}", "")
	for _, section := range []string{"problems", "medicines", "allergies", "results", "observations", "immunisations", "procedures", "documents", "plans", "referrals", "social-care", "encounters", "timeline", "care-team", "other"} {
		if one(5) {
			h.same(t, w, "GET", "/record/{citizen}/"+section, "")
		}
	}
	var gets, links []string
	for _, ref := range refs {
		links = append(links, `{"reference":"`+ref+`"}`)
		typ, _, _ := strings.Cut(ref, "/")
		for _, q := range []string{ref + "/$meta", ref + "/$validate", ref + "/$document", "Encounter/" + strings.TrimPrefix(ref, typ+"/") + "/$everything", "Encounter/" + strings.TrimPrefix(ref, typ+"/") + "/Observation", ref + "?_summary=text", typ + "?" + who + "&_has:Provenance:target:recorded=gt2020&_revinclude=Provenance:target"} {
			if one(10) {
				h.same(t, w, "GET", "/fhir/"+q, "")
			}
		}
		gets = append(gets, `{"request":{"method":"GET","url":"`+ref+`"}}`, `{"request":{"method":"GET","url":"`+strings.SplitN(ref, "/", 2)[0]+`?`+who+`&_count=0"}}`)
	}
	h.same(t, w, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[`+strings.Join(gets, ",")+`]}`)
	h.same(t, w, "POST", "/fhir/Basic/$validate", `{"resourceType":"Basic","code":{"text":"x"},"extension":[{"url":"http://x.example/e","valueReference":`+strings.Join(links, `},{"url":"http://x.example/e","valueReference":`)+`}]}`)
	h.same(t, w, "POST", "/search", "q="+url.QueryEscape(w.number.Digits()))
	h.same(t, w, "POST", "/fhir/Observation/_search", who)
	patient := strings.TrimPrefix(who, "patient=")
	all := `{ id ObservationList(_reference: patient, _count: 1000) { id status code { text } subject { resource(optional: true) { ...on Patient { id birthDate } } } } ConditionConnection(_reference: patient) { count next edges { resource { id } } } }`
	h.same(t, w, "GET", "/fhir/Patient/"+patient+"/$graphql?query="+url.QueryEscape(all), "")
	h.same(t, w, "POST", "/fhir/$graphql", `{"query":"{ DiagnosticReportList(patient: \"`+patient+`\") { id conclusion } Patient(id: \"`+patient+`\") { id } }"}`)
	h.same(t, w, "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+w.number.Digits()+`"}],"birthDate":"`+w.born+`"}}]}`)
	h.wider(t, w, one, refs)
	h.parameters(t, w)
	h.following(t, w)
	h.exported(t, w, "GET", "/fhir/Patient/$export", "")
	if w.reader == "system" {
		h.exported(t, w, "GET", "/fhir/Group/"+w.key+"-g/$export", "")
		h.same(t, w, "GET", "/fhir/Group/"+w.key+"-g/$everything", "")
	}
	h.routes(t, w, refs)
}

// caseload asks searches that name nobody, of what only this citizen has. An
// emergency opens no search of a caseload: who looks in one sees less in it than
// elsewhere, and the other region has what is seen elsewhere.
func (h *hidden) caseload(t *rapid.T, w *written, one func(int) bool) {
	if w.claim == "break-glass" && h.subject(0, w).Role.Clinician() {
		return
	}
	code := "identifier=urn:x|271649006" + w.key
	for _, p := range []string{"/fhir/Observation?code=271649006&" + code, "/fhir/Condition?identifier=urn:x|44054006" + w.key, "/fhir/Observation?value-quantity=gt1&" + code, "/fhir/Patient?_has:Observation:patient:" + code,
		"/fhir/Patient?_has:Condition:patient:identifier=urn:x|44054006" + w.key + "&gender:missing=true", "/fhir/Condition?identifier=urn:x|44054006" + w.key + "&_include=*&_count=1", "/fhir/DiagnosticReport?" + code + "&_summary=count",
		"/fhir/Observation?" + code + "&encounter.status=finished", "/fhir/Condition?_revinclude=*&" + code, "/fhir?_type=Observation,Condition&" + code,
		"/fhir/_history?_since=" + w.began, "/fhir/Observation/_history?_since=" + w.began, "/fhir/Condition/_history?_count=1&_since=" + w.began, "/fhir/Patient/_history?_since=" + w.began} {
		if one(3) {
			h.same(t, w, "GET", p, "")
		}
	}
	if one(3) {
		h.pages(t, w, "/fhir/Observation?_count=1&"+code)
	}
}
