// Package charset turns text of the few character sets that feeds really use
// into UTF-8: UTF-8 itself, UTF-16, ISO 8859-1 and -15, and Windows-1252. It
// reads byte order marks and XML declarations, and guesses nothing else.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"selda/fault"
)

var bomUTF8 = []byte{0xEF, 0xBB, 0xBF}

// Decode gives in, which is in the character set of that name, as UTF-8
// without a byte order mark. ISO 8859-1 is read as Windows-1252: they differ
// only in 32 control characters that nobody means.
func Decode(in []byte, name string) ([]byte, error) {
	const op = "charset.Decode"
	var e encoding.Encoding
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unicode utf-8":
		in = bytes.TrimPrefix(in, bomUTF8)
		if !utf8.Valid(in) {
			return nil, fault.E(op, fault.Structure, "text that is not valid UTF-8")
		}
		return in, nil
	case "utf-16", "utf16", "ucs-2", "iso-10646-ucs-2":
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-16le":
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-16be":
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252":
		e = charmap.Windows1252
	case "iso-8859-15", "latin9":
		e = charmap.ISO8859_15
	default:
		return nil, fault.E(op, fault.NotSupported, "a character set that is not read here; use UTF-8")
	}
	out, err := e.NewDecoder().Bytes(in)
	if err != nil {
		return nil, fault.E(op, fault.Structure, "text that its character set does not allow")
	}
	return bytes.TrimPrefix(out, bomUTF8), nil
}

// UTF16 says whether in begins with the byte order mark of UTF-16.
func UTF16(in []byte) bool {
	return len(in) >= 2 && (in[0] == 0xFF && in[1] == 0xFE || in[0] == 0xFE && in[1] == 0xFF)
}

// XML gives an XML text as UTF-8: by its byte order mark, else by the encoding
// that its declaration names, else as UTF-8. White space before the
// declaration is taken off. The declaration itself stays as it was, so a
// reader of the answer must not believe it again.
func XML(in []byte) ([]byte, error) {
	if UTF16(in) {
		return Decode(in, "utf-16")
	}
	in = bytes.TrimLeft(bytes.TrimPrefix(in, bomUTF8), " \t\r\n")
	return Decode(in, declared(in))
}

// declared is the encoding of an XML declaration, "" where there is none.
func declared(in []byte) string {
	if !bytes.HasPrefix(in, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(in, []byte("?>"))
	if end < 0 || end > 256 {
		return ""
	}
	_, rest, found := strings.Cut(string(in[:end]), "encoding")
	if !found {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n=")
	if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	if strings.HasPrefix(strings.ToLower(name), "utf-16") {
		// The declaration could be read byte by byte, so it is no UTF-16.
		return "utf-8"
	}
	return name
}
