package optout

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
)

var now = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// number is the i-th valid number of the test range.
func number(i int) nhs.Number {
	for x := 9_990_000_000 + 20*i; ; x++ {
		d := []byte(strings.Repeat("0", 10))
		for k, v := 9, x; k >= 0; k, v = k-1, v/10 {
			d[k] = byte('0' + v%10)
		}
		if n, err := nhs.ParseNumber(string(d)); err == nil {
			return n
		}
	}
}

// G3: who has opted out is left out of the file that comes back, and nobody
// else; what was loaded and kept says the same.
func TestG3TheFileComesBackWithoutThoseOptedOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 40).Draw(t, "asked")
		out := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 20).Draw(t, "opted out")
		has := map[int]bool{}
		var list, file, want []nhs.Number
		for _, i := range out {
			has[i] = true
			list = append(list, number(i))
		}
		for _, i := range asked {
			if file = append(file, number(i)); !has[i] {
				want = append(want, number(i))
			}
		}
		r := OptedOut(list, now)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if r, err = Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		back, left, err := r.Filter(Format(file))
		if err != nil || !bytes.Equal(back, Format(want)) || left != len(file)-len(want) {
			t.Fatalf("%q, %d left out, %v", back, left, err)
		}
		// The reply, read as the service's, says the same of those who were asked about.
		again, err := Checked(file, want, now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 61 {
			asks := bytes.Contains(Format(file), []byte(number(i).Digits()))
			if got := again.Clears(number(i)); got != (asks && !has[i]) {
				t.Fatalf("asked %t, opted out %t: cleared is %t", asks, has[i], got)
			}
		}
	})
}

// G3: nobody is cleared by what is not known: no register, no number, a number
// that was not asked about, a list that is too old.
func TestG3WhatIsNotKnownClearsNobody(t *testing.T) {
	var none *Register
	if none.Clears(number(1)) || (&Register{}).Clears(number(1)) || OptedOut(nil, now).Clears(nhs.Number{}) {
		t.Error("somebody is cleared")
	}
	r := OptedOut(nil, now)
	for at, want := range map[time.Time]fault.Kind{now.Add(Lasts): fault.Expired, now.Add(-time.Second): fault.BusinessRule} {
		if err := r.Usable(at); !fault.Is(err, want) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if err := r.Usable(now.Add(Lasts - time.Second)); err != nil {
		t.Error(err)
	}
	if err := none.Usable(now); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := Checked([]nhs.Number{number(1)}, []nhs.Number{number(2)}, now); !fault.Is(err, fault.Value) {
		t.Error("the reply to another file is taken:", err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	good := number(1).Digits()
	for file, place := range map[string]string{good + ",": "line 1", good + "\n": "line 1", good + ",\n" + good + ",\r\n": "line 2", good + ",\n\n": "line 2", "9991234518,\n": "line 1", " " + good[1:] + ",\n": "line 1",
		"The file contains invalid NHS numbers\n": "line 1", good + "," + good + ",\n": "line 1"} {
		_, err := Parse([]byte(file))
		if err == nil || fault.PlaceOf(err) != place || strings.Contains(err.Error(), good) {
			t.Errorf("%q: %v at %q", file, err, fault.PlaceOf(err))
		}
	}
}

// G3: to which releases opt-outs apply, and that it is said why.
func TestG3WhenOptOutsApply(t *testing.T) {
	for _, p := range []nhs.Purpose{nhs.Treatment, nhs.Emergency, nhs.PatientRequest, nhs.RecordAdmin} {
		for _, g := range append(Gateways, "") {
			if a := Applies(p, g); a.National || a.TypeOne || a.Why == "" {
				t.Errorf("%s by %s: %+v", p, g, a)
			}
		}
	}
	for g, want := range map[Gateway]bool{ExplicitConsent: false, Section251: true, Statute: false, Anonymised: false, "": true, "whatever": true} {
		for _, p := range []nhs.Purpose{"HRESCH", nhs.PublicHealthUse, ""} {
			if a := Applies(p, g); a.National != want || a.TypeOne != want || a.Why == "" {
				t.Errorf("%q by %q: %+v", p, g, a)
			}
		}
	}
}

// G3: the latest word of the practices counts.
func TestG3TypeOne(t *testing.T) {
	entry := func(code, status, when string) string {
		return `{"resourceType":"Observation","status":"` + status + `","code":{"coding":[{"system":"http://snomed.info/sct","code":"` + code + `"}]},"effectiveDateTime":"` + when + `"}`
	}
	for name, c := range map[string]struct {
		entries []string
		want    bool
	}{
		"nothing":             {nil, false},
		"objected":            {[]string{entry(dissent, "final", "2020-01-01")}, true},
		"and withdrawn":       {[]string{entry(dissent, "final", "2020-01-01"), entry(withdrawn, "final", "2021-01-01")}, false},
		"and objected again":  {[]string{entry(withdrawn, "final", "2021-01-01"), entry(dissent, "final", "2022-01-01"), entry(dissent, "final", "2020-01-01")}, true},
		"both on one day":     {[]string{entry(dissent, "final", "2020-01-01"), entry(withdrawn, "final", "2020-01-01")}, true},
		"entered in error":    {[]string{entry(dissent, "entered-in-error", "2020-01-01")}, false},
		"something else":      {[]string{entry("44054006", "final", "2020-01-01")}, false},
		"objected, sometime":  {[]string{entry(dissent, "final", ""), entry(withdrawn, "final", "2021-01-01")}, true},
		"withdrawn, sometime": {[]string{entry(dissent, "final", "2020-01-01"), entry(withdrawn, "final", "")}, true},
	} {
		var entries []Coded
		for _, e := range c.entries {
			r, err := fhir.Parse([]byte(e))
			if err != nil {
				t.Fatal(err)
			}
			when, _ := fhir.Time(r.Get("effectiveDateTime").Text())
			if x, ok := TypeOneOf(r, when); ok {
				entries = append(entries, x)
			}
		}
		if got := TypeOne(entries); got != c.want {
			t.Errorf("%s: objects is %t", name, got)
		}
	}
}

// What is read as a file is written again to the byte; a document that was not
// written here is refused or clears no more than it says.
func FuzzParse(f *testing.F) {
	f.Add([]byte("9000543664,\n9000956406,\n"))
	f.Add([]byte("9991234519,\r\n"))
	f.Add([]byte(`{"at":"2026-11-26T09:00:00Z","whole":true,"optedOut":"gIGCg4SFhoeI"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if list, err := Parse(file); err == nil && !bytes.Equal(Format(list), file) {
			t.Errorf("%q became %q", file, Format(list))
		}
		if r, err := Unmarshal(file); err == nil && r.Clears(nhs.Number{}) {
			t.Errorf("%q clears nobody's number", file)
		}
	})
}
