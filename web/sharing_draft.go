package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// draft is a choice as the form has it, before it is saved.
type draft struct {
	choice        page.Choice
	organisations []nhs.ODS
	kinds         []policy.DataSet
	ref           string // of a row
	items         []policy.Item
	closed        bool
	from, until   string
	start, end    time.Time
	back          string // the Consent to be taken back
	authority     consent.Authority
	evidence      string
}

func offset(t time.Time) string { return london.Offset(t.Year(), int(t.Month()), t.Day(), 0) }

// draft reads the form. problem says what is missing, in words for the page;
// without a choice that is known nothing else is read.
func (c *sharer) draft(r *http.Request) (d draft, problem string) {
	f := r.PostForm
	ways := []page.Choice{shareAll, shareNot, shareBut, shareFew}
	if !c.behalf {
		ways = append(ways, shareOne, shareBck)
	}
	i := slices.IndexFunc(ways, func(w page.Choice) bool { return w.Code == f.Get("choice") })
	if i < 0 {
		return d, "Choose how you want to share"
	}
	d = draft{choice: ways[i], closed: f.Get("emergency") == "no", from: f.Get("from"), until: f.Get("until"), back: f.Get("back"), ref: f.Get("item"), evidence: strings.TrimSpace(f.Get("evidence"))}
	for _, o := range f["organisation"] {
		if code, err := nhs.ParseODS(o); err == nil {
			d.organisations = append(d.organisations, code)
		}
	}
	for _, k := range f["kind"] {
		if set := policy.ParseDataSet(k); slices.Contains(shareable, set) {
			d.kinds = append(d.kinds, set)
		}
	}
	var ok, okay bool
	d.start, ok = date(d.from)
	d.end, okay = date(d.until)
	if !d.end.IsZero() {
		d.end = d.end.AddDate(0, 0, 1)
	}
	today := c.now.UTC().Truncate(24 * time.Hour)
	switch {
	case d.choice.Code == "organisation" && len(d.organisations) == 0:
		problem = "Choose at least one service"
	case d.choice.Code == "kind" && len(d.kinds) == 0:
		problem = "Choose at least one kind of information"
	case !ok || !okay:
		problem = "Write the day as day, month and year"
	case !d.start.IsZero() && d.start.Before(today.AddDate(0, 0, -1)):
		problem = "The first day can't be in the past"
	case !d.end.IsZero() && !d.end.After(later(d.start, c.now)):
		problem = "The last day must come after the first"
	case c.behalf:
		problem = c.authorised(r, &d)
	}
	if d.choice.Code == "item" {
		if it, found := c.one(d.ref); found {
			d.items = append(d.items, item(it.Ref))
			for _, w := range it.Witnesses { // the same from others is the same to the citizen
				if x := item(w.Ref); x.Type != "Patient" && !slices.Contains(d.items, x) {
					d.items = append(d.items, x)
				}
			}
		} else {
			problem = "This can't be kept private by itself, or is not in your record any more"
		}
	}
	return d, problem
}

// one is an item that can be kept private by itself. Who somebody is, and their practice, which
// the same resource says, can't be: a Consent about that alone withholds everything.
func (c *sharer) one(ref string) (view.Item, bool) {
	if item(ref).Type == "Patient" {
		return view.Item{}, false
	}
	return c.find(ref)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func item(ref string) policy.Item {
	typ, id, _ := strings.Cut(ref, "/")
	return policy.Item{Type: typ, ID: id}
}

// preference is what a draft states.
func (d *draft) preference(now time.Time) policy.Preference {
	p := policy.Preference{By: ownStatements, From: later(d.start, now), To: d.end, N: ^uint64(0)}
	if d.choice.Code == "share" {
		p.Rule.Permit, p.Anew = true, true
		return p
	}
	for _, o := range d.organisations {
		p.Rule.Actors = append(p.Rule.Actors, policy.Actor{Organisation: o})
	}
	p.Rule.Data.DataSets, p.Rule.Data.Items = policy.SetOf(d.kinds...), d.items
	if d.closed {
		p.Rule.But = []policy.Rule{policy.NoOverride()}
	}
	return p
}

// fields are what the form says again when it is saved.
func (d *draft) fields() []page.Field {
	out := []page.Field{{Name: "choice", Value: d.choice.Code}}
	add := func(name, value string) {
		if value != "" {
			out = append(out, page.Field{Name: name, Value: value})
		}
	}
	for _, o := range d.organisations {
		add("organisation", string(o))
	}
	for _, k := range d.kinds {
		add("kind", k.String())
	}
	add("item", d.ref)
	add("from", d.from)
	add("until", d.until)
	add("back", d.back)
	add("authority", d.authority.Code)
	add("evidence", d.evidence)
	if d.closed {
		add("emergency", "no")
	}
	return out
}

// shareable are the kinds of information that can be kept private.
var shareable = []policy.DataSet{policy.Problems, policy.Medications, policy.Allergies, policy.Results, policy.Observations, policy.Immunisations, policy.Procedures, policy.Encounters,
	policy.Documents, policy.Plans, policy.Referrals, policy.Appointments, policy.SocialCare}

// details are what a choice needs to know.
func (c *sharer) details(r *http.Request, d draft) (*page.Details, error) {
	out := &page.Details{Choice: d.choice, Closed: d.closed, From: d.from, Until: d.until, Evidence: d.evidence}
	if d.choice.Code == "item" {
		it, ok := c.one(d.ref)
		if !ok {
			return nil, fault.E("web.details", fault.NotFound, "there is no such item")
		}
		out.Item, out.Ref = it.Title, d.ref
	}
	if d.choice.Code == "kind" {
		for _, k := range shareable {
			words := consent.Kind(k)
			out.Kinds = append(out.Kinds, page.Option{Code: k.String(), Text: strings.ToUpper(words[:1]) + words[1:], On: slices.Contains(d.kinds, k)})
		}
	}
	if d.choice.Code == "organisation" || d.choice.Code == "kind" || d.choice.Code == "item" {
		services, err := c.services(r)
		if err != nil {
			return nil, err
		}
		for _, o := range services {
			out.Organisations = append(out.Organisations, page.Option{Code: string(o), Text: c.h.organisation(o), On: slices.Contains(d.organisations, o)})
		}
	}
	if c.behalf {
		for _, a := range consent.Authorities {
			out.Authorities = append(out.Authorities, page.Reason{Code: a.Code, Text: a.Words})
		}
	}
	return out, nil
}

// services are the organisations that hold something of what the reader sees,
// or, on the own page, that have looked; by name.
func (c *sharer) services(r *http.Request) ([]nhs.ODS, error) {
	var out []nhs.ODS
	add := func(o nhs.ODS) {
		if o != "" && o != ownStatements.Organisation() && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, i := range c.v.Items {
		add(i.Source.Organisation())
	}
	if !c.behalf && c.h.Access.Trail != nil {
		looks, err := c.h.Access.Looks(r.Context(), c.subject, c.v.Citizen, maxLooks)
		if err != nil {
			return nil, fault.E("web.services", err)
		}
		for _, e := range looks {
			if e.Outcome == audit.Permit {
				add(e.Organisation)
			}
		}
	}
	slices.SortFunc(out, func(a, b nhs.ODS) int { return cmp.Compare(c.h.organisation(a), c.h.organisation(b)) })
	return out, nil
}

// consentOf is the Consent of a draft that is stated for somebody.
func consentOf(d *draft, number nhs.Number, o consent.Origin) []byte {
	body := consent.Build(d.preference(o.At), number, o.At)
	o.Put(body)
	return fhir.Marshal(body)
}
