package region

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/store/postgres"
	"selda/store/sqlite"
)

// A backup is one file: a tar, compressed with zstd, of the data folder. The
// database comes first, as one consistent copy, and the head of the trail; then the
// raw messages and the trail, which only grow. What the journal holds beyond the
// database's copy is committed when the restored folder is opened, and what the
// trail holds beyond its head is proven. Of a region on PostgreSQL it is
// every table, all of one moment.

// derived files are made again when they are missing.
func derived(rel string) bool {
	return strings.HasPrefix(rel, "audit-index.db") || strings.HasPrefix(rel, "record.db") || rel == "lock" || rel == "export" || rel == "selda.sock" || strings.HasPrefix(rel, "backup-")
}

// Backup writes the region to a new file, while it is in use.
func (r *Region) Backup(ctx context.Context, s policy.Subject, file string) (err error) {
	const op = "region.Backup"
	if _, err := r.Access.Operate(ctx, s, audit.Export, "backup"); err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.E(op, fault.Conflict, "the file is there already, or can't be made: "+file)
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err != nil {
			_ = os.Remove(file)
		}
	}()
	z, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	// No key changes while it is copied: each piece opens by those that the copy says.
	r.rekeying.Lock()
	defer r.rekeying.Unlock()
	t := tar.NewWriter(z)
	if err = r.addKeyNote(t); err != nil {
		return errors.Join(err, z.Close())
	}
	switch db := r.Store.(type) {
	case *postgres.DB:
		err = db.Dump(ctx, func(name string, content []byte) error { return addPiece(t, databaseFolder+name, content) })
	case *sqlite.DB:
		err = r.backupFolder(ctx, t, db)
	default:
		err = fault.E(op, fault.NotSupported, "this store can't be copied")
	}
	return errors.Join(err, t.Close(), z.Close(), out.Sync())
}

// databaseFolder is where the pieces of a database are in a backup.
const databaseFolder = "postgres/"

func addPiece(t *tar.Writer, name string, content []byte) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := t.Write(content)
	return err
}

// backupFolder adds the data folder: the database first, as a copy of one moment.
func (r *Region) backupFolder(ctx context.Context, t *tar.Writer, db *sqlite.DB) error {
	const op = "region.Backup"
	dir, err := os.MkdirTemp(r.Data, "backup-")
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	record := filepath.Join(dir, "record.db")
	if err := db.Backup(ctx, record); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if err := addFile(t, record, "record.db"); err != nil {
		return err
	}
	// The tree comes before the trail too: it is never ahead of it.
	for _, first := range []string{audit.HeadFolder, audit.TreeFolder} {
		if err := r.addFiles(t, first, func(string) bool { return false }); err != nil {
			return err
		}
	}
	return r.addFiles(t, ".", func(rel string) bool { return derived(rel) || rel == audit.HeadFolder || rel == audit.TreeFolder })
}

// addFiles adds the files below a part of the data folder, without what is left out.
func (r *Region) addFiles(t *tar.Writer, part string, without func(rel string) bool) error {
	return filepath.WalkDir(filepath.Join(r.Data, part), func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(r.Data, p)
		switch {
		case err != nil:
			return err
		case d.IsDir() && without(rel):
			return fs.SkipDir
		case d.IsDir() || without(rel) || !d.Type().IsRegular():
			return nil
		}
		return addFile(t, p, rel)
	})
}

// addFile adds a file as long as it is now: one that grows meanwhile is cut there,
// and one that loses the zeros at its end keeps them.
func addFile(t *tar.Writer, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	n, err := io.Copy(t, io.LimitReader(f, info.Size()))
	if err == nil && n < info.Size() {
		_, err = io.CopyN(t, zeros{}, info.Size()-n)
	}
	return err
}

// zeros reads as zeros, without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// Restore makes a region of a backup: in a data folder that is empty or not
// there, or with a dsn in a database that holds none.
func Restore(ctx context.Context, file, data, dsn string) (err error) {
	if err := restore(ctx, file, data, dsn); err != nil {
		return err
	}
	return enterRestored(ctx, data, dsn)
}

// enterRestored records in the trail that came with a backup that it was restored.
func enterRestored(ctx context.Context, data, dsn string) (err error) {
	var trail *audit.Trail
	if dsn == "" {
		docs, _, keyErr := sealedFolder(data, true)
		if keyErr != nil {
			return keyErr
		}
		trail, err = audit.Open(audit.Options{Data: data, Now: time.Now, Documents: docs})
	} else {
		db, _, openErr := openDatabase(ctx, dsn)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		chain, chainErr := db.OpenTrail(ctx, time.Now)
		if chainErr != nil {
			return chainErr
		}
		trail = audit.New(chain, chain, nil, time.Now)
	}
	if err != nil {
		return err
	}
	_, err = trail.Append(ctx, audit.From(OperatorSubject(), audit.Administer, "restore of a backup"))
	return errors.Join(err, trail.Close())
}

func restore(ctx context.Context, file, data, dsn string) (err error) {
	const op = "region.Restore"
	if list, err := os.ReadDir(data); dsn == "" && err == nil && len(list) > 0 {
		return fault.E(op, fault.Conflict, "the data folder is not empty: restore into another with --data")
	}
	in, err := os.Open(file)
	if err != nil {
		return fault.E(op, fault.NotFound, err)
	}
	defer func() { _ = in.Close() }()
	z, err := zstd.NewReader(in)
	if err != nil {
		return fault.E(op, fault.Structure, "the file is not a backup")
	}
	defer z.Close()
	t := &pieced{Reader: tar.NewReader(z)}
	if err := t.mayOpen(dsn); err != nil {
		return err
	}
	if dsn != "" {
		return postgres.Fill(ctx, dsn, func() (string, io.Reader, error) {
			h, err := t.next()
			if err != nil {
				return "", nil, err
			}
			return strings.TrimPrefix(h.Name, databaseFolder), t, nil
		})
	}
	for {
		h, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(h.Name, databaseFolder) {
			return fault.E(op, fault.Conflict, "the backup is of a region on PostgreSQL: restore it with --postgres")
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			return fault.E(op, fault.Structure, fmt.Sprintf("the backup holds what no backup holds: %q", h.Name))
		}
		if err := restoreFile(t, filepath.Join(data, filepath.FromSlash(h.Name))); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
	}
}

func restoreFile(r io.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// Reindex makes the search index again from the record.
func (r *Region) Reindex(ctx context.Context, s policy.Subject) (int, error) {
	if _, err := r.Access.Operate(ctx, s, audit.Administer, "reindex"); err != nil {
		return 0, err
	}
	return r.searches.reindex(ctx)
}
