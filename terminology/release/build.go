package release

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/terminology"
	"selda/terminology/codemap"
	"selda/terminology/dmd"
	"selda/terminology/icd"
	"selda/terminology/index"
	"selda/terminology/loinc"
	"selda/terminology/rf2"
)

// Build reads a file, a folder or a zip, and writes what it is beside what is
// in use. system is the canonical URL where the files do not say it. It gives
// the names to Adopt.
func (s *Store) Build(path, system string) ([]Release, error) {
	const op = "release.Build"
	files, names, closing, err := openFiles(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closing() }()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	b := &build{s: s, from: filepath.Base(path), system: system, alone: len(names) == 1}
	switch {
	case rf2.IsRelease(names):
		x, err := rf2.Read(files)
		return b.index("snomed", "", x, err)
	case dmd.IsRelease(names):
		x, err := dmd.Read(files)
		return b.index("dmd", "", x, err)
	case loinc.IsRelease(names):
		x, err := loinc.Read(files)
		return b.index("loinc", "", x, err)
	case icd.IsRelease(files, names):
		x, err := icd.Read(files, names, system)
		return b.index("icd", "", x, err)
	}
	for _, name := range names {
		if err := b.file(files, name); err != nil {
			b.discard()
			return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), strings.TrimSpace(name+" "+fault.PlaceOf(err)))
		}
	}
	if len(b.made) == 0 {
		return nil, fault.E(op, fault.Invalid, "this is no terminology that is known: SNOMED CT in RF2, dm+d in XML, LOINC in CSV, ICD-10 or OPCS-4 as ClaML or codes and titles, FHIR resources in JSON or XML, or a table of codes with source_system, source_code and target_code", path)
	}
	return b.made, nil
}

// build is one import on its way.
type build struct {
	s    *Store
	from string
	// system is the one that was named.
	system string
	// alone says that one file was named: that it is nothing of ours is then an
	// error, and not a reason to leave it out.
	alone bool
	made  []Release
}

// discard takes back what was written of an import that failed.
func (b *build) discard() {
	for _, r := range b.made {
		_ = os.RemoveAll(filepath.Join(b.s.dir, r.Name))
	}
}

// index writes a code system, or a map.
func (b *build) index(kind, target string, x *index.Builder, err error) ([]Release, error) {
	if err != nil {
		return nil, err
	}
	m := x.Meta()
	r := Release{Kind: kind, System: m.System, Version: m.Version, Title: cmp.Or(m.Title, m.Name), Target: target, Concepts: x.Len()}
	return b.made, b.write(r, indexFile, func(w io.Writer) error { return x.Write(w) })
}

// file takes in one file that is no part of a release: resources, or a table.
func (b *build) file(files fs.FS, name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json", ".xml":
		raw, err := readAll(files, name)
		if err != nil {
			return err
		}
		return b.resources(raw)
	case ".csv", ".txt", ".tsv":
		return b.table(files, name)
	}
	return nil
}

