package hl7v2

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"selda/fault"
)

const admit = "MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||ADT^A01^ADT_A01|M1|P|2.4\r" +
	"EVN||202603150930\r" +
	"PID|1||123^^^RJZ&2.16&ISO^MR~9991234519^^^NHS||O\\T\\Neil^Ann^\"\"||19800102|F\r" +
	"PV1|1|I\r" +
	"OBX|1|NM|A||1\r" +
	"OBX|2|TX|B||one~two^three\r"

func parse(t *testing.T, s string) *Message {
	t.Helper()
	m, err := Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHeader(t *testing.T) {
	m := parse(t, admit)
	for name, pair := range map[string][2]string{
		"event":    {m.Event(), "ADT^A01"},
		"control":  {m.ControlID(), "M1"},
		"app":      {m.SendingApplication(), "PAS"},
		"facility": {m.SendingFacility(), "RJZ"},
		"to app":   {m.ReceivingApplication(), "SELDA"},
		"to":       {m.ReceivingFacility(), "QWE"},
		"version":  {m.Version(), "2.4"},
		"sent":     {m.Sent(), "2026-03-15T09:30:00+00:00"},
		"process":  {m.Processing(), "P"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if m.AtLeast("2.5") || !m.AtLeast("2.3.1") {
		t.Error("2.4 is later than 2.3.1 and earlier than 2.5")
	}
}

// Every place reads as text and resolves back to the same value.
func TestPlaces(t *testing.T) {
	m := parse(t, admit)
	for place, want := range map[string]string{
		"MSH-1": "|", "MSH-2": `^~\&`, "MSH-9.2": "A01", "MSH-10": "M1",
		"PID-3[2].1": "9991234519", "PID-3.1": "123", "PID-3.4.1": "RJZ", "PID-3.4.3": "ISO", "PID-3.4": "RJZ&2.16&ISO",
		"PID-5.1": "O&Neil", "PID-8": "F", "PID-8.1": "F", "PID-8[1].1.1": "F",
		"OBX[2]-5": "one~two^three", "OBX[2]-5[1]": "one", "OBX[2]-5[2]": "two^three", "OBX[2]-5[2].2": "three",
		"OBX[1]-3": "A", "OBX-3": "A", "PID-5.3": "",
	} {
		v, ok := m.At(place)
		if !ok || v.Text() != want {
			t.Errorf("%s is %q, %v, want %q", place, v.Text(), ok, want)
			continue
		}
		if again, ok := m.At(v.Place()); !ok || again.Raw() != v.Raw() {
			t.Errorf("%s names itself %s, which is %q", place, v.Place(), again.Raw())
		}
		a, b := v.Span()
		if m.Text()[a:b] != v.Raw() {
			t.Errorf("%s: the span is off", place)
		}
		a, b = v.SpanInSegment()
		if v.Segment().Text()[a:b] != v.Raw() {
			t.Errorf("%s: the span within the segment is off", place)
		}
	}
	if v, _ := m.At("PID-5.3"); !v.Null() || v.Exists() {
		t.Error(`"" is null and not there`)
	}
	for _, place := range []string{"", "PID-99", "PID-3[3]", "PID-8.2", "ZZZ-1", "OBX[3]-1", "PID-", "PID-0", "PID-3.4.1.1", "PID3", "PID[x]-3", "PID-3[2"} {
		if v, ok := m.At(place); ok {
			t.Errorf("%q finds %q", place, v.Raw())
		}
	}
	if got := m.First("PID").Field(3).Rep(2).Comp(1).Place(); got != "PID-3[2].1" {
		t.Errorf("the place is %s", got)
	}
	if got := m.First("PID").Comp(8, 1).Place(); got != "PID-8" {
		t.Errorf("the place of an undivided field is %s", got)
	}
	if v := m.First("OBX").Field(5); v.Comp(1).Text() != "1" || m.Segment(5).Field(5).Comp(1).Text() != "one" || m.First("PID").Field(3).Sub(1).Text() != "123" {
		t.Errorf("the component of a field is that of its first repetition: %q", v.Comp(1).Text())
	}
	n := 0
	for v := range m.First("PID").Field(3).Reps() {
		if n++; v.Raw() != m.First("PID").Field(3).Rep(n).Raw() || v.Place() == "" {
			t.Errorf("repetition %d is %q", n, v.Raw())
		}
	}
	if n != 2 {
		t.Errorf("%d repetitions", n)
	}
}

// A segment may have more fields than are remembered.
func TestManyFields(t *testing.T) {
	var b strings.Builder
	b.WriteString("MSH|^~\\&|||||||ADT^A01|1\rZZZ")
	for i := 1; i <= 300; i++ {
		fmt.Fprintf(&b, "|f%d", i)
	}
	m := parse(t, b.String())
	for i := 1; i <= 300; i++ {
		if v, _ := m.At(fmt.Sprintf("ZZZ-%d", i)); v.Text() != fmt.Sprintf("f%d", i) {
			t.Fatalf("field %d is %q", i, v.Text())
		}
	}
	if _, ok := m.At("ZZZ-301"); ok {
		t.Error("a field that is not there")
	}
}

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`a\F\b\S\c\T\d\R\e\E\f`: `a|b^c&d~e\f`,
		`line\.br\next`:         "line\nnext",
		`a\.sp2\b\.sk3\c`:       "a\n\nb   c",
		`\H\bold\N\`:            "bold",
		`\X4869\`:               "Hi",
		`\XC3A9\ \XE9\`:         "é é",
		`\X0D0A\`:               "\r\n",
		`C:\temp\new`:           `C:\temp\new`,
		`half\`:                 `half\`,
		`\\`:                    `\\`,
		`\Zlocal\x`:             `\Zlocal\x`,
		`\C2842\x\M244242\y`:    "xy",
		`\.in+4\text`:           "text",
		`a\XZZ\b`:               `a\XZZ\b`,
	} {
		m := parse(t, "MSH|^~\\&|||||||ORU^R01|1|P|2.3\rOBX|1|TX|||"+in)
		if v, _ := m.At("OBX-5"); v.Text() != want {
			t.Errorf("%s reads %q, want %q", in, v.Text(), want)
		}
	}
	m := parse(t, "MSH|^~\\&|||||||ORU^R01|1\rOBX|1|TX|||"+Escape("a|b^c&d~e\\f\ng", Standard))
	if v, _ := m.At("OBX-5"); v.Text() != "a|b^c&d~e\\f\ng" {
		t.Errorf("Escape gives %q", v.Text())
	}
}

func TestLiberal(t *testing.T) {
	for name, in := range map[string]string{
		"LF":               strings.ReplaceAll(admit, "\r", "\n"),
		"CRLF":             strings.ReplaceAll(admit, "\r", "\r\n"),
		"mixed":            strings.Replace(admit, "\r", "\n", 2),
		"framed":           "\x0b" + admit + "\x1c\r",
		"mark":             "\ufeff" + admit,
		"blank lines":      "\r\n\r\n  " + strings.ReplaceAll(admit, "\r", "\r\n \r\n"),
		"odd delimiters":   strings.NewReplacer("|", "#", "^", "!", "~", "*", "\\", "?", "&", "%").Replace(admit),
		"escaped twice":    strings.Replace(admit, `^~\&`, `^~\\&`, 1),
		"truncation":       strings.Replace(admit, `^~\&`, `^~\&#`, 1),
		"unknown segments": admit + "ZPI|1|x\rQQQ|2\r",
	} {
		m, err := Parse([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for place, want := range map[string]string{"PID-3[2].1": "9991234519", "PID-8": "F", "PV1-2": "I", "PID-3.4.2": "2.16", "OBX[2]-5[2].2": "three"} {
			if v, _ := m.At(place); v.Text() != want {
				t.Errorf("%s: %s is %q, want %q", name, place, v.Text(), want)
			}
		}
	}
	m := parse(t, "MSH|^~|A|B|||||ADT^A01|1\rPID|1|a\\F\\b&c")
	if v, _ := m.At("PID-2"); v.Text() != `a\F\b&c` || v.Sub(2).Exists() {
		t.Errorf("without an escape character nothing is an escape: %q", v.Text())
	}
	m = parse(t, "MSH|^~\\&|A|B|||||ORU^R01|1\rOBX|1|TX|||first line\nsecond line\nand | third||F\rNTE|1||x")
	if v, _ := m.At("OBX-5"); v.Text() != "first line\nsecond line\nand " || m.Len() != 3 {
		t.Errorf("a line end inside text breaks it: %q, %d segments", v.Text(), m.Len())
	}
}

func TestRefused(t *testing.T) {
	for in, want := range map[string]struct {
		kind  fault.Kind
		place string
	}{
		"":                        {fault.Structure, "segment 1"},
		"hello":                   {fault.Structure, "segment 1"},
		"MSH":                     {fault.Structure, "MSH-1"},
		"MSHA":                    {fault.Structure, "MSH-1"},
		"MSH|":                    {fault.Structure, "MSH-1"},
		"MSH||":                   {fault.Structure, "MSH-2"},
		"MSH|^~\\&":               {fault.Structure, "MSH-2"},
		"MSH|abcd|":               {fault.Structure, "MSH-2"},
		"MSH|^~\\&|A|B":           {fault.Required, "MSH-9"},
		"FHS|^~\\&|A\rMSH|^~\\&|": {fault.Structure, "segment 1"},
		"PID|1":                   {fault.Structure, "segment 1"},
		admit + admit:             {fault.Structure, "MSH[2]"},
		"MSH|^~\\&|||||||ACK" + strings.Repeat("\rZZZ", 50_001):                  {fault.TooLong, "segment 50001"},
		"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.4||||||KS X 1001\rPID|1||1||\xe9": {fault.NotSupported, "MSH-18"},
	} {
		_, err := Parse([]byte(in))
		if fault.KindOf(err) != want.kind || fault.PlaceOf(err) != want.place || err == nil {
			t.Errorf("%.30q: %v, want %v at %s", in, err, want.kind, want.place)
		}
	}
	if m, err := Parse([]byte("MSH|^~\\&|A|B|C|D|2026|||77")); err == nil || m == nil || m.ControlID() != "77" {
		t.Error("a header that can be read comes with the error")
	}
}

func TestCharacterSets(t *testing.T) {
	msg := func(set, name string) []byte {
		return []byte("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.4||||||" + set + "\rPID|1||1||" + name)
	}
	wide := func(bigEndian, mark bool) []byte {
		var b []byte
		u := utf16.Encode([]rune(string(msg("UNICODE UTF-16", "Zoë"))))
		if mark {
			u = append([]uint16{0xfeff}, u...)
		}
		for _, c := range u {
			if bigEndian {
				b = append(b, byte(c>>8), byte(c))
			} else {
				b = append(b, byte(c), byte(c>>8))
			}
		}
		return b
	}
	for name, raw := range map[string][]byte{
		"utf-8, not said":   msg("", "Zoë"),
		"utf-8":             msg("UNICODE UTF-8", "Zoë"),
		"utf-8 as UNICODE":  msg("UNICODE", "Zoë"),
		"windows, not said": msg("", "Zo\xeb"),
		"windows as ASCII":  msg("ASCII", "Zo\xeb"),
		"8859/1":            msg("8859/1", "Zo\xeb"),
		"ISO-8859-1":        msg("ISO-8859-1", "Zo\xeb"),
		"8859/15":           msg("8859/15", "Zo\xeb"),
		"repeated":          msg("8859/1~UNICODE UTF-8", "Zo\xeb"),
		"16 BE mark":        wide(true, true),
		"16 LE mark":        wide(false, true),
		"16 BE":             wide(true, false),
		"16 LE":             wide(false, false),
	} {
		m, err := Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, _ := m.At("PID-5"); v.Text() != "Zoë" {
			t.Errorf("%s: %q", name, v.Text())
		}
	}
	m, _ := Parse(msg("8859/2", "\xa3\xf3d\xbc"))
	if v, _ := m.At("PID-5"); v.Text() != "Łódź" {
		t.Errorf("8859/2: %q", v.Text())
	}
	m, _ = Parse(msg("8859/15", "\xa4"))
	if v, _ := m.At("PID-5"); v.Text() != "€" {
		t.Errorf("8859/15: %q", v.Text())
	}
}

func TestSplit(t *testing.T) {
	one := "MSH|^~\\&|A|B|||||ADT^A01|1\rPID|1"
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"one":       {one, []string{one}},
		"batch":     {"FHS|^~\\&|x\rBHS|^~\\&|x\r" + one + "\r" + one + "\rBTS|2\rFTS|1\r", []string{one, one}},
		"two":       {one + "\n" + one + "\n\n", []string{one, one}},
		"framed":    {"\x0b" + one + "\x1c\r\x0b" + one + "\x1c\r", []string{one, one}},
		"mark":      {"\ufeff" + one, []string{one}},
		"junk":      {"junk\r" + one, []string{"junk", one}},
		"only junk": {"a,b\n1,2\n", []string{"a,b\n1,2"}},
		"nothing":   {" \r\n", nil},
		"two batch": {"BHS|^~\\&\r" + one + "\rBTS|1\rBHS|^~\\&\r" + one + "\rBTS|1", []string{one, one}},
	} {
		got := Split([]byte(c.in))
		if len(got) != len(c.want) {
			t.Errorf("%s: %d pieces, want %d: %q", name, len(got), len(c.want), got)
			continue
		}
		for i := range got {
			if string(got[i]) != c.want[i] {
				t.Errorf("%s: piece %d is %q", name, i, got[i])
			}
		}
	}
}

// material is a folder of messages that this project did not write.
func material(t testing.TB, name string) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "../shared/material", name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not here")
		}
		t.Skip("the test material (../shared/material) is not here")
	}
	return dir
}

