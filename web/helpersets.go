package web

import (
	"net/http"
	"slices"

	"selda/consent"
	"selda/policy"
	"selda/web/page"
)

// actingSets are the kinds of data of which a court's order or a person may name some.
var actingSets = []policy.DataSet{policy.Problems, policy.Medications, policy.Allergies, policy.Results, policy.Observations, policy.Immunisations, policy.Procedures,
	policy.Encounters, policy.Documents, policy.Plans, policy.Referrals, policy.Appointments, policy.SocialCare, policy.CareTeam}

// setOptions are those to choose from, as they were chosen.
func setOptions(r *http.Request) (out []page.SetOption) {
	for _, d := range actingSets {
		out = append(out, page.SetOption{Code: d.String(), Text: sentence(consent.Kind(d)), Chosen: slices.Contains(r.PostForm["sets"], d.String())})
	}
	for i := range out {
		out[i].Text = out[i].Text[:len(out[i].Text)-1] // without its full stop
	}
	return out
}

// setsOf are those that were chosen; none is all.
func setsOf(codes []string) (out policy.DataSets) {
	for _, c := range codes {
		if d := policy.ParseDataSet(c); slices.Contains(actingSets, d) {
			out |= policy.SetOf(d)
		}
	}
	return out
}
