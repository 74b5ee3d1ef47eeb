package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"
	"selda/subscription"
)

// Subscriptions is the port to those who are told. They are no part of any
// record: each account has its own, and sees no others.
// https://hl7.org/fhir/R4/subscription.html
type Subscriptions interface {
	Put(ctx context.Context, s policy.Subject, base, id string, match int, compact []byte) (*subscription.Resource, error)
	Get(ctx context.Context, s policy.Subject, id string) (*subscription.Resource, error)
	List(ctx context.Context, s policy.Subject) ([]*subscription.Resource, error)
	// History gives the versions of one that somebody has, or of all, the latest first.
	History(ctx context.Context, s policy.Subject, id string) ([]*subscription.Resource, error)
	Delete(ctx context.Context, s policy.Subject, id string) error
	Status(ctx context.Context, s policy.Subject, id string) ([]byte, error)
	Statuses(ctx context.Context, s policy.Subject, ids, states []string) ([][]byte, error)
	Events(ctx context.Context, s policy.Subject, id string, r subscription.Range) ([]byte, error)
	Binding(ctx context.Context, s policy.Subject, ids []string) (*subscription.Binding, error)
	Topics() []string
}

// SocketPath is where the websockets of subscriptions are.
const SocketPath = "/subscriptions/websocket"

const backport = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"

func init() {
	types := []string{"Subscription"}
	offer(operation{name: "status", at: onType | onInstance, types: types, definition: backport + "status", run: (*request).subscriptionStatus},
		operation{name: "events", at: onInstance, types: types, definition: backport + "events", run: (*request).subscriptionEvents},
		operation{name: "get-ws-binding-token", at: onType | onInstance, types: types, definition: backport + "get-ws-binding-token", run: (*request).bindingToken})
}

// subscribing serves the interactions with Subscriptions.
func (q *request) subscribing() error {
	n := len(q.path)
	last := q.path[n-1]
	switch {
	case n == 1:
		return q.subscriptionsOfType()
	case n == 2 && last == "_search":
		return q.only("POST", func() error { return q.search("Subscription") })
	case n == 2 && last == "_history":
		return q.only("GET, HEAD", func() error { return q.subscriptionHistory("") })
	case n == 2 && strings.HasPrefix(last, "$"):
		return q.operate(onType, "Subscription", "", last)
	case n == 3 && strings.HasPrefix(last, "$"):
		return q.operate(onInstance, "Subscription", q.path[1], last)
	case n == 3 && last == "_history":
		return q.only("GET, HEAD", func() error { return q.subscriptionHistory(q.path[1]) })
	case n == 4 && q.path[2] == "_history":
		return q.only("GET, HEAD", func() error { return q.subscriptionVersion(q.path[1], last) })
	case n == 2 && !strings.HasPrefix(last, "_"):
		return q.oneSubscription(last)
	}
	return fault.E("api", fault.NotSupported, "there is no such interaction with Subscriptions: /fhir/metadata says what there is")
}

func (q *request) subscriptionsOfType() error {
	where := q.r.URL.RawQuery
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		return q.search("Subscription")
	case http.MethodPost:
		if unless := q.r.Header.Get("If-None-Exist"); unless != "" {
			return q.subscriptionWhere(unless, "If-None-Exist", func(h *hit) error {
				if h != nil {
					return q.there(h)
				}
				return q.putSubscription("")
			})
		}
		return q.putSubscription("")
	case http.MethodPut:
		return q.subscriptionWhere(where, "", q.putSubscriptionWhere)
	case http.MethodPatch:
		return q.subscriptionWhere(where, "", func(h *hit) error {
			if h == nil {
				return fault.E("api.subscription", fault.NotFound, "no resource meets the condition")
			}
			return q.patchSubscription(h.ID)
		})
	case http.MethodDelete:
		return q.deleteSubscriptionsWhere(where)
	}
	return q.refuse("GET, HEAD, POST, PUT, PATCH, DELETE")
}

