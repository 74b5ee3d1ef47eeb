package sqlite

import (
	"context"

	"selda/subscription"
)

// Record is subscription.Queue's.
func (db *DB) Record(ctx context.Context, turns ...subscription.Turn) (numbers []map[int64]uint64, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		numbers = nil
		for _, t := range turns {
			if err := tx.under(t.Under); err != nil {
				return err
			}
			r := turn{Tx: tx, Turn: t, numbers: map[int64]uint64{}}
			numbers = append(numbers, r.numbers)
			for _, step := range []func() error{r.drop, r.hold, r.number, r.tried, r.done, r.lane} {
				if err := step(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return numbers, err
}

// turn is one that is being recorded.
type turn struct {
	*Tx
	subscription.Turn
	numbers map[int64]uint64
}

// drop takes events away that are not the subscriber's. A number that nobody
// can have seen is free again.
func (t *turn) drop() error {
	for _, seq := range t.Drop {
		number, err := t.count(`SELECT number FROM subscription_event WHERE subscription=? AND seq=? AND state=0 AND doubt=0`, t.Subscription, seq)
		if err == nil && number > 0 {
			err = t.run(`INSERT INTO subscription_free(subscription, number) VALUES(?, ?) ON CONFLICT DO NOTHING`, t.Subscription, number)
		}
		if err == nil {
			err = t.run(`DELETE FROM subscription_event WHERE subscription=? AND seq=? AND state=0`, t.Subscription, seq)
		}
		if err != nil {
			return err
		}
	}
	if len(t.Drop) == 0 {
		return nil
	}
	for { // the last numbers, taken back, have never been
		last, err := t.count(`SELECT numbered FROM subscription WHERE key=?`, t.Subscription)
		if err != nil {
			return err
		}
		if err := t.run(`DELETE FROM subscription_free WHERE subscription=? AND number=?`, t.Subscription, last); err != nil || t.c.Changes() == 0 {
			return err
		}
		if err := t.run(`UPDATE subscription SET numbered=numbered-1 WHERE key=?`, t.Subscription); err != nil {
			return err
		}
	}
}

// hold gives events a lane of their own, so that others need not wait for them.
func (t *turn) hold() error {
	for _, seq := range t.Turn.Hold {
		err := t.run(`UPDATE subscription_event SET lane='held '||seq WHERE subscription=? AND seq=?`, t.Subscription, seq)
		if err == nil {
			err = t.run(`INSERT INTO subscription_lane(subscription, lane, attempts, next) VALUES(?1, 'held '||?2, 0, ?3) ON CONFLICT DO UPDATE SET next=excluded.next`,
				t.Subscription, seq, t.Until)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// number gives numbers: one that is free, where the lane has not passed it, else the next.
func (t *turn) number() error {
	for _, seq := range t.Number {
		had, err := t.count(`SELECT number FROM subscription_event WHERE subscription=? AND seq=?`, t.Subscription, seq)
		if err != nil {
			return err
		}
		if had > 0 {
			t.numbers[seq] = uint64(had)
			continue
		}
		last, err := t.count(`SELECT number FROM subscription_last WHERE subscription=? AND lane=?`, t.Subscription, t.Lane)
		if err != nil {
			return err
		}
		n, err := t.count(`SELECT coalesce(min(number), 0) FROM subscription_free WHERE subscription=? AND number>?`, t.Subscription, last)
		if err != nil {
			return err
		}
		if n > 0 {
			err = t.run(`DELETE FROM subscription_free WHERE subscription=? AND number=?`, t.Subscription, n)
		} else if err = t.run(`UPDATE subscription SET numbered=numbered+1 WHERE key=?`, t.Subscription); err == nil {
			n, err = t.count(`SELECT numbered FROM subscription WHERE key=?`, t.Subscription)
		}
		if err == nil {
			err = t.run(`UPDATE subscription_event SET number=? WHERE subscription=? AND seq=?`, n, t.Subscription, seq)
		}
		if err == nil {
			err = t.run(`INSERT INTO subscription_last(subscription, lane, number) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET number=excluded.number`, t.Subscription, t.Lane, n)
		}
		if err != nil {
			return err
		}
		t.numbers[seq] = uint64(n)
	}
	return nil
}

func (t *turn) tried() error {
	for _, seq := range t.Tried {
		if err := t.run(`UPDATE subscription_event SET tried=CASE tried WHEN 0 THEN ?1 ELSE tried END, doubt=doubt OR ?2 WHERE subscription=?3 AND seq=?4`,
			t.At, t.Doubt, t.Subscription, seq); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) done() error {
	for _, seq := range t.Done {
		if err := t.run(`UPDATE subscription_event SET state=1, done=? WHERE subscription=? AND seq=?`, t.At, t.Subscription, seq); err != nil {
			return err
		}
	}
	for _, seq := range t.Aside {
		if err := t.run(`UPDATE subscription_event SET state=2, done=?, reason=? WHERE subscription=? AND seq=? AND state=0`, t.At, t.Reason, t.Subscription, seq); err != nil {
			return err
		}
	}
	return nil
}

// lane says when the next turn is, or that nothing waits there any more.
func (t *turn) lane() error {
	waits, err := t.count(`SELECT EXISTS(SELECT 1 FROM subscription_event INDEXED BY subscription_event_lane WHERE subscription=? AND lane=? AND state=0)`, t.Subscription, t.Lane)
	if err != nil {
		return err
	}
	if waits == 0 {
		return t.run(`DELETE FROM subscription_lane WHERE subscription=? AND lane=?`, t.Subscription, t.Lane)
	}
	return t.run(`INSERT INTO subscription_lane(subscription, lane, attempts, next) VALUES(?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET attempts=excluded.attempts, next=excluded.next`, t.Subscription, t.Lane, t.Attempts, t.Next)
}
