package release

import (
	"archive/zip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"selda/fault"
)

// Bounds on what is read of a zip: one that claims more is refused.
const (
	maxFiles    = 50_000
	maxAll      = 64 << 30 // bytes, unpacked
	maxRatio    = 200      // of what is unpacked to what is packed, of files of note
	ofNote      = 16 << 20
	maxResource = 512 << 20
)

// openFiles opens a file, a folder or a zip as a folder of files, with their
// names in order.
func openFiles(path string) (files fs.FS, names []string, closing func() error, err error) {
	const op = "release.files"
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, nil, fault.E(op, fault.NotFound, "there is no such file or folder", path)
	}
	closing = func() error { return nil }
	switch {
	case info.IsDir():
		files = os.DirFS(path)
	case strings.EqualFold(filepath.Ext(path), ".zip"):
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, nil, nil, fault.E(op, fault.Structure, "the file is no zip", path)
		}
		if err := bounded(&z.Reader); err != nil {
			_ = z.Close()
			return nil, nil, nil, err
		}
		files, closing = unpacked{&z.Reader}, z.Close
	default:
		return os.DirFS(filepath.Dir(path)), []string{filepath.Base(path)}, closing, nil
	}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if len(names) > maxFiles {
			return fault.E(op, fault.TooLong, "there are more files than 50000", path)
		}
		if d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		_ = closing()
		return nil, nil, nil, fault.E(op, fault.KindOf(err), err)
	}
	return files, names, closing, nil
}

// bounded refuses a zip that would unpack to more than a release ever does.
func bounded(z *zip.Reader) error {
	const op = "release.files"
	if len(z.File) > maxFiles {
		return fault.E(op, fault.TooLong, "the zip has more files than 50000")
	}
	all := uint64(0)
	for _, f := range z.File {
		if f.UncompressedSize64 > maxAll || f.UncompressedSize64 > ofNote && f.UncompressedSize64/maxRatio > f.CompressedSize64 {
			return fault.E(op, fault.TooLong, "the zip unpacks to more than a release has: it is not read", f.Name)
		}
		all += f.UncompressedSize64
	}
	if all > maxAll {
		return fault.E(op, fault.TooLong, "the zip unpacks to more than 64 GiB")
	}
	return nil
}

// unpacked is a zip's files, none read beyond the length that it declares.
type unpacked struct{ z *zip.Reader }

func (u unpacked) Open(name string) (fs.File, error) {
	f, err := u.z.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return f, nil
	}
	return &limited{f, io.LimitReader(f, info.Size()+1)}, nil
}

type limited struct {
	fs.File
	r io.Reader
}

func (l *limited) Read(p []byte) (int, error) { return l.r.Read(p) }

// readAll reads a file that must fit into memory.
func readAll(files fs.FS, name string) ([]byte, error) {
	const op = "release.files"
	f, err := files.Open(name)
	if err != nil {
		return nil, fault.E(op, fault.NotFound, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxResource+1))
	if err != nil {
		return nil, fault.E(op, fault.Structure, err)
	}
	if len(b) > maxResource {
		return nil, fault.E(op, fault.TooLong, "the resource is larger than 512 MiB", name)
	}
	return b, nil
}
