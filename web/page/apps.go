package page

import "selda/web/view"

// AppsPage is the applications that somebody connected.
type AppsPage struct {
	Frame
	Citizen   bool
	Back      string // where the link above leads; "" for none
	Action    string
	Done      string // what was just ended
	Connected []ConnectedApp
	Ended     []ConnectedApp
	Open      []AppsFor // that can be opened, for each whose record the user may connect
}

// AppsFor are the applications that can be opened for somebody.
type AppsFor struct {
	Patient, Whose string // Whose is "" of the user's own record
	Apps           []LaunchApp
}

// ConnectedApp is one application that acts, or acted, in somebody's name.
type ConnectedApp struct {
	ID, Name, Owner, Contact string
	For                      string // whose record, where that needs saying
	Since, Until, Ended      view.Date
	Why                      string   // it ended
	Sees                     []string // what it may see, in words
	Looked                   view.Date
}

// RegisterPage is all applications, for those who decide on them.
type RegisterPage struct {
	Frame
	Done, Error string
	Apps        []RegisteredApp
	Today, Year string // the first and the usual end of an approval, as a form has it
}

// RegisteredApp is one of them.
type RegisteredApp struct {
	ID, Name, Owner, Contact, About, Kind, For, State string
	Waits                                             bool
	Scopes, Redirects                                 []string
	Launch, Keys, Account                             string
	Registered, Approved, Until, Secret               view.Date
	ApprovedBy, StoppedBy, Reason, Action             string
	System                                            bool
}

// RecordApps are the applications that can be opened at a record.
type RecordApps struct {
	Action string
	Apps   []LaunchApp
}

// LaunchApp is one of them.
type LaunchApp struct{ ID, Name, Owner, About string }

// date is a date as the reader of the page writes it.
func (p AppsPage) date(d view.Date) string {
	if p.Citizen {
		return d.Plain()
	}
	return d.ProTime()
}
