package region

import (
	"context"

	"selda/fault"
	"selda/ingest/classify"
	"selda/policy"
	"selda/store"
)

// marks is access.Marks on the store.
type marks struct{ r *Region }

// Mark is access.Marks'.
func (m marks) Mark(ctx context.Context, s store.Subject, typ, id string, label policy.Labels) error {
	return m.r.Store.Update(ctx, func(tx store.Tx) error {
		l, exists, err := tx.ByID(typ, id)
		if err != nil {
			return err
		}
		if !exists || l.Subject != s || l.Deleted {
			return fault.E("region.Mark", fault.NotFound, "there is no such item")
		}
		v, err := tx.Current(l)
		if err != nil {
			return err
		}
		res, err := v.Resource()
		if err != nil {
			return err
		}
		if _, err := tx.Begin(m.r.Now(), v.Source, v.Message); err != nil {
			return err
		}
		class := classify.Of(res, v.Source, m.r.by())
		_, err = tx.Write(store.Put{Subject: s, Type: typ, Item: l.Item, Source: v.Source, DataSet: v.DataSet, Labels: v.Labels | label, Final: v.Final,
			When: v.When, Reported: v.Reported, Message: v.Message, Body: v.Body, Origin: v.Origin, Tokens: class.Tokens, Ordered: class.Ordered})
		return err
	})
}
