package auth

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"selda/auth/app"
	"selda/auth/provider"
	"selda/fault"
)

// How many applications may register in an hour, from one network and in all.
const (
	registrationsFrom = 20
	registrationsAll  = 200
)

// register takes an application's own registration: it is pending until
// somebody approves it. https://www.rfc-editor.org/rfc/rfc7591#section-3
func (a *Auth) register(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		sayOAuth(w, http.StatusBadRequest, "invalid_client_metadata", "the metadata is posted as application/json")
		return
	}
	address := a.conf.Address(r)
	if !a.joining.allow(provider.Network(address), registrationsFrom, registrationsAll, time.Now()) {
		w.Header().Set("Retry-After", "3600")
		sayOAuth(w, http.StatusTooManyRequests, "temporarily_unavailable", "too many applications have registered in the last hour: try again later")
		return
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, app.MaxMetadata))
	if err != nil {
		sayOAuth(w, http.StatusRequestEntityTooLarge, "invalid_client_metadata", "the metadata is larger than 64 KiB, or was cut off")
		return
	}
	now := time.Now()
	m, err := app.ParseMetadata(b)
	var x app.App
	var secret string
	if err == nil {
		x, secret, err = m.App(now)
	}
	if err == nil {
		// The trail has it before it is there.
		if err := a.record(r.Context(), Event{Kind: AppRegistered, Time: now, Address: address, Reason: x.Name}); err != nil {
			sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", "what can't be recorded is not done: try again in a minute")
			return
		}
		x, err = a.Apps.Add(x, now)
	}
	switch {
	case err == nil:
		writeJSON(w, http.StatusCreated, x.Said(secret, now))
	case fault.Is(err, fault.Throttled), fault.Is(err, fault.NoStore):
		w.Header().Set("Retry-After", "3600")
		sayOAuth(w, http.StatusServiceUnavailable, "temporarily_unavailable", fault.Reason(err))
	default:
		code := "invalid_client_metadata"
		if slices.Contains([]string{"redirect_uris", "launch_uri"}, fault.PlaceOf(err)) {
			code = "invalid_redirect_uri"
		}
		words := fault.Reason(err)
		if p := fault.PlaceOf(err); p != "" {
			words += " (" + p + ")"
		}
		sayOAuth(w, http.StatusBadRequest, code, words)
	}
}

// sayOAuth answers an application with an error. RFC 6749, section 5.2.
func sayOAuth(w http.ResponseWriter, status int, code, words string) {
	m := map[string]string{"error": code}
	if words != "" {
		m["error_description"] = words
	}
	writeJSON(w, status, m)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749, section 5.1
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone: nobody is left to tell
}
