package synth

import "selda/nhs"

// Account is one of the people of the demonstration, as plain data. Passwords
// are not here.
type Account struct {
	User         string
	Name         string
	Role         nhs.Role
	Organisation nhs.ODS      // "" of a citizen
	NHSNumber    nhs.Number   // of a citizen or a proxy, their own
	For          []nhs.Number // of a proxy, those whom they act for
	Source       nhs.Source   // of a source system, its name
}

// Accounts are those that a demonstration always makes.
func Accounts() []Account {
	const region nhs.ODS = "QKK"
	number := func(digits string) nhs.Number { n, _ := nhs.ParseNumber(digits); return n }
	return []Account{
		{User: "gp", Name: "Dr Adaora Okafor", Role: nhs.GP, Organisation: gpPractice},
		{User: "doctor", Name: "Dr James Whitfield", Role: nhs.HospitalDoctor, Organisation: "RJZ"},
		{User: "visitor", Name: "Dr Priya Sharma", Role: nhs.HospitalDoctor, Organisation: "RN7"},
		{User: "nurse", Name: "Comfort Boateng", Role: nhs.Nurse, Organisation: "RJZ"},
		{User: "pharmacist", Name: "Imran Hussain", Role: nhs.Pharmacist, Organisation: "RJZ"},
		{User: "social", Name: "Rachel Lindqvist", Role: nhs.SocialWorker, Organisation: "708"},
		{User: "handler", Name: "Darren Cook", Role: nhs.Handler111, Organisation: "RRU"},
		{User: "advisor", Name: "Siobhan Walsh", Role: nhs.Advisor111, Organisation: "RRU"},
		{User: "paramedic", Name: "Tomasz Nowak", Role: nhs.Paramedic, Organisation: "RRU"},
		{User: "reception", Name: "Julie Marsh", Role: nhs.Receptionist, Organisation: gpPractice},
		{User: "hospice", Name: "Bernadette Nolan", Role: nhs.HospiceNurse, Organisation: "8HX01"},
		{User: "privacy", Name: "Helen Fletcher", Role: nhs.PrivacyOfficer, Organisation: "RJZ"},
		{User: "guardian", Name: "Dr Michael Rosenberg", Role: nhs.CaldicottGuardian, Organisation: "RJZ"},
		{User: "governance", Name: "Catherine Newman", Role: nhs.GovernanceLead, Organisation: region},
		{User: "analyst", Name: "David Chen", Role: nhs.Analyst, Organisation: region},
		{User: "admin", Name: "Anna Kowalska", Role: nhs.Administrator, Organisation: region},
		{User: "citizen", Name: "Folake Adeyemi", Role: nhs.Citizen, NHSNumber: number(folakeNumber)},
		{User: "parent", Name: "Grace Mensah", Role: nhs.Proxy, NHSNumber: number(parentNumber), For: []nhs.Number{number(childNumber)}},
		{User: "engineer", Name: "Stuart Perry", Role: nhs.Engineer, Organisation: region},
		{User: "system", Name: "Guy's and St Thomas' integration engine", Role: nhs.SourceSystem, Organisation: "RJ1", Source: "RJ1:API"},
	}
}
