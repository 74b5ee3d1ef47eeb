package testenv

import (
	"net/url"
	"strings"
	"testing"

	"selda/nhs"
)

// G4: what a page offers to keep private is what is kept, whatever is named. Who somebody is,
// and the practice and doctor that the same resource names, can't be kept by itself: it is not
// offered, and asking for it changes nothing.
func TestG4WhatIsKeptPrivateIsWhatWasChosen(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "h1", `"code":{"text":"Alcohol dependence"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "h2", `"code":{"text":"Heart failure"},`+atKings)
	o.writes("G85915:GP", "Patient", "p-g85915", `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05",
		"generalPractitioner":[{"display":"Dr Adaora Okafor"},{"identifier":{"system":"`+nhs.ODSSystem+`","value":"G85915"},"display":"Old Kent Road Practice"}]`)
	sees := func() (out string) {
		for _, text := range []string{"Alcohol", "Heart"} {
			if o.sees("gp", text, "/fhir/Condition?patient={citizen}") != nil {
				out += text
			}
		}
		return out
	}
	_, page := o.asks("citizen", "GET", "/me/people", "")
	if !strings.Contains(page, "Dr Adaora Okafor") {
		t.Fatal("the doctor is not shown: ", page)
	}
	if strings.Contains(page, "/sharing/item/Patient/") {
		t.Error("the practice and the doctor are offered to be kept private, and all would be")
	}
	ids := []string{o.citizen, "p-g85915", "p-rjz"}
	for _, id := range ids {
		if status, _ := o.asks("citizen", "GET", "/me/sharing/item/Patient/"+id, ""); status != 404 {
			t.Error("offered", status)
		}
		o.posts("citizen", "/me/sharing", url.Values{"choice": {"item"}, "item": {"Patient/" + id}, "save": {"yes"}}.Encode())
	}
	if got := sees(); got != "AlcoholHeart" {
		t.Errorf("the GP sees %q after nothing was chosen", got)
	}
	status, page := o.posts("citizen", "/me/sharing", url.Values{"choice": {"item"}, "item": {"Condition/h1"}, "save": {"yes"}}.Encode())
	o.must(status, page, "Saved.")
	if got := sees(); got != "Heart" {
		t.Errorf("the GP sees %q after one was kept private", got)
	}
}
