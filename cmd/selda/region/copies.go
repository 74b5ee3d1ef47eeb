package region

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/rights/register"
)

// This file knows where downtime copies are, and makes them anew once something was destroyed:
// a copy of before still has it (G18).

// Copied is where a downtime copy is kept.
type Copied struct {
	Folder string    `json:"folder"`
	Host   string    `json:"host"`
	Made   time.Time `json:"made"`
	// Outdated: something was destroyed since it was made. Left says why it could not be made anew.
	Outdated bool   `json:"outdated,omitempty"`
	Left     string `json:"left,omitempty"`
}

const copiesName = "downtime/copies.json"

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// DowntimeCopies are the copies that are kept, wherever they are.
func (r *Region) DowntimeCopies(ctx context.Context, s policy.Subject) ([]Copied, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "downtime copies"); err != nil {
		return nil, err
	}
	list, _, err := r.copies()
	return list, err
}

// ForgetDowntimeCopy takes a copy off the list, which was thrown away.
func (r *Region) ForgetDowntimeCopy(ctx context.Context, s policy.Subject, dir string) error {
	const op = "region.ForgetDowntimeCopy"
	if _, err := r.Access.Operate(ctx, s, audit.Administer, "a downtime copy was thrown away"); err != nil {
		return err
	}
	dir = folder(dir)
	if _, err := ReadDowntime(dir); err == nil {
		return fault.E(op, fault.Conflict, "the copy is still there: delete the folder first")
	}
	return r.changeCopies(func(list []Copied) ([]Copied, error) {
		i := slices.IndexFunc(list, func(c Copied) bool { return c.Folder == dir && c.Host == host() })
		if i < 0 {
			return nil, fault.E(op, fault.NotFound, "no such copy is kept from this machine")
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// folder is a folder by one name, whatever it was called by.
func folder(dir string) string {
	if full, err := filepath.Abs(dir); err == nil {
		return full
	}
	return filepath.Clean(dir)
}

func (r *Region) copies() (list []Copied, version int64, err error) {
	b, version, err := r.documents.Load(copiesName)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &list)
	}
	return list, version, err
}

// changeCopies saves what f makes of the list; where another node was quicker it is made again.
func (r *Region) changeCopies(f func([]Copied) ([]Copied, error)) error {
	for try := 0; ; try++ {
		list, version, err := r.copies()
		if err == nil {
			list, err = f(list)
		}
		if err != nil {
			return err
		}
		b, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if err = r.documents.Save(copiesName, b, version); err == nil || !fault.Is(err, fault.Conflict) || try == 5 {
			return err
		}
	}
}

// keepsCopy notes that a copy was made.
func (r *Region) keepsCopy(dir string, d Downtime) error {
	made := Copied{Folder: folder(dir), Host: host(), Made: d.Made}
	return r.changeCopies(func(list []Copied) ([]Copied, error) {
		list = slices.DeleteFunc(list, func(c Copied) bool { return c.Folder == made.Folder && c.Host == made.Host })
		return append(list, made), nil
	})
}

// copyAgain makes the copies of this machine anew, after something was destroyed, and gives how
// many were and how many are left: those of other machines, which make them anew themselves
// within a minute, and those that can't be just now.
func (r *Region) copyAgain(ctx context.Context, s policy.Subject) (made, left int, err error) {
	if err := r.changeCopies(func(list []Copied) ([]Copied, error) {
		for i := range list {
			list[i].Outdated = true
		}
		return list, nil
	}); err != nil {
		return 0, 0, err
	}
	list, _, err := r.copies()
	if err != nil {
		return 0, 0, err
	}
	for _, c := range list {
		if c.Host != host() || !r.copyOutdated(ctx, s, c) {
			left++
			continue
		}
		made++
	}
	return made, left, nil
}

// copyOutdated makes one copy anew that is outdated. What was looked at in it comes into the
// region's trail before.
func (r *Region) copyOutdated(ctx context.Context, s policy.Subject, c Copied) bool {
	_, err := ReadDowntime(c.Folder)
	if err == nil {
		_, err = r.CopyForDowntime(ctx, s, c.Folder)
		if fault.Is(err, fault.Conflict) {
			if _, err = r.IncludeDowntime(ctx, s, c.Folder); err == nil {
				_, err = r.CopyForDowntime(ctx, s, c.Folder)
			}
		}
	}
	if err == nil {
		return true
	}
	why := fault.Reason(err)
	if errors.Is(err, ErrInUse) {
		why = "it is in use just now"
	}
	r.Log.Warn("a downtime copy has what was destroyed since: it could not be made anew", "folder", filepath.Base(c.Folder), "why", why)
	if err := r.changeCopies(func(list []Copied) ([]Copied, error) {
		for i := range list {
			if list[i].Folder == c.Folder && list[i].Host == c.Host {
				list[i].Left = why
			}
		}
		return list, nil
	}); err != nil {
		r.Log.Error("what is left of the downtime copies could not be noted", "error", err)
	}
	return false
}

// outdated says whether the copy in a folder has something that was destroyed since.
func (r *Region) outdated(dir string) bool {
	list, _, err := r.copies()
	return err == nil && slices.ContainsFunc(list, func(c Copied) bool { return c.Outdated && c.Folder == folder(dir) && c.Host == host() })
}

// destroyedSince says whether anything was destroyed since a time.
func (r *Region) destroyedSince(at time.Time) (bool, error) {
	lists, err := r.disposals().Disposed()
	return slices.ContainsFunc(lists, func(d register.Disposed) bool { return !d.At.Before(at) }), err
}
