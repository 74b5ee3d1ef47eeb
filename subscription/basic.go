package subscription

import (
	"strings"

	"selda/fault"
	"selda/fhir"
)

// ReadTopic reads a topic as R4 writes it: a Basic whose extensions are R5's
// elements, as the backport's own example has it.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html#subscription-topics
func ReadTopic(b []byte) (*Topic, error) {
	r, err := fhir.Parse(b)
	if err != nil {
		return nil, err
	}
	if r.Type != "Basic" || !r.Get("code", "coding", "code").Is("SubscriptionTopic") {
		return nil, refuse(fault.Value, "a topic is a Basic with the code SubscriptionTopic", "Basic.code")
	}
	t := &Topic{}
	for _, e := range r.Root().List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "url":
			t.URL = v.Text()
		case "title":
			t.Title = v.Text()
		case "resourceTrigger":
			trigger, err := readTrigger(e)
			if err != nil {
				return nil, err
			}
			t.Triggers = append(t.Triggers, trigger)
		case "notificationShape":
			t.Shapes = append(t.Shapes, readShape(e))
		case "eventTrigger":
			return nil, refuse(fault.NotSupported, "topics are of changes of resources: eventTrigger", "Basic.extension")
		}
	}
	if t.URL == "" || len(t.Triggers) == 0 {
		return nil, refuse(fault.Required, "a topic has a url, and a resourceTrigger", "Basic.extension")
	}
	return t, nil
}

// elementOf is the R5 element that an extension stands for: the last word of
// …/extension-SubscriptionTopic.resourceTrigger.
func elementOf(e fhir.Node) string {
	url := e.Get("url").Text()
	if _, name, ok := strings.Cut(url, "/StructureDefinition/extension-SubscriptionTopic."); ok {
		return name
	}
	return url
}

func readTrigger(n fhir.Node) (t Trigger, err error) {
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			t.Type = v.Text()[strings.LastIndex(v.Text(), "/")+1:]
		case "supportedInteraction":
			switch v.Text() {
			case "create":
				t.Create = true
			case "update":
				t.Update = true
			case "delete":
				t.Delete = true
			}
		case "queryCriteria":
			for _, c := range e.List("extension") {
				_, v := c.First("value")
				switch elementOf(c) {
				case "previous":
					t.Previous = query(v.Text())
				case "current":
					t.Current = query(v.Text())
				case "resultForCreate":
					t.OnCreate = v.Is("test-passes")
				case "resultForDelete":
					t.OnDelete = v.Is("test-passes")
				case "requireBoth":
					t.Both = v.Bool()
				}
			}
		case "fhirPathCriteria":
			t.Path = v.Text()
		}
	}
	if !fhir.IsResourceType(t.Type) {
		return t, refuse(fault.Value, "a trigger names a type of resource", "Basic.extension.resourceTrigger")
	}
	if !t.Create && !t.Update && !t.Delete {
		t.Create, t.Update, t.Delete = true, true, true // where none is said, all are meant
	}
	return t, nil
}

// readShape reads what is told beside the focus. What refers to it (revInclude)
// is not: the guide has that as a wish, which a subscriber can't count on.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html#additional-resources
func readShape(n fhir.Node) (s Shape) {
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			s.Type = v.Text()[strings.LastIndex(v.Text(), "/")+1:]
		case "include":
			include, _, _ := strings.Cut(v.Text(), "&") // iterate: one step is gone
			if typ, by, ok := strings.Cut(strings.TrimPrefix(include, "_include="), ":"); ok && typ == s.Type {
				by, _, _ = strings.Cut(by, ":") // of whatever type it refers to
				s.Includes = append(s.Includes, by)
			}
		}
	}
	return s
}

// query is what stands after the ? of a search.
func query(s string) string {
	if _, after, ok := strings.Cut(s, "?"); ok {
		return after
	}
	return s
}
