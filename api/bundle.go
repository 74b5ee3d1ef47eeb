package api

import (
	"encoding/json"
	"strconv"
	"time"

	"selda/fhir"
)

// bundle writes a Bundle without parsing what is in it.
type bundle struct {
	kind    string
	meta    fhir.Object // nil for none
	entries []byte

	identifier fhir.Object // of a document
	timestamp  time.Time
}

type entry struct {
	full     string
	resource []byte
	mode     string // match, include, outcome
	score    string // of a match, and its grade
	grade    string
	method   string
	url      string
	status   string
	location string
	etag     int
	outcome  []byte
	at       time.Time
}

type link struct{ relation, url string }

func newBundle(kind string) *bundle { return &bundle{kind: kind} }

func (b *bundle) add(e entry) {
	o := fhir.Object{"fullUrl": e.full}
	if e.resource != nil {
		o["resource"] = json.RawMessage(e.resource)
	}
	if e.mode != "" {
		by := fhir.Object{"mode": e.mode}
		if e.grade != "" {
			by["score"] = fhir.Decimal(e.score)
			by["extension"] = []fhir.Object{{"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": e.grade}}
		}
		o["search"] = by
	}
	if e.method != "" {
		o["request"] = fhir.Object{"method": e.method, "url": e.url}
	}
	if e.status != "" || e.etag != 0 {
		r := fhir.Object{"status": e.status, "location": e.location}
		if e.status == "" {
			r["status"] = "200 OK"
		}
		if e.etag != 0 {
			r["etag"] = `W/"` + strconv.Itoa(e.etag) + `"`
		}
		if e.outcome != nil {
			r["outcome"] = json.RawMessage(e.outcome)
		}
		if !e.at.IsZero() {
			r["lastModified"] = fhir.Instant(e.at)
		}
		o["response"] = r
	}
	if len(b.entries) > 0 {
		b.entries = append(b.entries, ',')
	}
	b.entries = append(b.entries, fhir.Marshal(o)...)
}

// bytes is the Bundle; total below 0 is left out.
func (b *bundle) bytes(total int, links []link) []byte {
	out := append(make([]byte, 0, len(b.entries)+256), `{"resourceType":"Bundle",`...)
	if b.meta != nil {
		out = append(append(append(out, `"meta":`...), fhir.Marshal(b.meta)...), ',')
	}
	if b.identifier != nil {
		out = append(append(append(out, `"identifier":`...), fhir.Marshal(b.identifier)...), ',')
		out = append(append(append(out, `"timestamp":"`...), fhir.Instant(b.timestamp)...), `",`...)
	}
	out = append(out, `"type":"`...)
	out = append(out, b.kind...)
	out = append(out, '"')
	if total >= 0 {
		out = append(out, `,"total":`...)
		out = strconv.AppendInt(out, int64(total), 10)
	}
	for i, l := range links {
		if i == 0 {
			out = append(out, `,"link":[`...)
		} else {
			out = append(out, ',')
		}
		out = append(out, fhir.Marshal(fhir.Object{"relation": l.relation, "url": l.url})...)
	}
	if len(links) > 0 {
		out = append(out, ']')
	}
	if len(b.entries) > 0 {
		out = append(out, `,"entry":[`...)
		out = append(out, b.entries...)
		out = append(out, ']')
	}
	return append(out, '}')
}

// rawJSON is JSON that stands in an object as it is.
func rawJSON(compact []byte) json.RawMessage { return json.RawMessage(compact) }
