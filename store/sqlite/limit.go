package sqlite

import (
	"fmt"
	"path/filepath"
	"time"

	"selda/store"
	"selda/store/adapter"
)

// Limit measures what the bare driver does on this machine: it inserts n rows
// into the tables that a resource is written to (resource, locator, key,
// posting), in transactions of 2,000, durable, with a body of that many bytes
// and nothing else done. It gives rows a second.
func Limit(dir string, n, bodyBytes int) (float64, error) {
	c, err := connect(filepath.Join(dir, "limit.db"), 48<<10, false)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if err := c.Exec(schema); err != nil {
		return 0, err
	}
	body := make([]byte, bodyBytes)
	x := uint64(88172645463325252)
	next := func() uint64 { x ^= x << 13; x ^= x >> 7; x ^= x << 17; return x }
	began := time.Now()
	for i := 0; i < n; i++ {
		if i%2000 == 0 {
			if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
				return 0, err
			}
		}
		for j := 0; j+8 <= len(body); j += 8 {
			v := next()
			for k := range 8 {
				body[j+k] = byte(v >> (8 * k))
			}
		}
		if err := limitRow(c, int64(i+1), body, next()); err != nil {
			return 0, err
		}
		if i%2000 == 1999 || i == n-1 {
			if err := c.Exec("COMMIT"); err != nil {
				return 0, err
			}
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

func limitRow(c *conn, item int64, body []byte, random uint64) error {
	subject := item / 100
	s := c.stmt(`INSERT INTO resource(` + columns + `) VALUES(?, 96, ?, 1, ?, 0, 1, 5, 0, 2, 0, NULL, 1, NULL, ?)`)
	_ = s.BindInt64(1, subject)
	_ = s.BindInt64(2, item)
	_ = s.BindInt64(3, subject)
	_ = s.BindBlob(4, body)
	if err := s.Exec(); err != nil {
		return err
	}
	s = c.stmt(`INSERT INTO locator(item, subject, type, version, source, dataset, labels, flags) VALUES(?, ?, 96, 1, 1, 5, 0, 2)`)
	_ = s.BindInt64(1, item)
	_ = s.BindInt64(2, subject)
	if err := s.Exec(); err != nil {
		return err
	}
	s = c.stmt(`INSERT INTO key(hash, item) VALUES(?, ?)`)
	hash := adapter.KeyHash("A:B", "Observation", fmt.Sprint(random))
	_ = s.BindBlob(1, hash[:])
	_ = s.BindInt64(2, item)
	if err := s.Exec(); err != nil {
		return err
	}
	s = c.stmt(`INSERT INTO posting(rowid, token) VALUES(?, ?)`)
	p := postingOf(store.ItemID(item), 1, "Observation", []string{fmt.Sprint("code:", item%700), "x"})
	_ = s.BindInt64(1, p.row)
	_ = s.BindRawText(2, p.texts())
	return s.Exec()
}
