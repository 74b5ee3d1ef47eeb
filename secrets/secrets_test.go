package secrets_test

import (
	"testing"
	"time"

	"selda/fault"
	"selda/internal/document"
	"selda/secrets"
)

var now = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func TestHowAnItemStands(t *testing.T) {
	owned := secrets.Item{Owner: "Team", Contact: "team@kch.example"}
	with := func(f func(*secrets.Item)) *secrets.Item {
		i := owned
		f(&i)
		return &i
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		item *secrets.Item
		want secrets.State
		days int
	}{
		"long to go":                       {with(func(i *secrets.Item) { i.Ends = now.Add(31 * day) }), secrets.Good, 31},
		"a month":                          {with(func(i *secrets.Item) { i.Ends = now.Add(30 * day) }), secrets.Month, 30},
		"more than a week":                 {with(func(i *secrets.Item) { i.Ends = now.Add(7*day + time.Second) }), secrets.Month, 7},
		"a week":                           {with(func(i *secrets.Item) { i.Ends = now.Add(7 * day) }), secrets.Week, 7},
		"an hour":                          {with(func(i *secrets.Item) { i.Ends = now.Add(time.Hour) }), secrets.Week, 0},
		"over just now":                    {with(func(i *secrets.Item) { i.Ends = now }), secrets.Overdue, 0},
		"over since yesterday":             {with(func(i *secrets.Item) { i.Ends = now.Add(-time.Hour) }), secrets.Overdue, -1},
		"over, and refused":                {with(func(i *secrets.Item) { i.Ends, i.Stops = now.Add(-time.Hour), true }), secrets.Ended, 0},
		"disabled":                         {with(func(i *secrets.Item) { i.Over = true }), secrets.Ended, 0},
		"kept in the clear":                {with(func(i *secrets.Item) { i.Ends, i.Unsafe = now.Add(300*day), "in the clear" }), secrets.NotKept, 300},
		"nobody's":                         {&secrets.Item{Ends: now.Add(300 * day)}, secrets.NoOwner, 300},
		"somebody's who can't be reached":  {&secrets.Item{Owner: "x", Ends: now.Add(300 * day)}, secrets.NoOwner, 300},
		"nobody's, and ends in a week":     {&secrets.Item{Ends: now.Add(6 * day)}, secrets.Week, 6},
		"nobody said when":                 {with(func(*secrets.Item) {}), secrets.NoEnd, 0},
		"it has no end, and that is right": {with(func(i *secrets.Item) { i.Endless = "each id is made of it" }), secrets.Good, 0},
	} {
		if got := c.item.State(now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if days, ends := c.item.DaysLeft(now); days != c.days || ends != (!c.item.Ends.IsZero() && c.want != secrets.Ended) {
			t.Errorf("%s: %d days, %v", name, days, ends)
		}
	}
}

// A key is known by its id: with another it was replaced, and what was said of its end
// was of the one before; its owner stays.
func TestTheRegisterKnowsAReplacedKey(t *testing.T) {
	r := secrets.Register{Documents: document.Folder(t.TempDir())}
	year := 365 * 24 * time.Hour
	item := func(id string) []secrets.Item { return []secrets.Item{{Name: "tokens", ID: id, Life: year}} }
	at := func(id string, when time.Time) secrets.Item {
		t.Helper()
		list, err := r.Fill(item(id), when)
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	if i := at("a", now); !i.Made.Equal(now) || !i.Rotated.IsZero() || !i.Ends.Equal(now.Add(year)) || i.State(now) != secrets.NoOwner {
		t.Errorf("%+v", i)
	}
	later := now.Add(100 * 24 * time.Hour)
	ends := later.Add(20 * 24 * time.Hour)
	if err := r.Own("tokens", secrets.Owned{Owner: "Operations", Contact: "ops@selda.example", Ends: ends}, "admin", later); err != nil {
		t.Fatal(err)
	}
	if err := r.Own("tokens", secrets.Owned{Contact: "oncall@selda.example"}, "admin", later); err != nil {
		t.Fatal(err)
	}
	if i := at("a", later); !i.Made.Equal(now) || !i.Ends.Equal(ends) || i.Owner != "Operations" || i.Contact != "oncall@selda.example" || i.State(later) != secrets.Month {
		t.Errorf("%+v %s", i, i.State(later))
	}
	if i := at("b", later); !i.Made.Equal(now) || !i.Rotated.Equal(later) || !i.Ends.Equal(later.Add(year)) || i.Owner != "Operations" || i.State(later) != secrets.Good {
		t.Errorf("%+v", i)
	}
	for name, err := range map[string]error{
		"nothing":             r.Own("tokens", secrets.Owned{Contact: " "}, "admin", later),
		"an end that is past": r.Own("tokens", secrets.Owned{Owner: "x", Ends: later.Add(-time.Hour)}, "admin", later),
		"two lines":           r.Own("tokens", secrets.Owned{Owner: "x\ny"}, "admin", later),
	} {
		if !fault.Is(err, fault.Value) && !fault.Is(err, fault.Required) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheMostUrgentIsFirst(t *testing.T) {
	list := []secrets.Item{{Name: "good", Owner: "x", Contact: "y", Ends: now.Add(1000 * time.Hour)}, {Name: "nobody's"}, {Name: "soon", Ends: now.Add(2 * time.Hour)}, {Name: "over", Ends: now.Add(-time.Hour)}, {Name: "sooner", Ends: now.Add(time.Hour)}}
	secrets.Sort(list, now)
	var names string
	for _, i := range list {
		names += i.Name + " "
	}
	if names != "over sooner soon nobody's good " {
		t.Error(names)
	}
}
