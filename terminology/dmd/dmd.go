// Package dmd reads the NHS dictionary of medicines and devices, as the NHS
// Business Services Authority releases it in XML: virtual therapeutic moieties,
// virtual and actual products and packs, ingredients and look-ups.
// https://www.nhsbsa.nhs.uk/pharmacies-gp-practices-and-appliance-contractors/dictionary-medicines-and-devices-dmd
//
// A product is below the one it is an instance of: actual below virtual product
// below moiety, actual below virtual pack. Every element of a record is kept as
// a property under its own name.
package dmd

import (
	"encoding/xml"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"selda/fault"
	"selda/internal/charset"
	"selda/terminology/index"
)

// System is the canonical URL of the dictionary.
const System = "https://dmd.nhs.uk"

// maxDepth and maxText bound what is read of one file's elements.
const (
	maxDepth = 16
	maxText  = 64 << 10
)

var (
	file = regexp.MustCompile(`(?i)^f_(vtm|vmp|amp|vmpp|ampp|ingredient|lookup)2?_.*\.xml$`)
	date = regexp.MustCompile(`_3([0-9]{2})([0-9]{2})([0-9]{2})\.xml$`)
)

// IsRelease says whether files look like a release of the dictionary.
func IsRelease(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return file.MatchString(path.Base(n)) })
}

// entity is a kind of record that is a concept.
type entity struct{ id, parent, name string }

// entities are those kinds: the element with the id, and the one that names
// what the record is an instance of.
var entities = map[string]entity{
	"VTM":  {"VTMID", "", "Virtual therapeutic moiety"},
	"VMP":  {"VPID", "VTMID", "Virtual medicinal product"},
	"AMP":  {"APID", "VPID", "Actual medicinal product"},
	"VMPP": {"VPPID", "", "Virtual medicinal product pack"},
	"AMPP": {"APPID", "VPPID", "Actual medicinal product pack"},
	"ING":  {"ISID", "", "Ingredient"},
}

// lookups are the lists that an element's codes are of.
var lookups = map[string]string{
	"FORMCD": "FORM", "ROUTECD": "ROUTE", "SUPPCD": "SUPPLIER", "BASISCD": "BASIS_OF_NAME", "BASIS_STRNTCD": "BASIS_OF_STRNTH", "PRES_STATCD": "VIRTUAL_PRODUCT_PRES_STATUS",
	"CATCD": "CONTROL_DRUG_CATEGORY", "LIC_AUTHCD": "LICENSING_AUTHORITY", "UNIT_DOSE_UOMCD": "UNIT_OF_MEASURE", "UDFS_UOMCD": "UNIT_OF_MEASURE",
	"STRNT_NMRTR_UOMCD": "UNIT_OF_MEASURE", "STRNT_DNMTR_UOMCD": "UNIT_OF_MEASURE", "QTY_UOMCD": "UNIT_OF_MEASURE", "UOMCD": "UNIT_OF_MEASURE", "DF_INDCD": "DF_INDICATOR",
	"AVAIL_RESTRICTCD": "AVAILABILITY_RESTRICTION", "LEGAL_CATCD": "LEGAL_CATEGORY", "DISCCD": "DISCONTINUED_IND", "COMB_PACKCD": "COMBINATION_PACK_IND", "COMBPRODCD": "COMBINATION_PROD_IND",
}

// dictionary is the release being read.
type dictionary struct {
	b      *index.Builder
	names  map[string]map[string]string // of each look-up
	groups map[index.Node]int           // how many grouped records a concept has
	typ    int
}

// Read reads a release.
func Read(files fs.FS) (*index.Builder, error) {
	const op = "dmd.Read"
	var names []string
	version := ""
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !file.MatchString(path.Base(name)) {
			return err
		}
		names = append(names, name)
		if m := date.FindStringSubmatch(name); m != nil {
			version = max(version, "20"+m[3]+"-"+m[2]+"-"+m[1])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The look-ups first: others have their codes.
	slices.SortStableFunc(names, func(a, b string) int { return isLookup(b) - isLookup(a) })
	d := &dictionary{names: map[string]map[string]string{}, groups: map[index.Node]int{},
		b: index.NewBuilder(index.Meta{System: System, Version: version, Name: "dmd", Title: "Dictionary of medicines and devices", Language: "en-GB", Content: "complete", ValueSet: System + "/vs"})}
	d.typ = d.b.Name(index.PropertyName{Code: "type", Description: "The kind of record"})
	for _, name := range names {
		f, err := files.Open(name)
		if err != nil {
			return nil, fault.E(op, fault.NotFound, err)
		}
		err = d.file(f)
		_ = f.Close()
		if err != nil {
			return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), name)
		}
	}
	if d.b.Len() == 0 {
		return nil, fault.E(op, fault.Invalid, "the release has no products")
	}
	return d.b, nil
}

