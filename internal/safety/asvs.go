package safety

import (
	"fmt"
	"slices"
	"strings"
)

// asvs are the requirements of levels 1 and 2 of OWASP's Application Security
// Verification Standard 5.0.0, by section; those of level 1 have a mark. A requirement of level 3 is
// left out.
const asvs = `
1.1: 1 2
1.2: 1* 2* 3* 4* 5* 6 7 8 9
1.3: 1* 2* 3 4 5 6 7 8 9 10 11
1.4: 1 2 3
1.5: 1* 2
2.1: 1* 2 3
2.2: 1* 2* 3
2.3: 1* 2 3 4
2.4: 1
3.2: 1* 2*
3.3: 1* 2 3 4
3.4: 1* 2* 3 4 5 6
3.5: 1* 2* 3* 4 5
3.7: 1 2
4.1: 1* 2 3
4.2: 1
4.3: 1 2
4.4: 1* 2 3 4
5.1: 1
5.2: 1* 2* 3
5.3: 1* 2*
5.4: 1 2 3
6.1: 1* 2 3
6.2: 1* 2* 3* 4* 5* 6* 7* 8* 9 10 11 12
6.3: 1* 2* 3 4
6.4: 1* 2* 3 4
6.5: 1 2 3 4 5
6.6: 1 2 3
6.8: 1 2 3 4
7.1: 1 2 3
7.2: 1* 2* 3* 4*
7.3: 1 2
7.4: 1* 2* 3 4 5
7.5: 1 2
7.6: 1 2
8.1: 1* 2
8.2: 1* 2* 3
8.3: 1*
8.4: 1
9.1: 1* 2* 3*
9.2: 1* 2 3 4
10.1: 1 2
10.2: 1 2
10.3: 1 2 3 4
10.4: 1* 2* 3* 4* 5* 6 7 8 9 10 11
10.5: 1 2 3 4 5
10.6: 1 2
10.7: 1 2 3
11.1: 1 2
11.2: 1 2 3
11.3: 1* 2* 3
11.4: 1* 2 3 4
11.5: 1
11.6: 1
12.1: 1* 2 3
12.2: 1* 2*
12.3: 1 2 3 4
13.1: 1
13.2: 1 2 3 4 5
13.3: 1 2
13.4: 1* 2 3 4 5
14.1: 1 2
14.2: 1* 2 3 4
14.3: 1* 2 3
15.1: 1* 2 3
15.2: 1* 2 3
15.3: 1* 2 3 4 5 6 7
16.1: 1
16.2: 1 2 3 4 5
16.3: 1 2 3 4
16.4: 1 2 3
16.5: 1 2 3
17.1: 1
17.2: 1 2 3 4
17.3: 1 2
`

// verdicts are what a requirement comes to.
var verdicts = []string{"met", "partly", "not met", "not applicable"}

// Requirements are those of levels 1 and 2, each with its level, in their order.
func Requirements() (ids []string, level map[string]int) {
	level = map[string]int{}
	for line := range strings.SplitSeq(strings.TrimSpace(asvs), "\n") {
		section, list, _ := strings.Cut(line, ": ")
		for _, n := range strings.Fields(list) {
			number, first := strings.CutSuffix(n, "*")
			id := section + "." + number
			ids, level[id] = append(ids, id), 2
			if first {
				level[id] = 1
			}
		}
	}
	return ids, level
}

// Checklist holds the rows of a checklist to the requirements: number, level, words,
// verdict, evidence. It says what is wrong, and how many there are of each verdict.
func Checklist(rows []Row) (counts map[string]int, faults []string) {
	ids, level := Requirements()
	counts = map[string]int{}
	seen := map[string]bool{}
	say := func(format string, a ...any) { faults = append(faults, fmt.Sprintf(format, a...)) }
	for _, r := range rows {
		if len(r) == 0 || level[r[0]] == 0 {
			continue
		}
		id := r[0]
		switch {
		case seen[id]:
			say("%s stands twice", id)
		case len(r) != 5:
			say("%s: a row has number, level, words, verdict and evidence: %d cells", id, len(r))
		case r[1] != fmt.Sprint(level[id]):
			say("%s is of level %d", id, level[id])
		case !slices.Contains(verdicts, r[3]):
			say("%s: %q is no verdict", id, r[3])
		case r[4] == "":
			say("%s: nothing is said for it", id)
		case r[3] == "met" && !strings.Contains(r[4], "`"):
			say("%s is met, and no place or test is named", id)
		}
		if len(r) == 5 {
			counts[r[3]]++
		}
		seen[id] = true
	}
	for _, id := range ids {
		if !seen[id] {
			say("%s is not there", id)
		}
	}
	return counts, faults
}
