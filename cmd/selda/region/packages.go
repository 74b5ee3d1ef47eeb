package region

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/policy"
)

// packages is the folder of FHIR packages in a data folder.
const packages = "packages"

// ReadPackage reads a FHIR package's file.
func ReadPackage(file string) (*definition.Package, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return definition.ReadPackage(f)
}

// AddPackage puts a FHIR package into the region's data folder: what is held against
// it from now on is judged otherwise, so the trail says who did it.
func (r *Region) AddPackage(ctx context.Context, s policy.Subject, file string) (*definition.Package, error) {
	return addPackage(r.Data, file, func(p *definition.Package) error {
		_, err := r.Access.Operate(ctx, s, audit.Update, "package "+p.Name+" "+p.Version)
		return err
	})
}

// AddPackage puts a FHIR package into a data folder, once it can be read. The
// same package in the same version takes the place of the one before.
func AddPackage(data, file string) (*definition.Package, error) {
	return addPackage(data, file, func(*definition.Package) error { return nil })
}

func addPackage(data, file string, admit func(*definition.Package) error) (*definition.Package, error) {
	const op = "region.AddPackage"
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := definition.ReadPackage(bytes.NewReader(body))
	if err == nil {
		err = admit(p)
	}
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(data, packages)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	name := filepath.Join(dir, p.Name+"-"+p.Version+".tgz")
	temporary, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(body)
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return p, nil
}

// Packages are the resources of all packages in a data folder.
func Packages(data string) ([]*fhir.Resource, error) {
	entries, err := os.ReadDir(filepath.Join(data, packages))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*fhir.Resource
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tgz") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p, err := ReadPackage(filepath.Join(data, packages, e.Name()))
		if err != nil {
			return nil, fault.E("region.Packages", err, e.Name())
		}
		out = append(out, p.Resources...)
	}
	return out, nil
}
