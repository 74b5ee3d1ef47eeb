package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAppendWaitReadScan(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{FileBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	want := map[Position]string{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				s := fmt.Sprintf("record %d of %d %s", i, g, bytes.Repeat([]byte{'x'}, i*3))
				p, err := l.Append([]byte(s[:5]), []byte(s[5:]))
				if err == nil {
					err = l.Wait(p)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want[p] = s
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for p, s := range want {
		if got, err := l.Read(p); err != nil || string(got) != s {
			t.Fatalf("at %d: %q, %v", p, got, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	end, err := Scan(dir, 0, func(p Position, data []byte) error {
		if want[p] != string(data) {
			t.Errorf("scan at %d: %q", p, data)
		}
		seen++
		return nil
	})
	if err != nil || seen != 400 || end != l.Next() {
		t.Fatal(seen, end, err)
	}
	if files, _ := Files(dir); len(files) < 3 {
		t.Errorf("the log did not go on in new files: %v", files)
	}
}

// Whatever a crash cuts off, every whole record before it is kept and the log goes on.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l, _ := Open(dir, Options{})
	var ends []Position
	for i := range 5 {
		p, _ := l.Append(fmt.Appendf(nil, "record %d", i))
		_ = l.Wait(p)
		ends = append(ends, l.Next())
	}
	_ = l.Close()
	whole, _ := os.ReadFile(filepath.Join(dir, FileName(0)))
	for cut := range len(whole) {
		d := t.TempDir()
		_ = os.WriteFile(filepath.Join(d, FileName(0)), whole[:cut], 0o600)
		l, err := Open(d, Options{})
		if err != nil {
			t.Fatal(cut, err)
		}
		wantEnd := Position(0)
		for _, e := range ends {
			if int(e) <= cut {
				wantEnd = e
			}
		}
		if l.Next() != wantEnd {
			t.Fatalf("cut at %d: goes on at %d, want %d", cut, l.Next(), wantEnd)
		}
		p, _ := l.Append([]byte("after"))
		if err := l.Wait(p); err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		if _, err := Scan(d, 0, func(Position, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	d := t.TempDir()
	_ = os.WriteFile(filepath.Join(d, FileName(0)), whole[:len(whole)-1], 0o600)
	if _, err := Open(d, Options{Durable: ends[4]}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a cut below what was durable was taken: %v", err)
	}
}

// A process that was killed leaves zeros behind its last record, and may leave
// frames behind a gap, of a write that did not get to the disk whole. The log goes
// on after the last whole record, and what lay behind it never comes back.
func TestWhatLiesBehindTheEndNeverComesBack(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	append3 := func(l *Log) {
		for i := range 3 {
			p, err := l.Append(fmt.Appendf(nil, "record %d", i))
			if err == nil {
				err = l.Wait(p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	append3(l)
	killed, err := os.ReadFile(filepath.Join(dir, FileName(0)))
	if err != nil {
		t.Fatal(err)
	}
	end := int(l.Next())
	if len(killed) < end+header || !bytes.Equal(killed[end:], make([]byte, len(killed)-end)) {
		t.Fatalf("%d bytes, of which %d are records, and then not zeros", len(killed), end)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, FileName(0))); err != nil || info.Size() != int64(end) {
		t.Errorf("a log that was closed has %v bytes, of %d: %v", info.Size(), end, err)
	}
	frame := end / 3 // every record is as long
	copy(killed[end+frame:], killed[:frame])
	d := t.TempDir()
	if err := os.WriteFile(filepath.Join(d, FileName(0)), killed, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Open(d, Options{Durable: Position(end)})
	if err != nil || int(l.Next()) != end {
		t.Fatal(l.Next(), err)
	}
	p, err := l.Append([]byte("record 3"))
	if err == nil {
		err = l.Wait(p)
	}
	n := 0
	if _, scan := Scan(d, 0, func(Position, []byte) error { n++; return nil }); err != nil || scan != nil || n != 4 {
		t.Errorf("%d records, not 4: %v %v", n, err, scan)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(nil); err == nil {
		t.Error("a record of no bytes, which would look like the end, was taken")
	}
}

func BenchmarkAppendWait(b *testing.B) {
	l, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 600)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p, err := l.Append(data)
			if err == nil {
				err = l.Wait(p)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	_ = l.Close()
}

// Whatever bytes a file holds, reading them gives whole records, each with its
// own checksum, and says where it stopped.
func FuzzScan(f *testing.F) {
	dir := f.TempDir()
	l, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"first", "2", "third"} {
		if _, err := l.Append([]byte(s)); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, FileName(0)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-2])
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Add(append(whole, make([]byte, 20)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName(0)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		next := Position(0)
		end, err := Scan(dir, 0, func(p Position, data []byte) error {
			if p != next || !bytes.Equal(data, b[int(p)+header:int(p)+header+len(data)]) {
				t.Errorf("a record at %d, not at %d, or of other bytes", p, next)
			}
			next = After(p, len(data))
			return nil
		})
		rest := b[end:]
		over := len(rest) == 0 || len(rest) >= header && [header]byte(rest) == [header]byte{}
		if end != next || (err == nil) != over {
			t.Errorf("it ends at %d of %d bytes, after records to %d: %v", end, len(b), next, err)
		}
	})
}

// A bad byte in what has been used costs that record alone: nothing behind it is
// cut off, and the log goes on. A log that is shorter than what was used is damaged.
func TestABadByteCostsOneRecord(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var at []Position
	for i := range 5 {
		p, err := l.Append(fmt.Appendf(nil, "record %d", i))
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, p)
	}
	used := l.Next()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName(0))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[at[1]+header] ^= 1
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Open(dir, Options{Used: used})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Append([]byte("record 5"))
	if err == nil {
		err = l.Wait(p)
	}
	if err != nil || p != used {
		t.Fatal(p, err)
	}
	for i, p := range append(at, p) {
		b, err := l.Read(p)
		if i == 1 && !errors.Is(err, ErrDamaged) || i != 1 && (err != nil || string(b) != fmt.Sprint("record ", i)) {
			t.Errorf("record %d: %q %v", i, b, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(used)-1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Used: used}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a log shorter than what was used was taken: %v", err)
	}
}

// A record that was overwritten reads as what was put there, its neighbours as before, also
// after the log was opened again; of its old bytes nothing is in the file.
func TestOverwrittenForGood(t *testing.T) {
	dir := t.TempDir()
	log, err := Open(dir, Options{FileBytes: 64})
	if err != nil {
		t.Fatal(err)
	}
	var at []Position
	for _, s := range []string{"one, before", "two, a secret", "three, after", "four, in a file of its own"} {
		p, err := log.Append([]byte(s))
		if err == nil {
			err = log.Wait(p)
		}
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, p)
	}
	if err := log.Overwrite(at[1], func(n int) []byte { return make([]byte, n-1) }); err == nil {
		t.Error("a record got another length")
	}
	if err := log.Overwrite(at[1], func(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err = Open(dir, Options{FileBytes: 64}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	for i, want := range []string{"one, before", "xxxxxxxxxxxxx", "three, after", "four, in a file of its own"} {
		if got, err := log.Read(at[i]); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if b, _ := os.ReadFile(f); bytes.Contains(b, []byte("secret")) {
			t.Error("it is still in", f)
		}
	}
}
