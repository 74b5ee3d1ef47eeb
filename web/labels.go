package web

import (
	"net/http"
	"slices"
	"strings"

	"selda/fault"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// This file shows those who govern which items get a label, and who sees what has
// one (G8): the very lists and the very table that decide.

// mayGovern says whether somebody reads the rules in force.
func mayGovern(s policy.Subject) error {
	switch s.Role {
	case nhs.GovernanceLead, nhs.PrivacyOfficer, nhs.CaldicottGuardian, nhs.Administrator:
		return nil
	}
	return fault.E("web.rules", fault.Security, "only those who govern the exchange read its rules here")
}

var readerWords = []struct {
	of    policy.Readers
	words string
}{{policy.Clinicians, "clinicians"}, {policy.Pharmacists, "pharmacists"}, {policy.SocialWorkers, "social workers"}}

func readersWords(r policy.Readers, desk bool) string {
	var out []string
	for _, w := range readerWords {
		if r&w.of != 0 && (w.of != policy.Pharmacists || r&policy.Clinicians != 0) {
			out = append(out, w.words)
		}
	}
	if r&policy.Clinicians != 0 && r&policy.Pharmacists == 0 {
		out[0] = "clinicians, not pharmacists"
	}
	if desk {
		out = append(out, "reception and call handlers")
	}
	if len(out) == 0 {
		return "nobody"
	}
	return list(out)
}

func audienceRows() (rows []page.AudienceRow) {
	for _, a := range policy.Audiences() {
		row := page.AudienceRow{Label: labelWords(a.Label), Own: readersWords(a.Own, a.Desk), Elsewhere: readersWords(a.Elsewhere, a.Desk), Emergency: "clinicians",
			Citizen: yesNo(a.Citizen), Proxy: yesNo(a.Proxy), Letters: yesNo(a.Citizen)}
		if a.Statute {
			row.Emergency = "nobody: its statute"
		}
		if a.Label&classify.Sensitive != 0 {
			row.Href = "/rules/labels#" + a.Label.String()
		}
		rows = append(rows, row)
	}
	return rows
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// systemWords are the kinds of entries of a list.
var systemWords = map[string]string{"snomed": "SNOMED CT", "icd10": "ICD-10", "specialty": "Clinic", "flag": "NHS flag", "consent": "Consent, HL7 v2", "words": "Words", "medicine": "Medicine"}

// labels are the lists by which what comes in gets its labels.
func (h *Web) labels(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if err := mayGovern(s); err != nil {
		return err
	}
	lists := classify.Box()
	if h.Lists != nil {
		lists = h.Lists()
	}
	p := page.LabelsPage{Frame: h.frame(s, "What is labelled as sensitive")}
	for _, l := range lists.All() {
		shown := page.LabelList{ID: l.Label.String(), Title: l.Title, Why: l.Why, Sources: sourcesWords(lists, l.Label)}
		for _, part := range l.Sections {
			section := page.LabelSection{Title: part.Title}
			for _, e := range part.Entries {
				entry := page.LabelEntry{System: systemWords[e.System], Code: e.Code, Words: e.Words, Origin: lists.Origin(e.Origin)}
				if e.Below {
					entry.Code += " and below"
				}
				if e.Within {
					entry.Code = "all of reference set " + entry.Code
				}
				section.Entries = append(section.Entries, entry)
				shown.Count++
			}
			shown.Sections = append(shown.Sections, section)
		}
		p.Lists = append(p.Lists, shown)
	}
	h.render(w, http.StatusOK, page.Labels(p))
	return nil
}

// sourcesWords are the sources all of whose items have a label.
func sourcesWords(l *classify.Lists, label policy.Labels) string {
	var out []string
	for _, s := range l.Sources() {
		if l.OfSource(s)&label != 0 {
			out = append(out, string(s))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
