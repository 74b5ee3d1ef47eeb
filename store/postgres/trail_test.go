package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/audit"
	"selda/store/postgres"
)

// Two nodes append to one chain at once; each entry has a number of its own,
// and all of them are found and proven.
func TestNodesAppendToOneTrail(t *testing.T) {
	dsn := database(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	numbers := map[uint64]bool{}
	var last *postgres.DB
	var trail *audit.Trail
	for node := range 2 {
		db := openAt(t, dsn)
		c, err := db.OpenTrail(t.Context(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		log, err := c.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tr := audit.New(c, c, log, time.Now)
		t.Cleanup(func() { _ = tr.Close() })
		last, trail = db, tr
		for user := range 4 {
			wg.Go(func() {
				for i := range 25 {
					seq, err := tr.Append(context.Background(), audit.Entry{Action: audit.Read, User: fmt.Sprintf("user%d", user), Citizen: fmt.Sprintf("citizen%d", node), What: fmt.Sprint(i)})
					mu.Lock()
					if err != nil || numbers[seq] {
						t.Errorf("entry %d twice, or not at all: %v", seq, err)
					}
					numbers[seq] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	r, err := last.VerifyTrail(t.Context())
	if err != nil || r.Entries != 200 || len(numbers) != 200 {
		t.Fatal(r, err, len(numbers))
	}
	for _, c := range []struct {
		q    audit.Query
		want int
	}{{audit.Query{Citizen: "citizen0"}, 100}, {audit.Query{User: "user1", Limit: 500}, 50}, {audit.Query{User: "user1", Citizen: "citizen1"}, 25}, {audit.Query{User: "nobody"}, 0},
		{audit.Query{Action: audit.Read, Limit: 7}, 7}, {audit.Query{To: time.Now().Add(-time.Hour)}, 0}} {
		found, err := trail.Find(t.Context(), c.q)
		if err != nil || len(found) != c.want {
			t.Errorf("%+v: %d entries, want %d: %v", c.q, len(found), c.want, err)
		}
		for i := 1; i < len(found); i++ {
			if found[i].Seq >= found[i-1].Seq {
				t.Errorf("%+v: not the latest first", c.q)
			}
		}
	}
}

// R14: whatever is done to a row of the trail is found, and the first entry
// that does not hold is named.
func TestVerifyFindsWhatIsDoneToTheTrail(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	for name, c := range map[string]struct{ sql, want string }{
		"an entry changed":        {`UPDATE trail SET entry=replace(convert_from(entry, 'UTF8'), 'user2', 'user9')::bytea WHERE seq=3`, "entry 3 "},
		"its hash too":            {`UPDATE trail SET entry='{}', hash=sha256('x') WHERE seq=3`, "entry 3 "},
		"an entry removed":        {`DELETE FROM trail WHERE seq=4`, "entry 4 "},
		"the last removed":        {`DELETE FROM trail WHERE seq=6`, "entry 6 "},
		"all removed":             {`DELETE FROM trail`, "entry 1 "},
		"one more":                {`INSERT INTO trail SELECT 7, hash, entry, at, citizen, username, organisation, action FROM trail WHERE seq=6`, "entry 7 "},
		"found by another user":   {`UPDATE trail SET username='user9' WHERE seq=2`, "entry 2 "},
		"found by no citizen":     {`UPDATE trail SET citizen=NULL WHERE seq=5`, "entry 5 "},
		"found at another time":   {`UPDATE trail SET at=at+1 WHERE seq=5`, "entry 5 "},
		"the head of another":     {`UPDATE trail_head SET seq=5`, "head"},
		"no head":                 {`DELETE FROM trail_head`, "head"},
		"the last and its head":   {`DELETE FROM trail WHERE seq=6; UPDATE trail_head SET seq=5, hash=(SELECT hash FROM trail WHERE seq=5)`, "head"},
		"two entries exchanged":   {`UPDATE trail SET seq=-seq WHERE seq IN (2, 3); UPDATE trail SET seq=5+seq WHERE seq<0`, "entry 2 "},
		"the key of another time": {`UPDATE secret SET value=sha256('x') WHERE name='trail-key'`, "head"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := database(t)
			db := openAt(t, dsn)
			c1, err := db.OpenTrail(t.Context(), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 6 {
				if _, err := c1.Append(t.Context(), audit.Entry{Action: audit.Read, User: fmt.Sprintf("user%d", i), Citizen: "c"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c1.Close(); err != nil {
				t.Fatal(err)
			}
			if r, err := db.VerifyTrail(t.Context()); err != nil || r.Entries != 6 {
				t.Fatal(r, err)
			}
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			if _, err := conn.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
			if _, err := db.VerifyTrail(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// The key that signs checkpoints changes at one node while both extend the tree: the other
// takes it up, and everything that was proven holds by either key.
func TestTheSignerHandsOverBetweenNodes(t *testing.T) {
	dsn := database(t)
	var nodes []*audit.Trail
	var db *postgres.DB
	for range 2 {
		db = openAt(t, dsn)
		c, err := db.OpenTrail(t.Context(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		log, err := c.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tr := audit.New(c, c, log, time.Now)
		t.Cleanup(func() { _ = tr.Close() })
		nodes = append(nodes, tr)
	}
	first := nodes[0].Tree().Key()
	var files [][]byte
	for round := range 3 {
		var wg sync.WaitGroup
		for i, n := range nodes {
			wg.Go(func() {
				for range 20 {
					seq, err := n.Append(context.Background(), audit.Entry{Action: audit.Read, What: "record"})
					if err == nil {
						_, err = n.Grow(context.Background())
					}
					if err != nil {
						t.Error(i, seq, err)
						return
					}
				}
			})
		}
		if round == 1 {
			wg.Go(func() {
				if err := nodes[0].HandOver(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, n := range nodes {
			file, err := n.Prove(t.Context(), uint64(round*40+i+1), audit.Parts()...)
			if err != nil {
				t.Fatal(round, i, err)
			}
			files = append(files, file)
		}
	}
	second := nodes[1].Tree().Key()
	if second == first || nodes[0].Tree().Key() != second {
		t.Fatal("the nodes sign by", first, second, nodes[0].Tree().Key())
	}
	for i, f := range files {
		for _, key := range []string{first, second} {
			if _, err := audit.CheckFile(f, key, nodes[1].Tree().Handovers()...); err != nil {
				t.Error(i, err)
			}
		}
	}
	if r, err := db.VerifyTrail(t.Context()); err != nil || r.Tree != 120 {
		t.Error(r, err)
	}
}

// R14: the tree of a region's trail grows at whichever node, in tiles, and is held
// against the trail; what is done to it is found.
func TestTreeOfTheTrail(t *testing.T) {
	dsn := database(t)
	var nodes []*audit.Trail
	var db *postgres.DB
	for range 2 {
		db = openAt(t, dsn)
		c, err := db.OpenTrail(t.Context(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		log, err := c.Tree(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tr := audit.New(c, c, log, time.Now)
		t.Cleanup(func() { _ = tr.Close() })
		nodes = append(nodes, tr)
	}
	if nodes[0].Tree().Key() != nodes[1].Tree().Key() {
		t.Fatal("two nodes sign with keys of their own")
	}
	var kept []byte
	for i := range 3 {
		var wg sync.WaitGroup
		for j := range 200 {
			wg.Go(func() {
				if _, err := nodes[j%2].Append(context.Background(), audit.Entry{Action: audit.Read, User: fmt.Sprint("user", i*200+j)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, n := range nodes {
			wg.Go(func() {
				if _, err := n.Grow(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if kept != nil {
			if _, err := nodes[1].Tree().Extends(t.Context(), kept); err != nil {
				t.Error(err)
			}
		}
		at, err := nodes[0].Tree().Latest(t.Context())
		if err != nil || at.Size != int64(i+1)*200 {
			t.Fatal(at.Size, err)
		}
		kept = at.Note
	}
	for _, seq := range []uint64{1, 256, 257, 600} {
		file, err := nodes[0].Prove(t.Context(), seq, audit.Parts()...)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := audit.CheckFile(file, nodes[1].Tree().Key()); err != nil || got.Entry.Seq != seq {
			t.Error(got, err)
		}
	}
	if r, err := db.VerifyTrail(t.Context()); err != nil || r.Tree != 600 {
		t.Fatal(r, err)
	}
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, c := range []struct{ sql, want string }{
		{`UPDATE trail_tile SET hashes=set_byte(hashes, 32*43, get_byte(hashes, 32*43)#1) WHERE level=0 AND n=1`, "entry 300 "},
		{`DELETE FROM trail_tile WHERE level=1`, "does not hold"},
		{`DELETE FROM trail_tile WHERE level=0 AND n=2`, "does not hold"},
		{`UPDATE trail_tree SET note=set_byte(note, 40, get_byte(note, 40)#1)`, "checkpoint"},
		{`DELETE FROM trail_tree`, "checkpoint"},
	} {
		if _, err := conn.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		if _, err := db.VerifyTrail(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.sql, err, c.want)
		}
	}
}

// A stretch of time is found by the order of entries, whatever it is.
func TestTrailByTime(t *testing.T) {
	db := openAt(t, database(t))
	began := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	now := began
	c, err := db.OpenTrail(t.Context(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	const n = 300
	for i := range n {
		now = began.Add(time.Duration(i) * time.Hour)
		durable, err := c.Append(t.Context(), audit.Entry{Action: audit.Read, User: "doctor", Organisation: "RJZ"})
		if err == nil {
			_, err = durable()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for from := -20; from < n+20; from += 37 {
		for _, long := range []int{1, 24, 2 * n} {
			q := audit.Query{Organisation: "RJZ", From: began.Add(time.Duration(from) * time.Hour), To: began.Add(time.Duration(from+long) * time.Hour), Limit: n}
			got, err := c.FindAudit(t.Context(), q)
			if want := max(min(from+long, n)-max(from, 0), 0); err != nil || len(got) != want {
				t.Errorf("%d hours from %d: %d, want %d: %v", long, from, len(got), want, err)
			}
		}
	}
}
