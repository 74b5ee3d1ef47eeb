package relationship

import (
	"slices"
	"strings"

	"selda/fhir"
)

// handed are the types by which one organisation hands a person to another, with
// whom each names.
var handed = map[string]func(*fhir.Resource) []fhir.Node{
	"ServiceRequest":    func(r *fhir.Resource) []fhir.Node { return r.Root().List("performer") },
	"Task":              func(r *fhir.Resource) []fhir.Node { return []fhir.Node{r.Get("owner")} },
	"DocumentReference": func(r *fhir.Resource) []fhir.Node { return r.Get("context").List("related") },
}

// open are the states of a request or a task that somebody has still to do: not one
// that was refused, called off or done.
// https://hl7.org/fhir/R4/valueset-request-status.html
// https://hl7.org/fhir/R4/valueset-task-status.html
var open = map[string]bool{"active": true, "requested": true, "received": true, "accepted": true, "ready": true, "in-progress": true, "on-hold": true}

// over are the states in which whom it was sent to says that it is refused or done.
var over = map[string]bool{"revoked": true, "completed": true, "entered-in-error": true, "rejected": true, "cancelled": true, "failed": true}

// Closed are the referrals that an organisation says are over for it: it declines
// or has done what somebody else asked of it, by a Task that names the request, or by
// an answer of its own with the referral's number (HL7 v2 RRI). Requests are as
// "ServiceRequest/id" or "Task/id", numbers as "#number".
func Closed(r *fhir.Resource) (out []string) {
	if !over[r.Get("status").Text()] {
		return nil
	}
	switch r.Type {
	case "Task":
		for _, ref := range slices.Concat(r.Root().List("basedOn"), r.Root().List("partOf"), []fhir.Node{r.Get("focus")}) {
			if s := ref.Get("reference").Text(); strings.HasPrefix(s, "ServiceRequest/") || strings.HasPrefix(s, "Task/") {
				out = append(out, s)
			}
		}
	case "ServiceRequest":
		return Numbers(r)
	}
	return out
}

// Numbers are those by which a request is known to both sides.
func Numbers(r *fhir.Resource) (out []string) {
	for _, id := range r.Root().List("identifier") {
		if n := id.Get("value").Text(); n != "" {
			out = append(out, "#"+n)
		}
	}
	return out
}
