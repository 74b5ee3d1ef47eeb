package fold

import "testing"

func TestName(t *testing.T) {
	for in, want := range map[string]string{"O'Neill": "oneill", "Zoë": "zoe", "ADEYEMI": "adeyemi", "van der Berg-Smith": "vanderbergsmith", "": "", "李": "李"} {
		if got := Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}
