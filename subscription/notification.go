package subscription

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"selda/fhir"
)

func itoa(n int) string { return strconv.Itoa(n) }

// notification is what is sent at once.
type notification struct {
	sub      *Subscription
	req      *request
	kind     string // handshake, heartbeat, event-notification, query-status, query-event
	status   string
	reason   string
	numbered uint64 // events since the subscription began
	at       time.Time
	events   []telling
	content  string // where it is not the subscription's own
}

const (
	profileNotification = backport + "backport-subscription-notification-r4"
	profileStatus       = backport + "backport-subscription-status-r4"
)

// newUUID is a urn:uuid.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (n *notification) level() string {
	if n.content != "" {
		return n.content
	}
	return n.req.content
}

func (n *notification) url() string { return n.sub.Base + "/Subscription/" + n.sub.ID }

// parameter is one of a Parameters resource.
func parameter(name, kind string, value any) fhir.Object {
	return fhir.Object{"name": name, "value" + kind: value}
}

// Status is the Parameters that stand for R5's SubscriptionStatus.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-status-r4.html
func (n *notification) statusParameters() fhir.Object {
	p := []fhir.Object{parameter("subscription", "Reference", fhir.Ref(n.url()))}
	if n.req.topic != "" && n.level() != contentEmpty {
		p = append(p, parameter("topic", "Canonical", n.req.topic))
	}
	p = append(p, parameter("status", "Code", n.status), parameter("type", "Code", n.kind),
		parameter("events-since-subscription-start", "String", strconv.FormatUint(n.numbered, 10)))
	told := n.versions()
	for _, e := range n.events {
		part := []fhir.Object{parameter("event-number", "String", strconv.FormatUint(e.Number, 10)), parameter("timestamp", "Instant", fhir.Instant(e.At))}
		if n.level() != contentEmpty && e.version != nil {
			part = append(part, parameter("focus", "Reference", fhir.Ref(n.reference(&e, told))))
			for _, b := range e.beside {
				part = append(part, parameter("additional-context", "Reference", fhir.Ref(n.reference(&b, told))))
			}
		}
		p = append(p, fhir.Object{"name": "notification-event", "part": part})
	}
	if n.reason != "" {
		p = append(p, parameter("error", "CodeableConcept", fhir.Object{"text": n.reason}))
	}
	return fhir.Object{"resourceType": "Parameters", "id": newUUID(), "meta": fhir.Object{"profile": []string{profileStatus}}, "parameter": p}
}

// versions are the versions of each resource that the notification holds.
func (n *notification) versions() map[string][]int {
	out := map[string][]int{}
	add := func(e *telling) {
		if of := e.Type + "/" + e.ID; e.version != nil && !slices.Contains(out[of], e.Version) {
			out[of] = append(out[of], e.Version)
		}
	}
	if n.level() == contentFull {
		for _, e := range n.events {
			add(&e)
			for _, b := range e.beside {
				add(&b)
			}
		}
	}
	return out
}

// reference names a resource that is told; where several of its versions are, the
// version.
func (n *notification) reference(e *telling, told map[string][]int) string {
	of := e.Type + "/" + e.ID
	if len(told[of]) > 1 {
		of += "/_history/" + itoa(e.Version)
	}
	return n.sub.Base + "/" + of
}

// bundle is the notification.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html
func (n *notification) bundle() []byte {
	status := n.statusParameters()
	entries := []fhir.Object{{"fullUrl": "urn:uuid:" + status["id"].(string), "resource": status,
		"request": fhir.Object{"method": "GET", "url": n.url() + "/$status"}, "response": fhir.Object{"status": "200"}}}
	if n.level() == contentFull {
		seen := map[string]bool{}
		add := func(e *telling, o fhir.Object) {
			if key := e.Type + "/" + e.ID + "/" + itoa(e.Version); e.version != nil && !seen[key] {
				seen[key] = true
				entries = append(entries, o)
			}
		}
		for _, e := range n.events {
			add(&e, n.entry(&e))
		}
		for _, e := range n.events {
			for _, b := range e.beside {
				add(&b, n.context(&b))
			}
		}
	}
	return fhir.Marshal(fhir.Object{"resourceType": "Bundle", "id": newUUID(), "meta": fhir.Object{"profile": []string{profileNotification}}, "type": "history",
		"timestamp": fhir.Instant(n.at), "entry": entries})
}

// entry is one event's resource, with the interaction that made it.
func (n *notification) entry(e *telling) fhir.Object {
	local := e.Type + "/" + e.ID
	o := fhir.Object{"fullUrl": n.sub.Base + "/" + local}
	method, url, status := "PUT", local, "200"
	switch e.Change {
	case Created:
		method, url, status = "POST", e.Type, "201"
	case Deleted:
		method, status = "DELETE", "204"
	}
	if e.body != nil {
		o["resource"] = json.RawMessage(e.body)
	}
	o["request"] = fhir.Object{"method": method, "url": url}
	o["response"] = fhir.Object{"status": status, "etag": `W/"` + itoa(e.Version) + `"`, "lastModified": fhir.Instant(e.At)}
	return o
}

// context is a resource that is told beside an event, as if it had been read.
func (n *notification) context(e *telling) fhir.Object {
	local := e.Type + "/" + e.ID
	return fhir.Object{"fullUrl": n.sub.Base + "/" + local, "resource": json.RawMessage(e.body), "request": fhir.Object{"method": "GET", "url": local},
		"response": fhir.Object{"status": "200", "etag": `W/"` + itoa(e.Version) + `"`, "lastModified": fhir.Instant(e.At)}}
}

// encoded is a resource in the media type that was asked for.
func encoded(compact []byte, payload string) (body []byte, kind string, err error) {
	if isXML(mediaType(payload)) {
		body, err = fhir.ToXML(compact)
		return body, mediaType(payload) + "; charset=utf-8", err
	}
	if payload == "" {
		payload = "application/fhir+json"
	}
	return compact, mediaType(payload) + "; charset=utf-8", nil
}
