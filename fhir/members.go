package fhir

import (
	"bytes"
	"iter"
	"slices"
	"time"
)

// Members walks the top level of a compact JSON object: each name with its
// value as it stands in the text. The bytes must be valid JSON.
func Members(compact []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		i := 1
		for i < len(compact) && compact[i] == '"' {
			nameEnd := i + 1 + stringEnd(compact[i+1:])
			name := compact[i+1 : nameEnd-1]
			start := nameEnd + 1 // the colon
			end := valueEnd(compact, start)
			if end < 0 || !yield(string(name), compact[start:end]) {
				return
			}
			i = end + 1 // the comma
		}
	}
}

// stringEnd is the length of a string's text and its closing quote.
func stringEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// valueEnd is where the value that begins at i ends; -1 where the text is cut off.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i += 1 + stringEnd(b[i+1:])
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around it
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// Without is the object without some of its members.
func Without(compact []byte, names ...string) []byte {
	out := make([]byte, 0, len(compact))
	out = append(out, '{')
	for name, value := range Members(compact) {
		drop := false
		for _, n := range names {
			drop = drop || n == name
		}
		if !drop {
			out = appendMember(out, name, value)
		}
	}
	return append(out, '}')
}

func appendMember(out []byte, name string, value []byte) []byte {
	return append(appendKey(out, name), value...)
}

func appendKey(out []byte, name string) []byte {
	if len(out) > 1 && out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	out = append(append(out, '"'), name...)
	return append(out, '"', ':')
}

// Overlay is base with the members of top put over it. Members named in deep
// that are objects in both are overlaid in their turn.
func Overlay(base, top []byte, deep ...string) []byte {
	below := map[string][]byte{}
	for name, value := range Members(base) {
		below[name] = value
	}
	out := append(make([]byte, 0, len(base)+len(top)), '{')
	have := map[string]bool{}
	for name, value := range Members(top) {
		have[name] = true
		if b := below[name]; slices.Contains(deep, name) && len(b) > 0 && b[0] == '{' && value[0] == '{' {
			value = Overlay(b, value)
		}
		out = appendMember(out, name, value)
	}
	for name, value := range Members(base) {
		if !have[name] {
			out = appendMember(out, name, value)
		}
	}
	return append(out, '}')
}

// Bare is a resource as it is stored: without the id and the meta elements
// that a server gives (versionId, lastUpdated).
// https://hl7.org/fhir/R4/resource.html#Meta
func Bare(compact []byte) []byte {
	out := append(make([]byte, 0, len(compact)), '{')
	for name, value := range Members(compact) {
		switch name {
		case "id":
			continue
		case "meta":
			if value = Without(value, "versionId", "lastUpdated"); len(value) == 2 {
				continue
			}
		}
		out = appendMember(out, name, value)
	}
	return append(out, '}')
}

// Dress is a bare resource as a server gives it: with its id and with meta's
// versionId and lastUpdated. It is made of every resource that is read: what
// lies between the members that change is copied as it stands.
func Dress(bare []byte, id, version string, updated time.Time) []byte {
	out := append(make([]byte, 0, len(bare)+len(id)+len(version)+96), '{')
	var typ, meta []byte
	var kept [4]struct{ from, to int } // runs of members that stay: at most three do not
	runs, inRun := 0, false
	for i := 1; i < len(bare) && bare[i] == '"'; {
		nameEnd := i + 1 + stringEnd(bare[i+1:])
		end := valueEnd(bare, nameEnd+1)
		if end < 0 {
			break
		}
		stays := false
		switch name := bare[i+1 : nameEnd-1]; {
		case string(name) == "resourceType":
			typ = bare[nameEnd+1 : end]
		case string(name) == "meta":
			meta = bare[nameEnd+1 : end]
		case string(name) != "id":
			stays = true
		}
		if stays && !inRun && runs < len(kept) {
			kept[runs].from = i
			runs++
		}
		if stays {
			kept[runs-1].to = end
		}
		inRun = stays
		i = end + 1
	}
	if typ != nil {
		out = appendMember(out, "resourceType", typ)
	}
	out = append(appendKey(out, "id"), '"')
	out = append(append(out, id...), '"')
	out = append(appendKey(out, "meta"), `{"versionId":"`...)
	out = append(append(out, version...), `","lastUpdated":"`...)
	out = append(updated.UTC().AppendFormat(out, instant), '"')
	for name, value := range Members(meta) {
		out = appendMember(out, name, value)
	}
	out = append(out, '}')
	for _, run := range kept[:runs] {
		out = append(append(out, ','), bare[run.from:run.to]...)
	}
	return append(out, '}')
}

// Instant is a time as FHIR writes an instant, to the millisecond, in UTC.
func Instant(t time.Time) string { return t.UTC().Format(instant) }

const instant = "2006-01-02T15:04:05.000Z"

// Time reads a FHIR date, dateTime or instant; what is left out is the
// earliest it may be. ok is false where s is none of them. A time without a
// zone does not occur in FHIR and is not read.
func Time(s string) (t time.Time, ok bool) {
	layout := "2006-01-02T15:04:05.999999999Z07:00"
	switch len(s) {
	case len("2006"):
		layout = "2006"
	case len("2006-01"):
		layout = "2006-01"
	case len("2006-01-02"):
		layout = "2006-01-02"
	case len("2006-01-02T15:04Z"), len("2006-01-02T15:04+00:00"):
		if s[16] != ':' {
			layout = "2006-01-02T15:04Z07:00"
		}
	}
	t, err := time.Parse(layout, s)
	return t, err == nil
}

// RewriteReferences gives each Reference.reference, and each Attachment.url
// that names a resource, to f, and puts what it answers in its place. In
// compact JSON these names can't stand inside a string: its quotes are escaped.
func RewriteReferences(compact []byte, f func(ref string) string) []byte {
	out := compact[:0:0]
	rest := compact
	for {
		i, mark := nextReference(rest)
		if i < 0 {
			break
		}
		start := i + len(mark)
		end := start + stringEnd(rest[start:]) - 1
		old := string(rest[start:end])
		if !bytes.ContainsRune(rest[start:end], '\\') {
			if now := f(old); now != old {
				out = append(out, rest[:start]...)
				out = append(out, appendString(nil, now)[1:]...)
				rest = rest[end+1:]
				continue
			}
		}
		out = append(out, rest[:end+1]...)
		rest = rest[end+1:]
	}
	if out == nil {
		return compact
	}
	return append(out, rest...)
}

var referenceMark, urlMark = []byte(`"reference":"`), []byte(`"url":"`)

func nextReference(b []byte) (int, []byte) {
	i := bytes.Index(b, referenceMark)
	j := bytes.Index(b, urlMark)
	for j >= 0 && (i < 0 || j < i) {
		v := b[j+len(urlMark):]
		if bytes.HasPrefix(v, []byte("urn:uuid:")) || bytes.HasPrefix(v, []byte("Binary/")) {
			return j, urlMark
		}
		k := bytes.Index(v, urlMark)
		if k < 0 {
			break
		}
		j += len(urlMark) + k
	}
	return i, referenceMark
}
