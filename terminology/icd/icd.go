// Package icd reads classifications in the forms in which they are published:
// ICD-10 of the World Health Organization as ClaML or as its list of codes, and
// ICD-10 and OPCS-4 of NHS England as lists of codes and titles.
// https://www.who.int/standards/classifications, EN 14463 (ClaML)
//
// A category's subdivisions are below it, by the ClaML or by the code itself:
// J45.9 is below J45.
package icd

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/internal/charset"
	"selda/terminology/index"
)

// Canonical URLs of the classifications.
const (
	ICD10 = "http://hl7.org/fhir/sid/icd-10"
	OPCS4 = "https://fhir.hl7.org.uk/CodeSystem/OPCS-4"
)

const (
	maxLine  = 64 << 10
	maxDepth = 64
	maxText  = 64 << 10
)

var (
	titles = regexp.MustCompile(`(?i)^(ICD10|OPCS4).*CodesAndTitles.*\.txt$`)
	year   = regexp.MustCompile(`(?i)(?:Edition([0-9]+)|OPCS(4[0-9]*))`)
	code   = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9X]{1,2})?$`)
	listed = regexp.MustCompile(`^(\x{feff})?[A-Z][0-9]{2}(\.[0-9X]{1,2})?\t\S`)
	who    = regexp.MustCompile(`^[345];[TN];[A-Z];[0-9]{2};`)
)

// IsRelease says whether files look like a release of a classification: a list
// of codes and titles, or a ClaML file, which begins so.
func IsRelease(files fs.FS, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return kindOf(files, n) != "" })
}

func kindOf(files fs.FS, name string) string {
	switch ext := strings.ToLower(path.Ext(name)); {
	case titles.MatchString(path.Base(name)):
		return "titles"
	case ext == ".xml" && strings.Contains(begins(files, name), "<ClaML"):
		return "claml"
	case ext == ".txt":
		if head := begins(files, name); listed.MatchString(head) || who.MatchString(head) {
			return "titles"
		}
	}
	return ""
}

// begins is the beginning of a file.
func begins(files fs.FS, name string) string {
	f, err := files.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 2048)
	n, _ := io.ReadFull(f, head)
	return string(head[:n])
}

// Read reads a release. system is the canonical URL, where it is another one
// than the file's name says.
func Read(files fs.FS, names []string, system string) (*index.Builder, error) {
	const op = "icd.Read"
	for _, name := range names {
		kind := kindOf(files, name)
		if kind == "" {
			continue
		}
		f, err := files.Open(name)
		if err != nil {
			return nil, fault.E(op, fault.NotFound, err)
		}
		var b *index.Builder
		if kind == "titles" {
			b, err = readTitles(f, path.Base(name), system)
		} else {
			b, err = readClaML(f, system)
		}
		_ = f.Close()
		switch {
		case err != nil:
			return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), strings.TrimSpace(name+" "+fault.PlaceOf(err)))
		case b.Len() == 0:
			return nil, fault.E(op, fault.Invalid, "the release has no codes", name)
		}
		return b, nil
	}
	return nil, fault.E(op, fault.Invalid, "there is no classification among the files")
}

func builder(system, name, title, version string) *index.Builder {
	return index.NewBuilder(index.Meta{System: system, Version: version, Name: name, Title: title, Language: "en", Content: "complete", ValueSet: system + "/vs"})
}

// ReadList reads a list of codes and titles of any system, a line each with a
// tab between them.
func ReadList(r io.Reader, name, system string) (*index.Builder, error) {
	b, err := readTitles(r, name, system)
	if err == nil && b.Len() == 0 {
		err = fault.E("icd.ReadList", fault.Invalid, "the list has no codes")
	}
	return b, err
}

// readTitles reads a list of codes and titles: with columns named in its first
// line, or with the code and the title alone.
func readTitles(r io.Reader, name, system string) (*index.Builder, error) {
	const op = "icd.titles"
	var b *index.Builder
	version := ""
	if m := year.FindStringSubmatch(name); m != nil {
		version = m[1] + m[2]
	}
	switch {
	case system != "" && system != ICD10 && system != OPCS4:
		b = builder(system, strings.TrimSuffix(name, path.Ext(name)), "", version)
	case system == OPCS4 || strings.HasPrefix(strings.ToUpper(name), "OPCS"):
		b = builder(cmp.Or(system, OPCS4), "OPCS_4", "OPCS Classification of Interventions and Procedures", version)
	default:
		b = builder(cmp.Or(system, ICD10), "ICD_10", "International Classification of Diseases, tenth revision", version)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4096), maxLine)
	at := map[string]int{"CODE": 0, "DESCRIPTION": 1}
	for n := 1; lines.Scan(); n++ {
		line := strings.ToValidUTF8(strings.TrimRight(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r"), "\ufffd")
		f := strings.Split(line, "\t")
		if n == 1 && slices.Contains(f, "CODE") && slices.Contains(f, "DESCRIPTION") {
			for i, c := range f {
				at[c] = i
			}
			continue
		}
		if line == "" {
			continue
		}
		if who.MatchString(line) { // level;terminal;…;code with its dot, without dagger or star;code;title
			if f = strings.Split(line, ";"); len(f) > 8 {
				f = []string{strings.TrimRight(f[6], ".-†*"), f[8]}
			}
		}
		if len(f) <= max(at["CODE"], at["DESCRIPTION"]) || f[at["CODE"]] == "" {
			return nil, fault.E(op, fault.Structure, "the line is no code and title", "line "+strconv.Itoa(n))
		}
		if err := addTitle(b, f[at["CODE"]], f[at["DESCRIPTION"]]); err != nil {
			return nil, err
		}
	}
	if lines.Err() != nil {
		return nil, fault.E(op, fault.Structure, "a line is too long")
	}
	return b, nil
}

func addTitle(b *index.Builder, id, title string) error {
	n := b.Concept(id)
	if head, _, divided := strings.Cut(id, "."); divided && code.MatchString(id) {
		if p, ok := b.Find(head); ok {
			b.Parent(n, p)
		}
	}
	return b.Describe(n, index.Kind{Role: index.Display, Language: "en"}, strings.TrimSpace(title))
}

// class is a class of a ClaML file: a chapter, a block or a category.
type class struct {
	code, kind string
	parents    []string
	rubrics    []rubric
}

type rubric struct{ kind, text string }

// readClaML reads a file in the Classification Markup Language.
func readClaML(r io.Reader, system string) (*index.Builder, error) {
	const op = "icd.claml"
	dec := xml.NewDecoder(r)
	dec.CharsetReader = charset.Reader
	dec.Strict = true
	b := builder(cmp.Or(system, ICD10), "ICD_10", "International Classification of Diseases, tenth revision", "")
	var c *class
	var text *strings.Builder
	depth := 0
	for {
		t, err := dec.Token()
		if err == io.EOF && depth == 0 {
			return b, nil
		}
		if err != nil {
			return nil, fault.E(op, fault.Structure, "the file is no well-formed XML")
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, fault.E(op, fault.TooLong, "the file is nested too deeply")
			}
			switch t.Name.Local {
			case "Title":
				b.SetVersion(attr(t, "version"))
			case "Class":
				c = &class{code: attr(t, "code"), kind: attr(t, "kind")}
			case "SuperClass":
				if c != nil {
					c.parents = append(c.parents, attr(t, "code"))
				}
			case "Rubric":
				if c != nil {
					c.rubrics = append(c.rubrics, rubric{kind: attr(t, "kind")})
					text = &strings.Builder{}
				}
			}
		case xml.CharData:
			if text != nil {
				if text.Len()+len(t) > maxText {
					return nil, fault.E(op, fault.TooLong, "a rubric is too long", c.code)
				}
				text.Write(t)
			}
		case xml.EndElement:
			depth--
			switch t.Name.Local {
			case "Rubric":
				if text != nil && c != nil {
					c.rubrics[len(c.rubrics)-1].text = strings.Join(strings.Fields(text.String()), " ")
				}
				text = nil
			case "Class":
				if c != nil {
					if err := addClass(b, c); err != nil {
						return nil, err
					}
				}
				c, text = nil, nil
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func addClass(b *index.Builder, c *class) error {
	if c.code == "" {
		return fault.E("icd.claml", fault.Required, "a class has no code")
	}
	n := b.Concept(c.code)
	b.Property(n, b.Name(index.PropertyName{Code: "kind"}), 0, index.TextValue, c.kind)
	for _, p := range c.parents {
		b.Parent(n, b.Concept(p))
	}
	// The long preferred term is the one that stands by itself.
	for i, kind := range []string{"preferredLong", "preferred", "inclusion", "definition"} {
		shown := false
		for _, r := range c.rubrics {
			if r.kind != kind || r.text == "" {
				continue
			}
			k := index.Kind{Role: index.Synonym, Language: "en", Use: kind}
			switch {
			case kind == "definition":
				k.Role = index.Definition
			case i < 2 && !shown && !(i == 1 && slices.ContainsFunc(c.rubrics, func(r rubric) bool { return r.kind == "preferredLong" && r.text != "" })):
				k.Role, k.Use, shown = index.Display, "", true
			}
			if err := b.Describe(n, k, r.text); err != nil {
				return err
			}
		}
	}
	return nil
}
