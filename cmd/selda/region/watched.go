package region

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"selda/access"
	"selda/auth"
	"selda/internal/document"
	"selda/nhs"
)

// staff is access.Staff: who works where, by the accounts, and whose records a
// Caldicott guardian has watched.
type staff struct {
	accounts  *auth.Accounts
	documents document.Store

	mu   sync.Mutex
	list []access.Watch
	read time.Time
}

// watchFile is where the watched records are kept, by citizen and reason.
const watchFile = "watched.json"

// watchedFor is how long a node may go on with a list that another has changed.
const watchedFor = 5 * time.Second

// WorksAt is access.Staff's.
func (s *staff) WorksAt(n nhs.Number) []nhs.ODS { return s.accounts.WorksAt(n) }

// Watched is access.Staff's.
func (s *staff) Watched(citizen string, now time.Time) bool {
	list, _ := s.Watches()
	return slices.ContainsFunc(list, func(w access.Watch) bool { return w.Citizen == citizen && now.Before(w.Until) })
}

// Watches is access.Watchlist's.
func (s *staff) Watches() ([]access.Watch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.read) < watchedFor {
		return s.list, nil
	}
	list, _, err := s.load()
	if err == nil {
		s.list, s.read = list, time.Now()
	}
	return s.list, err
}

func (s *staff) load() (list []access.Watch, version int64, err error) {
	b, version, err := s.documents.Load(watchFile)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &list)
	}
	return list, version, err
}

// Watch is access.Watchlist's: it adds to the list, or replaces what it says of the
// same citizen.
func (s *staff) Watch(w access.Watch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, version, err := s.load()
	if err != nil {
		return err
	}
	list = append(slices.DeleteFunc(list, func(x access.Watch) bool { return x.Citizen == w.Citizen }), w)
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := s.documents.Save(watchFile, b, version); err != nil {
		return err
	}
	s.list, s.read = list, time.Now()
	return nil
}
