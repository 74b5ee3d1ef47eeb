package page

// LimitsPage is what a controller has set for its own organisation.
type LimitsPage struct {
	Frame
	Organisation         string
	May                  bool // the reader may change it
	AfterCare            int  // days
	Least, Most          int
	Teams                []LimitTeam
	Seals, Ended         []LimitSeal
	Sets, Labels, Roles  []Reason
	Today                string
	Done, Error, ErrorAt string
}

// LimitTeam is a team of the organisation.
type LimitTeam struct{ Name, Groups, Wrote, From string }

// LimitSeal is a seal within the organisation.
type LimitSeal struct{ ID, Title, What, Sees, Reason, By, Since, Until string }
