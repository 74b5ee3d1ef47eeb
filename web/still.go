package web

import (
	"errors"
	"net/http"
	"strings"

	"selda/access"
	"selda/policy"
	"selda/web/page"
)

// A page that is open when its relationship ends warns, and keeps what was written
// (G7): with a script it asks by itself, without one the form that is refused comes
// back with what it said.

// watchEnd has a page of a record ask whether it may still be open.
func (h *Web) watchEnd(f *page.Frame, base string) {
	f.Still, f.Back = base+"/still?as="+f.Acting, base
	f.JS = append(f.JS, h.files.Path("still.js"))
}

// still answers a page that is open: 204 while the record is open to who looks at it.
// That it is not any more is a refusal, and is in the trail once.
func (h *Web) still(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	id := r.PathValue("id")
	if as := r.URL.Query().Get("as"); as != "" && as != acting(s) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "You act in another role, or for another purpose, now.", http.StatusConflict)
		return nil
	}
	open, err := h.Access.Still(r.Context(), s, id)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if open {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if r.URL.Query().Get("ended") == "" {
		if _, err := h.Access.Record(r.Context(), s, id, "record: a page that was open"); err == nil {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	http.Error(w, "What connected you with this person has ended.", http.StatusForbidden)
	return nil
}

// keep gives back what a form of a record said whose sender has no relationship any
// more; false where there is nothing to give back.
func (h *Web) keep(w http.ResponseWriter, r *http.Request, s policy.Subject, err error) bool {
	var denied *access.Denied
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/record/") || !errors.As(err, &denied) || denied.Citizen == "" {
		return false
	}
	return h.askDeclare(w, r, s, denied, "") == nil
}

// fieldWords are what the fields of a record's forms are called where they are given back.
var fieldWords = [][2]string{{"evidence", "What you saw or checked"}, {"reason", "Reason"}, {"about", "How you found it, or what it is about"}, {"note", "Note"}, {"review", "To be looked at again on"}}

// written are what somebody wrote into the fields of a form of a record.
func written(r *http.Request) (out []page.Written) {
	for _, f := range fieldWords {
		if text := strings.TrimSpace(r.PostForm.Get(f[0])); text != "" {
			out = append(out, page.Written{Name: f[1], Text: text})
		}
	}
	return out
}

// acting is what somebody acts as and for, as a page that is open remembers it.
func acting(s policy.Subject) string {
	return string(s.Role) + "." + string(s.Organisation) + "." + string(s.Purpose)
}
