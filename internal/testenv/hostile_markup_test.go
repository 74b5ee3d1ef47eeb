package testenv

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

const hostileMark = `MARKED"'><img src=x onerror=alert(1)><script>alert(2)</script></textarea></title>`

var (
	hostileTag = regexp.MustCompile(`(?i)<img src=x|<script>alert|<svg onload|<iframe|MARKED"|(?:href|src|action)\s*=\s*["']?(?:javascript|data:text)`)
	hostileOwn = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]`) // a script within the page
)

// What somebody wrote is text wherever it is shown: each page of each role, with a mark in
// every field of what sources send.
func TestHostileStoredScriptIsText(t *testing.T) {
	h := attacked(t)
	b, _ := json.Marshal(hostileMark)
	m := string(b)
	concept := `{"text":` + m + `,"coding":[{"system":"http://snomed.info/sct","code":"1","display":` + m + `}]}`
	narrative := `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>MARKED<a href=\"javascript:alert(1)\">x</a></p></div>"},`
	note := `"note":[{"text":` + m + `}],`
	h.writes("G85915:GP", "Patient", "p-g85915", `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake",`+m+`],"prefix":[`+m+`],"text":`+m+`}],"birthDate":"1951-11-05","address":[{"line":[`+m+`],"city":`+m+`,"postalCode":"SE1 1AA"}],"telecom":[{"system":"url","value":"javascript:alert(1)"},{"system":"phone","value":`+m+`}],"communication":[{"language":`+concept+`}],"maritalStatus":`+concept)
	for typ, about := range map[string]string{
		"Condition": `"code":` + concept, "AllergyIntolerance": `"code":` + concept + `,"reaction":[{"description":` + m + `,"manifestation":[` + concept + `]}]`,
		"MedicationRequest": `"status":"active","intent":"order","medicationCodeableConcept":` + concept + `,"dosageInstruction":[{"text":` + m + `}]`, "Procedure": `"status":"completed","code":` + concept,
		"Observation":       `"status":"final","code":` + concept + `,"valueString":` + m + `,"category":[{"coding":[{"code":"laboratory"}]}],"interpretation":[` + concept + `]`,
		"DocumentReference": `"status":"current","description":` + m + `,"type":` + concept + `,"content":[{"attachment":{"contentType":"text/html","title":` + m + `,"data":"` + base64.StdEncoding.EncodeToString([]byte("<script>alert(1)</script>")) + `"}},{"attachment":{"contentType":"image/svg+xml","data":"` + base64.StdEncoding.EncodeToString([]byte("<svg onload=alert(1)>")) + `"}},{"attachment":{"contentType":"text/html","url":"javascript:alert(1)"}}]`,
		"Flag":              `"status":"active","code":` + concept, "CarePlan": `"status":"active","intent":"plan","title":` + m + `,"description":` + m, "Encounter": `"status":"in-progress","class":{"code":"AMB","display":` + m + `},"type":[` + concept + `],"reasonCode":[` + concept + `]`,
		"Immunization": `"status":"completed","vaccineCode":` + concept + `,"lotNumber":` + m, "ServiceRequest": `"status":"active","intent":"order","code":` + concept, "DiagnosticReport": `"status":"final","code":` + concept + `,"conclusion":` + m,
	} {
		subject := atGP
		if typ == "AllergyIntolerance" || typ == "Immunization" {
			subject = strings.Replace(atGP, "subject", "patient", 1)
		}
		extra := note
		if typ == "Encounter" || typ == "DocumentReference" || typ == "Flag" || typ == "DiagnosticReport" {
			extra = ""
		}
		h.writes("G85915:GP", typ, "mark-"+strings.ToLower(typ), narrative+extra+about+","+subject)
	}
	_, _ = h.Send(t.Context(), []byte("MSH|^~\\&|<script>alert(2)|RJZ|SELDA|SELDA|20261105090000||ADT^A08|<script>alert(2)|P|2.4\rPID|1||<script>alert(2)^^^RJZ^MR||<script>alert(2)^Ann||nonsense|F\r"))
	h.registered(someApp(`App <script>alert(2)</script>`))
	sections := []string{"", "/problems", "/medicines", "/allergies", "/results", "/observations", "/immunisations", "/procedures", "/documents", "/plans", "/referrals", "/social", "/encounters", "/team", "/timeline", "/emergency", "/sharing", "/apps", "/why/Observation/mark-observation", "/origin/Observation/mark-observation", "/origin/DocumentReference/mark-documentreference"}
	shown := 0
	for user, paths := range map[string][]string{"gp": nil, "doctor": nil, "paramedic": nil, "handler": nil, "citizen": {"/me", "/me/results", "/me/medicines", "/me/letters", "/me/documents", "/me/plans", "/me/sharing", "/me/looked", "/me/apps"}, "privacy": {"/privacy", "/privacy/trail", "/rules"}, "governance": {"/governance", "/apps/register", "/governance/data-sets"}, "engineer": {"/feeds", "/quarantine", "/feeds/RJZ:PAS"}, "admin": {"/accounts"}} {
		if paths == nil {
			for _, s := range sections {
				paths = append(paths, "/record/"+h.citizen+s)
			}
		}
		c := h.signsIn(user)
		for _, p := range paths {
			a := h.sent(c, "GET", p, "")
			page := string(a.Body)
			if strings.Contains(page, "MARKED") || strings.Contains(page, "&lt;script&gt;alert") {
				shown++
			}
			if found := hostileTag.FindString(page); found != "" && !strings.Contains(found, "&") || hostileOwn.MatchString(page) {
				t.Errorf("%s at %s: %q is in the page", user, p, found)
			}
			if lacks := guardedAnswer(p, a); len(lacks) > 0 {
				t.Errorf("%s at %s lacks %q", user, p, lacks)
			}
		}
	}
	if shown < 20 {
		t.Errorf("the mark is on %d pages only: the test looks past what is shown", shown)
	}
	// A sender's page is handed over as a file.
	gp := h.signsIn("gp")
	for _, at := range []string{"content.0.attachment", "content[0].attachment", "content.1.attachment", "content[1].attachment"} {
		a := h.sent(gp, "GET", "/record/"+h.citizen+"/file/DocumentReference/mark-documentreference?at="+at, "")
		if kind := a.Header.Get("Content-Type"); strings.Contains(string(a.Body), "alert(1)") && (kind != "application/octet-stream" || a.Header.Get("Content-Disposition") != "attachment") {
			t.Errorf("%s is served as %s", at, kind)
		}
	}
	if status, body := h.asks("system", "PUT", "/fhir/Binary/b1", `{"resourceType":"Binary","id":"b1","contentType":"text/html","data":"`+base64.StdEncoding.EncodeToString([]byte("<script>alert(1)</script>"))+`"}`); status == 201 {
		a, err := h.Do(t.Context(), "system", "GET", "/fhir/Binary/b1", nil, "Accept: text/html,image/png")
		if err != nil || strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") && (a.Header.Get("Content-Disposition") != "attachment" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("a Binary runs: %v %v", err, a.Header)
		}
	} else {
		t.Error(status, body)
	}
}
