package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"selda/internal/pgtest"
	"selda/store"
)

// A plan is made once, perhaps while there is nothing: it must be by tokens, and
// by key for each of what has them, or it goes through a table that has grown.
func TestSearchesArePlannedByTokens(t *testing.T) {
	db, err := Open(t.Context(), pgtest.DSN(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for name, q := range map[string]store.Query{
		"now":       {Type: "Observation", Groups: [][]string{{"718-7"}}, N: store.Latest},
		"as at n":   {Type: "Observation", Groups: [][]string{{"718-7"}}, N: 3},
		"two words": {Type: "Patient", Groups: [][]string{{"ad"}, {"fo", "fola"}}, N: store.Latest},
	} {
		sql, tokens := searchSQL(q)
		var plan []string
		if err := db.rows(t.Context(), func(r pgx.Rows) error {
			var line string
			err := r.Scan(&line)
			plan = append(plan, line)
			return err
		}, `EXPLAIN `+sql, append([]any{int16(96), int64(1) << 62, 10}, tokens...)...); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		for _, never := range []string{"Seq Scan", "Join", "Nested Loop", "Materialize", "Gather", "BitmapAnd"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: planned with %s:\n%s", name, never, text)
			}
		}
		if !strings.Contains(text, "tokens_idx") {
			t.Errorf("%s: not planned by tokens:\n%s", name, text)
		}
	}
}
