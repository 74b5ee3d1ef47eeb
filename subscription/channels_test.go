package subscription_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"selda/fhir"
	"selda/internal/testenv"
	"selda/subscription"
)

// R4's own Subscription: criteria are a search; without a payload a POST says
// that there is something, with one the resource is put.
// https://hl7.org/fhir/R4/subscription.html
func TestCriteriaThatAreASearch(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("p1", "")
	plain := func(criteria, payload string) {
		r.subscribe("system", `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"`+criteria+`","channel":{"type":"rest-hook","endpoint":"`+v.URL+`/hook",`+payload+`"header":["X-Key: k"]}}`)
	}
	plain("Observation?code=http://loinc.org|1975-2&value-string=yes", "")
	plain("Observation?value-string=yes", `"payload":"application/fhir+json",`)
	plain("Observation?value-string=yes", `"payload":"application/fhir+xml",`)
	r.observe("p1", "no")
	r.observe("p1", "yes")
	r.settle()
	var got []string
	for _, c := range v.got() {
		path, id := c.Path, ""
		if i := strings.Index(path, "/Observation/"); i > 0 {
			id = path[i+13:]
			path = path[:i]
		}
		body := string(c.Body)
		if strings.Contains(c.Kind, "xml") {
			j, err := fhir.FromXML(c.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = string(j)
		}
		got = append(got, fmt.Sprintln(c.Method, path, c.Kind, c.Header.Get("X-Key"), len(c.Body) > 0, id != "" && strings.Contains(body, `"id":"`+id+`"`) && strings.Contains(body, `"yes"`)))
	}
	want := []string{"POST /hook  k false false", "PUT /hook application/fhir+json; charset=utf-8 k true true", "PUT /hook application/fhir+xml; charset=utf-8 k true true"}
	for _, w := range want {
		if !strings.Contains(strings.Join(got, "\n"), w) {
			t.Errorf("%s is not among %q", w, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d calls: %q", len(got), got)
	}
}

// The channel message: a message Bundle with the notification, for $process-message.
func TestMessages(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("p1", "")
	r.subscribe("system", topical("result", v.URL+"/fhir", "full-resource", "kind=message"))
	r.settle()
	r.observe("p1", "one")
	r.settle()
	calls := v.got()
	if len(calls) != 2 || calls[1].Path != "/fhir/$process-message" {
		t.Fatalf("%d calls: %+v", len(calls), calls)
	}
	b := decoded(t, calls[1].Body)
	if b.Type != "message" || len(b.Entry) != 2 || b.Entry[0].Resource.ResourceType != "MessageHeader" || b.Entry[0].Resource.EventURI == "" ||
		b.Entry[1].Resource.Type != "history" || len(b.Entry[1].Resource.Entry) != 2 || b.Entry[1].Resource.Entry[1].Resource.ValueString != "one" {
		t.Errorf("the message: %s", calls[1].Body)
	}
}

// A heartbeat comes where nothing else does.
func TestHeartbeat(t *testing.T) {
	r := open(t)
	v := receive(t)
	r.patient("p1", "")
	r.subscribe("system", topical("result", v.URL, "empty", `"extension":[{"url":"`+base+`backport-heartbeat-period","valueUnsignedInt":60}]`))
	r.settle()
	v.got()
	r.advance(70*time.Second, 10*time.Second)
	same(t, "after a minute", v.told(), "heartbeat")
	r.observe("p1", "one")
	r.settle()
	same(t, "an event", v.told(), "1:")
	r.advance(50*time.Second, 10*time.Second)
	same(t, "soon after an event", v.told())
	r.advance(20*time.Second, 10*time.Second)
	same(t, "a minute after it", v.told(), "heartbeat")
}

// An endpoint that only this server could reach is refused, and so is one
// without TLS; what an operator named is called.
func TestEndpointsThatMayNotBeCalled(t *testing.T) {
	r := open(t)
	for _, endpoint := range []string{"https://10.1.2.3/x", "https://192.168.0.1/x", "https://169.254.169.254/latest", "https://[fe80::1]/x", "https://[fd00::1]/x", "https://[::ffff:10.0.0.1]/x",
		"https://100.64.1.1/x", "https://0.0.0.0/x", "https://[::]/x", "http://example.org/x", "ftp://example.org/x", "https://user:secret@example.org/x", "file:///etc/passwd", "example.org", "",
		"http://[::ffff:7f00:1%25eth0]/"} {
		a, err := r.env.Do(t.Context(), "system", "POST", "/fhir/Subscription", []byte(topical("result", endpoint, "empty")))
		if err != nil {
			t.Fatal(err)
		}
		if a.Status == 201 && endpoint != "http://[::ffff:7f00:1%25eth0]/" || a.Status >= 500 {
			t.Errorf("%s: %d %s", endpoint, a.Status, a.Body)
		}
	}
	r.do(201, "system", "POST", "/fhir/Subscription", topical("result", "https://example.org/x", "empty"))
	r.do(422, "system", "POST", "/fhir/Subscription", topical("result", "https://example.org/x", "empty", `"header":["Host: inside"]`))
	r.do(422, "system", "POST", "/fhir/Subscription", topical("result", "https://example.org/x", "empty", `"header":["X: a\r\nY: b"]`))
}

// socket is a client of the websocket channel.
type socket struct {
	*testing.T
	*ws.Conn
	said chan string
}

func (r *region) dial(headers map[string][]string, first string) *socket {
	r.Helper()
	c, _, err := ws.Dial(r.Context(), strings.Replace(r.env.HTTP, "http", "ws", 1)+"/subscriptions/websocket", &ws.DialOptions{HTTPHeader: headers})
	if err != nil {
		r.Fatal(err)
	}
	s := &socket{r.T, c, make(chan string, 100)}
	go func() {
		defer close(s.said)
		for {
			_, b, err := c.Read(context.Background())
			if err != nil {
				return
			}
			s.said <- string(b)
		}
	}()
	r.Cleanup(func() { _ = c.CloseNow() })
	if err := c.Write(r.Context(), ws.MessageText, []byte(first)); err != nil {
		r.Fatal(err)
	}
	return s
}

// next is the next thing that is said.
func (s *socket) next() string {
	s.Helper()
	select {
	case m, ok := <-s.said:
		if !ok {
			return "closed"
		}
		return m
	case <-time.After(20 * time.Second):
		s.Fatal("nothing was said")
	}
	return ""
}

// Websockets: bound with a token, told in order; who was away is told what they
// missed; one that nobody may bind stays closed.
func TestWebsockets(t *testing.T) {
	r := open(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", "", "full-resource", "Observation?patient=Patient/p1", "kind=websocket"))
	r.observe("p1", "one")
	r.settle()
	p := decoded(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$get-ws-binding-token", "")).Parameter
	if !strings.HasPrefix(value(p, "websocket-url"), "ws://") || value(p, "token") == "" {
		t.Fatalf("the token: %+v", p)
	}
	s := r.dial(nil, "bind-with-token "+value(p, "token"))
	same(t, "bound", said(t, []byte(s.next())), "handshake")
	same(t, "missed", said(t, []byte(s.next())), "1:one")
	r.observe("p1", "two")
	same(t, "told", said(t, []byte(s.next())), "2:two")
	r.settle() // so that it is known that it arrived
	_ = s.Close(ws.StatusNormalClosure, "")
	r.observe("p1", "three")
	r.settle()
	again := r.dial(nil, "bind-with-token: "+value(p, "token"))
	same(t, "bound again", said(t, []byte(again.next())), "handshake")
	same(t, "missed since", said(t, []byte(again.next())), "3:three")
	r.objects("", "active")
	r.observe("p1", "hidden")
	r.settle()
	r.env.Advance(2 * time.Hour)
	if s := r.dial(nil, "bind-with-token "+value(p, "token")); s.next() != "closed" {
		t.Error("a token that has expired binds")
	}
	if s := r.dial(nil, "bind "+id); s.next() != "closed" {
		t.Error("an id binds without a token")
	}
	if n := len(again.said); n > 0 {
		t.Errorf("%d were told under an objection", n)
	}
	r.do(404, "system", "GET", "/fhir/Subscription/"+id+"/$get-ws-binding-token", "")
}

// A topic that an operator adds, as R4 writes it: what was not so before, and
// is now. The example is the guide's own, in short.
func TestATopicThatAnOperatorAdds(t *testing.T) {
	dir := t.TempDir()
	topic := `{"resourceType":"Basic","extension":[
		{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.url","valueUri":"http://example.org/topic/complete"},
		{"url":"http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic.resourceTrigger","extension":[
			{"url":"resource","valueUri":"http://hl7.org/fhir/StructureDefinition/Encounter"},
			{"url":"supportedInteraction","valueCode":"create"},{"url":"supportedInteraction","valueCode":"update"},
			{"url":"queryCriteria","extension":[{"url":"previous","valueString":"status:not=finished"},{"url":"resultForCreate","valueCode":"test-passes"},
				{"url":"current","valueString":"status=finished"},{"url":"resultForDelete","valueCode":"test-fails"},{"url":"requireBoth","valueBoolean":true}]},
			{"url":"fhirPathCriteria","valueString":"(%previous.empty() or (%previous.status != 'finished')) and (%current.status = 'finished')"}]},
		{"url":"http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic.notificationShape","extension":[{"url":"resource","valueUri":"Encounter"},
			{"url":"include","valueString":"Encounter:patient&iterate=Patient.link"},{"url":"include","valueString":"Encounter:practitioner"},{"url":"include","valueString":"Encounter:account"},
			{"url":"revInclude","valueString":"Encounter:subject"}]}],
		"modifierExtension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.status","valueCode":"active"}],
		"code":{"coding":[{"system":"http://hl7.org/fhir/fhir-types","code":"SubscriptionTopic"}]}}`
	if err := os.WriteFile(filepath.Join(dir, "complete.json"), []byte(topic), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "subscriptions.yaml")
	if err := os.WriteFile(file, []byte("topics: .\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &region{T: t, dir: t.TempDir()}
	r.with(testenv.Start, file)
	t.Cleanup(func() { _ = r.env.Close() })
	v := receive(t)
	r.patient("p1", "")
	if m := string(r.do(200, "", "GET", "/fhir/metadata", "")); !strings.Contains(m, `"valueCanonical":"http://example.org/topic/complete"`) || !strings.Contains(m, subscription.TopicBase+"admission") {
		t.Error("the CapabilityStatement does not name the topics")
	}
	complete := func(endpoint, content string) {
		r.subscribe("system", strings.Replace(topical("x", endpoint, content), subscription.TopicBase+"x", "http://example.org/topic/complete", 1))
	}
	complete(v.URL, "id-only")
	whole, empty := receive(t), receive(t)
	complete(whole.URL, "full-resource")
	complete(empty.URL, "empty")
	in := receive(t)
	r.subscribe("system", topical("admission", in.URL, "id-only"))
	r.settle()
	for _, x := range []*receiver{v, whole, empty, in} {
		x.got()
	}
	encounter := func(id, status string, want int) {
		r.do(want, "system", "PUT", "/fhir/Encounter/"+id, `{"resourceType":"Encounter","id":"`+id+`","status":"`+status+`","class":{"code":"IMP"},"subject":{"reference":"Patient/p1"}}`)
	}
	encounter("e1", "planned", 201)
	encounter("e1", "in-progress", 200)
	encounter("e1", "finished", 200)
	encounter("e2", "finished", 201)
	r.do(200, "system", "PUT", "/fhir/Encounter/e1", `{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"IMP"},"subject":{"reference":"Patient/p1"},"reasonCode":[{"text":"x"}]}`)
	r.settle()
	ids := v.got()
	same(t, "completed", append(said(t, ids[0].Body), said(t, ids[1].Body)...), "1:Encounter/e1", "2:Encounter/e2")
	// What the topic tells beside it: who was there, as far as the subscriber may see it.
	for content, body := range map[string][]byte{"id-only": ids[0].Body, "full-resource": whole.got()[0].Body, "empty": empty.got()[0].Body} {
		b := decoded(t, body)
		var event []parameter
		for _, p := range b.Entry[0].Resource.Parameter {
			if p.Name == "notification-event" {
				event = p.Part
			}
		}
		_, beside, _ := strings.Cut(value(event, "additional-context"), "/fhir/")
		got := []string{beside}
		for _, e := range b.Entry[1:] {
			got = append(got, e.Request.Method+" "+e.Request.URL)
		}
		same(t, content, got, map[string][]string{"id-only": {"Patient/p1"}, "full-resource": {"Patient/p1", "PUT Encounter/e1", "GET Patient/p1"}, "empty": {""}}[content]...)
	}
	same(t, "admitted", in.told(), "1:Encounter/e1")
}

// What can't be had is refused, with what to do about it.
func TestWhatIsRefused(t *testing.T) {
	r := open(t)
	r.declared()
	ok := topical("result", "http://127.0.0.1:1/", "empty")
	for _, c := range []struct {
		user, body string
		status     int
		says       string
	}{
		{"system", strings.Replace(ok, "/result", "/nothing", 1), 400, "no such topic"},
		{"system", strings.Replace(ok, `"status":"requested",`, "", 1), 400, "required"},
		{"system", strings.Replace(ok, "rest-hook", "pigeon", 1), 400, "channel"},
		{"system", strings.Replace(ok, "rest-hook", "email", 1), 400, "sends no e-mail"},
		{"system", topical("result", "http://127.0.0.1:1/", "empty", "Observation?patient.name=x"), 400, "without a chain"},
		{"system", topical("result", "http://127.0.0.1:1/", "empty", "Observation?nonsense=x"), 400, "can't be searched by nonsense"},
		{"system", topical("result", "http://127.0.0.1:1/", "empty", "Encounter?status=x"), 422, "tells nothing of this type"},
		{"visitor", topical("result", "http://127.0.0.1:1/", "empty", "Observation?patient=Patient/nobody"), 404, "no such resource"},
		{"engineer", topical("result", "http://127.0.0.1:1/", "empty", "Observation?patient=Patient/p1"), 404, "no such resource"},
		{"", ok, 401, ""},
	} {
		if b := string(r.do(c.status, c.user, "POST", "/fhir/Subscription", c.body)); !strings.Contains(b, c.says) {
			t.Errorf("%q is not in %s", c.says, b)
		}
	}
	r.do(400, "system", "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+ok+`,"request":{"method":"POST","url":"Subscription"}}]}`)
	r.do(201, "system", "PUT", "/fhir/Subscription/mine", strings.Replace(ok, `"status"`, `"id":"mine","status"`, 1))
	r.do(200, "system", "PUT", "/fhir/Subscription/mine", strings.Replace(ok, `"status":"requested"`, `"id":"mine","status":"off"`, 1))
	r.do(201, "citizen", "PUT", "/fhir/Subscription/mine", strings.Replace(ok, `"status"`, `"id":"mine","status"`, 1))
	r.do(200, "citizen", "PATCH", "/fhir/Subscription/mine", `[{"op":"replace","path":"/status","value":"off"}]`, "Content-Type: application/json-patch+json")
	if s := r.status("citizen", "mine"); s != "off" {
		t.Errorf("patched: %s", s)
	}
	r.do(400, "system", "POST", "/fhir/Subscription", strings.Replace(ok, `"reason":"test",`, "", 1))
	if got := decoded(t, r.do(200, "system", "GET", "/fhir/Subscription?status=off", "")); got.Total != 1 || got.Entry[0].Resource.ID != "mine" {
		t.Errorf("found: %+v", got)
	}
}
