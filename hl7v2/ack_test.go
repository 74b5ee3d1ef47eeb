package hl7v2

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

func TestAcknowledge(t *testing.T) {
	header := func(version string) string {
		return "MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||ADT^A01|M\\T\\1|T|" + version + "\rPID|1"
	}
	p := Problem{Place: "PID-3[2].1", Code: 101, Text: "no patient | named"}
	for name, c := range map[string]struct {
		in   string
		code AckCode
		p    []Problem
		want string
	}{
		"accepted": {header("2.4"), Accepted, nil,
			"MSH|^~\\&|SELDA|QWE|PAS|RJZ|20260315120000+0000||ACK^A01^ACK|9|T|2.4\rMSA|AA|M\\T\\1\r"},
		"2.2": {header("2.2"), Accepted, nil,
			"MSH|^~\\&|SELDA|QWE|PAS|RJZ|20260315120000+0000||ACK|9|T|2.2\rMSA|AA|M\\T\\1\r"},
		"2.3 error": {header("2.3"), Failed, []Problem{p},
			"MSH|^~\\&|SELDA|QWE|PAS|RJZ|20260315120000+0000||ACK^A01|9|T|2.3\rMSA|AE|M\\T\\1|no patient \\F\\ named\r" +
				"ERR|PID^1^3^101&Required field missing&HL70357\r"},
		"2.5 error": {header("2.5.1"), Failed, []Problem{p},
			"MSH|^~\\&|SELDA|QWE|PAS|RJZ|20260315120000+0000||ACK^A01^ACK|9|T|2.5.1\rMSA|AE|M\\T\\1\r" +
				"ERR||PID^1^3^2^1|101^Required field missing^HL70357|E||||no patient \\F\\ named\r"},
		"2.5 no place": {header("2.5"), Rejected, []Problem{{Code: 207, Text: "refused"}},
			"MSH|^~\\&|SELDA|QWE|PAS|RJZ|20260315120000+0000||ACK^A01^ACK|9|T|2.5\rMSA|AR|M\\T\\1\r" +
				"ERR|||207^Application internal error^HL70357|E||||refused\r"},
		"odd delimiters": {"MSH#!*?%#A#B#C#D#2026##ADT!A04#7#P#2.3.1\rPID#1", Failed, []Problem{{Place: "OBX[3]-5", Code: 102}},
			"MSH#!*?%#C#D#A#B#20260315120000+0000##ACK!A04!ACK#9#P#2.3.1\rMSA#AE#7\rERR#OBX!3!5!102%Data type error%HL70357\r"},
	} {
		m := parse(t, c.in)
		if got := string(Acknowledge(m, c.code, "9", noon, c.p...)); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
	broken := string(Acknowledge(nil, Rejected, "9", noon, Problem{Code: 200, Text: "not HL7"}))
	if m, err := Parse([]byte(broken)); err != nil || m.Event() != "ACK" || !strings.Contains(broken, "MSA|AR\r") {
		t.Errorf("what can't be read is answered %q, %v", broken, err)
	}
	if Accepted.Commit() != "CA" || Rejected.Commit() != "CR" {
		t.Error("the commit codes are CA and CR")
	}
	m := parse(t, "MSH|^~\\&|Zoë|B|||2026||ADT^A01|1|P|2.4\r")
	if a := parse(t, string(Acknowledge(m, Accepted, "9", noon))); a.ReceivingApplication() != "Zoë" || a.header().Comp(18, 1).Text() != "UNICODE UTF-8" {
		t.Errorf("an answer that is not ASCII says what it is: %q", a.Text())
	}
	m = parse(t, "MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4|||AL|NE")
	if accept, application := m.AckModes(); accept != "AL" || application != "NE" {
		t.Error("MSH-15 and MSH-16")
	}
}
