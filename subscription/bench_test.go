package subscription_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"selda/internal/testenv"
)

// BenchmarkTold is how fast events are told: 20 patients of a source system
// with a receiver that answers at once. It counts the whole: the log read, the
// Grant and its entry in the trail, the number, the call, and what is recorded.
func BenchmarkTold(b *testing.B) {
	env, err := testenv.Open(b.Context(), b.TempDir(), testenv.Start)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = env.Close() }()
	do := func(method, path, body string) {
		a, err := env.Do(context.Background(), "system", method, path, []byte(body))
		if err != nil || a.Status >= 300 {
			b.Fatalf("%v %+v", err, a)
		}
	}
	v := &receiver{}
	server := serve(b, v)
	const people = 20
	for p := range people {
		do("PUT", fmt.Sprintf("/fhir/Patient/p%d", p), fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, p))
	}
	do("POST", "/fhir/Subscription", topical("result", server, "full-resource"))
	if err := env.Region.Subscriptions.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	v.got()
	for b.Loop() {
		const n = 1000
		b.StopTimer()
		var entries []string
		for i := range n {
			entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1975-2"}]},
				"subject":{"reference":"Patient/p%d"},"valueString":"x"},"request":{"method":"POST","url":"Observation"}}`, i%people))
		}
		do("POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		b.StartTimer()
		began := time.Now()
		for got := 0; got < n; {
			if err := env.Region.Subscriptions.Settle(b.Context()); err != nil {
				b.Fatal(err)
			}
			got += len(v.got())
		}
		b.ReportMetric(n/time.Since(began).Seconds(), "events/s")
	}
}
