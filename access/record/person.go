package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/nhs"
)

// Person is who the citizen is, put together from the Patients of the sources
// that the reader may see: what the banner shows (G26). Sex and gender are kept
// apart (G16).
type Person struct {
	Family, Given, Title, Preferred string
	Born                            string // FHIR date as given
	BornAt                          time.Time
	Gender                          string // administrative gender
	BirthSex                        string // UK Core birth sex, where stated
	NHSNumber                       nhs.Number
	Verified                        bool // the source states that the number was traced
	InvalidNumber                   bool // a number was given that fails Modulus 11, and there is no valid one
	OtherNumbers                    []Number
	Address                         []string
	Postcode                        string
	Phones                          []string
	Language                        string
	Interpreter                     bool
	Ethnicity                       string
	Practice                        string // reference or name of the registered practice
	PracticeODS                     nhs.ODS
	Deceased                        bool
	alive                           bool // a source states that they have not died
	DeceasedAt                      string
	Restricted                      bool // the address is withheld
	Conflicts                       []string
}

// Number is a number that a source uses.
type Number struct {
	System, Value string
	Source        nhs.Source
}

// Extensions of UK Core that a Person reads.
const (
	ukCore            = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
	extVerification   = ukCore + "NHSNumberVerificationStatus"
	extBirthSex       = ukCore + "BirthSex"
	extEthnicCategory = ukCore + "EthnicCategory"
)

// person merges the Patients, the best first: a practice's, then one with a
// traced number, then the latest.
func (v *View) person() Person {
	patients := v.Of("Patient")
	slices.SortStableFunc(patients, func(a, b Item) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), b.Recorded.Compare(a.Recorded))
	})
	var p Person
	notDead := v.Grant.Decision().NotDead
	for _, i := range patients {
		p.add(i)
		p.died(i, slices.Contains(notDead, i.Source))
	}
	return p
}

func rank(i Item) int {
	r := 0
	if strings.HasPrefix(i.Source.System(), "GP") {
		r += 2
	}
	for _, id := range i.Res.Root().List("identifier") {
		if id.Get("system").Is(nhs.NumberSystem) && isVerified(id) {
			r++
		}
	}
	if len(i.Res.Root().List("name")) > 0 {
		r += 4
	}
	return r
}

func isVerified(id fhir.Node) bool {
	for _, x := range id.List("extension") {
		if x.Get("url").Is(extVerification) {
			c := x.Get("valueCodeableConcept", "coding", "code")
			return c.Is("01") || c.Is("number-present-and-verified")
		}
	}
	return false
}

// died takes what a source states of a death. One that was found to be wrong does not
// count, whatever other sources say that the reader may not know of.
func (p *Person) died(i Item, wrong bool) {
	r := i.Res.Root()
	switch {
	case wrong && (r.Get("deceasedBoolean").Bool() || r.Get("deceasedDateTime").Exists()):
		p.conflict("a source states a death, which the practice found to be wrong")
	case r.Get("deceasedBoolean").Bool() || r.Get("deceasedDateTime").Exists():
		if p.alive {
			p.conflict("a source states that they have died, another that they have not")
		}
		p.Deceased = true
		if at := r.Get("deceasedDateTime").Text(); at != "" && p.DeceasedAt == "" {
			p.DeceasedAt = at
		} else if at != "" && !strings.HasPrefix(at, p.DeceasedAt) && !strings.HasPrefix(p.DeceasedAt, at) {
			p.conflict("the date of death differs between sources")
		}
	case r.Get("deceasedBoolean").Exists(): // false: no source but one that says so contradicts
		p.alive = true
		if p.Deceased {
			p.conflict("a source states that they have died, another that they have not")
		}
	}
}

func (p *Person) add(i Item) {
	r := i.Res.Root()
	p.names(r)
	if b := r.Get("birthDate").Text(); b != "" {
		if p.Born == "" {
			p.Born = b
			p.BornAt, _ = fhir.Time(b)
		} else if p.Born != b {
			p.conflict("birth date differs between sources")
		}
	}
	if g := r.Get("gender").Text(); g != "" {
		if p.Gender == "" {
			p.Gender = g
		} else if p.Gender != g {
			p.conflict("gender differs between sources")
		}
	}
	p.numbers(i)
	p.contact(r)
	for _, x := range r.List("extension") {
		switch {
		case x.Get("url").Is(extBirthSex) && p.BirthSex == "":
			p.BirthSex = Words(x.Get("valueCodeableConcept"))
		case x.Get("url").Is(extEthnicCategory) && p.Ethnicity == "":
			p.Ethnicity = Words(x.Get("valueCodeableConcept"))
		}
	}
	for _, s := range r.List("meta", "security") {
		if c := s.Get("code"); c.Is("R") || c.Is("V") || c.Is("REDACTED") {
			p.Restricted = true
		}
	}
	if p.Restricted { // found, but shows no place
		p.Address, p.Postcode, p.Phones = nil, "", nil
	}
}

