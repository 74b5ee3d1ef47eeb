package region

import (
	"net/http"
	"strings"
	"time"
)

// guarded has every answer tell browsers what may be done with it: whatever a handler
// does not say itself, or has cleared, is the strictest. What is served to the public, and
// what pages need, says so where it is made.
func (r *Region) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g := &guardedWriter{ResponseWriter: w, secure: r.https}
		// A window that an application opened for sign-on goes back to it: it keeps its opener.
		// Where a proxy in front went by Content-Length and this server by Transfer-Encoding, what
		// follows would be a request that nobody sent: nothing more is read. RFC 9112, section 6.1
		if len(req.TransferEncoding) > 0 && req.ProtoMajor == 1 {
			w.Header().Set("Connection", "close")
		}
		g.opener = req.URL.Path == "/login" || strings.HasPrefix(req.URL.Path, "/login/") || strings.HasPrefix(req.URL.Path, "/oidc/")
		next.ServeHTTP(g, req)
		g.guard()
	})
}

type guardedWriter struct {
	http.ResponseWriter
	secure, opener, begun bool
}

// guards are the headers that stand where nothing else was said.
var guards = map[string]string{
	"Content-Security-Policy": "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
	"Permissions-Policy":      "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":         "no-referrer",
	"X-Content-Type-Options":  "nosniff",
	"X-Frame-Options":         "DENY",
}

func (w *guardedWriter) guard() {
	if w.begun {
		return
	}
	w.begun = true
	h := w.Header()
	h["Cache-Control"] = kept(h)
	for name, value := range guards {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	if !w.opener {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	if h.Get("Access-Control-Allow-Origin") == "" { // else browsers' applications elsewhere read it, by its own rules
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	if w.secure { // RFC 6797, section 7.2: said over TLS alone
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// kept says who may keep an answer. One that renews a session's cookie is for one browser,
// whatever it is of: a cache in between would hand the cookie to others.
func kept(h http.Header) []string {
	said := h.Values("Cache-Control")
	if len(said) == 0 || !strings.Contains(said[0], "max-age") && len(h.Values("Set-Cookie")) > 0 {
		return []string{"no-store"}
	}
	if len(h.Values("Set-Cookie")) > 0 {
		return []string{"private, " + said[0]}
	}
	return said[:1]
}

func (w *guardedWriter) WriteHeader(status int) {
	w.guard()
	w.ResponseWriter.WriteHeader(status)
}

func (w *guardedWriter) Write(b []byte) (int, error) {
	w.guard()
	return w.ResponseWriter.Write(b)
}

// FlushError sends what was written; the header, where nothing was.
func (w *guardedWriter) FlushError() error {
	w.guard()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *guardedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// securityText says whom to tell of a weakness. https://www.rfc-editor.org/rfc/rfc9116
func (r *Region) securityText(w http.ResponseWriter, _ *http.Request) {
	if r.contact == "" {
		http.Error(w, "this server's operator has named nobody to tell (security_contact)", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=86400")
	ends := r.Now().UTC().Truncate(24*time.Hour).AddDate(0, 6, 0)
	_, _ = w.Write([]byte("Contact: " + r.contact + "\nExpires: " + ends.Format(time.RFC3339) + "\nPreferred-Languages: en\n"))
}
