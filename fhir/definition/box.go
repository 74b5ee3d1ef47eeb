package definition

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"selda/fault"
	"selda/fhir"
)

// box is R4's own StructureDefinitions. Made by internal/defgen.
//
//go:embed r4.box
var box []byte

// R4 is the library of R4's own types, profiles and extensions.
var R4 Library = inTheBox

var inTheBox = &boxed{text: box}

// A box is two lengths; a list of what is in it, deflated; a sample of its
// definitions; then each definition, deflated with the sample as its
// dictionary, so that one is read without the others.
type boxed struct {
	text    []byte
	once    sync.Once
	bad     error
	sample  []byte
	body    []byte
	places  map[string][2]int // by URL
	read    sync.Map          // by URL
	version string
}

// version is that of the definitions in the box.
const version = "4.0.1"

func (b *boxed) open() {
	const head = 8
	if len(b.text) < head {
		b.bad = fault.E("definition.R4", fault.Exception, "the definitions are cut off")
		return
	}
	list, sample := int(binary.LittleEndian.Uint32(b.text)), int(binary.LittleEndian.Uint32(b.text[4:]))
	if head+list+sample > len(b.text) {
		b.bad = fault.E("definition.R4", fault.Exception, "the definitions are cut off")
		return
	}
	names, err := io.ReadAll(flate.NewReader(bytes.NewReader(b.text[head : head+list])))
	if err != nil {
		b.bad = fault.E("definition.R4", fault.Exception, err)
		return
	}
	b.sample, b.body = b.text[head+list:head+list+sample], b.text[head+list+sample:]
	b.places = make(map[string][2]int, 700)
	at := 0
	for line := range strings.Lines(string(names)) {
		url, length, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(length)
		if err != nil || at+n > len(b.body) {
			b.bad = fault.E("definition.R4", fault.Exception, "the list of definitions is damaged")
			return
		}
		b.places[url] = [2]int{at, at + n}
		at += n
	}
}

// Structure finds a definition of R4's own.
func (b *boxed) Structure(url string) (*Structure, error) {
	url, v, _ := strings.Cut(url, "|")
	if v != "" && v != version && v != "4.0" {
		return nil, nil
	}
	if d, ok := b.read.Load(url); ok {
		return d.(*Structure), nil
	}
	r, err := b.resource(url)
	if r == nil || err != nil {
		return nil, err
	}
	d, err := Parse(r)
	if err != nil {
		return nil, err
	}
	kept, _ := b.read.LoadOrStore(url, d)
	return kept.(*Structure), nil
}

// Resource is a definition of R4's own as it lies in the binary, without what is
// said for people; nil where R4 has none of the URL.
func Resource(url string) (*fhir.Resource, error) { return inTheBox.resource(url) }

func (b *boxed) resource(url string) (*fhir.Resource, error) {
	b.once.Do(b.open)
	place, ok := b.places[url]
	if !ok || b.bad != nil {
		return nil, b.bad
	}
	text, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(b.body[place[0]:place[1]]), b.sample))
	if err != nil {
		return nil, fault.E("definition.R4", fault.Exception, err)
	}
	return fhir.ParseTrusted(text)
}

// Pack makes a box of StructureDefinitions.
func Pack(resources []*fhir.Resource) ([]byte, error) {
	const most = 32 << 10 // the longest dictionary that deflate takes
	var sample, list, body bytes.Buffer
	step := max(1, len(resources)/30)
	for i := 0; i < len(resources); i += step {
		sample.Write(resources[i].JSON[:min(len(resources[i].JSON), most/30)])
	}
	shared := sample.Bytes()[max(0, sample.Len()-most):]
	for _, r := range resources {
		at := body.Len()
		if err := deflate(&body, r.JSON, shared); err != nil {
			return nil, err
		}
		fmt.Fprintf(&list, "%s %d\n", r.Get("url").Text(), body.Len()-at)
	}
	var names bytes.Buffer
	if err := deflate(&names, list.Bytes(), nil); err != nil {
		return nil, err
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(names.Len()))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(shared)))
	return append(append(append(out, names.Bytes()...), shared...), body.Bytes()...), nil
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
