// Package translate adds to the codings of a message what concept maps have for
// them in SNOMED CT, and tells which codes found no map. The source's own coding
// stays as it was and where it was; the added one stands behind it, is marked
// with the map that it comes from, and has the same origin in the message. A
// concept that a source has coded in SNOMED CT itself is left alone.
package translate

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"selda/fhir"
	"selda/ingest/mapped"
	"selda/terminology"
)

// Extension marks a coding that was added, with the URL of the concept map.
const Extension = "https://selda.example/StructureDefinition/concept-map"

// whole are the types whose content is not a statement of the source about
// somebody: documents that are kept as they are, and definitions.
var whole = map[string]bool{"Bundle": true, "Binary": true, "Parameters": true, "ValueSet": true, "CodeSystem": true, "ConceptMap": true, "StructureDefinition": true,
	"SearchParameter": true, "CapabilityStatement": true, "OperationDefinition": true, "Questionnaire": true, "Library": true, "Measure": true, "PlanDefinition": true, "ActivityDefinition": true}

// Message translates the resources of a message.
func Message(m *mapped.Message, c *terminology.Codings) {
	for i := range m.Resources {
		r := &m.Resources[i]
		if len(r.Body) == 0 || whole[r.Type] {
			continue
		}
		added, missing := find(r.Body, c)
		m.Untranslated = append(m.Untranslated, missing...)
		if len(added) > 0 {
			r.Origins = append(r.Origins[:len(r.Origins):len(r.Origins)], origins(r.Body, r.Origins, added)...)
			r.Body = insert(r.Body, added)
		}
	}
}

// addition is a coding to be added to a list of codings.
type addition struct {
	at   int // where the list ends in the text
	from int // which of the list it is a translation of
	n    int // how many the list has
	text []byte
}

var list = []byte(`"coding":[`)

// find looks through the lists of codings of a resource. In compact JSON the
// name can't stand inside a string: its quotes are escaped there.
func find(body []byte, c *terminology.Codings) (added []addition, missing []mapped.Code) {
	for at := 0; ; {
		i := bytes.Index(body[at:], list)
		if i < 0 {
			return added, missing
		}
		at += i + len(list)
		codings, end := elements(body, at)
		if end < 0 {
			return added, missing
		}
		if a, m := translated(codings, c); a != nil {
			a.at = end
			added = append(added, *a)
		} else {
			missing = append(missing, m...)
		}
		at = end
	}
}

// elements are the objects of the list that begins at i, and where it ends; -1
// where it does not.
func elements(body []byte, i int) (list [][]byte, end int) {
	depth, from := 0, i
	for ; i < len(body); i++ {
		switch body[i] {
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if depth == 0 {
				from = i
			}
			depth++
		case '}':
			if depth--; depth == 0 {
				list = append(list, body[from:i+1])
			}
		case ']':
			if depth == 0 {
				return list, i
			}
			depth--
		}
	}
	return nil, -1
}

// translated is what is to be added to a concept's codings; nil where nothing
// is: then, where that is for want of a map, its codes are told.
func translated(codings [][]byte, c *terminology.Codings) (*addition, []mapped.Code) {
	var missing []mapped.Code
	var found *addition
	for i, coding := range codings {
		system, code, display := parts(coding)
		switch {
		case system == terminology.SNOMED:
			return nil, nil
		case code == "" || found != nil:
			continue
		}
		if to, by := c.To(system, code); by != "" {
			found = &addition{from: i, n: len(codings), text: fhir.Marshal(fhir.Object{"system": to.System, "code": to.Code, "display": to.Display,
				"extension": []fhir.Object{{"url": Extension, "valueUri": by}}})}
		} else if system == "" || c.Expects(system) || mapped.IsLocal(system) {
			missing = append(missing, mapped.Code{System: system, Code: code, Display: display})
		}
	}
	return found, missing
}

func parts(coding []byte) (system, code, display string) {
	for name, value := range fhir.Members(coding) {
		switch name {
		case "system":
			system = text(value)
		case "code":
			code = text(value)
		case "display":
			display = text(value)
		}
	}
	return system, code, display
}

func text(value []byte) string {
	if bytes.IndexByte(value, '\\') < 0 {
		return string(bytes.Trim(value, `"`))
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// insert puts additions into the text, each at the end of its list.
func insert(body []byte, added []addition) []byte {
	out := make([]byte, 0, len(body)+256*len(added))
	last := 0
	for _, a := range added {
		out = append(out, body[last:a.at]...)
		out = append(out, ',')
		out = append(out, a.text...)
		last = a.at
	}
	return append(out, body[last:]...)
}

// origins are those of the codes that were added: the places that the codes
// they are translations of come from.
func origins(body []byte, have []mapped.Origin, added []addition) []mapped.Origin {
	if len(have) == 0 {
		return nil
	}
	var out []mapped.Origin
	for i, path := range paths(body, added) {
		a := added[i]
		for _, o := range have {
			if plain(o.Element) == plain(path+"["+strconv.Itoa(a.from)+"].code") {
				out = append(out, mapped.Origin{Element: path + "[" + strconv.Itoa(a.n) + "].code", Place: o.Place})
				break
			}
		}
	}
	return out
}

// plain is an element's path with what may be left out left out: the index of
// the first of a list.
func plain(path string) string { return strings.ReplaceAll(path, "[0]", "") }

// paths are the elements that the lists of additions are: "code.coding".
func paths(body []byte, added []addition) []string {
	type level struct {
		name  string // of the member that is being read
		list  bool
		index int
	}
	var open []level
	var out []string
	for i := 0; i < len(body) && len(out) < len(added); i++ {
		if i == added[len(out)].at {
			var b strings.Builder
			for k, l := range open {
				switch {
				case l.list && k < len(open)-1: // the list itself is what is named
					b.WriteString("[" + strconv.Itoa(l.index) + "]")
				case !l.list && k > 0 && b.Len() > 0:
					b.WriteString("." + l.name)
				case !l.list:
					b.WriteString(l.name)
				}
			}
			out = append(out, b.String())
		}
		switch body[i] {
		case '{':
			open = append(open, level{})
		case '[':
			open = append(open, level{list: true})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			if n := len(open); n > 0 {
				open[n-1].index++
			}
		case '"':
			from := i + 1
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			if n := len(open); n > 0 && !open[n-1].list && i+1 < len(body) && body[i+1] == ':' {
				open[n-1].name = string(body[from:i])
			}
		}
	}
	return out
}
