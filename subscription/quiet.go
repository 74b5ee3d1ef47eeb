package subscription

import (
	"context"
	"time"

	"selda/nhs"
)

// quiet keeps what is told to a citizen in safety mode quiet (G11): it comes only in
// the hours that they chose, by e-mail only where nobody else reads it, and says of
// nothing what it is about. It gives when the events may go: at once, at a later time,
// or never, which is the zero time; and the subscription as it is told then.
func (f *Follower) quiet(ctx context.Context, s *entry, now time.Time) (as *entry, at time.Time, err error) {
	if s.sub.Citizen == "" {
		return s, now, nil
	}
	if subject, ok := f.Account(s.sub.User, s.sub.Purpose); !ok || subject.Role != nhs.Citizen {
		return s, now, nil
	}
	m, err := f.Access.Safety(ctx, s.sub.Citizen)
	if err != nil || !m.On {
		return s, now, err
	}
	hushed, req := *s, *s.req
	req.content, req.quiet = contentEmpty, true
	if req.topic == "" || req.kind == email { // R4's own: no payload is no content
		req.payload = ""
	}
	hushed.req = &req
	return &hushed, m.NoticeAt(now, req.kind == email), nil
}

// put puts a lane's events off to a time, or drops them where it is never.
func put(t *Turn, events []Event, at time.Time) {
	for _, e := range events {
		if at.IsZero() {
			t.Drop = append(t.Drop, e.Seq)
		} else {
			t.Hold, t.Until = append(t.Hold, e.Seq), at
		}
	}
}
