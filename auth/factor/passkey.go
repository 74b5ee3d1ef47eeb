package factor

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"selda/fault"
)

const (
	// challengeFor is how long a challenge holds.
	challengeFor      = 2 * time.Minute
	challengeRemember = 10 * time.Minute
	registering       = "passkey-registration"
	asserting         = "passkey-assertion"
	maxResponse       = 32 << 10
)

// Site says for which name passkeys are made at an address, "https://selda.example":
// the host without its port. An IP address has none.
// https://www.w3.org/TR/webauthn-3/#relying-party-identifier
func Site(base string) (string, bool) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil || u.Scheme != "https" && u.Hostname() != "localhost" {
		return "", false
	}
	return u.Hostname(), true
}

// party is the relying party at an address.
func party(base string) (*webauthn.WebAuthn, string, error) {
	const op = "factor.party"
	site, ok := Site(base)
	if !ok {
		return nil, "", fault.E(op, fault.NotSupported, "passkeys need a name reached by https, not an address in numbers")
	}
	w, err := webauthn.New(&webauthn.Config{RPID: site, RPDisplayName: "SELDA", RPOrigins: []string{base},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired},
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Enforce: true, Timeout: challengeFor, TimeoutUVD: challengeFor},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: challengeFor, TimeoutUVD: challengeFor}}})
	if err != nil {
		return nil, "", fault.E(op, err)
	}
	return w, site, nil
}

// owner is somebody as WebAuthn knows them, at one site.
type owner struct {
	Held
	site string
}

func (o owner) WebAuthnID() []byte          { return o.handle }
func (o owner) WebAuthnName() string        { return o.User }
func (o owner) WebAuthnDisplayName() string { return o.User }
func (o owner) WebAuthnCredentials() (list []webauthn.Credential) {
	for _, p := range o.Passkeys {
		if p.Site == o.site {
			list = append(list, p.Credential)
		}
	}
	return list
}

// keep keeps what must be remembered of a challenge, and gives what the browser is told.
func (f *Factors) keep(kind string, session *webauthn.SessionData, options any) ([]byte, error) {
	b, err := json.Marshal(session)
	if err == nil {
		err = f.passing.Put(kind, session.Challenge, b, time.Now().Add(challengeFor))
	}
	if err != nil {
		return nil, fault.E("factor.keep", err)
	}
	return json.Marshal(options)
}

// take is the one use of a challenge, right or wrong.
func (f *Factors) take(kind, challenge string) (s webauthn.SessionData, err error) {
	b, ok, err := f.passing.End(kind, challenge, challengeRemember)
	if err != nil {
		return s, fault.E("factor.take", err)
	}
	if !ok || json.Unmarshal(b, &s) != nil {
		return s, fault.E("factor.take", fault.Login, "the passkey answered too late, or to another page: try again")
	}
	return s, nil
}

// BeginPasskey begins to make a passkey for a user: the options are for
// navigator.credentials.create.
func (f *Factors) BeginPasskey(base, user string) (options []byte, err error) {
	const op = "factor.BeginPasskey"
	w, site, err := party(base)
	if err != nil {
		return nil, err
	}
	h, err := f.Of(user)
	if err != nil {
		return nil, fault.E(op, err)
	}
	if len(h.Passkeys) >= maxPasskeys {
		return nil, fault.E(op, fault.BusinessRule, "you have as many passkeys as an account can have: remove one first")
	}
	o := owner{h, site}
	var have []protocol.CredentialDescriptor
	for _, c := range o.WebAuthnCredentials() {
		have = append(have, c.Descriptor())
	}
	creation, session, err := w.BeginRegistration(o, webauthn.WithExclusions(have))
	if err != nil {
		return nil, fault.E(op, err)
	}
	return f.keep(registering, session, creation)
}

