package subscription_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"selda/internal/pgtest"
)

// Two nodes on one database: one of them follows the log, whichever was asked;
// a socket is told by the node that it is at; when the one that follows ends,
// the other goes on where it was.
func TestTwoNodes(t *testing.T) {
	dsn := pgtest.DSN(t)
	a := openOn(t, dsn)
	a.declared()
	b := &region{T: t, dir: t.TempDir(), dsn: dsn}
	b.start(a.env.Now())
	running := true
	defer func() {
		if running {
			_ = b.env.Close()
		}
	}()
	v := receive(t)
	var told []string
	await := func(what string, n int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); len(told) < n; {
			for _, s := range v.told() {
				if s != "handshake" {
					told = append(told, s)
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v", what, told)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	b.subscribe("system", topical("result", v.URL, "full-resource"))
	id := b.subscribe("visitor", topical("result", "", "full-resource", "Observation?patient=Patient/p1", "kind=websocket"))
	// What one node has just taken in the other changes, and takes away.
	short := a.subscribe("system", topical("admission", v.URL, "empty"))
	b.do(200, "system", "PUT", "/fhir/Subscription/"+short, strings.Replace(topical("admission", v.URL, "id-only"), `"resourceType"`, `"id":"`+short+`","resourceType"`, 1))
	a.do(204, "system", "DELETE", "/fhir/Subscription/"+short, "")
	b.do(404, "system", "GET", "/fhir/Subscription/"+short, "")
	a.observe("p1", "one") // at the other node, at once
	await("at the other node", 1)
	sockets := map[*region]*socket{}
	for _, r := range []*region{a, b} {
		p := decoded(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$get-ws-binding-token", "")).Parameter
		sockets[r] = r.dial(nil, "bind-with-token "+value(p, "token"))
		same(t, "bound", said(t, []byte(sockets[r].next())), "handshake")
		if r == a {
			same(t, "on the socket", said(t, []byte(sockets[r].next())), "1:one")
			settled(t, r)
			_ = sockets[r].CloseNow()
		}
	}
	b.observe("p1", "two")
	await("both nodes", 2)
	same(t, "on the other node's socket", said(t, []byte(sockets[b].next())), "2:two")
	_ = sockets[b].CloseNow()
	_ = b.env.Close()
	running = false
	a.observe("p1", "three")
	await("when one node has ended", 3)
	same(t, "told", told, "1:one", "2:two", "3:three")
}

// settled waits until a node has recorded what it has told.
func settled(t *testing.T, r *region) {
	t.Helper()
	if err := r.env.Region.Subscriptions.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
}
