package secrets

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"selda/fault"
	"selda/internal/document"
)

// registerName is the document of what is said of items.
const registerName = "secrets/register.json"

// entry is what is kept of an item.
type entry struct {
	Owner   string    `json:"owner,omitempty"`
	Contact string    `json:"contact,omitempty"`
	Ends    time.Time `json:"ends,omitzero"` // as somebody said
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at,omitzero"`
	ID      string    `json:"id,omitempty"`
	Made    time.Time `json:"made,omitzero"` // when an item was there first
	Rotated time.Time `json:"rotated,omitzero"`
}

// Register keeps who owns what, and since when a key is the one that it is.
type Register struct{ Documents document.Store }

func (r Register) load() (map[string]entry, int64, error) {
	const op = "secrets.Register"
	all := map[string]entry{}
	b, version, err := r.Documents.Load(registerName)
	if err == nil && b != nil && json.Unmarshal(b, &all) != nil {
		err = fault.E(op, fault.Structure, "the register of secrets is not what SELDA wrote", registerName)
	}
	if err != nil {
		return nil, 0, fault.E(op, err)
	}
	return all, version, nil
}

// change changes the register, and tries again where another node was quicker.
func (r Register) change(f func(map[string]entry) (changed bool)) error {
	for range 10 {
		all, version, err := r.load()
		if err != nil {
			return err
		}
		if !f(all) {
			return nil
		}
		b, err := json.Marshal(all)
		if err == nil {
			err = r.Documents.Save(registerName, b, version)
		}
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return fault.E("secrets.Register", fault.Transient, "the register of secrets changes too fast: try again")
}

// Fill adds what is known of items to what there is, and notes which keys they are now.
func (r Register) Fill(items []Item, now time.Time) ([]Item, error) {
	out := append([]Item(nil), items...)
	at := now.UTC().Truncate(time.Second)
	err := r.change(func(all map[string]entry) (changed bool) {
		copy(out, items)
		for i := range out {
			if out[i].fill(all, at) {
				changed = true
			}
		}
		return changed
	})
	return out, err
}

func (i *Item) fill(all map[string]entry, now time.Time) (changed bool) {
	e, known := all[i.Name]
	if i.ID != "" && i.ID != e.ID {
		if e.ID == "" {
			e.Made = now
		} else {
			e.Rotated, e.Ends = now, time.Time{} // what was said was of the one before
		}
		e.ID, changed = i.ID, true
		all[i.Name] = e
	}
	if e.Owner != "" {
		i.Owner = e.Owner
	}
	if e.Contact != "" {
		i.Contact = e.Contact
	}
	if i.Made.IsZero() {
		i.Made = e.Made
	}
	if i.Rotated.IsZero() {
		i.Rotated = e.Rotated
	}
	if i.Ends.IsZero() && known {
		i.Ends = e.Ends
	}
	if since := i.Rotated; i.Ends.IsZero() && i.Life > 0 {
		if since.IsZero() {
			since = i.Made
		}
		if !since.IsZero() {
			i.Ends = since.Add(i.Life)
		}
	}
	return changed
}

// Owned is what somebody says of an item. What is left out stays as it was.
type Owned struct {
	Owner, Contact string
	Ends           time.Time
}

// maxWords is how long an owner and a contact may be.
const maxWords = 200

// Own says who answers for an item, and when it ends.
func (r Register) Own(name string, o Owned, by string, now time.Time) error {
	const op = "secrets.Own"
	owner, contact, ends := strings.TrimSpace(o.Owner), strings.TrimSpace(o.Contact), o.Ends
	for place, s := range map[string]string{"owner": owner, "contact": contact} {
		if len(s) > maxWords || strings.ContainsFunc(s, unicode.IsControl) {
			return fault.E(op, fault.Value, "an owner and a contact are one line of at most 200 characters", place)
		}
	}
	if owner == "" && contact == "" && ends.IsZero() {
		return fault.E(op, fault.Required, "say an owner, a contact or an end", "owner")
	}
	if !ends.IsZero() && !ends.After(now) {
		return fault.E(op, fault.Value, "an end is in the future", "ends")
	}
	return r.change(func(all map[string]entry) bool {
		e := all[name]
		if owner != "" {
			e.Owner = owner
		}
		if contact != "" {
			e.Contact = contact
		}
		if !ends.IsZero() {
			e.Ends = ends.UTC()
		}
		e.By, e.At = by, now.UTC().Truncate(time.Second)
		all[name] = e
		return true
	})
}