// resources takes in a terminology resource, or those of a Bundle.
func (b *build) resources(raw []byte) error {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if fhir.IsXML(raw) {
		var err error
		if raw, err = fhir.FromXML(raw); err != nil {
			return err
		}
	}
	r, err := fhir.Parse(raw)
	switch {
	case err != nil && !b.alone && !bytes.Contains(raw, []byte(`"resourceType"`)):
		return nil // as a package's own description
	case err != nil:
		return err
	case r.Type != "Bundle" && !b.alone && r.Type != "CodeSystem" && !isResource(strings.ToLower(r.Type)):
		return nil
	case r.Type != "Bundle":
		return b.resource(r)
	}
	b.alone = false
	for _, e := range r.Root().List("entry") {
		switch inner, err := e.Get("resource").Resource(); {
		case err != nil:
			return err
		case inner.Type == "CodeSystem" || inner.Type == "ValueSet" || inner.Type == "ConceptMap":
			if err := b.resource(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *build) resource(r *fhir.Resource) error {
	r, err := terminology.ReadResource(r.JSON)
	if err != nil {
		return err
	}
	out := Release{Kind: strings.ToLower(r.Type), System: r.Get("url").Text(), Version: r.Get("version").Text(), Title: cmp.Or(r.Get("title").Text(), r.Get("name").Text())}
	switch {
	case r.Type == "CodeSystem" && r.Get("content").Is("supplement"):
		out.Kind = "supplement"
	case r.Type == "CodeSystem":
		return b.codeSystem(r)
	}
	return b.write(out, resourceFile, func(w io.Writer) error {
		_, err := w.Write(r.JSON)
		return err
	})
}

// codeSystem takes in a code system. One that has no concepts of its own (it
// only says that there is such a system) is none to answer from.
func (b *build) codeSystem(r *fhir.Resource) error {
	if c := r.Get("content").Text(); c == "not-present" {
		if b.alone {
			return fault.E("release.Build", fault.NotSupported, "the CodeSystem has no concepts of its own: its content is "+c, "CodeSystem.content")
		}
		return nil
	}
	x, err := terminology.BuildCodeSystem(r)
	_, err = b.index("codesystem", "", x, err)
	return err
}

// table takes in a map of codes; another table is none of ours.
func (b *build) table(files fs.FS, name string) error {
	f, err := files.Open(name)
	if err != nil {
		return fault.E("release.Build", fault.NotFound, err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 64<<10)
	begins, _ := in.Peek(4096)
	switch {
	case codemap.IsMap(begins):
	case b.system != "" && b.alone: // a list of codes, of the system that was named
		x, err := icd.ReadList(in, filepath.Base(name), b.system)
		_, err = b.index("icd", "", x, err)
		return err
	default:
		return nil
	}
	maps, err := codemap.Read(in)
	if err != nil {
		return err
	}
	for _, m := range maps {
		m.SetTitle(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))
		if _, err := b.index("map", m.Target, m.Builder, nil); err != nil {
			return err
		}
	}
	return nil
}

// write makes the folder of a release. It is whole and on disk before it has
// its name.
func (b *build) write(r Release, file string, content func(io.Writer) error) (err error) {
	const op = "release.Build"
	dir, err := os.MkdirTemp(b.s.dir, ".new-")
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	hash := sha256.New()
	w := bufio.NewWriterSize(f, 1<<20)
	if err = content(io.MultiWriter(w, hash)); err != nil {
		_ = f.Close()
		return err
	}
	if err = cmp.Or(w.Flush(), f.Sync()); err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			r.Bytes = info.Size()
		}
	}
	if err = cmp.Or(err, f.Close()); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	r.From, r.Imported = b.from, b.s.now().UTC()
	r.Name = nameOf(r) + "-" + hex.EncodeToString(hash.Sum(nil)[:4])
	if err = writeFile(filepath.Join(dir, releaseFile), r); err != nil {
		return err
	}
	final := filepath.Join(b.s.dir, r.Name)
	if _, there := os.Stat(final); there == nil { // the very same was imported before
		_ = os.RemoveAll(dir)
	} else if err = os.Rename(dir, final); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	b.made = append(b.made, r)
	return nil
}

// nameOf is a release's name as a folder may have it.
func nameOf(r Release) string {
	last := r.Version
	if i := strings.LastIndexByte(last, '/'); i >= 0 {
		last = last[i+1:]
	}
	if isResource(r.Kind) || r.Kind == "map" || r.Kind == "codesystem" {
		last = r.System[strings.LastIndexByte(r.System, '/')+1:] + "-" + last
	}
	var b strings.Builder
	for _, c := range r.Kind + "-" + last {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' {
			b.WriteRune(c)
		} else {
			b.WriteByte('_')
		}
	}
	s := b.String()
	return strings.TrimRight(s[:min(len(s), 80)], "-")
}
