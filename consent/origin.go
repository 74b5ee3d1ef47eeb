package consent

import (
	"time"

	"selda/fhir"
	"selda/nhs"
)

// Origin is who stated a Consent, where it was not the citizen from their own
// account, and on what authority.
type Origin struct {
	User, Name   string  // who recorded it
	Organisation nhs.ODS // where they work
	Authority    Authority
	Evidence     string // what was seen or checked, in their words
	At           time.Time
}

// Authority is on what authority a statement was recorded for a citizen.
type Authority struct {
	Code, Words string
	// Whose it is: the citizen's own word, or somebody's who decides for them.
	Own bool
}

// Authorities are those that staff choose from.
var Authorities = []Authority{
	{"in-person", "The person told me, face to face", true},
	{"telephone", "The person told me by telephone, and I checked who they are", true},
	{"letter", "The person wrote, and signed it", true},
	{"attorney", "An attorney for health and welfare decided, and the person lacks capacity", false},
	{"deputy", "A deputy appointed by the Court of Protection decided", false},
	{"parent", "Somebody with parental responsibility decided for a child who can't", false},
	{"court-order", "A court has ordered it", false},
}

// AuthorityOf finds one by its code.
func AuthorityOf(code string) (Authority, bool) {
	for _, a := range Authorities {
		if a.Code == code {
			return a, true
		}
	}
	return Authority{}, false
}

const (
	authoritySystem = "https://selda.example/authority"
	recorderURL     = "https://selda.example/StructureDefinition/consent-recorder"
	authorityURL    = "https://selda.example/StructureDefinition/consent-authority"
)

// Put writes an origin into a Consent: who recorded it and on what authority
// as extensions, the evidence as its source, and that it was verified with the
// citizen where it is their own word.
// https://hl7.org/fhir/R4/consent-definitions.html#Consent.source_x_
func (o Origin) Put(c fhir.Object) {
	recorder := fhir.Object{"type": "Practitioner", "identifier": fhir.Object{"system": UserSystem, "value": o.User}, "display": o.Name}
	c["extension"] = []fhir.Object{
		{"url": recorderURL, "valueReference": recorder},
		{"url": authorityURL, "valueCoding": fhir.Coding(authoritySystem, o.Authority.Code, o.Authority.Words)},
	}
	c["organization"] = []fhir.Object{{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(o.Organisation)}}}
	c["sourceAttachment"] = fhir.Object{"contentType": "text/plain", "title": o.Evidence, "creation": fhir.Instant(o.At)}
	if o.Authority.Own {
		c["verification"] = []fhir.Object{{"verified": true, "verificationDate": fhir.Instant(o.At)}}
	}
}

// OriginOf reads an origin; the zero Origin where the Consent has none.
func OriginOf(c *fhir.Resource) (o Origin) {
	for _, x := range c.Root().List("extension") {
		switch {
		case x.Get("url").Is(recorderURL):
			o.User, o.Name = x.Get("valueReference", "identifier", "value").Text(), x.Get("valueReference", "display").Text()
		case x.Get("url").Is(authorityURL):
			var ok bool
			if o.Authority, ok = AuthorityOf(x.Get("valueCoding", "code").Text()); !ok {
				o.Authority = Authority{Code: x.Get("valueCoding", "code").Text(), Words: x.Get("valueCoding", "display").Text()}
			}
		}
	}
	for _, org := range c.Root().List("organization") {
		if id := org.Get("identifier"); id.Get("system").Is(nhs.ODSSystem) {
			o.Organisation, _ = nhs.ParseODS(id.Get("value").Text())
		}
	}
	o.Evidence = c.Get("sourceAttachment", "title").Text()
	o.At, _ = fhir.Time(c.Get("sourceAttachment", "creation").Text())
	return o
}
