package region

import (
	"context"
	"os"

	"selda/audit"
	"selda/fault"
	"selda/internal/seal"
	"selda/policy"
)

// This file changes the key that seals everything else at rest.

// RotateMaster seals every secret anew: under a new key of the folder's own, or, where
// the file of keys is given from outside, under its first line, which an operator has put
// before the others. Killed at any moment, everything opens still: the key of before is
// kept until nothing is sealed by it. It says how many places were sealed anew, and what
// is left to do.
func (r *Region) RotateMaster(ctx context.Context, s policy.Subject) (n int, next string, err error) {
	const op = "region.RotateMaster"
	if _, err := r.Access.Operate(ctx, s, audit.Administer, "secret: master key: rotate"); err != nil {
		return 0, "", err
	}
	r.rekeying.Lock()
	defer r.rekeying.Unlock()
	k := r.resting
	switch {
	case k == nil:
		return 0, "", fault.E(op, fault.Conflict, "no key is given, so there is none to change: make one with `openssl rand -base64 32 > FILE` and start every node with SELDA_KEY_FILE=FILE")
	case k.outside == "":
		next = "the key of before is of no use any more, but to backups that were made with it, which hold it"
		err = k.addOwn()
	default:
		next, err = k.outsideNext()
	}
	if err != nil {
		return 0, "", fault.E(op, err)
	}
	// Another node may seal by the key of before until it has read the new one: once
	// more finds that.
	for range 3 {
		more, err := r.resealed()
		if n += more; err != nil {
			return n, "", err
		}
		if more == 0 {
			break
		}
	}
	used, err := r.keysInUse()
	if err != nil {
		return n, "", err
	}
	if len(used) > 1 {
		return n, "", fault.E(op, fault.Transient, "another node still seals by a former key: put the new line before the others on every node, and run this again. Every line is needed until then")
	}
	return n, next, k.dropOwn()
}

// addOwn puts a new key before the folder's own.
func (k *restingKeys) addOwn() error {
	b, err := os.ReadFile(k.own)
	if err != nil {
		return fault.E("region.addOwn", fault.NoStore, err)
	}
	fresh := keyLines([]byte(seal.NewLine()))
	if err := k.keepOwn(append(fresh, keyLines(b)...)); err != nil {
		return err
	}
	return k.ring.Reload()
}

// outsideNext reads the file that is given anew, and says what to do once everything is
// sealed by its first key.
func (k *restingKeys) outsideNext() (string, error) {
	given, err := readKeys(k.outside)
	if err != nil {
		return "", err
	}
	if len(given.IDs()) == 1 && given.IDs()[0] == k.ring.Keys().IDs()[0] {
		return "", fault.E("region.outsideNext", fault.Conflict, "the file of keys has one key, which seals everything already: put a new line before it (`openssl rand -base64 32`), on every node, and run this again: "+k.outside)
	}
	return "every line of " + k.outside + " but the first can be removed, on every node; keep a copy of the old lines for as long as you keep backups that were made with them", k.ring.Reload()
}
