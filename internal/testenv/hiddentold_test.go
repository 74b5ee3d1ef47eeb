package testenv

import (
	"net/http"

	"pgregory.net/rapid"

	"selda/fhir"
)

// subscribed has the reader ask to be told of what changes in the record.
func (h *hidden) subscribed(e int, w *written) {
	if w.follows == "" {
		return
	}
	const base = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	about := map[string]string{"result": "Observation?patient=", "document": "DocumentReference?patient=", "medication": "MedicationRequest?patient=", "encounter": "Encounter?patient=", "referral": "ServiceRequest?patient=", "patient": "Patient?_id=", "consent": "Consent?patient="}[w.follows]
	who := w.citizen[e]
	if w.reader == "system" {
		who = w.key + "-0"
	}
	body := `{"resourceType":"Subscription","status":"requested","reason":"test","criteria":"https://selda.example/SubscriptionTopic/` + w.follows + `","_criteria":{"extension":[{"url":"` + base + `backport-filter-criteria","valueString":"` + about + who + `"}]},` +
		`"channel":{"type":"websocket","payload":"application/fhir+json","_payload":{"extension":[{"url":"` + base + `backport-payload-content","valueCode":"full-resource"}]}}}`
	a := h.asks(e, w, http.MethodPost, "/fhir/Subscription", body, nil)
	r, err := fhir.ParseTrusted(a.Body.Bytes())
	if err == nil && a.Code == http.StatusCreated {
		w.told[e] = r.Get("id").Text()
	}
	h.must(h.env[e].Region.Subscriptions.Settle(h.Context()))
}

// notified waits until the subscriber has been told all that there is to tell.
func (h *hidden) notified(e int, w *written) {
	if w.follows != "" {
		h.must(h.env[e].Region.Subscriptions.Settle(h.Context()))
	}
}

// following asks what a subscriber was told, and how the subscription stands.
func (h *hidden) following(t *rapid.T, w *written) {
	if (w.told[0] == "") != (w.told[1] == "") {
		t.Fatalf("as %s: a subscription to %s is refused in one region: %q", w.reader, w.follows, w.told)
	}
	if w.told[0] == "" {
		return
	}
	for _, more := range []string{"", "/$status", "/$events", "/$events?eventsSinceNumber=1&content=id-only", "/$events?eventsUntilNumber=2"} {
		var path [2]string
		for e := range path {
			path[e] = "/fhir/Subscription/" + w.told[e] + more
		}
		h.both(t, w, http.MethodGet, path, "")
	}
	h.both(t, w, http.MethodDelete, [2]string{"/fhir/Subscription/" + w.told[0], "/fhir/Subscription/" + w.told[1]}, "") // who asks next has no other's
}
