package classify

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"selda/internal/conformance"
)

// published are the sets of the material that hold codes of SNOMED CT with their words: what
// those published whose lists ours are taken from, and what the NHS and HL7 show.
var published = []string{"ph-codesets-gm", "ph-codelists-opensafely", "uk-core-r4", "nhs-bars", "nhs-iops-bars", "nhs-iops-programmes", "nhs-iops-medicines", "nhs-nems", "nhs-nrl",
	"nhs-hie-hl7", "nhs-gpconnect-stu3-profiles", "nhs-gpconnect-spec-examples", "nhs-assets-stu3-examples", "nhs-gp2gp-uat", "fhir-r4-examples", "bulk-fhir-smart", "nhs-dos-ftrs", "nhs-ers", "nhs-immunisation"}

var number = regexp.MustCompile(`[0-9]{6,18}`)

// G8: each code of SNOMED CT in the lists is one that others have published, with the meaning
// that the list gives it. No release of SNOMED CT may stand in the repository, so what is held
// against is what the lists' own sources and the NHS have published; a region holds them
// against the release that it imports. What is nowhere in it stands in docs/conformance/labels.txt.
func TestG8CodesAreThoseThatWerePublished(t *testing.T) {
	suite := conformance.Open(t, "labels")
	words := map[string]string{}
	for _, list := range Box().All() {
		for _, s := range list.Sections {
			for _, e := range s.Entries {
				if e.System == "snomed" {
					words[e.Code] = e.Words
				}
			}
		}
	}
	around := map[string][]string{} // what stands beside a code
	for _, set := range published {
		err := filepath.WalkDir(conformance.Material(t, set), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(".ndjson.json.xml.csv.txt.md.fsh", filepath.Ext(path)) || filepath.Ext(path) == "" {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text := string(b)
			for _, at := range number.FindAllStringIndex(text, -1) {
				if code := text[at[0]:at[1]]; words[code] != "" && len(around[code]) < 50 {
					around[code] = append(around[code], strings.ToLower(text[max(0, at[0]-250):min(len(text), at[1]+250)]))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for code, meaning := range words {
		suite.Run(code, func() []string {
			if len(around[code]) == 0 {
				return []string{"nobody has published it: " + meaning}
			}
			for _, text := range around[code] {
				if means(meaning, text) {
					return nil
				}
			}
			return []string{"it is published with another meaning than " + meaning}
		})
	}
}

// means says whether a text has the words of a meaning that tell, two in three of them.
func means(meaning, text string) bool {
	all, have := 0, 0
	for _, w := range wordsOf(strings.ToLower(meaning)) {
		if len(w) < 4 {
			continue
		}
		if all++; strings.Contains(text, w[:min(len(w), 6)]) {
			have++
		}
	}
	return have*3 >= all*2
}
