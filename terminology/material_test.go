package terminology

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
)

// Every terminology resource of UK Core and of R4's examples is read, and each
// of their value sets is listed, or it is said what it rests on that is not here.
func TestPublishedResources(t *testing.T) {
	dirs := []string{"../../shared/material/uk-core-r4", "../../shared/material/fhir-r4-examples"}
	var all []*fhir.Resource
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal("the public test data is missing: ../shared/material")
			}
			t.Skip("no public test data at ../shared/material beside the checkout")
		}
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			switch filepath.Ext(name) {
			case ".xml":
				if raw, err = fhir.FromXML(raw); err != nil {
					return nil // no resource, or one that R4 does not have
				}
			case ".json":
			default:
				return nil
			}
			if r, err := fhir.Parse(raw); err == nil && (r.Type == "CodeSystem" || r.Type == "ValueSet" || r.Type == "ConceptMap") {
				all = append(all, r)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 200 {
		t.Fatalf("only %d resources", len(all))
	}
	s := New(NewResources(all...), R4)
	listed, missing := 0, 0
	for _, r := range all {
		url := r.Get("url").Text()
		switch r.Type {
		case "CodeSystem":
			x, err := CodeSystem(r)
			if err != nil || x.Meta().Cycles > 0 {
				t.Errorf("%s: %v", url, err)
			}
		case "ConceptMap":
			if m := ParseConceptMap(r); len(m.Groups) != len(r.Root().List("group")) {
				t.Errorf("%s: groups are lost", url)
			}
		case "ValueSet":
			e, err := s.Expand(url, ExpandQuery{Count: 100})
			switch {
			case fault.Is(err, fault.NotFound), err != nil && strings.Contains(fault.Reason(err), "made by rules"):
				missing++
			case err != nil:
				t.Errorf("%s: %v", url, err)
			default:
				listed++
				for _, c := range e.Contains {
					if in, known := s.Member(url, c.System, c.Code); !in || !known {
						t.Errorf("%s: %s is listed and no member", url, c.Code)
					}
				}
			}
		}
	}
	t.Logf("%d value sets were listed, %d rest on what is not here", listed, missing)
	if listed < 50 {
		t.Errorf("only %d value sets were listed", listed)
	}
}
