package ingest

import (
	"strings"

	"selda/fhir"
	"selda/store"
)

// unnumberedVisit finds the visit that a message means which gives it no
// number: of those of the person that have none, the last that is open; for a
// discharge that is taken back, the last that is finished.
func (c *commit) unnumberedVisit(subject store.Subject) (l store.Located, id string, found bool, err error) {
	all, err := c.tx.InForce(subject, "Encounter")
	if err != nil {
		return l, "", false, err
	}
	closed := strings.HasSuffix(c.msg.Event, "^A13")
	began := ""
	for _, v := range all {
		if v.Source != c.raw.Source {
			continue
		}
		at := store.Located{Item: v.Item, Subject: v.Subject, Type: v.Type, Version: v.Version, Source: v.Source}
		now, err := c.tx.Current(at)
		if err != nil {
			return l, "", false, err
		}
		res, err := fhir.ParseTrusted(now.Body)
		if err != nil {
			return l, "", false, err
		}
		start := res.Get("period", "start").Text()
		switch status := res.Get("status").Text(); {
		case res.Get("identifier").Exists(), start < began, closed != (status == "finished"), status == "cancelled", status == "entered-in-error", status == "unknown":
			continue
		}
		l, id, found, began = at, v.ID, true, start
	}
	return l, id, found, nil
}
