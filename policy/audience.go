package policy

import (
	"slices"
	"time"

	"selda/nhs"
)

// This file keeps G8, each sensitive label states its audience, and G12,
// which roles see which data sets.

// Readers are the kinds of professionals that an audience tells apart.
type Readers uint8

// The readers. The front desk, receptionists and call handlers, sees nothing that
// has a label: it is not treating anybody.
const (
	Clinicians Readers = 1 << iota
	Pharmacists
	SocialWorkers
)

// treating are all professionals who treat or look after a person.
const treating = Clinicians | Pharmacists | SocialWorkers

// Audience is who sees the items that have a label, while the reader has a
// legitimate relationship. Letters and apps go to the citizen, and hold what the
// citizen sees. The citizen's trail names no item, whatever its labels.
type Audience struct {
	Label     Labels
	Own       Readers // within the organisation that wrote the item
	Elsewhere Readers // in other organisations
	// Statute: not opened by emergency access either, since its protection is law
	// (Human Fertilisation and Embryology Act, Gender Recognition Act, adoption).
	Statute        bool
	Citizen, Proxy bool
	Desk           bool // receptionists and call handlers, too
}

// audiences are all of them: what holds, and what is shown to those who govern.
//
// The confidentiality codes R and V alone are for treating clinicians: NHS documents
// carry V as a matter of routine (docs/adr/0003), and hiding those from who treats
// the patient is unsafe.
var audiences = []Audience{
	{Label: SexualHealth, Own: treating, Citizen: true},
	{Label: HIVSTI, Own: treating, Citizen: true},
	{Label: Termination, Own: treating, Citizen: true},
	{Label: Fertility, Own: treating, Citizen: true, Statute: true},
	{Label: GenderRecognition, Own: treating, Citizen: true, Statute: true},
	{Label: Adoption, Own: treating, Statute: true},
	{Label: Convictions, Own: treating, Citizen: true},
	{Label: FGM, Own: treating, Elsewhere: Clinicians, Citizen: true},
	{Label: SubstanceMisuse, Own: treating, Elsewhere: Clinicians | Pharmacists, Citizen: true},
	{Label: MentalHealthDetail, Own: treating, Elsewhere: Clinicians, Citizen: true},
	{Label: DomesticAbuse, Own: treating, Elsewhere: treating},
	{Label: ThirdParty, Own: treating, Elsewhere: treating},
	{Label: Safeguarding, Own: treating, Elsewhere: treating},
	{Label: Restricted, Own: treating, Elsewhere: Clinicians | Pharmacists, Citizen: true},
	{Label: VeryRestricted, Own: treating, Elsewhere: Clinicians | Pharmacists, Citizen: true},
	{Label: NotVisibleOnline, Own: treating, Elsewhere: treating, Desk: true},
}

// Audiences are who sees what, by label, as it is in force.
func Audiences() []Audience { return slices.Clone(audiences) }

// statutory are the labels that break-glass does not open.
var statutory = func() (l Labels) {
	for _, a := range audiences {
		if a.Statute {
			l |= a.Label
		}
	}
	return l
}()

// readers is the kind that a role is of; 0 of the front desk and of everybody else.
func readers(r nhs.Role) Readers {
	switch {
	case r == nhs.Pharmacist:
		return Pharmacists
	case r == nhs.SocialWorker:
		return SocialWorkers
	case r.Clinician(), r == nhs.MedicalExaminer, r == nhs.Coroner, r == nhs.ChildDeathReviewer:
		return Clinicians
	}
	return 0
}

// audience gives the labels that hide an item of another organisation from a
// role, and those that hide it even within the own organisation.
func audience(r nhs.Role) (hidden, hiddenOwn Labels) {
	kind, desk := readers(r), r == nhs.Receptionist || r == nhs.Handler111
	for _, a := range audiences {
		elsewhere, own := a.Elsewhere&kind != 0 || a.Desk && desk, a.Own&kind != 0 || a.Desk && desk
		switch r {
		case nhs.Citizen:
			elsewhere, own = a.Citizen, a.Citizen
		case nhs.Proxy:
			elsewhere, own = a.Proxy, a.Proxy
		}
		if !elsewhere {
			hidden |= a.Label
		}
		if !own {
			hiddenOwn |= a.Label
		}
	}
	return hidden, hiddenOwn
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
