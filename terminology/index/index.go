// Package index is one code system laid out in bytes, to be read where it lies:
// in the binary, in memory or in a file that is mapped. Concepts, designations,
// properties, hierarchy, reference sets and words are found without decoding
// anything first, so that a release of a million concepts costs no memory until
// it is asked, and the smallest code system is of the same form.
//
// Concepts are numbered in the order of a walk down the hierarchy, parents
// first. The descendants of a concept are then a few runs of numbers, kept with
// it: subsumption is a search among them, however deep the hierarchy is (R.
// Agrawal, A. Borgida, H. V. Jagadish, Efficient management of transitive
// relationships in large data and knowledge bases, 1989).
//
// A Builder makes the bytes, an Index reads them. The bytes are this program's
// own: Open checks their frame, not every number in them.
package index

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"strings"

	"selda/fault"
)

// Meta is what is said of the code system as a whole.
type Meta struct {
	System   string `json:"system"`
	Version  string `json:"version,omitempty"`
	Name     string `json:"name,omitempty"`
	Title    string `json:"title,omitempty"`
	Language string `json:"language,omitempty"`
	// Content is complete, fragment, example, not-present or supplement.
	// https://hl7.org/fhir/R4/valueset-codesystem-content-mode.html
	Content string `json:"content,omitempty"`
	// IgnoreCase says that codes that differ in case alone are one.
	IgnoreCase bool `json:"ignoreCase,omitempty"`
	// ValueSet is the canonical URL of the value set of all its codes.
	ValueSet string `json:"valueSet,omitempty"`
	// Hierarchy is what the hierarchy means: is-a where it is not said.
	Hierarchy string `json:"hierarchy,omitempty"`
	// SNOMED says that ECL and the implicit value sets of SNOMED CT apply.
	SNOMED bool `json:"snomed,omitempty"`
	// Cycles counts the parents that were left out, since they would have made a
	// concept its own ancestor.
	Cycles int `json:"cycles,omitempty"`

	// Modules and Dialects are what stamps name: modules of a release, and
	// the language reference sets that say which descriptions they accept.
	Modules  []string `json:"modules,omitempty"`
	Dialects []string `json:"dialects,omitempty"`

	Kinds      []Kind         `json:"kinds,omitempty"`
	Properties []PropertyName `json:"properties,omitempty"`
	Refsets    []Refset       `json:"refsets,omitempty"`
}

// Role says what a designation is to its concept.
type Role uint8

// The roles. A concept has one Display.
const (
	Display Role = iota
	Synonym
	FullName
	Definition
	Other
)

// Kind is what designations have in common.
type Kind struct {
	Role      Role   `json:"role"`
	Language  string `json:"language,omitempty"`
	UseSystem string `json:"useSystem,omitempty"`
	Use       string `json:"use,omitempty"`
	UseName   string `json:"useName,omitempty"`
}

// PropertyName is a property that concepts have.
type PropertyName struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
	URI         string `json:"uri,omitempty"`
}

// Refset is a reference set: a list of concepts, which may carry a target.
type Refset struct {
	Concept  Concept `json:"concept"`
	Rows     int     `json:"rows"`
	First    int     `json:"first"`    // its first row among all
	Targets  bool    `json:"targets"`  // rows have a target
	Concepts bool    `json:"concepts"` // targets are concepts of this system
}

// Concept is the number of a concept within one Index.
type Concept uint32

// Index reads one code system. It may be used by many goroutines at once.
type Index struct {
	meta Meta
	n    int

	codeOff, hash        u32s
	codes, flags         []byte
	parentOff, parents   u32s
	childOff, children   u32s
	spanOff, spans       u32s
	descOff, descText    u32s
	descKind, texts      []byte
	descOwner            u32s
	attrOff, attrs       u32s
	literalOff           u32s
	literals             []byte
	wordOff, postOff     u32s
	words, posts         []byte
	rows                 u32s
	conceptStamp         u32s
	descStamp, descID    u32s
	stamps               u32s
	propertyConcept      []Concept
	propertyConceptKnown []bool
	refsetOf             map[Concept]int
	sections             [sectionCount][]byte
}

