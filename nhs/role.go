package nhs

import (
	"fmt"
	"slices"
	"strings"
)

// Role is the part that somebody plays when they use SELDA.
type Role string

// The roles that SELDA knows. Each is what a session acts as, one at a time.
const (
	GP                Role = "gp"                 // general practitioner
	HospitalDoctor    Role = "hospital-doctor"    // doctor of a trust
	Nurse             Role = "nurse"              // nurse of a trust, practice or community service
	Pharmacist        Role = "pharmacist"         // pharmacist
	SocialWorker      Role = "social-worker"      // adult social care
	Handler111        Role = "handler"            // 111 or 999 call handler, not a clinician (G12)
	Advisor111        Role = "advisor"            // 111 clinical advisor
	Paramedic         Role = "paramedic"          // ambulance crew
	Receptionist      Role = "receptionist"       // front desk
	HospiceNurse      Role = "hospice-nurse"      // nurse of a hospice
	PrivacyOfficer    Role = "privacy-officer"    // reviews access within an organisation
	CaldicottGuardian Role = "caldicott-guardian" // decides on disclosure within an organisation
	GovernanceLead    Role = "governance-lead"    // agreements
	Analyst           Role = "analyst"            // secondary use
	Administrator     Role = "administrator"      // accounts and settings, no records
	Engineer          Role = "engineer"           // interfaces: feeds, quarantine, traces
	SourceSystem      Role = "source-system"      // a system that writes, and reads what it wrote
	Citizen           Role = "citizen"            // the person whose record it is
	Proxy             Role = "proxy"              // acts for a citizen
	// Those who review a death.
	MedicalExaminer    Role = "medical-examiner"
	Coroner            Role = "coroner" // and their officers
	ChildDeathReviewer Role = "child-death-reviewer"
	Operator           Role = "operator" // the operating-system user at the command line
)

var roles = map[Role]string{GP: "General practitioner", HospitalDoctor: "Hospital doctor", Nurse: "Nurse",
	Pharmacist: "Pharmacist", SocialWorker: "Social worker", Handler111: "111 call handler", Advisor111: "111 clinical advisor",
	Paramedic: "Paramedic", Receptionist: "Receptionist", HospiceNurse: "Hospice nurse", PrivacyOfficer: "Privacy officer",
	CaldicottGuardian: "Caldicott guardian", GovernanceLead: "Governance lead", Analyst: "Analyst", Administrator: "Administrator",
	Engineer: "Interface engineer", SourceSystem: "Source system", Citizen: "Citizen", Proxy: "Proxy", MedicalExaminer: "Medical examiner", Coroner: "Coroner", ChildDeathReviewer: "Child death reviewer", Operator: "Operator"}

// ParseRole reads a role by its code.
func ParseRole(s string) (Role, error) {
	if _, ok := roles[Role(s)]; !ok {
		codes := func(yield func(string) bool) {
			for r := range roles {
				if !yield(string(r)) {
					return
				}
			}
		}
		return "", fmt.Errorf("no such role: %s are known", strings.Join(slices.DeleteFunc(slices.Sorted(codes), func(s string) bool { return s == string(Operator) }), ", "))
	}
	return Role(s), nil
}

// Title is the role in words, "General practitioner".
func (r Role) Title() string { return roles[r] }

// Clinician says whether the role treats patients and may read clinical
// content under a legitimate relationship.
func (r Role) Clinician() bool {
	switch r {
	case GP, HospitalDoctor, Nurse, Pharmacist, Advisor111, Paramedic, HospiceNurse:
		return true
	}
	return false
}

// Purpose is a purpose of use.
// https://terminology.hl7.org/CodeSystem-v3-ActReason.html
type Purpose string

// The purposes that SELDA knows.
const (
	Treatment       Purpose = "TREAT"    // direct care
	Emergency       Purpose = "BTG"      // break-glass
	PatientRequest  Purpose = "PATRQT"   // the citizen's own access
	Operations      Purpose = "HOPERAT"  // running the exchange
	RecordAdmin     Purpose = "PATADMIN" // booking, registration
	PrivacyReview   Purpose = "HSYSADMIN"
	PublicHealthUse Purpose = "PUBHLTH"
	DecedentReview  Purpose = "HDECD"   // matters of somebody who has died
	Complaint       Purpose = "HCOMPL"  // a complaint, or an audit of what was done
	Safeguarding    Purpose = "PATSFTY" // a safeguarding enquiry
	Research        Purpose = "HRESCH"  // research under an agreement
)

var purposes = map[Purpose]string{Treatment: "direct care", Emergency: "emergency access", PatientRequest: "citizens' own access", Operations: "running the exchange",
	RecordAdmin: "booking and registration", PrivacyReview: "review of accesses", PublicHealthUse: "planning and public health", DecedentReview: "review of a death",
	Complaint: "a complaint or an audit", Safeguarding: "a safeguarding enquiry", Research: "research"}

// ParsePurpose reads a purpose by its code.
func ParsePurpose(s string) (Purpose, error) {
	if _, ok := purposes[Purpose(s)]; ok {
		return Purpose(s), nil
	}
	return "", fmt.Errorf("no such purpose: say TREAT, BTG, PATRQT, HOPERAT, PATADMIN, HSYSADMIN, PUBHLTH, HDECD, HCOMPL, PATSFTY or HRESCH")
}

// Title is the purpose in words, "direct care".
func (p Purpose) Title() string { return purposes[p] }
