package policy

// The categories by which scopes tell the resources of a type apart. They are
// marks beside each version, so that a scope is part of every query like all
// else of a predicate; a mark means something else for each type.

// firstCategory is the lowest bit of these marks: those below are labels.
const firstCategory = 24 // Carried is the one below

// categories are the codes of each type, with the systems that they are of. A
// code's place is stored: add at the end.
var categories = map[string]struct {
	systems []string
	codes   []string
}{
	"Observation": {
		[]string{"http://terminology.hl7.org/CodeSystem/observation-category", "http://hl7.org/fhir/observation-category"},
		[]string{"laboratory", "vital-signs", "social-history", "survey", "imaging", "exam", "procedure", "therapy", "activity"},
	},
	"Condition": {
		[]string{"http://terminology.hl7.org/CodeSystem/condition-category", "http://hl7.org/fhir/us/core/CodeSystem/condition-category"},
		[]string{"problem-list-item", "encounter-diagnosis", "health-concern"},
	},
	"DocumentReference": {
		[]string{"http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"},
		[]string{"clinical-note"},
	},
}

// CategoryMark is the mark of a resource of a type with a category; 0 where the
// category is not told apart. Without a system the code is taken to be of the
// type's own: many systems here send it so.
func CategoryMark(typ, system, code string) Labels {
	c := categories[typ]
	known := system == ""
	for _, s := range c.systems {
		known = known || s == system
	}
	if !known {
		return 0
	}
	for i, x := range c.codes {
		if x == code {
			return 1 << (firstCategory + i)
		}
	}
	return 0
}

// CategoryTypes are the types whose categories are told apart.
func CategoryTypes() []string { return []string{"Condition", "DocumentReference", "Observation"} }

// Categories are the codes of a type that are told apart.
func Categories(typ string) []string { return categories[typ].codes }

// categoryCodes are the codes of marks.
func categoryCodes(typ string, l Labels) (out []string) {
	for i, x := range categories[typ].codes {
		if l&(1<<(firstCategory+i)) != 0 {
			out = append(out, x)
		}
	}
	return out
}
