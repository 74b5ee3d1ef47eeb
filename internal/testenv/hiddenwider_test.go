package testenv

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"pgregory.net/rapid"
)

var pageToken = regexp.MustCompile(`_page=([A-Za-z0-9_-]+)`)

// sealed asks for nothing: it looks at what a cursor tells. Where both regions have
// one, they are of one length and share no beginning, which would be what they were
// made from.
func (h *hidden) sealed(t *rapid.T, w *written, path string, next [2]string) {
	var tokens []string
	for _, n := range next {
		if m := pageToken.FindStringSubmatch(n); m != nil {
			tokens = append(tokens, m[1])
		}
	}
	if len(tokens) == 0 {
		return
	}
	if len(tokens) != 2 || len(tokens[0]) != len(tokens[1]) {
		t.Fatalf("%s: a cursor's length tells of what is hidden: %q", path, tokens)
	}
	for e := range h.env { // asked again, it is another: what it was made from is not in it
		if again := pageToken.FindStringSubmatch(h.asks(e, w, http.MethodGet, strings.ReplaceAll(path, "{citizen}", w.citizen[e]), "", nil).Body.String()); again != nil && again[1][:8] == tokens[e][:8] {
			t.Fatalf("%s: a cursor begins as it did before: it tells what it was made from", path)
		}
	}
}

// asks makes one request of one region as the one who asks.
func (h *hidden) asks(e int, w *written, method, path, body string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(h.Context(), method, "http://selda.example"+path, strings.NewReader(body))
	for name, v := range header {
		req.Header[name] = v
	}
	req.Header.Set("Authorization", "Bearer "+h.token(e, w))
	a := httptest.NewRecorder()
	h.handler[e].ServeHTTP(a, req)
	return a
}

// wider asks what the rest does not: by the standard's rarer parameters, with headers
// that ask for less, under conditions, and for what is wrong.
func (h *hidden) wider(t *rapid.T, w *written, one func(int) bool, refs []string) {
	who := "patient={citizen}"
	if w.reader == "system" {
		who = "patient=" + w.key + "-0"
	}
	number := "identifier=urn:x|271649006" + w.key
	for _, typ := range []string{"Observation", "Condition", "DiagnosticReport", "Procedure"} {
		for _, more := range []string{"&_include=" + typ + ":encounter&_revinclude:iterate=Observation:derived-from", "&_sort=-code&_count=2&_elements=id", "&_summary=data&_total=estimate", "&_has:DiagnosticReport:result:status=final", "&_has:DiagnosticReport:result:_has:Provenance:target:agent=1",
			"&derived-from.code=271649006", "&result.code=44054006", "&reason-reference.code=44054006", "&encounter.type=91936005", "&" + number + "&_count=1&_sort=date", "&_type=x", "&nonsense=1", "&date=wrong", "&_sort=nothing", "&_count=-1", "&_include=Wrong:what", "&code:in=urn:none", "&_id=" + strings.Join(idsOf(refs), ",") + ",nobody"} {
			if one(24) {
				h.same(t, w, "GET", "/fhir/"+typ+"?"+who+more, "")
			}
		}
	}
	for _, p := range []string{"/fhir/Patient/{citizen}/$everything?_count=2&_type=Condition,Observation", "/fhir/Patient/{citizen}/$everything?end=2026-10-15&_since=2026-01-01", "/fhir/Patient/{citizen}/_history?_count=1", "/fhir/Patient/{citizen}/Condition?code=44054006&_total=accurate", "/fhir/Patient/{citizen}/DiagnosticReport?_include=DiagnosticReport:result",
		"/fhir/Observation/$lastn?" + who + "&category=laboratory&max=2", "/fhir/Observation/$stats?" + who, "/fhir/Group?member={citizen}", "/fhir/List?" + who, "/fhir/Subscription", "/fhir/Task?" + who, "/fhir/Provenance?" + who + "&_count=1", "/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-status",
		"/record/{citizen}/timeline?page=1", "/record/{citizen}/why/" + pick(t, refs, "why"), "/record/{citizen}/results?code=271649006", "/record/{citizen}/observations?table=1"} {
		if one(5) {
			h.same(t, w, "GET", p, "")
		}
	}
	for _, p := range []string{"/fhir/Condition?encounter.status=planned&", "/fhir/Observation?derived-from.status=final,preliminary&", "/fhir/DiagnosticReport?result.status=final,preliminary&", "/fhir/Procedure?reason-reference.clinical-status=active,resolved&", "/fhir/Encounter?_has:Condition:encounter:clinical-status=active,resolved&"} {
		if one(1) { // where something shown refers to what is hidden, a chain is how it would be told
			h.same(t, w, "GET", p+who, "")
		}
	}
	if w.reader == "citizen" {
		for _, p := range []string{"/me/sharing", "/me/why/" + pick(t, refs, "why"), "/me/looked?page=1"} {
			if one(3) {
				h.same(t, w, "GET", p, "")
			}
		}
	}
	h.same(t, w, "POST", "/fhir/$graphql", followed(strings.TrimPrefix(who, "patient=")))
	for _, ref := range refs {
		if one(4) {
			h.conditional(t, w, ref)
		}
	}
	if one(2) { // reads in a transaction, those of which somebody must not know among them
		var gets []string
		for _, ref := range refs {
			gets = append(gets, `{"request":{"method":"GET","url":"`+ref+`"}}`)
		}
		h.same(t, w, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(gets, ",")+`]}`)
	}
}

