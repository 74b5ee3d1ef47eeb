package app

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/fault"
	"selda/internal/document"
)

// Connection is what a person let an application do, since when and until when.
// It is no consent: what the person may see decides what the application may.
type Connection struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	App     string    `json:"app"`
	Scopes  []string  `json:"scopes"`            // that were granted
	Patient string    `json:"patient,omitempty"` // the citizen of the launch, by stable id
	Purpose string    `json:"purpose,omitempty"` // what for; "" for what the user's role has by itself
	Began   time.Time `json:"began"`
	Until   time.Time `json:"until"`
	Online  bool      `json:"online,omitempty"` // it ends when the person signs out
	// Family and Current are hashes: of what all refresh tokens of the connection
	// have in common, and of the one that can be used.
	Family  string    `json:"family,omitempty"`
	Current string    `json:"current,omitempty"`
	Ended   time.Time `json:"ended,omitzero"`
	Why     string    `json:"why,omitempty"`
}

// Live says whether a connection holds.
func (c *Connection) Live(now time.Time) bool { return c.Ended.IsZero() && now.Before(c.Until) }

// Connections are those of all people: a document for each person who has any,
// so that a request reads one small document, and a connection that was ended is
// refused at the next request on every node.
type Connections struct {
	docs   document.Store
	shared bool

	mu   sync.Mutex
	seen map[string][]Connection // what was read last, where nobody else can change it
}

const (
	// maxConnections is how many a person can have; the oldest make room.
	maxConnections = 50
	// rememberEnded is how long one that has ended is shown and told from what never was.
	rememberEnded = 30 * 24 * time.Hour
	maxSeen       = 10_000
)

// OpenConnections opens them.
func OpenConnections(docs document.Store, shared bool) *Connections {
	return &Connections{docs: docs, shared: shared, seen: map[string][]Connection{}}
}

// Key stands for a user in the name of a document and in a refresh token, which
// say nobody's name.
func Key(user string) string {
	sum := sha256.Sum256([]byte("connections of " + user))
	return hex.EncodeToString(sum[:16])
}

func documentOf(key string) string { return "auth/connected/" + key[:2] + "/" + key + ".json" }

func isKey(key string) bool {
	return len(key) == 32 && strings.Trim(key, "0123456789abcdef") == ""
}

func (cs *Connections) load(key string) ([]Connection, int64, error) {
	if cs == nil || cs.docs == nil || !isKey(key) {
		return nil, 0, fault.E("app.Connections", fault.NoStore, "there is no place for connections")
	}
	b, version, err := cs.docs.Load(documentOf(key))
	if err != nil || b == nil {
		return nil, version, err
	}
	var list []Connection
	if json.Unmarshal(b, &list) != nil {
		return nil, 0, fault.E("app.Connections", fault.Structure, "the connections of somebody are not what SELDA wrote")
	}
	return list, version, nil
}

// of gives the connections under a key.
func (cs *Connections) of(key string) ([]Connection, error) {
	if cs != nil && !cs.shared {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if list, ok := cs.seen[key]; ok {
			return list, nil
		}
		list, _, err := cs.load(key)
		if err == nil {
			cs.keep(key, list)
		}
		return list, err
	}
	list, _, err := cs.load(key)
	return list, err
}

func (cs *Connections) keep(key string, list []Connection) {
	if len(cs.seen) >= maxSeen {
		clear(cs.seen)
	}
	cs.seen[key] = list
}

