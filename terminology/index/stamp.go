package index

import (
	"math"
	"strings"

	"selda/fault"
)

// Stamp is what a release says of one of its rows: the module that it is part
// of, and the day since which it is as it is; of a description also in which
// dialects it may be used. The zero Stamp says nothing.
type Stamp struct {
	Module   int    // number in Meta.Modules
	Since    uint32 // the day, as 20250131; 0 where it is not known
	Dialects uint64 // two bits for each of Meta.Dialects: acceptable, then preferred
}

// MaxDialects is how many dialects a code system may have.
const MaxDialects = 32

// In says how a description stands in the dialect of a number.
func (s Stamp) In(dialect int) (acceptable, preferred bool) {
	bits := s.Dialects >> (2 * dialect)
	return bits&1 != 0, bits&2 != 0
}

// Put says how a description stands in the dialect of a number.
func (s *Stamp) Put(dialect int, preferred bool) {
	bit := uint64(1)
	if preferred {
		bit = 2
	}
	s.Dialects |= bit << (2 * dialect)
}

const stampWords = 4

func (x *Index) stamp(of u32s, i int) Stamp {
	if of.len() == 0 {
		return Stamp{}
	}
	at := int(of.at(i)) * stampWords
	return Stamp{int(x.stamps.at(at)), x.stamps.at(at + 1), uint64(x.stamps.at(at+2)) | uint64(x.stamps.at(at+3))<<32}
}

// Stamped says whether rows have stamps.
func (x *Index) Stamped() bool { return x.conceptStamp.len() > 0 }

// Stamp is that of a concept.
func (x *Index) Stamp(c Concept) Stamp { return x.stamp(x.conceptStamp, int(c)) }

// Names are the numbers of a concept's designations, the display first: from
// first up to end.
func (x *Index) Names(c Concept) (first, end int) {
	return int(x.descOff.at(int(c))), int(x.descOff.at(int(c) + 1))
}

// Name is the designation of a number.
func (x *Index) Name(d int) Designation {
	return Designation{x.meta.Kinds[x.descKind[d]], string(run(x.descText, x.texts, d))}
}

// NameKind is the kind of the designation of a number.
func (x *Index) NameKind(d int) *Kind { return &x.meta.Kinds[x.descKind[d]] }

// NameStamp is the stamp of the designation of a number.
func (x *Index) NameStamp(d int) Stamp { return x.stamp(x.descStamp, d) }

// NameID is the identifier of the designation of a number; 0 where it has none.
func (x *Index) NameID(d int) uint64 {
	if x.descID.len() == 0 {
		return 0
	}
	return uint64(x.descID.at(2*d)) | uint64(x.descID.at(2*d+1))<<32
}

// Module is the number of a module.
func (b *Builder) Module(code string) int {
	i, ok := b.modules[code]
	if !ok {
		i, code = len(b.meta.Modules), strings.Clone(code)
		b.modules[code] = i
		b.meta.Modules = append(b.meta.Modules, code)
	}
	return i
}

// Dialect gives a dialect its number.
func (b *Builder) Dialect(code string) (int, error) {
	if len(b.meta.Dialects) == MaxDialects {
		return 0, fault.E("index.Dialect", fault.TooLong, "there are more language reference sets than 32")
	}
	b.meta.Dialects = append(b.meta.Dialects, code)
	return len(b.meta.Dialects) - 1, nil
}

func (b *Builder) stampOf(s Stamp) uint32 {
	i, ok := b.stampNumber[s]
	if !ok {
		i = uint32(len(b.stampList))
		b.stampNumber[s] = i
		b.stampList = append(b.stampList, s)
	}
	return i
}

// Stamp says what the release says of a concept.
func (b *Builder) Stamp(n Node, s Stamp) {
	for len(b.stamped) <= int(n) {
		b.stamped = append(b.stamped, 0)
	}
	b.stamped[n] = b.stampOf(s)
}

// DescribeRow is Describe for a description that has an identifier and a stamp.
func (b *Builder) DescribeRow(n Node, k Kind, text string, id uint64, s Stamp) error {
	err := b.Describe(n, k, text)
	if err == nil {
		last := &b.descs[len(b.descs)-1]
		last.id, last.stamp = id, b.stampOf(s)
	}
	return err
}

// stamps writes what rows are stamped with, where any are. It is called while
// the descriptions are in their order.
func (l *layout) stamps() error {
	b := l.b
	if len(b.stampList) < 2 { // the first says nothing
		return nil
	}
	if len(b.stampList) > math.MaxInt32/stampWords {
		return fault.E("index.Write", fault.TooLong, "the release has too many modules and days")
	}
	for _, m := range l.g.node {
		stamp := uint32(0)
		if int(m) < len(b.stamped) {
			stamp = b.stamped[m]
		}
		l.put(sConceptStamp, stamp)
	}
	for _, d := range b.descs {
		l.put(sDescStamp, d.stamp)
		l.put(sDescID, uint32(d.id), uint32(d.id>>32))
	}
	for _, s := range b.stampList {
		l.put(sStamps, uint32(s.Module), s.Since, uint32(s.Dialects), uint32(s.Dialects>>32))
	}
	l.flush(sConceptStamp, sDescStamp, sDescID, sStamps)
	return nil
}
