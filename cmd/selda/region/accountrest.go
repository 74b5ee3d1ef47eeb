package region

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"selda/auth"
	"selda/fault"
	"selda/internal/seal"
)

// keptAccounts is where accounts are kept, and by which keys they are sealed.
type keptAccounts interface {
	auth.Table
	// AccountKeys are the ids of the keys that accounts are sealed by.
	AccountKeys() ([]string, error)
	// AccountsUnder are some of those that are sealed by a key, "" of those by none.
	AccountsUnder(key string, limit int) ([]auth.Kept, error)
}

// restingAccounts keeps accounts so that who reads the disk or the database can't use
// them: what there is to an account is sealed, under its user name; an NHS number, by
// which it is found, is hashed under the region's key. In the clear are user names, and
// of professionals the name, role and organisation, which the trail has too.
type restingAccounts struct {
	keptAccounts
	keys   seal.Sealer
	hashed []byte // the key of the hash
}

var _ auth.Table = restingAccounts{}

func accountAbout(user string) string { return "account/" + user }

func (r restingAccounts) person(number string) string {
	if number == "" {
		return ""
	}
	h := hmac.New(sha256.New, r.hashed)
	h.Write([]byte(number))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Account is auth.Table's.
func (r restingAccounts) Account(user string) (auth.Kept, bool, error) {
	k, ok, err := r.keptAccounts.Account(user)
	if err == nil && ok {
		k.Body, err = r.keys.Open(k.Body, accountAbout(user))
	}
	return k, ok && err == nil, err
}

// Accounts is auth.Table's.
func (r restingAccounts) Accounts(q auth.Query) ([]auth.Kept, error) {
	q.Person = r.person(q.Person)
	list, err := r.keptAccounts.Accounts(q)
	for i := range list {
		if err == nil {
			list[i].Body, err = r.keys.Open(list[i].Body, accountAbout(list[i].User))
		}
	}
	return list, err
}

// SaveAccounts is auth.Table's.
func (r restingAccounts) SaveAccounts(list ...auth.Kept) (err error) {
	sealed := make([]auth.Kept, len(list))
	for i, k := range list {
		k.Person = r.person(k.Person)
		if k.Body, err = r.keys.Seal(k.Body, accountAbout(k.User)); err != nil {
			return fault.E("region.SaveAccounts", err)
		}
		sealed[i] = k
	}
	return r.keptAccounts.SaveAccounts(sealed...)
}

// sealedAtOnce is how many accounts are sealed anew in one transaction.
const sealedAtOnce = 500

// SealAll is sealer's. An account that somebody changes meanwhile is sealed by them.
func (r restingAccounts) SealAll() (n int, err error) {
	const op = "region.SealAll"
	ids, err := r.AccountKeys()
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		for anew := true; anew; {
			list, err := r.AccountsUnder(id, sealedAtOnce)
			if err != nil {
				return n, err
			}
			if anew = len(list) > 0 && !r.keys.Current(list[0].Body); !anew {
				break
			}
			for i := range list {
				about := accountAbout(list[i].User)
				content, _, err := seal.Opened(r.keys, list[i].Body, about)
				if err == nil {
					list[i].Body, err = r.keys.Seal(content, about)
				}
				if err != nil {
					return n, fault.E(op, err)
				}
			}
			switch err := r.keptAccounts.SaveAccounts(list...); {
			case err == nil:
				n += len(list)
			case !fault.Is(err, fault.Conflict):
				return n, fault.E(op, err)
			}
		}
	}
	return n, nil
}

// InUse is sealer's.
func (r restingAccounts) InUse() ([]string, error) { return r.AccountKeys() }
