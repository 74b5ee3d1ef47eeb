package bulk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/flate"

	"selda/fault"
)

// Reader reads a file of a job: its NDJSON, or the same packed by gzip. It can
// be read from any place on, so that a download that broke off is gone on with.
type Reader struct {
	File
	job    *Job
	f      *os.File
	packed bool
	blocks []placed
	size   int64 // of what it gives
	at     int64

	have int // the block in data; -1 for none
	data []byte
	z    io.ReadCloser
}

// placed is a block: where it lies on disk, and in what the Reader gives.
type placed struct {
	offset, length int64 // on disk, with its frame
	raw            int64
	from           int64
}

// head begins a gzip stream: no name, no time. https://www.rfc-editor.org/rfc/rfc1952
var head = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// end ends the deflate of a stream whose blocks do not.
var end = []byte{3, 0}

// Open opens one of the job's files, once it has ended.
func (j *Job) Open(name string, packed bool) (*Reader, error) {
	const op = "bulk.Open"
	r := j.Result()
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Name == name })
	if i < 0 || r.Ended.IsZero() || r.Err != nil {
		return nil, fault.E(op, fault.NotFound, "there is no such file")
	}
	return j.read(r.Files[i], packed)
}

// Own opens a file that the job keeps for itself, as it was at the last
// Checkpoint; nil where it has none.
func (j *Job) Own(part, typ string) (*Reader, error) {
	j.mu.Lock()
	i := slices.IndexFunc(j.state.Files, func(f File) bool { return f.Part == part && f.Type == typ })
	if i < 0 {
		j.mu.Unlock()
		return nil, nil
	}
	f := j.state.Files[i]
	j.mu.Unlock()
	return j.read(f, false)
}

func (j *Job) read(file File, packed bool) (*Reader, error) {
	const op = "bulk.Open"
	f, err := os.Open(filepath.Join(j.dir, file.Name))
	if err != nil {
		return nil, fault.E(op, fault.NotFound, "there is no such file")
	}
	r := &Reader{File: file, job: j, f: f, packed: packed, have: -1}
	if r.blocks, err = index(f, file.Stored); err != nil {
		_ = f.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	if packed {
		r.size = int64(len(head))
	}
	for i := range r.blocks {
		b := &r.blocks[i]
		b.from = r.size
		if packed {
			r.size += b.length - frame - int64(j.aead.NonceSize()+j.aead.Overhead())
		} else {
			r.size += b.raw
		}
	}
	if packed {
		r.size += int64(len(end)) + 8
	}
	return r, nil
}

// index finds the blocks of a file by their frames.
func index(f io.ReaderAt, stored int64) ([]placed, error) {
	var out []placed
	var b [frame]byte
	for at := int64(0); at < stored; {
		if _, err := f.ReadAt(b[:], at); err != nil {
			return nil, err
		}
		p := placed{offset: at, length: int64(binary.LittleEndian.Uint32(b[:])), raw: int64(binary.LittleEndian.Uint32(b[4:]))}
		if p.length <= frame || at+p.length > stored {
			return nil, errors.New("a file of an export does not hold")
		}
		out = append(out, p)
		at += p.length
	}
	return out, nil
}

// Size is how many bytes there are to read.
func (r *Reader) Size() int64 { return r.size }

// Seek is io.Seeker's.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("bulk: a place before the beginning")
	}
	r.at = offset
	return offset, nil
}

// Read is io.Reader's.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	from, b, err := r.part()
	if err != nil {
		return 0, err
	}
	n := copy(p, b[r.at-from:])
	r.at += int64(n)
	return n, nil
}

// part is the piece at the place where the Reader is, and where that begins.
func (r *Reader) part() (from int64, b []byte, err error) {
	i, exact := slices.BinarySearchFunc(r.blocks, r.at, func(p placed, at int64) int { return int(min(max(p.from-at, -1), 1)) })
	if !exact {
		i--
	}
	last := r.size
	if r.packed {
		last -= int64(len(end)) + 8
	}
	switch {
	case i < 0:
		return 0, head, nil
	case r.at >= last:
		tail := binary.LittleEndian.AppendUint32(slices.Clone(end), r.Sum)
		return last, binary.LittleEndian.AppendUint32(tail, uint32(r.Raw)), nil
	case r.have != i:
		if err := r.load(i); err != nil {
			return 0, nil, err
		}
	}
	return r.blocks[i].from, r.data, nil
}

func (r *Reader) load(i int) error {
	p := r.blocks[i]
	sealed := make([]byte, p.length-frame)
	if _, err := r.f.ReadAt(sealed, p.offset+frame); err != nil {
		return fault.E("bulk.Read", fault.NoStore, err)
	}
	b, err := r.job.open(sealed, blockName(r.Name, i))
	if err != nil {
		return fault.E("bulk.Read", fault.NoStore, "a file of an export does not hold")
	}
	r.have = i
	if r.packed {
		r.data = b
		return nil
	}
	if r.z == nil {
		r.z = flate.NewReader(bytes.NewReader(b))
	} else if err := r.z.(flate.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
		return err
	}
	if int64(cap(r.data)) < p.raw {
		r.data = make([]byte, p.raw)
	}
	r.data = r.data[:p.raw]
	_, err = io.ReadFull(r.z, r.data)
	return err
}

// Close is io.Closer's.
func (r *Reader) Close() error { return r.f.Close() }