func (p *Person) names(r fhir.Node) {
	named := false // by the first name that is in use; a preferred name may come after it
	for _, n := range r.List("name") {
		use := n.Get("use").Text()
		if use == "nickname" {
			p.Preferred = cmp.Or(p.Preferred, n.Get("given").Get("0").Text(), n.Get("text").Text())
		}
		if named || use == "old" || use == "temp" || use == "nickname" {
			continue
		}
		family := n.Get("family").Text()
		var given []string
		for _, g := range n.List("given") {
			given = append(given, g.Text())
		}
		if family == "" && len(given) == 0 {
			if t := n.Get("text").Text(); t != "" && p.Family == "" {
				p.Family = t
			}
			continue
		}
		if p.Family == "" && p.Given == "" {
			p.Family, p.Given, p.Title = family, strings.Join(given, " "), n.Get("prefix").Get("0").Text()
		} else if !strings.EqualFold(p.Family, family) {
			p.conflict("family name differs between sources")
		}
		named = true
	}
}

func (p *Person) numbers(i Item) {
	for _, id := range i.Res.Root().List("identifier") {
		value := id.Get("value").Text()
		if !id.Get("system").Is(nhs.NumberSystem) {
			if value != "" {
				p.OtherNumbers = append(p.OtherNumbers, Number{id.Get("system").Text(), value, i.Source})
			}
			continue
		}
		n, err := nhs.ParseNumber(value)
		switch {
		case err != nil:
			p.InvalidNumber = p.NHSNumber.IsZero()
		case p.NHSNumber.IsZero():
			p.NHSNumber, p.Verified, p.InvalidNumber = n, isVerified(id), false
		case n == p.NHSNumber:
			p.Verified = p.Verified || isVerified(id)
		default:
			p.conflict("NHS number differs between sources")
		}
	}
}

func (p *Person) contact(r fhir.Node) {
	if len(p.Address) == 0 {
		for _, a := range r.List("address") {
			if a.Get("use").Is("old") {
				continue
			}
			for _, l := range a.List("line") {
				p.Address = append(p.Address, l.Text())
			}
			for _, part := range []string{"city", "district"} {
				if t := a.Get(part).Text(); t != "" {
					p.Address = append(p.Address, t)
				}
			}
			p.Postcode = a.Get("postalCode").Text()
			break
		}
	}
	if len(p.Phones) == 0 {
		for _, t := range r.List("telecom") {
			if s := t.Get("system"); s.Is("phone") || s.Is("sms") {
				p.Phones = append(p.Phones, t.Get("value").Text())
			}
		}
	}
	for _, c := range r.List("communication") {
		if p.Language == "" {
			p.Language = Words(c.Get("language"))
		}
		for _, x := range c.List("extension") {
			for _, y := range append(x.List("extension"), x) {
				if u := y.Get("url").Text(); strings.Contains(strings.ToLower(u), "interpreter") && y.Get("valueBoolean").Bool() {
					p.Interpreter = true
				}
			}
		}
	}
	for _, g := range r.List("generalPractitioner") {
		if g.Get("identifier", "system").Is(nhs.ODSSystem) && p.PracticeODS == "" {
			p.PracticeODS = nhs.ODS(g.Get("identifier", "value").Text())
		}
		p.Practice = cmp.Or(p.Practice, g.Get("display").Text(), g.Get("reference").Text())
	}
}

func (p *Person) conflict(s string) {
	if !slices.Contains(p.Conflicts, s) {
		p.Conflicts = append(p.Conflicts, s)
	}
}

// Words is what to show for a CodeableConcept, a Coding, a Reference or a string.
func Words(n fhir.Node) string {
	if n.IsString() {
		return n.Text()
	}
	if t := n.Get("text").Text(); t != "" {
		return t
	}
	for _, c := range n.List("coding") {
		if d := c.Get("display").Text(); d != "" {
			return d
		}
	}
	if d := n.Get("display").Text(); d != "" {
		return d
	}
	return cmp.Or(n.Get("coding", "code").Text(), n.Get("code").Text())
}
