package validate

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is large takes time by its size, and not by the square of it.
func TestLargeResources(t *testing.T) {
	if testing.Short() {
		t.Skip("it validates tens of megabytes")
	}
	v := r4()
	nulls := func(n int) string {
		return `{"resourceType":"Patient","name":[{"given":[` + strings.Repeat("null,", n-1) + `null],"_given":[` + strings.Repeat(`{"id":"x"},`, n-1) + `{"id":"x"}]}]}`
	}
	bundle := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"resourceType":"Bundle","type":"message","entry":[`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"fullUrl":"http://x.example/Patient/%d","resource":{"resourceType":"Patient","id":"%d","active":true,"link":[{"other":{"reference":"Patient/%d"},"type":"refer"}],
				"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"text":"x"}}]}}`, i, i, (i*7)%n)
		}
		return b.String() + `]}`
	}
	links := func(n int) string {
		return `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` +
			strings.Repeat(`<a id=\"a\" href=\"#a\">x</a>`, n) + `</div>"}}`
	}
	for name, c := range map[string]struct {
		make func(n int) string
		many int
	}{"nulls": {nulls, 64_000}, "bundle": {bundle, 16_000}, "links": {links, 32_000}} {
		took := func(n int) time.Duration {
			r := parse(t, c.make(n))
			start := time.Now()
			v.Structure(r)
			v.Profiles(r)
			return time.Since(start)
		}
		took(100)
		few, many := took(c.many/32), took(c.many)
		if many > 100*few+2*time.Second { // by the square it would be a thousand times as long
			t.Errorf("%s: 32 times as much takes %v in place of %v", name, many, few)
		}
	}
}

// One validator serves many at once, with the same answers.
func TestManyAtOnce(t *testing.T) {
	v := r4()
	r := parse(t, `{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},"status":"final","code":{"text":"x"},"valueString":"x"}`)
	want := fmt.Sprint(r4().Profiles(r))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				if got := fmt.Sprint(v.Profiles(r)); got != want {
					t.Errorf("%s, and alone %s", got, want)
					return
				}
			}
		})
	}
	wait.Wait()
}
