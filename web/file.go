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
	const op = "web.file"
	typ, id, at := r.PathValue("type"), r.PathValue("item"), r.URL.Query().Get("at")
	o, err := h.open(r, s, "file of "+typ+"/"+id)
	if err != nil {
		return err
	}
	item, ok := o.v.Find(typ, id)
	if !ok {
		return fault.E(op, fault.NotFound, "there is no such document")
	}
	a := walk(item.Res.Root(), at)
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
			return h.cdaDocument(w, o, typ+"/"+id, kind, raw.Body)
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
func (h *Web) cdaDocument(w http.ResponseWriter, o *opened, ref, kind string, body []byte) error {
	doc, err := cda.Parse(body)
	if err != nil {
		return fault.E("web.file", err)
	}
	if inner, ok := doc.Body(); ok && len(inner.Data) > 0 && kind != "text/xml" {
		send(w, strings.ToLower(inner.ContentType), inner.Data)
		return nil
	}
	p := h.recordPage(o, string(view.Documents))
	n := doc.Narrative()
	letter := page.Letter{Title: n.Title, Back: o.base + "/documents#" + strings.ReplaceAll(ref, "/", "-")}
	for _, f := range n.Facts {
		letter.Head = append(letter.Head, view.Field{Label: f.Label, Text: f.Value})
	}
	for _, sec := range n.Sections {
		letter.Pages = append(letter.Pages, view.Passage{Title: sec.Title, Text: view.Narrative(sec.HTML)})
	}
	p.Letter = &letter
	p.Frame.Title = p.Banner.Name.Pro() + ", " + p.Heading()
	h.render(w, http.StatusOK, page.Record(p))
	return nil
}
