package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"selda/internal/segment"
	"selda/nhs"
	"selda/store"
)

// Formats of raw messages.
const (
	HL7v2 = "hl7v2"
	FHIR  = "fhir"
	CDA   = "cda"
	CSV   = "csv"
)

// Raw is one message as it came.
type Raw struct {
	Source   nhs.Source
	Format   string
	Door     string // "mllp", "fhir", "file", "drop"
	Name     string // the file's name; "" of a socket's
	Mapping  string // of a CSV row: the mapping's name
	Row      int    // of a CSV row: its line in the file
	Call     string // of a FHIR interaction: "PUT Observation/a1"
	About    string // the citizen that a citizen's own statement is about
	Received time.Time
	Body     []byte
}

// Log is the port to where a journal's records are: files of one process, or a
// table in which each node of a region has a journal of its own.
type Log interface {
	// Number tells the journals of a store apart.
	Number() int64
	// Append gives a record its position, larger than those before; Wait returns
	// when it is durable, or can't be.
	Append(record ...[]byte) (segment.Position, error)
	Wait(p segment.Position) error
	// Read gives the record at a position of any journal of the store.
	Read(p segment.Position) ([]byte, error)
	// Scan calls f for the records from a position on, with where the next begins.
	Scan(from segment.Position, f func(at, end segment.Position, record []byte) error) error
	// After is where the next record may begin after one of n bytes at p, and
	// Next where it may after the last.
	After(p segment.Position, n int) segment.Position
	Next() segment.Position
	Close() error
}

// Journal keeps raw messages as they came, durable before they are
// acknowledged, in the order in which they were received. A message's id is
// its place in it.
type Journal struct {
	log Log
	enc [2]*zstd.Encoder // of short messages and of long ones
	dec *zstd.Decoder
}

// long is from how many bytes on a message is worth the tables of the better
// packing: to empty them costs more than all else of a short one.
const long = 32 << 10

// OpenJournal opens the journal in the files of dir, of which a store says how
// far it has committed it.
func OpenJournal(ctx context.Context, dir string, s Store) (*Journal, error) {
	used, err := committed(ctx, s, 0)
	if err != nil {
		return nil, err
	}
	log, err := segment.Open(dir, segment.Options{Used: used})
	if errors.Is(err, segment.ErrDamaged) {
		err = fmt.Errorf("%w: these are not all the raw messages that the database was made of; restore both from one backup", err)
	}
	if err != nil {
		return nil, err
	}
	return NewJournal(files{log, dir})
}

// committed is the end of what a store has committed of a journal.
func committed(ctx context.Context, s Store, journal int64) (end segment.Position, err error) {
	err = s.Commit(ctx, func(tx Tx) error {
		at, err := tx.JournalPosition(journal)
		end = segment.Position(at)
		return err
	})
	return end, err
}

// files are the journal of one process.
type files struct {
	*segment.Log
	dir string
}

func (files) Number() int64 { return 0 }

func (files) After(p segment.Position, n int) segment.Position { return segment.After(p, n) }

func (f files) Scan(from segment.Position, do func(at, end segment.Position, record []byte) error) error {
	_, err := segment.Scan(f.dir, from, func(at segment.Position, data []byte) error { return do(at, segment.After(at, len(data)), data) })
	return err
}

// NewJournal is the journal whose records a log keeps.
func NewJournal(log Log) (*Journal, error) {
	j := &Journal{log: log}
	var err error
	for i, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedBetterCompression} {
		if j.enc[i], err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(2)); err != nil {
			return nil, err
		}
	}
	j.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(segment.MaxRecord))
	return j, err
}

// Close flushes and closes the journal.
func (j *Journal) Close() error { return j.log.Close() }

func idOf(p segment.Position) store.MessageID { return store.MessageID(p) + 1 }

func positionOf(id store.MessageID) segment.Position { return segment.Position(id - 1) }

// pack makes a record: a version byte, the fields as length and bytes, and
// the body, compressed.
func (j *Journal) pack(r *Raw) []byte {
	b := append(make([]byte, 0, 128+len(r.Body)/3), 1)
	for _, s := range []string{string(r.Source), r.Format, r.Door, r.Name, r.Mapping, r.Call, r.About} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(r.Row))
	b = binary.AppendVarint(b, r.Received.UnixMilli())
	if len(r.Body) >= long {
		return j.enc[1].EncodeAll(r.Body, b)
	}
	return j.enc[0].EncodeAll(r.Body, b)
}

func (j *Journal) unpack(b []byte) (*Raw, error) {
	bad := fmt.Errorf("a record of the journal does not hold")
	if err := gone(b); err != nil {
		return nil, err
	}
	if len(b) == 0 || b[0] != 1 {
		return nil, bad
	}
	in := bytes.NewReader(b[1:])
	r := &Raw{}
	var fields [7]string
	for i := range fields {
		n, err := binary.ReadUvarint(in)
		if err != nil || n > uint64(in.Len()) {
			return nil, bad
		}
		s := make([]byte, n)
		_, _ = in.Read(s)
		fields[i] = string(s)
	}
	r.Source, r.Format, r.Door, r.Name = nhs.Source(fields[0]), fields[1], fields[2], fields[3]
	r.Mapping, r.Call, r.About = fields[4], fields[5], fields[6]
	row, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, bad
	}
	at, err := binary.ReadVarint(in)
	if err != nil {
		return nil, bad
	}
	r.Row, r.Received = int(row), time.UnixMilli(at).UTC()
	r.Body, err = j.dec.DecodeAll(b[len(b)-in.Len():], nil)
	return r, err
}

// Read gives a message as it came.
func (j *Journal) Read(id store.MessageID) (*Raw, error) {
	if id == 0 {
		return nil, fmt.Errorf("no message has this id")
	}
	b, err := j.log.Read(positionOf(id))
	if err != nil {
		return nil, err
	}
	return j.unpack(b)
}
