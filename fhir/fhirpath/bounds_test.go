package fhirpath

import (
	"runtime"
	"testing"
	"time"

	"selda/fault"
)

// A short expression can ask for a great deal. It ends with a reason, before
// it has taken the machine's memory or anybody's patience.
func TestSmallExpressionsThatAskForMuchAreEnded(t *testing.T) {
	const ten = "(1|2|3|4|5|6|7|8|9|10)"
	long := "'0123456789abcdef'" // to 1 MiB, sixteenfold at a time
	for range 4 {
		long += ".replaceMatches('.', '0123456789abcdef')"
	}
	for name, text := range map[string]string{
		"items doubled":     ten + ".select(" + ten + ").select(" + ten + ").aggregate($total.combine($total).combine($total), 1).count()",
		"many long texts":   "defineVariable('t', " + long + ").select(" + ten + ").select(" + ten + ").select(" + ten + ").select(%t + $this.toString()).count()",
		"long texts read":   "defineVariable('t', " + long + ").select(" + ten + ").select(" + ten + ").select(" + ten + ").select(%t.matches('(a|b|c)*d(e|f|g)*h(i|j)*k$')).count()",
		"patterns computed": "defineVariable('t', '0123456789abcdef'.replaceMatches('.', '(a|b){1,9}')).select(" + ten + ").select(" + ten + ").select(" + ten + ").select(" + ten + ").select('a'.matches(%t + $this.toString())).count()",
	} {
		e, err := Compile(text)
		if err != nil {
			t.Fatal(name, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err = e.Eval(nil, focus(t))
		runtime.ReadMemStats(&after)
		if !fault.Is(err, fault.TooLong) {
			t.Errorf("%s: %v", name, err)
		}
		if made, took := (after.TotalAlloc-before.TotalAlloc)>>20, time.Since(began); made > 700 || took > 10*time.Second {
			t.Errorf("%s: %d MB in %s", name, made, took)
		}
	}
}

// Evaluations that share a budget end together.
func TestABudgetIsShared(t *testing.T) {
	e, err := Compile("Patient.descendants().count() > 0")
	if err != nil {
		t.Fatal(err)
	}
	left := 1000
	env := &Env{Budget: &left}
	for i := 0; ; i++ {
		if _, err = e.Eval(env, focus(t)); err != nil {
			if i == 0 {
				t.Error("the first has the whole of it")
			}
			break
		}
		if i == 1000 {
			t.Fatal("it never ends")
		}
	}
	if !fault.Is(err, fault.TooLong) {
		t.Error(err)
	}
}
