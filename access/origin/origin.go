// Package origin shows where an item came from: the raw message with the
// field marked, as far as the reader may see it (G13). It opens nothing by
// itself: the item must be in the reader's View, and of the message only what
// that item, and other items that the reader may see, were read from is shown.
// What is not shown is left out without a trace: no gap, no count, no index.
package origin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"selda/access/record"
	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/csvtofhir"
	"selda/ingest/mapped"
	"selda/nhs"
	"selda/store"
)

// Raws is the port to raw messages.
type Raws interface {
	Read(id store.MessageID) (*ingest.Raw, error)
}

// Origin is where one version of an item came from.
type Origin struct {
	Message  store.MessageID
	Source   nhs.Source
	Format   string
	Received string // FHIR instant
	File     string
	Place    string // of the item, without indexes
	Elements []Element
	Lines    []Line
}

// Element is one element of the item with the field that it was read from.
type Element struct {
	Name  string // path in the resource: "valueQuantity.value"
	Place string // "OBX-5"
	Value string // what stands there, decoded
}

// Line is one line of the message as it is shown.
type Line struct {
	Text  string
	Marks [][2]int // spans of Text that the item was read from
}

// Origins shows origins.
type Origins struct {
	Raws Raws
}

// Of shows where a version of an item of the View came from. others are the
// versions of the same message that the same Grant shows.
func (o *Origins) Of(ctx context.Context, v *record.View, item record.Item, others []*store.Version) (*Origin, error) {
	const op = "origin.Of"
	if _, ok := v.Find(item.Type, item.ID); !ok {
		return nil, fault.E(op, fault.NotFound, "there is no such item")
	}
	raw, err := o.Raws.Read(item.Message)
	if err != nil {
		return nil, fault.E(op, fault.NotFound, "the raw message is not there")
	}
	place, origins := ingest.DecodeOrigins(item.Origin)
	out := &Origin{Message: item.Message, Source: raw.Source, Format: raw.Format, Received: fhir.Instant(raw.Received), File: raw.Name, Place: ingest.WithoutIndexes(place)}
	restricted := v.Person.Restricted
	switch raw.Format {
	case ingest.HL7v2:
		err = out.v2(raw.Body, place, origins, others, restricted)
	case ingest.CDA:
		err = out.cda(raw.Body, place, origins, restricted && record.TellsPlaces(item.Type))
	case ingest.CSV:
		out.csv(raw, origins, restricted)
	default:
		body, within := lineOf(raw.Body, place)
		var placed string
		if restricted {
			placed = item.Type
		}
		err = out.fhir(body, within, placed)
	}
	return out, err
}

// isPlace says whether an element, by its path, tells where somebody lives, or can
// be reached or met.
func isPlace(element string) bool {
	if strings.HasPrefix(element, "contact") {
		return true
	}
	for name := range strings.SplitSeq(element, ".") {
		name, _, _ = strings.Cut(name, "[")
		if record.IsPlace(name) {
			return true
		}
	}
	return false
}

// hiddenPlaces are the fields that a restricted citizen's message does not show.
var hiddenPlaces = []string{"PID-11", "PID-12", "PID-13", "PID-14", "PID-23", "PID-40", "NK1-4", "NK1-5", "NK1-6", "NK1-13", "NK1-31", "NK1-32", "PD1-3", "PD1-4", "PD1-8", "PV1-3", "PV1-6", "PV1-11", "PV1-37", "PV1-39", "PV1-42", "PV1-43",
	"PV2-1", "PV2-23", "GT1-5", "GT1-6", "GT1-7", "IN1-5", "IN1-7", "IN1-19", "ORC-13", "ORC-22", "ORC-23", "ORC-24", "SCH-9", "AIL-3", "AIL-4", "RGS-3", "ROL-11", "ROL-12", "PRD-3", "PRD-4", "PRD-5", "CTD-3", "CTD-4", "CTD-5", "TXA-24"}

