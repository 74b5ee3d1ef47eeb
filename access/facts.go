package access

import (
	"context"
	"slices"
	"strings"
	"sync"

	"selda/death"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
	"selda/relationship"
	"selda/rights"
	"selda/store"
)

// factTypes are the resources that facts are read from.
var factTypes = append([]string{"Patient", "Encounter", "EpisodeOfCare", "Appointment", "ServiceRequest", "Task", "CarePlan", "CareTeam", "MedicationDispense", "Consent", "RelatedPerson", "ClinicalImpression", "Basic"}, signedTypes...)

// facts gathers what policy needs to know of a citizen, as at n, but for what
// users have stated and what was sent to whom; and what makes an access to them
// worth a look.
func (a *Access) facts(ctx context.Context, found mpi.Found, n uint64, o *organisations) (policy.Facts, known, error) {
	var f policy.Facts
	var who known
	var elsewhere []policy.Relationship // registrations that others than the practice state
	var waiting []*store.Version        // to be signed off
	handed := referrals{numbers: map[string][]string{}, closed: map[string]bool{}}
	naming := func(ref fhir.Node) nhs.ODS { return o.of(ctx, ref) }
	directory := a.namedBy(ctx, found, n, o, system)
	for _, k := range found.Subjects {
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
				elsewhere = append(elsewhere, patientFacts(&f, &who, v, r, naming)...)
			case "Consent":
				if p := understood(v, r, directory); p.Decides {
					f.Preferences = append(f.Preferences, p.Preference)
				}
			case "RelatedPerson":
				if p, ok := proxy.Of(r, v.Source); ok {
					p.ID = v.ID
					f.Acting = append(f.Acting, p.Acting)
				}
			case "Basic":
				if d, ok := death.Of(r, v.Source); ok {
					f.Refuted = append(f.Refuted, d.Refuted)
				} else if x, ok := rights.RestraintOf(r, v.Source); ok {
					f.Restraints = append(f.Restraints, x)
				}
			case "ClinicalImpression":
				if c, ok := proxy.AssessmentOf(r, v.Source); ok {
					f.Capacity = append(f.Capacity, c.Capacity)
				}
			case "DiagnosticReport", "DocumentReference", "Composition":
				if relationship.Pending(r) {
					waiting = append(waiting, v)
				}
				f.Relationships = append(f.Relationships, shown(v, r, naming)...)
			default:
				if v.Type == "Encounter" {
					f.Visits = append(f.Visits, policy.Visit{Columns: v.Columns, When: v.When})
				}
				handed.add(v, r)
				f.Relationships = append(f.Relationships, shown(v, r, naming)...)
			}
		}
	}
	f.Relationships = slices.DeleteFunc(f.Relationships, handed.over)
	if err := unsigned(&f, waiting); err != nil {
		return f, who, err
	}
	registered := slices.ContainsFunc(f.Relationships, func(r policy.Relationship) bool { return r.Kind == "registration" })
	if !registered {
		for _, r := range elsewhere {
			if !slices.Contains(who.left, r.Organisation) { // its own word counts more
				f.Relationships = append(f.Relationships, r)
			}
		}
	}
	if err := a.contents(ctx, f.Preferences, found, n); err != nil {
		return f, who, err
	}
	return f, who, nil
}

// claims are what users have stated about somebody.
func (a *Access) claims(ctx context.Context, found mpi.Found) ([]policy.Claim, error) {
	var subjects []store.Subject
	for _, k := range found.Subjects {
		subjects = append(subjects, k.Subject)
	}
	claims, err := a.Claims.ClaimsOf(ctx, subjects)
	for i := range claims {
		claims[i].Overrules = claims[i].Emergency && overrules(claims[i].Reason)
	}
	return claims, err
}

func patientFacts(f *policy.Facts, who *known, v *store.Version, r *fhir.Resource, organisation relationship.Organisation) (elsewhere []policy.Relationship) {
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
		d := policy.Death{By: v.Source, Of: "Patient/" + v.ID, Stated: v.Recorded}
		d.At, _ = fhir.Time(r.Get("deceasedDateTime").Text())
		f.Deaths = append(f.Deaths, d)
	}
	reg := relationship.Registered(r, v.Source)
	if reg.Own {
		f.Relationships = append(f.Relationships, policy.Relationship{Organisation: v.Source.Organisation(), Kind: "registration", Source: v.Source, Of: "Patient/" + v.ID})
	}
	if reg.Left {
		who.left = append(who.left, v.Source.Organisation())
	}
	for _, g := range reg.Elsewhere {
		if o := organisation(g); o != "" {
			elsewhere = append(elsewhere, policy.Relationship{Organisation: o, Kind: "registration", Source: v.Source, Of: "Patient/" + v.ID})
		}
	}
	return elsewhere
}

// organisations are the codes of those that references name, each looked up once.
type organisations struct {
	a     *Access
	mu    sync.Mutex
	known map[string]nhs.ODS // by reference
}

func (o *organisations) of(ctx context.Context, ref fhir.Node) nhs.ODS {
	id := ref.Get("reference").Text()
	if id == "" || ref.Get("identifier").Exists() {
		return o.a.organisation(ctx, ref)
	}
	o.mu.Lock()
	code, ok := o.known[id]
	o.mu.Unlock()
	if ok {
		return code
	}
	code = o.a.organisation(ctx, ref)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[string]nhs.ODS{}
	}
	o.known[id] = code
	return code
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
