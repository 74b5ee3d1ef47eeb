package agreement

import (
	"fmt"
	"slices"
	"strings"

	"selda/nhs"
	"selda/policy"
)

// Words are an agreement's shares in sentences, for people to read. name gives what
// people call an organisation.
func (a *Agreement) Words(name func(nhs.ODS) string) []string {
	var out []string
	for i := range a.Shares {
		out = append(out, a.Shares[i].words(a, name))
	}
	return out
}

func (s *Share) words(a *Agreement, name func(nhs.ODS) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", partyWords(s.From, name, "Every organisation of the region"), shareVerb(s.From), kindWords(s.Kinds))
	switch {
	case a.For(CitizenAccess) && len(a.Purposes) == 1:
		b.WriteString(" with the people themselves")
	default:
		b.WriteString(" with " + partyWords(s.With, name, "every organisation that cares for the person"))
		if a.For(CitizenAccess) {
			b.WriteString(", and with the person themselves")
		}
	}
	if len(s.Roles) > 0 {
		var roles []string
		for _, r := range s.Roles {
			roles = append(roles, lower(r.Title()))
		}
		b.WriteString(", for those who act there as " + listed(roles))
	}
	b.WriteString(s.Citizens.words(name) + ".")
	return b.String()
}

func shareVerb(from []Party) string {
	if len(from) == 1 {
		return "shares"
	}
	return "share"
}

func (c Citizens) words(name func(nhs.ODS) string) string {
	var parts []string
	switch {
	case c.FromAge > 0 && c.ToAge > 0:
		parts = append(parts, fmt.Sprintf("aged %d to %d", c.FromAge, c.ToAge))
	case c.FromAge > 0:
		parts = append(parts, fmt.Sprintf("aged %d and over", c.FromAge))
	case c.ToAge > 0:
		parts = append(parts, fmt.Sprintf("aged %d and under", c.ToAge))
	}
	if len(c.Registered) > 0 {
		var names []string
		for _, o := range c.Registered {
			names = append(names, name(o))
		}
		parts = append(parts, "registered with "+listed(names))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", of people " + strings.Join(parts, " and ")
}

func partyWords(list []Party, name func(nhs.ODS) string, all string) string {
	if slices.Contains(list, All) {
		return all
	}
	var names []string
	for _, p := range list {
		n := name(nhs.Source(p).Organisation())
		if _, system, of := strings.Cut(string(p), ":"); of {
			n += " (its system " + system + ")"
		}
		names = append(names, n)
	}
	return listed(names)
}

// kindWords are kinds of data in words: what is left out, where that is less.
func kindWords(s policy.DataSets) string {
	has, lacks := kindNames(s), kindNames(policy.AllDataSets&^s)
	for _, list := range [][]string{has, lacks} {
		for i := range list {
			list[i] = strings.ReplaceAll(list[i], "-", " ")
		}
	}
	switch {
	case len(lacks) == 0:
		return "the whole record"
	case len(lacks) <= 4:
		return "the whole record but " + listed(lacks)
	}
	return listed(has)
}

func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}
