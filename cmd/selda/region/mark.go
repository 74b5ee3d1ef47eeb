package region

import (
	"context"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/classify"
	"selda/policy"
	"selda/store"
)

// marks is access.Marks on the store.
type marks struct{ r *Region }

// Mark is access.Marks'.
func (m marks) Mark(ctx context.Context, s store.Subject, typ, id string, label policy.Labels) error {
	return m.anew(ctx, typ, id, func(v *store.Version) error {
		if v.Subject != s {
			return fault.E("region.Mark", fault.NotFound, "there is no such item")
		}
		return nil
	}, func(p *store.Put) { p.Labels |= label })
}

// Rewrite is access.Marks'.
func (m marks) Rewrite(ctx context.Context, typ, id string, change func([]byte) []byte) error {
	return m.anew(ctx, typ, id, func(*store.Version) error { return nil }, func(p *store.Put) { p.Body = change(p.Body) })
}

// anew writes a version of an item that differs in what change changes.
func (m marks) anew(ctx context.Context, typ, id string, may func(*store.Version) error, change func(*store.Put)) error {
	return m.r.Store.Update(ctx, func(tx store.Tx) error {
		l, exists, err := tx.ByID(typ, id)
		if err != nil {
			return err
		}
		if !exists || l.Deleted {
			return fault.E("region.Mark", fault.NotFound, "there is no such item")
		}
		v, err := tx.Current(l)
		if err == nil {
			err = may(v)
		}
		if err != nil {
			return err
		}
		put := store.Put{Subject: v.Subject, Type: typ, Item: l.Item, Source: v.Source, DataSet: v.DataSet, Labels: v.Labels, Final: v.Final,
			When: v.When, Reported: v.Reported, Message: v.Message, Body: v.Body, Origin: v.Origin}
		change(&put)
		res, err := fhir.ParseTrusted(put.Body)
		if err != nil {
			return err
		}
		if _, err := tx.Begin(m.r.Now(), v.Source, v.Message); err != nil {
			return err
		}
		class := classify.Of(res, v.Source, m.r.by())
		put.Tokens, put.Ordered = class.Tokens, class.Ordered
		_, err = tx.Write(put)
		return err
	})
}
