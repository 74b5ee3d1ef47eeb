package consent

import (
	"strconv"
	"strings"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// UserSystem is the identifier system of SELDA's accounts, by which one person
// can be an actor; RoleSystem is that of its roles.
const (
	UserSystem = "https://selda.example/user"
	RoleSystem = "https://selda.example/role"
)

// rule reads a provision. ok is false where it is not about care, or gives
// back what can't be told: then its exceptions that withhold are in But.
func (r *reader) rule(p fhir.Node, place string, depth int, typ string) (rule policy.Rule, ok bool) {
	if r.rules++; r.rules > maxRules || depth > maxDepth {
		r.refuse(place, "it has more provisions than can be held: at most "+strconv.Itoa(maxRules)+", "+strconv.Itoa(maxDepth)+" within each other")
		return policy.Rule{}, typ != "permit"
	}
	rule.Permit = typ == "permit"
	if typ != "permit" && typ != "deny" && depth > 1 {
		r.doubt(place+".type", "it does not say whether to deny or to permit: it is taken as deny")
	}
	uses, care := purposes(p.List("purpose"))
	if !care {
		r.doubt(place+".purpose", "this purpose is not individual care: nothing is changed by it (G3)")
		return policy.Rule{Permit: true}, false
	}
	rule.Uses = uses
	told := r.time(p, place, &rule)
	told = r.action(p, place) && told
	told = r.actors(p, place, &rule) && told
	told = r.data(p, place, &rule.Data) && told
	if p.Get("modifierExtension").Exists() {
		r.refuse(place+".modifierExtension", "it has an extension that changes its meaning and is not known here")
		told = false
	}
	for i, nested := range p.List("provision") {
		b, ok := r.rule(nested, place+".provision["+strconv.Itoa(i)+"]", depth+1, nested.Get("type").Text())
		if ok {
			rule.But = append(rule.But, b)
		} else {
			rule.But = append(rule.But, denials(b.But)...)
		}
	}
	switch {
	case told:
		return rule, true
	case rule.Permit:
		return policy.Rule{Permit: true, But: denials(rule.But)}, false
	case depth > 1: // it is wider than it says: so would be what it gives back
		rule.But = denials(rule.But)
	}
	return rule, true
}

// denials are the rules that withhold.
func denials(rules []policy.Rule) (out []policy.Rule) {
	for _, b := range rules {
		if !b.Permit {
			out = append(out, b)
		}
	}
	return out
}

func (r *reader) time(p fhir.Node, place string, rule *policy.Rule) bool {
	start, end := p.Get("period", "start").Text(), p.Get("period", "end").Text()
	var ok bool
	if rule.From, ok = since(start); start != "" && !ok {
		r.doubt(place+".period.start", "this is no date: it is left out")
		return false
	}
	if rule.To = inRegion(end, until); end != "" && rule.To.IsZero() {
		r.doubt(place+".period.end", "this is no date: it is left out")
		return false
	}
	return true
}

// action says whether a provision is about seeing.
// https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision.action: "the only action in the understood and tested scope is 'read'".
func (r *reader) action(p fhir.Node, place string) bool {
	all := p.List("action")
	for _, a := range all {
		for _, c := range a.List("coding") {
			switch c.Get("code").Text() {
			case "access", "use", "disclose", "read":
				return true
			}
		}
	}
	if len(all) > 0 {
		r.refuse(place+".action", "only who may see can be decided: the action is access")
	}
	return len(all) == 0
}

// custodian are the roles of an actor whose data a rule is about, recipient
// those of one who is to see it.
// https://terminology.hl7.org/CodeSystem-v3-ParticipationType.html
var (
	custodian = map[string]bool{"CST": true, "AUT": true}
	recipient = map[string]bool{"": true, "IRCP": true, "PRCP": true, "INF": true, "GRANTEE": true, "DELEGATEE": true, "RCV": true}
)

// roles are codes of others for roles that SELDA knows.
// https://terminology.hl7.org/CodeSystem-practitioner-role.html
var roles = map[string]nhs.Role{"nurse": nhs.Nurse, "pharmacist": nhs.Pharmacist}

// actors reads whom a provision is about. An actor that can't be told is
// everyone to a rule that withholds, and nobody to one that gives back.
func (r *reader) actors(p fhir.Node, place string, rule *policy.Rule) bool {
	told := true
	var sources []nhs.ODS
	list := p.List("actor")
	readers := 0
	for i, a := range list {
		role, code := r.role(a)
		codes := r.organisations(a.Get("reference"))
		user := ""
		if id := a.Get("reference", "identifier"); id.Get("system").Is(UserSystem) {
			user = id.Get("value").Text()
		}
		at := place + ".actor[" + strconv.Itoa(i) + "]"
		if custodian[code] {
			if sources = append(sources, codes...); codes == nil {
				told = false
				r.doubt(at, "it can't be told whose data this is about: name the organisation by its ODS code")
			}
			continue
		}
		readers++
		known := codes != nil || user != "" || role != "" && !named(a.Get("reference"))
		if !known || role == "" && !recipient[code] {
			told = false
			r.doubt(at, "it can't be told who this is: name an organisation by its ODS code, a role of "+RoleSystem+" or a user of "+UserSystem)
			continue
		}
		for _, o := range codes {
			rule.Actors = append(rule.Actors, policy.Actor{Organisation: o, Role: role, User: user})
		}
		if codes == nil {
			rule.Actors = append(rule.Actors, policy.Actor{Role: role, User: user})
		}
	}
	switch {
	case told:
		rule.Data.Sources = sources
		return true
	case rule.Permit && len(rule.Actors) > 0 && len(rule.Actors) <= readers && len(list) == readers:
		return true // it gives back to those who can be told
	}
	rule.Actors = nil
	return false
}

// named says whether a reference names anything.
func named(ref fhir.Node) bool {
	return ref.Get("reference").Exists() || ref.Get("identifier").Exists()
}

// role is the role of an actor that SELDA knows, and the code where it is another.
func (r *reader) role(a fhir.Node) (nhs.Role, string) {
	code := ""
	for _, c := range a.List("role", "coding") {
		code = c.Get("code").Text()
		if role, err := nhs.ParseRole(code); err == nil && (c.Get("system").Is(RoleSystem) || !c.Get("system").Exists()) {
			return role, ""
		}
		if role := roles[code]; role != "" {
			return role, ""
		}
		if custodian[code] || recipient[code] {
			return "", code
		}
	}
	return "", code
}

func (r *reader) organisations(ref fhir.Node) []nhs.ODS {
	if id := ref.Get("identifier"); id.Get("system").Is(nhs.ODSSystem) {
		if o, err := nhs.ParseODS(id.Get("value").Text()); err == nil {
			return []nhs.ODS{o}
		}
		return nil
	}
	if r.directory == nil {
		return nil
	}
	return r.directory(ref)
}

// data reads which items a provision is about.
func (r *reader) data(p fhir.Node, place string, d *policy.Data) bool {
	told := r.classes(p, place, d)
	told = r.labels(p, place, d) && told
	told = r.items(p, place, d) && told
	if dp := p.Get("dataPeriod"); dp.Exists() {
		from, ok := fhir.Time(dp.Get("start").Text())
		to := until(dp.Get("end").Text())
		if !ok && to.IsZero() {
			r.doubt(place+".dataPeriod", "this is no period: it is left out")
			return false
		}
		content(d).From, content(d).To = from, to
	}
	if only := policy.SetOf(policy.Demographics, policy.Directory, policy.Preferences); told && d.DataSets != 0 && d.DataSets&^only == 0 && d.Types == nil {
		r.refuse(place+".class", "who somebody is can't be kept from those who look for them. Where an address must be kept secret, the practice can restrict it")
	}
	return told
}

func content(d *policy.Data) *policy.Content {
	if d.Content == nil {
		d.Content = &policy.Content{}
	}
	return d.Content
}

// classes reads class and code: kinds of data, types of resource, and codes
// that the items have.
func (r *reader) classes(p fhir.Node, place string, d *policy.Data) bool {
	told := true
	for i, c := range p.List("class") {
		code := c.Get("code").Text()
		code = strings.TrimPrefix(code, "http://hl7.org/fhir/StructureDefinition/")
		set := policy.ParseDataSet(code)
		switch {
		case set != policy.NoDataSet:
			d.DataSets |= policy.SetOf(set)
		case code == "Patient":
			d.DataSets |= policy.SetOf(policy.Demographics)
		case fhir.IsResourceType(code):
			d.Types = append(d.Types, code)
		default:
			told = false
			r.doubt(place+".class["+strconv.Itoa(i)+"]", "this kind is not known: give a resource type, or a kind of "+policy.DataSetSystem)
		}
	}
	for i, c := range p.List("code") {
		codings := c.List("coding")
		if code := c.Get("code"); code.IsString() {
			codings = append(codings, c)
		}
		if len(codings) == 0 {
			told = false
			r.doubt(place+".code["+strconv.Itoa(i)+"]", "this has no code")
		}
		for _, g := range codings {
			if set := policy.ParseDataSet(g.Get("code").Text()); set != policy.NoDataSet {
				d.DataSets |= policy.SetOf(set)
				continue
			}
			content(d).Codes = append(content(d).Codes, policy.Code{System: g.Get("system").Text(), Code: g.Get("code").Text()})
		}
	}
	if !told {
		d.DataSets, d.Types, d.Content = 0, nil, nil
	}
	return told
}

// sensitivities are the codes of v3-ActCode for what SELDA labels.
// https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy.html
var sensitivities = map[string]policy.Labels{"HIV": policy.HIVSTI, "STD": policy.HIVSTI, "SEX": policy.SexualHealth | policy.HIVSTI, "PSY": policy.MentalHealthDetail, "PSYTHPN": policy.MentalHealthDetail,
	"MH": policy.MentalHealthDetail, "BH": policy.MentalHealthDetail | policy.SubstanceMisuse, "ETH": policy.SubstanceMisuse, "SUD": policy.SubstanceMisuse, "ETHUD": policy.SubstanceMisuse, "OPIOIDUD": policy.SubstanceMisuse,
	"SDV": policy.DomesticAbuse, "DVD": policy.DomesticAbuse}

// labels reads securityLabel. Of confidentiality a label stands for itself and
// all that is lower. https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision.securityLabel
func (r *reader) labels(p fhir.Node, place string, d *policy.Data) bool {
	told := true
	for i, l := range p.List("securityLabel") {
		code := l.Get("code").Text()
		if l.Get("system").Is(policy.ConfidentialitySystem) {
			switch code {
			case "V":
			case "R":
				d.Without |= policy.VeryRestricted
			case "N", "M", "L", "U":
				d.Without |= policy.VeryRestricted | policy.Restricted
			default:
				told = false
			}
			continue
		}
		known := policy.ParseLabel(code) | sensitivities[code]
		if known == 0 || known&(policy.Reviewed|policy.SafetyPlan) != 0 {
			told = false
			r.doubt(place+".securityLabel["+strconv.Itoa(i)+"]", "this label is not known: give one of "+policy.LabelSystem)
		}
		d.Labels |= known
	}
	if !told {
		d.Labels, d.Without = 0, 0
	}
	return told
}

// items reads data: single items, what they refer to or what refers to them, and what
// an organisation wrote.
// https://hl7.org/fhir/R4/valueset-consent-data-meaning.html
func (r *reader) items(p fhir.Node, place string, d *policy.Data) bool {
	told := true
	for i, x := range p.List("data") {
		ref, meaning := x.Get("reference"), x.Get("meaning").Text()
		at := place + ".data[" + strconv.Itoa(i) + "]"
		if meaning == "authoredby" {
			codes := r.organisations(ref)
			if d.Sources = append(d.Sources, codes...); codes == nil {
				told = false
				r.doubt(at, "it can't be told who wrote this: name the organisation by its ODS code")
			}
			continue
		}
		typ, id, ok := strings.Cut(local(ref.Get("reference").Text()), "/")
		if !ok || !fhir.IsResourceType(typ) || !fhir.IsID(id) {
			told = false
			r.doubt(at, "it can't be told which item this is: give its type and id")
			continue
		}
		if typ == "Patient" {
			told = false
			r.refuse(at, "who somebody is can't be kept from those who look for them. Where an address must be kept secret, the practice can restrict it")
			continue
		}
		item := policy.Item{Type: typ, ID: id}
		switch meaning {
		case "related":
			content(d).Related = append(content(d).Related, item)
		case "dependents":
			content(d).Dependents = append(content(d).Dependents, item)
		default:
			d.Items = append(d.Items, item)
		}
	}
	if !told {
		d.Items, d.Sources = nil, nil
		if d.Content != nil {
			d.Content.Related, d.Content.Dependents = nil, nil
		}
	}
	return told
}

// local is a reference as Type/id, without an address or a version.
func local(ref string) string {
	ref, _, _ = strings.Cut(ref, "/_history/")
	parts := strings.Split(ref, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
