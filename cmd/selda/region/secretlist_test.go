package region

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/auth/app"
	"selda/internal/seal"
	"selda/nhs"
	"selda/policy"
	"selda/secrets"
)

var administers = policy.Subject{User: "admin", Name: "Anna Kowalska", Role: nhs.Administrator, Organisation: "QKK"}

// item is one of the inventory.
func item(t *testing.T, r *Region, name string) *secrets.Item {
	t.Helper()
	list, err := r.Secrets(t.Context(), administers)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// Every account, application and key is in the inventory, with what is to be done; only
// administrators see it; who looks and who changes is in the trail.
func TestTheInventory(t *testing.T) {
	given(t, seal.NewLine())
	r := open(t)
	now := time.Now()
	citizen, err := nhs.ParseNumber(folake)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []auth.Account{
		{User: "contract", Name: "C", Role: nhs.Nurse, Organisation: "RJZ", Contact: "c@kch.example", Ends: now.Add(20 * day)},
		{User: "gone", Name: "G", Role: nhs.Nurse, Organisation: "RJZ", Contact: "g@kch.example", Ends: now.Add(-day)},
		{User: "engine", Name: "Engine", Role: nhs.SourceSystem, Organisation: "RJ1", Source: "RJ1:EPR"},
		{User: "folake", Name: "Folake", Role: nhs.Citizen, NHSNumber: citizen},
	} {
		if err := r.Auth.Accounts.Put(a); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]secrets.State{"master": secrets.NoOwner, "tokens": secrets.NoOwner, "trail/signer": secrets.NoOwner, "trail/key": secrets.NoOwner, "store/key": secrets.NoOwner, "factors": secrets.NoOwner,
		"account/contract": secrets.Month, "account/gone": secrets.Ended, "account/engine": secrets.NoOwner} {
		if i := item(t, r, name); i == nil || i.State(now) != want {
			t.Errorf("%s: %+v, want %s", name, i, want)
		}
	}
	if item(t, r, "account/folake") != nil {
		t.Error("a citizen's account is told of")
	}
	if i := item(t, r, "store/key"); i.Rotates || i.Endless == "" || !i.Ends.IsZero() {
		t.Errorf("the ids' key: %+v", i)
	}
	for role := range map[nhs.Role]bool{nhs.Nurse: true, nhs.Engineer: true, nhs.PrivacyOfficer: true, nhs.GovernanceLead: true} {
		s := policy.Subject{User: "x", Role: role, Organisation: "RJZ"}
		_, listed := r.Secrets(t.Context(), s)
		owned := r.OwnSecret(t.Context(), s, "tokens", secrets.Owned{Owner: "x"})
		_, rotated := r.RotateSecret(t.Context(), s, "tokens", false)
		_, _, master := r.RotateMaster(t.Context(), s)
		if listed == nil || owned == nil || rotated == nil || master == nil && role != nhs.Engineer {
			t.Errorf("%s: %v %v %v %v", role, listed, owned, rotated, master)
		}
	}
	// An owner; an account's end, which is in force at once; nobody's own.
	if err := r.OwnSecret(t.Context(), administers, "tokens", secrets.Owned{Owner: "Platform", Contact: "platform@selda.example"}); err != nil {
		t.Fatal(err)
	}
	if i := item(t, r, "tokens"); i.State(now) != secrets.Good || i.Owner != "Platform" {
		t.Errorf("%+v", i)
	}
	for name, c := range map[string]struct {
		item string
		o    secrets.Owned
		want string
	}{
		"nothing that there is": {"account/nobody", secrets.Owned{Owner: "x"}, "there is no such"},
		"the own account":       {"account/admin", secrets.Owned{Ends: now.Add(year)}, "no such"},
		"an end of the ids":     {"store/key", secrets.Owned{Ends: now.Add(year)}, "every id"},
	} {
		if err := r.OwnSecret(t.Context(), administers, c.item, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	self := administers
	self.User = "contract"
	if err := r.OwnSecret(t.Context(), self, "account/contract", secrets.Owned{Ends: now.Add(year)}); err == nil || !strings.Contains(err.Error(), "own account") {
		t.Error("one's own end is changed:", err)
	}
	entries := 0
	if err := r.Trail.Each(t.Context(), func(e audit.Entry) error {
		if strings.HasPrefix(e.What, "secret: tokens") || e.What == "secrets: list" {
			entries++
		}
		return nil
	}); err != nil || entries < 10 {
		t.Error(entries, err)
	}
}

// From the end that an administrator says on, an account is refused, with the token that
// it holds.
func TestAnAccountEndsWhenItIsSaid(t *testing.T) {
	r := open(t)
	if err := r.Auth.Accounts.Put(auth.Account{User: "agency", Name: "A", Role: nhs.GP, Organisation: "G85001", Contact: "a@x.example"}); err != nil {
		t.Fatal(err)
	}
	token, err := r.Auth.Token(t.Context(), "agency", nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	handler := r.Handler()
	asks := func() int {
		q := httptest.NewRequest(http.MethodGet, "/fhir/Patient?identifier=x", nil)
		q.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q)
		return w.Code
	}
	if code := asks(); code == http.StatusUnauthorized {
		t.Fatal(code)
	}
	if err := r.OwnSecret(t.Context(), administers, "account/agency", secrets.Owned{Ends: time.Now().Add(200 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); asks() != http.StatusUnauthorized; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("it is still answered")
		}
	}
	if i := item(t, r, "account/agency"); i.State(time.Now()) != secrets.Ended {
		t.Error(i.State(time.Now()))
	}
}

// Keys are replaced while the region is used: tokens of before hold, unless they are to
// end at once; an application's secret is shown once; what can't be replaced says why.
func TestKeysAreReplaced(t *testing.T) {
	r := open(t)
	if err := r.Auth.Accounts.Put(auth.Account{User: "gp", Name: "A", Role: nhs.GP, Organisation: "G85001", Contact: "a@x.example"}); err != nil {
		t.Fatal(err)
	}
	handler := r.Handler()
	holds := func(token string) bool {
		q := httptest.NewRequest(http.MethodGet, "/fhir/Patient?identifier=x", nil)
		q.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, q)
		return w.Code != http.StatusUnauthorized
	}
	issue := func() string {
		t.Helper()
		token, err := r.Auth.Token(t.Context(), "gp", nhs.Treatment, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	published := func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/oidc/jwks", nil))
		return w.Body.String()
	}
	before, kid := issue(), r.Auth.Tokens.SigningKey()
	if _, err := r.RotateSecret(t.Context(), administers, "tokens", false); err != nil {
		t.Fatal(err)
	}
	if after := issue(); !holds(before) || !holds(after) || !strings.Contains(published(), kid) || !strings.Contains(published(), r.Auth.Tokens.SigningKey()) {
		t.Error("a token does not hold, or a key is not published:", holds(before), holds(after), published())
	}
	if i := item(t, r, "tokens"); i.ID == kid || i.Made.IsZero() {
		t.Errorf("%+v", i)
	}
	if _, err := r.RotateSecret(t.Context(), administers, "tokens", true); err != nil || holds(before) || !holds(issue()) || strings.Contains(published(), kid) {
		t.Error("at once:", err, holds(before))
	}
	x, first, err := (&app.Metadata{Name: "App", RedirectURIs: []string{"https://app.example/back"}, Contacts: []string{"dev@app.example"}, Scope: "launch openid", Owner: "App team", For: []string{app.Professionals}, Method: "client_secret_basic"}).App(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if x, err = r.Auth.Apps.Add(x, time.Now()); err != nil {
		t.Fatal(err)
	}
	said, err := r.RotateSecret(t.Context(), administers, "app/"+x.ID, false)
	_, second, _ := strings.Cut(said, "shown once: ")
	if err != nil || second == "" || second == first {
		t.Fatal(said, err)
	}
	if now, err := r.Auth.Apps.Find(x.ID); err != nil || !now.Proves(second, time.Now()) || now.Proves(first, time.Now()) {
		t.Error("the former secret proves it still, or the new one does not:", err)
	}
	if _, err := r.RotateSecret(t.Context(), administers, "trail/signer", false); err != nil || len(r.Trail.Tree().Handovers()) != 1 {
		t.Error(err)
	}
	for name, want := range map[string]string{"store/key": "every id", "trail/key": "every entry", "nothing": "there is no such"} {
		if _, err := r.RotateSecret(t.Context(), administers, name, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if report, err := r.Trail.Tree().Latest(t.Context()); err != nil || report.Size == 0 {
		t.Error(err)
	}
}

// A feed's certificate that ends within 30 days is told of on the page of who runs
// feeds, in the inventory and to monitoring, which names no account; its successor ends that.
func TestACertificateThatEndsIsToldOf(t *testing.T) {
	ends := func(in time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(in) }
	}
	feed := func(source, certs string) string {
		return "  - {source: 'RJZ:" + source + "', owner: Integration, contact: i@kch.example, facility: RJZ, application: " + source + ", tls: {certificates: [" + certs + "]}}\n"
	}
	d := serveFeeds(t, func(d *doors) string {
		for name, in := range map[string]time.Duration{"soon": 20 * day, "week": 6 * day, "later": 200 * day} {
			write(t, d.dir, name+".pem", pemOf("CERTIFICATE", d.server.issue(name, ends(in)).Certificate[0]))
		}
		writePair(t, d.dir, "own", d.server.issue("selda.example", ends(100*day)))
		return feed("PAS", "soon.pem") + feed("LAB", "week.pem") + feed("EPR", "later.pem")
	})
	states := func() map[string]secrets.State {
		out := map[string]secrets.State{}
		for _, name := range []string{"feed/RJZ:PAS", "feed/RJZ:LAB", "feed/RJZ:EPR", "door/feeds"} {
			if i := item(t, d.r, name); i != nil {
				out[name] = i.State(time.Now())
			}
		}
		return out
	}
	if got := states(); got["feed/RJZ:PAS"] != secrets.Month || got["feed/RJZ:LAB"] != secrets.Week || got["feed/RJZ:EPR"] != secrets.Good || got["door/feeds"] != secrets.NoOwner {
		t.Error(got)
	}
	if err := d.r.Auth.Accounts.Put(auth.Account{User: "engineer.of.the.test", Name: "E", Role: nhs.Engineer, Organisation: "RJZ", Contact: "e@x.example", Ends: time.Now().Add(day)}); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(d.at.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	text := string(b)
	if err != nil || !strings.Contains(text, `selda_secret_days_left{kind="certificate",name="feed/RJZ:LAB"} 5`) || !strings.Contains(text, `selda_secrets{kind="account",state="ends within 7 days"} 1`) || strings.Contains(text, "engineer.of") {
		t.Errorf("%v %.3000s", err, text)
	}
	pages, err := d.r.pages()
	if err != nil {
		t.Fatal(err)
	}
	pages.Subject = func(*http.Request) (policy.Subject, error) {
		return policy.Subject{User: "engineer", Role: nhs.Engineer, Organisation: "RJZ", Purpose: nhs.Operations}, nil
	}
	mux := http.NewServeMux()
	pages.Routes(mux)
	show := func() string {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/feeds", nil))
		return w.Body.String()
	}
	if p := show(); !strings.Contains(p, "RJZ:PAS") || !strings.Contains(p, "ends within 30 days") || !strings.Contains(p, "ends within 7 days") || strings.Contains(p, "RJZ:EPR") || !strings.Contains(p, "i@kch.example") {
		t.Errorf("the page of feeds: %s", p)
	}
	d.write(feed("PAS", "soon.pem, later.pem") + feed("LAB", "later.pem") + feed("EPR", "later.pem"))
	d.again(3)
	if got := states(); got["feed/RJZ:PAS"] != secrets.Good || got["feed/RJZ:LAB"] != secrets.Good {
		t.Error(got)
	}
	if p := show(); strings.Contains(p, "ends within") {
		t.Error("the page of feeds warns still")
	}
	// Another process, which has read no file of the operator's, knows of it.
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		b, _, err := d.r.documents.Load(settingsName)
		if err == nil && strings.Contains(string(b), "door/feeds") && !strings.Contains(string(b), "PRIVATE") {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("it is not kept", err)
		}
	}
}

// The form of the page: who answers is kept, what is wrong is said, nobody else gets in.
func TestTheInventorysPage(t *testing.T) {
	r := open(t)
	pages, err := r.pages()
	if err != nil {
		t.Fatal(err)
	}
	as := administers
	pages.Subject = func(*http.Request) (policy.Subject, error) { return as, nil }
	mux := http.NewServeMux()
	pages.Routes(mux)
	ask := func(method, path string, form url.Values) (int, string) {
		q := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, q)
		return w.Code, w.Body.String()
	}
	const path = "/administration/secrets"
	if code, p := ask(http.MethodGet, path, nil); code != 200 || !strings.Contains(p, "5 no owner") || !strings.Contains(p, "not kept safely") {
		t.Errorf("%d %s", code, p)
	}
	name := "<b>Team</b>"
	if code, p := ask(http.MethodPost, path, url.Values{"name": {"tokens"}, "owner": {name}, "contact": {"t@x.example"}, "ends": {"2099-01-31"}}); code != 200 || !strings.Contains(p, "4 no owner") {
		t.Errorf("%d %s", code, p)
	}
	if code, p := ask(http.MethodGet, path+"?all", nil); code != 200 || strings.Contains(p, name) || !strings.Contains(p, "&lt;b&gt;Team") || !strings.Contains(p, "31-Jan-2099") {
		t.Errorf("%d %s", code, p)
	}
	for want, form := range map[string]url.Values{
		"There is a problem":    {"name": {"tokens"}},
		"An end is in the futu": {"name": {"tokens"}, "owner": {"x"}, "ends": {"2001-01-01"}},
		"An end is a day":       {"name": {"tokens"}, "owner": {"x"}, "ends": {"tomorrow"}},
		"It can have no end":    {"name": {"store/key"}, "owner": {"x"}, "ends": {"2099-01-01"}},
	} {
		if code, p := ask(http.MethodPost, path, form); code != 422 || !strings.Contains(p, want) {
			t.Errorf("%s: %d %s", want, code, p)
		}
	}
	if code, _ := ask(http.MethodGet, path+"?change=nothing", nil); code != 404 {
		t.Error(code)
	}
	as = policy.Subject{User: "nurse", Role: nhs.Nurse, Organisation: "RJZ", Purpose: nhs.Treatment}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if code, p := ask(method, path, url.Values{"name": {"tokens"}, "owner": {"me"}}); code != 403 || strings.Contains(p, "Team") {
			t.Errorf("%s by a nurse: %d", method, code)
		}
	}
}

// A region has tens of thousands of accounts: the page stays one that can be read, and
// comes at once.
func TestTheInventoryOfALargeRegion(t *testing.T) {
	r := open(t)
	list := make([]auth.Account, 20_000)
	for i := range list {
		list[i] = auth.Account{User: "staff" + strconv.Itoa(i), Name: "S", Role: nhs.Nurse, Organisation: "RJZ"}
	}
	if err := r.Auth.Accounts.Add(list...); err != nil {
		t.Fatal(err)
	}
	pages, err := r.pages()
	if err != nil {
		t.Fatal(err)
	}
	pages.Subject = func(*http.Request) (policy.Subject, error) { return administers, nil }
	mux := http.NewServeMux()
	pages.Routes(mux)
	w := httptest.NewRecorder()
	began := time.Now()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/administration/secrets", nil))
	if p := w.Body.String(); w.Code != 200 || !strings.Contains(p, "20005 no owner") || strings.Count(p, "account/staff") > 2*500 || !strings.Contains(p, "The first 500 are shown") {
		t.Errorf("%d, %d bytes", w.Code, len(p))
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Error("it takes", took)
	}
	t.Log(time.Since(began))
}
