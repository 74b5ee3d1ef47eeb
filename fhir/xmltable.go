package fhir

import (
	_ "embed"
	"strings"
	"sync"
)

// r4elements is every type of R4 with its elements, a line each:
//
//	Patient id:id … name*HumanName … deceased|boolean,dateTime … contact*Patient.contact
//
// ':' stands before the type of an element that occurs once, '*' of a list,
// '|' before the types of a choice ('?' for any), and '@' ends an attribute.
// Made by internal/r4gen.
//
//go:embed r4elements.txt
var r4elements string

// shape is how a value stands in JSON and in XML.
type shape uint8

const (
	complexShape shape = iota
	stringShape
	numberShape
	booleanShape
	xhtmlShape
	resourceShape
)

// xmlElement is one element of a type; a choice is one for each of its types.
type xmlElement struct {
	name  string
	typ   string
	order int // position in the schema
	shape shape
	list  bool
	attr  bool
}

// xmlType is a type's elements by their names.
type xmlType map[string]xmlElement

var shapes = map[string]shape{"base64Binary": stringShape, "boolean": booleanShape, "canonical": stringShape,
	"code": stringShape, "date": stringShape, "dateTime": stringShape, "decimal": numberShape, "id": stringShape,
	"instant": stringShape, "integer": numberShape, "markdown": stringShape, "oid": stringShape,
	"positiveInt": numberShape, "string": stringShape, "time": stringShape, "unsignedInt": numberShape,
	"uri": stringShape, "url": stringShape, "uuid": stringShape, "xhtml": xhtmlShape, "Resource": resourceShape}

// openTypes are those of a choice of any type, in the order of the standard.
// https://hl7.org/fhir/R4/datatypes.html#open
const openTypes = "base64Binary,boolean,canonical,code,date,dateTime,decimal,id,instant,integer,markdown,oid,positiveInt," +
	"string,time,unsignedInt,uri,url,uuid,Address,Age,Annotation,Attachment,CodeableConcept,Coding,ContactPoint,Count," +
	"Distance,Duration,HumanName,Identifier,Money,Period,Quantity,Range,Ratio,Reference,SampledData,Signature,Timing," +
	"ContactDetail,Contributor,DataRequirement,Expression,ParameterDefinition,RelatedArtifact,TriggerDefinition," +
	"UsageContext,Dosage,Meta"

// xmlTypes is the table, read once when it is first needed.
var xmlTypes = sync.OnceValue(func() map[string]xmlType {
	types := make(map[string]xmlType, 700)
	for line := range strings.Lines(r4elements) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		t := make(xmlType, len(words))
		for i, w := range words[1:] {
			t.add(w, i)
		}
		types[words[0]] = t
	}
	return types
})

func (t xmlType) add(word string, order int) {
	i := strings.IndexAny(word, ":*|@")
	name, mark, typ := word[:i], word[i], word[i+1:]
	e := xmlElement{name: name, typ: typ, order: order, shape: shapes[typ], list: mark == '*', attr: mark == '@'}
	if e.attr {
		e.shape = stringShape
	}
	if mark != '|' {
		t[name] = e
		return
	}
	if typ == "?" {
		typ = openTypes
	}
	for one := range strings.SplitSeq(typ, ",") {
		e.name, e.typ, e.shape = name+strings.ToUpper(one[:1])+one[1:], one, shapes[one]
		t[e.name] = e
	}
}

// Element is what R4 has at a path within a resource type: its datatype
// ("code", "Period", "Patient.contact" of an element with elements of its own),
// and, for each step of the path, whether it is a list. The path has no
// indexes. ok is false where R4 has no such element.
func Element(resource, path string) (datatype string, lists []bool, ok bool) {
	t := xmlTypes()[resource]
	for step := range strings.SplitSeq(path, ".") {
		e, known := t[step]
		if !known {
			return "", nil, false
		}
		datatype = e.typ
		if e.attr {
			datatype = "string"
		}
		lists = append(lists, e.list)
		t = xmlTypes()[e.typ]
	}
	return datatype, lists, true
}

// Elements are the names of a type's elements, "Patient" or "Period", in no
// order; none of a type that R4 does not have.
func Elements(datatype string) []string {
	t := xmlTypes()[datatype]
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	return names
}
