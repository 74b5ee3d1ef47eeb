// Package segment is an append-only log of records in files, flushed to disk
// in groups. It knows nothing of what a record means; the raw messages and
// the audit trail both stand on it.
//
// A record is framed as length and CRC-32C (4 bytes each, little-endian) and
// its bytes. Its Position is the offset of its frame in the whole log, which
// never changes; files are named by the position they begin at. The last file
// goes on with zeros, into which the next records are written: to flush a file
// that does not grow is half the work. A frame that a crash left half written at
// the very end is cut off when the log is opened, unless the caller knows that it
// was durable.
package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	header = 8
	// MaxRecord is the largest record, in bytes.
	MaxRecord = 256 << 20
	suffix    = ".seg"
	// ahead is how many zeros are written ahead of the records.
	ahead = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged says that bytes which were durable do not hold.
var ErrDamaged = errors.New("segment: bytes that were durable do not hold")

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("segment: the log is closed")

// Position is the place of a record in the log, in bytes from its beginning.
type Position uint64

// After is the position after a record of n bytes at p.
func After(p Position, n int) Position { return p + Position(header+n) }

// Log is an open log. One process writes it; any number of goroutines may use it.
type Log struct {
	dir   string
	limit int64 // bytes a file may hold before the next begins

	mu      sync.Mutex
	wake    *sync.Cond // flusher: there is something to do
	done    *sync.Cond // waiters: durable or failed moved
	pending []byte
	spare   []byte
	next    Position // of the next record
	durable Position // everything before it is on disk
	failed  error
	closed  bool
	onFlush func(durable Position)

	files   []Position // where each file begins
	current *os.File
	size    int64 // of the current file, with its zeros; the flusher's
	flusher sync.WaitGroup

	readMu sync.Mutex
	reader *os.File
	readAt Position
}

// Options of a log.
type Options struct {
	FileBytes int64    // a new file begins beyond this; 64 MiB where 0
	Durable   Position // everything before it was on disk: it must hold
	// Used is the end of what somebody has used: it must be there. It is not read
	// again to find the log's end, so that a bad byte in it costs that record alone.
	Used Position
	// OnFlush is called after each group flush, in order, with the new
	// durable end; waiters are released after it returns.
	OnFlush func(durable Position)
}

// Open opens the log in dir, making it where there is none.
func Open(dir string, o Options) (*Log, error) {
	if o.FileBytes == 0 {
		o.FileBytes = 64 << 20
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := Files(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, limit: o.FileBytes, files: files, onFlush: o.OnFlush}
	l.wake, l.done = sync.NewCond(&l.mu), sync.NewCond(&l.mu)
	if len(files) == 0 {
		if o.Durable > 0 || o.Used > 0 {
			return nil, fmt.Errorf("%w: the log is gone", ErrDamaged)
		}
		err = l.create(0)
	} else {
		err = l.recover(o.Durable, o.Used)
	}
	if err != nil {
		return nil, err
	}
	l.durable = l.next
	l.flusher.Go(l.flush)
	return l, nil
}

// Files are the positions at which the files in dir begin, in order.
func Files(dir string) ([]Position, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []Position
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		p, err := strconv.ParseUint(name, 16, 64)
		if err != nil {
			continue
		}
		files = append(files, Position(p))
	}
	slices.Sort(files)
	return files, nil
}

// FileName is the name of the file that begins at p.
func FileName(p Position) string { return fmt.Sprintf("%016x%s", uint64(p), suffix) }

