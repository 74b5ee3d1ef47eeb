package access

import (
	"context"
	"slices"
	"strings"

	"selda/consent"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/relationship"
	"selda/store"
)

// factTypes are the resources that facts are read from.
var factTypes = []string{"Patient", "Encounter", "EpisodeOfCare", "Appointment", "ServiceRequest", "CarePlan", "CareTeam", "MedicationDispense", "Consent"}

// facts gathers what policy needs to know of a citizen, as at n, and what makes
// an access to them worth a look.
func (a *Access) facts(ctx context.Context, found mpi.Found, n uint64) (policy.Facts, known, error) {
	var f policy.Facts
	var who known
	var subjects []store.Subject
	var elsewhere []policy.Relationship // registrations that others than the practice state
	naming := func(ref fhir.Node) nhs.ODS { return a.organisation(ctx, ref) }
	for _, k := range found.Subjects {
		subjects = append(subjects, k.Subject)
		versions, err := a.Store.Compartment(ctx, k.Subject, n, system, factTypes...)
		if err != nil {
			return f, who, err
		}
		for _, v := range versions {
			r, err := v.Resource()
			if err != nil {
				return f, who, err
			}
			switch r.Type {
			case "Patient":
				who.add(r)
				elsewhere = append(elsewhere, a.patientFacts(ctx, &f, &who, v, r)...)
			case "Consent":
				if p, ok := consent.Read(r, v.ID, v.Recorded); ok {
					f.Preferences = append(f.Preferences, p)
				}
			default:
				if v.Type == "Encounter" {
					f.Visits = append(f.Visits, policy.Visit{Columns: v.Columns, When: v.When})
				}
				f.Relationships = append(f.Relationships, relationship.Of(relationship.Version{Resource: r, ID: v.ID, Source: v.Source, Recorded: v.Recorded}, naming)...)
			}
		}
	}
	for _, s := range subjects {
		if err := a.unsigned(ctx, &f, s, n); err != nil {
			return f, who, err
		}
	}
	registered := slices.ContainsFunc(f.Relationships, func(r policy.Relationship) bool { return r.Kind == "registration" })
	if !registered {
		for _, r := range elsewhere {
			if !slices.Contains(who.left, r.Organisation) { // its own word counts more
				f.Relationships = append(f.Relationships, r)
			}
		}
	}
	if len(f.Preferences) > 0 { // only what is withheld has to be given back
		for _, s := range subjects {
			if err := a.addressed(ctx, &f, s, n); err != nil {
				return f, who, err
			}
		}
	}
	claims, err := a.Claims.ClaimsOf(ctx, subjects)
	for i := range claims {
		claims[i].Overrules = claims[i].Emergency && overrules(claims[i].Reason)
	}
	f.Claims = claims
	return f, who, err
}

func (a *Access) patientFacts(ctx context.Context, f *policy.Facts, who *known, v *store.Version, r *fhir.Resource) (elsewhere []policy.Relationship) {
	for _, id := range r.Root().List("identifier") {
		if id.Get("system").Is(nhs.NumberSystem) {
			if n, err := nhs.ParseNumber(id.Get("value").Text()); err == nil && !slices.Contains(f.NHSNumbers, n) {
				f.NHSNumbers = append(f.NHSNumbers, n)
			}
		}
	}
	// Where birth dates differ the earliest counts: it gives a proxy the least (G11).
	if t, ok := fhir.Time(r.Get("birthDate").Text()); ok && (f.BirthDate.IsZero() || t.Before(f.BirthDate)) {
		f.BirthDate = t
	}
	if r.Get("deceasedBoolean").Bool() || r.Get("deceasedDateTime").Exists() {
		f.Deceased = true
	}
	reg := relationship.Registered(r, v.Source)
	if reg.Own {
		f.Relationships = append(f.Relationships, policy.Relationship{Organisation: v.Source.Organisation(), Kind: "registration"})
	}
	if reg.Left {
		who.left = append(who.left, v.Source.Organisation())
	}
	for _, g := range reg.Elsewhere {
		if o := a.organisation(ctx, g); o != "" {
			elsewhere = append(elsewhere, policy.Relationship{Organisation: o, Kind: "registration"})
		}
	}
	return elsewhere
}

// organisation is the ODS code that a Reference names, itself or by the
// Organization it refers to.
func (a *Access) organisation(ctx context.Context, ref fhir.Node) nhs.ODS {
	if !ref.IsObject() {
		return ""
	}
	if o := relationship.Code(ref.List("identifier")); o != "" {
		return o
	}
	if id, ok := strings.CutPrefix(ref.Get("reference").Text(), "Organization/"); ok {
		if v, err := a.Store.Shared(ctx, "Organization", id); err == nil {
			if r, err := v.Resource(); err == nil {
				return relationship.Code(r.Root().List("identifier"))
			}
		}
	}
	return ""
}