// v2 shows the segments that visible items were read from, the header aside.
func (o *Origin) v2(body []byte, place string, origins []mapped.Origin, others []*store.Version, restricted bool) error {
	m, err := hl7v2.Parse(body)
	if err != nil {
		return err
	}
	shown := map[int]bool{0: true}
	show := func(p string) {
		if v, ok := m.At(p); ok {
			shown[v.Segment().Index()] = true
		}
	}
	for _, x := range others {
		p, list := ingest.DecodeOrigins(x.Origin)
		show(p)
		for _, e := range list {
			show(e.Place)
		}
	}
	show(place)
	marks := map[int][][2]int{}
	for _, e := range origins {
		v, ok := m.At(e.Place)
		if !ok || restricted && hiddenField(e.Place) {
			continue
		}
		i := v.Segment().Index()
		shown[i] = true
		start, end := v.SpanInSegment()
		marks[i] = append(marks[i], [2]int{start, end})
		o.Elements = append(o.Elements, Element{Name: e.Element, Place: ingest.WithoutIndexes(e.Place), Value: short(v.Text())})
	}
	for i := range m.Len() {
		if !shown[i] {
			continue
		}
		s := m.Segment(i)
		line := Line{Text: s.Text(), Marks: tidy(marks[i])}
		if restricted && s.Name() != "MSH" {
			line = Line{Text: withoutPlaces(m, s)}
		}
		o.Lines = append(o.Lines, clip(line))
	}
	return nil
}

func hiddenField(place string) bool {
	p := ingest.WithoutIndexes(place)
	return slices.ContainsFunc(hiddenPlaces, func(h string) bool { return p == h || strings.HasPrefix(p, h+".") })
}

// withoutPlaces is a segment with the fields that tell where someone lives left empty.
func withoutPlaces(m *hl7v2.Message, s hl7v2.Segment) string {
	text := s.Text()
	for _, h := range slices.Backward(hiddenPlaces) {
		name, field, _ := strings.Cut(h, "-")
		n, _ := strconv.Atoi(field)
		if name != s.Name() {
			continue
		}
		if start, end := s.Field(n).SpanInSegment(); end > start && end <= len(text) {
			text = text[:start] + text[end:]
		}
	}
	return text
}

// cda shows the element that the item was read from, each on its own line.
func (o *Origin) cda(body []byte, place string, origins []mapped.Origin, withoutPlaces bool) error {
	d, err := cda.Parse(body)
	if err != nil {
		return err
	}
	at, ok := d.At(place)
	if !ok {
		return fault.E("origin.cda", fault.NotFound, "the place is not in the document", place)
	}
	text := d.Text[at.Start:at.End]
	var marks [][2]int
	for _, e := range origins {
		v, ok := d.At(e.Place)
		if !ok || withoutPlaces && isPlace(e.Element) {
			continue
		}
		o.Elements = append(o.Elements, Element{Name: e.Element, Place: ingest.WithoutIndexes(e.Place), Value: short(v.Text)})
		if v.Start >= at.Start && v.End <= at.End && place != cda.Root {
			marks = append(marks, [2]int{v.Start - at.Start, v.End - at.Start})
		}
	}
	if withoutPlaces {
		return nil // what surrounds the fields tells the address, too
	}
	if place == cda.Root {
		return nil // the whole document: the page shows it as it was written
	}
	o.Lines = split(string(text), tidy(marks))
	return nil
}

// csv shows the row as one line a column.
func (o *Origin) csv(raw *ingest.Raw, origins []mapped.Origin, restricted bool) {
	if raw.Row == 0 {
		return
	}
	o.Place = "row " + strconv.Itoa(raw.Row)
	for _, e := range origins {
		v, ok := csvtofhir.At(raw.Body, raw.Row, e.Place)
		if !ok || restricted && isPlace(e.Element) {
			continue
		}
		_, column, _ := strings.Cut(e.Place, ", column ")
		o.Elements = append(o.Elements, Element{Name: e.Element, Place: e.Place, Value: short(v.Text)})
		text := cmp.Or(column, e.Place) + ": " + v.Text
		line := Line{Text: text, Marks: [][2]int{{len(text) - len(v.Text), len(text)}}}
		if !slices.ContainsFunc(o.Lines, func(l Line) bool { return l.Text == text }) {
			o.Lines = append(o.Lines, line)
		}
	}
}