func (l *Log) create(at Position) error {
	f, err := os.OpenFile(filepath.Join(l.dir, FileName(at)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(l.dir); err != nil {
		_ = f.Close()
		return err
	}
	l.current, l.next = f, at
	l.files = append(l.files, at)
	return nil
}

// recover opens the last file and finds its whole end.
func (l *Log) recover(durable, used Position) error {
	base := l.files[len(l.files)-1]
	f, err := os.OpenFile(filepath.Join(l.dir, FileName(base)), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	end := max(base, used)
	info, err := f.Stat()
	if err == nil && base+Position(info.Size()) < end {
		err = fmt.Errorf("%w: the log ends at %d, it was used to %d", ErrDamaged, base+Position(info.Size()), used)
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	_, err = scanFile(f, base, end, func(p Position, data []byte) error {
		end = p + Position(header+len(data))
		return nil
	})
	if err != nil && !errors.Is(err, ErrTorn) {
		_ = f.Close()
		return err
	}
	if end < durable {
		_ = f.Close()
		return fmt.Errorf("%w: the log ends at %d, it was durable to %d", ErrDamaged, end, durable)
	}
	// Behind the end are zeros, or what a crash left of frames that nobody was told of.
	if err := cut(f, int64(end-base)); err != nil {
		_ = f.Close()
		return err
	}
	l.current, l.next, l.size = f, end, int64(end-base)
	return nil
}

// cut ends a file after so many bytes.
func cut(f *os.File, size int64) error {
	if info, err := f.Stat(); err != nil || info.Size() <= size {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync())
}

// Append adds a record, of one byte at least, and gives its position. It is not
// durable until Wait says so. The record's bytes are copied.
func (l *Log) Append(parts ...[]byte) (Position, error) {
	n := 0
	sum := uint32(0)
	for _, p := range parts {
		n += len(p)
		sum = crc32.Update(sum, castagnoli, p)
	}
	if n == 0 || n > MaxRecord {
		return 0, fmt.Errorf("segment: a record has 1 to %d bytes, not %d", MaxRecord, n)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return 0, l.failed
	}
	if l.closed {
		return 0, ErrClosed
	}
	p := l.next
	l.pending = binary.LittleEndian.AppendUint32(l.pending, uint32(n))
	l.pending = binary.LittleEndian.AppendUint32(l.pending, sum)
	for _, part := range parts {
		l.pending = append(l.pending, part...)
	}
	l.next += Position(header + n)
	l.wake.Signal()
	return p, nil
}

// Next is the position that the next record will have.
func (l *Log) Next() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Durable is the end of what is on disk.
func (l *Log) Durable() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
}

// Err says why nothing more can be appended; nil where it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed && l.failed == nil {
		return ErrClosed
	}
	return l.failed
}

// Wait returns when the record at p is on disk, or can't be.
func (l *Log) Wait(p Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.durable <= p && l.failed == nil {
		l.done.Wait()
	}
	if l.durable > p {
		return nil
	}
	return l.failed
}

// flush writes what is pending, in groups, until the log is closed. After the
// first error the log refuses everything: what the disk holds is not known.
func (l *Log) flush() {
	for {
		l.mu.Lock()
		for len(l.pending) == 0 && !l.closed {
			l.wake.Wait()
		}
		if len(l.pending) == 0 {
			l.mu.Unlock()
			return
		}
		group, end, start := l.pending, l.next, l.durable
		l.pending = l.spare[:0]
		l.mu.Unlock()

		err := l.write(group, start)
		if err == nil && l.onFlush != nil {
			l.onFlush(end)
		}
		l.mu.Lock()
		if cap(group) <= 16<<20 {
			l.spare = group
		} else {
			l.spare = nil
		}
		if err != nil {
			l.failed = fmt.Errorf("segment: %w", err)
			l.pending = nil
		} else {
			l.durable = end
		}
		l.done.Broadcast()
		stop := l.failed != nil
		l.mu.Unlock()
		if stop {
			return
		}
	}
}

func (l *Log) write(group []byte, start Position) error {
	base := l.files[len(l.files)-1]
	if int64(start-base) >= l.limit {
		if err := errors.Join(cut(l.current, int64(start-base)), l.current.Close()); err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Join(l.dir, FileName(start)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := syncDir(l.dir); err != nil {
			return err
		}
		l.mu.Lock()
		l.current, l.files = f, append(l.files, start)
		l.mu.Unlock()
		base, l.size = start, 0
	}
	at := int64(start - base)
	if _, err := l.current.WriteAt(group, at); err != nil {
		return err
	}
	if end := at + int64(len(group)); end > l.size {
		// Where there is no room for zeros there may still be some for records.
		l.size = end
		if n, err := l.current.WriteAt(zeros[:], end); err == nil {
			l.size += int64(n)
		}
	}
	return datasync(l.current)
}

var zeros [ahead]byte

// Read gives the record at p, which must be durable.
func (l *Log) Read(p Position) ([]byte, error) {
	l.mu.Lock()
	if p >= l.durable {
		l.mu.Unlock()
		if err := l.Wait(p); err != nil {
			return nil, err
		}
		l.mu.Lock()
	}
	i, found := slices.BinarySearch(l.files, p)
	if !found {
		i--
	}
	if i < 0 {
		l.mu.Unlock()
		return nil, fmt.Errorf("segment: there is no record at %d", p)
	}
	base := l.files[i]
	l.mu.Unlock()

	l.readMu.Lock()
	defer l.readMu.Unlock()
	if l.reader == nil || l.readAt != base {
		if l.reader != nil {
			_ = l.reader.Close()
			l.reader = nil
		}
		f, err := os.Open(filepath.Join(l.dir, FileName(base)))
		if err != nil {
			return nil, err
		}
		l.reader, l.readAt = f, base
	}
	var h [header]byte
	if _, err := l.reader.ReadAt(h[:], int64(p-base)); err != nil {
		return nil, fmt.Errorf("segment: there is no record at %d", p)
	}
	n := binary.LittleEndian.Uint32(h[:])
	if n > MaxRecord {
		return nil, fmt.Errorf("%w: at %d", ErrDamaged, p)
	}
	data := make([]byte, n)
	if _, err := l.reader.ReadAt(data, int64(p-base)+header); err != nil {
		return nil, fmt.Errorf("%w: at %d", ErrDamaged, p)
	}
	if crc32.Checksum(data, castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
		return nil, fmt.Errorf("%w: at %d", ErrDamaged, p)
	}
	return data, nil
}

// Close flushes what is pending and closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.wake.Signal()
	l.mu.Unlock()
	l.flusher.Wait()
	l.readMu.Lock()
	if l.reader != nil {
		_ = l.reader.Close()
		l.reader = nil
	}
	l.readMu.Unlock()
	err := l.failed
	if err == nil {
		err = cut(l.current, int64(l.next-l.files[len(l.files)-1]))
	}
	return errors.Join(err, l.current.Close())
}

// ErrTorn says that the last frame is cut off or does not hold.
var ErrTorn = errors.New("segment: a frame is cut off")

// Scan calls f for each record in dir from a position on, in order, to the zeros
// after the last. The slice is f's only until it returns. It gives the end of what is whole; where
// a frame is cut off or does not hold, the error says at which position.
func Scan(dir string, from Position, f func(p Position, data []byte) error) (end Position, err error) {
	files, err := Files(dir)
	if err != nil {
		return 0, err
	}
	end = from
	for i, base := range files {
		if i+1 < len(files) && files[i+1] <= from {
			continue
		}
		start := max(base, from)
		if i > 0 && base > end {
			return end, fmt.Errorf("%w: a file is missing at %d", ErrDamaged, end)
		}
		file, err := os.Open(filepath.Join(dir, FileName(base)))
		if err != nil {
			return end, err
		}
		end, err = scanFile(file, base, start, f)
		_ = file.Close()
		if err != nil {
			return end, err
		}
	}
	return end, nil
}

func scanFile(file *os.File, base, from Position, f func(p Position, data []byte) error) (Position, error) {
	r := &offsetReader{file: file, at: int64(from - base)}
	buf := make([]byte, 64<<10)
	var h [header]byte
	at := from
	for {
		if _, err := io.ReadFull(r, h[:]); err == io.EOF {
			return at, nil
		} else if err != nil {
			return at, fmt.Errorf("%w at %d", ErrTorn, at)
		}
		if h == [header]byte{} {
			return at, nil
		}
		n := int(binary.LittleEndian.Uint32(h[:]))
		if n > MaxRecord {
			return at, fmt.Errorf("%w at %d", ErrTorn, at)
		}
		if n > len(buf) {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return at, fmt.Errorf("%w at %d", ErrTorn, at)
		}
		if crc32.Checksum(buf[:n], castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
			return at, fmt.Errorf("%w at %d", ErrTorn, at)
		}
		if err := f(at, buf[:n]); err != nil {
			return at, err
		}
		at += Position(header + n)
	}
}

// offsetReader reads a file from an offset, buffered.
type offsetReader struct {
	file *os.File
	at   int64
	buf  []byte
	room [256 << 10]byte
}

func (r *offsetReader) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		n, err := r.file.ReadAt(r.room[:], r.at)
		if n == 0 {
			return 0, err
		}
		r.at += int64(n)
		r.buf = r.room[:n]
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
