package web

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// maxLines is how much of a message is shown.
const maxLines = 400

// origin shows the fields of the message that an item came from (G13). What is
// shown of it is access/origin's to say.
func (h *Web) origin(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.origin"
	typ, id := r.PathValue("type"), r.PathValue("item")
	o, err := h.open(r, s, "origin of "+typ+"/"+id)
	if err != nil {
		return err
	}
	item, ok := o.v.Find(typ, id)
	if !ok || h.Origins == nil {
		return fault.E(op, fault.NotFound, "there is no such item")
	}
	others, err := h.Records.OfMessage(r.Context(), o.v, item.Message)
	if err != nil {
		return fault.E(op, err)
	}
	from, err := h.Origins.Of(r.Context(), o.v, item, others)
	if err != nil {
		return fault.E(op, err)
	}
	row, _ := o.rec.Find(typ + "/" + id)
	p := h.recordPage(o, string(row.Section))
	p.Origin = &page.Origin{Item: title(row, item), Source: h.Name(from.Source), Received: view.ParseDate(item.Recorded.Format(time.RFC3339)), Format: formats[from.Format],
		Place: from.Place, Back: back(o, row)}
	for _, e := range from.Elements {
		p.Origin.Fields = append(p.Origin.Fields, page.OriginField{Element: elementWords(e.Name), Place: e.Place, Value: e.Value})
	}
	for _, l := range from.Lines[:min(len(from.Lines), maxLines)] {
		line := page.Line{Text: l.Text, Marks: l.Marks}
		if from.Format == ingest.FHIR { // where the whole is the item, a mark says nothing
			line.Marks = nil
		}
		p.Origin.Lines = append(p.Origin.Lines, line)
	}
	p.Frame.Title = p.Banner.Name.Pro() + ", Origin of " + p.Origin.Item
	h.render(w, http.StatusOK, page.Record(p))
	return nil
}

var formats = map[string]string{ingest.HL7v2: "HL7 v2", ingest.FHIR: "FHIR", ingest.CDA: "CDA", ingest.CSV: "CSV"}

func title(row view.Item, item record.Item) string {
	if row.Title != "" {
		return row.Title
	}
	return view.Label(item.Type)
}

// back is the row that the origin was opened from.
func back(o *opened, row view.Item) string {
	if row.Section == "" {
		return o.base
	}
	return o.base + "/" + string(row.Section) + "#" + strings.ReplaceAll(row.Ref, "/", "-")
}

// elementWords is a path in a resource for people: "value quantity, value".
func elementWords(path string) string {
	var out []string
	for part := range strings.SplitSeq(path, ".") {
		name, _, _ := strings.Cut(part, "[")
		switch {
		case name == "coding":
			continue
		case name == "code" && len(out) > 0:
			out = append(out, "code")
		default:
			out = append(out, strings.ToLower(view.Label(name)))
		}
	}
	return strings.Join(out, ", ")
}

// marked is text in lines, with what is between two offsets marked. Lines end
// in LF, in CR LF, or, in HL7 v2, in CR alone.
func marked(text []byte, from, to int) []page.Line {
	var lines []page.Line
	for at := 0; at <= len(text); {
		n := bytes.IndexAny(text[at:], "\r\n")
		end, next := len(text), len(text)+1
		if n >= 0 {
			end, next = at+n, at+n+1
			if text[end] == '\r' && next < len(text) && text[next] == '\n' {
				next++
			}
		}
		l := page.Line{Text: string(text[at:end])}
		if a, b := max(from, at), min(to, end); a < b {
			l.Marks = [][2]int{{a - at, b - at}}
		}
		if next <= len(text) || end > at {
			lines = append(lines, l)
		}
		at = next
	}
	return lines
}

// walk follows a path such as "entry[12].resource.code.coding[0].code".
func walk(n fhir.Node, path string) fhir.Node {
	if path == "" {
		return n
	}
	for part := range strings.SplitSeq(path, ".") {
		name, index, listed := strings.Cut(part, "[")
		n = n.Get(name)
		if listed {
			n = n.Get(strings.TrimSuffix(index, "]"))
		}
	}
	return n
}
