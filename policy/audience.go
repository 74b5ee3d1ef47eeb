package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps G8, each sensitive label states its audience, and G12,
// which roles see which data sets.

// statutory labels are not opened by break-glass: their protection is law
// (Human Fertilisation and Embryology Act, Gender Recognition Act, adoption).
const statutory = Fertility | GenderRecognition | Adoption

// ownOnly labels are for the organisation that wrote the item.
const ownOnly = statutory | SexualHealth | HIVSTI | Termination | Convictions

// cliniciansOnly labels are for treating clinicians. The confidentiality codes
// R and V alone are among them: NHS documents carry V as a matter of routine
// (docs/adr/0003), and hiding those from who treats the patient is unsafe.
const cliniciansOnly = SubstanceMisuse | MentalHealthDetail | FGM | Restricted | VeryRestricted

// protective labels are for treating professionals, and kept from the
// citizen, proxies, letters, apps and the access trail.
const protective = DomesticAbuse | ThirdParty | Safeguarding

// audience gives the labels that hide an item of another organisation from a
// role, and those that hide it even within the own organisation.
func audience(r nhs.Role) (hidden, hiddenOwn Labels) {
	switch r {
	case nhs.Citizen:
		h := protective | NotVisibleOnline | Adoption
		return h, h
	case nhs.Proxy:
		h := protective | NotVisibleOnline | ownOnly | cliniciansOnly
		return h, h
	case nhs.Pharmacist:
		return ownOnly | MentalHealthDetail | FGM, 0
	case nhs.SocialWorker:
		return ownOnly | cliniciansOnly, 0
	case nhs.Receptionist, nhs.Handler111:
		h := ownOnly | cliniciansOnly | protective
		return h, h
	}
	if r.Clinician() {
		return ownOnly, 0
	}
	all := ownOnly | cliniciansOnly | protective
	return all, all
}

var clinical = AllDataSets &^ SetOf(Preferences)

var roleSets = map[nhs.Role]DataSets{
	nhs.GP: clinical, nhs.HospitalDoctor: clinical, nhs.Nurse: clinical, nhs.HospiceNurse: clinical,
	nhs.Pharmacist: clinical &^ SetOf(SocialCare),
	nhs.Advisor111: SetOf(Demographics, Problems, Medications, Allergies, Alerts, Plans, Encounters, Observations, Immunisations, CareTeam, Directory, Appointments),
	nhs.Paramedic:  SetOf(Demographics, Problems, Medications, Allergies, Alerts, Plans, Encounters, Observations, CareTeam, Directory),
	nhs.SocialWorker: SetOf(Demographics, Problems, Medications, Allergies, Alerts, Plans, Encounters, Referrals, Appointments,
		SocialCare, CareTeam, Directory),
	nhs.Handler111:   SetOf(Demographics, Alerts, Directory), // that a note or plan exists, and how to handle the call
	nhs.Receptionist: SetOf(Demographics, Appointments, Directory),
}

// roleDataSets are what a role may see of a citizen it looks after; none for
// roles that do not.
func roleDataSets(r nhs.Role) DataSets { return roleSets[r] }

// Visit is an Encounter, and when it began.
type Visit struct {
	Columns
	When time.Time
}

// advisorVisits is how many visits a clinical advisor of 111 sees (G12).
const advisorVisits = 3

// lastVisits limits a predicate to the last visits of those that it shows, the
// own organisation's aside.
func lastVisits(p *Predicate, all []Visit) {
	var shown []Visit
	for _, v := range all {
		if p.Shows(&v.Columns) && v.Source.Organisation() != p.Own {
			shown = append(shown, v)
		}
	}
	slices.SortStableFunc(shown, func(a, b Visit) int { return b.When.Compare(a.When) })
	p.VisitsOnly = []Item{}
	for _, v := range shown[:min(len(shown), advisorVisits)] {
		p.VisitsOnly = append(p.VisitsOnly, Item{v.Type, v.ID})
	}
}