// The sections of the layout, in order.
const (
	sMeta = iota
	sCodeOff
	sCodes
	sHash
	sFlags
	sParentOff
	sParents
	sChildOff
	sChildren
	sSpanOff
	sSpans
	sDescOff
	sDescText
	sDescKind
	sDescOwner
	sTexts
	sAttrOff
	sAttrs
	sLiteralOff
	sLiterals
	sWordOff
	sWords
	sPostOff
	sPosts
	sRows
	sConceptStamp
	sDescStamp
	sDescID
	sStamps
	sectionCount
)

const (
	magic    = "SELDAIX2"
	footSize = 16 * sectionCount // where each section is and how long, at the end
)

// The bits of a concept's flags.
const (
	flagInactive = 1 << iota
	flagAbstract
	flagDefined
)

// u32s is a list of 32-bit numbers where it lies, little end first.
type u32s []byte

func (s u32s) at(i int) uint32 { return binary.LittleEndian.Uint32(s[4*i:]) }
func (s u32s) len() int        { return len(s) / 4 }

// run is the text between two neighbouring offsets.
func run(off u32s, text []byte, i int) []byte { return text[off.at(i):off.at(i+1)] }

// Open reads the frame of b, which must not change afterwards.
func Open(b []byte) (*Index, error) {
	const op = "index.Open"
	broken := fault.E(op, fault.Structure, "this is no index of a code system, or it is not whole: import the release again")
	if len(b) < len(magic)+footSize || string(b[:len(magic)]) != magic {
		return nil, broken
	}
	foot := b[len(b)-footSize:]
	x := &Index{refsetOf: map[Concept]int{}}
	for i := range sectionCount {
		h := foot[16*i:]
		at, n := binary.LittleEndian.Uint64(h), binary.LittleEndian.Uint64(h[8:])
		if at > uint64(len(b)) || n > uint64(len(b))-at {
			return nil, broken
		}
		x.sections[i] = b[at : at+n : at+n]
	}
	if json.Unmarshal(x.sections[sMeta], &x.meta) != nil {
		return nil, broken
	}
	s := &x.sections
	x.codeOff, x.codes, x.hash, x.flags = u32s(s[sCodeOff]), s[sCodes], u32s(s[sHash]), s[sFlags]
	x.parentOff, x.parents, x.childOff, x.children = u32s(s[sParentOff]), u32s(s[sParents]), u32s(s[sChildOff]), u32s(s[sChildren])
	x.spanOff, x.spans = u32s(s[sSpanOff]), u32s(s[sSpans])
	x.descOff, x.descText, x.descKind, x.descOwner, x.texts = u32s(s[sDescOff]), u32s(s[sDescText]), s[sDescKind], u32s(s[sDescOwner]), s[sTexts]
	x.attrOff, x.attrs, x.literalOff, x.literals = u32s(s[sAttrOff]), u32s(s[sAttrs]), u32s(s[sLiteralOff]), s[sLiterals]
	x.wordOff, x.words, x.postOff, x.posts, x.rows = u32s(s[sWordOff]), s[sWords], u32s(s[sPostOff]), s[sPosts], u32s(s[sRows])
	x.conceptStamp, x.descStamp, x.descID, x.stamps = u32s(s[sConceptStamp]), u32s(s[sDescStamp]), u32s(s[sDescID]), u32s(s[sStamps])
	x.n = len(x.flags)
	for _, off := range []u32s{x.codeOff, x.parentOff, x.childOff, x.spanOff, x.descOff, x.attrOff} {
		if off.len() != x.n+1 {
			return nil, broken
		}
	}
	if x.hash.len() == 0 || x.hash.len()&(x.hash.len()-1) != 0 {
		return nil, broken
	}
	for i, r := range x.meta.Refsets {
		x.refsetOf[r.Concept] = i
	}
	for _, p := range x.meta.Properties {
		c, ok := x.Find(p.Code)
		x.propertyConcept, x.propertyConceptKnown = append(x.propertyConcept, c), append(x.propertyConceptKnown, ok)
	}
	return x, nil
}

// Meta is what is said of the whole.
func (x *Index) Meta() *Meta { return &x.meta }

// Len is how many concepts there are.
func (x *Index) Len() int { return x.n }

func hashOf(code string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(code))
	return h.Sum32()
}

