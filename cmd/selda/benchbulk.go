package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/nhs"
)

// bulkFlags are what both benchmarks of Bulk Data take.
type bulkFlags struct {
	From      string `help:"Folder of FHIR transaction Bundles to copy as different citizens; those of synthetic practices where it is not said." placeholder:"DIR"`
	Resources int    `default:"200000" help:"How many resources at least."`
	Dir       string `help:"Folder to work in, deleted afterwards; the system's temporary one unless said." type:"path"`
	Kept      string `help:"Folder of a benchmark that is kept: what one run filled is measured again by the next." type:"path"`
	JSON      bool   `name:"json" help:"Print one JSON object."`
	Profile   string `hidden:"" help:"Write a CPU profile of what is measured here."`
}

type benchExportCmd struct{ bulkFlags }

type benchImportCmd struct{ bulkFlags }

const benchSource = nhs.Source("RJZ:EPR")

func (c benchExportCmd) Run(e *env) error {
	return c.run(e, "export", func(b *benched) ([]figure, error) {
		if err := c.fill(e, b); err != nil {
			return nil, err
		}
		return c.export(e, b, c.Profile)
	})
}

func (c benchImportCmd) Run(e *env) error {
	return c.run(e, "import", func(b *benched) ([]figure, error) {
		if err := c.fill(e, b); err != nil {
			return nil, err
		}
		if _, err := c.export(e, b, ""); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(filepath.Join(b.dir, "fhir")); err != nil {
			return nil, err
		}
		return c.load(e, b)
	})
}

// run runs one benchmark in a folder of its own, and measures the machine's limits.
func (c bulkFlags) run(e *env, name string, measure func(b *benched) ([]figure, error)) (err error) {
	dir := c.Kept
	if dir == "" {
		if dir, err = os.MkdirTemp(c.Dir, "selda-bench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	b := newBenched(e, dir)
	defer func() { err = errors.Join(err, b.drop()) }()
	list, err := measure(b)
	if err != nil {
		return err
	}
	list = append(list, figure{"memory", peakMB(), "MB", "the most that this process, server and client, has held of the machine's"})
	machine, err := b.limits(e.ctx)
	if err != nil {
		return err
	}
	return e.figures(name, c.JSON, append(list, machine...))
}

// forgetPeak has peakMB begin anew.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where there is none the peak is of the whole run
}

// peakMB is the most memory that this process has had; 0 where it is not known.
func peakMB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}

// fill makes a store of resources, from the feed of one source.
func (c bulkFlags) fill(e *env, b *benched) error {
	if _, err := os.Stat(filepath.Join(b.dir, "fhir", "record.db")); err == nil && c.Kept != "" {
		return nil
	}
	_, err := benchIngestCmd{From: c.From, Resources: c.Resources}.files(e, b)
	return err
}

// served opens a region's doors, and calls f with an asker for the source system.
func (c bulkFlags) served(e *env, b *benched, name string, f func(a *bulkAsker) error) error {
	forgetPeak()
	r, err := b.open(e, name)
	if err != nil {
		return err
	}
	if err := r.Auth.Accounts.Put(auth.Account{User: "bench", Name: "Bench", Role: nhs.SourceSystem, Organisation: benchSource.Organisation(), Source: benchSource, Provider: "bench"}); err != nil {
		return errors.Join(err, r.Close())
	}
	token, err := r.Auth.Token(e.ctx, "bench", nhs.Treatment, time.Hour)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var failed error
	err = r.Serve(ctx, region.Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", Feeds: region.OpenFeeds()}, func(s region.Served) error {
		go func() {
			defer cancel()
			failed = f(&bulkAsker{ctx: ctx, base: s.HTTP, token: token})
		}()
		return nil
	})
	return errors.Join(err, failed, r.Close())
}

// bulkAsker asks a region over HTTP.
type bulkAsker struct {
	ctx         context.Context
	base, token string
}

func (a *bulkAsker) do(method, url string, body io.Reader, header ...string) (*http.Response, error) {
	if strings.HasPrefix(url, "/") {
		url = a.base + url
	}
	req, err := http.NewRequestWithContext(a.ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode >= 300 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		err = errors.Join(fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, b), resp.Body.Close())
	}
	return resp, err
}

// bulkManifest is what an export or import made.
type bulkManifest struct {
	Output, Error []struct {
		URL   string
		Count int
	}
	Extension map[string]map[string]int
}

