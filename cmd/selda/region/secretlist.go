package region

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/auth"
	"selda/auth/app"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/secrets"
)

// This file says which accounts, keys, certificates and secrets there are.

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Secrets are all of them, the most urgent first.
func (r *Region) Secrets(ctx context.Context, s policy.Subject) ([]secrets.Item, error) {
	if err := r.Access.Administer(ctx, s, "secrets: list"); err != nil {
		return nil, err
	}
	items, err := r.inventory(ctx)
	if err != nil {
		return nil, err
	}
	looked := 0
	for i := range items {
		if user, ok := strings.CutPrefix(items[i].Name, "account/"); ok && looked < lookedMost {
			if items[i].Used, err = r.lastUsed(ctx, user); err != nil {
				return nil, err
			}
			looked++
		}
	}
	return items, nil
}

// lookedMost are how many accounts are looked for in the trail, the most urgent first: a
// region has tens of thousands.
const lookedMost = 500

// lastUsed is when an account did anything last.
func (r *Region) lastUsed(ctx context.Context, user string) (time.Time, error) {
	found, err := r.Trail.Find(ctx, audit.Query{User: user, Limit: 1})
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0].At, nil
}

func (r *Region) inventory(ctx context.Context) ([]secrets.Item, error) {
	items := r.ownKeys()
	settings, err := r.settingsItems(ctx)
	if err != nil {
		return nil, err
	}
	apps, err := r.appItems()
	if err != nil {
		return nil, err
	}
	accounts, err := r.accountItems()
	if err != nil {
		return nil, err
	}
	items = slices.Concat(items, settings, accounts, apps)
	items, err = secrets.Register{Documents: r.documents}.Fill(items, r.Now())
	secrets.Sort(items, r.Now())
	return items, err
}

