package subscription_test

import (
	"strings"
	"testing"
)

// G8: who is told of an item in full is told of the labels that were found in it, and may
// subscribe by them, where the label is for them; its own system is told what it wrote.
func TestG8FoundLabelsAreToldToSubscribers(t *testing.T) {
	r := open(t)
	r.declared()
	told := map[string]*receiver{}
	for name, of := range map[string][2]string{"all": {"visitor", "Observation?patient=Patient/p1"}, "alcohol": {"visitor", "Observation?patient=Patient/p1&_security=SUD"},
		"HIV": {"visitor", "Observation?patient=Patient/p1&_security=hiv-sti"}, "source": {"system", "Observation?_security:not=SUD"}} {
		told[name] = receive(t)
		r.subscribe(of[0], `{"resourceType":"Subscription","status":"requested","reason":"care","criteria":"`+of[1]+`","channel":{"type":"rest-hook","endpoint":"`+told[name].URL+`","payload":"application/fhir+json"}}`)
	}
	r.settle()
	r.observe("p1", "plain")
	r.observe("p1", "drinks", `"category":[{"text":"Alcohol dependence"}],`)
	r.observe("p1", "tested", `"category":[{"text":"HIV test"}],`)
	r.settle()
	for name, want := range map[string]string{"all": "plain drinks+label ", "alcohol": "drinks+label ", "HIV": "", "source": "plain drinks tested "} {
		got := ""
		for _, c := range told[name].got() {
			got += decoded(t, c.Body).ValueString
			if body := string(c.Body); strings.Contains(body, `"code":"substance-misuse"`) && strings.Contains(body, `"code":"SUD"`) {
				got += "+label"
			} else if strings.Contains(body, `"security"`) {
				got += "+another"
			}
			got += " "
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
