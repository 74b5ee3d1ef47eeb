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
	for _, e := range elements(r.Root()) {
		if err := t.read(e); err != nil {
			return nil, err
		}
	}
	if t.URL == "" || len(t.Triggers) == 0 {
		return nil, refuse(fault.Required, "a topic has a url, and a resourceTrigger or an eventTrigger", "Basic.extension")
	}
	return t, nil
}

// elements are the extensions that stand for R5's elements: each by itself, or
// all within one that stands for the resource.
// https://hl7.org/fhir/uv/xver-r5.r4/0.1.0/StructureDefinition-ext-R5-SubscriptionTopic.html
func elements(n fhir.Node) (out []fhir.Node) {
	for _, e := range n.List("extension") {
		if strings.HasSuffix(e.Get("url").Text(), "/StructureDefinition/extension-SubscriptionTopic") {
			out = append(out, e.List("extension")...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

// read takes one element of a topic.
func (t *Topic) read(e fhir.Node) error {
	_, v := e.First("value")
	switch elementOf(e) {
	case "url":
		t.URL = v.Text()
	case "version":
		t.Version = v.Text()
	case "title":
		t.Title = v.Text()
	case "resourceTrigger":
		trigger, err := readTrigger(e)
		t.Triggers = append(t.Triggers, trigger)
		return err
	case "eventTrigger":
		trigger, err := readEvent(e)
		t.Triggers = append(t.Triggers, trigger)
		return err
	case "canFilterBy":
		t.Filters = append(t.Filters, readFilter(e))
	case "notificationShape":
		t.Shapes = append(t.Shapes, readShape(e))
	}
	return nil
}

// elementOf is the R5 element that an extension stands for: the last word of
// …/extension-SubscriptionTopic.resourceTrigger.
func elementOf(e fhir.Node) string {
	url := e.Get("url").Text()
	if _, name, ok := strings.Cut(url, "/StructureDefinition/extension-SubscriptionTopic."); ok {
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return url
}

// typeOf is a type of resource, by its name or by the URL of its definition.
func typeOf(n fhir.Node) string { return n.Text()[strings.LastIndexByte(n.Text(), '/')+1:] }

func readTrigger(n fhir.Node) (t Trigger, err error) {
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			t.Type = typeOf(v)
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

// readEvent reads an eventTrigger: what is told is of a type, and was written by a
// message that says that this has happened. One of its codes is enough: they are
// names of the same.
func readEvent(n fhir.Node) (Trigger, error) {
	t := Trigger{Create: true, Update: true, Delete: true, Events: []Coding{}}
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			t.Type = typeOf(v)
		case "event":
			for _, c := range v.List("coding") {
				if code := (Coding{c.Get("system").Text(), c.Get("code").Text()}); code.Code != "" {
					t.Events = append(t.Events, code)
				}
			}
		}
	}
	switch {
	case !fhir.IsResourceType(t.Type):
		return t, refuse(fault.Value, "a trigger names a type of resource", "Basic.extension.eventTrigger")
	case len(t.Events) == 0:
		return t, refuse(fault.Required, "an eventTrigger has an event with a code, such as A01 of http://terminology.hl7.org/CodeSystem/v2-0003", "Basic.extension.eventTrigger")
	}
	return t, nil
}

// readFilter reads canFilterBy. R4B has comparators among the modifiers.
func readFilter(n fhir.Node) (f FilterBy) {
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			f.Type = typeOf(v)
		case "filterParameter":
			f.Name = v.Text()
		case "filterDefinition":
			f.Definition = v.Text()
		case "comparator", "modifier":
			f.Ways = append(f.Ways, v.Text())
		}
	}
	return f
}

// readShape reads what is told beside the focus.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html#additional-resources
func readShape(n fhir.Node) (s Shape) {
	for _, e := range n.List("extension") {
		_, v := e.First("value")
		switch elementOf(e) {
		case "resource":
			s.Type = typeOf(v)
		case "include":
			s.Directives = append(s.Directives, directives(v.Text(), false)...)
		case "revInclude":
			s.Directives = append(s.Directives, directives(v.Text(), true)...)
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
