package api

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

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
	out := b.entries
	if len(out) > 0 {
		out = append(out, ',')
	}
	w := members{append(out, '{')}
	if e.full != "" {
		w.text("fullUrl", e.full)
	}
	if e.resource != nil {
		w.raw("resource", e.resource)
	}
	if e.mode != "" {
		w.name("search")
		by := members{append(w.out, '{')}
		if e.grade != "" {
			by.raw("extension", fhir.Marshal(fhir.Object{"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": e.grade}), '[', ']')
		}
		by.text("mode", e.mode)
		if e.grade != "" {
			by.raw("score", []byte(e.score))
		}
		w.out = append(by.out, '}')
	}
	if e.method != "" {
		w.raw("request", fhir.Marshal(fhir.Object{"method": e.method, "url": e.url}))
	}
	if e.status != "" || e.etag != 0 {
		w.name("response")
		w.out = append(e.response(w.out), '}')
	}
	b.entries = append(w.out, '}')
}

// response is what an entry was answered with, but for its last bracket.
func (e *entry) response(out []byte) []byte {
	w := members{append(out, '{')}
	status := e.status
	if status == "" {
		status = "200 OK"
	}
	w.text("status", status)
	if e.location != "" {
		w.text("location", e.location)
	}
	if e.etag != 0 {
		w.text("etag", `W/"`+strconv.Itoa(e.etag)+`"`)
	}
	if !e.at.IsZero() {
		w.text("lastModified", fhir.Instant(e.at))
	}
	if e.outcome != nil {
		w.raw("outcome", e.outcome)
	}
	return w.out
}

// nameless is the fullUrl of a resource that no server has: the same for the same
// words. https://hl7.org/fhir/R4/bundle.html#uris
func nameless(words string) string {
	h := sha256.Sum256([]byte(words))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // a UUID of the maker's own kind, RFC 9562
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// members writes the members of an object, one after the other: what is in an
// entry was JSON before, and is not read again.
type members struct{ out []byte }

func (m *members) name(name string) {
	if m.out[len(m.out)-1] != '{' {
		m.out = append(m.out, ',')
	}
	m.out = append(append(append(m.out, '"'), name...), '"', ':')
}

func (m *members) text(name, value string) {
	m.name(name)
	m.out, _ = jsontext.AppendQuote(m.out, value)
}

func (m *members) raw(name string, compact []byte, around ...byte) {
	m.name(name)
	if len(around) == 2 {
		m.out = append(append(append(m.out, around[0]), compact...), around[1])
		return
	}
	m.out = append(m.out, compact...)
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
