package policy

import (
	"slices"
	"testing"

	"selda/nhs"
)

// A purpose that somebody chooses never shows more than their role has without it.
func TestG1APurposeOnlyNarrows(t *testing.T) {
	relations := []Relationship{{Organisation: "RJZ", Kind: "encounter"}}
	var columns []Columns
	for set := range DataSet(32) {
		for label := range 20 {
			for _, source := range []nhs.Source{"RJZ:PAS", "G85001:GP"} {
				c := Columns{Source: source, DataSet: set}
				if label > 0 {
					c.Labels = Labels(1) << (label - 1)
				}
				columns = append(columns, c)
			}
		}
	}
	for _, role := range []nhs.Role{nhs.GP, nhs.HospitalDoctor, nhs.Nurse, nhs.Pharmacist, nhs.Advisor111, nhs.Paramedic, nhs.HospiceNurse, nhs.SocialWorker, nhs.Receptionist, nhs.Handler111} {
		for _, claims := range [][]Claim{nil, {{User: "u", Organisation: "RJZ", Emergency: true, From: now.Add(-1), To: now.Add(1)}}} {
			decide := func(p nhs.Purpose) Decision {
				return Decide(Request{Agreed: Whole, AgreedInEmergency: Whole, Now: now, Facts: Facts{Relationships: relations, Claims: claims}, Subject: Subject{User: "u", Role: role, Organisation: "RJZ", Purpose: p}})
			}
			most := decide(nhs.Treatment)
			shown := 0
			for _, p := range []nhs.Purpose{nhs.RecordAdmin, nhs.Complaint, nhs.Safeguarding, nhs.Research, nhs.PrivacyReview, nhs.PublicHealthUse, nhs.Operations} {
				d := decide(p)
				if d.Permit && p != nhs.RecordAdmin {
					t.Errorf("%s opens a record for %s", role, p)
				}
				if d.MayBreakGlass || d.Emergency {
					t.Errorf("%s breaks the glass for %s", role, p)
				}
				for _, c := range columns {
					if !d.Permit || !d.Predicate.Shows(&c) {
						continue
					}
					if shown++; !most.Predicate.Shows(&c) || c.DataSet != Demographics && c.DataSet != Appointments && c.DataSet != Directory {
						t.Errorf("%s is shown %+v for %s", role, c, p)
					}
				}
			}
			if shown == 0 {
				t.Errorf("%s is shown nothing for booking", role)
			}
		}
	}
	if !Narrows(nhs.GP, nhs.Treatment, nhs.RecordAdmin) || !Narrows(nhs.GP, nhs.RecordAdmin, nhs.RecordAdmin) || Narrows(nhs.GP, nhs.RecordAdmin, nhs.Treatment) || Narrows(nhs.GP, nhs.Treatment, nhs.Emergency) || Narrows(nhs.Citizen, nhs.PatientRequest, nhs.Treatment) {
		t.Error("what narrows")
	}
	for r := range map[nhs.Role]bool{nhs.GP: true, nhs.PrivacyOfficer: true, nhs.CaldicottGuardian: true, nhs.Analyst: true} {
		if all := Purposes(r); len(all) < 2 || slices.Contains(all, nhs.Emergency) || all[0].Title() == "" {
			t.Errorf("%s: %v", r, all)
		}
	}
}
