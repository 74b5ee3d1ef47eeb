package testenv

import (
	"strings"
	"testing"

	"selda/nhs"
)

// G24: a decision about resuscitation stands in the banner as what it is called, with its
// date, and in the plans with who issued it; one that was superseded is void: it stands
// among past plans with that word, and in no banner.
func TestG24SupersededDecisionsAreVoid(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	plan := func(id, title, status, day string) {
		o.writes("G85915:GP", "CarePlan", id, atGP+`,"status":"`+status+`","intent":"plan","title":"`+title+`","created":"`+day+`","author":{"display":"Dr Grace Osei"}`)
	}
	plan("old", "DNACPR recommendation", "active", "2024-02-03")
	if banner, _ := resuscitation(o); !strings.Contains(banner, "DNACPR recommendation") || !strings.Contains(banner, "03-Feb-2024") {
		t.Errorf("a decision in force is not in the banner with its date: %s", banner)
	}
	plan("old", "DNACPR recommendation", "revoked", "2024-02-03")
	plan("new", "ReSPECT form", "active", "2026-05-06")
	banner, plans := resuscitation(o)
	if strings.Contains(banner, "DNACPR") || !strings.Contains(banner, "ReSPECT form") {
		t.Errorf("the banner has the superseded decision, or not the new one: %s", banner)
	}
	inForce, past, _ := strings.Cut(plans, "Past plans")
	if strings.Contains(inForce, "DNACPR") || !strings.Contains(past, "DNACPR") || !strings.Contains(past, "revoked") {
		t.Errorf("the superseded decision is not among the past ones with that word")
	}
	if !strings.Contains(inForce, "ReSPECT form") || !strings.Contains(inForce, "Dr Grace Osei") {
		t.Errorf("the decision in force is not shown with who issued it")
	}
}

// G24: two sources each hold a decision to be in force: both are shown, and each says that
// there is the other.
func TestG24TwoDecisionsInForceAreToldOfEachOther(t *testing.T) {
	o := known(t)
	o.declares("doctor")
	decision := func(source, title, whose string) {
		o.writes(nhs.Source(source), "CarePlan", "d-"+strings.ToLower(source[:3]), whose+`,"status":"active","intent":"plan","title":"`+title+`","created":"2026-05-06"`)
	}
	decision("G85915:GP", "DNACPR recommendation", atGP)
	if _, plans := resuscitation(o); strings.Contains(plans, "Sources differ") {
		t.Error("one decision alone is said to differ")
	}
	decision("RJZ:PAS", "ReSPECT form", atKings)
	banner, plans := resuscitation(o)
	for _, title := range []string{"DNACPR recommendation", "ReSPECT form"} {
		if !strings.Contains(banner, title) || !strings.Contains(plans, "has “"+title+"”, 06-May-2026") {
			t.Errorf("%s is not shown, or not told beside the other", title)
		}
	}
}

// resuscitation is the banner, and the page of plans below it.
func resuscitation(o *outside) (banner, plans string) {
	o.Helper()
	_, body := o.asks("doctor", "GET", "/record/{citizen}/plans", "")
	_, banner, _ = strings.Cut(body, `<section class="s-banner`)
	banner, plans, _ = strings.Cut(banner, "</section>")
	return banner, plans
}
