package policy

import (
	"fmt"
	"slices"
	"time"

	"selda/internal/london"
	"selda/nhs"
)

// Facts are what is known of a citizen when a decision is made.
type Facts struct {
	NHSNumbers    []nhs.Number
	BirthDate     time.Time // zero where unknown
	Deceased      bool      // beside the Deaths that are known
	Deaths        []Death
	Refuted       []Refuted
	Relationships []Relationship
	Preferences   []Preference
	Claims        []Claim
	Addressed     []Addressed
	Visits        []Visit
	Restraints    []Restraint // what is kept and not used (G18)
	Acting        []Acting    // who acts for them (G11)
	Capacity      []Capacity  // as it was assessed, in any order
}

// Relationship is a legitimate relationship between an organisation and a
// citizen (G7), with where it comes from.
type Relationship struct {
	Organisation nhs.ODS
	Kind         string // "registration", "encounter", "call", "incident", "referral", "caseload", "appointment", "dispensing"
	From, To     time.Time
	Source       nhs.Source // which system said it
	Of           string     // the item that shows it, "Encounter/id"
	Unsigned     bool       // its summary, or a result of it, is not signed off
	// AfterCare is how long it lasts after care, where its controller has set more
	// than the least.
	AfterCare time.Duration
}

// Claim is what a user has stated about one citizen: that the patient is in
// front of them (G7), or a break-glass reason (G9).
type Claim struct {
	User         string
	Organisation nhs.ODS
	Emergency    bool
	Reason       string
	Overrules    bool // the reason is one that "no emergency override" yields to (G5)
	From, To     time.Time
}

// Request is one question.
type Request struct {
	Subject Subject
	Citizen string // whose record; what an application may open is held against it
	Now     time.Time
	Facts   Facts
	// Agreed is what agreements show this reader of this citizen's record;
	// AgreedInEmergency under break-glass, where it is not nil.
	Agreed, AgreedInEmergency *Agreed
	// Limits are those of the reader's own organisation; nil for none.
	Limits *Limits
}

// Decision is the answer, with the rules that made it.
type Decision struct {
	Permit    bool
	Predicate Predicate
	Rules     []string // "G7 registration", "G4 objection of the citizen", …
	Reason    string   // of a denial, in words for the user
	// MayDeclare and MayBreakGlass say what the user could do about a denial, or about what may be hidden.
	MayDeclare, MayBreakGlass bool
	Emergency                 bool // made under break-glass
	// NotDead are the sources whose word that the person has died was found to be wrong (G20).
	NotDead []nhs.Source
	// AliveUntil is when the first of those findings ends, if nobody says so again.
	AliveUntil time.Time
}

// Periods that the rules set.
const (
	// AfterCare is how long a relationship lasts after discharge (G7).
	AfterCare = 28 * 24 * time.Hour
	// UntilSigned is how long it lasts at most where the summary or a result of
	// the stay is not signed off: one that is forgotten opens no record for ever.
	UntilSigned = 365 * 24 * time.Hour
	// ReleaseDelay is when a result that nobody has reviewed reaches the citizen (G10).
	ReleaseDelay = 7 * 24 * time.Hour
	// ClaimLasts is how long a declared relationship or a break-glass holds.
	ClaimLasts = 12 * time.Hour
)

// Decide answers whether, and under which predicate, a subject may read one
// citizen's record.
func Decide(r Request) Decision {
	d := decide(r)
	d.NotDead = r.Facts.notDead(r.Now)
	d.AliveUntil = r.Facts.aliveUntil(r.Now)
	return d
}

func decide(r Request) Decision {
	s := &r.Subject
	switch {
	case s.User == "" || s.Role == "":
		return deny("G1 default deny", "nobody is signed in")
	case !s.Scopes.opens(r.Citizen):
		return deny("SMART patient scope", "the application may open another record alone")
	case s.Role == nhs.Citizen || s.Role == nhs.Proxy:
		return decideCitizen(r)
	case s.Role == nhs.SourceSystem:
		return ownSource(s)
	}
	if within, ok := reviewsDeaths(s.Role); ok {
		return decideDeathReview(r, within)
	}
	if roleDataSets(s.Role) == 0 {
		return deny("G1 default deny", "the role "+s.Role.Title()+" does not open records")
	}
	if !directCare(s.Purpose) {
		return deny("G1 direct care", "records are opened for direct care, not for this purpose")
	}
	if s.Organisation == "" {
		return deny("G7 legitimate relationship", "the account has no organisation")
	}
	return decideProfessional(r)
}

