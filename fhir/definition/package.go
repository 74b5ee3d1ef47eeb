package definition

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"path"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Package is a FHIR package: the resources of an implementation guide.
// https://hl7.org/fhir/packages.html
type Package struct {
	Name, Version string
	Resources     []*fhir.Resource // definitions and terminology; examples are left out
}

// Bounds of a package: the largest in use have some 10,000 files and 200 MB.
const (
	maxFiles       = 50_000
	maxFile        = 64 << 20
	maxPackage     = 1 << 30
	maxPackageText = 1 << 16
)

// ReadPackage reads a package's .tgz. What a file in it can't be read as is
// passed over: a package has more than resources of R4.
func ReadPackage(r io.Reader) (*Package, error) {
	const op = "definition.ReadPackage"
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fault.E(op, fault.Structure, "not a FHIR package: it is no .tgz")
	}
	in := tar.NewReader(io.LimitReader(z, maxPackage))
	p := &Package{}
	for files := 0; ; files++ {
		head, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fault.E(op, fault.Structure, "the package is cut off, or damaged")
		}
		if files > maxFiles || head.Size > maxFile {
			return nil, fault.E(op, fault.TooLong, "the package is larger than any that is known")
		}
		name := path.Clean(head.Name)
		if head.Typeflag != tar.TypeReg || path.Dir(name) != "package" || path.Ext(name) != ".json" {
			continue
		}
		body, err := io.ReadAll(in)
		if err != nil {
			return nil, fault.E(op, fault.Structure, "the package is cut off, or damaged")
		}
		if path.Base(name) == "package.json" {
			if err := p.describe(body); err != nil {
				return nil, err
			}
			continue
		}
		p.add(body)
	}
	if p.Name == "" {
		return nil, fault.E(op, fault.Structure, "not a FHIR package: it has no package/package.json with a name")
	}
	return p, nil
}

func (p *Package) describe(body []byte) error {
	n, err := fhir.ParseTree(body)
	if err != nil || len(body) > maxPackageText {
		return fault.E("definition.ReadPackage", fault.Structure, "package.json can't be read")
	}
	p.Name, p.Version = n.Get("name").Text(), n.Get("version").Text()
	var of []string
	for _, v := range n.List("fhirVersions") {
		of = append(of, v.Text())
	}
	if len(of) > 0 && !slices.ContainsFunc(of, func(v string) bool { return strings.HasPrefix(v, "4.") }) {
		return fault.E("definition.ReadPackage", fault.NotSupported, "the package is for FHIR "+strings.Join(of, ", ")+": R4 is needed, 4.0.1")
	}
	if strings.ContainsAny(p.Name+p.Version, "/\\\x00") || strings.HasPrefix(p.Name, ".") {
		return fault.E("definition.ReadPackage", fault.Invalid, "the package's name or version can't be a file's")
	}
	return nil
}

// add keeps a resource that others can be held against.
func (p *Package) add(body []byte) {
	r, err := fhir.Parse(body)
	if err != nil {
		return
	}
	switch r.Type {
	case "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "Questionnaire":
		if r.Get("url").Exists() {
			p.Resources = append(p.Resources, r)
		}
	}
}
