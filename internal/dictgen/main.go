// Command dictgen makes the dictionaries with which the store compresses
// bodies, from the bodies of a data folder (a demonstration region, say) and
// from skeleton.ndjson, which holds the commonest shapes and code systems of
// FHIR R4 and of the US and UK Core profiles.
//
//	go run ./internal/dictgen DATA store/adapter/dict FIRST
//
// writes FIRST.txt and the following numbers, one for each group of types. A
// dictionary that has been used stays for ever: give FIRST a new number.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"selda/fhir"
	"selda/store/adapter"
)

const (
	dictBytes  = 64 << 10
	skeletonIn = "internal/dictgen/skeleton.ndjson"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: dictgen DATA OUT FIRST")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "dictgen:", err)
		os.Exit(1)
	}
}

func run(data, out, first string) error {
	n, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	skeleton, err := skeletons()
	if err != nil {
		return err
	}
	samples, err := samples(data)
	if err != nil {
		return err
	}
	for i, group := range adapter.DictGroups() {
		var d []byte
		per := dictBytes / 2 / max(1, len(group))
		for _, typ := range group {
			d = append(d, take(samples[typ], per)...)
		}
		for _, typ := range group {
			for _, line := range skeleton[typ] {
				d = append(d, line...)
			}
		}
		for _, typ := range group {
			d = append(d, take(samples[typ], per/2)...)
		}
		if err := os.WriteFile(filepath.Join(out, strconv.Itoa(n+i)+".txt"), d, 0o644); err != nil {
			return err
		}
		fmt.Println(n+i, group, len(d))
	}
	return nil
}

// take picks samples that are least alike until n bytes are full.
func take(list [][]byte, n int) []byte {
	var out []byte
	seen := map[uint32]bool{}
	for _, s := range list {
		fresh := 0
		for i := 0; i+24 <= len(s); i += 8 {
			if !seen[gram(s[i:i+24])] {
				fresh++
			}
		}
		if fresh*8*3 < len(s) {
			continue // two thirds of it are there already
		}
		if len(out)+len(s) > n {
			break
		}
		for i := 0; i+24 <= len(s); i++ {
			seen[gram(s[i:i+24])] = true
		}
		out = append(out, s...)
	}
	return out
}

func gram(b []byte) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(b)
	return h.Sum32()
}

func skeletons() (map[string][][]byte, error) {
	f, err := os.Open(skeletonIn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	out := map[string][][]byte{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		r, err := fhir.Parse(s.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", skeletonIn, err)
		}
		out[r.Type] = append(out[r.Type], bytes.Clone(r.JSON))
	}
	return out, s.Err()
}

// samples reads stored bodies with their origins, spread over the folder.
func samples(data string) (map[string][][]byte, error) {
	c, err := sqlite3.Open(filepath.Join(data, "record.db"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	s, _, err := c.Prepare(`SELECT type, body FROM resource WHERE body IS NOT NULL ORDER BY (item * 2654435761) % 1000003`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	codec, err := adapter.NewCodec()
	if err != nil {
		return nil, err
	}
	out := map[string][][]byte{}
	for s.Step() {
		typ := fhir.TypeName(uint16(s.ColumnInt64(0)))
		if len(out[typ]) > 4000 {
			continue
		}
		body, origin, err := codec.Unpack(s.ColumnRawBlob(1))
		if err != nil {
			return nil, err
		}
		raw := append(append(body, 0), origin...)
		if len(raw) < 8<<10 {
			out[typ] = append(out[typ], raw)
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b []byte) int { return len(b)/512 - len(a)/512 })
	}
	return out, s.Err()
}