// Search is the decision to look for citizens: demographics only, for roles
// that look after people.
// What agreements show of anybody's demographics can be found.
func Search(s Subject, agreed *Agreed) Decision {
	switch {
	case s.User != "" && s.Role == nhs.SourceSystem:
		return ownSource(&s)
	case s.User == "" || !searches(&s) || s.Organisation == "":
		return deny("G1 default deny", "the role "+s.Role.Title()+" does not search for people")
	}
	p := Predicate{Permit: true, Own: s.Organisation, DataSets: SetOf(Demographics, Directory), Agreed: agreed}
	p.Hidden, p.HiddenOwn = audience(s.Role)
	return Decision{Permit: true, Predicate: p, Rules: []string{"G7 search by demographics"}}
}

// searches says whether somebody looks for people: who looks after them, or reviews deaths.
func searches(s *Subject) bool {
	if _, ok := reviewsDeaths(s.Role); ok {
		return s.Purpose == nhs.DecedentReview
	}
	return roleDataSets(s.Role) != 0 && directCare(s.Purpose)
}

// directoryTypes are the types that are of no person: not a Device, which may
// be somebody's, nor a Group, which has members.
var directoryTypes = []string{"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Endpoint", "OrganizationAffiliation",
	"Medication", "Substance", "Schedule", "Slot", "InsurancePlan"}

// DirectoryOf is the decision to read organisations, people who work there,
// places and products: anyone who has signed in may.
func DirectoryOf(s Subject) Decision {
	if s.User == "" {
		return deny("G1 default deny", "nobody is signed in")
	}
	return Decision{Permit: true, Rules: []string{"directory"}, Predicate: Predicate{Permit: true, DataSets: SetOf(Directory, Other, Medications), OnlyTypes: directoryTypes, Agreed: Whole}}
}

// ownSource permits a source system what it wrote itself.
func ownSource(s *Subject) Decision {
	if s.Source == "" {
		return deny("G1 default deny", "the account names no source")
	}
	return Decision{Permit: true, Rules: []string{"own source"}, Predicate: Predicate{Permit: true, OnlySource: s.Source, DataSets: AllDataSets}}
}

// directCare says whether a purpose is the care of the person, or what goes
// with it: other uses have their own gateways (G1, G3).
func directCare(p nhs.Purpose) bool {
	return p == nhs.Treatment || p == nhs.RecordAdmin || p == nhs.Emergency || p == nhs.PatientRequest || p == ""
}

func deny(rule, reason string) Decision { return Decision{Rules: []string{rule}, Reason: reason} }

func decideProfessional(r Request) Decision {
	s := &r.Subject
	d := Decision{Predicate: roleWide(s, nil)}
	d.MayBreakGlass = s.Role.Clinician() && !administers(s)
	d.MayDeclare = s.Role.Clinician() || s.Role == nhs.Receptionist || s.Role == nhs.SocialWorker || s.Role == nhs.Handler111
	relation := relationship(s, r.Now, r.Facts)
	emergency := claimed(s, r.Now, r.Facts, true) && !administers(s)
	if relation == "" && !emergency {
		d.Predicate = Predicate{}
		d.Rules = []string{"G7 no legitimate relationship"}
		d.Reason = "your organisation has no legitimate relationship with this citizen"
		return d
	}
	d.Permit = true
	if relation != "" {
		d.Rules = append(d.Rules, "G7 "+relation)
	}
	if emergency {
		d.Emergency = true
		d.Rules = append(d.Rules, "G9 emergency access")
		d.Predicate.Hidden &= statutory
	}
	agreements(&d, &r)
	restrain(&d, &r)
	objections(&d, r, emergency)
	seals(&d, &r)
	if administers(s) {
		d.Rules = append(d.Rules, "G1 booking and registration alone")
		return d
	}
	sentHere(&d.Predicate, &r)
	switch s.Role {
	case nhs.Advisor111:
		lastVisits(&d.Predicate, r.Facts.Visits)
	case nhs.Handler111:
		d.Predicate.Existence = SetOf(Plans)
	}
	return d
}

