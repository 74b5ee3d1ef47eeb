package access

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"selda/consent"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
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
				f.Relationships = append(f.Relationships, a.careFacts(ctx, v, r)...)
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
	if strings.HasPrefix(v.Source.System(), "GP") {
		if active := r.Get("active"); !active.Exists() || active.Bool() {
			f.Relationships = append(f.Relationships, policy.Relationship{Organisation: v.Source.Organisation(), Kind: "registration"})
		} else {
			who.left = append(who.left, v.Source.Organisation())
		}
		return nil
	}
	// The managingOrganization only keeps the entry: it is no registration.
	for _, g := range r.Root().List("generalPractitioner") {
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
	if o := odsOf(ref.List("identifier")); o != "" {
		return o
	}
	if id, ok := strings.CutPrefix(ref.Get("reference").Text(), "Organization/"); ok {
		if v, err := a.Store.Shared(ctx, "Organization", id); err == nil {
			if r, err := v.Resource(); err == nil {
				return odsOf(r.Root().List("identifier"))
			}
		}
	}
	return ""
}

func odsOf(ids []fhir.Node) nhs.ODS {
	for _, id := range ids {
		if id.Get("system").Is(nhs.ODSSystem) {
			if o, err := nhs.ParseODS(id.Get("value").Text()); err == nil {
				return o
			}
		}
	}
	return ""
}

// clockSkew is how far a source's clock may be ahead of ours: an admission
// that has just begun there has begun here.
const clockSkew = time.Hour

// careFacts are the relationships that an encounter, an episode, an
// appointment, a dispensing, a referral, a plan or a team shows (G7).
func (a *Access) careFacts(ctx context.Context, v *store.Version, r *fhir.Resource) []policy.Relationship {
	rel := policy.Relationship{Organisation: v.Source.Organisation()}
	status := r.Get("status").Text()
	start, _ := fhir.Time(r.Get("period", "start").Text())
	end, ended := fhir.Time(r.Get("period", "end").Text())
	switch r.Type {
	case "Encounter":
		rel.Kind, rel.Of = "encounter", "Encounter/"+v.ID
		if o := a.organisation(ctx, r.Get("serviceProvider")); o != "" {
			rel.Organisation = o
		}
		switch status {
		case "arrived", "triaged", "in-progress", "onleave":
			if start.IsZero() {
				start = v.Recorded
			}
			if rel.To = policy.OpenUntil(r.Get("class", "code").Text(), start); ended {
				rel.To = end
			}
		case "finished":
			if !ended {
				end = v.Recorded
			}
			rel.To = end
		default:
			return nil
		}
		rel.From = start.Add(-clockSkew)
	case "EpisodeOfCare", "CareTeam", "CarePlan":
		if status != "active" {
			return nil
		}
		rel.Kind, rel.From = "caseload", start
		if ended {
			rel.To = end
		}
	case "Appointment":
		at, ok := fhir.Time(r.Get("start").Text())
		if !ok || status == "cancelled" || status == "entered-in-error" || status == "noshow" || status == "proposed" {
			return nil
		}
		rel.Kind = "appointment"
		rel.From = at.UTC().Truncate(24 * time.Hour)
		rel.To = rel.From.Add(24 * time.Hour)
	case "MedicationDispense":
		at, ok := fhir.Time(cmp.Or(r.Get("whenHandedOver").Text(), r.Get("whenPrepared").Text()))
		if !ok || status == "cancelled" || status == "entered-in-error" || status == "declined" {
			return nil
		}
		rel.Kind = "dispensing"
		rel.From = at.UTC().Truncate(24 * time.Hour)
		rel.To = rel.From.Add(24 * time.Hour)
	case "ServiceRequest":
		if status != "active" {
			return nil
		}
		for _, p := range r.Root().List("performer") {
			if o := a.organisation(ctx, p); o != "" && o != rel.Organisation {
				rel.Kind, rel.Organisation = "referral", o
				rel.From, _ = fhir.Time(r.Get("authoredOn").Text())
				return []policy.Relationship{rel}
			}
		}
		return nil
	}
	return []policy.Relationship{rel}
}
