package browser

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

// This file reads the text of what Chromium prints, sheet by sheet: enough of
// PDF for what its writer makes (objects in the open, streams deflated, text as
// glyphs with a map to Unicode), and no more.

var (
	objects  = regexp.MustCompile(`(?s)(\d+) 0 obj\s*(.*?)endobj`)
	contents = regexp.MustCompile(`/Contents (\d+) 0 R`)
	kids     = regexp.MustCompile(`(\d+) 0 R`)
	fonts    = regexp.MustCompile(`/(F\d+) (\d+) 0 R`)
	unicodes = regexp.MustCompile(`/ToUnicode (\d+) 0 R`)
	shown    = regexp.MustCompile(`/(F\d+) [-\d.]+ Tf|<([0-9A-Fa-f]+)>|\bET\b`)
	mapped   = regexp.MustCompile(`<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>`)
	ranged   = regexp.MustCompile(`<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>`)
)

// Sheets are the words of each sheet of a printed page.
func Sheets(pdf []byte) ([]string, error) {
	of := map[string][]byte{}
	for _, m := range objects.FindAllSubmatch(pdf, -1) {
		of[string(m[1])] = m[2]
	}
	var out []string
	for _, m := range objects.FindAllSubmatch(pdf, -1) {
		body := m[2]
		if !bytes.Contains(body, []byte("/Type /Page\n")) && !bytes.Contains(body, []byte("/Type /Page ")) {
			continue
		}
		at := contents.FindSubmatch(body)
		if at == nil {
			return nil, errors.New("a sheet has no contents")
		}
		stream, err := inflated(of[string(at[1])])
		if err != nil {
			return nil, err
		}
		glyphs := map[string]map[string]string{}
		for _, f := range fonts.FindAllSubmatch(body, -1) {
			if u := unicodes.FindSubmatch(of[string(f[2])]); u != nil {
				cmap, err := inflated(of[string(u[1])])
				if err != nil {
					return nil, err
				}
				glyphs[string(f[1])] = characters(cmap)
			}
		}
		out = append(out, said(stream, glyphs))
	}
	if len(out) == 0 {
		return nil, errors.New("there is no sheet")
	}
	return out, nil
}

func inflated(object []byte) ([]byte, error) {
	_, data, ok := bytes.Cut(object, []byte("stream\n"))
	if !ok {
		return nil, errors.New("an object has no stream")
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// characters is a map of glyphs to what they stand for.
func characters(cmap []byte) map[string]string {
	out := map[string]string{}
	for part := range bytes.SplitSeq(cmap, []byte("\n")) {
		if m := ranged.FindSubmatch(part); m != nil {
			from, to, first := number(m[1]), number(m[2]), number(m[3])
			for g := from; g <= to && g-from < 1<<16; g++ {
				out[string(strings.ToUpper(hex.EncodeToString([]byte{byte(g >> 8), byte(g)})))] = string(rune(first + g - from))
			}
		} else if m := mapped.FindSubmatch(part); m != nil {
			out[strings.ToUpper(string(m[1]))] = text16(m[2])
		}
	}
	return out
}

func number(h []byte) int {
	b, _ := hex.DecodeString(string(h))
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	return n
}

func text16(h []byte) string {
	b, _ := hex.DecodeString(string(h))
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units))
}

// said is the text that a stream shows, in the order in which it shows it.
func said(stream []byte, glyphs map[string]map[string]string) string {
	var b strings.Builder
	font := ""
	for _, m := range shown.FindAllSubmatch(stream, -1) {
		switch {
		case len(m[1]) > 0:
			font = string(m[1])
		case len(m[2]) > 0:
			for i := 0; i+4 <= len(m[2]); i += 4 {
				b.WriteString(glyphs[font][strings.ToUpper(string(m[2][i:i+4]))])
			}
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