// FinishPasskey keeps a passkey that the browser has made.
func (f *Factors) FinishPasskey(base, user, label string, response []byte, now time.Time) error {
	const op = "factor.FinishPasskey"
	bad := fault.E(op, fault.Login, "the passkey could not be used: try again")
	w, site, err := party(base)
	if err != nil {
		return err
	}
	if len(response) > maxResponse {
		return bad
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return bad
	}
	session, err := f.take(registering, answer.Response.CollectedClientData.Challenge)
	if err != nil {
		return err
	}
	return f.change(user, func(h *Held) error {
		if !bytes.Equal(session.UserID, h.handle) || len(h.Passkeys) >= maxPasskeys {
			return bad
		}
		c, err := w.CreateCredential(owner{*h, site}, session, answer)
		if err != nil || !c.Flags.UserVerified {
			return bad
		}
		if slices.ContainsFunc(h.Passkeys, func(p Passkey) bool { return bytes.Equal(p.Credential.ID, c.ID) }) {
			return fault.E(op, fault.Duplicate, "you have that passkey already")
		}
		c.Attestation = webauthn.CredentialAttestation{} // nobody asks what made it
		h.Passkeys = append(slices.Clone(h.Passkeys), Passkey{ID: rand.Text(), Label: Label(label, "Passkey"), Site: site, Made: now, Credential: *c})
		return nil
	})
}

// RemovePasskey takes a passkey away, by the id of its entry.
func (f *Factors) RemovePasskey(user, id string) error {
	return f.change(user, func(h *Held) error {
		i := slices.IndexFunc(h.Passkeys, func(p Passkey) bool { return p.ID == id })
		if i < 0 {
			return fault.E("factor.RemovePasskey", fault.NotFound, "there is no such passkey")
		}
		h.Passkeys = slices.Delete(slices.Clone(h.Passkeys), i, i+1)
		return nil
	})
}

// BeginSignIn begins a sign-in by a passkey, whoever it is: the options are for
// navigator.credentials.get.
func (f *Factors) BeginSignIn(base string) (options []byte, err error) {
	w, _, err := party(base)
	if err != nil {
		return nil, err
	}
	assertion, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fault.E("factor.BeginSignIn", err)
	}
	return f.keep(asserting, session, assertion)
}

// FinishSignIn is whose passkey has answered. The fault is Login where it is
// nobody's or does not hold; user is set where it was somebody's nevertheless: the
// key of a copy, by its counter.
func (f *Factors) FinishSignIn(base string, response []byte, now time.Time) (user string, err error) {
	const op = "factor.FinishSignIn"
	bad := fault.E(op, fault.Login, "the passkey is not known here, or does not hold")
	w, site, err := party(base)
	if err != nil {
		return "", err
	}
	if len(response) > maxResponse {
		return "", bad
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil || len(answer.Response.UserHandle) != 32 {
		return "", bad
	}
	session, err := f.take(asserting, answer.Response.CollectedClientData.Challenge)
	if err != nil {
		return "", err
	}
	h, version, err := f.load(answer.Response.UserHandle)
	if err != nil {
		return "", fault.E(op, err)
	}
	if version == 0 || h.User == "" || !bytes.Equal(f.handle(h.User), answer.Response.UserHandle) {
		return "", bad
	}
	err = f.change(h.User, func(h *Held) error {
		_, c, err := w.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return owner{*h, site}, nil }, session, answer)
		if err != nil || !c.Flags.UserVerified {
			return bad
		}
		if c.Authenticator.CloneWarning {
			return fault.E(op, fault.Login, "the passkey's counter went back: it may have been copied. Remove it, and make another one")
		}
		i := slices.IndexFunc(h.Passkeys, func(p Passkey) bool { return bytes.Equal(p.Credential.ID, c.ID) })
		h.Passkeys = slices.Clone(h.Passkeys)
		h.Passkeys[i].Credential, h.Passkeys[i].Used = *c, now
		if h.Codes != nil {
			h.Codes.Wrong = 0
		}
		return nil
	})
	return h.User, err
}
