package auth

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"selda/fault"
	"selda/nhs"
)

// ClaimNames says under which name a provider states what. A name with dots
// leads through objects. Of a list of objects it takes the one whose
// person_roleid is the token's selected_roleid, as CIS2 has it, or the only one.
type ClaimNames struct {
	Name             string `json:"name"`
	Role             string `json:"role"`
	Organisation     string `json:"organisation"`
	OrganisationName string `json:"organisation_name"`
	NHSNumber        string `json:"nhs_number"`
	Teams            string `json:"teams"` // a list of the person's teams within the organisation
}

// CIS2Claims are the claims of NHS Care Identity Service 2, which states roles
// at userinfo, for the scope nationalrbacaccess.
var CIS2Claims = ClaimNames{Name: "name", Role: "nhsid_nrbac_roles.role_code", Organisation: "nhsid_nrbac_roles.org_code", OrganisationName: "nhsid_nrbac_roles.org_name", Teams: "nhsid_nrbac_roles.workgroups_codes"}

// NHSLoginClaims are the claims of NHS login.
var NHSLoginClaims = ClaimNames{Name: "given_name family_name", NHSNumber: "nhs_number"}

// claims is what the built-in provider says of an account, under those names.
func (a Account) claims() map[string]any {
	c := map[string]any{"name": a.Name}
	switch a.Role {
	case nhs.Citizen, nhs.Proxy:
		given, family := a.Name, ""
		if i := strings.LastIndexByte(a.Name, ' '); i > 0 {
			given, family = a.Name[:i], a.Name[i+1:]
		}
		c["given_name"], c["family_name"] = given, family
		if d := a.NHSNumber.Digits(); d != "" {
			c["nhs_number"], c["identity_proofing_level"] = d, "P9"
		}
	default:
		c["nhsid_useruid"], c["selected_roleid"] = a.User, a.User
		role := map[string]any{"person_roleid": a.User, "role_code": string(a.Role),
			"role_name": a.Role.Title(), "org_code": string(a.Organisation), "org_name": a.OrganisationName}
		if len(a.Teams) > 0 {
			role["workgroups_codes"] = a.Teams
		}
		c["nhsid_nrbac_roles"] = []any{role}
	}
	return c
}

// account is the account that a provider's claims describe. What it may be is
// bounded by the configuration; claims alone never make a role.
func (p Provider) account(sub string, said map[string]any) (Account, error) {
	const op = "auth.account"
	for name, want := range p.Require {
		if claim(said, name) != want {
			return Account{}, fault.E(op, fault.Security, "the sign-in is not strong enough for this system", name)
		}
	}
	org := claim(said, p.Claims.Organisation)
	a := Account{User: p.Name + ":" + sub, Provider: p.Name, Role: p.RoleForAll, OrganisationName: cmp.Or(claim(said, p.Claims.OrganisationName), organisationOf(said, org)), Teams: teamsOf(said, p.Claims.Teams)}
	var names []string
	for _, n := range strings.Fields(p.Claims.Name) {
		if v := claim(said, n); v != "" {
			names = append(names, v)
		}
	}
	a.Name = strings.Join(names, " ")
	if a.Role == "" {
		role, ok := p.role(claim(said, p.Claims.Role))
		if !ok {
			return Account{}, noUse("your role at the sign-in service has no use of this system", p.Claims.Role)
		}
		a.Role = role
	}
	var err error
	if a.Role == nhs.Citizen {
		if a.NHSNumber, err = nhs.ParseNumber(claim(said, p.Claims.NHSNumber)); err != nil {
			return Account{}, fault.E(op, fault.Value, "the sign-in service did not give a valid NHS number", p.Claims.NHSNumber)
		}
	} else if a.Organisation, err = nhs.ParseODS(org); err != nil {
		return Account{}, fault.E(op, fault.Value, "the sign-in service did not give a valid organisation", p.Claims.Organisation)
	}
	if err := a.check(); err != nil {
		return Account{}, fault.E(op, err)
	}
	return a, nil
}

// role is our role of a provider's code. CIS2 states a job role with the staff group and
// the area before it, "S8000:G8000:R8000": the last part alone may be named, too.
func (p Provider) role(code string) (nhs.Role, bool) {
	if r, ok := p.Roles[code]; ok {
		return r, true
	}
	r, ok := p.Roles[code[strings.LastIndexByte(code, ':')+1:]]
	return r, ok
}

// organisationOf is the name of an organisation among those that CIS2 says of a person.
func organisationOf(said map[string]any, code string) string {
	list, _ := said["nhsid_user_orgs"].([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok && code != "" && m["org_code"] == code {
			name, _ := m["org_name"].(string)
			return name
		}
	}
	return ""
}

// claim is the claim of a name as text, or "".
func claim(said map[string]any, name string) string {
	switch v := claimed(said, name).(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}

// claimed is the claim of a name; nil where there is none.
func claimed(said map[string]any, name string) any {
	if name == "" {
		return nil
	}
	var v any = said
	for step := range strings.SplitSeq(name, ".") {
		if list, ok := v.([]any); ok {
			v = selected(list, said["selected_roleid"])
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

// mostTeams is how many teams somebody can be in.
const mostTeams = 64

// teamsOf are the teams that a claim lists, as CIS2 lists the workgroups of a role.
func teamsOf(said map[string]any, name string) (out []string) {
	list, _ := claimed(said, name).([]any)
	for _, v := range list {
		if t, ok := v.(string); ok && t != "" && len(out) < mostTeams {
			out = append(out, t)
		}
	}
	return out
}

// selected is the role that somebody acts in.
func selected(list []any, id any) any {
	want, chosen := id.(string)
	if !chosen && len(list) == 1 {
		return list[0]
	}
	for _, v := range list {
		if m, ok := v.(map[string]any); ok && chosen {
			if got, ok := m["person_roleid"].(string); ok && got == want {
				return m
			}
		}
	}
	return nil
}