// export asks for everything, waits for it and fetches it into ndjson beside it.
func (c bulkFlags) export(e *env, b *benched, profiled string) ([]figure, error) {
	var made, fetched, packed time.Duration
	var size, packedSize int64
	total := 0
	err := c.served(e, b, "fhir", func(a *bulkAsker) error {
		stop, err := profile(profiled)
		if err != nil {
			return err
		}
		began := time.Now()
		m, err := a.exported()
		made = time.Since(began)
		stop()
		if err != nil {
			return err
		}
		for i, f := range m.Output {
			total += f.Count
			began := time.Now()
			n, err := a.fetch(f.URL, filepath.Join(b.dir, "ndjson", fmt.Sprintf("%03d.ndjson", i)), "identity")
			if err != nil {
				return err
			}
			fetched, size = fetched+time.Since(began), size+n
			began = time.Now()
			if n, err = a.fetch(f.URL, "", "gzip"); err != nil {
				return err
			}
			packed, packedSize = packed+time.Since(began), packedSize+n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rate := func(d time.Duration) float64 { return float64(total) / d.Seconds() }
	return []figure{
		{"$export", rate(made), "resources/s", fmt.Sprintf("%d resources, %.0f MB of NDJSON, from the request to the manifest", total, float64(size)/1e6)},
		{"$export and its files, packed", rate(made + packed), "resources/s", fmt.Sprintf("with the download by gzip: %.0f MB", float64(packedSize)/1e6)},
		{"$export and its files, plain", rate(made + fetched), "resources/s", "with the download into files"},
	}, nil
}

// exported asks for everything, and waits until it is there.
func (a *bulkAsker) exported() (m bulkManifest, err error) {
	resp, err := a.do("GET", "/fhir/$export", nil, "Prefer", "respond-async")
	if err != nil {
		return m, err
	}
	at := resp.Header.Get("Content-Location")
	_ = resp.Body.Close()
	for {
		resp, err := a.do("GET", at, nil)
		if err != nil {
			return m, err
		}
		if resp.StatusCode == http.StatusOK {
			return m, errors.Join(json.NewDecoder(resp.Body).Decode(&m), resp.Body.Close())
		}
		_ = resp.Body.Close()
		select {
		case <-a.ctx.Done():
			return m, a.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// fetch reads one file, into another where it has a name.
func (a *bulkAsker) fetch(url, name, encoding string) (int64, error) {
	resp, err := a.do("GET", url, nil, "Accept-Encoding", encoding)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if name == "" {
		return io.Copy(io.Discard, resp.Body)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return 0, err
	}
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, resp.Body)
	return n, errors.Join(err, f.Close())
}

// load imports what lies in ndjson into an empty region, and once more.
func (c bulkFlags) load(e *env, b *benched) ([]figure, error) {
	const again = "again"
	var list []figure
	err := c.served(e, b, again, func(a *bulkAsker) error {
		stop, err := profile(c.Profile)
		if err != nil {
			return err
		}
		defer stop()
		for _, name := range []string{"$import", "$import again, nothing new"} {
			counts, took, err := a.imported(b.dir)
			if err != nil {
				return err
			}
			list = append(list, figure{name, float64(counts["lines"]) / took.Seconds(), "resources/s", fmt.Sprintf("%d lines, %d stored: posted, kept raw, mapped, indexed, durable", counts["lines"], counts["stored"])})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	disk, err := b.bytes(e.ctx, again)
	if err != nil {
		return nil, err
	}
	return append(list, figure{"disk", float64(disk) / float64(c.Resources), "bytes/resource", "raw messages of both imports, index, log and audit included"}), nil
}

// imported posts every file.
func (a *bulkAsker) imported(dir string) (counts map[string]int, took time.Duration, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "ndjson", "*.ndjson"))
	if err != nil {
		return nil, 0, err
	}
	// Those whom others are about come first, as a client would send them.
	var patients, others []io.Reader
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, err
		}
		defer func() { _ = f.Close() }()
		head := make([]byte, 64)
		n, _ := f.ReadAt(head, 0)
		if bytes.Contains(head[:n], []byte(`"Patient"`)) {
			patients = append(patients, f)
		} else {
			others = append(others, f)
		}
	}
	began := time.Now()
	resp, err := a.do("POST", "/fhir/$import", io.MultiReader(append(patients, others...)...), "Content-Type", "application/fhir+ndjson")
	if err != nil {
		return nil, 0, err
	}
	var m bulkManifest
	err = errors.Join(json.NewDecoder(resp.Body).Decode(&m), resp.Body.Close())
	took = time.Since(began)
	for _, c := range m.Extension {
		counts = c
	}
	for _, f := range m.Error {
		name := filepath.Join(dir, "refused")
		if _, err := a.fetch(f.URL, name, "identity"); err != nil {
			return nil, 0, err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, err
		}
		first, _, _ := bytes.Cut(b, []byte("\n"))
		return nil, 0, fmt.Errorf("%d lines were refused, the first with %s", f.Count, first)
	}
	return counts, took, err
}
