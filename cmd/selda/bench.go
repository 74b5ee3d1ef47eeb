package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/cmd/selda/region"
	"selda/ingest"
	"selda/ingest/mllp"
	"selda/nhs"
	"selda/synth"
)

type benchCmd struct {
	Ingest  benchIngestCmd  `cmd:"" help:"How fast FHIR files and HL7 v2 over MLLP are taken in."`
	Record  benchRecordCmd  `cmd:"" help:"How fast a whole record is opened as a page."`
	API     benchAPICmd     `cmd:"" name:"api" help:"How fast the FHIR API answers, everything on."`
	Export  benchExportCmd  `cmd:"" help:"How fast everything is exported as Bulk Data, and fetched."`
	Import  benchImportCmd  `cmd:"" help:"How fast NDJSON is imported."`
	Readers benchReadersCmd `cmd:"" hidden:""`
}

// figure is one measured number with its unit.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Note  string  `json:"note,omitempty"`
}

func (e *env) figures(name string, asJSON bool, list []figure) error {
	if asJSON {
		return e.printJSON(struct {
			Bench   string   `json:"bench"`
			Figures []figure `json:"figures"`
		}{name, list})
	}
	var rows [][]string
	for _, f := range list {
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4g", f.Value), f.Unit, f.Note})
	}
	e.table("measured\tvalue\tunit\t", rows)
	return nil
}

type benchIngestCmd struct {
	From      string `help:"Folder of FHIR transaction Bundles to copy as different citizens; those of synthetic practices where it is not said." placeholder:"DIR"`
	Resources int    `default:"200000" help:"How many resources at least."`
	Messages  int    `default:"20000" help:"How many HL7 v2 messages."`
	Dir       string `help:"Folder to work in, deleted afterwards; the system's temporary one unless said." type:"path"`
	JSON      bool   `name:"json" help:"Print one JSON object."`
	Profile   string `hidden:"" help:"Write a CPU profile here."`
}