// strength orders relationships: the first of these that holds is the one named.
var strength = []string{"registration", "encounter", "incident", "call", "appointment", "dispensing", "referral", "caseload"}

// relationship is the strongest that holds, in words; "" for none.
func relationship(s *Subject, now time.Time, f Facts) string {
	best := len(strength)
	for _, rel := range f.Relationships {
		if rel.Organisation != s.Organisation || !rel.Holds(now) {
			continue
		}
		if i := slices.Index(strength, rel.Kind); i >= 0 && i < best {
			best = i
		}
	}
	if best < len(strength) {
		return strength[best]
	}
	if claimed(s, now, f, false) {
		return "declared by the user"
	}
	return ""
}

// Holds says whether a relationship is in force.
func (r *Relationship) Holds(now time.Time) bool {
	end := r.Ends()
	return !now.Before(r.From) && (end.IsZero() || now.Before(end))
}

// Ends is when a relationship ends, with the time that it lasts beyond what it is
// of; zero where no end is known.
func (r *Relationship) Ends() time.Time {
	if r.To.IsZero() {
		return time.Time{}
	}
	return r.To.Add(r.After())
}

// After is how long a relationship lasts beyond its end.
func (r *Relationship) After() time.Duration {
	switch r.Kind {
	case "encounter", "call", "incident":
		if r.Unsigned {
			return UntilSigned
		}
		return max(AfterCare, r.AfterCare)
	case "referral", "caseload":
		return max(AfterCare, r.AfterCare)
	}
	return 0
}

// claimed says whether the user's own statement is in force.
func claimed(s *Subject, now time.Time, f Facts, emergency bool) bool {
	return slices.ContainsFunc(f.Claims, func(c Claim) bool { return inForce(c, s, now, emergency) })
}

func inForce(c Claim, s *Subject, now time.Time, emergency bool) bool {
	return c.User == s.User && c.Organisation == s.Organisation && c.Emergency == emergency && !now.Before(c.From) && now.Before(c.To)
}

// heldForReview are the data sets to which review or delay applies (G10).
var heldForReview = SetOf(Results, Documents)

// HeldForReview says whether items of a data set wait for a clinician's review
// or the delay before they reach the citizen (G10).
func HeldForReview(d DataSet) bool { return heldForReview.Has(d) }

func decideCitizen(r Request) Decision {
	s := &r.Subject
	own := has(r.Facts.NHSNumbers, s.NHSNumber)
	if _, dead := r.Facts.Died(r.Now); dead {
		return deny("G20 death", "access ends when a person has died")
	}
	p := Predicate{Permit: true, DataSets: AllDataSets, Agreed: r.Agreed, Release: &Release{Now: r.Now, Delay: ReleaseDelay, Held: heldForReview}}
	p.Hidden, p.HiddenOwn = audience(s.Role)
	if s.Role == nhs.Citizen {
		if !own {
			return deny("G1 default deny", "this is not your record")
		}
		age, known := Age(r.Facts.BirthDate, r.Now)
		if known && age < ownAccountAt {
			return deny("G11 own account of a child", "an account of one's own is for those who are 13 or older")
		}
		if known && age < adultAt && !r.Facts.competent(r.Now) {
			return deny("G11 own account of a child", "your practice has not yet recorded that you use your own account: ask them")
		}
		return Decision{Permit: true, Predicate: p, Rules: []string{"G10 own record"}}
	}
	return decideProxy(r, p)
}

func has(list []nhs.Number, n nhs.Number) bool {
	for _, x := range list {
		if x == n && !n.IsZero() {
			return true
		}
	}
	return false
}

// Age is in whole years; false where the birth date is unknown.
func Age(born, now time.Time) (int, bool) {
	if born.IsZero() {
		return 0, false
	}
	now = london.In(now) // a birthday begins at midnight of the region
	years := now.Year() - born.Year()
	if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
		years--
	}
	return years, true
}

// Explain is a decision in one line.
func (d Decision) Explain() string {
	if d.Permit {
		return fmt.Sprintf("permitted: %v", d.Rules)
	}
	return fmt.Sprintf("denied: %v: %s", d.Rules, d.Reason)
}

// OfNoPerson says whether resources of a type are of no person.
func OfNoPerson(typ string) bool { return slices.Contains(directoryTypes, typ) }
