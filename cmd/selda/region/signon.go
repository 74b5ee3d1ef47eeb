package region

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/auth"
)

// SignOn says with which identity services people sign in.
//
//	public_url: https://selda.example      # where people reach this server
//	security_contact: mailto:security@selda.example # whom to tell of a weakness, in /.well-known/security.txt
//	passwords: false                       # the built-in provider is off; on where left out
//	second_factor: [professional, administrator] # who needs a passkey or a code beside
//	                                       # a password; these where left out, [] for nobody
//	sessions:                              # how long they last, for kinds of people
//	  professional: {idle: 30m, absolute: 8h}
//	  citizen: {idle: 15m, absolute: 1h}
//	  administrator: {idle: 10m, absolute: 4h}
//	leave_to: https://www.bbc.co.uk/weather # where the quick exit of citizens' pages leads
//	providers:
//	  - name: cis2
//	    title: NHS Care Identity
//	    service: cis2                      # its claims and its rules
//	    issuer: https://am.nhsidentity.example/oauth2
//	    client_id: selda                   # proves itself by private_key_jwt
//	    assurance: 2                       # the least AAL that does: 2 or 3
//	    max_age: 8h
//	    roles: {R8000: gp}                 # the provider's codes, and ours
//	  - name: nhs-login
//	    title: NHS login
//	    service: nhs-login                 # citizens, proven to P9
//	    issuer: https://auth.login.example
//	    client_id: selda
//	  - name: other                        # any other provider
//	    title: Our directory
//	    issuer: https://directory.example
//	    client_id: selda
//	    client_secret_file: /run/secrets/directory
//	    algorithms: [RS256]
//	    scopes: [profile]
//	    claims: {name: name, role: groups.code, organisation: org}
//	    roles: {nurses: nurse}
//	    require: {mfa: "true"}
//
// docs/sign-on.md says how each is set up.
type SignOn struct {
	PublicURL string `json:"public_url"`
	// SecurityContact is a mailto:, https: or tel: address. RFC 9116, section 2.5.3
	SecurityContact string          `json:"security_contact"`
	Passwords       *bool           `json:"passwords"`
	Providers       []auth.Provider `json:"providers"`

	// LeaveTo is where the quick exit of the citizens' pages leads.
	LeaveTo string `json:"leave_to"`

	SecondFactor *[]auth.Kind           `json:"second_factor"`
	Sessions     map[auth.Kind]duration `json:"sessions"`
}

// duration is a limit as a file writes it.
type duration struct {
	Idle     string `json:"idle"`
	Absolute string `json:"absolute"`
}

// limits are the limits of sessions that the file says.
func (s *SignOn) limits() (map[auth.Kind]auth.Limit, error) {
	out := map[auth.Kind]auth.Limit{}
	for k, d := range s.Sessions {
		if !slices.Contains(auth.Kinds(), k) {
			return nil, fmt.Errorf("sessions: there is no kind of people %q: citizen, professional or administrator", k)
		}
		var l auth.Limit
		for _, x := range []struct {
			text string
			to   *time.Duration
		}{{d.Idle, &l.Idle}, {d.Absolute, &l.Absolute}} {
			if x.text == "" {
				continue
			}
			v, err := time.ParseDuration(x.text)
			if err != nil || v < time.Minute || v > 24*time.Hour {
				return nil, fmt.Errorf("sessions: %s: a limit is from 1m to 24h, such as 30m: not %q", k, x.text)
			}
			*x.to = v
		}
		out[k] = l
	}
	return out, nil
}

// services are those whose rules are known: a file that calls their claims by a name
// means the service.
var services = []string{auth.CIS2, auth.NHSLogin}

// ReadSignOn reads a file of identity services. Errors name the file, the
// service and what to do.
func ReadSignOn(path string) (*SignOn, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parseSignOn(b, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseSignOn(b []byte, dir string) (*SignOn, error) {
	var file map[string]any
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	providers, _ := file["providers"].([]any)
	for i, p := range providers {
		one, ok := p.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("provider %d: it has a name, an issuer, a client_id, …", i+1)
		}
		if err := complete(one, dir); err != nil {
			return nil, fmt.Errorf("provider %v: %w", one["name"], err)
		}
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	var s SignOn
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if c := s.SecurityContact; c != "" && (strings.ContainsAny(c, " \r\n") || !strings.HasPrefix(c, "mailto:") && !strings.HasPrefix(c, "https://") && !strings.HasPrefix(c, "tel:")) {
		return nil, fmt.Errorf("security_contact is an address that begins with mailto:, https:// or tel:")
	}
	if u, err := url.Parse(s.LeaveTo); err != nil || s.LeaveTo != "" && (u.Scheme != "https" && u.Hostname() != "127.0.0.1" || u.Host == "") {
		return nil, fmt.Errorf("leave_to is an address that begins with https://")
	}
	if _, err := s.limits(); err != nil {
		return nil, err
	}
	if s.SecondFactor != nil {
		for _, k := range *s.SecondFactor {
			if !slices.Contains(auth.Kinds(), k) {
				return nil, fmt.Errorf("second_factor: there is no kind of people %q: citizen, professional or administrator", k)
			}
		}
	}
	if len(s.Providers) > 0 && s.PublicURL == "" {
		return nil, fmt.Errorf("say the public_url that people reach this server at: the providers send them back there")
	}
	return &s, nil
}

// complete puts the claims in that a provider's file calls by a name, and the
// secret that it keeps in a file of its own.
func complete(p map[string]any, dir string) error {
	if name, ok := p["claims"].(string); ok {
		if !slices.Contains(services, name) {
			return fmt.Errorf("claims is cis2, nhs-login, or each claim by name: not %q", name)
		}
		p["service"] = name
		delete(p, "claims")
	}
	path, ok := p["client_secret_file"].(string)
	if !ok {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	delete(p, "client_secret_file")
	p["client_secret"] = strings.TrimSpace(string(secret))
	return nil
}

// config is what auth needs to know of it.
func (s *SignOn) config(c auth.Config) auth.Config {
	// Whoever sees other people's records proves themselves twice, unless said.
	c.SecondFactor = []auth.Kind{auth.Professionals, auth.Administrators}
	if s == nil {
		return c
	}
	if s.SecondFactor != nil {
		c.SecondFactor = *s.SecondFactor
	}
	c.Limits, _ = s.limits() // which were read once already
	c.PublicURL, c.Providers = s.PublicURL, s.Providers
	c.LeaveTo = s.LeaveTo
	c.NoPasswords = s.Passwords != nil && !*s.Passwords
	return c
}
