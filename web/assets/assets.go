// Package assets is the stylesheet and the scripts of the pages, built by
// `make assets` and kept in the repository, so that the module builds without
// Node. They are served under names that hold their own hash, for a year.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"selda/fault"
)

//go:embed dist
var dist embed.FS

// Files serves the assets.
type Files struct {
	byPath map[string]file   // by the path that they are asked for
	names  map[string]string // from "selda.css" to its path
}

type file struct {
	kind        string
	plain, gzip []byte
	forever     bool
}

// Prefix is where the assets are.
const Prefix = "/assets/"

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}

// New reads the assets.
func New() (*Files, error) {
	const op = "assets.New"
	f := &Files{byPath: map[string]file{}, names: map[string]string{}}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, e := range entries {
		b, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			return nil, fault.E(op, err)
		}
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err == nil {
			_, err = w.Write(b)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil, fault.E(op, err)
		}
		ext := path.Ext(e.Name())
		sum := sha256.Sum256(b)
		hashed := Prefix + strings.TrimSuffix(e.Name(), ext) + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext
		one := file{kind: kinds[ext], plain: b, gzip: z.Bytes()}
		f.byPath[Prefix+e.Name()] = one // by its plain name, for a while
		one.forever = true
		f.byPath[hashed] = one
		f.names[e.Name()] = hashed
	}
	return f, nil
}

// Path is where an asset is served; "" where there is none of that name.
func (f *Files) Path(name string) string { return f.names[name] }

// ServeHTTP serves an asset.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, ok := f.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", one.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "max-age=300")
	if one.forever {
		h.Set("Cache-Control", "max-age=31536000, immutable")
	}
	body := one.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = one.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller is gone: nobody is left to tell
}
