package region

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"selda/auth/app"
	"selda/internal/browser"
)

// An application with fhirclient: launchPage signs on, appPage asks and says what it got.
const launchPage = `<!DOCTYPE html><title>launch</title><script src="/fhir-client.js"></script><script>
FHIR.oauth2.authorize({ clientId: 'CLIENT', scope: 'SCOPE', redirectUri: '/app', ISS pkceMode: 'required' }).catch(e => { document.title = 'failed'; document.body.textContent = e.stack });
</script><body></body>`

const appPage = `<!DOCTYPE html><title>app</title><script src="/fhir-client.js"></script><body><main></main><script>
const told = {};
const tried = async (name, f) => { try { told[name] = await f() } catch (e) { told[name] = String(e.statusCode || e.status || e.message) } };
FHIR.oauth2.ready().then(async client => {
  const token = client.state.tokenResponse;
  Object.assign(told, { patient: client.patient.id, scope: token.scope, banner: token.need_patient_banner, tenant: token.tenant, intent: token.intent });
  await tried('name', async () => (await client.patient.read()).name[0].family);
  await tried('observations', async () => (await client.request('Observation?patient=' + client.patient.id + '&_count=200')).entry.map(e => e.resource.resourceType + ' ' + e.resource.category?.[0]?.coding?.[0]?.code));
  await tried('conditions', async () => (await client.request('Condition?patient=' + client.patient.id)).total);
  await tried('user', async () => { const u = await client.user.read(); return u.resourceType + ' ' + (u.name[0].text || u.name[0].family) });
  await tried('refreshed', async () => { const before = client.state.tokenResponse.access_token; await client.refresh(); return before !== client.state.tokenResponse.access_token });
  await tried('again', async () => (await client.patient.read()).resourceType);
}).catch(e => { told.failed = e.stack }).finally(() => { document.querySelector('main').textContent = JSON.stringify(told); document.title = 'done' });
</script></body>`

// smartApp serves the application, as a server of its own.
func smartApp(t *testing.T) *httptest.Server {
	t.Helper()
	script, err := os.ReadFile("../../../node_modules/fhirclient/build/fhir-client.min.js")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fhirclient is not there: npm ci --ignore-scripts")
		}
		t.Skip("fhirclient is not there: npm ci --ignore-scripts")
	}
	mux := http.NewServeMux()
	serve := func(kind string, body func(*http.Request) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body(r)))
		}
	}
	mux.HandleFunc("/fhir-client.js", serve("text/javascript", func(*http.Request) string { return string(script) }))
	mux.HandleFunc("/launch", serve("text/html", func(r *http.Request) string {
		q := r.URL.Query()
		iss := ""
		if s := q.Get("standalone"); s != "" {
			iss = "iss: '" + s + "',"
		}
		c, _ := r.Cookie("app")
		id, scope, _ := strings.Cut(c.Value, "!")
		return strings.NewReplacer("CLIENT", id, "SCOPE", strings.ReplaceAll(scope, "+", " "), "ISS", iss).Replace(launchPage)
	}))
	mux.HandleFunc("/set", serve("text/html", func(*http.Request) string { return "<title>set</title><body><main></main></body>" }))
	mux.HandleFunc("/app", serve("text/html", func(*http.Request) string { return appPage }))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// told is what the application says that it got.
type told struct {
	Patient, Scope, Tenant, Name, User, Again, Failed, Conditions string
	Banner, Refreshed                                             bool
	Observations                                                  []string
}

func (b *tab) told() (out told) {
	b.t.Helper()
	b.Wait("document.title === 'done' || document.title === 'failed'")
	text := b.Eval("document.body.innerText")
	if err := json.Unmarshal([]byte(text), &out); err != nil || out.Failed != "" {
		b.t.Fatalf("the application says %s", text)
	}
	return out
}

