// Package rf2 reads a snapshot release of SNOMED CT in Release Format 2:
// concepts, descriptions with the terms that a language reference set prefers,
// inferred relationships, and simple, association and map reference sets.
// https://confluence.ihtsdotools.org/display/DOCRELFMT
//
// What a file is, its columns say: editions name their files differently. The
// files are an argument, a folder's or a zip's; nothing of the release is kept
// but numbers and the texts that are in use.
package rf2

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// System is the canonical URL of SNOMED CT.
const System = "http://snomed.info/sct"

// Identifiers of SNOMED CT's own metadata. They are part of the format.
const (
	root              = "138875005"
	isA               = "116680003"
	inferred          = "900000000000011006"
	fullySpecified    = "900000000000003001"
	synonym           = "900000000000013009"
	textDefinition    = "900000000000550004"
	preferred         = "900000000000548007"
	acceptable        = "900000000000549004"
	defined           = "900000000000073002"
	internationalCore = "900000000000207008"
)

// Languages are the language reference sets, best first: those of the NHS,
// then British and American English.
var Languages = []string{"999001261000000100", "999000691000001104", "900000000000508004", "900000000000509007"}

// compositions are the modules that stand for a whole edition of several: the
// United Kingdom's, and its clinical and drug extensions alone.
var compositions = []string{"83821000000107", "999000041000000102", "999000021000000109", "999000011000001104"}

// maxLine is the longest line that is read, in bytes.
const maxLine = 1 << 20

// kind is what a file has, by its columns.
type kind int

const (
	other kind = iota
	concepts
	descriptions
	relationships
	concreteValues
	languageRefset
	simpleRefset
	associationRefset
	mapRefset
	moduleDependency
)

// IsRelease says whether files look like a release of SNOMED CT.
func IsRelease(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return conceptFile.MatchString(path.Base(n)) })
}

var (
	conceptFile = regexp.MustCompile(`(?i)^x?sct2_Concept_.*Snapshot.*\.txt$`)
	snapshot    = regexp.MustCompile(`(?i)^x?(sct2|der2)_.*Snapshot.*\.txt$`)
	fileDate    = regexp.MustCompile(`_([0-9]{8})\.txt$`)
)

// release is a release being read.
type release struct {
	files fs.FS
	of    map[kind][]string
	b     *index.Builder

	date    string          // the newest of the files' dates
	modules map[string]int  // concepts of each module
	needed  map[string]bool // modules that another one depends on
	top     map[string]bool // modules that depend on others
	rows    []has           // of each concept

	dialects []*dialect
	best     []term // of each concept, the term to show
}

// dialect is a language reference set: the descriptions that it accepts.
type dialect struct {
	code   string
	number int      // in the index
	rank   uint8    // place in Languages
	terms  []uint64 // id<<1, and 1 of one that is preferred; in order
}

// has is what was found of a concept.
type has struct {
	since     uint32 // the effective time of the row that holds
	active    bool
	parent    bool
	described bool
}

type term struct {
	id   uint64
	rank uint8
}

// Read reads a release.
func Read(files fs.FS) (*index.Builder, error) {
	const op = "rf2.Read"
	r := &release{files: files, of: map[kind][]string{}, modules: map[string]int{}, needed: map[string]bool{}, top: map[string]bool{},
		b: index.NewBuilder(index.Meta{System: System, Name: "SNOMED_CT", Title: "SNOMED CT", Language: "en", Content: "complete", SNOMED: true, ValueSet: System + "?fhir_vs"})}
	if err := r.sort(); err != nil {
		return nil, err
	}
	if len(r.of[concepts]) == 0 || len(r.of[descriptions]) == 0 || len(r.of[relationships]) == 0 {
		return nil, fault.E(op, fault.Invalid, "the release has no snapshot of concepts, descriptions and relationships")
	}
	for _, step := range []struct {
		kind kind
		row  func(row) error
	}{
		{concepts, r.concept}, {moduleDependency, r.dependency}, {languageRefset, r.language}, {descriptions, r.choose}, {descriptions, r.describe},
		{relationships, r.relate}, {concreteValues, r.concrete}, {simpleRefset, r.simple}, {associationRefset, r.associate}, {mapRefset, r.mapped},
	} {
		if step.kind == descriptions && r.best == nil {
			for _, d := range r.dialects {
				slices.Sort(d.terms)
			}
			r.best = make([]term, r.b.Len())
		}
		for _, name := range r.of[step.kind] {
			if err := r.read(name, step.row); err != nil {
				return nil, err
			}
		}
	}
	if err := r.whole(); err != nil {
		return nil, err
	}
	r.b.SetVersion(System + "/" + r.edition() + "/version/" + cmp.Or(r.date, "unknown"))
	return r.b, nil
}

