package subscription

import (
	"slices"
	"strings"
)

// directives reads what stands in notificationShape.include or revInclude: steps
// as in a search, joined by "&", of which others than the first go on from what
// was reached: "Encounter:patient&iterate=Patient.link".
// https://hl7.org/fhir/R5/subscriptiontopic-definitions.html#SubscriptionTopic.notificationShape.include
func directives(s string, reverse bool) (out []Directive) {
	for part := range strings.SplitSeq(s, "&") {
		how, step, named := strings.Cut(part, "=")
		if !named {
			how, step = "", part
		}
		if !strings.Contains(step, ":") {
			step = strings.Replace(step, ".", ":", 1)
		}
		f := strings.Split(step, ":")
		if len(f) != 2 && len(f) != 3 {
			continue
		}
		d := Directive{Type: f[0], By: f[1], Reverse: reverse, Iterate: how == "iterate" || strings.HasSuffix(how, ":iterate")}
		if len(f) == 3 {
			d.Target = f[2]
		}
		switch how, _, _ := strings.Cut(how, ":"); how {
		case "_include":
			d.Reverse = false
		case "_revinclude":
			d.Reverse = true
		}
		out = append(out, d)
	}
	return out
}

// shaped are the steps from a type of focus.
func (t *Topic) shaped(typ string) (out []Directive) {
	for _, s := range t.Shapes {
		if s.Type == typ {
			out = append(out, s.Directives...)
		}
	}
	return out
}

// beyond are the parameters in a topic's filters and directives that are none
// here. A Subscription that asks for such a filter is refused.
func (f *Follower) beyond(t *Topic) (out []string) {
	for _, x := range t.Filters {
		known := f.parameters().Defined(x.Definition) != nil || slices.ContainsFunc(t.Triggers, func(g Trigger) bool {
			return (x.Type == "" || x.Type == g.Type) && f.parameters().Lookup(g.Type, x.Name) != nil
		})
		if !known {
			out = append(out, x.Type+":"+x.Name)
		}
	}
	for _, s := range t.Shapes {
		for _, d := range s.Directives {
			if len(f.by(d)) == 0 {
				out = append(out, d.Type+":"+d.By)
			}
		}
	}
	return out
}
