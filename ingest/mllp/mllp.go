// Package mllp carries HL7 v2 messages over TCP: the Minimal Lower Layer
// Protocol. A frame is VT, the message, FS, CR; each is answered by one frame.
//
// Server reads frames from many connections at once, each in its own
// goroutine, so that a slow or silent peer holds up nobody. Messages of one
// connection are handled in their order, one at a time, however many arrive in
// one packet. What a message means is the Handler's affair; the one answer that
// this package makes itself refuses a frame that is too large.
//
// Source: HL7 v2.5.1 implementation guide, appendix C, and MLLP release 1.
package mllp

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"selda/fault"
)

// The three framing characters.
const (
	startBlock = 0x0b
	endBlock   = 0x1c
	carriage   = '\r'
)

// frames reads frames from a connection.
type frames struct {
	r   *bufio.Reader
	max int
	// wait sets how long the next read may take; nil where nothing limits it.
	wait func(time.Duration)
	// idle may pass before a frame begins, whole between its first byte and its last.
	idle, whole time.Duration
	until       time.Time // when the frame that is read must be whole
	held        *held     // what all connections read into; nil where nothing limits it
}

// held counts the bytes of frames that are not whole yet, of all connections: many peers
// that begin large frames at once are not to have the memory.
type held struct{ now, max atomic.Int64 }

// more counts n bytes more; false where there is no room for them.
func (h *held) more(n int) bool { return h == nil || h.now.Add(int64(n)) <= h.max.Load() }

func (h *held) less(n int) {
	if h != nil {
		h.now.Add(-int64(n))
	}
}

// stray is how long the CR after FS may be missing before the frame counts as
// ended. Some senders leave it out, and wait for their answer.
const stray = 500 * time.Millisecond

// next is the next frame's content. Bytes before it are skipped. An oversize
// frame gives its beginning, with an error of kind TooLong. io.EOF comes at a
// clean end.
func (f *frames) next() ([]byte, error) {
	const op = "mllp.Read"
	f.limit(f.idle)
	for skipped := 0; ; skipped++ {
		c, err := f.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == startBlock {
			break
		}
		if skipped > f.max {
			return nil, fault.E(op, fault.Structure, "no frame begins in what the peer sends")
		}
	}
	f.until = time.Now().Add(f.whole)
	f.limit(f.whole)
	var msg []byte
	counted := 0
	defer func() { f.held.less(counted) }()
	for {
		part, err := f.r.ReadSlice(endBlock)
		counted += len(part)
		if !f.held.more(len(part)) {
			return nil, fault.E(op, fault.Throttled, "the frames that are under way are larger than what is kept for them")
		}
		msg = append(msg, part...)
		switch {
		case len(msg) > f.max+1:
			return msg[:min(len(msg), 4096)], fault.E(op, fault.TooLong, "the frame is larger than allowed")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil, fault.E(op, fault.Structure, io.ErrUnexpectedEOF)
		case err != nil:
			return nil, err
		}
		if f.ends() {
			return slices.Clip(msg[:len(msg)-1]), nil
		}
		if f.wait != nil && time.Now().After(f.until) { // whoever sends one FS after another is never waited for by a read that could be late
			return nil, fault.E(op, fault.Transient, "the frame did not end in its time")
		}
	}
}

// ends says whether the FS just read ends the frame: CR follows, or the next
// frame, or nothing. Any other byte means that FS was part of the text.
func (f *frames) ends() bool {
	if f.r.Buffered() == 0 {
		f.limit(stray)
		defer func() { f.limit(time.Until(f.until)) }() // and not anew: a frame would never end
	}
	c, err := f.r.ReadByte()
	switch {
	case err != nil:
		return true // an end of file or of patience; the next read tells which
	case c == carriage:
		return true
	}
	_ = f.r.UnreadByte()
	return c == startBlock
}

func (f *frames) limit(d time.Duration) {
	if f.wait != nil {
		f.wait(d)
	}
}

// frame is msg with its framing.
func frame(msg []byte) []byte {
	b := make([]byte, 0, len(msg)+3)
	b = append(b, startBlock)
	b = append(b, msg...)
	return append(b, endBlock, carriage)
}
