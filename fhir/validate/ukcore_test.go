package validate

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/internal/conformance"
	"selda/terminology"
)

// ukCore is a validator with UK Core, the examples of UK Core, and the ids of its
// profiles.
func ukCore(t testing.TB) (*Validator, map[string]*fhir.Resource, []string) {
	t.Helper()
	dir := conformance.Material(t, "uk-core-r4")
	var resources []*fhir.Resource
	var profiles []string
	for _, set := range []string{"structuredefinitions", "valuesets", "codesystems", "conceptmaps"} {
		files, _ := filepath.Glob(filepath.Join(dir, set, "*.xml"))
		for _, f := range files {
			if filepath.Base(f) == "CodeSystem-UKCore-EthnicCategoryScotland.xml" {
				continue // there is text between its elements
			}
			r := readResource(t, f)
			resources = append(resources, r)
			if r.Type == "StructureDefinition" {
				profiles = append(profiles, r.ID)
			}
		}
	}
	examples := map[string]*fhir.Resource{}
	files, _ := filepath.Glob(filepath.Join(dir, "examples", "*.xml"))
	for _, f := range files {
		examples[filepath.Base(f)] = readResource(t, f)
	}
	return New(definition.NewSet(definition.R4, resources...), terminology.New(terminology.NewResources(resources...), terminology.R4)), examples, profiles
}

// ukProfile is the profile that an example is one of: the longest that begins its
// name, or that of its type where it shows an extension.
func ukProfile(ids []string, name string, r *fhir.Resource) string {
	best := "UKCore-" + r.Type
	for _, id := range ids {
		if !strings.HasPrefix(id, "Extension-") && strings.HasPrefix(name, id+"-") && len(id) > len(best) {
			best = id
		}
	}
	return "https://fhir.hl7.org.uk/StructureDefinition/" + best
}

// ukWrong are examples that UK Core has wrong.
var ukWrong = map[string]string{
	"UKCore-Provenance-RARecordConsent-Example.xml": "a reference is Organization/https://…/StructureDefinition/UKCore-Organization",
}

// The examples of UK Core are valid by UK Core's own profiles.
func TestUKCoreExamples(t *testing.T) {
	v, examples, profiles := ukCore(t)
	for name, r := range examples {
		issues := v.Profiles(r, ukProfile(profiles, name, r))
		if ukWrong[name] != "" {
			if !Errors(issues) {
				t.Errorf("%s is valid: take it off the list", name)
			}
			continue
		}
		for _, i := range issues {
			if i.Severity == Error {
				t.Errorf("%s: %s: %s", name, i.Expression, i.Text)
			}
		}
	}
	t.Logf("%d examples", len(examples))
}

// What UK Core asks for beyond R4 is missed where it is not there.
func TestUKCoreFinds(t *testing.T) {
	v, examples, _ := ukCore(t)
	baby := string(examples["UKCore-Patient-BabyPatient-Example.xml"].JSON)
	for _, c := range []struct{ old, new, want string }{
		{`"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9912003890"`, `"system":"https://fhir.nhs.uk/Id/nhs-number"`, "Patient.identifier[0]: value is missing"},
		{`"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"`,
			`"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey"`, "may not be used here"},
		{`"code":"01","display":"Number present and verified"`, `"code":"77"`, "none of the codes is in the value set https://fhir.hl7.org.uk/ValueSet/UKCore-NHSNumberVerificationStatus"},
		{`"valueDateTime":"2021-02-11T15:39:00+00:00"`, `"valueString":"x"`, "Patient.birthDate.extension[0].value: the type is string"},
	} {
		in := strings.Replace(baby, c.old, c.new, 1)
		if in == baby {
			t.Errorf("the example has no %s", c.old)
			continue
		}
		found := said(v.Profiles(parse(t, in), "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"), Error)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %v", c.want, found)
		}
	}
}

func BenchmarkUKCore(b *testing.B) {
	v, examples, ids := ukCore(b)
	profiles := map[*fhir.Resource]string{}
	for name, r := range examples {
		profiles[r] = ukProfile(ids, name, r)
	}
	bytes, n := 0, 0
	for b.Loop() {
		for r, url := range profiles {
			v.Profiles(r, url)
			bytes += len(r.JSON)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "resources/s")
	b.ReportMetric(float64(bytes)/float64(n), "bytes/resource")
}
