package testenv

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"

	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/store"
)

// This file puts what somebody sees into words that a script can hold.

func tellAnswer(a *Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", a.Status)
	if len(a.Body) == 0 {
		return b.String()
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		_, title, _ := strings.Cut(string(a.Body), "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		return b.String() + " page: " + strings.TrimSpace(html.UnescapeString(title))
	}
	r, err := fhir.ParseTrusted(a.Body)
	if err != nil {
		return b.String() + " " + strings.TrimSpace(string(a.Body))
	}
	if r.Type != "Bundle" {
		return b.String() + " " + tellResource(r.Root())
	}
	fmt.Fprintf(&b, " %s", r.Get("type").Text())
	if t := r.Get("total"); t.Exists() {
		fmt.Fprintf(&b, ", %s in all", t.Text())
	}
	for _, e := range r.Root().List("entry") {
		switch res, req := e.Get("resource"), e.Get("request"); {
		case req.Exists():
			fmt.Fprintf(&b, "\n  %s %s %s", req.Get("method").Text(), e.Get("response", "etag").Text(), tellResource(res))
		case res.Exists():
			b.WriteString("\n  " + tellResource(res))
		default:
			fmt.Fprintf(&b, "\n  %s", e.Get("response", "status").Text())
		}
	}
	for _, l := range r.Root().List("link") {
		if l.Get("relation").Is("next") {
			b.WriteString("\n  and a next page")
		}
	}
	return b.String()
}

// tellResource is a resource in one line.
func tellResource(n fhir.Node) string {
	if !n.Exists() {
		return "deleted"
	}
	typ := n.Get("resourceType").Text()
	parts := []string{typ}
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			parts = append(parts, s)
		}
	}
	switch typ {
	case "OperationOutcome":
		for _, i := range n.List("issue") {
			add(i.Get("code").Text() + ": " + i.Get("diagnostics").Text())
		}
		return strings.Join(parts, " ")
	case "Patient":
		name := n.Get("name")
		var given []string
		for _, g := range name.List("given") {
			given = append(given, g.Text())
		}
		if name.Exists() {
			add(strings.ToUpper(name.Get("family").Text()) + ", " + strings.Join(given, " "))
		}
		add("born " + n.Get("birthDate").Text())
		for _, id := range n.List("identifier") {
			add(id.Get("value").Text())
		}
		if l := len(n.List("link")); l > 0 {
			add(fmt.Sprintf("%d linked", l))
		}
		return strings.Join(parts, "; ")
	}
	for _, name := range []string{"code", "medicationCodeableConcept", "vaccineCode", "type", "class", "name", "description"} {
		if w := record.Words(n.Get(name)); w != "" {
			add(w)
			break
		}
	}
	if _, v := n.First("value"); v.Exists() {
		if v.Get("value").Exists() {
			add(v.Get("value").Text() + " " + v.Get("unit").Text())
		} else {
			add(cmp.Or(record.Words(v), v.Text()))
		}
	}
	add(n.Get("status").Text())
	for _, name := range []string{"clinicalStatus", "verificationStatus"} {
		add(n.Get(name, "coding", "code").Text())
	}
	for _, name := range []string{"effectiveDateTime", "onsetDateTime", "authoredOn", "start", "date", "recordedDate"} {
		if t := n.Get(name).Text(); t != "" {
			add(t)
			break
		}
	}
	if period := n.Get("period"); period.Exists() {
		add(period.Get("start").Text() + " to " + period.Get("end").Text())
	}
	return strings.Join(parts, "; ")
}

// record tells the record as the pages have it.
func (p *player) record(user, citizen string) (string, error) {
	s, err := p.now.Subject(user)
	if err != nil {
		return "", err
	}
	g, err := p.now.Region.Access.Record(p.ctx, s, citizen, "record")
	if fault.Is(err, fault.Security) || fault.Is(err, fault.NotFound) {
		return "refused: " + fault.Reason(err), nil
	}
	if err != nil {
		return "", err
	}
	v, err := p.now.Region.Records.Open(p.ctx, g)
	if err != nil {
		return "", err
	}
	return tellView(v), nil
}