// idOf is an id of a secret which tells nothing of it, not even to who guesses.
func (r *Region) idOf(secret string) string {
	h := hmac.New(sha256.New, r.Store.Secret("inventory"))
	h.Write([]byte(secret))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ownKeys are the keys that SELDA makes itself.
func (r *Region) ownKeys() []secrets.Item {
	master := secrets.Item{Name: "master", Kind: secrets.Key, Title: "The key that seals every other at rest", Life: year, Rotates: true, How: "a new first line of the file of keys"}
	switch k := r.resting; {
	case k == nil:
		master.Rotates, master.Unsafe = false, "no key is given: every secret is in the database in the clear"
	case k.outside == "":
		master.ID, master.Unsafe = k.ring.Keys().IDs()[0], "it lies in the data folder, beside what it seals: give one from outside (SELDA_KEY_FILE)"
	default:
		master.ID = k.ring.Keys().IDs()[0]
	}
	items := []secrets.Item{master,
		{Name: "tokens", Kind: secrets.Key, Title: "The key that signs tokens", ID: r.Auth.Tokens.SigningKey(), Life: year, Rotates: true, How: "sealed; the former verifies for 31 days more"},
		{Name: "trail/key", Kind: secrets.Key, Title: "The key of the trail's chain", ID: "first", How: "sealed", Endless: "every entry of the trail is keyed by it: another key would prove nothing of those that are there"},
		{Name: "store/key", Kind: secrets.Key, Title: "The key that ids, pseudonyms, stored exports and subscribers' secrets are made of", ID: r.idOf("store/key"), How: "sealed", Endless: "every id that somebody else holds is made of it, and would name nothing any more"},
		{Name: "factors", Kind: secrets.Key, Title: "The secret that passkeys and recovery codes are kept under", ID: "first", How: "sealed", Endless: "every passkey is bound to its owner by it: another would lock everybody out"},
	}
	if t := r.Trail.Tree(); t != nil {
		items = append(items, secrets.Item{Name: "trail/signer", Kind: secrets.Key, Title: "The key that signs the trail's checkpoints", ID: r.idOf(t.Key()), Life: 2 * year, Rotates: true, How: "sealed; it hands over to the next, which whoever holds it can follow"})
	}
	if id, made := r.newestKey("auth/identity-keys.json"); id != "" {
		items = append(items, secrets.Item{Name: "identity-keys", Kind: secrets.Key, Title: "The key that signs applications' identity tokens", ID: id, Made: made, Life: year + 30*day, Rotates: true, How: "sealed; replaced by itself after a year, the next one published a day before"})
	}
	if id, made := r.newestKey("auth/provider-keys.json"); id != "" {
		items = append(items, secrets.Item{Name: "provider-keys", Kind: secrets.Key, Title: "The key that proves this system at identity services", ID: id, Made: made, Life: year + 30*day, Rotates: true, How: "sealed; replaced by itself after a year, the next one published a day before"})
	}
	return items
}

// newestKey is the newest of a document of keys; "" where none was needed yet.
func (r *Region) newestKey(document string) (id string, made time.Time) {
	var list []struct {
		Made time.Time `json:"made"`
		Key  struct {
			KeyID string `json:"kid"`
		} `json:"key"`
	}
	b, _, err := r.documents.Load(document)
	if err != nil || json.Unmarshal(b, &list) != nil || len(list) == 0 {
		return "", made
	}
	last := list[len(list)-1]
	return last.Key.KeyID, last.Made
}

// accountItems are the accounts of professionals and systems. Citizens and those who
// act for them own theirs, and who has one is nobody's business here.
func (r *Region) accountItems() (items []secrets.Item, err error) {
	now := time.Now() // an account's end is of the real clock, as its sessions are
	for a, err := range r.Auth.Accounts.All(auth.Query{Working: true}) {
		if err != nil {
			return nil, err
		}
		i := secrets.Item{Name: "account/" + a.User, Kind: secrets.Account, Title: a.Name + ", " + a.Role.Title(), Contact: a.Contact, Made: a.Made, Ends: a.Ends, Over: !a.Usable(now), Stops: true,
			How: "refused from its end on, with its sessions and tokens"}
		if a.Role != nhs.SourceSystem && a.Contact != "" {
			i.Owner = a.Name
		}
		items = append(items, i)
	}
	return items, nil
}

// appItems are the applications that may act in people's names, with their secrets.
func (r *Region) appItems() (items []secrets.Item, err error) {
	list, err := r.Auth.Apps.List()
	now := time.Now()
	for _, a := range list {
		state := a.State(now)
		i := secrets.Item{Name: "app/" + a.ID, Kind: secrets.Application, Title: a.Name + " (" + state + ")", Owner: a.Owner, Contact: a.Contact, Made: a.Registered, Ends: a.End(), Stops: true, Over: state == app.Stopped,
			How: "approved until its end, on the page of apps"}
		if state == app.Pending {
			i.Endless = "it may do nothing until it is approved"
		}
		if a.Kind == app.Symmetric {
			i.ID, i.Rotates, i.How = r.idOf(a.Secret), true, i.How+"; of its secret only a hash is kept"
		}
		items = append(items, i)
	}
	return items, err
}

// OwnSecret says who answers for an item, and when it ends. Of an account its end is in
// force at once; nobody sets it for themselves.
func (r *Region) OwnSecret(ctx context.Context, s policy.Subject, name string, o secrets.Owned) error {
	const op = "region.OwnSecret"
	if err := r.Access.Administer(ctx, s, "secret: "+name+": owner or end"); err != nil {
		return err
	}
	items, err := r.inventory(ctx)
	if err != nil {
		return err
	}
	var item *secrets.Item
	for i := range items {
		if items[i].Name == name {
			item = &items[i]
		}
	}
	user, account := strings.CutPrefix(name, "account/")
	switch {
	case item == nil:
		return fault.E(op, fault.NotFound, "there is no such account, key or secret: `selda secrets list` names them")
	case account && user == s.User:
		return fault.E(op, fault.Security, "nobody says this of their own account: ask another administrator")
	case r.saidInFile(name):
		return fault.E(op, fault.NotSupported, "the owner of this feed is said in the feeds file: say it there")
	case o.Ends.IsZero() || account || item.Kind == secrets.Key || item.Kind == secrets.Secret:
	case item.Kind == secrets.Application:
		return fault.E(op, fault.NotSupported, "an application ends with its approval: approve it anew until another day")
	default:
		return fault.E(op, fault.NotSupported, "a certificate ends when it says: replace it")
	}
	if item.Endless != "" && !o.Ends.IsZero() {
		return fault.E(op, fault.NotSupported, "it can have no end: "+item.Endless)
	}
	if err := (secrets.Register{Documents: r.documents}).Own(name, o, s.User, time.Now()); err != nil || !account {
		return err
	}
	return r.Auth.Accounts.Alter(user, func(a *auth.Account) {
		if o.Contact != "" {
			a.Contact = strings.TrimSpace(o.Contact)
		}
		if !o.Ends.IsZero() {
			a.Ends = o.Ends
		}
	})
}

// saidInFile says whether a feed's owner is said in the feeds file.
func (r *Region) saidInFile(name string) bool {
	for _, x := range r.admitted.Load().feeds {
		if name == "feed/"+string(x.source) && x.Owner != "" {
			return true
		}
	}
	return false
}

// RotateSecret replaces a key or secret by a new one, and says what is left to do. What
// it gives back for an application is its new secret, which is shown once. atOnce has
// what the former key signed refused from now on.
func (r *Region) RotateSecret(ctx context.Context, s policy.Subject, name string, atOnce bool) (string, error) {
	const op = "region.RotateSecret"
	if name == "master" {
		_, next, err := r.RotateMaster(ctx, s)
		return next, err
	}
	if err := r.Access.Administer(ctx, s, "secret: "+name+": rotate"); err != nil {
		return "", err
	}
	id, isApp := strings.CutPrefix(name, "app/")
	switch {
	case name == "tokens" && atOnce:
		return "everybody who holds a token signs in anew", r.Auth.Tokens.RotateKeys(time.Now(), true)
	case atOnce:
		return "", fault.E(op, fault.NotSupported, "at once is of tokens alone")
	case name == "tokens":
		return "what was signed before holds until it ends, within 31 days", r.Auth.Tokens.RotateKeys(time.Now(), false)
	case name == "trail/signer":
		return "tell who keeps checkpoints: the new key is at /audit/key, and the hand-over from the former at /audit/handovers", r.Trail.HandOver(ctx)
	case name == "provider-keys":
		return "the new key is published now and signs from tomorrow on", r.Auth.RotateProviderKeys()
	case name == "identity-keys":
		return "the new key is published now and signs from tomorrow on", r.Auth.RotateIdentityKeys()
	case isApp:
		secret, err := r.Auth.Apps.Renew(id, time.Now())
		return "the new secret, which is shown once: " + secret, err
	}
	items, err := r.inventory(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range items {
		if i.Name != name {
			continue
		}
		if i.Endless != "" {
			return "", fault.E(op, fault.NotSupported, "it can't be replaced: "+i.Endless)
		}
		return "", fault.E(op, fault.NotSupported, "SELDA does not make it, so that it can't replace it: "+i.How)
	}
	return "", fault.E(op, fault.NotFound, "there is no such key or secret: `selda secrets list` names them")
}
