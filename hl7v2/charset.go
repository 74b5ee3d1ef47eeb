package hl7v2

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// decode strips framing and outer blanks and gives the text in UTF-8. It says
// whether MSH-18 names a character set that is not known while the bytes are
// not UTF-8 either; they are then read as Windows-1252, for the answer's sake.
func decode(raw []byte) (text string, unknown bool) {
	if wide, ok := utf16Text(raw); ok {
		return strings.TrimFunc(wide, outer), false
	}
	raw = bytes.TrimPrefix(bytes.TrimFunc(raw, outer), []byte("\ufeff"))
	raw = bytes.TrimLeftFunc(raw, outer)
	if ascii(raw) {
		return string(raw), false
	}
	unknown, enc := charset(raw)
	if enc == nil {
		if utf8.Valid(raw) {
			return string(raw), false
		}
		enc = charmap.Windows1252
	}
	out, err := enc.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\ufffd"), true
	}
	return string(out), unknown
}

// outer says whether r may stand round a message without being part of it:
// blanks, line ends, and the framing characters of MLLP.
func outer(r rune) bool {
	return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == 0x0b || r == 0x1c || r == 0
}

func ascii(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// charset is the encoding that the first repetition of MSH-18 names, nil for
// those that are tried as UTF-8 first; unknown says that the name is none of
// HL7 table 0211 that is read here.
func charset(raw []byte) (unknown bool, enc encoding.Encoding) {
	head := raw
	if i := bytes.IndexAny(head, "\r\n"); i >= 0 {
		head = head[:i]
	}
	if len(head) < 6 || string(head[:3]) != "MSH" {
		return false, nil
	}
	repetition := head[5]
	sep := head[3]
	for range 17 {
		i := bytes.IndexByte(head, sep)
		if i < 0 {
			return false, nil
		}
		head = head[i+1:]
	}
	if i := bytes.IndexByte(head, sep); i >= 0 {
		head = head[:i]
	}
	if i := bytes.IndexByte(head, repetition); i >= 0 {
		head = head[:i]
	}
	name := strings.ToUpper(strings.TrimSpace(string(head)))
	name = plainName.Replace(name)
	switch name {
	case "", "ASCII", "US/ASCII", "UNICODE", "UNICODEUTF/8", "UTF/8", "UTF8", "UNICODEUTF/16", "UTF/16", "UNICODEUTF/32":
		return false, nil
	}
	if e := singleByte[strings.TrimPrefix(name, "/")]; e != nil {
		return false, e
	}
	return true, nil
}

// plainName takes away what senders write differently: "ISO-8859-1", "8859/1".
var plainName = strings.NewReplacer("ISO", "", "-", "/", " ", "", "_", "/")

// singleByte are the parts of ISO 8859, by their name in table 0211. Part 1 is
// read as Windows-1252, which holds it and is what its senders really use.
var singleByte = map[string]encoding.Encoding{
	"8859/1": charmap.Windows1252, "WINDOWS/1252": charmap.Windows1252, "CP1252": charmap.Windows1252,
	"8859/2": charmap.ISO8859_2, "8859/3": charmap.ISO8859_3, "8859/4": charmap.ISO8859_4, "8859/5": charmap.ISO8859_5,
	"8859/6": charmap.ISO8859_6, "8859/7": charmap.ISO8859_7, "8859/8": charmap.ISO8859_8, "8859/9": charmap.ISO8859_9,
	"8859/10": charmap.ISO8859_10, "8859/11": charmap.Windows874, "8859/13": charmap.ISO8859_13,
	"8859/14": charmap.ISO8859_14, "8859/15": charmap.ISO8859_15, "8859/16": charmap.ISO8859_16,
}

// utf16Text reads UTF-16, known by its byte order mark or by every other byte
// of the first letters being zero.
func utf16Text(raw []byte) (string, bool) {
	if len(raw) > 0 && raw[0] == 0x0b {
		raw = raw[1:]
	}
	if len(raw) < 6 {
		return "", false
	}
	low := 0 // the offset of the low byte in a pair
	switch {
	case raw[0] == 0xfe && raw[1] == 0xff:
		raw, low = raw[2:], 1
	case raw[0] == 0xff && raw[1] == 0xfe:
		raw = raw[2:]
	case raw[0] == 0 && raw[2] == 0 && raw[1] != 0 && raw[3] != 0:
		low = 1
	case raw[1] == 0 && raw[3] == 0 && raw[0] != 0 && raw[2] != 0:
	default:
		return "", false
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i+low])|uint16(raw[i+1-low])<<8)
	}
	return string(utf16.Decode(units)), true
}
