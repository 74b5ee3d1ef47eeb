package postgres_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"selda/internal/pgtest"
	"selda/store/postgres"
	"selda/subscription"
)

// In a region that was restored a Subscription gets a key that none has.
func TestSubscriptionsOfARestoredRegion(t *testing.T) {
	type piece struct {
		name    string
		content []byte
	}
	var pieces []piece
	made := func(id string) *subscription.Subscription {
		return &subscription.Subscription{ID: id, User: "system", Version: 1, Status: subscription.Off, Body: []byte(`{}`)}
	}
	ctx := context.Background()
	one := openAt(t, pgtest.DSN(t))
	for _, id := range []string{"a", "b"} {
		if err := one.SaveSubscription(ctx, made(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Dump(ctx, func(name string, content []byte) error {
		pieces = append(pieces, piece{name, bytes.Clone(content)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.DSN(t)
	next := func() (string, io.Reader, error) {
		if len(pieces) == 0 {
			return "", nil, io.EOF
		}
		p := pieces[0]
		pieces = pieces[1:]
		return p.name, bytes.NewReader(p.content), nil
	}
	if err := postgres.Fill(ctx, dsn, next); err != nil {
		t.Fatal(err)
	}
	two := openAt(t, dsn)
	if err := two.SaveSubscription(ctx, made("c")); err != nil {
		t.Error(err)
	}
	if list, err := two.Subscriptions(ctx, "system"); err != nil || len(list) != 3 {
		t.Errorf("there are %d: %v", len(list), err)
	}
}
