package sqlite

import (
	"errors"
	"io/fs"
	"os"
)

// private makes a database's file of its user alone, where it is new or was made
// by an older build, and what SQLite has made beside it. It is called before the file
// is opened, so that nobody else opens it meanwhile, and again once there is something beside.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, tail := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+tail, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
