package policy

import (
	"math/bits"
	"strings"
)

// DataSet is a kind of data that agreements and roles speak of.
type DataSet uint8

// The data sets. Their numbers are stored: add at the end.
const (
	NoDataSet DataSet = iota
	Demographics
	Problems
	Medications
	Allergies
	Results
	Observations
	Immunisations
	Procedures
	Encounters
	Documents
	Plans
	Alerts
	Referrals
	Appointments
	SocialCare
	CareTeam
	Directory
	Preferences
	Other
)

var dataSets = [...]string{"", "demographics", "problems", "medications", "allergies", "results", "observations",
	"immunisations", "procedures", "encounters", "documents", "plans", "alerts", "referrals", "appointments",
	"social-care", "care-team", "directory", "preferences", "other"}

// DataSetSystem is the system of a meta.tag that states a resource's data set.
const DataSetSystem = "https://selda.example/data-set"

// String is the data set's code.
func (d DataSet) String() string {
	if int(d) < len(dataSets) {
		return dataSets[d]
	}
	return ""
}

// ParseDataSet reads a data set's code; NoDataSet where it is none.
func ParseDataSet(s string) DataSet {
	for i, name := range dataSets {
		if i > 0 && name == s {
			return DataSet(i)
		}
	}
	return NoDataSet
}

// DataSets is a set of data sets.
type DataSets uint64

// SetOf is the set of those named.
func SetOf(list ...DataSet) DataSets {
	var s DataSets
	for _, d := range list {
		s |= 1 << d
	}
	return s
}

// AllDataSets has every data set.
const AllDataSets = DataSets(1<<len(dataSets)-1) &^ 1

// Has says whether d is in the set.
func (s DataSets) Has(d DataSet) bool { return s&(1<<d) != 0 }

// Labels is a set of sensitivity labels (G8) and marks of an item.
type Labels uint64

// The labels. Their numbers are stored: add at the end.
const (
	SexualHealth Labels = 1 << iota
	HIVSTI
	Termination
	Fertility
	GenderRecognition
	Adoption
	FGM
	SubstanceMisuse
	DomesticAbuse
	Convictions
	MentalHealthDetail
	ThirdParty
	Safeguarding
	NotVisibleOnline // the author's own mark (G10)
	Restricted       // v3-Confidentiality R
	VeryRestricted   // v3-Confidentiality V
	Reviewed         // a clinician has reviewed it (G10): a mark, not a sensitivity
	SafetyPlan       // a crisis, safety or risk plan (G8): never hidden from urgent care by a label
)

// Carried marks a version some of whose labels came with its message, or with that of a
// version before it: later ones that say nothing of labels keep all that it has (G8). It
// is no label, and stands below the marks of categories.
const Carried Labels = 1 << (firstCategory - 1)

var labels = []string{"sexual-health", "hiv-sti", "termination", "fertility", "gender-recognition", "adoption", "fgm",
	"substance-misuse", "domestic-abuse", "convictions", "mental-health-detail", "third-party", "safeguarding",
	"not-visible-online", "R", "V", "reviewed", "safety-plan"}

// LabelSystem is the system of SELDA's labels in meta.security.
const LabelSystem = "https://selda.example/labels"

// ConfidentialitySystem is the system of N, R and V in meta.security.
const ConfidentialitySystem = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

// ParseLabel reads one label's code; 0 where it is none.
func ParseLabel(s string) Labels {
	for i, name := range labels {
		if name == s {
			return 1 << i
		}
	}
	return 0
}

// Codes are the labels' codes.
func (l Labels) Codes() []string {
	var out []string
	for ; l != 0; l &= l - 1 {
		if i := bits.TrailingZeros64(uint64(l)); i < len(labels) {
			out = append(out, labels[i])
		}
	}
	return out
}

// String is the codes, joined.
func (l Labels) String() string { return strings.Join(l.Codes(), " ") }