// An application with a library that others wrote, in a real browser: launched
// from a record by a professional, and by itself by a citizen, who sees it
// afterwards among the connected ones and ends it there.
func TestSMARTApplicationInABrowser(t *testing.T) {
	b := &tab{Browser: browser.Open(t, "../../.."), t: t}
	server := smartApp(t)
	r, base, number := demonstrated(t)
	b.base, b.record = base, signedIn(t, base, "gp").find(number)
	m := app.Metadata{Name: "Growth chart", Contacts: []string{"help@growth.example"}, Owner: "Ada Byron", About: "Draws what was measured as a chart.", RedirectURIs: []string{server.URL + "/app"}, LaunchURI: server.URL + "/launch", Method: "none",
		Scope: "openid fhirUser launch launch/patient offline_access online_access patient/Patient.rs patient/Observation.rs patient/Condition.rs"}
	x, _, err := m.App(time.Now())
	if err == nil {
		x, err = r.Auth.Apps.Add(x, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	set := func(scope string) {
		b.Go(server.URL + "/set")
		b.Eval("document.cookie = 'app=" + x.ID + "!" + strings.ReplaceAll(scope, " ", "+") + "'; ''")
	}

	// Until it is approved it is not to be had.
	b.as("governance")
	b.at("/apps/register")
	b.says("Growth chart", "pending", "Ada Byron", "patient/Observation.rs")
	b.look("apps-register")
	b.Press("button[value=approve]")
	b.says("Approved.", "until")

	set("launch openid fhirUser online_access patient/Patient.rs patient/Observation.rs?category=vital-signs")
	b.as("gp")
	b.at(":/apps")
	b.says("Growth chart", "Draws what was measured as a chart.")
	b.look("record-apps")
	b.Press("form[action$='/apps'] button")
	b.Wait("location.pathname.startsWith('/oidc/connect/')")
	b.says("Growth chart", "Ada Byron", "Folake", "in your name", "only vital signs")
	b.look("app-consent")
	b.Press("button[value=allow]")
	got := b.told()
	if got.Patient == "" || !strings.HasSuffix(b.record, got.Patient) || !got.Banner || got.Tenant == "" || got.Name != "Adeyemi" || !strings.HasPrefix(got.User, "Practitioner ") || !got.Refreshed || got.Again != "Patient" {
		t.Errorf("%+v", got)
	}
	if got.Conditions != "403" || len(got.Observations) == 0 {
		t.Errorf("%+v", got)
	}
	for _, o := range got.Observations {
		if o != "Observation vital-signs" {
			t.Errorf("the application was let see vital signs, and got %s", o)
		}
	}
	b.at("/apps")
	b.says("Growth chart", "Last looked")
	b.look("apps")

	// A citizen begins with the application, and takes one kind away.
	set("launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs patient/Condition.rs")
	b.as("citizen")
	b.Go(server.URL + "/launch?standalone=" + base + "/fhir")
	b.Wait("location.pathname.startsWith('/oidc/connect/')")
	b.says("the health and care record of Folake", "See health conditions", "Stay connected until")
	b.look("app-consent")
	b.Eval("document.querySelector(\"input[value='patient/Condition.rs']\").checked = false; ''")
	b.Press("button[value=allow]")
	got = b.told()
	if got.Conditions != "403" || len(got.Observations) < 5 || got.Name != "Adeyemi" || got.User != "Patient Adeyemi" || !got.Refreshed || strings.Contains(got.Scope, "Condition") {
		t.Errorf("%+v", got)
	}
	// It can be opened from the citizen's own pages, too.
	set("launch openid patient/Patient.rs")
	b.at("/me/apps")
	b.Press("form[action='/me/apps/open'] button")
	b.Wait("location.pathname.startsWith('/oidc/connect/')")
	b.Press("button[value=allow]")
	b.Wait("document.title === 'done'")
	if text := b.Eval("document.body.innerText"); !strings.Contains(text, `"name":"Adeyemi"`) || !strings.Contains(text, `"observations":"403"`) {
		t.Error(text)
	}
	b.at("/me/apps")
	b.says("Growth chart", "Ada Byron", "test results and measurements", "today")
	b.look("apps")
	b.Press("form[action='/me/apps'] button")
	b.says("Ended. The app can see nothing from now on.")
	b.look("apps-ended")
	b.Go(server.URL + "/app")
	b.Wait("document.title === 'done'")
	if text := b.Eval("document.body.innerText"); strings.Contains(text, "Adeyemi") {
		t.Error("an application that was ended reads on:", text)
	}
}
