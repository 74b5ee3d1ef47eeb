package region

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// G21: whoever watches over a region sees of when its downtime copy is: that none could be
// made since is no surprise on the day.
func TestG21TheAgeOfTheCopyIsWatched(t *testing.T) {
	r := open(t)
	shown := func() string {
		w := httptest.NewRecorder()
		r.metrics.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		b, _ := io.ReadAll(w.Result().Body)
		_, after, _ := strings.Cut(string(b), "\nselda_downtime_copy_seconds ")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	if got := shown(); got != "0" {
		t.Errorf("no copy is kept, and it is of %s", got)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.FollowDowntime(ctx, dir, time.Hour); close(done) }()
	for late := time.Now().Add(20 * time.Second); shown() == "0" && time.Now().Before(late); {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	<-done
	d, err := ReadDowntime(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got float64
	if _, err := fmt.Sscan(shown(), &got); err != nil || int64(got) != d.Made.Unix() {
		t.Errorf("the copy is of %d, and it says %s: %v", d.Made.Unix(), shown(), err)
	}
}
