package web

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// inPage are the types of attachment that a browser may show by itself. All
// else is handed over as a file: a page of a sender never runs here.
var inPage = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true, "image/gif": true}

// file gives an attachment of a document that is not text; of a CDA document
// its sections, to be read.
func (h *Web) file(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	o, err := h.open(r, s, "file of "+r.PathValue("type")+"/"+r.PathValue("item"))
	if err != nil {
		return err
	}
	return h.giveFile(w, r, o, func(l page.Letter) {
		p := h.recordPage(o, string(view.Documents))
		l.Back = o.base + "/documents#" + r.PathValue("type") + "-" + r.PathValue("item")
		p.Letter = &l
		p.Frame.Title = p.Banner.Name.Pro() + ", " + p.Heading()
		h.render(w, http.StatusOK, page.Record(p))
	})
}

// myFile is the same for the one whose record it is.
func (h *Web) myFile(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	m, err := h.openMine(r, s, "own file: "+r.PathValue("type")+"/"+r.PathValue("item"))
	if err != nil {
		return err
	}
	return h.giveFile(w, r, m.opened, func(l page.Letter) {
		m.p.Letter, m.p.Frame.Title = &l, l.Title
		h.render(w, http.StatusOK, page.My(m.p))
	})
}

// giveFile hands an attachment over, or has a CDA document shown.
func (h *Web) giveFile(w http.ResponseWriter, r *http.Request, o *opened, show func(page.Letter)) error {
	const op = "web.file"
	item, ok := o.v.Find(r.PathValue("type"), r.PathValue("item"))
	if !ok {
		return fault.E(op, fault.NotFound, "there is no such document")
	}
	a := walk(item.Res.Root(), r.URL.Query().Get("at"))
	kind, _, _ := strings.Cut(strings.ToLower(a.Get("contentType").Text()), ";")
	if !a.IsObject() || kind == "" {
		return fault.E(op, fault.NotFound, "there is no such file")
	}
	body, err := base64.StdEncoding.DecodeString(a.Get("data").Text())
	if err != nil {
		return fault.E(op, fault.Value, "the file did not come whole from its source")
	}
	if len(body) == 0 {
		if body, err = h.binary(o, a); err != nil {
			return err
		}
	}
	if len(body) == 0 && h.Origins != nil && h.Origins.Raws != nil {
		raw, err := h.Origins.Raws.Read(item.Message)
		if err != nil {
			return fault.E(op, err)
		}
		if raw.Format == ingest.CDA {
			return cdaDocument(w, kind, raw.Body, show)
		}
	}
	if len(body) == 0 {
		return fault.E(op, fault.NotFound, "the source did not send the file itself")
	}
	send(w, kind, body)
	return nil
}

// binary is the content of an attachment that is a Binary of its own.
func (h *Web) binary(o *opened, a fhir.Node) ([]byte, error) {
	i, ok := o.v.Reference(a.Get("url").Text())
	if !ok || i.Type != "Binary" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(i.Res.Get("data").Text())
	if err != nil {
		return nil, fault.E("web.binary", fault.Value, "the file did not come whole from its source")
	}
	return b, nil
}

// send hands a file over. Whatever it holds, it may load nothing and run nothing.
func send(w http.ResponseWriter, kind string, body []byte) {
	head := w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	if !inPage[kind] {
		kind = "application/octet-stream"
		head.Set("Content-Disposition", "attachment")
	}
	head.Set("Content-Type", kind)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller is gone: nobody is left to tell
}

// cdaDocument shows a CDA document by its sections; a body that is not
// structured is handed over as it is.
func cdaDocument(w http.ResponseWriter, kind string, body []byte, show func(page.Letter)) error {
	doc, err := cda.Parse(body)
	if err != nil {
		return fault.E("web.file", err)
	}
	if inner, ok := doc.Body(); ok && len(inner.Data) > 0 && kind != "text/xml" {
		send(w, strings.ToLower(inner.ContentType), inner.Data)
		return nil
	}
	n := doc.Narrative()
	letter := page.Letter{Title: n.Title}
	for _, f := range n.Facts {
		letter.Head = append(letter.Head, view.Field{Label: f.Label, Text: f.Value})
	}
	for _, sec := range n.Sections {
		letter.Pages = append(letter.Pages, view.Passage{Title: sec.Title, Text: view.Narrative(sec.HTML)})
	}
	show(letter)
	return nil
}
