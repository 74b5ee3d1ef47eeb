package safety

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// The scale of the hazard log: the example of DCB0129's implementation guidance 3.2,
// tables 7 to 10.
var (
	severities  = []string{"Minor", "Significant", "Considerable", "Major", "Catastrophic"}
	likelihoods = []string{"Very low", "Low", "Medium", "High", "Very high"}
	matrix      = [][]int{{1, 1, 2, 2, 3}, {1, 2, 2, 3, 4}, {2, 2, 3, 3, 4}, {2, 3, 3, 4, 5}, {3, 4, 4, 5, 5}}
)

// statuses are those of a hazard: table 5 of the guidance.
var statuses = []string{"Open", "Transferred", "Closed"}

var risk = regexp.MustCompile(`^(\w+) × ([\w ]+) = (\d)$`)

// Risk reads "Major × Low = 3", and says what is wrong with it.
func Risk(s string) (level int, err error) {
	m := risk.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("a risk reads \"Major × Low = 3\": not %q", s)
	}
	severe, likely := slices.Index(severities, m[1]), slices.Index(likelihoods, m[2])
	if severe < 0 || likely < 0 {
		return 0, fmt.Errorf("%q is not of the scale", s)
	}
	if level, _ = strconv.Atoi(m[3]); level != matrix[likely][severe] {
		return 0, fmt.Errorf("%q: by the matrix it is %d", s, matrix[likely][severe])
	}
	return level, nil
}

// fields are those that every hazard has once; it has one control or more beside.
var fields = []string{"description", "effect", "causes", "initial risk", "residual risk", "further controls", "owner", "status"}

// Faults are what is wrong with a hazard.
func (s Section) Faults() (out []string) {
	say := func(format string, a ...any) { out = append(out, s.Title+": "+fmt.Sprintf(format, a...)) }
	rows := map[string][]string{}
	for _, r := range Tables(s.Text) {
		if len(r) != 2 {
			say("a row has a name and a text: %q", r)
			continue
		}
		rows[r[0]] = append(rows[r[0]], r[1])
	}
	for _, f := range fields {
		if len(rows[f]) != 1 || rows[f][0] == "" {
			say("it has no %s, or several", f)
			return out
		}
	}
	levels := map[string]int{}
	for _, f := range []string{"initial risk", "residual risk"} {
		level, err := Risk(rows[f][0])
		if err != nil {
			say("%s: %v", f, err)
		}
		levels[f] = level
	}
	switch {
	case levels["residual risk"] > levels["initial risk"]:
		say("the risk is greater with the controls than without")
	case levels["residual risk"] > 3:
		say("a residual risk of %d is not accepted", levels["residual risk"])
	}
	if !slices.Contains(statuses, rows["status"][0]) {
		say("its status is one of %v", statuses)
	}
	if len(rows["control"]) == 0 {
		say("it has no control")
	}
	for _, c := range rows["control"] {
		if len(Named(c)) == 0 {
			say("a control names no test: %s", c)
		}
	}
	return out
}
