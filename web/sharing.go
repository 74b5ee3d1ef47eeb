package web

import (
	"net/http"
	"slices"
	"strings"

	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// The ways to share, as the pages know them. Finer ones are made through /fhir.
var shareAll = page.Choice{Code: "share", Title: "Share with those who care for me", Text: "Your GP, hospitals, mental health, community and social care teams see what they need for your care."}
var shareNone = page.Choice{Code: "object", Title: "Don't share", Text: "Each service sees only what it wrote itself. In an emergency a doctor can still look, and you are told."}

// choices are the ways to share, with the one in force marked.
func (h *Web) choices(m *mine) *page.Sharing {
	objecting := len(objections(m)) > 0
	all, none := shareAll, shareNone
	all.Now, none.Now = !objecting, objecting
	return &page.Sharing{Choices: []page.Choice{all, none}, Action: m.base + "/sharing"}
}

// objections are the Consents in force that withhold anything.
func objections(m *mine) []*fhir.Resource {
	var out []*fhir.Resource
	for _, i := range m.v.Of("Consent") {
		if c := consent.Read(i.Res, consent.Version{ID: i.ID, Source: i.Source, N: i.N, Recorded: i.Recorded}, nil); c.Decides && c.Rule.Denies() {
			out = append(out, i.Res)
		}
	}
	return out
}

// share shows what a choice would change, and saves it when it is posted again
// from that page.
func (h *Web) share(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.share"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	if s.Role != nhs.Citizen {
		return fault.E(op, fault.Security, "only the person themselves can change this here")
	}
	m, err := h.openMine(r, s, "own sharing choices")
	if err != nil {
		return err
	}
	m.p.Sharing, m.p.Frame.Title = h.choices(m), "Sharing choices"
	i := slices.IndexFunc(m.p.Sharing.Choices, func(c page.Choice) bool { return c.Code == r.PostForm.Get("choice") })
	if i < 0 {
		m.p.Sharing.Error = "Choose how you want to share"
		h.render(w, http.StatusUnprocessableEntity, page.My(m.p))
		return nil
	}
	choice := m.p.Sharing.Choices[i]
	switch {
	case r.PostForm.Get("save") != "yes":
		m.p.Sharing.Preview = preview(m, choice)
	case !choice.Now:
		if err := h.save(r, m, choice.Code); err != nil {
			return fault.E(op, err)
		}
		if m, err = h.openMine(r, s, "own sharing choices"); err != nil {
			return err
		}
		m.p.Sharing = h.choices(m)
		m.p.Sharing.Saved = "From now on: " + strings.ToLower(choice.Title[:1]) + choice.Title[1:] + "."
	}
	h.render(w, http.StatusOK, page.My(m.p))
	return nil
}

// plainKinds are the sections as a citizen calls what is in them.
var plainKinds = map[view.Section]string{view.Problems: "conditions", view.Medicines: "medicines", view.Allergies: "allergies", view.Results: "test results",
	view.Observations: "measurements", view.Immunisations: "vaccines", view.Procedures: "operations", view.Documents: "letters", view.Plans: "plans",
	view.Referrals: "appointments", view.SocialCare: "social care", view.Encounters: "visits"}

// preview says what a choice would change, from what is in the record now: of
// each service that holds anything, what it would no longer see.
func preview(m *mine, choice page.Choice) *page.Preview {
	p := &page.Preview{Choice: choice}
	if choice.Now {
		return p
	}
	wrote := map[string][]string{} // by service, in the order of the record
	var kinds, names []string
	for _, part := range m.rec.Parts {
		kind := plainKinds[part.Section]
		if kind == "" {
			continue
		}
		for _, g := range part.Groups {
			for _, it := range g.Items {
				for _, s := range it.Sources {
					if !slices.Contains(names, s) {
						names = append(names, s)
					}
					if !slices.Contains(wrote[s], kind) {
						wrote[s] = append(wrote[s], kind)
					}
				}
				if !slices.Contains(kinds, kind) {
					kinds = append(kinds, kind)
				}
			}
		}
	}
	slices.Sort(names)
	for _, n := range names {
		var others []string
		for _, kind := range kinds {
			if slices.ContainsFunc(names, func(o string) bool { return o != n && slices.Contains(wrote[o], kind) }) {
				others = append(others, kind)
			}
		}
		switch {
		case len(others) == 0:
		case choice.Code == "object":
			p.Changes = append(p.Changes, n+" will not see your "+list(others)+" from other services.")
		default:
			p.Changes = append(p.Changes, n+" will see your "+list(others)+" from other services, as far as they need them to care for you.")
		}
	}
	if choice.Code == "object" {
		p.Changes = append(p.Changes, "A doctor or nurse who meets you for the first time may not know your allergies and medicines, and will have to ask you.")
		p.Keeps = append(p.Keeps, "Each service still sees what it wrote itself.", "In an emergency a doctor can still look. You are told who did, and why.", "Whoever you are referred to still gets that referral.")
	}
	if len(p.Changes) == 0 {
		p.Changes = []string{"What services write from now on is shared as you choose here."}
	}
	return p
}

// list is words in a sentence: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// ownStatements is the source of what citizens state themselves.
const ownStatements = nhs.Source("SELDA:ME")

// save writes the choice as a Consent: in force for the next query. Sharing
// again takes back each Consent that withholds.
func (h *Web) save(r *http.Request, m *mine, choice string) error {
	const op = "web.save"
	if h.Ingest == nil {
		return fault.E(op, fault.NotSupported, "nothing can be saved here")
	}
	subject := fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": m.subject.NHSNumber.Digits()}}
	if choice == "object" {
		body := consent.Build(policy.Preference{}, m.subject.NHSNumber, h.Now())
		body["patient"] = subject
		return h.submit(r, "POST Consent", fhir.Marshal(body), m.v.Citizen)
	}
	for _, i := range m.v.Of("Consent") {
		if c := consent.Read(i.Res, consent.Version{ID: i.ID}, nil); !c.Decides || i.Source != ownStatements {
			continue
		}
		body := strings.Replace(string(i.Res.JSON), `"status":"active"`, `"status":"inactive"`, 1)
		if i.Res.ID == "" {
			body = strings.Replace(body, `{"resourceType":"Consent"`, `{"resourceType":"Consent","id":"`+i.ID+`"`, 1)
		}
		if err := h.submit(r, "PUT Consent/"+i.ID, []byte(body), m.v.Citizen); err != nil {
			return fault.E(op, err)
		}
	}
	return nil
}

func (h *Web) submit(r *http.Request, call string, body []byte, citizen string) error {
	ctx := r.Context()
	receipt, err := h.Ingest.Submit(ctx, &ingest.Raw{Source: ownStatements, Format: ingest.FHIR, Door: "fhir", Call: call, About: citizen, Body: body})
	if err != nil {
		return fault.E("web.submit", err)
	}
	out, err := receipt.Committed(ctx)
	if err == nil && out.Err != nil {
		err = out.Err
	}
	if err != nil {
		return fault.E("web.submit", err)
	}
	return nil
}
