package auth

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"selda/fault"
	"selda/nhs"
)

// tableHere is a Table in memory, which holds what store/storetest asks of one.
type tableHere struct {
	mu     sync.Mutex
	m      map[string]Kept
	reads  int
	broken bool
}

func (t *tableHere) Account(user string) (Kept, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads++
	if t.broken {
		return Kept{}, false, errors.New("the table is not there")
	}
	k, ok := t.m[user]
	return k, ok, nil
}

func (t *tableHere) Accounts(q Query) (out []Kept, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, user := range slices.Sorted(maps.Keys(t.m)) {
		k := t.m[user]
		if user > q.After && (!q.Working || k.Organisation != "") && (q.Organisation == "" || k.Organisation == q.Organisation) && (q.Person == "" || k.Person == q.Person) &&
			!slices.ContainsFunc(q.Words, func(w string) bool { return !strings.Contains(k.Words, w) }) && (q.Limit == 0 || len(out) < q.Limit) {
			out = append(out, k)
		}
	}
	return out, nil
}

func (t *tableHere) SaveAccounts(list ...Kept) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := maps.Clone(t.m)
	if m == nil {
		m = map[string]Kept{}
	}
	for _, k := range list {
		if m[k.User].Version != k.Version {
			return fault.E("tableHere.SaveAccounts", fault.Conflict, "another one is there")
		}
		k.Version++
		m[k.User] = k
	}
	t.m = m
	return nil
}

func (t *tableHere) RemoveAccount(user string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, there := t.m[user]
	delete(t.m, user)
	return there, nil
}

func (t *tableHere) CountAccounts(nhs.ODS) ([]Count, error) { return nil, errors.ErrUnsupported }

// tables are those of the folders of tests, so that a folder that is opened again has its
// accounts.
var tables sync.Map

func tableOf(dir string) *tableHere {
	t, _ := tables.LoadOrStore(dir, &tableHere{})
	return t.(*tableHere)
}