// Real messages of four publishers: each is found, parsed, and all its places resolve.
func TestMaterial(t *testing.T) {
	for name, want := range map[string]int{"hl7v2-simhospital": 2914, "hl7v2-microsoft": 119, "hl7v2-linuxforhealth": 4, "hl7v2-itk": 5} {
		t.Run(name, func(t *testing.T) {
			count := 0
			err := filepath.WalkDir(material(t, name), func(path string, d os.DirEntry, err error) error {
				if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".hl7" && ext != ".txt" {
					return err
				}
				raw, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				for i, one := range Split(raw) {
					count++
					m, err := Parse(one)
					if err != nil {
						t.Errorf("%s, message %d: %v", filepath.Base(path), i, err)
						continue
					}
					if count%20 == 1 || want < 200 {
						everyPlace(t, m)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if count != want {
				t.Errorf("%d messages, want %d", count, want)
			}
		})
	}
}

// everyPlace walks a message down to its subcomponents and resolves each place back.
func everyPlace(t *testing.T, m *Message) {
	t.Helper()
	check := func(v Value) {
		if v.Raw() == "" {
			return
		}
		got, ok := m.At(v.Place())
		if !ok || got.Raw() != v.Raw() || got.start != v.start {
			t.Fatalf("%s: %q at %d, but it resolves to %q at %d", v.Place(), v.Raw(), v.start, got.Raw(), got.start)
		}
	}
	for s := range m.All("") {
		check(s.Value())
		for f := 1; f <= 12; f++ {
			check(s.Field(f))
			n := 0
			for r := range s.Field(f).Reps() {
				if n++; n > 8 {
					break
				}
				check(r)
				for c := 1; c <= 6; c++ {
					check(r.Comp(c))
					for k := 1; k <= 3; k++ {
						check(r.Comp(c).Sub(k))
					}
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(admit))
	f.Add([]byte("MSH|^~\\\\&|A|B|||||ADT^A01|1\rPID|1||a~b&c^d"))
	f.Add([]byte("\x0bMSH#!*?%#A\rZZZ#1\x1c\r"))
	f.Add([]byte("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.4||||||8859/1\rPID|1||\\X4869\\\\.br\\"))
	f.Add([]byte("FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|||||||ACK\rBTS|1\rFTS|1"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, one := range Split(raw) {
			m, err := Parse(one)
			if err == nil && m == nil {
				t.Fatal("neither a message nor an error")
			}
			if m == nil {
				continue
			}
			if m.Len() < 300 {
				everyPlace(t, m)
			}
			for s := range m.All("") {
				_ = s.Field(5).Text()
			}
			ack := Acknowledge(m, Failed, "1", noon, Problem{Place: "PID-3[2].1", Code: 101, Text: "x"})
			if bytes.Count(ack, []byte("\r")) != 3 {
				t.Fatalf("the answer is not three segments: %q", ack)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(admit)
	b.ReportAllocs()
	for b.Loop() {
		m, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		_ = m.First("PID").Field(3).Rep(2).Comp(1).Text()
	}
}
