package pattern

import (
	"strings"
	"testing"
	"time"
)

func TestSizeIsBounded(t *testing.T) {
	for text, ok := range map[string]bool{
		`[A-Za-z0-9\-\.]{1,64}`: true,
		`([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?`: true,
		strings.Repeat("a|", 9000) + "a":      true,
		`(`:                                   false,
		`x{1,1000}{1,1000}`:                   false,
		strings.Repeat("x{1,1000}", 11):       false,
		strings.Repeat("(a|b)*", 4000):        false,
		strings.Repeat(`\pL{500}`, 100):       false,
		strings.Repeat("((x{9}){9}){9}", 199): false,
	} {
		began := time.Now()
		re, size, got := Compile(text)
		if got != ok || ok && (re == nil || size < 1 || size > MaxSize) || time.Since(began) > 2*time.Second {
			t.Errorf("%.40s: %v, size %d, in %s", text, got, size, time.Since(began))
		}
	}
}
