package population

import (
	"context"
	"encoding/json"

	"selda/access"
	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
)

// making is a release that is being made.
type making struct {
	d          *Door
	ask        Ask
	rel        *Release
	register   *optout.Register // nil where the national opt-out does not apply
	pseudonyms Pseudonyms
	out        *json.Encoder // of rows
	counts     *counter
	people     []Row // of rows: told once it is known how many are like them
}

// person takes one person.
func (m *making) person(ctx context.Context, p access.OfPool) error {
	v, err := m.d.Records.Open(ctx, p.Grant)
	if err != nil {
		return err
	}
	if m.leavesOut(p, v) {
		m.rel.OptedOut++
		return nil
	}
	var rows []Row
	for i := range v.Items {
		item := &v.Items[i]
		if m.ask.Kind != policy.NoDataSet && item.DataSet != m.ask.Kind {
			continue
		}
		if r, ok := rowOf(item); ok && (m.ask.Code == "" || r.Code == m.ask.Code) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	m.rel.People++
	who := Row{Kind: policy.Demographics.String(), Sex: "unknown", Age: "unknown"}
	if p.Grant.Predicate().DataSets.Has(policy.Demographics) && len(v.Of("Patient")) > 0 {
		who.Age = ageBand(p.Born, m.d.Now())
		if g := v.Person.Gender; isCode.MatchString(g) {
			who.Sex = g
		}
	}
	m.counts.add(who, rows)
	if m.out == nil {
		return nil
	}
	who.Person = m.pseudonyms.Of(v.Citizen)
	m.people = append(m.people, who)
	for _, r := range rows {
		r.Person = who.Person
		m.rel.Rows++
		if err := m.out.Encode(r); err != nil {
			return fault.E("population.person", fault.Transient, err)
		}
	}
	return nil
}

// leavesOut says whether somebody is not to be in the release: by an opt-out, by what
// they have stated of research and planning, or, where each has to agree, since they
// have not.
func (m *making) leavesOut(p access.OfPool, v *record.View) bool {
	if m.register != nil && !m.clears(p.Numbers) {
		return true
	}
	stated := p.Dissent
	if m.rel.TypeOne && optout.TypeOne(stated.TypeOne) {
		return true
	}
	if m.rel.Gateway == optout.ExplicitConsent {
		return !agrees(stated.Consents, m.ask.Agreement)
	}
	return m.rel.Gateway != optout.Statute && m.rel.Gateway != optout.Anonymised && objects(stated.Consents)
}

// clears says whether the national service clears somebody, by every number of theirs.
func (m *making) clears(numbers []nhs.Number) bool {
	for _, n := range numbers {
		if !m.register.Clears(n) {
			return false
		}
	}
	return len(numbers) > 0
}

// objects says whether somebody has stated that they object to research and planning.
func objects(consents []*fhir.Resource) bool {
	for _, c := range consents {
		if c.Get("status").Is("active") && ofUse(c) && c.Get("provision", "type").Is("deny") {
			return true
		}
	}
	return false
}

// agrees says whether somebody has agreed to a project: a Consent to research that
// permits, and names it by an identifier.
func agrees(consents []*fhir.Resource, project string) bool {
	for _, c := range consents {
		if !c.Get("status").Is("active") || !ofUse(c) || !c.Get("provision", "type").Is("permit") {
			continue
		}
		for _, id := range c.Root().List("identifier") {
			if id.Get("value").Is(project) {
				return true
			}
		}
	}
	return false
}

// ofUse says whether a Consent is about research or planning.
func ofUse(c *fhir.Resource) bool {
	for _, s := range c.Root().List("scope", "coding") {
		if s.Get("code").Is("research") {
			return true
		}
	}
	for _, p := range c.Root().List("provision", "purpose") {
		switch p.Get("code").Text() {
		case "HRESCH", "PUBHLTH", "CLINTRCH", "HSYSADMIN", "HOPERAT":
			return true
		}
	}
	return false
}

// end tells the people, those of a sex and age that few have without them, and gives the counts.
func (m *making) end() (*Counts, error) {
	if m.out == nil {
		counts, suppressed := m.counts.counts()
		m.rel.Suppressed = suppressed
		m.rel.Rows = len(counts.Cells)
		return counts, nil
	}
	like := map[[2]string]int{}
	for _, p := range m.people {
		like[[2]string{p.Sex, p.Age}]++
	}
	for _, p := range m.people {
		if like[[2]string{p.Sex, p.Age}] < Least {
			p.Sex, p.Age = "*", "*"
			m.rel.Suppressed++
		}
		m.rel.Rows++
		if err := m.out.Encode(p); err != nil {
			return nil, fault.E("population.end", fault.Transient, err)
		}
	}
	return nil, nil
}
