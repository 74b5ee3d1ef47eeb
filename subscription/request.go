package subscription

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
)

// Channels that there are.
const (
	restHook  = "rest-hook"
	websocket = "websocket"
	email     = "email"
	message   = "message"
)

// How much a notification says.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/payloads.html
const (
	contentEmpty = "empty"
	contentID    = "id-only"
	contentFull  = "full-resource"
)

const (
	backport     = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	extFilter    = backport + "backport-filter-criteria"
	extContent   = backport + "backport-payload-content"
	extHeartbeat = backport + "backport-heartbeat-period"
	extTimeout   = backport + "backport-timeout"
	extMaxCount  = backport + "backport-max-count"
	extChannel   = backport + "backport-channel-type"
)

// Limits of what can be asked for.
const (
	mostEvents     = 100 // in one notification
	mostHeaders    = 20
	mostFilters    = 20
	longestTimeout = 2 * time.Minute
	usualTimeout   = 30 * time.Second
	leastHeartbeat = 10 * time.Second
)

// request is what a Subscription resource asks for.
type request struct {
	topic     string // canonical URL; "" where the criteria are a search
	criteria  string
	filters   []string
	kind      string // of channel
	endpoint  string
	headers   []string
	payload   string // media type; "" for none
	content   string
	heartbeat time.Duration
	timeout   time.Duration
	maxCount  int
	end       time.Time
	status    string
	quiet     bool // it says of nothing what it is about (G11)
}

func refuse(kind fault.Kind, words, place string) error {
	return fault.E("subscription", kind, words, place)
}

// readRequest reads a Subscription, R4's own or the backport's: criteria that
// are a URL of a topic make the difference.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html
func readRequest(r *fhir.Resource) (*request, error) {
	if r.Type != "Subscription" {
		return nil, refuse(fault.Invalid, "this is not a Subscription", "resourceType")
	}
	c := r.Get("channel")
	q := &request{criteria: strings.TrimSpace(r.Get("criteria").Text()), kind: c.Get("type").Text(), endpoint: strings.TrimSpace(c.Get("endpoint").Text()),
		payload: c.Get("payload").Text(), status: r.Get("status").Text(), timeout: usualTimeout, maxCount: 1}
	switch {
	case q.criteria == "":
		return nil, refuse(fault.Required, "say what to tell of: a search, or the URL of a topic", "Subscription.criteria")
	case q.kind == "":
		return nil, refuse(fault.Required, "say how to tell: rest-hook, websocket, email or message", "Subscription.channel.type")
	case c.Get("_type").Exists() && len(extensions(c.Get("_type"), extChannel)) > 0:
		return nil, refuse(fault.NotSupported, "the channels are rest-hook, websocket, email and message", "Subscription.channel.type")
	}
	if before, _, _ := strings.Cut(q.criteria, "?"); strings.Contains(before, "://") || strings.HasPrefix(before, "urn:") {
		q.topic = q.criteria
	}
	if end := r.Get("end").Text(); end != "" {
		var ok bool
		if q.end, ok = fhir.Time(end); !ok {
			return nil, refuse(fault.Value, "the end is a date and time", "Subscription.end")
		}
	}
	for _, h := range c.List("header") {
		q.headers = append(q.headers, h.Text())
	}
	for _, e := range extensions(r.Get("_criteria"), extFilter) {
		q.filters = append(q.filters, e.Get("valueString").Text())
	}
	if len(q.filters) > mostFilters || len(q.headers) > mostHeaders {
		return nil, refuse(fault.TooLong, "there are at most 20 filters, and 20 headers", "Subscription")
	}
	if err := q.readPayload(c); err != nil {
		return nil, err
	}
	return q, q.readNumbers(c)
}

// extensions are those of one URL.
func extensions(n fhir.Node, url string) (out []fhir.Node) {
	for _, e := range n.List("extension") {
		if e.Get("url").Is(url) {
			out = append(out, e)
		}
	}
	return out
}

func (q *request) readPayload(c fhir.Node) error {
	const place = "Subscription.channel.payload"
	content := extensions(c.Get("_payload"), extContent)
	if q.topic != "" {
		if q.content = contentEmpty; len(content) > 0 {
			q.content = content[0].Get("valueCode").Text()
		}
		if !slices.Contains([]string{contentEmpty, contentID, contentFull}, q.content) {
			return refuse(fault.Value, "how much is told is empty, id-only or full-resource", place+".extension")
		}
	}
	kind, _, _ := strings.Cut(q.payload, ";")
	switch kind = strings.TrimSpace(kind); {
	case q.kind == email:
		if kind != "" && kind != "text/plain" && kind != "application/fhir+json" {
			return refuse(fault.NotSupported, "an e-mail is text/plain", place)
		}
	case kind == "" && q.topic != "":
		q.payload = "application/fhir+json"
	case kind == "" || isJSON(kind) || isXML(kind):
	default:
		return refuse(fault.NotSupported, "the payload is application/fhir+json or application/fhir+xml", place)
	}
	return nil
}

func isJSON(kind string) bool { return kind == "application/fhir+json" || kind == "application/json" }
func isXML(kind string) bool  { return kind == "application/fhir+xml" || kind == "application/xml" }

// readNumbers reads how often and how long.
func (q *request) readNumbers(c fhir.Node) error {
	for url, f := range map[string]func(n int) bool{
		extHeartbeat: func(n int) bool {
			q.heartbeat = time.Duration(n) * time.Second
			return n == 0 || q.heartbeat >= leastHeartbeat
		},
		extTimeout: func(n int) bool {
			if n > 0 {
				q.timeout = min(time.Duration(n)*time.Second, longestTimeout)
			}
			return true
		},
		extMaxCount: func(n int) bool {
			q.maxCount = min(n, mostEvents)
			return n > 0
		},
	} {
		for _, e := range extensions(c, url) {
			_, v := e.First("value")
			n, err := strconv.Atoi(v.Text())
			if err != nil || n < 0 || n > 1<<24 || !f(n) {
				return refuse(fault.Value, "a heartbeat is at least 10 seconds, a count at least 1", "Subscription.channel.extension")
			}
		}
	}
	return nil
}