// fhir shows the resource as it stood in the Bundle, laid out for reading.
// placed is its type, where it is to be shown without places.
func (o *Origin) fhir(body []byte, place, placed string) error {
	compact, err := fhirJSON(body)
	if err != nil {
		return err
	}
	text := jsontext.Value(compact)
	if place != "" {
		part, ok := at(compact, place)
		if !ok {
			return fault.E("origin.fhir", fault.NotFound, "the place is not in the Bundle", place)
		}
		text = part
	}
	text = slices.Clone(text)
	if placed != "" {
		text = slices.Clone(jsontext.Value(record.Placeless(placed, text)))
	}
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return fault.E("origin.fhir", fault.Structure, "the resource can't be laid out")
	}
	for l := range strings.SplitSeq(string(text), "\n") {
		o.Lines = append(o.Lines, clip(Line{Text: l, Marks: [][2]int{{0, len(l)}}}))
	}
	return nil
}

func fhirJSON(body []byte) ([]byte, error) {
	if fhir.IsXML(body) {
		j, err := fhir.FromXML(body)
		if err != nil {
			return nil, err
		}
		body = j
	}
	return fhir.Compact(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
}

// at finds "entry[3].resource.entry[1].resource" in compact JSON. A place that
// names an entry alone means its resource.
func at(compact []byte, place string) (jsontext.Value, bool) {
	var node json.RawMessage = compact
	if strings.HasSuffix(place, "]") {
		place += ".resource"
	}
	for part := range strings.SplitSeq(place, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		found := false
		for k, v := range fhir.Members(node) {
			if k == name {
				node, found = v, true
				break
			}
		}
		if !found {
			return nil, false
		}
		if indexed {
			n, err := strconv.Atoi(index)
			var list []json.RawMessage
			if err != nil || json.Unmarshal(node, &list) != nil || n >= len(list) {
				return nil, false
			}
			node = list[n]
		}
	}
	return jsontext.Value(node), true
}

// tidy sorts marks and takes those out that lie in another.
func tidy(marks [][2]int) [][2]int {
	slices.SortFunc(marks, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(b[1], a[1])) })
	var out [][2]int
	for _, m := range marks {
		if len(out) > 0 && m[0] < out[len(out)-1][1] {
			continue
		}
		out = append(out, m)
	}
	return out
}

// split takes marked text apart into lines.
func split(text string, marks [][2]int) []Line {
	var out []Line
	start := 0
	for l := range strings.SplitSeq(text, "\n") {
		line := Line{Text: strings.TrimRight(l, "\r")}
		for _, m := range marks {
			from, to := max(m[0]-start, 0), min(m[1]-start, len(line.Text))
			if from < to {
				line.Marks = append(line.Marks, [2]int{from, to})
			}
		}
		out = append(out, clip(line))
		start += len(l) + 1
	}
	return out
}

const longest = 4000

// clip keeps an embedded document from filling the page.
func clip(l Line) Line {
	if len(l.Text) <= longest {
		return l
	}
	cut := longest
	for cut > 0 && l.Text[cut]&0xC0 == 0x80 {
		cut--
	}
	out := Line{Text: l.Text[:cut] + " …"}
	for _, m := range l.Marks {
		if m[1] <= cut {
			out.Marks = append(out.Marks, m)
		} else if m[0] < cut {
			out.Marks = append(out.Marks, [2]int{m[0], cut})
		}
	}
	return out
}

func short(s string) string {
	if len(s) <= 300 {
		return s
	}
	cut := 300
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + " …"
}
