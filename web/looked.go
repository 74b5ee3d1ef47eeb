package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// maxLooks is how many looks are shown.
const maxLooks = 200

// looked is who has looked at the record, as far as they may see it (access.Seen).
func (h *Web) looked(r *http.Request, m *mine) (*page.Looked, error) {
	if h.Access.Trail == nil {
		return &page.Looked{}, nil
	}
	entries, err := h.Access.Looks(r.Context(), m.subject, m.v.Citizen, maxLooks)
	if err != nil {
		return nil, fault.E("web.looked", err)
	}
	var questions []audit.Entry
	for _, e := range entries {
		if e.Action == audit.Ask && e.User == m.subject.User {
			questions = append(questions, e)
		}
	}
	answers, err := h.Access.Answers(r.Context(), questions)
	if err != nil {
		return nil, fault.E("web.looked", err)
	}
	l := &page.Looked{}
	if tree := h.Access.Trail.Tree(); tree != nil {
		l.Key = tree.Key()
	}
	var last time.Time
	for _, e := range entries {
		if e.User == m.subject.User || e.Action == audit.SignIn || e.Action == audit.Ask {
			continue
		}
		look := h.look(e)
		if l.Key != "" {
			look.Proof = m.base + "/proof/" + strconv.FormatUint(e.Seq, 10)
		}
		if m.subject.Role == nhs.Citizen && e.Organisation != "" {
			look.Ask = "/me/ask/" + strconv.FormatUint(e.Seq, 10)
		}
		answer, asked := answers[e.Seq]
		// One visit opens many pages: it is one look, told by its first.
		if n := len(l.Looks); n > 0 && (e.Action == audit.Read || e.Action == audit.Search) && same(l.Looks[n-1], look) && last.Sub(e.At) < visit {
			l.Looks[n-1].At, l.Looks[n-1].Ask, l.Looks[n-1].Proof, last = look.At, look.Ask, look.Proof, e.At
		} else {
			last = e.At
			l.Looks = append(l.Looks, look)
			if n := len(l.Days); n > 0 && l.Days[n-1].Day.Plain() == look.At.Plain() {
				l.Days[n-1].Count++
			} else {
				l.Days = append(l.Days, page.DayCount{Day: look.At, Count: 1})
			}
		}
		if asked {
			l.Looks[len(l.Looks)-1].Answer = answerWords[answer]
		}
	}
	return l, nil
}

// answerWords are what a review came to, for the one who asked.
var answerWords = map[string]string{"": "You asked about this. They are looking into it.", "justified": "You asked about this. They checked it: it was right to look.",
	"unjustified": "You asked about this. They checked it: it was not right to look, and they are dealing with it."}

// askAbout asks about a look.
func (h *Web) askAbout(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	seq, err := strconv.ParseUint(r.PathValue("entry"), 10, 64)
	if err != nil {
		return fault.E("web.ask", fault.NotFound, "there is no such access")
	}
	if err := h.Access.Ask(r.Context(), s, seq); err != nil {
		return fault.E("web.ask", err)
	}
	http.Redirect(w, r, "/me/looked", http.StatusSeeOther)
	return nil
}