func isLookup(name string) int {
	if strings.HasPrefix(strings.ToLower(path.Base(name)), "f_lookup") {
		return 1
	}
	return 0
}

// level is an element that is open.
type level struct {
	name   string
	text   strings.Builder
	fields []field // of its children that have nothing but text
	deep   bool    // it has children
}

type field struct{ name, value string }

// file reads a file as records: elements whose children have nothing but text.
func (d *dictionary) file(r io.Reader) error {
	const op = "dmd.Read"
	dec := xml.NewDecoder(r)
	dec.CharsetReader = charset.Reader
	var open []*level
	for {
		t, err := dec.Token()
		if err == io.EOF && len(open) == 0 {
			return nil
		}
		if err != nil {
			return fault.E(op, fault.Structure, "the file is no well-formed XML")
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) >= maxDepth {
				return fault.E(op, fault.TooLong, "the file is nested too deeply")
			}
			if len(open) > 0 {
				open[len(open)-1].deep = true
			}
			open = append(open, &level{name: t.Name.Local})
		case xml.CharData:
			if n := len(open); n > 0 && !open[n-1].deep {
				if open[n-1].text.Len()+len(t) > maxText {
					return fault.E(op, fault.TooLong, "an element's text is too long")
				}
				open[n-1].text.Write(t)
			}
		case xml.EndElement:
			last := open[len(open)-1]
			open = open[:len(open)-1]
			above := &level{}
			if len(open) > 0 {
				above = open[len(open)-1]
			}
			if !last.deep {
				above.fields = append(above.fields, field{last.name, strings.TrimSpace(last.text.String())})
				continue
			}
			if len(last.fields) > 0 {
				if err := d.record(above.name, last.name, last.fields); err != nil {
					return err
				}
			}
		}
	}
}

func get(fields []field, name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// record takes one record in: an entry of a look-up, a concept, or more of one.
func (d *dictionary) record(within, name string, fields []field) error {
	if name == "INFO" {
		if d.names[within] == nil {
			d.names[within] = map[string]string{}
		}
		d.names[within][get(fields, "CD")] = get(fields, "DESC")
		return nil
	}
	e, is := entities[name]
	if is && get(fields, e.id) != "" && get(fields, "NM")+get(fields, "DESC") != "" {
		return d.concept(name, e, fields)
	}
	// A part of a concept: its ingredients, forms, routes. They go together.
	for _, id := range []string{"APPID", "VPPID", "APID", "VPID"} {
		if n, ok := d.b.Find(get(fields, id)); ok && get(fields, id) != "" {
			d.groups[n]++
			for _, f := range fields {
				if f.name != id {
					d.property(n, d.groups[n], f)
				}
			}
			return nil
		}
	}
	return nil
}

func (d *dictionary) concept(name string, e entity, fields []field) error {
	const op = "dmd.record"
	id := get(fields, e.id)
	if len(id) > 18 || strings.Trim(id, "0123456789") != "" {
		return fault.E(op, fault.Structure, "an identifier is not 6 to 18 digits", name+"."+e.id)
	}
	n := d.b.Concept(id)
	d.b.Property(n, d.typ, 0, index.TextValue, name)
	if get(fields, "INVALID") == "1" {
		d.b.Inactive(n)
	}
	if p := get(fields, e.parent); e.parent != "" && p != "" {
		d.b.Parent(n, d.b.Concept(p))
	}
	role := index.Display
	for _, from := range []string{"DESC", "NM", "ABBREVNM"} { // an actual product's description names its supplier
		text := get(fields, from)
		if text == "" || from == "DESC" && name != "AMP" {
			continue
		}
		if err := d.b.Describe(n, index.Kind{Role: role, Language: "en-GB", UseSystem: System, Use: from}, text); err != nil {
			return err
		}
		role = index.Synonym
	}
	for _, f := range fields {
		if f.name != e.id && f.name != "NM" && f.name != "ABBREVNM" && f.name != "INVALID" {
			d.property(n, 0, f)
		}
	}
	return nil
}

func (d *dictionary) property(n index.Node, group int, f field) {
	if f.value == "" {
		return
	}
	name := d.b.Name(index.PropertyName{Code: f.name})
	typ, value := index.TextValue, f.value
	switch list := lookups[f.name]; {
	case list != "" && d.names[list][value] != "":
		typ, value = index.CodingValue, System+"/"+list+"|"+value+"|"+d.names[list][value]
	case strings.HasSuffix(f.name, "ID") || strings.HasSuffix(f.name, "CD"):
		typ = index.CodeValue
	case strings.HasSuffix(f.name, "VAL"):
		typ = index.DecimalValue
	}
	d.b.Property(n, name, group, typ, value)
}
