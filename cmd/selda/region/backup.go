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

	"github.com/klauspost/compress/zstd"

	"selda/audit"
	"selda/fault"
	"selda/policy"
)

// A backup is one file: a tar, compressed with zstd, of the data folder. The
// database comes first, as one consistent copy; then the raw messages and the
// trail, which only grow. What the journal holds beyond the database's copy is
// committed when the restored folder is opened.

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
	db, ok := r.Store.(interface {
		Backup(ctx context.Context, path string) error
	})
	if !ok {
		return fault.E(op, fault.NotSupported, "the region is all in its database: back that up, with pg_dump or as its operators do")
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
	dir, err := os.MkdirTemp(r.Data, "backup-")
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	record := filepath.Join(dir, "record.db")
	if err := db.Backup(ctx, record); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	z, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	err = addFile(t, record, "record.db")
	if err == nil {
		err = filepath.WalkDir(r.Data, func(p string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(r.Data, p)
			switch {
			case err != nil:
				return err
			case d.IsDir() && derived(rel):
				return fs.SkipDir
			case d.IsDir() || derived(rel) || !d.Type().IsRegular():
				return nil
			}
			return addFile(t, p, rel)
		})
	}
	return errors.Join(err, t.Close(), z.Close(), out.Sync())
}

// addFile adds a file as long as it is now: one that grows meanwhile is cut there.
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
	_, err = io.CopyN(t, f, info.Size())
	return err
}

// Restore makes a data folder of a backup. The folder must be empty, or not be there.
func Restore(file, data string) (err error) {
	const op = "region.Restore"
	if list, err := os.ReadDir(data); err == nil && len(list) > 0 {
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
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.E(op, fault.Structure, "the backup is cut off, or not one")
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
