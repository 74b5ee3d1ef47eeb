package adapter

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"

	"selda/fhir/search"
	"selda/policy"
	"selda/store"
)

// Entry is one entry of the index of ordered values: of one code of one
// version, with what the predicate asks of it.
type Entry struct {
	search.Ordered
	Key     uint64 // Token of the type and the code
	Item    store.ItemID
	Version int
	N       uint64
	Stamp   Stamp
}

// Stamp is what the predicate asks of a version, with the source as a number.
type Stamp struct {
	Source  int64
	DataSet policy.DataSet
	Labels  policy.Labels
	Final   bool
}

// Entries make the entries of a version that is written.
func Entries(p *store.Put, source int64, item store.ItemID, version int, n uint64) []Entry {
	if len(p.Ordered) == 0 || p.Deleted {
		return nil
	}
	out := make([]Entry, len(p.Ordered))
	for i, o := range p.Ordered {
		out[i] = Entry{o, OrderedKey(p.Type, o.Key()), item, version, n, Stamp{source, p.DataSet, p.Labels, p.Final}}
	}
	return out
}

// OrderedKey is the number that the entries of a type stand under.
func OrderedKey(typ, key string) uint64 { return Token(typ, key) }

// Entries are kept as columns, each a run of small numbers: most of what one
// entry says is what the one before it said.
const (
	colKey = iota
	colItem
	colVersion
	colN
	colStamp
	colCode
	colSystem
	colFlags
	colFrom
	colLength
	colLow
	colHigh
	colUnit
	columnCount
)

const (
	flagPart = 1 << iota
	flagVague
	flagAmount
	flagRange // the amount has two ends
	flagDate  // and the three that follow, then the same of the second date
	flagNoStart
	flagNoEnd
)

// dateShift is how far the flags of the second date are from those of the first.
const dateShift = 3

// PackEntries makes one blob of entries, in their order.
func PackEntries(list []Entry) []byte {
	w := &entryWriter{strings: map[string]uint64{}, stamps: map[Stamp]uint64{}, keys: map[uint64]uint64{}}
	for i := range list {
		w.add(&list[i])
	}
	return w.bytes(len(list))
}

type entryWriter struct {
	columns [columnCount][]byte
	head    struct{ keys, stamps, strings []byte }
	keys    map[uint64]uint64
	stamps  map[Stamp]uint64
	strings map[string]uint64
	item    store.ItemID
	n       uint64
	from    [2]int64
}

func (w *entryWriter) put(column int, v uint64) {
	w.columns[column] = binary.AppendUvarint(w.columns[column], v)
}

func (w *entryWriter) text(column int, s string) {
	i, ok := w.strings[s]
	if !ok {
		i = uint64(len(w.strings))
		w.strings[s] = i
		w.head.strings = binary.AppendUvarint(w.head.strings, uint64(len(s)))
		w.head.strings = append(w.head.strings, s...)
	}
	w.put(column, i)
}

func (w *entryWriter) add(e *Entry) {
	k, ok := w.keys[e.Key]
	if !ok {
		k = uint64(len(w.keys))
		w.keys[e.Key] = k
		w.head.keys = binary.LittleEndian.AppendUint64(w.head.keys, e.Key)
	}
	w.put(colKey, k)
	w.put(colItem, zigzag(int64(e.Item-w.item)))
	w.put(colVersion, uint64(e.Version))
	w.put(colN, zigzag(int64(e.N-w.n)))
	w.item, w.n = e.Item, e.N
	s, ok := w.stamps[e.Stamp]
	if !ok {
		s = uint64(len(w.stamps))
		w.stamps[e.Stamp] = s
		w.head.stamps = binary.AppendUvarint(w.head.stamps, uint64(e.Stamp.Source))
		w.head.stamps = binary.AppendUvarint(w.head.stamps, uint64(e.Stamp.DataSet))
		w.head.stamps = binary.AppendUvarint(w.head.stamps, uint64(e.Stamp.Labels)<<1|bit(e.Stamp.Final))
	}
	w.put(colStamp, s)
	w.text(colCode, e.Code)
	w.text(colSystem, e.System)
	flags := bit(e.Part)*flagPart | bit(e.Vague)*flagVague
	for i, d := range e.Dates {
		flags |= w.date(i, d)
	}
	if a := e.Amount; a != nil {
		flags |= flagAmount
		w.columns[colLow] = appendNumber(w.columns[colLow], a.Low)
		if a.High != a.Low {
			flags |= flagRange
			w.columns[colHigh] = appendNumber(w.columns[colHigh], a.High)
		}
		for _, s := range []string{a.System, a.Code, a.Unit} {
			w.text(colUnit, s)
		}
	}
	w.put(colFlags, flags)
}

