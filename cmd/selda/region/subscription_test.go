package region

import (
	"testing"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Who could not be told stands before those who run interfaces, and nobody else.
func TestSubscribersWhoCouldNotBeTold(t *testing.T) {
	r := open(t)
	system := policy.Subject{User: "system", Role: nhs.SourceSystem, Source: "RJ1:API", Purpose: nhs.Treatment}
	made, err := r.Subscriptions.Put(t.Context(), system, "http://here/fhir", "", 0, []byte(`{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"https://selda.example/SubscriptionTopic/result","channel":{"type":"rest-hook","endpoint":"https://engine.example.org/told"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := (desk{r}).Untold(t.Context(), engineer); err != nil || len(list) != 0 {
		t.Errorf("while nothing is wrong: %+v %v", list, err)
	}
	if err := r.TellNoMore(t.Context(), engineer, made.ID); err != nil {
		t.Fatal(err)
	}
	list, err := (desk{r}).Untold(t.Context(), engineer)
	if err != nil || len(list) != 1 || !list[0].Off || list[0].User != "system" || list[0].Channel != "rest-hook engine.example.org" {
		t.Errorf("of one that is off: %+v %v", list, err)
	}
	if told, err := r.TellAgain(t.Context(), engineer, "system/"+made.ID); err != nil || told.Status != "requested" {
		t.Errorf("replayed: %+v %v", told, err)
	}
	if _, err := r.Subscribers(t.Context(), policy.Subject{User: "gp", Role: nhs.GP, Organisation: "G85001"}, ""); !fault.Is(err, fault.Security) {
		t.Errorf("a practitioner may: %v", err)
	}
}