// whole refuses a release of which a part is missing: a file that was cut off
// between two lines reads well, and a hierarchy with holes answers wrongly. Every
// concept in use has a parent, but for the root, and a description.
func (r *release) whole() error {
	const op = "rf2.Read"
	for n := range r.rows {
		switch h := &r.rows[n]; {
		case !h.active || r.b.Code(index.Node(n)) == root:
		case !h.parent:
			return fault.E(op, fault.Structure, "the release is not whole: a concept in use has no parent. Import an edition with all its modules, unpacked anew", "concept "+r.b.Code(index.Node(n)))
		case !h.described:
			return fault.E(op, fault.Structure, "the release is not whole: a concept in use has no description. Import an edition with all its modules, unpacked anew", "concept "+r.b.Code(index.Node(n)))
		}
	}
	return nil
}

// sort finds what each file is.
func (r *release) sort() error {
	return fs.WalkDir(r.files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !snapshot.MatchString(path.Base(name)) {
			return err
		}
		if m := fileDate.FindStringSubmatch(name); m != nil {
			r.date = max(r.date, m[1])
		}
		f, err := r.files.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		head, err := bufio.NewReaderSize(f, 4096).ReadSlice('\n')
		if err != nil && err != io.EOF {
			return fault.E("rf2.Read", fault.Structure, "the file's first line names no columns", name)
		}
		if k := kindOf(columns(head)); k != other {
			r.of[k] = append(r.of[k], name)
		}
		return nil
	})
}

func columns(head []byte) []string {
	head = bytes.TrimRight(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), "\r\n")
	return strings.Split(string(head), "\t")
}

// kindOf tells a file by its columns.
func kindOf(c []string) kind {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(c, n) })
	}
	switch {
	case !has("id", "active"):
		return other
	case has("definitionStatusId"):
		return concepts
	case has("conceptId", "typeId", "term"):
		return descriptions
	case has("sourceId", "destinationId", "typeId", "characteristicTypeId", "relationshipGroup"):
		return relationships
	case has("sourceId", "value", "typeId", "characteristicTypeId", "relationshipGroup"):
		return concreteValues
	case !has("refsetId", "referencedComponentId"):
		return other
	case has("acceptabilityId"):
		return languageRefset
	case has("targetComponentId") && len(c) == 7:
		return associationRefset
	case has("mapTarget"):
		return mapRefset
	case has("sourceEffectiveTime", "targetEffectiveTime"):
		return moduleDependency
	case len(c) == 6:
		return simpleRefset
	}
	return other
}

// row is one line: its fields by their columns.
type row struct {
	at     map[string]int
	fields []string
}

func (r row) get(column string) string {
	if i, ok := r.at[column]; ok {
		return r.fields[i]
	}
	return ""
}

func (r row) active() bool { return r.get("active") == "1" }

// read gives each line of a file to f.
func (r *release) read(name string, f func(row) error) error {
	const op = "rf2.Read"
	file, err := r.files.Open(name)
	if err != nil {
		return fault.E(op, fault.NotFound, err)
	}
	defer func() { _ = file.Close() }()
	in := &ending{r: file}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	line := row{at: map[string]int{}}
	width, n := 0, 0
	for lines.Scan() {
		n++
		if n == 1 {
			for i, c := range columns(lines.Bytes()) {
				line.at[c], width = i, i+1
			}
			continue
		}
		text := strings.TrimSuffix(lines.Text(), "\r")
		if text == "" {
			continue
		}
		line.fields = line.fields[:0]
		for field := range strings.SplitSeq(text, "\t") {
			line.fields = append(line.fields, field)
		}
		place := name + " line " + strconv.Itoa(n)
		if len(line.fields) != width {
			return fault.E(op, fault.Structure, "the line has another number of columns than the first", place)
		}
		if err := f(line); err != nil {
			return fault.E(op, fault.KindOf(err), fault.Reason(err), place)
		}
	}
	if err := lines.Err(); err != nil {
		return fault.E(op, fault.Structure, err, name+" line "+strconv.Itoa(n+1))
	}
	if in.last != '\n' {
		return fault.E(op, fault.Structure, "the file is cut off: its last line does not end", name+" line "+strconv.Itoa(n))
	}
	return nil
}

// ending is a reader that remembers the last byte.
type ending struct {
	r    io.Reader
	last byte
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if n > 0 {
		e.last = p[n-1]
	}
	return n, err
}

// edition is the module that the release is named by.
func (r *release) edition() string {
	for _, m := range compositions {
		if r.modules[m] > 0 || r.top[m] {
			return m
		}
	}
	best := ""
	for m := range r.top {
		if !r.needed[m] && (best == "" || r.modules[m] > r.modules[best] || r.modules[m] == r.modules[best] && m < best) {
			best = m
		}
	}
	return cmp.Or(best, internationalCore)
}