// date writes a stretch of time, and gives its flags.
func (w *entryWriter) date(i int, d search.Span) uint64 {
	if d == (search.Span{}) {
		return 0
	}
	flags := uint64(flagDate)
	if d.From <= -1<<61 {
		flags |= flagNoStart
		d.From = w.from[i]
	}
	if d.To >= 1<<61 {
		flags |= flagNoEnd
		d.To = d.From
	}
	w.put(colFrom, thousands(d.From-w.from[i]))
	w.put(colLength, thousands(d.To-d.From))
	w.from[i] = d.From
	return flags << (dateShift * i)
}

func (w *entryWriter) bytes(count int) []byte {
	out := binary.AppendUvarint(nil, uint64(count))
	for _, d := range []struct {
		n    int
		list []byte
	}{{len(w.keys), w.head.keys}, {len(w.stamps), w.head.stamps}, {len(w.strings), w.head.strings}} {
		out = binary.AppendUvarint(out, uint64(d.n))
		out = append(out, d.list...)
	}
	for _, c := range w.columns {
		out = binary.AppendUvarint(out, uint64(len(c)))
		out = append(out, c...)
	}
	return out
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// thousands writes milliseconds as seconds where they are whole ones.
func thousands(v int64) uint64 {
	if v%1000 == 0 {
		return zigzag(v/1000) << 1
	}
	return zigzag(v)<<1 | 1
}

func unthousands(v uint64) int64 {
	if v&1 == 0 {
		return unzigzag(v>>1) * 1000
	}
	return unzigzag(v >> 1)
}

var tens = [...]float64{1, 10, 100, 1000, 1e4, 1e5, 1e6}

const rawNumber = 7

// appendNumber writes a number as the few digits that people measure with.
func appendNumber(b []byte, v float64) []byte {
	for s, t := range tens {
		if m := math.Round(v * t); math.Abs(m) < 1<<50 && m/t == v && !(m == 0 && math.Signbit(v)) {
			return binary.AppendUvarint(b, zigzag(int64(m))<<3|uint64(s))
		}
	}
	return binary.LittleEndian.AppendUint64(append(b, rawNumber), math.Float64bits(v))
}

// EachEntry reads what PackEntries made, until f wants no more. The entry, and
// its amount, are the same memory each time: Kept is for keeping.
func EachEntry(blob []byte, f func(*Entry) bool) error {
	return EachOf(blob, func(uint64) bool { return true }, f)
}

// EachOf is EachEntry of the keys that are wanted.
func EachOf(blob []byte, wanted func(key uint64) bool, f func(*Entry) bool) error {
	r := &entryReader{column: column{rest: blob}}
	count := r.uvarint()
	keys := make([]uint64, r.length(8))
	any := false
	for i := range keys {
		if b := r.take(8); b != nil {
			keys[i] = binary.LittleEndian.Uint64(b)
			any = any || wanted(keys[i])
		}
	}
	if !any && !r.bad {
		return nil
	}
	stamps := make([]Stamp, r.length(3))
	for i := range stamps {
		s := &stamps[i]
		s.Source, s.DataSet = int64(r.uvarint()), policy.DataSet(r.uvarint())
		l := r.uvarint()
		s.Labels, s.Final = policy.Labels(l>>1), l&1 == 1
	}
	r.strings = make([]string, r.length(1))
	for i := range r.strings {
		r.strings[i] = string(r.take(r.uvarint()))
	}
	for i := range r.columns {
		r.columns[i].rest = r.take(r.uvarint())
	}
	if r.bad {
		return errEntries
	}
	var e Entry
	var a search.Amount
	var from [2]int64
	for ; count > 0; count-- {
		k, s := r.columns[colKey].uvarint(), r.columns[colStamp].uvarint()
		if k >= uint64(len(keys)) || s >= uint64(len(stamps)) {
			return errEntries
		}
		e.Key, e.Stamp = keys[k], stamps[s]
		e.Item += store.ItemID(unzigzag(r.columns[colItem].uvarint()))
		e.Version = int(r.columns[colVersion].uvarint())
		e.N += uint64(unzigzag(r.columns[colN].uvarint()))
		e.Code, e.System = r.text(colCode), r.text(colSystem)
		flags := r.columns[colFlags].uvarint()
		e.Part, e.Vague, e.Amount = flags&flagPart != 0, flags&flagVague != 0, nil
		for i := range e.Dates {
			e.Dates[i] = r.date(&from[i], flags>>(dateShift*i))
		}
		if flags&flagAmount != 0 {
			a.Low = r.columns[colLow].number()
			a.High = a.Low
			if flags&flagRange != 0 {
				a.High = r.columns[colHigh].number()
			}
			a.System, a.Code, a.Unit = r.text(colUnit), r.text(colUnit), r.text(colUnit)
			e.Amount = &a
		}
		if r.failed() {
			return errEntries
		}
		if wanted(e.Key) && !f(&e) {
			return nil
		}
	}
	return nil
}

// Kept is the entry with memory of its own.
func (e *Entry) Kept() Entry {
	k := *e
	if e.Amount != nil {
		a := *e.Amount
		k.Amount = &a
	}
	return k
}

var errEntries = fmt.Errorf("a run of ordered values does not hold: selda reindex makes it again")

type entryReader struct {
	column
	strings []string
	columns [columnCount]column
}

// column is what is still to be read of some bytes.
type column struct {
	rest []byte
	bad  bool
}

func (c *column) uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 {
		v := uint64(c.rest[0])
		c.rest = c.rest[1:]
		return v
	}
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *column) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// length is a number of things of at least so many bytes each: not more than there can be.
func (c *column) length(size uint64) uint64 {
	n := c.uvarint()
	if n > uint64(len(c.rest))/size {
		c.bad, c.rest = true, nil
		return 0
	}
	return n
}

