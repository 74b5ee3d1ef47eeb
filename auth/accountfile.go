package auth

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
)

// accountFile is an account as it stands in the file. An nhs.Number masks
// itself in JSON, so the digits are written out here, and only here.
type accountFile struct {
	User             string   `json:"user"`
	Name             string   `json:"name"`
	Role             string   `json:"role"`
	Organisation     string   `json:"organisation,omitempty"`
	OrganisationName string   `json:"organisation_name,omitempty"`
	NHSNumber        string   `json:"nhs_number,omitempty"`
	For              []string `json:"for,omitempty"`
	Source           string   `json:"source,omitempty"`
	Password         string   `json:"password,omitempty"`
	Provider         string   `json:"provider,omitempty"`
	Teams            []string `json:"teams,omitempty"`

	Contact  string    `json:"contact,omitempty"`
	Ends     time.Time `json:"ends,omitzero"`
	Disabled bool      `json:"disabled,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Made     time.Time `json:"made,omitzero"`
	Given    time.Time `json:"given,omitzero"`
}

type accountsFile struct {
	Accounts []accountFile `json:"accounts"`
}

func readAccounts(b []byte) (map[string]Account, error) {
	const op = "auth.readAccounts"
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f accountsFile
	if err := d.Decode(&f); err != nil || d.More() {
		// The decoder's own message may quote the file.
		return nil, fault.E(op, fault.Structure, "the accounts file is not what SELDA wrote")
	}
	m := make(map[string]Account, len(f.Accounts))
	for _, in := range f.Accounts {
		a, err := in.account()
		if err != nil {
			return nil, fault.E(op, err)
		}
		if _, twice := m[a.User]; twice {
			return nil, fault.E(op, fault.Duplicate, "the accounts file has a user twice")
		}
		m[a.User] = a
	}
	return m, nil
}

func (in accountFile) account() (Account, error) {
	const op = "auth.readAccounts"
	a := Account{User: in.User, Name: in.Name, Role: nhs.Role(in.Role), OrganisationName: in.OrganisationName, Provider: in.Provider, Teams: in.Teams,
		Contact: in.Contact, Ends: in.Ends, Disabled: in.Disabled, Since: in.Since, Made: in.Made, Given: in.Given}
	var err error
	if in.Organisation != "" {
		if a.Organisation, err = nhs.ParseODS(in.Organisation); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	if in.NHSNumber != "" {
		if a.NHSNumber, err = nhs.ParseNumber(in.NHSNumber); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	for _, n := range in.For {
		number, err := nhs.ParseNumber(n)
		if err != nil {
			return a, fault.E(op, fault.Value, err)
		}
		a.For = append(a.For, number)
	}
	if in.Source != "" {
		if a.Source, err = nhs.ParseFeed(in.Source); err != nil {
			return a, fault.E(op, fault.Value, err)
		}
	}
	if in.Password != "" {
		if a.PasswordHash, err = parseHash(in.Password); err != nil {
			return a, fault.E(op, err)
		}
	}
	return a, a.check()
}

// fileOf is an account as it stands in the file.
func fileOf(a Account) accountFile {
	out := accountFile{User: a.User, Name: a.Name, Role: string(a.Role), Organisation: string(a.Organisation),
		OrganisationName: a.OrganisationName, NHSNumber: a.NHSNumber.Digits(), Source: string(a.Source),
		Password: a.PasswordHash.phc(), Provider: a.Provider, Teams: a.Teams,
		Contact: a.Contact, Ends: a.Ends, Disabled: a.Disabled, Since: a.Since, Made: a.Made, Given: a.Given}
	for _, n := range a.For {
		out.For = append(out.For, n.Digits())
	}
	return out
}

func writeAccounts(m map[string]Account) ([]byte, error) {
	f := accountsFile{Accounts: make([]accountFile, 0, len(m))}
	for _, a := range m {
		f.Accounts = append(f.Accounts, fileOf(a))
	}
	slices.SortFunc(f.Accounts, func(a, b accountFile) int { return strings.Compare(a.User, b.User) })
	return json.MarshalIndent(f, "", " ")
}
