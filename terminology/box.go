package terminology

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"selda/fault"
	"selda/fhir"
	"selda/terminology/index"
)

// box is the code systems, value sets and concept maps of FHIR R4. Made by
// internal/termgen.
//
//go:embed r4.box
var box []byte

// R4 is the library of FHIR R4's own terminology, which lies in the binary.
var R4 Library = inTheBox

var inTheBox = &packed{open: sync.OnceValues(func() (*contents, error) { return openBox(box) })}

// Resource is a code system, value set or concept map of R4's own as it lies in
// the binary, without what is said for people, by its URL or by the end of it,
// its id; nil where R4 has none such.
func Resource(typ, id, url string) (*fhir.Resource, error) {
	c, err := inTheBox.open()
	if err != nil {
		return nil, err
	}
	e := c.entries[typ+" "+url]
	if url == "" {
		for name, other := range c.entries {
			if strings.HasPrefix(name, typ+" ") && strings.HasSuffix(name, "/"+id) && (e == nil || other.url < e.url) {
				e = other
			}
		}
	}
	if e == nil {
		return nil, nil
	}
	return c.resource(e.deflated)
}

// A box is a length and a list of what is in it, deflated; then the words that
// resources have in common; then each resource, deflated with these as its
// dictionary, so that one is read without the others.

// maxShared is the longest dictionary that deflate takes.
const maxShared = 32 << 10

// PackBox makes a box of terminology resources.
func PackBox(resources [][]byte) ([]byte, error) {
	const op = "terminology.PackBox"
	shared := sharedWords(resources)
	var list strings.Builder
	var body bytes.Buffer
	body.Write(shared)
	for _, raw := range resources {
		r, err := ReadResource(raw)
		if err != nil {
			return nil, err
		}
		at := body.Len()
		if err := deflate(&body, raw, shared); err != nil {
			return nil, fault.E(op, fault.Exception, err)
		}
		var from []string
		for _, g := range r.Root().List("group") {
			from = append(from, g.Get("source").Text())
		}
		fmt.Fprintf(&list, "%s\t%s\t%s\t%d\t%d\t%s\n", r.Type, r.Get("url").Text(), r.Get("version").Text(), at, body.Len()-at, strings.Join(from, " "))
	}
	var head bytes.Buffer
	if err := deflate(&head, []byte(list.String()), nil); err != nil {
		return nil, fault.E(op, fault.Exception, err)
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(head.Len()))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(shared)))
	return append(append(out, head.Bytes()...), body.Bytes()...), nil
}

// sharedWords is a sample of the resources: the beginning of every few.
func sharedWords(resources [][]byte) []byte {
	var out []byte
	step := max(1, len(resources)/60)
	for i := 0; i < len(resources); i += step {
		out = append(out, resources[i][:min(len(resources[i]), maxShared/60)]...)
	}
	return out[max(0, len(out)-maxShared):]
}

func deflate(w io.Writer, b, shared []byte) error {
	f, err := flate.NewWriterDict(w, flate.BestCompression, shared)
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Close()
	}
	return err
}

// packed is a library in a box.
type packed struct {
	open func() (*contents, error)
}

// contents is what a box has, and what of it has been read.
type contents struct {
	body    []byte
	shared  []byte
	entries map[string]*entry // by type and URL
	maps    []*entry
}

type entry struct {
	url, version string
	from         []string // source systems, of a concept map
	deflated     []byte
	read         func() (any, error)
}

func openBox(b []byte) (*contents, error) {
	if len(b) < 8 {
		return nil, errBox
	}
	head, shared := uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:]))
	if 8+head+shared > uint64(len(b)) {
		return nil, errBox
	}
	list, err := io.ReadAll(flate.NewReader(bytes.NewReader(b[8 : 8+head])))
	if err != nil {
		return nil, errBox
	}
	c := &contents{body: b[8+head:], entries: make(map[string]*entry, 2300)}
	c.shared = c.body[:shared]
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 {
			return nil, errBox
		}
		at, _ := strconv.Atoi(f[3])
		n, _ := strconv.Atoi(f[4])
		if at < 0 || n < 0 || at+n > len(c.body) {
			return nil, errBox
		}
		e := &entry{url: f[1], version: f[2], deflated: c.body[at : at+n], read: sync.OnceValues(func() (any, error) { return c.parse(c.body[at : at+n]) })}
		if f[0] == "ConceptMap" {
			e.from = strings.Fields(f[5])
			c.maps = append(c.maps, e)
		}
		c.entries[f[0]+" "+e.url] = e
	}
	return c, nil
}

var errBox = fault.E("terminology.R4", fault.Exception, "the terminology in the binary is broken: build it again")

func (c *contents) resource(deflated []byte) (*fhir.Resource, error) {
	raw, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(deflated), c.shared))
	if err != nil {
		return nil, fault.E("terminology.R4", fault.Exception, err)
	}
	return fhir.ParseTrusted(raw)
}

func (c *contents) parse(deflated []byte) (any, error) {
	r, err := c.resource(deflated)
	if err != nil {
		return nil, err
	}
	switch r.Type {
	case "CodeSystem":
		return CodeSystem(r)
	case "ValueSet":
		return ParseValueSet(r), nil
	}
	return ParseConceptMap(r), nil
}

// find reads the resource of a type and URL, where it is of that version.
func (p *packed) find(typ, url, version string) (any, error) {
	c, err := p.open()
	if err != nil {
		return nil, err
	}
	e := c.entries[typ+" "+url]
	if e == nil || version != "" && version != e.version {
		return nil, nil
	}
	return e.read()
}

func (p *packed) CodeSystem(url, version string) (*index.Index, error) {
	v, err := p.find("CodeSystem", url, version)
	x, _ := v.(*index.Index)
	return x, err
}

func (p *packed) CodeSystems() (out []Versioned, err error) {
	c, err := p.open()
	if err != nil {
		return nil, err
	}
	for name, e := range c.entries {
		if strings.HasPrefix(name, "CodeSystem ") {
			out = append(out, Versioned{e.url, e.version})
		}
	}
	return out, nil
}

func (p *packed) ValueSet(url, version string) (*ValueSet, error) {
	v, err := p.find("ValueSet", url, version)
	s, _ := v.(*ValueSet)
	return s, err
}

func (p *packed) ConceptMaps(url, source string) ([]*ConceptMap, error) {
	c, err := p.open()
	if err != nil {
		return nil, err
	}
	var out []*ConceptMap
	for _, e := range c.maps {
		if url != "" && url != e.url || url == "" && !slices.Contains(e.from, source) {
			continue
		}
		m, err := e.read()
		if err != nil {
			return nil, err
		}
		out = append(out, m.(*ConceptMap))
	}
	return out, nil
}