func (c *column) number() float64 {
	v := c.uvarint()
	if s := v & 7; s != rawNumber {
		return float64(unzigzag(v>>3)) / tens[s]
	}
	b := c.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *entryReader) text(column int) string {
	i := r.columns[column].uvarint()
	if i >= uint64(len(r.strings)) {
		r.bad = true
		return ""
	}
	return r.strings[i]
}

func (r *entryReader) date(before *int64, flags uint64) search.Span {
	if flags&flagDate == 0 {
		return search.Span{}
	}
	from := *before + unthousands(r.columns[colFrom].uvarint())
	d := search.Span{From: from, To: from + unthousands(r.columns[colLength].uvarint())}
	*before = from
	if flags&flagNoStart != 0 {
		d.From = -1 << 62
	}
	if flags&flagNoEnd != 0 {
		d.To = 1 << 62
	}
	return d
}

func (r *entryReader) failed() bool {
	for i := range r.columns {
		if r.columns[i].bad {
			return true
		}
	}
	return r.bad
}

// RunEntries is how many entries one run holds at most.
const RunEntries = 2048

var (
	runPacker, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	runUnpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(64<<20))
)

// PackRun packs entries that stay: those of one key.
func PackRun(list []Entry) []byte { return runPacker.EncodeAll(PackEntries(list), nil) }

// EachInRun reads what PackRun made, as EachEntry does.
func EachInRun(blob []byte, f func(*Entry) bool) error {
	raw, err := runUnpacker.DecodeAll(blob, nil)
	if err != nil {
		return errEntries
	}
	return EachEntry(raw, f)
}

// ByKey takes entries apart by their keys, which it gives in order.
func ByKey(list []Entry) (keys []uint64, byKey map[uint64][]Entry) {
	byKey = map[uint64][]Entry{}
	for _, e := range list {
		if byKey[e.Key] == nil {
			keys = append(keys, e.Key)
		}
		byKey[e.Key] = append(byKey[e.Key], e)
	}
	slices.Sort(keys)
	return keys, byKey
}

// Run is a packed run, and how many entries it holds.
type Run struct {
	Count  int
	Packed []byte
}

// Extended gives a key's runs with more entries: from the last one there is,
// which stays as it is where it is full.
func Extended(last []byte, count int, list []Entry) (out []Run, err error) {
	if count > 0 && count < RunEntries {
		have := make([]Entry, 0, count+len(list))
		err = EachInRun(last, func(e *Entry) bool {
			have = append(have, e.Kept())
			return true
		})
		list = append(have, list...)
	}
	for some := range slices.Chunk(list, RunEntries) {
		out = append(out, Run{len(some), PackRun(some)})
	}
	return out, err
}