// change works on a copy of somebody's connections.
func (cs *Connections) change(key string, now time.Time, f func([]Connection) ([]Connection, error)) error {
	const op = "app.Connections"
	if cs == nil {
		return fault.E(op, fault.NoStore, "there is no place for connections")
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for {
		list, version, err := cs.load(key)
		if err != nil {
			return fault.E(op, fault.NoStore, err)
		}
		list, failed := f(slices.Clone(list))
		if list == nil {
			return failed
		}
		list = slices.DeleteFunc(list, func(c Connection) bool {
			return now.Sub(c.Until) > rememberEnded || !c.Ended.IsZero() && now.Sub(c.Ended) > rememberEnded
		})
		if len(list) > maxConnections {
			list = list[len(list)-maxConnections:]
		}
		b, err := json.Marshal(list)
		if err != nil {
			return fault.E(op, err)
		}
		err = cs.docs.Save(documentOf(key), b, version)
		if fault.Is(err, fault.Conflict) {
			continue
		}
		delete(cs.seen, key)
		if err != nil {
			return fault.E(op, err)
		}
		return failed
	}
}

// Begin keeps a new connection of a user. Where it can be refreshed the first
// refresh token is given.
func (cs *Connections) Begin(user string, c Connection, refreshed bool, now time.Time) (Connection, string, error) {
	c.ID, c.User, c.Began, c.Until = rand.Text(), user, now.UTC().Truncate(time.Second), c.Until.UTC().Truncate(time.Second)
	key, token := Key(user), ""
	if refreshed {
		family := rand.Text()
		c.Family = hashed(family)
		token = c.renew(key, family)
	}
	err := cs.change(key, now, func(list []Connection) ([]Connection, error) { return append(list, c), nil })
	return c, token, err
}

// renew makes the connection's next refresh token.
func (c *Connection) renew(key, family string) string {
	current := rand.Text()
	c.Current = hashed(current)
	return strings.Join([]string{key, c.ID, family, current}, ".")
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Find is one connection of a user. The fault is NotFound, or NoStore where it
// can't be read.
func (cs *Connections) Find(user, id string) (Connection, error) {
	list, err := cs.of(Key(user))
	if err != nil {
		return Connection{}, fault.E("app.Find", fault.NoStore, err)
	}
	for _, c := range list {
		if c.ID == id {
			return c, nil
		}
	}
	return Connection{}, fault.E("app.Find", fault.NotFound, "there is no such connection")
}

// List are the connections of a user, the latest first.
func (cs *Connections) List(user string) ([]Connection, error) {
	list, err := cs.of(Key(user))
	list = slices.Clone(list)
	slices.Reverse(list)
	return list, err
}

// Refreshing is the connection that a refresh token is of, and whose: the key
// of the user. Nothing is changed.
func (cs *Connections) Refreshing(token string) (c Connection, key string, err error) {
	part := strings.Split(token, ".")
	unknown := fault.E("app.Refreshing", fault.NotFound, "the refresh token is not one of ours")
	if len(token) > 512 || len(part) != 4 || !isKey(part[0]) {
		return c, "", unknown
	}
	list, err := cs.of(part[0])
	if err != nil {
		return c, "", fault.E("app.Refreshing", fault.NoStore, err)
	}
	for _, c := range list {
		if c.ID == part[1] && same(c.Family, part[2]) {
			return c, part[0], nil
		}
	}
	return c, "", unknown
}

func same(hash, s string) bool {
	return hash != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(hashed(s))) == 1
}

// Rotate uses a refresh token of an application: it gives the next one. One that
// was used before ends the connection, since somebody has stolen it or is about
// to use what was stolen: RFC 9700, section 4.14.2. The fault is NotFound then,
// as of every token that is of no use.
func (cs *Connections) Rotate(token, app string, now time.Time) (c Connection, next string, err error) {
	const op = "app.Rotate"
	refused := fault.E(op, fault.NotFound, "the refresh token is not one of ours")
	_, key, err := cs.Refreshing(token)
	if err != nil {
		return c, "", err
	}
	part := strings.Split(token, ".")
	err = cs.change(key, now, func(list []Connection) ([]Connection, error) {
		i := slices.IndexFunc(list, func(c Connection) bool { return c.ID == part[1] })
		if i < 0 || !same(list[i].Family, part[2]) || list[i].App != app || !list[i].Live(now) {
			return nil, refused
		}
		if !same(list[i].Current, part[3]) {
			list[i].end("a refresh token was used twice", now)
			return list, refused
		}
		next = list[i].renew(key, part[2])
		c = list[i]
		return list, nil
	})
	return c, next, err
}

func (c *Connection) end(why string, now time.Time) {
	if c.Ended.IsZero() {
		c.Ended, c.Why = now.UTC().Truncate(time.Second), why
	}
}

// End ends connections of a user for which it is asked, and says how many.
func (cs *Connections) End(user, why string, now time.Time, which func(*Connection) bool) (n int, err error) {
	return cs.EndKey(Key(user), why, now, which)
}

// EndKey is End by the key of the user.
func (cs *Connections) EndKey(key, why string, now time.Time, which func(*Connection) bool) (n int, err error) {
	list, err := cs.of(key)
	if err != nil {
		return 0, fault.E("app.End", fault.NoStore, err)
	}
	if !slices.ContainsFunc(list, func(c Connection) bool { return c.Live(now) && which(&c) }) {
		return 0, nil
	}
	err = cs.change(key, now, func(list []Connection) ([]Connection, error) {
		n = 0
		for i := range list {
			if list[i].Live(now) && which(&list[i]) {
				list[i].end(why, now)
				n++
			}
		}
		return list, nil
	})
	return n, err
}

// Holds says whether a refresh token is the one that can be used.
func (c *Connection) Holds(token string) bool {
	i := strings.LastIndexByte(token, '.')
	return i > 0 && same(c.Current, token[i+1:])
}
