package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"selda/store"
	"selda/subscription"
)

// Record is subscription.Queue's. The row of subscription_count is held by who
// gives numbers, or takes one back.
func (db *DB) Record(ctx context.Context, turns ...subscription.Turn) (numbers []map[int64]uint64, err error) {
	err = db.beside(ctx, func(tx pgx.Tx) error {
		numbers = nil
		held := map[store.Lease]bool{}
		for _, t := range turns {
			if !held[t.Under] {
				held[t.Under] = true
				if err := hold(ctx, tx, t.Under); err != nil {
					return err
				}
			}
			r := turn{Tx: tx, Turn: t, ctx: ctx, numbers: map[int64]uint64{}}
			numbers = append(numbers, r.numbers)
			if len(t.Drop)+len(t.Number) > 0 {
				if r.last, err = number(ctx, tx, `SELECT numbered FROM subscription_count WHERE subscription=$1 FOR UPDATE`, t.Subscription); err != nil {
					return err
				}
			}
			for _, step := range []func() error{r.drop, r.hold, r.number, r.end} {
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
	pgx.Tx
	subscription.Turn
	ctx     context.Context
	last    int64
	numbers map[int64]uint64
}

func (t *turn) do(sql string, args ...any) error {
	_, err := t.Exec(t.ctx, sql, args...)
	return err
}

// drop takes events away that are not the subscriber's. A number that nobody
// can have seen is free again, and the last ones have never been.
func (t *turn) drop() error {
	if len(t.Drop) == 0 {
		return nil
	}
	if err := t.do(`INSERT INTO subscription_free(subscription, number) SELECT subscription, number FROM subscription_event
		WHERE subscription=$1 AND seq = ANY($2) AND state=0 AND number>0 AND NOT doubt ON CONFLICT DO NOTHING`, t.Subscription, t.Drop); err != nil {
		return err
	}
	if err := t.do(`DELETE FROM subscription_event WHERE subscription=$1 AND seq = ANY($2) AND state=0`, t.Subscription, t.Drop); err != nil {
		return err
	}
	for {
		gone, err := t.Exec(t.ctx, `DELETE FROM subscription_free WHERE subscription=$1 AND number=$2`, t.Subscription, t.last)
		if err != nil {
			return err
		}
		if gone.RowsAffected() == 0 {
			return t.do(`UPDATE subscription_count SET numbered=$2 WHERE subscription=$1`, t.Subscription, t.last)
		}
		t.last--
	}
}

// hold gives events a lane of their own, so that others need not wait for them.
func (t *turn) hold() error {
	if len(t.Hold) == 0 {
		return nil
	}
	if err := t.do(`UPDATE subscription_event SET lane='held '||seq WHERE subscription=$1 AND seq = ANY($2)`, t.Subscription, t.Hold); err != nil {
		return err
	}
	return t.do(`INSERT INTO subscription_lane(subscription, lane, attempts, next) SELECT $1, 'held '||seq, 0, $3 FROM unnest($2::bigint[]) AS seq
		ON CONFLICT(subscription, lane) DO UPDATE SET next=excluded.next`, t.Subscription, t.Hold, milli(t.Until))
}

// number gives numbers: one that is free, where the lane has not passed it, else the next.
func (t *turn) number() error {
	if len(t.Number) == 0 {
		return nil
	}
	for _, seq := range t.Number {
		if had, err := number(t.ctx, t.Tx, `SELECT number FROM subscription_event WHERE subscription=$1 AND seq=$2`, t.Subscription, seq); err != nil || had > 0 {
			if t.numbers[seq] = uint64(had); err != nil {
				return err
			}
			continue
		}
		n, err := number(t.ctx, t.Tx, `DELETE FROM subscription_free WHERE subscription=$1 AND number=(SELECT min(number) FROM subscription_free WHERE subscription=$1
			AND number>coalesce((SELECT number FROM subscription_last WHERE subscription=$1 AND lane=$2), 0)) RETURNING number`, t.Subscription, t.Lane)
		if err != nil {
			return err
		}
		if n == 0 {
			t.last++
			n = t.last
		}
		if err := t.do(`UPDATE subscription_event SET number=$3 WHERE subscription=$1 AND seq=$2`, t.Subscription, seq, n); err != nil {
			return err
		}
		if err := t.do(`INSERT INTO subscription_last(subscription, lane, number) VALUES($1, $2, $3) ON CONFLICT(subscription, lane) DO UPDATE SET number=excluded.number`,
			t.Subscription, t.Lane, n); err != nil {
			return err
		}
		t.numbers[seq] = uint64(n)
	}
	return t.do(`UPDATE subscription_count SET numbered=$2 WHERE subscription=$1`, t.Subscription, t.last)
}

// end records what became of the events, and when the lane's next turn is.
func (t *turn) end() error {
	b := &pgx.Batch{}
	if len(t.Tried) > 0 {
		b.Queue(`UPDATE subscription_event SET tried=CASE tried WHEN 0 THEN $3 ELSE tried END, doubt=doubt OR $4 WHERE subscription=$1 AND seq = ANY($2)`,
			t.Subscription, t.Tried, milli(t.At), t.Doubt)
	}
	if len(t.Done) > 0 {
		b.Queue(`UPDATE subscription_event SET state=1, done=$3 WHERE subscription=$1 AND seq = ANY($2)`, t.Subscription, t.Done, milli(t.At))
	}
	if len(t.Aside) > 0 {
		b.Queue(`UPDATE subscription_event SET state=2, done=$3, reason=$4 WHERE subscription=$1 AND seq = ANY($2) AND state=0`, t.Subscription, t.Aside, milli(t.At), t.Reason)
	}
	b.Queue(`DELETE FROM subscription_lane WHERE subscription=$1 AND lane=$2 AND NOT EXISTS (SELECT 1 FROM subscription_event WHERE subscription=$1 AND lane=$2 AND state=0)`,
		t.Subscription, t.Lane)
	b.Queue(`INSERT INTO subscription_lane(subscription, lane, attempts, next) SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM subscription_event
		WHERE subscription=$1 AND lane=$2 AND state=0) ON CONFLICT(subscription, lane) DO UPDATE SET attempts=excluded.attempts, next=excluded.next`,
		t.Subscription, t.Lane, t.Attempts, milli(t.Next))
	return t.SendBatch(t.ctx, b).Close()
}
