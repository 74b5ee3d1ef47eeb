package record

import (
	"strings"

	"selda/fhir"
)

// This file keeps what tells where somebody lives, or can be met, from who reads the
// record of a citizen whose address is withheld: they are found, and no source's word
// shows a place (G13). Whoever treats them knows the place, or asks the practice.

// placed are the types of which some element tells a place.
var placed = map[string]bool{"Patient": true, "RelatedPerson": true, "Person": true, "Encounter": true, "EpisodeOfCare": true, "Appointment": true, "AppointmentResponse": true,
	"ServiceRequest": true, "Procedure": true, "Immunization": true, "MedicationDispense": true, "MedicationRequest": true, "Task": true, "DeviceRequest": true, "SupplyDelivery": true,
	"DocumentReference": true, "Composition": true, "CareTeam": true, "CarePlan": true, "Coverage": true, "Account": true, "AdverseEvent": true, "ImagingStudy": true,
	"DiagnosticReport": true, "Observation": true, "QuestionnaireResponse": true, "Communication": true, "CommunicationRequest": true, "Flag": true, "Claim": true, "Consent": true, "NutritionOrder": true, "VisionPrescription": true}

// places are the members that tell one, wherever they stand.
var places = map[string]bool{"address": true, "telecom": true, "location": true, "locationReference": true, "locationCode": true, "facility": true, "facilityType": true,
	"generalPractitioner": true, "managingOrganization": true, "sourcePatientInfo": true, "destination": true, "origin": true, "valueAddress": true, "valueContactPoint": true, "position": true}

// TellsPlaces says whether an element of a type may tell a place.
func TellsPlaces(typ string) bool { return placed[typ] }

// IsPlace says whether a member of that name tells a place.
func IsPlace(name string) bool { return places[name] }

// Placeless is a resource without what tells a place. Of a Patient and of a related
// person the people to call go too, and the narrative, which repeats it all.
func Placeless(typ string, body []byte) []byte {
	if !placed[typ] {
		return body
	}
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return fhir.Without(body, "address", "telecom", "contact", "text")
	}
	p := stripper{person: typ == "Patient" || typ == "RelatedPerson" || typ == "Person"}
	out := p.object(r.Root(), true)
	if !p.changed {
		return body
	}
	return out
}

type stripper struct{ person, changed bool }

// gone says whether a member tells a place.
func (p *stripper) gone(name string, top bool) bool {
	return places[name] || top && (name == "text" || p.person && name == "contact")
}

func (p *stripper) object(n fhir.Node, top bool) []byte {
	out := []byte{'{'}
	for c := n.Children(); c.Next(); {
		name := string(c.Name())
		if p.gone(strings.TrimPrefix(name, "_"), top) {
			p.changed = true
			continue
		}
		v := c.Node()
		if name == "actor" && elsewhere(v) { // a place that takes part in an appointment
			p.changed = true
			v, name = fhir.Node{}, "type"
			if n.Member("type").Exists() {
				continue
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), name...), '"', ':')
		if name == "type" && !v.Exists() {
			out = append(out, `[{"text":"a place, withheld"}]`...)
			continue
		}
		out = append(out, p.value(v)...)
	}
	return append(out, '}')
}

func (p *stripper) value(v fhir.Node) []byte {
	switch {
	case v.IsObject():
		return p.object(v, false)
	case v.IsArray():
		out := []byte{'['}
		for c := v.Children(); c.Next(); {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, p.value(c.Node())...)
		}
		return append(out, ']')
	}
	return v.JSON()
}

// elsewhere says whether a Reference is to a place.
func elsewhere(ref fhir.Node) bool {
	to := ref.Get("reference").Text()
	return strings.HasPrefix(to, "Location/") || strings.HasPrefix(to, "HealthcareService/") || ref.Get("type").Is("Location") || ref.Get("type").Is("HealthcareService")
}

// withhold leaves places out of all that a View has: of the items themselves, so that
// no door shows them, finds by them, or counts them.
func (v *View) withhold() error {
	for i := range v.Items {
		x := &v.Items[i]
		if !placed[x.Type] {
			continue
		}
		body := Placeless(x.Type, x.Version.Body)
		if len(body) == len(x.Version.Body) {
			continue
		}
		version, err := x.Version.Saying(body)
		if err != nil {
			return err
		}
		res, err := version.Resource()
		if err != nil {
			return err
		}
		*x = Item{version, res}
	}
	return nil
}
