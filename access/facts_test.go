package access

import (
	"testing"
	"time"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// G7: an encounter that nobody has ended is no relationship for ever, unless
// it is one of people who stay until they are discharged.
func TestG7VisitsThatNobodyEndedDoNotLast(t *testing.T) {
	began := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		body string
		want time.Time
	}{
		{`"status":"in-progress","class":{"code":"AMB"},"period":{"start":"2024-03-01T10:00:00Z"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)},
		{`"status":"arrived","class":{"code":"EMER"},"period":{"start":"2024-03-01T23:50:00Z"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)},
		{`"status":"in-progress","class":{"code":"AMB"}`, time.Date(2024, 3, 3, 0, 0, 0, 0, time.UTC)}, // when it was recorded
		{`"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2024-03-01T10:00:00Z"}`, time.Time{}},
		{`"status":"in-progress","class":{"code":"AMB"},"period":{"start":"2024-03-01T10:00:00Z","end":"2024-03-01T11:00:00Z"}`, began.Add(time.Hour)},
		{`"status":"finished","class":{"code":"IMP"},"period":{"start":"2024-03-01T10:00:00Z","end":"2024-03-01T11:00:00Z"}`, began.Add(time.Hour)},
	} {
		r, err := fhir.ParseTrusted([]byte(`{"resourceType":"Encounter",` + c.body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got := (&Access{}).careFacts(t.Context(), &store.Version{Columns: policy.Columns{Source: "RJZ:PAS", Recorded: began}}, r)
		if len(got) != 1 || !got[0].To.Equal(c.want) {
			t.Errorf("%s: %+v, not until %v", c.body, got, c.want)
		}
	}
}