// proof hands over the file that proves a look: what the page shows of it, and
// nothing else.
func (h *Web) proof(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.proof"
	m, err := h.openMine(r, s, "own record: a proof of an access")
	if err != nil {
		return err
	}
	seq, err := strconv.ParseUint(r.PathValue("entry"), 10, 64)
	if err != nil {
		return fault.E(op, fault.NotFound, "there is no such access")
	}
	file, err := h.Access.ProveLook(r.Context(), s, m.v.Citizen, seq)
	if err != nil {
		return fault.E(op, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="proof-`+r.PathValue("entry")+`.json"`)
	_, _ = w.Write(file)
	return nil
}

func same(a, b page.Look) bool {
	return a.Who == b.Who && a.Where == b.Where && a.Did == b.Did && a.Emergency == b.Emergency && a.Rule == b.Rule
}

// deeds are the trail's actions in words, as a citizen reads them.
var deeds = map[string]string{audit.Read: "Looked at your record", audit.Search: "Found you in a search among the people in their care", audit.BreakGlass: "Opened your record in an emergency",
	string(auth.AppLaunched): "Opened an app", string(auth.AppConnected): "Let an app look", string(auth.AppDeclined): "Did not let an app look",
	audit.Declare: "Said that you are in their care", audit.Export: "Took out a copy", audit.Create: "Wrote to your record", audit.Update: "Changed your record", audit.Delete: "Took something back"}

// whys are the rules of a decision in plain words.
var whys = map[string]string{"G7 registration": "You are registered there", "G7 encounter": "You have been there for care", "G7 referral": "You were referred there",
	"G7 call": "You rang 111 or 999, and the call came to them", "G7 incident": "An ambulance was sent to you",
	"G7 caseload": "You are in their care", "G7 appointment": "You have an appointment there", "G7 dispensing": "You got a medicine there", "G9 emergency access": "It was an emergency"}

// ruleWords are the rules of a decision, as a citizen reads them.
var ruleWords = map[string]string{"G7 registration": "only those who care for you may look", "G7 encounter": "only those who care for you may look", "G7 call": "only those who care for you may look", "G7 incident": "only those who care for you may look", "G7 referral": "only those who care for you may look",
	"G7 caseload": "only those who care for you may look", "G7 appointment": "only those who care for you may look", "G7 declared by the user": "only those who care for you may look, and they said that they do",
	"G7 no legitimate relationship": "only those who care for you may look", "G9 emergency access": "in an emergency a clinician may look, and it is checked", "G4 objection of the citizen": "you chose not to share",
	"G4 sealed items": "some items are kept back", "G4 kinds of data withheld": "you chose to keep some kinds back", "G10 own record": "your own record",
	"G1 default deny": "they may not look", "G7 legitimate relationship": "they may not look", "G1 direct care": "only those who care for you may look",
	"G5 no emergency override yields to the stated ground": "the law puts this reason above your choice, and it is checked", "G3 finding cases for the own care team": "those who care for you may look for people who need something",
	"G7 search by demographics": "they looked for you by name", "G9 telling the citizen": "you are told when it is safe", "G2 own organisation's trail": "someone who checks that people only look when they may",
	"G2 own organisation's users and sources": "someone who checks that people only look when they may", "G21 downtime copy": "from a copy, while the system was down", "G11 proxy of a child under 11": "someone who acts for you",
	"G11 proxy of a child of 11 to 15: narrowed": "someone who acts for you, who sees less", "G20 death": "access ends when a person has died", "G1 the citizen's word, by their practice": "you said so at your practice",
	"G1 no agreement: only what the own organisation wrote": "they see only what they wrote themselves"}

// agreedWords are those of an agreement, by the title that the notice has.
func (h *Web) agreedWords(rule string) string {
	id, ok := strings.CutPrefix(rule, "G1 agreement ")
	if !ok {
		return ""
	}
	if h.Governance != nil {
		if a := h.Governance.Agreements().Find(id); a != nil {
			return "as the services have agreed: " + a.Title
		}
	}
	return "as the services have agreed"
}

// plainRules are rules in plain words, with their numbers for those who look them up.
func (h *Web) plainRules(rules []string) string {
	var out []string
	for _, rule := range rules {
		words, number := ruleWords[rule], strings.SplitN(rule, " ", 2)[0]
		if words == "" {
			words = h.agreedWords(rule)
		}
		if words == "" {
			words, number = rule, ""
		}
		if number != "" {
			words += " (" + number + ")"
		}
		if !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return strings.Join(out, "; ")
}

func (h *Web) look(e audit.Entry) page.Look {
	look := page.Look{At: view.ParseDate(e.At.Format(time.RFC3339)), Who: e.Name, Where: h.organisation(e.Organisation), Did: deeds[e.Action], Rule: h.plainRules(e.Decided()),
		Emergency: e.Action == audit.BreakGlass || e.Purpose == nhs.Emergency}
	if role := e.Role.Title(); look.Who == "" {
		look.Who = role
	} else if role != "" {
		look.Who += ", " + strings.ToLower(role[:1]) + role[1:]
	}
	if e.Organisation == "" {
		look.Where = ""
	}
	if look.Did == "" {
		look.Did = "Used your record"
	}
	if e.App != "" && h.SignOn != nil {
		name := "an app"
		if x, err := h.SignOn.Register().Find(e.App); err == nil {
			name = "the app " + x.Name
		}
		look.Did += ", with " + name
	}
	if e.Outcome == audit.Deny {
		look.Did = "Asked for your record, and was refused"
	}
	if e.Reason != "" {
		look.Why = e.Reason
	}
	for _, rule := range e.Decided() {
		if why := whys[rule]; why != "" && look.Why == "" {
			look.Why = why
		}
	}
	return look
}
