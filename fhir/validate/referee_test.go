package validate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/referee"
)

// otherwise are errors of HL7's validator that are none of ours, each for a
// reason: the official examples themselves have them.
var otherwise = []string{
	"Canonical URLs must be absolute", // a warning
	"Error processing unit",           // a warning
	"Wrong Display Name",              // a warning
	"Unknown code",                    // a warning of quantities, and nothing of a coding without a code
	"UUIDs must be valid and lowercase",
	"is not a valid Target for this element", "Invalid Resource target type", // Reference.type is of an open value set
}

// What is valid to HL7's own validator is so to ours, and what is not is not: of
// the official examples with one fault put into each. `make referee` fetches it.
func TestAgainstHL7Validator(t *testing.T) {
	var in [][]byte
	var faulty []*fhir.Resource
	random := rand.New(rand.NewPCG(1, 2)) // the same faults each time
	examples(t, func(_ string, r *fhir.Resource) {
		if len(r.JSON) > 8_000 || len(faulty) >= 250 {
			return
		}
		if bad := withFault(random, r); bad != nil {
			faulty = append(faulty, bad)
			in = append(in, bad.JSON)
		}
	})
	verdicts := referee.Errors(t, in)
	v := r4()
	agree := 0
	for i, r := range faulty {
		theirs := slices.DeleteFunc(verdicts[i], func(said string) bool {
			return slices.ContainsFunc(otherwise, func(s string) bool { return strings.Contains(said, s) })
		})
		issues := v.Profiles(r)
		if Errors(issues) == (len(theirs) > 0) {
			agree++
			continue
		}
		t.Logf("%s/%s: ours %v, theirs %v", r.Type, r.ID, said(issues, Error), theirs)
	}
	t.Logf("%d of %d agree", agree, len(faulty))
	if agree*100 < len(faulty)*97 {
		t.Errorf("%d of %d agree with HL7's validator", agree, len(faulty))
	}
}

// withFault is a resource, without its narrative, with a fault in one place; nil
// where what was put in can't be read as a resource.
func withFault(random *rand.Rand, r *fhir.Resource) *fhir.Resource {
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(r.JSON))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return nil
	}
	delete(tree, "text")
	var objects []map[string]any
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			objects = append(objects, v)
			for _, k := range sorted(v) {
				walk(v[k])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(tree)
	o := objects[random.IntN(len(objects))]
	names := slices.DeleteFunc(sorted(o), func(k string) bool { return k == "resourceType" })
	if len(names) == 0 {
		return nil
	}
	k := names[random.IntN(len(names))]
	switch random.IntN(8) {
	case 0:
		delete(o, k)
	case 1:
		o[k+"x"] = o[k]
		delete(o, k)
	case 2:
		o[k] = "x"
	case 3:
		o[k] = 5
	case 4:
		o[k] = []any{o[k]}
	case 5:
		o[k] = map[string]any{"a": 1}
	case 6:
		o[k] = ""
	default:
		o[k] = true
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil
	}
	bad, err := fhir.Parse(text)
	if err != nil {
		return nil
	}
	return bad
}

func sorted(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
