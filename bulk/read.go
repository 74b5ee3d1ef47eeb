package bulk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"

	"selda/fault"
)

// Reader reads a file of a job: its NDJSON, or the same packed by gzip. It can
// be read from any place on, so that a download that broke off is gone on with.
type Reader struct {
	File
	job    *Job
	packed bool
	blocks []placed
	size   int64 // of what it gives
	at     int64

	have int // the block in data; -1 for none
	data []byte
	z    io.ReadCloser
}

// placed is a block: where it lies among what is kept, and in what the Reader gives.
type placed struct {
	at   int64
	size int
	raw  int64
	from int64
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
	return j.reader(r.Files[i], packed)
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
	return j.reader(f, false)
}

func (j *Job) reader(file File, packed bool) (*Reader, error) {
	r := &Reader{File: file, job: j, packed: packed, have: -1}
	sizes, err := j.jobs.o.Store.Sizes(j.ID, file.Name, file.Blocks)
	if err == nil && len(sizes) < file.Blocks {
		err = errNotWhole
	}
	if err != nil {
		return nil, fault.E("bulk.Open", err)
	}
	if packed {
		r.size = int64(len(head))
	}
	at := int64(0)
	for _, s := range sizes {
		r.blocks = append(r.blocks, placed{at: at, size: s.Sealed, raw: int64(s.Raw), from: r.size})
		at += int64(s.Sealed)
		if packed {
			r.size += int64(s.Sealed - j.aead.NonceSize() - j.aead.Overhead())
		} else {
			r.size += int64(s.Raw)
		}
	}
	if packed {
		r.size += int64(len(end)) + 8
	}
	return r, nil
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
	sealed, err := r.job.jobs.o.Store.Get(r.job.ID, r.Name, i, p.at, p.size)
	if err != nil {
		return fault.E("bulk.Read", err)
	}
	b, err := r.job.open(sealed, blockName(r.Name, i))
	if err != nil {
		return fault.E("bulk.Read", err)
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
