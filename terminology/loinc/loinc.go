// Package loinc reads a release of LOINC as Regenstrief Institute publishes it,
// in CSV: the table of codes, and where they are present parts, the hierarchy
// of components, answer lists and what replaces a code.
// https://loinc.org/kb/users-guide/
package loinc

import (
	"encoding/csv"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// System is the canonical URL of LOINC.
const System = "http://loinc.org"

// IsRelease says whether files look like a release of LOINC.
func IsRelease(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(tableNames, strings.ToLower(path.Base(n))) })
}

// tableNames are what the table of codes is called: whole, or its core alone.
var tableNames = []string{"loinc.csv", "loinctablecore.csv"}

// release is the release being read.
type release struct {
	b       *index.Builder
	version string
}

// Read reads a release.
func Read(files fs.FS) (*index.Builder, error) {
	const op = "loinc.Read"
	r := &release{b: index.NewBuilder(index.Meta{System: System, Name: "LOINC", Title: "Logical Observation Identifiers Names and Codes", Language: "en-US", Content: "complete", IgnoreCase: true, ValueSet: System + "/vs"})}
	tables := []struct {
		name string
		row  func(row) error
	}{{"loinc.csv", r.code}, {"part.csv", r.part}, {"componenthierarchybysystem.csv", r.hierarchy}, {"multiaxialhierarchy.csv", r.hierarchy}, {"answerlist.csv", r.answer}, {"loincanswerlistlink.csv", r.answers}, {"mapto.csv", r.mapTo}}
	found := map[string][]string{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			base := strings.ToLower(path.Base(name))
			found[base] = append(found[base], name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found[tableNames[0]]) == 0 {
		found[tableNames[0]] = found[tableNames[1]]
	}
	for _, t := range tables {
		if names := found[t.name]; len(names) > 0 {
			if err := read(files, names[0], t.row); err != nil {
				return nil, err
			}
		}
	}
	if r.b.Len() == 0 {
		return nil, fault.E(op, fault.Invalid, "the release has no codes")
	}
	r.b.SetVersion(r.version)
	return r.b, nil
}

// row is a line by its columns.
type row struct {
	at     map[string]int
	fields []string
}

func (r row) get(column string) string {
	if i, ok := r.at[column]; ok && i < len(r.fields) {
		return r.fields[i]
	}
	return ""
}

// maxField is the longest field that is taken, in bytes.
const maxField = 64 << 10

func read(files fs.FS, name string, f func(row) error) error {
	const op = "loinc.Read"
	file, err := files.Open(name)
	if err != nil {
		return fault.E(op, fault.NotFound, err)
	}
	defer func() { _ = file.Close() }()
	c := csv.NewReader(file)
	c.ReuseRecord, c.FieldsPerRecord = true, -1
	line := row{at: map[string]int{}}
	for n := 1; ; n++ {
		line.fields, err = c.Read()
		if err == io.EOF {
			return nil
		}
		place := name + " row " + strconv.Itoa(n)
		if err != nil {
			return fault.E(op, fault.Structure, "the row is no CSV", place)
		}
		if n == 1 {
			for i, column := range line.fields {
				line.at[strings.ToUpper(strings.TrimPrefix(column, "\ufeff"))] = i
			}
			continue
		}
		if slices.ContainsFunc(line.fields, func(s string) bool { return len(s) > maxField }) {
			return fault.E(op, fault.TooLong, "a field is too long", place)
		}
		if err := f(line); err != nil {
			return fault.E(op, fault.KindOf(err), fault.Reason(err), place)
		}
	}
}

// named are the columns of the table that are names of a code, best first.
var named = []string{"LONG_COMMON_NAME", "SHORTNAME", "DISPLAYNAME", "CONSUMER_NAME"}

// properties are the columns that FHIR has as properties of a code.
// https://hl7.org/fhir/R4/loinc.html#alt
var properties = []string{"STATUS", "COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS", "CLASSTYPE", "ORDER_OBS", "UNITSREQUIRED", "EXAMPLE_UCUM_UNITS", "COMMON_TEST_RANK"}

func (r *release) code(l row) error {
	id := l.get("LOINC_NUM")
	if id == "" {
		return fault.E("loinc.code", fault.Required, "LOINC_NUM is empty")
	}
	n := r.b.Concept(id)
	role := index.Display
	for _, column := range append(slices.Clone(named), "RELATEDNAMES2") {
		text := l.get(column)
		if text == "" {
			continue
		}
		k := index.Kind{Role: role, Language: "en-US", UseSystem: System, Use: column}
		if column == "RELATEDNAMES2" {
			k.Role = index.Other
		}
		if err := r.b.Describe(n, k, text); err != nil {
			return err
		}
		role = index.Synonym
	}
	if text := l.get("DEFINITIONDESCRIPTION"); text != "" {
		if err := r.b.Describe(n, index.Kind{Role: index.Definition}, text); err != nil {
			return err
		}
	}
	for _, column := range properties {
		if v := l.get(column); v != "" {
			r.b.Property(n, r.b.Name(index.PropertyName{Code: column}), 0, index.TextValue, v)
		}
	}
	owner := "LOINC"
	if l.get("EXTERNAL_COPYRIGHT_NOTICE") != "" {
		owner = "3rdParty"
	}
	r.b.Property(n, r.b.Name(index.PropertyName{Code: "copyright"}), 0, index.TextValue, owner)
	if l.get("STATUS") == "DEPRECATED" {
		r.b.Inactive(n)
	}
	if v := l.get("VERSIONLASTCHANGED"); newer(v, r.version) {
		r.version = v
	}
	return nil
}

// newer compares versions such as 2.9 and 2.77.
func newer(a, b string) bool {
	major := func(s string) (int, int) {
		x, y, _ := strings.Cut(s, ".")
		i, err := strconv.Atoi(x)
		j, _ := strconv.Atoi(y)
		if err != nil {
			return -1, 0
		}
		return i, j
	}
	a1, a2 := major(a)
	b1, b2 := major(b)
	return a1 > b1 || a1 == b1 && a2 > b2
}

func (r *release) part(l row) error {
	if l.get("PARTNUMBER") == "" {
		return nil
	}
	return r.named(l.get("PARTNUMBER"), l.get("PARTDISPLAYNAME"), l.get("PARTNAME"), l.get("STATUS"))
}

// named gives a concept that is no code of the table its names.
func (r *release) named(id, display, name, status string) error {
	_, known := r.b.Find(id)
	n := r.b.Concept(id)
	if known {
		return nil
	}
	r.b.Abstract(n)
	if status == "DEPRECATED" || status == "INACTIVE" {
		r.b.Inactive(n)
	}
	if display == "" {
		display, name = name, ""
	}
	if err := r.b.Describe(n, index.Kind{Role: index.Display, Language: "en-US"}, display); err != nil || name == "" || name == display {
		return err
	}
	return r.b.Describe(n, index.Kind{Role: index.Synonym, Language: "en-US"}, name)
}

func (r *release) hierarchy(l row) error {
	code := l.get("CODE")
	if code == "" {
		return nil
	}
	if err := r.named(code, l.get("CODE_TEXT"), "", ""); err != nil {
		return err
	}
	if p := l.get("IMMEDIATE_PARENT"); p != "" {
		r.b.Parent(r.b.Concept(code), r.b.Concept(p))
	}
	return nil
}

// answer takes a row of an answer list in: the list is a concept, too, and its
// answers have it as the property LIST, by which implicit value sets ask for it.
func (r *release) answer(l row) error {
	list, id := l.get("ANSWERLISTID"), l.get("ANSWERSTRINGID")
	if list == "" || id == "" {
		return nil
	}
	if err := r.named(list, l.get("ANSWERLISTNAME"), "", ""); err != nil {
		return err
	}
	_, known := r.b.Find(id)
	n := r.b.Concept(id)
	r.b.Property(n, r.b.Name(index.PropertyName{Code: "LIST"}), 0, index.TextValue, list)
	if known {
		return nil
	}
	return r.b.Describe(n, index.Kind{Role: index.Display, Language: "en-US"}, l.get("DISPLAYTEXT"))
}

// answers says which list a code's answers are from.
func (r *release) answers(l row) error {
	if n, ok := r.b.Find(l.get("LOINCNUMBER")); ok && l.get("ANSWERLISTID") != "" {
		r.b.Property(n, r.b.Name(index.PropertyName{Code: "answer-list"}), 0, index.TextValue, l.get("ANSWERLISTID"))
	}
	return nil
}

func (r *release) mapTo(l row) error {
	if n, ok := r.b.Find(l.get("LOINC")); ok && l.get("MAP_TO") != "" {
		r.b.Property(n, r.b.Name(index.PropertyName{Code: "MAP_TO"}), 0, index.CodeValue, l.get("MAP_TO"))
	}
	return nil
}
