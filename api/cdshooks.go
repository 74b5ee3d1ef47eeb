package api

import (
	"net/http"

	"selda/fault"
)

// CDSServices is the discovery of CDS Hooks: which services of decision support
// there are here, to those who have signed on. There are none yet, and that is
// what it says. https://cds-hooks.hl7.org/2.0/#discovery
func (a *API) CDSServices(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if _, err := a.Subject(r); err != nil {
		status := statusOf[fault.KindOf(err)]
		if status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", challenge(r))
		}
		http.Error(w, fault.Reason(err), status)
		return
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"services":[]}` + "\n")) // the caller is gone: nobody is left to tell
}
