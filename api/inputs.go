package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"selda/fault"
)

// Inputs are the places that files may be imported from: folders, and addresses
// that begin with https. An operator names them; there are none otherwise.
// Nothing that a client says makes this server ask anywhere else.
type Inputs []string

// NewInputs reads what an operator names.
func NewInputs(list []string) (Inputs, error) {
	for _, in := range list {
		if u, err := url.Parse(in); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && strings.HasSuffix(u.Path, "/") {
			continue
		}
		if filepath.IsAbs(in) {
			continue
		}
		return nil, fault.E("api.Inputs", fault.Value, "files are imported from a folder, named from the root on, or from an address that begins with https:// and ends with /: "+in)
	}
	return list, nil
}

// input is one file that may be imported.
type input struct {
	folder, file string // of a file
	url          string
}

// find says where a file lies that a client names; where an operator does not
// allow it, it is as if it were not there.
func (in Inputs) find(name string) (*input, error) {
	refused := fault.E("api.import", fault.Security, "files are imported only from where this server's operator allows: give the NDJSON as the body instead, or ask the operator (--import-from)", "Parameters.parameter.part")
	u, err := url.Parse(name)
	if err != nil || u.User != nil || u.Fragment != "" || path.Clean("/"+u.Path) != u.Path {
		return nil, refused
	}
	for _, from := range in {
		switch {
		case u.Scheme == "https":
			if p, err := url.Parse(from); err == nil && p.Scheme == "https" && strings.EqualFold(p.Host, u.Host) && strings.HasPrefix(u.Path, p.Path) {
				return &input{url: name}, nil
			}
		case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(from):
			if rel, err := filepath.Rel(from, u.Path); err == nil && filepath.IsLocal(rel) {
				return &input{folder: from, file: rel}, nil
			}
		}
	}
	return nil, refused
}

// fetches asks only the address that it was given: what that refers to elsewhere
// is not followed.
var fetches = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: time.Minute, TLSHandshakeTimeout: 20 * time.Second, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10},
}

// open opens the file from a byte on.
func (in *input) open(ctx context.Context, from int64) (io.ReadCloser, error) {
	const op = "api.import"
	missing := fault.E(op, fault.NotFound, "a file that was to be imported is not there, or can't be read")
	if in.url == "" {
		f, err := os.OpenInRoot(in.folder, in.file)
		if err != nil {
			return nil, missing
		}
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			_ = f.Close()
			return nil, missing
		}
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			_ = f.Close()
			return nil, missing
		}
		return f, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.url, nil)
	if err != nil {
		return nil, missing
	}
	req.Header.Set("Accept", "application/fhir+ndjson")
	resp, err := fetches.Do(req)
	if err != nil {
		return nil, missing
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, missing
	}
	if _, err := io.CopyN(io.Discard, resp.Body, from); err != nil {
		_ = resp.Body.Close()
		return nil, missing
	}
	return resp.Body, nil
}
