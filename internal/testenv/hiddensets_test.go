package testenv

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"selda/nhs"
)

// What is agreed in both regions: who people are and what they decided, of all with
// all; beside it everything, or for one record in four what is drawn.
const (
	agreedHead = `agreement: hidden-%s
title: Drawn
purposes: [direct-care, emergency, citizen-access]
begins: 2026-01-01
basis: {data-protection: UK GDPR Art 6(1)(e) and 9(2)(h), confidentiality: implied consent}
contact: somebody
shares:
`
	agreedFoot = `signed:
  - {organisation: QKK, name: C, office: lead, signed: 2026-01-01, for: [all]}
`
)

// agree puts what is agreed in force, where it is another than before.
func (h *hidden) agree(t *rapid.T) {
	limited := oneIn(t, 4, "agreed less")
	if !limited && !h.limited {
		return
	}
	files := []string{fmt.Sprintf(agreedHead, "items") + "  - {from: [all], kinds: [all], with: [all]}\n" + agreedFoot}
	if limited {
		share := fmt.Sprintf("  - from: [%s]\n    with: [all]\n    kinds: ", strings.Join(pick(t, [][]string{{"all"}, {"RJ1", "G85915"}, {"RJZ:PAS", "RRU"}}, "from"), ", "))
		share += pick(t, []string{"[problems, results, allergies]", "[documents, plans, encounters, alerts]", "[all]\n    not: [results, medications]", "[all]"}, "kinds") + "\n"
		if oneIn(t, 3, "roles") {
			share += "    roles: [gp, hospital-doctor, paramedic]\n"
		}
		head := agreedHead
		if oneIn(t, 3, "runs out") { // one for care is then overdue, and flow goes on (G17)
			head = strings.Replace(head, "begins: 2026-01-01\n", "begins: 2026-01-01\nends: "+h.env[0].Now().AddDate(0, 0, pick(t, []int{-40, 0, 20}, "ends")).Format(time.DateOnly)+"\nauthority: the duty to share\n", 1)
		}
		files[0] = fmt.Sprintf(head, "items") + share + agreedFoot
		if oneIn(t, 3, "suspended") {
			files[0] += fmt.Sprintf("suspended:\n  - {from: [%s], since: 2026-11-01T10:00:00Z, reason: a feed that mixed people up}\n", pick(t, []string{"RJZ", "G85915", "all"}, "suspended"))
		}
	}
	if h.serial == 1 {
		files = append(files, fmt.Sprintf(agreedHead, "people")+"  - {from: [all], kinds: [demographics, preferences, directory], with: [all]}\n"+agreedFoot)
	}
	h.limited = limited
	for _, env := range h.env {
		if h.serial == 1 {
			_, err := env.Region.WithdrawAgreement(h.Context(), operatorSubject(), direct)
			h.must(err)
		}
		for _, file := range files {
			if _, err := env.Region.PutAgreement(h.Context(), operatorSubject(), []byte(file)); err != nil {
				h.Fatalf("%v\n%s", err, file)
			}
		}
	}
}

// limit has two organisations set what is kept from their own staff (G4), in both
// regions alike: teams that stay, and seals that are drawn for one record in three.
func (h *hidden) limit(t *rapid.T, w *written) {
	if h.serial > 1 && !oneIn(t, 3, "sealed anew") {
		return
	}
	for _, at := range []struct {
		organisation nhs.ODS
		others       string
	}{{"RJZ", "pharmacist"}, {"G85915", "nurse"}} {
		file := drawSeals(t, at.others)
		for _, env := range h.env {
			(&outside{T: h.T, Env: env}).seals(at.organisation, file)
		}
	}
}
