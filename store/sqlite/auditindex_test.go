package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"selda/audit"
)

// Whatever is asked of the trail's index, only entries of the narrowest kind
// are walked through.
func TestAuditQueriesUseTheNarrowestIndex(t *testing.T) {
	x, err := OpenAuditIndex(filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	for _, c := range []struct {
		q    audit.Query
		want string
	}{
		{audit.Query{Citizen: "c"}, "entry_citizen (citizen=?)"},
		{audit.Query{Citizen: "c", User: "u", Action: audit.Read}, "entry_citizen (citizen=?)"},
		{audit.Query{User: "u", Organisation: "RJZ"}, "entry_user (user=?)"},
		{audit.Query{Organisation: "RJZ"}, "entry_organisation_all (organisation=?)"},
		{audit.Query{Organisation: "RJZ", Action: audit.BreakGlass}, "entry_organisation (organisation=? AND action=?)"},
	} {
		where, _ := auditTerms(c.q)
		s := x.c.stmt(`EXPLAIN QUERY PLAN SELECT position FROM entry WHERE ` + strings.Join(append(where, "at>=? AND at<?"), " AND ") + ` ORDER BY position DESC LIMIT ?`)
		plan := ""
		if err := rows(s, func() error { plan += s.ColumnText(3) + "\n"; return nil }); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%+v: %s", c.q, plan)
		}
	}
}
