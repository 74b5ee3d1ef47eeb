package api

import (
	"net/http"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// This file holds what an application asks against its scopes: what no scope
// permits is refused, with the scope that it would take. What a scope leaves out
// of the answers is not here but in the Grant's predicate.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html

// need is what a request needs a scope for: an interaction with a type, with
// any where it is "", with all where it is *. Nothing where do is 0.
type need struct {
	typ string
	do  policy.Interactions
}

const readAndSearch = policy.ToRead | policy.ToSearch

// needOf is what a request to a path below the base needs.
func needOf(method string, path []string, conditional bool) need {
	reads := method == http.MethodGet || method == http.MethodHead
	n := len(path)
	for i, p := range path {
		if strings.HasPrefix(p, "$") {
			typ := ""
			if i > 0 {
				typ = path[0]
			}
			return needOfOperation(strings.TrimPrefix(p, "$"), typ, i == 2)
		}
	}
	switch {
	case n == 0:
		if reads {
			return need{"", policy.ToSearch}
		}
		return need{} // a Bundle: each of its entries is asked
	case path[0] == "_history" || path[0] == "_search":
		return need{"", policy.ToSearch}
	case path[0] == jobsAt:
		return need{"", readAndSearch}
	case !fhir.IsResourceType(path[0]):
		return need{}
	case n == 1 || path[1] == "_search" || path[1] == "_history":
		return need{path[0], ofType(method, n == 1, conditional)}
	case n == 2:
		return need{path[0], ofInstance(method)}
	case path[2] == "_history":
		return need{path[0], policy.ToRead}
	case path[2] == "*":
		return need{"", policy.ToSearch}
	}
	return need{path[2], policy.ToSearch} // in a compartment
}

func ofType(method string, bare, conditional bool) policy.Interactions {
	switch {
	case !bare:
		return policy.ToSearch
	case method == http.MethodPost && conditional:
		return policy.ToCreate | policy.ToSearch
	case method == http.MethodPost:
		return policy.ToCreate
	case method == http.MethodPut || method == http.MethodPatch:
		return policy.ToUpdate | policy.ToSearch
	case method == http.MethodDelete:
		return policy.ToDelete | policy.ToSearch
	}
	return policy.ToSearch
}

func ofInstance(method string) policy.Interactions {
	switch method {
	case http.MethodPut, http.MethodPatch:
		return policy.ToUpdate
	case http.MethodDelete:
		return policy.ToDelete
	}
	return policy.ToRead
}

// needOfOperation is what an operation needs. The terminology and the validation
// of what is sent along are of nobody: they need no scope.
func needOfOperation(name, typ string, instance bool) need {
	switch name {
	case "everything", "graphql", "export", "document":
		return need{"", readAndSearch}
	case "lastn", "match":
		return need{typ, policy.ToSearch}
	case "meta":
		if instance {
			return need{typ, policy.ToRead}
		}
		return need{"", policy.ToSearch}
	case "validate":
		if instance {
			return need{typ, policy.ToRead}
		}
		return need{}
	case "meta-add", "meta-delete":
		return need{typ, policy.ToUpdate | policy.ToRead}
	case "import":
		return need{policy.AnyType, policy.ToCreate | policy.ToUpdate}
	case "merge":
		return need{typ, policy.ToUpdate | policy.ToRead | policy.ToSearch}
	case "closure", "convert", "lookup", "subsumes", "validate-code", "expand", "translate":
		return need{}
	}
	return need{policy.AnyType, readAndSearch}
}

// scoped refuses what the application's scopes do not permit, and has what is
// read narrowed to those that permit what the request does.
func (q *request) scoped() error {
	if q.subject.Scopes == nil {
		return nil
	}
	if slices.Contains(q.path, "Subscription") {
		if err := q.Access.OutOfScope(q.r.Context(), q.subject, "Subscription"); err != nil {
			return err
		}
		return fault.E("api.scopes", fault.Security, "an application can't subscribe here, nor read subscriptions: whoever it acts for can")
	}
	if q.asksSelf() {
		return nil
	}
	n := needOf(q.r.Method, q.path, q.r.Header.Get("If-None-Exist") != "")
	if err := q.mayDo(n); err != nil {
		return err
	}
	q.subject.Scopes = q.subject.Scopes.For(n.do)
	return nil
}

// mayDo refuses what no scope permits. RFC 6750, section 3.1.
func (q *request) mayDo(n need) error {
	s := q.subject.Scopes
	if n.do == 0 || s == nil || s.Permit(n.typ, n.do) {
		return nil
	}
	if n.typ == "" {
		n.typ = policy.AnyType
	}
	needed := s.Needs(n.typ, n.do)
	if err := q.Access.OutOfScope(q.r.Context(), q.subject, "scope "+needed); err != nil {
		return err
	}
	q.w.Header().Set("WWW-Authenticate", `Bearer realm="selda", error="insufficient_scope", scope="`+needed+`"`)
	return fault.E("api.scopes", fault.Security, "insufficient_scope: this needs the scope "+needed)
}

// scoped refuses a transaction that holds an entry for which there is no scope.
func (t *transaction) scoped() error {
	if t.q.subject.Scopes == nil {
		return nil
	}
	for _, e := range t.entries {
		r := e.Get("request")
		path, _, _ := strings.Cut(strings.TrimPrefix(r.Get("url").Text(), t.q.base+"/"), "?")
		var steps []string
		if path = strings.Trim(path, "/"); path != "" {
			steps = strings.Split(path, "/")
		}
		if slices.Contains(steps, "Subscription") {
			return fault.E("api.scopes", fault.Security, "an application can't subscribe here: whoever it acts for can")
		}
		if err := t.q.mayDo(needOf(r.Get("method").Text(), steps, r.Get("ifNoneExist").Exists())); err != nil {
			return err
		}
	}
	return nil
}

// theirs says whether a search that names nobody is about some people alone: a
// citizen's own record, those whom a proxy helps, the patient of a launch.
func (q *request) theirs() bool {
	return q.subject.Role == nhs.Citizen || q.subject.Role == nhs.Proxy || q.subject.Scopes.Bound() != ""
}

// echoed says whether what was written may be sent back: whoever may not read
// learns nothing from what they write.
func (q *request) echoed(typ string) bool {
	s := q.subject.Scopes
	return s == nil || slices.ContainsFunc(s.List, func(x policy.Scope) bool {
		return x.Do&policy.ToRead != 0 && x.Marks == 0 && (x.Type == policy.AnyType || x.Type == typ)
	})
}

// reader is to whom a cursor belongs: the user, and the application between.
func (q *request) reader() string {
	if s := q.subject.Scopes; s != nil {
		return q.subject.User + " by " + s.App
	}
	return q.subject.User
}
