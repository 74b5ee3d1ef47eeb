package region

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/internal/document"
	"selda/policy"
	"selda/store"
)

// ServeDowntime serves a copy while the region can't be used, until ctx ends. That it
// was declared, by whom and why, is the first entry of its trail, and that it ended the
// last (G21).
func (r *Region) ServeDowntime(ctx context.Context, s policy.Subject, addr, reason string, ready func(Served) error) error {
	const op = "region.ServeDowntime"
	switch {
	case r.downtime == nil:
		return fault.E(op, fault.Conflict, "only a downtime copy is served so")
	case strings.TrimSpace(reason) == "":
		return fault.E(op, fault.Required, "say why emergency mode is declared")
	}
	if err := r.declared(ctx, s, "emergency mode declared", reason); err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: readOnly(r.Handler()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ReadTimeout: 2 * time.Minute, WriteTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if err = ready(Served{HTTP: "http://" + l.Addr().String()}); err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(closing), r.declared(closing, s, "emergency mode ended", reason))
}

func (r *Region) declared(ctx context.Context, s policy.Subject, what, reason string) error {
	e := audit.From(s, audit.Administer, what)
	e.Rules, e.Reason = []string{"G21 emergency mode"}, reason
	_, err := r.Trail.Append(ctx, e)
	return err
}

// readOnly refuses what would change the copy: it is thrown away when the region is
// there again. To look somebody up, to sign in, and to say why one looks, changes no
// record.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case r.Method == http.MethodGet, r.Method == http.MethodHead, p == "/search", strings.HasPrefix(p, "/oidc/"), strings.HasPrefix(p, "/login"), strings.HasPrefix(p, "/logout"),
			strings.HasPrefix(p, "/record/") && (strings.HasSuffix(p, "/declare") || strings.HasSuffix(p, "/emergency")), strings.HasSuffix(p, "/_search"):
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "This is a downtime copy: it can be read, and nothing can be written to it. Nothing was changed.", http.StatusServiceUnavailable)
		}
	})
}

// IncludeDowntime puts what was looked at in a copy into the region's trail, each entry
// once, under the citizen's id here.
func (r *Region) IncludeDowntime(ctx context.Context, s policy.Subject, dir string) (included int, err error) {
	const op = "region.IncludeDowntime"
	d, err := ReadDowntime(dir)
	if err != nil {
		return 0, err
	}
	if err := r.Access.Administer(ctx, s, "downtime copy "+d.ID+": its trail is included"); err != nil {
		return 0, err
	}
	docs, _, err := sealedFolder(dir, false)
	if err != nil {
		return 0, err
	}
	if _, err := audit.Verify(dir, docs); err != nil {
		return 0, fault.E(op, fault.Invalid, "the copy's trail does not hold, and is not included: "+fault.Reason(err))
	}
	copied, err := Open(ctx, Options{Data: dir, Now: r.Now, Log: r.Log, Downtime: &d})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	ids := &citizenIDs{from: copied, to: r, known: map[string]string{}}
	done, err := r.lastIncluded(ctx, d)
	if err != nil {
		return 0, err
	}
	gone, err := r.destroyedSince(d.Made)
	if err != nil {
		return 0, err
	}
	last := done
	err = copied.Trail.Each(ctx, func(e audit.Entry) error {
		if e.Seq <= done {
			return nil
		}
		citizen, err := ids.of(ctx, e.Citizen)
		if fault.Is(err, fault.NotFound) && gone {
			e.What, err = e.What+" of somebody whose record was destroyed since", nil
		}
		if err != nil {
			return err
		}
		last, e.Citizen = e.Seq, citizen
		e.Journal, e.Happened = fmt.Sprintf("%s#%d", d.ID, e.Seq), e.At
		e.About = 0 // a number of the other trail
		if _, err := r.Trail.Append(ctx, e); err != nil {
			return err
		}
		included++
		return nil
	})
	if err != nil {
		return included, fault.E(op, err)
	}
	d.Included = last
	return included, saveJSON(document.Folder(dir), downtimeMark, d)
}

// lastIncluded is the number of the last entry of a copy that the region's trail has:
// after a crash that is more than the copy itself says.
func (r *Region) lastIncluded(ctx context.Context, d Downtime) (uint64, error) {
	done := d.Included
	found, err := r.Trail.Find(ctx, audit.Query{From: d.Made, Limit: 100_000})
	for _, e := range found {
		var seq uint64
		if id, n, ok := strings.Cut(e.Journal, "#"); ok && id == d.ID {
			if _, err := fmt.Sscan(n, &seq); err == nil {
				done = max(done, seq)
			}
		}
	}
	return done, err
}

// citizenIDs are the ids of a copy's citizens in the region.
type citizenIDs struct {
	from, to *Region
	known    map[string]string
}

func (c *citizenIDs) of(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	if to, ok := c.known[id]; ok {
		return to, nil
	}
	found, err := c.from.Store.Citizen(ctx, id, store.Latest)
	if err != nil {
		return "", err
	}
	for _, k := range found.Subjects {
		versions, err := c.from.Store.Compartment(ctx, k.Subject, store.Latest, everything, "Patient")
		if err != nil {
			return "", err
		}
		for _, v := range versions {
			owner, err := c.to.Store.Owner(ctx, "Patient", v.ID)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return "", err
			}
			to, err := c.to.Store.CitizenID(ctx, owner)
			if err != nil {
				return "", err
			}
			c.known[id] = to
			return to, nil
		}
	}
	return "", fault.E("region.citizenIDs", fault.NotFound, "a citizen of the copy is not known to the region any more")
}

// FollowDowntime makes the copy anew every so often, until ctx ends.
func (r *Region) FollowDowntime(ctx context.Context, dir string, every time.Duration) {
	s := OperatorSubject()
	s.User, s.Name = "selda:downtime", "downtime copy"
	if d, err := ReadDowntime(dir); err == nil { // of before this start
		r.copied.Store(d.Made.Unix())
	}
	often := min(every, time.Minute)
	tick := time.NewTicker(often)
	defer tick.Stop()
	for due := time.Now(); ; {
		switch now := time.Now(); {
		case r.outdated(dir): // it has what was destroyed since: it is not to wait for its hour
			r.copyOutdated(ctx, s, Copied{Folder: folder(dir), Host: host()})
		case !now.Before(due):
			due = now.Add(every - often/2)
			if d, err := r.CopyForDowntime(ctx, s, dir); err != nil && ctx.Err() == nil {
				r.Log.Error("the downtime copy could not be made; the last one stays", "error", err)
			} else if err == nil {
				r.copied.Store(d.Made.Unix())
				r.Log.Info("downtime copy", "folder", filepath.Base(dir), "citizens", d.Citizens, "items", d.Items)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
