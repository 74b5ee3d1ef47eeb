package oracle

import (
	"net/url"
	"slices"
	"strings"
)

// inScopes: an application reads what one of its scopes covers, in the grammar of
// SMART App Launch 2: patient/Observation.rs?category=system|code.
func inScopes(r Reader, item Sent) bool {
	for _, scope := range r.Scopes {
		scope, query, _ := strings.Cut(scope, "?")
		level, rest, ok := strings.Cut(scope, "/")
		typ, may, dotted := strings.Cut(rest, ".")
		if !ok || !dotted || !slices.Contains([]string{"patient", "user", "system"}, level) || typ != "*" && typ != item.Type {
			continue
		}
		if may != "read" && may != "*" && !strings.Contains(may, "r") {
			continue
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			continue
		}
		covers := true
		for _, value := range want["category"] {
			covers = covers && inCategory(item, value)
		}
		if covers {
			return true
		}
	}
	return false
}

func inCategory(item Sent, token string) bool {
	system, code, both := strings.Cut(token, "|")
	if !both {
		system, code = "", token
	}
	for _, c := range at(item.Body, "category.coding") {
		if text(c, "code") == code && (!both || text(c, "system") == system) {
			return true
		}
	}
	return false
}
