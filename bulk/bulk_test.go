package bulk

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

var asks = policy.Subject{User: "epr", Role: nhs.SourceSystem, Source: "RJZ:EPR"}

func open(t *testing.T, dir string, now *time.Time, limit int64) *Jobs {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Open(Options{Store: f, Key: make([]byte, 32), Now: func() time.Time { return *now }, Log: slog.New(slog.DiscardHandler), LimitBytes: limit})
}

// find gives a job as it stands now.
func find(t *testing.T, js *Jobs, id string) *Job {
	t.Helper()
	j, err := js.Find(id, asks)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// run carries out what waits, and returns when do has been called n times to its end.
func run(t *testing.T, js *Jobs, n int, do func(context.Context, *Job) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := n
	js.Run(ctx, func(ctx context.Context, j *Job) error {
		err := do(ctx, j)
		if left--; left == 0 {
			defer cancel()
		}
		return err
	})
}

func line(i int) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Observation","id":"%d","text":"%x"}`, i, uint64(i)*0x9e3779b97f4a7c15)
}

// What an export that was killed in the middle has written since its last
// checkpoint is gone; what it goes on to write stands once, in order, and reads
// the same plain, packed, and from any place on.
func TestAStoppedJobGoesOnWhereItsCheckpointWas(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	js := open(t, dir, &now, 0)
	added, err := js.Add(Export, asks, "http://here/fhir/$export", "all")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	write := func(j *Job, from, to int) {
		for i := from; i < to; i++ {
			if err := j.Line("output", "Observation", line(i)); err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				if err := j.Line("output", "Patient", line(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ctx, kill := context.WithCancel(t.Context())
	js.Run(ctx, func(ctx context.Context, j *Job) error {
		write(j, 0, 5000)
		if err := j.Checkpoint(5000, nil); err != nil {
			t.Error(err)
		}
		write(j, 5000, 8000)
		kill()
		<-ctx.Done()
		return ctx.Err()
	})
	js = open(t, dir, &now, 0)
	run(t, js, 1, func(_ context.Context, j *Job) error {
		var at int
		if ok, err := j.Place(&at); !ok || err != nil || at != 5000 {
			t.Errorf("it goes on at %d: %v", at, err)
		}
		write(j, at, 20000)
		return nil
	})
	for i := range 20000 {
		want.Write(append(line(i), '\n'))
	}
	js = open(t, dir, &now, 0)
	j := find(t, js, added.ID)
	r := j.Result()
	if r.Err != nil || len(r.Files) != 2 || r.Files[0].Count != 20000 || r.Files[1].Count != 2000 {
		t.Fatalf("%+v", r)
	}
	plain, err := j.Open(r.Files[0].Name, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(io.NewSectionReader(readerAt{plain}, 0, plain.Size()), want.Bytes()); err != nil {
		t.Error(err)
	}
	packed, err := j.Open(r.Files[0].Name, true)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(packed)
	if err != nil || int64(len(whole)) != packed.Size() {
		t.Errorf("%d of %d bytes: %v", len(whole), packed.Size(), err)
	}
	z, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("unpacked it is another: %d bytes, %v", len(got), err)
	}
	if err := iotest.TestReader(io.NewSectionReader(readerAt{packed}, 0, packed.Size()), whole); err != nil {
		t.Error(err)
	}
	for _, f := range r.Files {
		b, err := os.ReadFile(filepath.Join(dir, j.ID, f.Name))
		if err != nil || bytes.Contains(b, []byte("Observation")) {
			t.Errorf("the file can be read by whoever has the disk: %v", err)
		}
	}
}

type readerAt struct{ r *Reader }

func (a readerAt) ReadAt(p []byte, at int64) (int, error) {
	if _, err := a.r.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(a.r, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// Files are for the one who asked, until they are deleted or their time is over.
func TestFilesAreForOneAndForATime(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	js := open(t, dir, &now, 0)
	j, err := js.Add(Export, asks, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	other := asks
	other.User = "other"
	for name, by := range map[string]policy.Subject{"another": other, "nobody": {}} {
		if _, err := js.Find(j.ID, by); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s finds it: %v", name, err)
		}
	}
	if _, err := js.Find(j.ID, asks); err != nil {
		t.Fatal(err)
	}
	run(t, js, 1, func(_ context.Context, j *Job) error { return j.Line("output", "Patient", line(1)) })
	now = now.Add(24*time.Hour - time.Second)
	if _, err := js.Find(j.ID, asks); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if _, err := js.Find(j.ID, asks); !fault.Is(err, fault.NotFound) {
		t.Errorf("its time is over, and it is found: %v", err)
	}
	if js.Expire(); left(t, dir) != 0 {
		t.Error("its time is over, and its files are there")
	}
}

// left is how many jobs there are in a folder.
func left(t *testing.T, dir string) int {
	t.Helper()
	jobs, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(jobs)
}

// A job that is cancelled while it runs stops, and leaves nothing; there is a
// limit to how many one user has, and to the room of all.
func TestCancelledAndBounded(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	js := open(t, dir, &now, 1<<16)
	var greedy string // the third, which asks for more than there is room for
	for i := range perUser {
		j, err := js.Add(Export, asks, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			greedy = j.ID
		}
		now = now.Add(time.Second)
	}
	if _, err := js.Add(Export, asks, "", nil); !fault.Is(err, fault.Throttled) {
		t.Errorf("one more than a user may have: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	started := make(chan *Job, perUser)
	done := make(chan struct{})
	go func() {
		defer close(done)
		js.Run(ctx, func(ctx context.Context, j *Job) error {
			if j.ID == greedy {
				for i := 0; ; i++ {
					if err := j.Line("output", "Patient", bytes.Repeat(line(i), 1000)); err != nil {
						return err
					}
					if i%100 == 0 {
						if err := j.Checkpoint(i, nil); err != nil {
							return err
						}
					}
				}
			}
			started <- j
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	for range 2 {
		if err := js.Remove(<-started); err != nil {
			t.Error(err)
		}
	}
	if err := js.Remove(<-started); err != nil { // the last; the greedy one has failed by itself, or will
		t.Error(err)
	}
	for !find(t, js, greedy).Ended() {
		time.Sleep(time.Millisecond)
	}
	if r := find(t, js, greedy).Result(); !fault.Is(r.Err, fault.TooCostly) {
		t.Errorf("more than there is room for: %v", r.Err)
	}
	if err := js.Remove(find(t, js, greedy)); err != nil {
		t.Error(err)
	}
	stop()
	<-done
	if n := left(t, dir); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// What its caller carries out at once no worker takes, however many there are
// and whenever they look; what such a caller left goes.
func TestWhatIsCarriedOutAtOnceIsNoWorkers(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	js := open(t, dir, &now, 0)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		js.Run(ctx, func(context.Context, *Job) error { t.Error("a worker took it"); return nil })
	}()
	for i := range 50 {
		js.wake()
		j, err := js.Begin(Import, asks, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		js.wake()
		if err := errors.Join(j.Line("error", "OperationOutcome", line(i)), j.End(nil)); err != nil {
			t.Fatal(err)
		}
		if f, err := find(t, js, j.ID).Open("error-0001.OperationOutcome.ndjson", false); err != nil || f.Count != 1 {
			t.Errorf("its file: %v", err)
		}
	}
	stop()
	<-done
	if _, err := js.Begin(Import, asks, "", nil); err != nil { // and the process ends
		t.Fatal(err)
	}
	js = open(t, dir, &now, 0)
	ctx, stop = context.WithCancel(t.Context())
	done = make(chan struct{})
	go func() { defer close(done); js.Run(ctx, func(context.Context, *Job) error { return nil }) }()
	for until := time.Now().Add(10 * time.Second); left(t, dir) != 50; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d jobs are left", left(t, dir))
		}
	}
	stop()
	<-done
}
