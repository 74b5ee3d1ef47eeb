package subscription

import "slices"

// Topic is what can be subscribed to: kinds of change, by a canonical URL.
// https://hl7.org/fhir/R5/subscriptiontopic.html
type Topic struct {
	URL      string
	Version  string // "" where it has none
	Title    string
	Triggers []Trigger
	// Filters are those that a subscriber may ask for, beside whose record it is
	// about. Of a type of which there are none, all searches may be.
	Filters []FilterBy
	Shapes  []Shape
}

// Coding is a code of a code system.
type Coding struct{ System, Code string }

// FilterBy is a filter that a topic offers.
// https://hl7.org/fhir/R5/subscriptiontopic-definitions.html#SubscriptionTopic.canFilterBy
type FilterBy struct {
	Type string // "" for all that the topic tells of
	Name string
	// Definition is the URL of the search parameter that it stands for; "" is
	// the type's of this name.
	Definition string
	// Ways are the comparators and modifiers that it may have; nil for all.
	Ways []string
}

// Shape says what is told beside a resource of a type.
// https://hl7.org/fhir/R5/subscriptiontopic-definitions.html#SubscriptionTopic.notificationShape
type Shape struct {
	Type       string
	Directives []Directive
}

// Directive is a step from a resource to others, as an _include or a _revinclude
// has it.
type Directive struct {
	Type, By string // the type that refers, and the parameter by which
	Target   string // the type that is referred to; "" for any
	Reverse  bool   // to those that refer
	Iterate  bool   // from those that were reached, too
}

// Trigger is one kind of change.
type Trigger struct {
	Type                   string // of resource
	Create, Update, Delete bool
	// Previous and Current are searches, as they stand after the ?; "" asks nothing.
	Previous, Current string
	// OnCreate and OnDelete say whether the side that is not there passes.
	OnCreate, OnDelete bool
	// Both: the previous and the current must pass, else one of them.
	Both bool
	// Path is a FHIRPath of %previous and %current; "" asks nothing.
	Path string
	// Events: what was written by a message that says one of these has happened;
	// nil asks nothing.
	Events []Coding
	// Merged: not a change of a resource, but that the index has made its
	// patient one person with another.
	Merged bool
}

// TopicBase begins the URLs of the topics that every region offers.
const TopicBase = "https://selda.example/SubscriptionTopic/"

func changed(typ string) Trigger { return Trigger{Type: typ, Create: true, Update: true} }

// became is a change after which a search finds a resource that it did not find before.
func became(typ, query, before string) Trigger {
	return Trigger{Type: typ, Create: true, Update: true, Previous: before, Current: query, OnCreate: true, Both: true}
}

// Offered are the topics that every region offers.
var Offered = []*Topic{
	{URL: TopicBase + "admission", Title: "Somebody was admitted, or arrived", Triggers: []Trigger{became("Encounter", "status=arrived,triaged,in-progress", "status:not=arrived,triaged,in-progress")}},
	{URL: TopicBase + "discharge", Title: "A stay or a visit has ended", Triggers: []Trigger{became("Encounter", "status=finished", "status:not=finished")}},
	{URL: TopicBase + "encounter", Title: "Something about a stay or a visit has changed", Triggers: []Trigger{changed("Encounter")}},
	{URL: TopicBase + "result", Title: "A result has come, or was corrected", Triggers: []Trigger{
		{Type: "DiagnosticReport", Create: true, Update: true, Current: "status=final,amended,corrected,appended"},
		{Type: "Observation", Create: true, Update: true, Current: "status=final,amended,corrected"}}},
	{URL: TopicBase + "document", Title: "There is a new document, or a new version of one", Triggers: []Trigger{changed("DocumentReference"), changed("Composition")}},
	{URL: TopicBase + "appointment", Title: "An appointment was made, moved or cancelled", Triggers: []Trigger{changed("Appointment")}},
	{URL: TopicBase + "referral", Title: "Somebody was referred, or a referral has changed", Triggers: []Trigger{changed("ServiceRequest"), changed("Task")}},
	{URL: TopicBase + "medication", Title: "Something was prescribed, dispensed or stopped", Triggers: []Trigger{changed("MedicationRequest"), changed("MedicationDispense"), changed("MedicationStatement")}},
	{URL: TopicBase + "patient", Title: "Who somebody is, where they live or how to reach them has changed", Triggers: []Trigger{changed("Patient")}},
	{URL: TopicBase + "patient-merged", Title: "Two entries are one person: a source says so, or the index has found it", Triggers: []Trigger{
		{Type: "Patient", Merged: true},
		{Type: "Patient", Create: true, Update: true, Path: "%current.link.where(type = 'replaced-by').exists() and %previous.link.where(type = 'replaced-by').exists().not()"}}},
	{URL: TopicBase + "consent", Title: "Somebody has made a choice about their record, or changed it", Triggers: []Trigger{changed("Consent")}},
}

// ofMessages says whether something of a type is told because of the message that wrote it.
func (t *Topic) ofMessages(typ string) bool {
	return slices.ContainsFunc(t.Triggers, func(x Trigger) bool { return x.Type == typ && x.Events != nil })
}
