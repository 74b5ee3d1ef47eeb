package csvtofhir

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"selda/fault"
	"selda/fhir"
)

// maxMapping is the largest mapping file that is read, in bytes.
const maxMapping = 1 << 20

// ParseMapping reads a mapping file. An error names the line, and says what to
// write there instead.
func ParseMapping(file []byte) (*Mapping, error) {
	const op = "csvtofhir.ParseMapping"
	if len(file) > maxMapping {
		return nil, fault.E(op, fault.TooLong, "a mapping is larger than 1 MB")
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(file))
	if err := dec.Decode(&doc); err != nil {
		if err == io.EOF {
			return nil, fault.E(op, fault.Structure, "the mapping is empty: it begins with extract: and a name")
		}
		why, at := strings.TrimPrefix(err.Error(), "yaml: "), ""
		if line, rest, found := strings.Cut(why, ": "); found && strings.HasPrefix(line, "line ") {
			why, at = rest, line
		}
		return nil, fault.E(op, fault.Structure, "not well-formed YAML: "+why+"; mind the indentation, and put quotes around text with : or #", at)
	}
	p := &parser{m: &Mapping{empty: map[string]bool{}}, maps: map[string]map[string]string{}, known: map[string]int{}}
	p.file(doc.Content[0])
	if p.err != nil {
		return nil, p.err
	}
	return p.m, nil
}

// parser reads the parts of a mapping. The first mistake is kept, and what
// follows it is not looked at.
type parser struct {
	m     *Mapping
	maps  map[string]map[string]string
	known map[string]int // columns by name in lower case
	err   error
}

// wrong notes a mistake at a node.
func (p *parser) wrong(n *yaml.Node, what string) {
	if p.err == nil {
		p.err = fault.E("csvtofhir.ParseMapping", fault.Invalid, what, "line "+strconv.Itoa(n.Line))
	}
}

// entry is a word of a YAML mapping and what stands behind it.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// entries are the words of a node, each of which must be one of allowed (nil
// allows all) and stand once.
func (p *parser) entries(n *yaml.Node, what string, allowed []string) []entry {
	if n.Kind != yaml.MappingNode {
		p.wrong(n, what+" is written as words and values, one a line: name: value")
		return nil
	}
	var list []entry
	for i := 0; i+1 < len(n.Content) && p.err == nil; i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || v.Kind == yaml.AliasNode || v.Anchor != "":
			p.wrong(k, "plain words only: no anchors and references")
		case allowed != nil && !slices.Contains(allowed, k.Value):
			p.wrong(k, what+" has no "+strconv.Quote(short(k.Value))+": it may have "+strings.Join(allowed, ", "))
		case slices.ContainsFunc(list, func(e entry) bool { return e.name == k.Value }):
			p.wrong(k, strconv.Quote(short(k.Value))+" stands twice: take one away")
		}
		list = append(list, entry{k.Value, k, v})
	}
	return list
}

func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

func (p *parser) scalar(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" {
		p.wrong(n, what+" is one word or text")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// list is a list of texts, or one text alone.
func (p *parser) list(n *yaml.Node, what string) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{p.scalar(n, what)}
	}
	if n.Kind != yaml.SequenceNode {
		p.wrong(n, what+" is a list: [one, two]")
		return nil
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, p.scalar(c, what))
	}
	return out
}

func (p *parser) flag(n *yaml.Node, what string) bool {
	switch s := p.scalar(n, what); s {
	case "true":
		return true
	case "false":
	default:
		p.wrong(n, what+" is true or false")
	}
	return false
}

// column is the number of a named column.
func (p *parser) column(n *yaml.Node, name string) int {
	switch {
	case name == "":
		p.wrong(n, "a column's name is missing")
	case strings.ContainsAny(name, ";=|\n\r"):
		p.wrong(n, "a column's name may not hold ; = or |: the place of a value could not be written")
	}
	i, known := p.known[fold(name)]
	if !known {
		i = len(p.m.columns)
		p.known[fold(name)] = i
		p.m.columns = append(p.m.columns, name)
		p.m.required = append(p.m.required, false)
		p.m.optional = append(p.m.optional, false)
	}
	return i
}

func (p *parser) file(n *yaml.Node) {
	words := []string{"extract", "about", "full", "delimiter", "encoding", "dates", "empty", "required", "optional", "maps", "person", "rows", "totals"}
	list := p.entries(n, "the mapping", words)
	at := map[string]*yaml.Node{}
	for _, e := range list {
		at[e.name] = e.value
	}
	if p.err != nil {
		return
	}
	// What is referred to comes first, in whatever order it was written.
	for _, word := range words {
		if v := at[word]; v != nil && p.err == nil {
			p.word(word, v)
		}
	}
	switch {
	case p.err != nil:
	case p.m.Name == "":
		p.wrong(n, "the extract has no name: begin with extract: and a name such as gp-problems")
	case at["person"] == nil:
		p.wrong(n, "nothing says whom a row is about: add person: with nhs_number, local_id or a name")
	case p.m.Sidecar && p.m.trailer != nil:
		p.wrong(at["totals"], "the totals come in a trailer or in a sidecar file, not in both")
	}
	for i, name := range p.m.columns {
		if p.err == nil && p.m.optional[i] && p.m.required[i] {
			p.wrong(at["optional"], "the column "+name+" can't be both required and optional")
		}
	}
}

