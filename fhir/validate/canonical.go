package validate

import (
	"slices"
	"strings"

	"selda/fhir"
)

// Canonical is a port for resources in memory: they are found by their url, and,
// where one is asked for, by a version that is theirs or begins theirs. Of several
// the newest is found.
func Canonical(resources []*fhir.Resource) func(url string) (fhir.Node, bool) {
	byURL := map[string][]*fhir.Resource{}
	for _, r := range resources {
		if url := r.Get("url").Text(); url != "" {
			byURL[url] = append(byURL[url], r)
		}
	}
	for _, list := range byURL {
		slices.SortStableFunc(list, func(a, b *fhir.Resource) int {
			return fhir.CompareVersions(b.Get("version").Text(), a.Get("version").Text())
		})
	}
	return func(url string) (fhir.Node, bool) {
		bare, version, _ := strings.Cut(url, "|")
		for _, r := range byURL[bare] {
			has := r.Get("version").Text()
			if version == "" || has == version || strings.HasPrefix(has, version+".") {
				return r.Root(), true
			}
		}
		return fhir.Node{}, false
	}
}
