package bulk

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"strconv"
	"sync"

	"github.com/klauspost/compress/flate"

	"selda/fault"
)

// A file is a run of blocks, each sealed by AES-GCM with its number as further
// data. What is sealed is a run of deflate that stands for itself and does not
// end the stream: all of a file's together, between a header and a trailer, are
// one gzip file, and each can be read alone.
const (
	blockBytes = 128 << 10 // of NDJSON, about
	fileBytes  = 512 << 20 // of NDJSON, after which another file begins
)

// outs are the files that a run writes.
type outs struct {
	list   []*out // in the order in which they were begun
	open   map[[2]string]*out
	work   chan block
	packed sync.WaitGroup
	spare  sync.Pool
	failed error // the packer's, read after a barrier
	room   int64 // bytes that may be written until the next Checkpoint; the packer's
}

// out is one file that is being written.
type out struct {
	File
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
	o := j.outs.of(j, part, typ)
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
func (s *outs) of(j *Job, part, typ string) *out {
	if s.open == nil {
		s.begin(j)
	}
	key := [2]string{part, typ}
	if o := s.open[key]; o != nil {
		return o
	}
	o := &out{File: File{Name: fmt.Sprintf("%s-%04d.%s.ndjson", part, len(s.list)+1, typ), Part: part, Type: typ}}
	s.list, s.open[key] = append(s.list, o), o
	return o
}

// begin goes on with what the last Checkpoint kept: what was written after it
// is written over.
func (s *outs) begin(j *Job) {
	s.open = map[[2]string]*out{}
	s.spare.New = func() any { return make([]byte, 0, blockBytes+16<<10) }
	for _, file := range j.state.Files {
		o := &out{File: file, count: file.Count, handed: file.Raw}
		s.list = append(s.list, o)
		if file.Raw < fileBytes {
			s.open[[2]string{file.Part, file.Type}] = o
		}
	}
	s.work = make(chan block, 16)
	s.packed.Go(func() { s.pack(j) })
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
			sealed = j.seal(sealed[:0], z.Bytes(), blockName(b.to.Name, b.to.Blocks))
			s.failed = s.write(j, b.to, sealed, b.lines)
		}
		s.spare.Put(b.lines[:0])
	}
}

func blockName(file string, n int) string { return file + " " + strconv.Itoa(n) }

func (s *outs) write(j *Job, o *out, sealed, lines []byte) error {
	if s.room -= int64(len(sealed)); s.room < 0 {
		return fault.E("bulk.write", fault.TooCostly, "the files of exports fill the room that they are given: delete those that are no longer needed, or ask for less")
	}
	if err := j.jobs.o.Store.Put(Block{Job: j.ID, File: o.Name, N: o.Blocks, At: o.Stored, Raw: len(lines), Sealed: sealed}, j.jobs.holder); err != nil {
		return fault.E("bulk.write", err)
	}
	o.Blocks++
	o.Stored += int64(len(sealed))
	o.Raw += int64(len(lines))
	o.Sum = crc32.Update(o.Sum, crc32.IEEETable, lines)
	return nil
}

// flush has all that was written put away, and says what there is; nil where
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
		o.Count = o.count
		files = append(files, o.File)
	}
	return files, nil
}

// close ends the packer.
func (s *outs) close() {
	if s.open == nil {
		return
	}
	close(s.work)
	s.packed.Wait()
	s.open, s.list, s.work = nil, nil, nil
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
		return nil, errNotWhole
	}
	b, err := j.aead.Open(nil, sealed[:n], sealed[n:], []byte(name))
	if err != nil {
		return nil, errNotWhole
	}
	return b, nil
}

var errNotWhole = fault.E("bulk", fault.NoStore, "a part of an export does not hold")
