package csvtofhir

import (
	"embed"
	"io/fs"
	"strings"

	"selda/fault"
)

//go:embed mappings/*.yaml
var mappings embed.FS

// Names are the mappings that come with the system, in order.
func Names() []string {
	entries, err := fs.ReadDir(mappings, "mappings")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return out
}

// Source is the text of a mapping that comes with the system.
func Source(name string) ([]byte, error) {
	in, err := mappings.ReadFile("mappings/" + name + ".yaml")
	if err != nil {
		return nil, fault.E("csvtofhir.Source", fault.NotFound, "no mapping of that name comes with the system")
	}
	return in, nil
}

// Named is a mapping that comes with the system.
func Named(name string) (*Mapping, error) {
	in, err := Source(name)
	if err != nil {
		return nil, err
	}
	return ParseMapping(in)
}
