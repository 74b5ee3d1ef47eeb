package api

import (
	"selda/ingest/classify"
	"selda/policy"
	"selda/store"
)

// told adds to a version's meta.security the labels that the exchange found in it (G8),
// so that whoever takes it further can honour them. Whom a label hides an item from never
// gets the item, so nobody is told of a label whose audience they are not of. A source's
// own system reads back what it wrote.
func (q *request) told(v *store.Version, body []byte) []byte {
	return classify.Tell(body, q.foundIn(v))
}

// foundIn are the labels of a version that are told to the one who asks.
func (q *request) foundIn(v *store.Version) policy.Labels {
	if q.system() || v.Labels&classify.Sensitive == 0 {
		return 0
	}
	r, err := v.Resource()
	if err != nil {
		return 0
	}
	return classify.By{Lists: q.lists()}.Sensitive().Found(r, v.Source, v.Labels)
}

func (a *API) lists() *classify.Lists {
	if a.Lists == nil {
		return nil
	}
	return a.Lists()
}