func (q *request) oneSubscription(id string) error {
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		r, err := q.Subscriptions.Get(q.r.Context(), q.subject, id)
		if err != nil {
			return err
		}
		q.sendSubscription(r)
		return nil
	case http.MethodPut:
		return q.putSubscription(id)
	case http.MethodPatch:
		return q.patchSubscription(id)
	case http.MethodDelete:
		return q.deleteSubscription(id)
	}
	return q.refuse("GET, HEAD, PUT, PATCH, DELETE")
}

// sendSubscription answers with one that was read.
func (q *request) sendSubscription(r *subscription.Resource) {
	if q.headers(strconv.Itoa(r.Version), r.At); !q.unchanged() {
		q.send(http.StatusOK, q.part("Subscription", r.Body))
	}
}

// deleteSubscription takes one away, in the version that If-Match names.
func (q *request) deleteSubscription(id string) error {
	ctx := q.r.Context()
	if match := q.ifMatch(); match > 0 {
		if r, err := q.Subscriptions.Get(ctx, q.subject, id); err == nil && r.Version != match {
			return fault.E("api.subscription", fault.Conflict, "another version is in force")
		}
	}
	if err := q.Subscriptions.Delete(ctx, q.subject, id); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (q *request) putSubscription(id string) error {
	body, err := q.body()
	if err != nil {
		return err
	}
	match, err := q.ifUpdated()
	if err != nil {
		return err
	}
	switch match {
	case anyVersion:
		r, err := q.Subscriptions.Get(q.r.Context(), q.subject, id)
		if err != nil {
			return fault.E("api.subscription", fault.Conflict, "there is no such resource")
		}
		match = r.Version
	case noVersion:
		if _, err := q.Subscriptions.Get(q.r.Context(), q.subject, id); !fault.Is(err, fault.NotFound) {
			return errors.Join(err, fault.E("api.subscription", fault.Conflict, "there is such a resource already"))
		}
		match = 0
	}
	return q.takeSubscription(id, match, body)
}

// patchSubscription changes what its owner has, as they read it.
func (q *request) patchSubscription(id string) error {
	change, err := q.change()
	if err != nil {
		return err
	}
	match := q.ifMatch()
	r, err := q.Subscriptions.Get(q.r.Context(), q.subject, id)
	if err != nil {
		return err
	}
	if match > 0 && match != r.Version {
		return fault.E("api.subscription", fault.Conflict, "another version is in force")
	}
	body, err := change(r.Body)
	if err != nil {
		return err
	}
	return q.takeSubscription(id, r.Version, body)
}

func (q *request) takeSubscription(id string, match int, body []byte) error {
	compact, err := q.checked(body)
	if err != nil {
		return err
	}
	res, err := fhir.ParseTrusted(compact)
	if err != nil {
		return err
	}
	if own := res.Get("id").Text(); id != "" && own != id {
		return fault.E("api.subscription", fault.Invalid, "the id in the resource is not that of the address", "Subscription.id")
	}
	r, err := q.Subscriptions.Put(q.r.Context(), q.subject, q.base, id, match, compact)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if r.Made {
		status = http.StatusCreated
	}
	q.headers(strconv.Itoa(r.Version), r.At)
	q.w.Header().Set("Location", q.base+"/Subscription/"+r.ID+"/_history/"+strconv.Itoa(r.Version))
	return q.prefer(status, r.Body)
}

func (q *request) subscriptionStatus(_, id string) error {
	if q.Subscriptions == nil {
		return errNoSubscriptions
	}
	a, err := q.arguments()
	if err != nil {
		return err
	}
	var list [][]byte
	if id != "" {
		one, err := q.Subscriptions.Status(q.r.Context(), q.subject, id)
		if err != nil {
			return err
		}
		list = [][]byte{one}
	} else if list, err = q.Subscriptions.Statuses(q.r.Context(), q.subject, listed(a.values["id"]), listed(a.values["status"])); err != nil {
		return err
	}
	b := newBundle("searchset")
	for _, s := range list {
		var p struct{ ID string }
		if err := json.Unmarshal(s, &p); err != nil {
			return err
		}
		b.add(entry{full: "urn:uuid:" + p.ID, resource: s, mode: "match"})
	}
	q.send(http.StatusOK, b.bytes(len(list), nil))
	return nil
}

// listed are values that may be given together, with commas.
func listed(values []string) (out []string) {
	for _, v := range values {
		out = append(out, strings.Split(v, ",")...)
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

func (q *request) subscriptionEvents(_, id string) error {
	if q.Subscriptions == nil {
		return errNoSubscriptions
	}
	a, err := q.arguments()
	if err != nil {
		return err
	}
	r := subscription.Range{Until: math.MaxInt64, Content: a.text("content")}
	for name, n := range map[string]*uint64{"eventsSinceNumber": &r.Since, "eventsUntilNumber": &r.Until} {
		if s := a.text(name); s != "" {
			if *n, err = strconv.ParseUint(s, 10, 63); err != nil {
				return fault.E("api.events", fault.Value, "an event number is a number", name)
			}
		}
	}
	b, err := q.Subscriptions.Events(q.r.Context(), q.subject, id, r)
	if err != nil {
		return err
	}
	q.send(http.StatusOK, b)
	return nil
}

func (q *request) bindingToken(_, id string) error {
	if q.Subscriptions == nil {
		return errNoSubscriptions
	}
	a, err := q.arguments()
	if err != nil {
		return err
	}
	ids := listed(a.values["id"])
	if id != "" {
		ids = []string{id}
	}
	b, err := q.Subscriptions.Binding(q.r.Context(), q.subject, ids)
	if err != nil {
		return err
	}
	p := []fhir.Object{{"name": "token", "valueString": b.Token}, {"name": "expiration", "valueDateTime": b.End.Format(time.RFC3339)}}
	for _, s := range b.Subscriptions {
		p = append(p, fhir.Object{"name": "subscription", "valueString": s})
	}
	p = append(p, fhir.Object{"name": "websocket-url", "valueUrl": socketURL(q.base)})
	q.send(http.StatusOK, fhir.Marshal(fhir.Object{"resourceType": "Parameters", "parameter": p}))
	return nil
}

// socketURL is the address of the websockets, as it is reached from outside.
func socketURL(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	scheme := "wss"
	if u.Scheme == "http" {
		scheme = "ws"
	}
	return scheme + "://" + u.Host + SocketPath
}

var errNoSubscriptions = fault.E("api.subscription", fault.NotSupported, "this server tells nobody of changes")

// socketExtension says where the websockets are.
// https://hl7.org/fhir/R4/extension-capabilitystatement-websocket.html
func (q *request) socketExtension() []fhir.Object {
	if q.Subscriptions == nil {
		return nil
	}
	return []fhir.Object{{"url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket", "valueUri": socketURL(q.base)}}
}

// subscriptionCapability is what can be done with Subscriptions.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/CapabilityStatement-backport-subscription-server-r4.html
func (q *request) subscriptionCapability(ps *search.Parameters) fhir.Object {
	c := capability(ps, "Subscription", nil)
	c["supportedProfile"] = []string{"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"}
	delete(c, "searchInclude")
	c["searchParam"] = slices.DeleteFunc(c["searchParam"].([]fhir.Object), func(p fhir.Object) bool {
		return p["name"] == "_list" || p["name"] == "_has"
	})
	var topics []fhir.Object
	for _, t := range q.Subscriptions.Topics() {
		topics = append(topics, fhir.Object{"url": "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical", "valueCanonical": t})
	}
	c["extension"] = topics
	return c
}

// subscriptions refuses a transaction that makes a Subscription: what it is made
// of holds secrets, and is not kept with the messages.
func (t *transaction) subscriptions() error {
	for i, e := range t.entries {
		typ, _, _ := strings.Cut(strings.TrimPrefix(e.Get("request", "url").Text(), "/"), "/")
		if typ, _, _ = strings.Cut(typ, "?"); t.q.Subscriptions != nil && typ == "Subscription" {
			return fault.E("api.transaction", fault.NotSupported, "a Subscription is no part of a transaction: put it into a batch, or POST it", t.place(i, "request.url"))
		}
	}
	return nil
}
