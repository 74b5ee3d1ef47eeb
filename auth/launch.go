package auth

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// launch is what a launch value stands for: who opened an application at whose
// record. The value itself says nothing, and holds once.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
type launch struct {
	User    string `json:"user"`
	App     string `json:"app"`
	Citizen string `json:"citizen"`
	Intent  string `json:"intent,omitempty"`
}

const launchFor = 5 * time.Minute

// Launchable are the applications that somebody can open at a record.
func (a *Auth) Launchable(s policy.Subject) ([]app.App, error) {
	all, err := a.Apps.List()
	var out []app.App
	for _, x := range all {
		if x.LaunchURI != "" && x.Usable(time.Now()) && serves(&x, s.Role) && has(x.Scopes, "launch") {
			out = append(out, x)
		}
	}
	return out, err
}

// Launch is where a browser goes to open an application at a record. That the
// record is the user's to open is for the caller to have asked; it is asked again
// when the application comes for its answer.
func (a *Auth) Launch(r *http.Request, s policy.Subject, citizen, client, intent string) (string, error) {
	const op = "auth.Launch"
	base, err := a.base(r)
	if err != nil {
		return "", fault.E(op, err)
	}
	x, err := a.Apps.Find(client)
	if err != nil || x.LaunchURI == "" || !x.Usable(time.Now()) || !serves(&x, s.Role) {
		return "", fault.E(op, fault.NotFound, "there is no such application to open here")
	}
	b, err := json.Marshal(launch{s.User, x.ID, citizen, intent})
	if err != nil {
		return "", fault.E(op, err)
	}
	if err := a.record(r.Context(), Event{Kind: AppLaunched, Time: time.Now(), Subject: s, App: x.ID, Citizen: citizen, Address: a.conf.Address(r)}); err != nil {
		return "", err
	}
	value := rand.Text()
	if err := a.passing.Put(passingLaunch, value, b, time.Now().Add(launchFor)); err != nil {
		return "", fault.E(op, err)
	}
	return provider.AddQuery(x.LaunchURI, "iss", base+"/fhir", "launch", value), nil
}

// takeLaunch is the one use of a launch value.
func (a *Auth) takeLaunch(value string) (l launch, ok bool) {
	if value == "" || len(value) > 64 {
		return l, false
	}
	b, ok, err := a.passing.End(passingLaunch, value, launchFor)
	if err != nil || !ok || json.Unmarshal(b, &l) != nil {
		return launch{}, false
	}
	return l, true
}

// Connected is an application that somebody connected, and what they let it do.
type Connected struct {
	App          app.App // who it is; of one that was removed the id alone
	Live         bool
	Began, Until time.Time
	Ended        time.Time
	Why          string
	Sees         []string // in plain words
}

// Connected are the applications that somebody connected, the latest first.
func (a *Auth) Connected(s policy.Subject) ([]Connected, error) {
	const op = "auth.Connected"
	list, err := a.Connections.List(s.User)
	if err != nil {
		return nil, fault.E(op, err)
	}
	now := time.Now()
	var out []Connected
	for _, k := range list {
		x, err := a.Apps.Find(k.App)
		if fault.Is(err, fault.NoStore) {
			return nil, fault.E(op, err)
		}
		c := Connected{App: x, Live: err == nil && k.Live(now) && x.Usable(now), Began: k.Began, Until: k.Until, Ended: k.Ended, Why: k.Why}
		if err != nil {
			c.App = app.App{ID: k.App, Name: "An app that was removed"}
		}
		if !c.Live && c.Ended.IsZero() {
			if c.Ended, c.Why = k.Until, "its time was over"; now.Before(k.Until) {
				c.Ended, c.Why = now, "it was stopped for everybody"
			}
		}
		citizen := s.Role == nhs.Citizen || s.Role == nhs.Proxy
		for _, r := range resources(k.Scopes) {
			c.Sees = append(c.Sees, scopeWords(r, citizen))
		}
		out = append(out, c)
	}
	return out, nil
}

// Register is the applications of the region.
func (a *Auth) Register() *app.Register { return a.Apps }
