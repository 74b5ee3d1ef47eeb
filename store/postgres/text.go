package postgres

import (
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
)

// clean is a text as a column can hold it: PostgreSQL takes neither NUL nor
// bytes that are not UTF-8. It is asked of whatever comes from a message, where
// it is written and where it is looked up.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\u2400")
}

// optional is a text that is NULL where it is empty.
func optional(s string) pgtype.Text { return pgtype.Text{String: clean(s), Valid: s != ""} }