func tellView(v *record.View) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s; born %s; %s\n", strings.ToUpper(v.Person.Family), v.Person.Given, v.Person.Born, v.Person.NHSNumber.Digits())
	for _, c := range v.Person.Conflicts {
		fmt.Fprintf(&b, "conflict: %s\n", c)
	}
	facts := func(title string, list []record.Fact) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintln(&b, title)
		for _, f := range list {
			var parts []string
			for _, s := range []string{f.Title, f.Group, f.Detail, f.WhenText, f.Status} {
				if s != "" {
					parts = append(parts, s)
				}
			}
			fmt.Fprintf(&b, "  %s [%s]\n", strings.Join(parts, "; "), sources(f.Sources()))
			for _, said := range f.Conflict {
				fmt.Fprintf(&b, "    conflict: %s says %s\n", said.Source, said.Words)
			}
		}
	}
	state, allergies := v.Allergies()
	facts("allergies: "+state, allergies)
	if len(allergies) == 0 {
		fmt.Fprintf(&b, "allergies: %s\n", state)
	}
	facts("problems", v.Problems())
	facts("medicines", v.Medicines())
	facts("immunisations", v.Immunisations())
	facts("procedures", v.Procedures())
	facts("plans", v.Plans())
	facts("alerts", v.Alerts())
	series(&b, "results", v.Results())
	series(&b, "observations", v.Observations())
	items(&b, "encounters", v.Of("Encounter"))
	items(&b, "documents", v.Of("DocumentReference"))
	items(&b, "appointments", v.Of("Appointment"))
	items(&b, "referrals", v.Of("ServiceRequest"))
	return b.String()
}

func items(b *strings.Builder, title string, list []record.Item) {
	for i, x := range list {
		if i == 0 {
			fmt.Fprintln(b, title)
		}
		fmt.Fprintf(b, "  %s [%s]\n", tellResource(x.Res.Root()), x.Source)
	}
}

func series(b *strings.Builder, title string, list []record.Series) {
	for i, s := range list {
		if i == 0 {
			fmt.Fprintln(b, title)
		}
		var points []string
		for _, p := range s.Points {
			points = append(points, strings.TrimSpace(p.Text+" "+p.Flag)+" "+p.WhenText+" ["+string(p.Item.Source)+"]")
		}
		fmt.Fprintf(b, "  %s: %s\n", s.Title, strings.Join(points, ", "))
	}
}

func sources(list []nhs.Source) string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// trail is what the user may see: a privacy officer the own organisation's, a
// citizen the own record's.
func (p *player) trail(user string) (string, error) {
	s, err := p.now.Subject(user)
	if err != nil {
		return "", err
	}
	q := audit.Query{Organisation: s.Organisation, Limit: 1000}
	a := p.now.Region.Access
	if s.Role == nhs.Citizen {
		own, err := a.Own(p.ctx, s)
		if err != nil {
			return "", err
		}
		if _, err := a.Record(p.ctx, s, own, "who looked"); err != nil {
			return "refused: " + fault.Reason(err), nil
		}
		q = audit.Query{Citizen: own, Limit: 1000}
	} else if _, err := a.OpenTrail(p.ctx, s, "trail"); err != nil {
		return "refused: " + fault.Reason(err), nil
	}
	return p.entries(q, s.Role == nhs.Citizen)
}

// audit is all that the trail has of a citizen.
func (p *player) audit(args []string, _ []byte) (string, error) {
	f, err := p.now.Region.Store.Citizen(p.ctx, args[0], store.Latest)
	if err != nil {
		return "", err
	}
	return p.entries(audit.Query{Citizen: f.ID, Limit: 1000}, false)
}

func (p *player) entries(q audit.Query, citizen bool) (string, error) {
	list, err := p.now.Trail(p.ctx, q)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range slices.Backward(list) {
		if citizen && e.Concealed {
			continue
		}
		var parts []string
		for _, s := range []string{e.User, e.Action, e.Outcome, e.What, string(e.Purpose), strings.Join(e.Decided(), ", "), e.Reason} {
			if s != "" {
				parts = append(parts, s)
			}
		}
		fmt.Fprintln(&b, strings.Join(parts, "; "))
	}
	return cmp.Or(b.String(), "none"), nil
}
