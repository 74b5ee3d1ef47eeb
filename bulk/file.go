package bulk

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/klauspost/compress/flate"

	"selda/fault"
)

// A file is a run of blocks: how long the block is on disk and how long its
// NDJSON (4 bytes each, little-endian), then the block, sealed by AES-GCM with its
// number as further data. What is sealed is a run of deflate that stands for
// itself and does not end the stream: all of a file's together, between a
// header and a trailer, are one gzip file, and each can be read alone.
const (
	blockBytes = 128 << 10 // of NDJSON, about
	fileBytes  = 512 << 20 // of NDJSON, after which another file begins
	frame      = 8
)

// outs are the files that a run writes.
type outs struct {
	list    []*out // in the order in which they were begun
	open    map[[2]string]*out
	work    chan block
	packed  sync.WaitGroup
	spare   sync.Pool
	failed  error // the packer's, read after a barrier
	unsaved int64 // bytes since the last Checkpoint; guarded by the job's mu
}

// out is one file that is being written.
type out struct {
	File
	f      *os.File
	blocks int
	lines  []byte
	count  int   // with those in lines
	handed int64 // bytes of NDJSON that were given to the packer
}

// block is a part of a file to be packed; of no file it is a barrier.
type block struct {
	to      *out
	lines   []byte
	reached chan struct{}
}

// Line adds one line to the job's file of a part and a type.
func (j *Job) Line(part, typ string, line []byte) error {
	o, err := j.outs.of(j, part, typ)
	if err != nil {
		return err
	}
	o.lines = append(append(o.lines, line...), '\n')
	o.count++
	j.lines.Add(1)
	if len(o.lines) < blockBytes {
		return nil
	}
	j.outs.hand(o)
	if o.handed > fileBytes {
		delete(j.outs.open, [2]string{part, typ})
	}
	return nil
}

// of gives the file that is open, goes on with the one of the last Checkpoint,
// or begins another.
func (s *outs) of(j *Job, part, typ string) (*out, error) {
	if s.open == nil {
		if err := s.begin(j); err != nil {
			return nil, fault.E("bulk.Line", fault.NoStore, err)
		}
	}
	key := [2]string{part, typ}
	if o := s.open[key]; o != nil {
		return o, nil
	}
	o := &out{File: File{Name: fmt.Sprintf("%s-%04d.%s.ndjson", part, len(s.list)+1, typ), Part: part, Type: typ}}
	var err error
	if o.f, err = os.OpenFile(filepath.Join(j.dir, o.Name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, fault.E("bulk.Line", fault.NoStore, err)
	}
	s.list, s.open[key] = append(s.list, o), o
	return o, nil
}

// begin opens what the last Checkpoint kept, cut off where it was then.
func (s *outs) begin(j *Job) error {
	s.open = map[[2]string]*out{}
	s.spare.New = func() any { return make([]byte, 0, blockBytes+16<<10) }
	for _, file := range j.state.Files {
		o := &out{File: file, count: file.Count, handed: file.Raw}
		var err error
		if o.f, err = os.OpenFile(filepath.Join(j.dir, file.Name), os.O_RDWR, 0o600); err != nil {
			return err
		}
		s.list = append(s.list, o)
		if err := o.f.Truncate(file.Stored); err != nil {
			return err
		}
		blocks, err := index(o.f, file.Stored)
		if err != nil {
			return err
		}
		o.blocks = len(blocks)
		if file.Raw < fileBytes {
			s.open[[2]string{file.Part, file.Type}] = o
		}
	}
	s.work = make(chan block, 16)
	s.packed.Go(func() { s.pack(j) })
	return nil
}

// hand gives the lines of a file to the packer.
func (s *outs) hand(o *out) {
	o.handed += int64(len(o.lines))
	s.work <- block{to: o, lines: o.lines}
	o.lines = s.spare.Get().([]byte)[:0]
}

// pack compresses, seals and writes blocks, beside the one who makes the lines.
func (s *outs) pack(j *Job) {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, flate.BestSpeed) // the level is one that there is
	var sealed []byte
	for b := range s.work {
		if b.to == nil {
			close(b.reached)
			continue
		}
		if s.failed == nil {
			z.Reset()
			w.Reset(&z)
			_, _ = w.Write(b.lines)
			_ = w.Flush()
			sealed = append(sealed[:0], make([]byte, frame)...)
			sealed = j.seal(sealed, z.Bytes(), blockName(b.to.Name, b.to.blocks))
			binary.LittleEndian.PutUint32(sealed, uint32(len(sealed)))
			binary.LittleEndian.PutUint32(sealed[4:], uint32(len(b.lines)))
			s.failed = b.to.write(j, sealed, b.lines)
		}
		s.spare.Put(b.lines[:0])
	}
}

func blockName(file string, n int) string { return file + " " + strconv.Itoa(n) }

func (o *out) write(j *Job, sealed, lines []byte) error {
	if err := j.jobs.grow(len(sealed)); err != nil {
		return err
	}
	j.mu.Lock()
	j.outs.unsaved += int64(len(sealed))
	j.mu.Unlock()
	if _, err := o.f.WriteAt(sealed, o.Stored); err != nil {
		return fault.E("bulk.write", fault.NoStore, "the files of the export can't be written")
	}
	o.blocks++
	o.Stored += int64(len(sealed))
	o.Raw += int64(len(lines))
	o.Sum = crc32.Update(o.Sum, crc32.IEEETable, lines)
	return nil
}

// flush makes all that was written durable, and says what there is; nil where
// nothing was.
func (j *Job) flush() ([]File, error) {
	s := &j.outs
	if s.open == nil {
		return nil, nil
	}
	for _, o := range s.list {
		if len(o.lines) > 0 {
			s.hand(o)
		}
	}
	reached := make(chan struct{})
	s.work <- block{reached: reached}
	<-reached
	if s.failed != nil {
		return nil, s.failed
	}
	files := make([]File, 0, len(s.list))
	for _, o := range s.list {
		if o.count != o.Count {
			if err := o.f.Sync(); err != nil {
				return nil, fault.E("bulk.Checkpoint", fault.NoStore, err)
			}
			o.Count = o.count
		}
		files = append(files, o.File)
	}
	return files, nil
}

// close lets the files go.
func (s *outs) close() error {
	if s.open == nil {
		return nil
	}
	if s.work != nil {
		close(s.work)
		s.packed.Wait()
	}
	var errs []error
	for _, o := range s.list {
		errs = append(errs, o.f.Close())
	}
	s.open, s.list, s.work = nil, nil, nil
	return errors.Join(errs...)
}

// seal appends bytes to dst, encrypted, with the nonce before them.
func (j *Job) seal(dst, b []byte, name string) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, j.aead.NonceSize())...)
	_, _ = rand.Read(dst[n:])
	return j.aead.Seal(dst, dst[n:n+j.aead.NonceSize()], b, []byte(name))
}

func (j *Job) open(sealed []byte, name string) ([]byte, error) {
	n := j.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("a part of an export does not hold")
	}
	return j.aead.Open(nil, sealed[:n], sealed[n:], []byte(name))
}
