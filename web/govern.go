package web

import (
	"net/http"
	"slices"
	"strings"

	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// This file is the pages of those who govern and run the exchange. None of
// them opens a record.

// govern are the first words of a role that opens no records and looks after
// no feeds: what it can do here, and what it can't.
var govern = map[nhs.Role][]string{
	nhs.SourceSystem: {"This account is a system's. Programs use /fhir: every write, and every read and search of what the system itself wrote."},
}

// rules are the rules in force, by role, in words.
func (h *Web) rules(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if err := mayGovern(s); err != nil {
		return err
	}
	p := page.RulesPage{Frame: h.frame(s, "Rules in force"), Audiences: audienceRows()}
	for _, r := range policy.RoleRules() {
		row := page.RuleRow{Role: r.Role.Title(), Hidden: labelWords(r.Hidden &^ r.HiddenOwn), HiddenOwn: labelWords(r.HiddenOwn), Declares: r.Declares, BreaksGlass: r.BreaksGlass}
		row.Sees = seesWords(r.DataSets)
		p.Rules = append(p.Rules, row)
	}
	h.render(w, http.StatusOK, page.Rules(p))
	return nil
}

// seesWords are kinds of data in words: what is left out, where that is less.
func seesWords(sets []policy.DataSet) string {
	var has, lacks []string
	for d := policy.Demographics; d <= policy.CareTeam; d++ {
		if slices.Contains(sets, d) {
			has = append(has, words(d.String()))
		} else {
			lacks = append(lacks, words(d.String()))
		}
	}
	switch {
	case len(lacks) == 0:
		return "the whole record"
	case len(lacks) < 3:
		return "the whole record but " + list(lacks)
	}
	return list(has)
}

func labelWords(l policy.Labels) string {
	var out []string
	for _, code := range l.Codes() {
		switch code {
		case "R", "V":
			code = "confidentiality " + code
		case "hiv-sti":
			code = "HIV and STI"
		case "fgm":
			code = "FGM"
		}
		out = append(out, strings.ReplaceAll(code, "-", " "))
	}
	return list(out)
}
