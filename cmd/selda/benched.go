package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"selda/cmd/selda/region"
	"selda/store/postgres"
	"selda/store/sqlite"
)

// benched is where a benchmark keeps its regions: in folders, or with --postgres
// in a schema of its own in the database. Both are gone afterwards.
type benched struct {
	dir     string
	scratch map[string]*postgres.Scratch // of each region; nil in folders
	dsn     string
}

func newBenched(e *env, dir string) *benched {
	b := &benched{dir: dir, dsn: e.dsn}
	if e.dsn != "" {
		b.scratch = map[string]*postgres.Scratch{}
	}
	return b
}

// on gives the address of a region's schema, "" where it is in a folder.
func (b *benched) on(ctx context.Context, name string) (string, error) {
	if b.scratch == nil {
		return "", nil
	}
	if b.scratch[name] == nil {
		s, err := postgres.NewScratch(ctx, b.dsn)
		if err != nil {
			return "", err
		}
		b.scratch[name] = s
	}
	return b.scratch[name].DSN, nil
}

// open opens a region by a name.
func (b *benched) open(e *env, name string) (*region.Region, error) {
	dsn, err := b.on(e.ctx, name)
	if err != nil {
		return nil, err
	}
	return region.Open(e.ctx, region.Options{Data: filepath.Join(b.dir, name), Postgres: dsn, Log: e.log})
}

// bytes is what a region takes on disk.
func (b *benched) bytes(ctx context.Context, name string) (int64, error) {
	if b.scratch != nil {
		return b.scratch[name].Bytes(ctx)
	}
	return folderBytes(filepath.Join(b.dir, name))
}

// drop takes the schemas away.
func (b *benched) drop() (err error) {
	for _, s := range b.scratch {
		err = errors.Join(err, s.Drop(context.Background()))
	}
	return err
}

// limits are the machine's own, measured in the same run.
func (b *benched) limits(ctx context.Context) ([]figure, error) {
	const rows, bodyBytes = 60_000, 260
	const note = "the same tables and indexes, 260-byte bodies, nothing else done"
	var limit figure
	if b.scratch == nil {
		n, err := sqlite.Limit(b.dir, rows, bodyBytes)
		if err != nil {
			return nil, err
		}
		limit = figure{"limit: bare SQLite driver", n, "rows/s", note}
	} else {
		dsn, err := b.on(ctx, "limit")
		if err != nil {
			return nil, err
		}
		db, err := postgres.Open(ctx, dsn, postgres.Options{})
		if err != nil {
			return nil, err
		}
		n, err := db.Limit(ctx, rows, bodyBytes)
		if err = errors.Join(err, db.Close()); err != nil {
			return nil, err
		}
		limit = figure{"limit: PostgreSQL alone", n, "rows/s", note}
	}
	fsync, err := fsyncLimit(b.dir)
	return []figure{limit, fsync}, err
}

// fsyncLimit is how long one flush to the disk takes.
func fsyncLimit(dir string) (figure, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return figure{}, err
	}
	defer func() { _ = f.Close() }()
	var times []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 600)); err != nil {
			return figure{}, err
		}
		if err := f.Sync(); err != nil {
			return figure{}, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return figure{"limit: one fsync", float64(times[100].Microseconds()), "µs", "median of 200"}, nil
}
