package ingest

import (
	"encoding/binary"
	"errors"
	"time"

	"selda/fault"
	"selda/internal/segment"
	"selda/store"
)

// This file destroys raw messages for good, where what they made was disposed of (G18).
// "What was acknowledged is never lost" means: not before that.

// Destroyer is the port of a Log that can put other bytes in the place of a record.
type Destroyer interface {
	Overwrite(p segment.Position, with func(n int) []byte) error
}

// destroyed is the version byte of a record whose message was destroyed; when follows.
const destroyed = 2

// ErrNoMessage says that a journal has no such message: it is of after the backup that
// the journal is from.
var ErrNoMessage = errors.New("there is no such message")

// Destroy puts in the place of a message that it was destroyed, and when.
func (j *Journal) Destroy(id store.MessageID, at time.Time) error {
	const op = "ingest.Destroy"
	log, ok := j.log.(Destroyer)
	if !ok || id == 0 {
		return fault.E(op, fault.NotSupported, "this journal can't destroy messages")
	}
	if err := log.Overwrite(positionOf(id), func(n int) []byte {
		b := binary.AppendVarint([]byte{destroyed}, at.UnixMilli())
		return append(b, make([]byte, max(n-len(b), 0))...)[:n]
	}); errors.Is(err, segment.ErrNoRecord) || fault.Is(err, fault.NotFound) {
		return ErrNoMessage
	} else if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}

// gone says that a record is of a message that was destroyed.
func gone(b []byte) error {
	if len(b) == 0 || b[0] != destroyed {
		return nil
	}
	day := ""
	if ms, n := binary.Varint(b[1:]); n > 0 {
		day = " on " + time.UnixMilli(ms).UTC().Format(time.DateOnly)
	}
	return fault.E("ingest.Read", fault.Deleted, "the raw message was destroyed"+day+": what it held was kept long enough, or had to be removed")
}