// Find gives the concept of a code.
func (x *Index) Find(code string) (Concept, bool) {
	if x.meta.IgnoreCase {
		code = strings.ToLower(code)
	}
	mask := uint32(x.hash.len() - 1)
	for i := hashOf(code) & mask; ; i = (i + 1) & mask {
		c := x.hash.at(int(i))
		if c == 0 {
			return 0, false
		}
		own := run(x.codeOff, x.codes, int(c-1))
		if string(own) == code || x.meta.IgnoreCase && strings.ToLower(string(own)) == code {
			return Concept(c - 1), true
		}
	}
}

// Code is a concept's code.
func (x *Index) Code(c Concept) string { return string(run(x.codeOff, x.codes, int(c))) }

// Inactive says that a concept should not be used any more.
func (x *Index) Inactive(c Concept) bool { return x.flags[c]&flagInactive != 0 }

// Abstract says that a concept only groups others and can't be selected.
func (x *Index) Abstract(c Concept) bool { return x.flags[c]&flagAbstract != 0 }

// Defined says that a concept is sufficiently defined by its attributes.
func (x *Index) Defined(c Concept) bool { return x.flags[c]&flagDefined != 0 }

// Designation is one of a concept's names.
type Designation struct {
	Kind
	Text string
}

// Designations are a concept's names, the display first.
func (x *Index) Designations(c Concept) []Designation {
	first, end := x.Names(c)
	out := make([]Designation, 0, end-first)
	for d := first; d < end; d++ {
		out = append(out, x.Name(d))
	}
	return out
}

// Display is the name under which a concept is shown; "" where it has none.
func (x *Index) Display(c Concept) string {
	first, end := int(x.descOff.at(int(c))), int(x.descOff.at(int(c)+1))
	if first == end || x.meta.Kinds[x.descKind[first]].Role != Display {
		return ""
	}
	return string(run(x.descText, x.texts, first))
}

// Definition is the words that define a concept; "" where it has none.
func (x *Index) Definition(c Concept) string {
	for d, end := int(x.descOff.at(int(c))), int(x.descOff.at(int(c)+1)); d < end; d++ {
		if x.meta.Kinds[x.descKind[d]].Role == Definition {
			return string(run(x.descText, x.texts, d))
		}
	}
	return ""
}

// ValueType is the type of a property's value.
type ValueType uint8

// The types. A Code whose concept is not in the system is a Text here.
const (
	ConceptValue ValueType = iota
	CodeValue
	TextValue
	IntegerValue
	DecimalValue
	BooleanValue
	DateTimeValue
	CodingValue // system|code|display
)

// Property is one property of a concept, or one attribute of a SNOMED CT concept.
type Property struct {
	Name    int // number in Meta.Properties
	Type    ValueType
	Concept Concept // of a ConceptValue
	Group   int     // role group; 0 where it is in none
	literal uint32
	x       *Index
}

// Code is the property's code.
func (p Property) Code() string { return p.x.meta.Properties[p.Name].Code }

// Text is the value as text: a concept's code.
func (p Property) Text() string {
	if p.Type == ConceptValue {
		return p.x.Code(p.Concept)
	}
	return p.x.literal(p.literal)
}

func (x *Index) literal(i uint32) string { return string(run(x.literalOff, x.literals, int(i))) }

const attrWords = 3

// PropertyCount is how many properties a concept has.
func (x *Index) PropertyCount(c Concept) int {
	return int(x.attrOff.at(int(c)+1) - x.attrOff.at(int(c)))
}

// Property is the i-th property of a concept.
func (x *Index) Property(c Concept, i int) Property {
	at := (int(x.attrOff.at(int(c))) + i) * attrWords
	head, value, group := x.attrs.at(at), x.attrs.at(at+1), x.attrs.at(at+2)
	p := Property{Name: int(head >> 8), Type: ValueType(head & 0xff), Group: int(group), x: x}
	if p.Type == ConceptValue {
		p.Concept = Concept(value)
	} else {
		p.literal = value
	}
	return p
}

// PropertyNamed is the number of a property by its code.
func (x *Index) PropertyNamed(code string) (int, bool) {
	for i, p := range x.meta.Properties {
		if p.Code == code {
			return i, true
		}
	}
	return 0, false
}

// PropertyConcept is the concept that a property is, as the attributes of
// SNOMED CT are.
func (x *Index) PropertyConcept(name int) (Concept, bool) {
	return x.propertyConcept[name], x.propertyConceptKnown[name]
}