// followed is a query of GraphQL that follows each reference to whatever it leads to.
func followed(patient string) string {
	to := "{ reference resource(optional: true) {"
	for _, typ := range hiddenTypes {
		to += " ...on " + typ + " { id }"
	}
	to += " } }"
	query := "{"
	for _, of := range [][2]string{{"DiagnosticReport", "result"}, {"Observation", "derivedFrom"}, {"Condition", "encounter"}, {"Procedure", "reasonReference"}, {"CarePlan", "addresses"}, {"ServiceRequest", "supportingInfo"}, {"MedicationRequest", "reasonReference"}} {
		query += fmt.Sprintf(` %sList(patient: \"%s\") { id %s %s }`, of[0], patient, of[1], to)
	}
	return `{"query":"` + query + ` }"}`
}

// suited are those of a type, which a parameter leads to; all, where there are none.
func suited(refs []string, typ string) (out []string) {
	for _, r := range refs {
		if strings.HasPrefix(r, typ+"/") {
			out = append(out, r)
		}
	}
	if typ == "" || len(out) == 0 {
		return refs
	}
	return out
}

func idsOf(refs []string) (out []string) {
	for _, r := range refs {
		_, id, _ := strings.Cut(r, "/")
		out = append(out, id)
	}
	return out
}

// conditional asks under conditions that only a hidden item may meet: of reads by
// ETag and time, and of writes.
func (h *hidden) conditional(t *rapid.T, w *written, ref string) {
	typ, id, _ := strings.Cut(ref, "/")
	headers := []http.Header{{"If-None-Match": {`W/"1"`}}, {"If-Modified-Since": {"Thu, 05 Nov 2026 12:00:00 GMT"}}, {"Accept": {"application/fhir+xml"}}, {"Prefer": {"handling=strict"}}}
	h.with(t, w, http.MethodGet, "/fhir/"+ref, "", pick(t, headers, "header"))
	where := "identifier=" + url.QueryEscape("urn:x|271649006"+w.key)
	body := fmt.Sprintf(`{"resourceType":"%s","identifier":[{"system":"urn:x","value":"271649006%s"}],"subject":{"reference":"Patient/%s-0"}}`, typ, w.key, w.key)
	if w.reader != "system" { // who may not write is told so, whatever there is
		h.with(t, w, http.MethodPost, "/fhir/"+typ, body, http.Header{"If-None-Exist": {where}})
		h.with(t, w, http.MethodPut, "/fhir/"+typ+"?"+where, body, nil)
		h.with(t, w, http.MethodDelete, "/fhir/"+typ+"?"+where, "", nil)
		h.with(t, w, http.MethodPatch, "/fhir/"+ref, `[{"op":"replace","path":"/status","value":"final"}]`, http.Header{"Content-Type": {"application/json-patch+json"}, "If-Match": {`W/"1"`}})
		return
	}
	// A system: what another one wrote is not there to be matched. That it made one
	// stays in both regions alike.
	if typ == "Condition" || typ == "Procedure" {
		made := fmt.Sprintf(`{"resourceType":"Basic","code":{"text":"x"},"identifier":[{"system":"urn:x","value":"%s"}]}`, id)
		h.with(t, w, http.MethodPost, "/fhir/Basic", made, http.Header{"If-None-Exist": {"identifier=" + url.QueryEscape("urn:x|"+id)}})
		h.with(t, w, http.MethodPost, "/fhir/Bundle/$validate", body, nil)
	}
	h.with(t, w, http.MethodDelete, "/fhir/"+typ+"?identifier="+url.QueryEscape("urn:x|nothing"+w.key), "", nil)
}

// with asks both regions with headers, and holds the answers against each other, the
// headers too.
func (h *hidden) with(t *rapid.T, w *written, method, path, body string, header http.Header) {
	var told [2]string
	h.inBoth(w, func(e int) {
		told[e] = h.plain(w, e, h.asks(e, w, method, strings.ReplaceAll(path, "{citizen}", w.citizen[e]), body, header))
	})
	h.alike(t, w, fmt.Sprint(method, " ", path, " ", header), told)
}