func (p *parser) word(word string, v *yaml.Node) {
	m := p.m
	switch word {
	case "extract":
		m.Name = p.scalar(v, "extract")
		if m.Name == "" || strings.Trim(m.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			p.wrong(v, "an extract's name has small letters, digits and hyphens")
		}
	case "about":
		m.About = p.scalar(v, "about")
	case "full":
		m.Full = p.flag(v, "full")
	case "delimiter":
		d, known := map[string]byte{"auto": 0, "comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|'}[p.scalar(v, "delimiter")]
		if !known {
			p.wrong(v, "delimiter is auto, comma, semicolon, tab or pipe")
		}
		m.delimiter = d
	case "encoding":
		switch s := fold(p.scalar(v, "encoding")); s {
		case "auto":
		case "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252":
			m.encoding = s
		default:
			p.wrong(v, "encoding is auto, utf-8, utf-16, utf-16le, utf-16be or windows-1252")
		}
	case "dates":
		m.dates = p.layouts(v)
	case "empty":
		for _, s := range p.list(v, "empty") {
			m.empty[fold(s)] = true
		}
	case "required":
		for _, s := range p.list(v, "required") {
			i := p.column(v, s)
			m.required[i] = true
		}
	case "optional":
		for _, s := range p.list(v, "optional") {
			i := p.column(v, s)
			m.optional[i] = true
		}
	case "person":
		p.person(v)
	case "maps":
		p.valueMaps(v)
	case "rows":
		p.rows(v)
	case "totals":
		p.totals(v)
	}
}

func (p *parser) layouts(v *yaml.Node) []layout {
	var out []layout
	for _, s := range p.list(v, "dates") {
		l := layout(s)
		if why := l.check(); why != "" {
			p.wrong(v, why)
		}
		out = append(out, l)
	}
	return out
}

func (p *parser) valueMaps(v *yaml.Node) {
	for _, e := range p.entries(v, "maps", nil) {
		values := map[string]string{}
		for _, one := range p.entries(e.value, "the map "+short(e.name), nil) {
			if _, twice := values[fold(one.name)]; twice {
				p.wrong(one.key, strconv.Quote(short(one.name))+" stands twice: capitals and small letters are the same")
			}
			values[fold(one.name)] = p.scalar(one.value, "the value")
		}
		p.maps[e.name] = values
	}
}

func (p *parser) person(v *yaml.Node) {
	who := &p.m.person
	who.nhsNumber, who.status, who.localID = -1, -1, -1
	for _, e := range p.entries(v, "person", []string{"nhs_number", "nhs_number_traced", "local_id", "authority", "set"}) {
		switch e.name {
		case "nhs_number":
			who.nhsNumber = p.column(e.value, p.scalar(e.value, "nhs_number"))
		case "local_id":
			who.localID = p.column(e.value, p.scalar(e.value, "local_id"))
		case "authority":
			who.authority = p.scalar(e.value, "authority")
			if strings.Trim(who.authority, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
				p.wrong(e.value, "an authority has letters, digits, dots and hyphens")
			}
		case "nhs_number_traced":
			c := p.condition(e.value, e.name)
			who.status, who.traced = c.column, c.values
		case "set":
			who.assertions = p.set("Patient", e.value)
		}
	}
	named := slices.ContainsFunc(who.assertions, func(a assertion) bool { return strings.HasPrefix(a.path, "name[0]") })
	if p.err == nil && who.nhsNumber < 0 && who.localID < 0 && !named {
		p.wrong(v, "a person needs nhs_number, local_id, or a name under set")
	}
}

// condition is {column: C, values: [a, b]}.
func (p *parser) condition(v *yaml.Node, what string) condition {
	c := condition{set: true, values: map[string]bool{}}
	for _, e := range p.entries(v, what, []string{"column", "values"}) {
		if e.name == "column" {
			c.column = p.column(e.value, p.scalar(e.value, "column"))
			continue
		}
		for _, s := range p.list(e.value, "values") {
			c.values[fold(s)] = true
		}
	}
	if len(v.Content) != 4 {
		p.wrong(v, what+" is written {column: NAME, values: [ONE, TWO]}")
	}
	return c
}

func (p *parser) rows(v *yaml.Node) {
	if v.Kind != yaml.SequenceNode {
		p.wrong(v, "rows is a list: each begins with - resource:")
		return
	}
	for _, n := range v.Content {
		var r rowResource
		var set *yaml.Node
		for _, e := range p.entries(n, "a row's resource", []string{"resource", "key", "when", "remove", "set"}) {
			switch e.name {
			case "resource":
				r.typ = p.scalar(e.value, "resource")
				if !fhir.IsResourceType(r.typ) {
					p.wrong(e.value, "there is no such resource in FHIR R4")
				}
			case "key":
				for _, s := range p.list(e.value, "key") {
					r.key = append(r.key, p.column(e.value, s))
				}
			case "when":
				r.when = p.condition(e.value, "when")
			case "remove":
				r.remove = p.condition(e.value, "remove")
			case "set":
				set = e.value
			}
		}
		switch {
		case p.err != nil:
			return
		case r.typ == "":
			p.wrong(n, "a row's resource needs resource: and a type such as Condition")
		case len(r.key) == 0:
			p.wrong(n, "a row's resource needs key: and the column or columns that identify the row, so that the next extract can change it")
		case set == nil:
			p.wrong(n, "a row's resource needs set: and its elements")
		default:
			r.assertions = p.set(r.typ, set)
			for _, name := range []string{"patient", "subject"} {
				if _, lists, ok := fhir.Element(r.typ, name); ok && !lists[0] {
					r.subject = name
				}
			}
			p.m.rows = append(p.m.rows, r)
		}
	}
}
