package region

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

// defined is one SearchParameter that is none of the standard's, as it is used.
type defined struct {
	hash string // of the resource
	list []*search.Parameter
}

// definitions are the SearchParameters in force: those of packages, then those
// that clients have posted, which go before where both have the same code. They
// are in the same order each time.
func (s *searches) definitions(ctx context.Context) (out []defined, err error) {
	guides, err := s.guides()
	if err != nil {
		return nil, err
	}
	for _, url := range slices.Sorted(maps.Keys(guides)) {
		if d, ok := define(guides[url]); ok {
			out = append(out, d)
		}
	}
	found, err := s.store.Search(ctx, store.Query{Type: "SearchParameter", N: store.Latest, Limit: 1000, Bodies: true}, everything)
	if err != nil {
		return nil, err
	}
	var posted []defined
	for _, f := range found {
		r, err := fhir.ParseTrusted(f.Version.Body)
		if err != nil || !r.Get("status").Is("active") {
			continue
		}
		if d, ok := define(f.Version.Body); ok {
			posted = append(posted, d)
		}
	}
	slices.SortFunc(posted, func(a, b defined) int { return strings.Compare(a.hash, b.hash) })
	return append(out, posted...), nil
}

// define reads a definition. One that came by a feed or a package, and can't be
// used, is passed over.
func define(body []byte) (defined, bool) {
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return defined{}, false
	}
	list, err := search.Define(r)
	sum := sha256.Sum256(body)
	return defined{hex.EncodeToString(sum[:12]), list}, err == nil
}

// guidesFile has the SearchParameters of packages, which the nodes of a region
// share: what one of them indexes by, all do.
const guidesFile = "search-packages.json"

// guides are the SearchParameters of packages by URL, in the newest version that
// was seen. What is still a draft in its guide was asked for with the package;
// what is retired was not.
func (s *searches) guides() (map[string]json.RawMessage, error) {
	known := map[string]json.RawMessage{}
	b, version, err := s.documents.Load(guidesFile)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil {
		return nil, err
	}
	all, _, err := s.packaged.resources()
	if err != nil {
		return nil, err
	}
	changed := false
	for _, r := range all {
		url := r.Get("url").Text()
		if r.Type != "SearchParameter" || r.Get("status").Is("retired") {
			continue
		}
		if had, err := fhir.ParseTrusted(known[url]); err == nil && fhir.CompareVersions(had.Get("version").Text(), r.Get("version").Text()) >= 0 {
			continue
		}
		known[url], changed = json.RawMessage(r.JSON), true
	}
	if !changed {
		return known, nil
	}
	if b, err = json.Marshal(known); err == nil {
		err = s.documents.Save(guidesFile, b, version)
	}
	if fault.Is(err, fault.Conflict) { // another node has taken up its packages: ours are next
		return s.guides()
	}
	if err == nil {
		err = json.Unmarshal(b, &known) // as it will be read from now on: the hash is of that
	}
	return known, err
}
