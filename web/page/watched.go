package page

import "selda/web/view"

// WatchedPage is the records that Caldicott guardians have watched.
type WatchedPage struct {
	Frame
	Rows        []WatchedRow
	May         bool // the reader may change it
	Latest      string
	Done, Error string
}

// WatchedRow is one of them.
type WatchedRow struct {
	Citizen, Reason, By string
	Until               view.Date
}
