package synth

import (
	"fmt"
	"time"
)

// Agreements are those of the demonstration, as files, by their names.
func Agreements(now time.Time) map[string]string {
	day := func(years, months int) string { return now.AddDate(years, months, 0).Format(time.DateOnly) }
	return map[string]string{
		"sel-direct-care":  fmt.Sprintf(directCare, day(-1, 0), day(1, 0)),
		"frailty-planning": fmt.Sprintf(frailtyPlanning, day(0, -3), day(0, 2)),
	}
}

const directCare = `# Who cares for a citizen sees what they need of the one record.
agreement: sel-direct-care
title: Sharing for direct care in South East London
purposes: [direct-care, emergency, citizen-access]
begins: %[1]s
ends: %[2]s
basis:
  data-protection: UK GDPR Art 6(1)(e) and 9(2)(h)
  confidentiality: implied consent for direct care
authority: the duty to share information for care, section 251B of the Health and Social Care Act 2012
contact: Catherine Newman, information governance, NHS South East London
shares:
  - from: [all]
    kinds: [all]
    with: [all]
signed:
  - organisation: QKK
    name: Catherine Newman
    office: governance lead, for the joint controllers
    signed: %[1]s
    for: [all]
`

const frailtyPlanning = `# Planning of frailty services. No names, no numbers of fewer than ten people.
agreement: frailty-planning
title: Planning services for older people in South East London
purposes: [secondary-use]
begins: %[1]s
ends: %[2]s
basis:
  data-protection: UK GDPR Art 6(1)(e) and 9(2)(h)
  confidentiality: pseudonymised before analysis, under section 251 support
gateway: s251
opt-out: applies, since confidential patient information is used beyond individual care
contact: Catherine Newman, information governance, NHS South East London
shares:
  - from: [all]
    kinds: [demographics, problems, observations, encounters]
    with: [QKK]
    roles: [analyst]
    citizens:
      from-age: 65
signed:
  - organisation: QKK
    name: Catherine Newman
    office: governance lead, for the joint controllers
    signed: %[1]s
    for: [all]
`
