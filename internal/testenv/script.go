package testenv

import (
	"bytes"
	"fmt"
	"strings"
)

// A journey is a txtar archive: words about it, then sections. The words end
// with lines "name: value" (capability). Each section's header is what is
// done, in the words below; its body is what is sent. A section `see` after
// it holds what comes of it, and is written anew by the tests' -update.
//
//	send                           one HL7 v2 message through the MLLP door
//	ingest SOURCE FORMAT [MAPPING] a file, as the verb `selda ingest` loads it
//	name NAME NUMBER               names the citizen of an NHS number: {NAME}
//	keep NAME TYPE [I]             names the I-th resource of a type in the last answer: {NAME} is its id
//	clock DURATION                 moves the region's clock on
//	USER METHOD PATH               a request, with the user's token; USER nobody has none
//	USER next                      the next page of the last answer
//	USER record CITIZEN            the record as the pages have it
//	USER declare CITIZEN           the patient is in front of me (G7)
//	USER break-glass CITIZEN CODE  emergency access (G9)
//	USER trail                     what the user may see of the audit trail
//	audit CITIZEN                  all entries of a citizen, seen from outside
//	links                          changes of links and pairs in review
//	undo I                         undoes the I-th latest change of links
//	remember NAME, same NAME       the last answer, whole; asserts that the last one is the same, to the byte
//	fork                           goes on in a second copy of the region too
//	with: …                        done in the second copy only
//
// After a fork every answer must be the same in both, to the byte but for the
// server's port.
type section struct {
	words string
	body  []byte
	see   []byte
	sees  bool
}

type script struct {
	about    string
	sections []section
}

func (s *script) meta(name string) string {
	for line := range strings.SplitSeq(s.about, "\n") {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func parseScript(text []byte) (*script, error) {
	s := &script{}
	var about, body bytes.Buffer
	flush := func() {
		if len(s.sections) == 0 {
			s.about = about.String()
			return
		}
		last := &s.sections[len(s.sections)-1]
		b := bytes.Clone(body.Bytes())
		if last.sees {
			last.see = b
		} else {
			last.body = b
		}
		body.Reset()
	}
	for line := range strings.Lines(string(text)) {
		words, ok := header(line)
		switch {
		case ok && words == "see":
			if len(s.sections) == 0 {
				return nil, fmt.Errorf("`see` stands after what is done")
			}
			flush()
			s.sections[len(s.sections)-1].sees = true
		case ok:
			flush()
			s.sections = append(s.sections, section{words: words})
		case len(s.sections) == 0:
			about.WriteString(line)
		default:
			body.WriteString(line)
		}
	}
	flush()
	return s, nil
}

// header reads a line "-- words --".
func header(line string) (string, bool) {
	words, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(words, " --")
}

func (s *script) format() []byte {
	var b bytes.Buffer
	b.WriteString(s.about)
	for _, x := range s.sections {
		fmt.Fprintf(&b, "-- %s --\n%s", x.words, x.body)
		if x.sees {
			fmt.Fprintf(&b, "-- see --\n%s", x.see)
		}
	}
	return b.Bytes()
}
