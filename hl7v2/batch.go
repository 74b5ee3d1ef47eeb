package hl7v2

import (
	"bytes"
	"strconv"
	"time"
)

// Split takes a file, a batch (FHS, BHS … BTS, FTS) or a run of messages
// apart: one message each, without framing. Text before the first header that
// is no batch header is a piece of its own, so that nothing goes unseen.
// HL7 v2.5.1 section 2.10.3.
func Split(raw []byte) [][]byte {
	if wide, ok := utf16Text(raw); ok {
		raw = []byte(wide)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	var out [][]byte
	keep := func(piece []byte) {
		if piece = bytes.TrimFunc(piece, outer); len(piece) > 0 {
			out = append(out, piece)
		}
	}
	from, envelope := 0, false
	for at := 0; at < len(raw); {
		end := at
		for end < len(raw) && raw[end] != '\r' && raw[end] != '\n' {
			end++
		}
		start := at // of the line, after framing
		for start < end && outer(rune(raw[start])) {
			start++
		}
		if kind := lineKind(bytes.TrimRightFunc(raw[start:end], outer)); kind != 0 {
			if !envelope {
				keep(raw[from:start])
			}
			from, envelope = start, kind == 'B'
		}
		at = end + 1
	}
	if !envelope {
		keep(raw[from:])
	}
	return out
}

// Batch takes a batch or a file apart that came as one; false of a message.
func Batch(raw []byte) (messages [][]byte, ok bool) {
	head := bytes.TrimLeftFunc(bytes.TrimPrefix(raw, []byte("\ufeff")), outer)
	if lineKind(head[:min(4, len(head))]) != 'B' {
		return nil, false
	}
	return Split(raw), true
}

// AcknowledgeBatch puts the answers to a batch's messages in a batch, in the
// order of the messages. HL7 v2.5.1 section 2.10.3.
func AcknowledgeBatch(answers [][]byte, at time.Time) []byte {
	var b bytes.Buffer
	b.WriteString(`BHS|^~\&|||||` + at.Format("20060102150405-0700") + "\r")
	for _, a := range answers {
		b.Write(a)
		if !bytes.HasSuffix(a, []byte("\r")) {
			b.WriteByte('\r')
		}
	}
	b.WriteString("BTS|" + strconv.Itoa(len(answers)) + "\r")
	return b.Bytes()
}

// lineKind is 'M' of a message header, 'B' of a batch's header or trailer.
func lineKind(line []byte) byte {
	if len(line) < 3 || len(line) > 3 && !mayDelimit(line[3]) {
		return 0
	}
	switch string(line[:3]) {
	case "MSH":
		return 'M'
	case "FHS", "BHS", "BTS", "FTS":
		return 'B'
	}
	return 0
}
