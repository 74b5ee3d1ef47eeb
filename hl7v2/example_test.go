package hl7v2_test

import (
	"fmt"
	"strings"
	"time"

	"selda/hl7v2"
)

func Example() {
	m, err := hl7v2.Parse([]byte("MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||ADT^A01|M1|P|2.4\r" +
		"PID|1||K123^^^RJZ~9991234519^^^NHS||O\\T\\Neil^Ann\r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Event(), "from", m.SendingFacility())
	for id := range m.First("PID").Field(3).Reps() {
		fmt.Println(id.Comp(1).Place(), "is", id.Comp(1).Text())
	}
	name, _ := m.At("PID-5.1")
	from, to := name.SpanInSegment()
	fmt.Println(name.Text(), "was written", name.Segment().Text()[from:to])
	// Output:
	// ADT^A01 from RJZ
	// PID-3.1 is K123
	// PID-3[2].1 is 9991234519
	// O&Neil was written O\T\Neil
}

func ExampleAcknowledge() {
	m, _ := hl7v2.Parse([]byte("MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||ADT^A01|M1|P|2.5\rPV1|1|I"))
	answer := hl7v2.Acknowledge(m, hl7v2.Failed, "A1", time.Date(2026, 3, 15, 9, 30, 1, 0, time.UTC),
		hl7v2.Problem{Place: "PID", Code: 100, Text: "the message names no patient"})
	fmt.Println(strings.ReplaceAll(strings.TrimSpace(string(answer)), "\r", "\n"))
	// Output:
	// MSH|^~\&|SELDA|QWE|PAS|RJZ|20260315093001+0000||ACK^A01^ACK|A1|P|2.5
	// MSA|AE|M1
	// ERR||PID^1|100^Segment sequence error^HL70357|E||||the message names no patient
}
