package sqlite

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/internal/segment"
	"selda/nhs"
)

// years fills an index with entries, one every so often from a beginning on: of
// 200 organisations, 20,000 users and 1.8 million citizens.
func years(tb testing.TB, x *AuditIndex, n int, began time.Time, every time.Duration) {
	tb.Helper()
	actions := []string{audit.Read, audit.Read, audit.Read, audit.Search, audit.Read, audit.SignIn, audit.Read, audit.Export, audit.Read, audit.Create}
	batch := make([]audit.Indexed, 0, 20_000)
	for i := range n {
		h := uint64(i) * 0x9e3779b97f4a7c15
		user := h >> 33 % 20_000
		e := audit.Entry{At: began.Add(time.Duration(i) * every), Action: actions[i%len(actions)], User: "user" + strconv.FormatUint(user, 10), Organisation: nhs.ODS("R" + strconv.FormatUint(user%200, 10)),
			Citizen: "c" + strconv.FormatUint(h>>20%1_800_000, 36)}
		if i%997 == 0 {
			e.Action = audit.BreakGlass
		}
		batch = append(batch, audit.Indexed{Entry: e, Position: segment.Position(i * 400)})
		if len(batch) == cap(batch) || i == n-1 {
			if err := x.IndexAudit(tb.Context(), batch, segment.Position((i+1)*400)); err != nil {
				tb.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// Whatever stretch of time is asked for, what is found is what there is.
func TestAuditByTime(t *testing.T) {
	x, err := OpenAuditIndex(filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	began := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	const n, every = 5000, time.Hour
	years(t, x, n, began, every)
	for from := -10; from < n+10; from += 613 {
		for _, long := range []int{1, 24, 900, 2 * n} {
			q := audit.Query{Action: audit.Read, From: began.Add(time.Duration(from) * every), To: began.Add(time.Duration(from+long) * every), Limit: n}
			want := 0
			for i := max(from, 0); i < min(from+long, n); i++ {
				if i%997 != 0 && slices.Contains([]int{0, 1, 2, 4, 6, 8}, i%10) {
					want++
				}
			}
			got, err := x.FindAudit(t.Context(), q)
			if err != nil || len(got) != want || !slices.IsSortedFunc(got, func(a, b segment.Position) int { return cmp.Compare(b, a) }) {
				t.Errorf("%d hours from %d: %d, want %d: %v", long, from, len(got), want, err)
			}
		}
	}
}

// BenchmarkAuditOverYears asks an index of SELDA_TRAIL entries (a million where it is
// not said), ten years of them, what a citizen's page and a privacy officer ask.
func BenchmarkAuditOverYears(b *testing.B) {
	n, _ := strconv.Atoi(cmp.Or(os.Getenv("SELDA_TRAIL"), "1000000"))
	path := filepath.Join(b.TempDir(), "index.db")
	x, err := OpenAuditIndex(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	began := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	every := 10 * 365 * 24 * time.Hour / time.Duration(n)
	made := time.Now()
	years(b, x, n, began, every)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d entries: %d bytes each, %s each to index", n, info.Size()/int64(n), time.Since(made)/time.Duration(n))
	day := func(years float64) time.Time { return began.Add(time.Duration(years * 365 * 24 * float64(time.Hour))) }
	for name, q := range map[string]func(i int) audit.Query{
		"citizen's page": func(i int) audit.Query {
			return audit.Query{Citizen: "c" + strconv.FormatInt(int64(i*7919%1_800_000), 36), Limit: 200}
		},
		"organisation": func(i int) audit.Query { return audit.Query{Organisation: nhs.ODS(fmt.Sprint("R", i%200)), Limit: 200} },
		"organisation, a day years ago": func(i int) audit.Query {
			return audit.Query{Organisation: nhs.ODS(fmt.Sprint("R", i%200)), From: day(2), To: day(2).Add(24 * time.Hour), Limit: 200}
		},
		"organisation, emergencies": func(i int) audit.Query {
			return audit.Query{Organisation: nhs.ODS(fmt.Sprint("R", i%200)), Action: audit.BreakGlass, Limit: 200}
		},
		"user, a month years ago": func(i int) audit.Query {
			return audit.Query{User: fmt.Sprint("user", i*31%20_000), From: day(3), To: day(3.08), Limit: 200}
		},
		"organisation and user and action": func(i int) audit.Query {
			return audit.Query{Organisation: nhs.ODS(fmt.Sprint("R", i%200)), User: fmt.Sprint("user", i%20_000), Action: audit.Export, Limit: 200}
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				if _, err := x.FindAudit(b.Context(), q(i)); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

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
		{audit.Query{Citizen: "c"}, "entry_citizen (citizen=?"},
		{audit.Query{Citizen: "c", User: "u", Action: audit.Read}, "entry_citizen (citizen=?"},
		{audit.Query{User: "u", Organisation: "RJZ"}, "entry_user (user=?"},
		{audit.Query{Organisation: "RJZ"}, "entry_organisation_all (organisation=?"},
		{audit.Query{Organisation: "RJZ", Action: audit.BreakGlass}, "entry_organisation (organisation=? AND action=?"},
	} {
		where, _ := auditTerms(c.q)
		s := x.c.stmt(`EXPLAIN QUERY PLAN SELECT position FROM entry WHERE ` + strings.Join(append(where, "at>=? AND at<? AND position>=? AND position<?"), " AND ") + ` ORDER BY position DESC LIMIT ?`)
		plan := ""
		if err := rows(s, func() error { plan += s.ColumnText(3) + "\n"; return nil }); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%+v: %s", c.q, plan)
		}
	}
}
