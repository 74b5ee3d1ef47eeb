package policy_test

import (
	"fmt"
	"time"

	"selda/nhs"
	"selda/policy"
)

// A decision is made from facts alone, and says by which rules.
func ExampleDecide() {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	doctor := policy.Subject{User: "doctor", Role: nhs.HospitalDoctor, Organisation: "RJZ", Purpose: nhs.Treatment}
	d := policy.Decide(policy.Request{Agreed: policy.Whole, Subject: doctor, Now: now})
	fmt.Println(d.Permit, d.Rules)
	d = policy.Decide(policy.Request{Agreed: policy.Whole, Subject: doctor, Now: now, Facts: policy.Facts{
		Relationships: []policy.Relationship{{Organisation: "RJZ", Kind: "encounter"}}}})
	fmt.Println(d.Permit, d.Rules)
	fmt.Println(d.Predicate.Shows(&policy.Columns{Source: "G85915:GP", DataSet: policy.Medications}))
	// Output:
	// false [G7 no legitimate relationship]
	// true [G7 encounter]
	// true
}
