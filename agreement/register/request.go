package register

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
)

// Request is an organisation's wish to join an agreement.
type Request struct {
	ID           string    `json:"id"`
	Agreement    string    `json:"agreement"`
	Organisation nhs.ODS   `json:"organisation"`
	Why          string    `json:"why"`
	By           string    `json:"by"`   // who asked
	Name         string    `json:"name"` // and their name
	At           time.Time `json:"at"`
	Decided      time.Time `json:"decided,omitzero"`
	DecidedBy    string    `json:"decidedBy,omitempty"`
	Joined       bool      `json:"joined,omitempty"`
}

const requests = "agreement-requests/"

// mostWaiting bounds how many requests may wait for an answer.
const mostWaiting = 200

// Ask keeps a request. One that waits already is not made again.
func (r *Register) Ask(q Request) error {
	const op = "register.Ask"
	waiting, err := r.Requests()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(waiting, func(w Request) bool { return w.Agreement == q.Agreement && w.Organisation == q.Organisation }) {
		return fault.E(op, fault.Conflict, "your organisation has asked already: who governs the agreement decides")
	}
	if len(waiting) >= mostWaiting {
		return fault.E(op, fault.Throttled, "too many requests wait for an answer")
	}
	q.ID = strings.ToLower(rand.Text())
	return r.keep(q, 0)
}

func (r *Register) keep(q Request, version int64) error {
	b, err := json.Marshal(q)
	if err != nil {
		return fault.E("register.keep", fault.Structure, err)
	}
	return r.documents.Save(requests+q.ID, b, version)
}

// Requests are those that wait for an answer, the oldest first.
func (r *Register) Requests() ([]Request, error) {
	const op = "register.Requests"
	names, err := r.documents.List(requests)
	if err != nil {
		return nil, fault.E(op, err)
	}
	var out []Request
	for _, name := range names {
		q, _, err := r.request(strings.TrimPrefix(name, requests))
		if err != nil {
			return nil, fault.E(op, err)
		}
		if q.Decided.IsZero() {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b Request) int { return a.At.Compare(b.At) })
	return out, nil
}

func (r *Register) request(id string) (q Request, version int64, err error) {
	const op = "register.request"
	if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return q, 0, fault.E(op, fault.NotFound, "there is no such request")
	}
	b, version, err := r.documents.Load(requests + id)
	if err != nil {
		return q, 0, err
	}
	if version == 0 {
		return q, 0, fault.E(op, fault.NotFound, "there is no such request")
	}
	return q, version, json.Unmarshal(b, &q)
}

// Waiting is a request that waits for an answer.
func (r *Register) Waiting(id string) (Request, error) {
	q, _, err := r.request(id)
	if err == nil && !q.Decided.IsZero() {
		err = fault.E("register.Waiting", fault.Conflict, "this has been decided already")
	}
	return q, err
}

// Answer records what was decided of a request.
func (r *Register) Answer(id, by string, joined bool, at time.Time) error {
	q, err := r.Waiting(id)
	if err != nil {
		return err
	}
	q.Decided, q.DecidedBy, q.Joined = at, by, joined
	return r.keep(q, document.Any)
}