func (c benchIngestCmd) Run(e *env) (err error) {
	dir, err := os.MkdirTemp(c.Dir, "selda-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stop, err := profile(c.Profile)
	if err != nil {
		return err
	}
	defer stop()
	b := newBenched(e, dir)
	defer func() { err = errors.Join(err, b.drop()) }()
	fhirFigures, err := c.files(e, b)
	if err != nil {
		return err
	}
	v2, err := c.mllp(e, b)
	if err != nil {
		return err
	}
	limits, err := b.limits(e.ctx)
	if err != nil {
		return err
	}
	return e.figures("ingest", c.JSON, slices.Concat(fhirFigures, v2, limits))
}

// files loads copies of Bundles, each as different citizens, from files.
func (c benchIngestCmd) files(e *env, b *benched) ([]figure, error) {
	r, err := b.open(e, "fhir")
	if err != nil {
		return nil, err
	}
	sum, files, bytesIn, err := c.pieces(e, b, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if sum.Quarantined > 0 {
		return nil, fmt.Errorf("%d Bundles went to quarantine", sum.Quarantined)
	}
	disk, err := b.bytes(e.ctx, "fhir")
	if err != nil {
		return nil, err
	}
	return []figure{
		{"FHIR from files", float64(sum.Resources) / sum.Seconds, "resources/s", fmt.Sprintf("%d resources in %d Bundles, %.0f MB", sum.Resources, files, float64(bytesIn)/1e6)},
		{"disk", float64(disk) / float64(sum.Resources), "bytes/resource", "raw messages, index, log and audit included"},
	}, nil
}

// piece is how many resources lie in files at once, or a few of them more.
const piece = 250_000

// pieces takes the Bundles in, piece by piece: while one is taken in the next
// is made.
func (c benchIngestCmd) pieces(e *env, b *benched, r *region.Region) (sum region.Summary, files int, bytesIn int64, err error) {
	made := make(chan string)
	var failed error
	go func() {
		defer close(made)
		next, stop := iter.Pull2(c.bundles())
		defer stop()
		for total := 0; total < c.Resources && e.ctx.Err() == nil; {
			in := filepath.Join(b.dir, fmt.Sprint("in-", total))
			if failed = os.Mkdir(in, 0o700); failed != nil {
				return
			}
			for n := 0; n < piece && total < c.Resources; files++ {
				body, err, ok := next()
				if !ok { // there are no more
					total = c.Resources
					break
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(in, fmt.Sprintf("%06d.json", files)), body, 0o600)
				}
				if failed = err; err != nil {
					return
				}
				k := bytes.Count(body, []byte(`"resource":`))
				n, total, bytesIn = n+k, total+k, bytesIn+int64(len(body))
			}
			made <- in
		}
	}()
	for in := range made {
		some, wrong := r.IngestFiles(e.ctx, region.OperatorSubject(), region.Files{Source: "RJZ:EPR", Paths: []string{in}})
		sum.Resources, sum.Seconds, sum.Quarantined = sum.Resources+some.Resources, sum.Seconds+some.Seconds, sum.Quarantined+some.Quarantined
		err = errors.Join(err, wrong, os.RemoveAll(in))
	}
	return sum, files, bytesIn, errors.Join(err, failed)
}

// bundles are those of the folder, copied as other citizens again and again;
// without a folder, those of synthetic practices, each citizen once.
func (c benchIngestCmd) bundles() iter.Seq2[[]byte, error] {
	if c.From == "" {
		return func(yield func([]byte, error) bool) {
			for m := range synth.New(1, c.Resources/8, time.Time{}).Messages() {
				if m.Format == ingest.FHIR && m.Fault == "" && !yield(m.Body, nil) {
					return
				}
			}
		}
	}
	return func(yield func([]byte, error) bool) {
		files, err := filepath.Glob(filepath.Join(c.From, "*.json"))
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("there are no *.json files in %s", c.From)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for n := 0; ; n++ {
			for _, f := range files {
				b, err := os.ReadFile(f)
				if !yield(copyOf(b, n), err) {
					return
				}
			}
		}
	}
}

// copyOf makes a Bundle speak of another citizen: each UUID in it gets other
// first digits, the same for the same, and so do local numbers that are UUIDs;
// the numbers of documents that a source knows somebody by, and family names, get others.
func copyOf(b []byte, n int) []byte {
	if n == 0 {
		return b
	}
	out := bytes.Clone(b)
	mark := fmt.Appendf(nil, "%08x", uint32(n)*2654435761)
	for i := 0; i+36 <= len(out); i++ {
		if isUUID(out[i : i+36]) {
			for k := range 8 {
				out[i+k] = hexXor(out[i+k], mark[k])
			}
			i += 35
		}
	}
	return personal.ReplaceAll(out, fmt.Appendf(nil, `$1-%d"`, n))
}

// personal are the social security, driver's and passport numbers of Synthea, and its family names.
var personal = regexp.MustCompile(`("value": ?"(?:999-\d\d-\d{4}|S\d{8}|X\d{8}X)|"family": ?"[^"]+)"`)

func isUUID(b []byte) bool {
	for i, c := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func hexXor(a, b byte) byte {
	const digits = "0123456789abcdef"
	return digits[strings.IndexByte(digits, a)^strings.IndexByte(digits, b)]
}

func folderBytes(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// mllp sends synthetic HL7 v2 over eight connections, each message
// acknowledged when it is durable.
func (c benchIngestCmd) mllp(e *env, b *benched) ([]figure, error) {
	const connections = 8
	lines := make([][][]byte, connections)
	n := 0
	for m := range synth.New(7, c.Messages/8, time.Time{}).Messages() {
		if m.Format != ingest.HL7v2 || m.Fault != "" {
			continue
		}
		k := lineOf(m.Source, connections)
		lines[k] = append(lines[k], m.Body)
		if n++; n == c.Messages {
			break
		}
	}
	r, err := b.open(e, "v2")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var elapsed, committed time.Duration
	var sendErr error
	err = r.Serve(ctx, region.Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", Feeds: region.OpenFeeds()}, func(s region.Served) error {
		go func() {
			defer cancel()
			began := time.Now()
			sendErr = sendAll(ctx, s.MLLP, lines)
			elapsed = time.Since(began)
			_ = r.Ingest.Idle(ctx)
			committed = time.Since(began)
		}()
		return nil
	})
	if err = errors.Join(err, sendErr, r.Close()); err != nil {
		return nil, err
	}
	return []figure{
		{"HL7 v2 over MLLP", float64(n) / elapsed.Seconds(), "messages/s", fmt.Sprintf("%d messages on %d connections, each acknowledged when durable", n, connections)},
		{"HL7 v2, to the last commit", float64(n) / committed.Seconds(), "messages/s", ""},
	}, nil
}

func lineOf(s nhs.Source, n int) int {
	h := 0
	for _, c := range s {
		h = h*31 + int(c)
	}
	return (h%n + n) % n
}

func sendAll(ctx context.Context, addr string, lines [][][]byte) error {
	var wg sync.WaitGroup
	errs := make([]error, len(lines))
	for i, messages := range lines {
		wg.Go(func() {
			c, err := mllp.Dial(ctx, addr)
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = c.Close() }()
			for _, m := range messages {
				ack, err := c.Send(ctx, m)
				if err != nil {
					errs[i] = err
					return
				}
				if !bytes.Contains(ack, []byte("MSA|AA")) {
					errs[i] = fmt.Errorf("a message was not accepted: %s", strings.ReplaceAll(string(ack), "\r", " "))
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
