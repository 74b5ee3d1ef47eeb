// Package asked keeps who has asked to act for whom, until the person's registered
// practice has decided or a month has gone by: a document for each practice. What
// was decided stands in the person's record; nothing of it is kept here.
package asked

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
)

// Request is that somebody asks to act for a citizen.
type Request struct {
	User    string          `json:"user"`
	Name    string          `json:"name"`
	Citizen string          `json:"citizen"` // stable id
	As      policy.ActingAs `json:"as"`
	Why     string          `json:"why"`
	At      time.Time       `json:"at"`
}

const (
	// Kept is how long a request waits.
	Kept = 30 * 24 * time.Hour
	// most are kept of a practice, and mostOf of one who asks.
	most, mostOf = 500, 5
	maxWhy       = 300
)

// Check says what is wrong with a request, whoever it is about.
func (r *Request) Check() error {
	const op = "asked.Check"
	_, known := proxy.KindOf(string(r.As))
	r.Why = strings.TrimSpace(r.Why)
	switch {
	case r.User == "":
		return fault.E(op, fault.Login, "nobody is signed in")
	case !known:
		return fault.E(op, fault.Value, "choose why you help this person", "as")
	case r.Why == "" || len(r.Why) > maxWhy || !utf8.ValidString(r.Why):
		return fault.E(op, fault.Value, "write a few words for the practice, in at most 300 letters", "why")
	}
	return nil
}

// Register keeps the requests.
type Register struct{ Documents document.Store }

func name(practice nhs.ODS) string { return "proxy/asked/" + string(practice) + ".json" }

// Of are the requests that wait at a practice, the oldest first.
func (g Register) Of(practice nhs.ODS, now time.Time) ([]Request, error) {
	list, _, err := g.load(practice, now)
	return list, err
}

func (g Register) load(practice nhs.ODS, now time.Time) (list []Request, version int64, err error) {
	if g.Documents == nil || practice == "" {
		return nil, 0, fault.E("asked.Of", fault.NoStore, "there is no place for requests to act for somebody")
	}
	b, version, err := g.Documents.Load(name(practice))
	if err == nil && b != nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return nil, 0, fault.E("asked.Of", fault.NoStore, err)
	}
	return slices.DeleteFunc(list, func(r Request) bool { return now.Sub(r.At) > Kept }), version, nil
}

// Add keeps a request; one of the same account about the same citizen is replaced.
func (g Register) Add(practice nhs.ODS, r Request) error {
	return g.change(practice, r.At, func(list []Request) ([]Request, error) {
		list = without(list, r.User, r.Citizen)
		mine := 0
		for _, x := range list {
			if x.User == r.User {
				mine++
			}
		}
		if len(list) >= most || mine >= mostOf {
			return nil, fault.E("asked.Add", fault.Throttled, "too many requests wait already: ask the practice about those first")
		}
		return append(list, r), nil
	})
}

// Done takes a request out: it was decided.
func (g Register) Done(practice nhs.ODS, user, citizen string, now time.Time) error {
	return g.change(practice, now, func(list []Request) ([]Request, error) { return without(list, user, citizen), nil })
}

func without(list []Request, user, citizen string) []Request {
	return slices.DeleteFunc(list, func(x Request) bool { return x.User == user && x.Citizen == citizen })
}

// change saves what f makes of the list; where another node was quicker it is made again.
func (g Register) change(practice nhs.ODS, now time.Time, f func([]Request) ([]Request, error)) error {
	for try := 0; ; try++ {
		list, version, err := g.load(practice, now)
		if err != nil {
			return err
		}
		if list, err = f(list); err != nil {
			return err
		}
		b, err := json.Marshal(list)
		if err != nil {
			return fault.E("asked.change", fault.Exception, err)
		}
		if err = g.Documents.Save(name(practice), b, version); err == nil || !fault.Is(err, fault.Conflict) || try == 5 {
			return err
		}
	}
}
