package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
)

// ErrNoRecord says that a log has no durable record at a position.
var ErrNoRecord = errors.New("segment: there is no such record")

// Overwrite puts other bytes of the same length in the place of a durable record, for
// good: its position and those after it stay. with is told how many. A crash on the way
// leaves a record that does not hold, and nothing of the old one that can be read as one.
func (l *Log) Overwrite(p Position, with func(n int) []byte) error {
	l.mu.Lock()
	durable, i := p < l.durable, 0
	found := false
	if i, found = slices.BinarySearch(l.files, p); !found {
		i--
	}
	if !durable || i < 0 {
		l.mu.Unlock()
		return fmt.Errorf("%w: at %d", ErrNoRecord, p)
	}
	base := l.files[i]
	l.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(l.dir, FileName(base)), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	at := int64(p - base)
	var h [header]byte
	if _, err := f.ReadAt(h[:], at); err != nil {
		return errors.Join(err, f.Close())
	}
	n := binary.LittleEndian.Uint32(h[:])
	if n == 0 || n > MaxRecord {
		return errors.Join(fmt.Errorf("%w: at %d", ErrDamaged, p), f.Close())
	}
	record := with(int(n))
	if len(record) != int(n) {
		return errors.Join(fmt.Errorf("segment: a record is overwritten with as many bytes, not with %d", len(record)), f.Close())
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, header+len(record)), n)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(record, castagnoli))
	_, err = f.WriteAt(append(b, record...), at)
	return errors.Join(err, f.Sync(), f.Close())
}
