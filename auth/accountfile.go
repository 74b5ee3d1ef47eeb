package auth

import (
	"bytes"
	"encoding/json"
	"time"

	"selda/fault"
	"selda/nhs"
)

// accountFile is an account as it is written down. An nhs.Number masks itself in JSON, so
// the digits are written out here, and only here.
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

	// Of what a table keeps.
	*liveFile
}

// kept is the record as a table keeps it.
func (r *record) kept() (Kept, error) {
	const op = "auth.kept"
	if err := r.check(); err != nil {
		return Kept{}, err
	}
	f := fileOf(r.Account)
	f.liveFile = &r.liveFile
	b, err := json.Marshal(f)
	if err != nil {
		return Kept{}, fault.E(op, err)
	}
	return Kept{User: r.User, Version: r.version, Role: r.Role, Organisation: r.Organisation, Words: searched(&r.Account), Person: r.NHSNumber.Digits(), Body: b}, nil
}

// readRecord reads what kept wrote.
func readRecord(k Kept) (record, error) {
	const op = "auth.readRecord"
	r := record{version: k.Version}
	d := json.NewDecoder(bytes.NewReader(k.Body))
	d.DisallowUnknownFields() // of a later version: saving it would lose them
	f := accountFile{liveFile: &r.liveFile}
	if err := d.Decode(&f); err != nil || d.More() || f.User != k.User {
		// The decoder's own message may quote it.
		return r, fault.E(op, fault.Structure, "an account is not what SELDA wrote")
	}
	var err error
	if r.Account, err = f.account(); err != nil {
		return r, fault.E(op, err)
	}
	return r, nil
}

// accountsFile is the document that all accounts were in, before there was a table.
type accountsFile struct {
	Accounts []accountFile `json:"accounts"`
}

// readAccounts reads that document.
func readAccounts(b []byte) ([]Account, error) {
	const op = "auth.readAccounts"
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f accountsFile
	if err := d.Decode(&f); err != nil || d.More() {
		// The decoder's own message may quote the file.
		return nil, fault.E(op, fault.Structure, "the accounts file is not what SELDA wrote")
	}
	list, users := make([]Account, 0, len(f.Accounts)), map[string]bool{}
	for _, in := range f.Accounts {
		a, err := in.account()
		if err != nil {
			return nil, fault.E(op, err)
		}
		if users[a.User] {
			return nil, fault.E(op, fault.Duplicate, "the accounts file has a user twice")
		}
		users[a.User] = true
		list = append(list, a)
	}
	return list, nil
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

// fileOf is an account as it is written down.
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
