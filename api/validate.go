package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/fhir/validate"
)

// Profiles says what is done about a resource that does not hold to a profile
// that it names.
type Profiles uint8

// What is done. The zero Profiles takes it, and says so to who asks for an
// OperationOutcome.
const (
	ReportProfiles Profiles = iota
	RefuseProfiles
	// PassProfiles does not ask: nobody is there to be told.
	PassProfiles
)

// invalid is a resource that is refused, with all that is wrong with it.
type invalid struct{ issues []validate.Issue }

// Error tells the first thing that is wrong.
func (e *invalid) Error() string { return e.issues[0].Text }

// checked reads a resource and refuses one whose structure is wrong; by its
// source's own wish also one that does not hold to its profiles.
// https://hl7.org/fhir/R4/validation.html
func (q *request) checked(body []byte) ([]byte, error) {
	compact, err := compactOf(body)
	if err != nil {
		return nil, err
	}
	compact = q.relative(compact, nil)
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	issues, err := q.issues(r.Root(), "")
	if err != nil {
		return nil, err
	}
	if r.Type == "SearchParameter" {
		if _, err := search.Define(r); err != nil {
			return nil, err
		}
	}
	q.found = append(q.found, issues...)
	q.asserted(r)
	return compact, nil
}

// issues are what a resource that is taken should be known for; one that is not
// taken is an error.
func (q *request) issues(root fhir.Node, place string) ([]validate.Issue, error) {
	if q.Validator == nil {
		return nil, nil
	}
	v, err := q.Validator()
	if err != nil {
		return nil, err
	}
	return check(v, q.profiles(), q.prefers("return=OperationOutcome"), root, place)
}

// check holds a resource against the structure of R4, and against all else, the
// invariants of R4 among it, where this is refused, told to who asks, or named in
// the resource.
func check(v *validate.Validator, profiles Profiles, told bool, root fhir.Node, place string) ([]validate.Issue, error) {
	issues := v.Node(root)
	kind := fault.Structure
	if !validate.Errors(issues) && profiles != PassProfiles && (told || profiles == RefuseProfiles || root.Get("meta", "profile").Exists()) {
		r, err := root.Resource()
		if err != nil {
			return nil, err
		}
		if issues = v.Profiles(r); profiles == ReportProfiles {
			return issues, nil
		}
		kind = fault.Value
	}
	if !validate.Errors(issues) {
		return nil, nil
	}
	for i := range issues {
		if place != "" {
			issues[i].Expression = place + strings.TrimPrefix(issues[i].Expression, root.Get("resourceType").Text())
		}
	}
	return nil, fault.E("api.validate", kind, error(&invalid{issues}))
}

// Imported refuses a line of an import whose structure is wrong; by its source's
// own wish also one that does not hold to its profiles.
func Imported(v *validate.Validator, profiles Profiles, r *fhir.Resource) error {
	if profiles == ReportProfiles {
		profiles = PassProfiles
	}
	if _, err := check(v, profiles, false, r.Root(), ""); err != nil {
		return err
	}
	if r.Type == "SearchParameter" {
		_, err := search.Define(r)
		return err
	}
	return nil
}

func (q *request) profiles() Profiles {
	if q.ProfilesOf == nil {
		return ReportProfiles
	}
	return q.ProfilesOf(q.subject.Source)
}

// refused are the issues of an error that has several.
func refused(err error) []validate.Issue {
	var e *invalid
	if errors.As(err, &e) {
		return e.issues
	}
	return nil
}

func init() {
	offer(operation{name: "validate", at: onType | onInstance, definition: core + "Resource-validate", run: (*request).validate})
}

// Validate says what is wrong with a resource, without taking it.
// https://hl7.org/fhir/R4/resource-operation-validate.html
func (q *request) validate(typ, id string) error {
	const op = "api.validate"
	args, err := q.arguments()
	if err != nil {
		return err
	}
	r, err := args.resource("resource")
	if err != nil {
		return err
	}
	mode := args.text("mode")
	if !slices.Contains([]string{"", "create", "update", "delete", "profile"}, mode) {
		return fault.E(op, fault.Value, "the modes are create, update, delete and profile", "mode")
	}
	if r == nil {
		if id == "" {
			return fault.E(op, fault.Required, "say what is to be validated: a resource, or Parameters with one", "resource")
		}
		if r, err = q.stored(typ, id); err != nil {
			return err
		}
	} else if _, err := q.Access.Directory(q.r.Context(), q.subject, typ+"/$validate"); err != nil {
		return err
	}
	if r.Type != typ {
		return fault.E(op, fault.Invalid, "the resource is of another type than the URL", "resourceType")
	}
	v, err := q.validator()
	if err != nil {
		return err
	}
	issues := v.Resolving(q.resolver()).Profiles(r, args.values["profile"]...)
	if mode == "update" && id != "" && r.ID != id {
		issues = append(issues, validate.Issue{Code: "invalid", Expression: typ + ".id", Text: "the id is not that of the URL"})
	}
	q.send(http.StatusOK, fhir.Marshal(validate.Outcome(issues)))
	return nil
}

func (q *request) validator() (*validate.Validator, error) {
	if q.Validator == nil {
		return nil, fault.E("api.validate", fault.NotSupported, "there is no validator here")
	}
	return q.Validator()
}

// maxLookups bounds how many references of one resource are looked up.
const maxLookups = 100

// resolver looks up what references lead to, with the rights of who asks: what
// they may not see is to them as if it were not there. Only $validate does so: to
// take a resource nothing need be there that it refers to, since messages come in
// any order, and an answer to each write would cost a read for each reference.
func (q *request) resolver() validate.Resolver {
	type answer struct {
		fhir.Node
		known bool
	}
	asked := map[string]answer{}
	return func(reference string) (fhir.Node, bool) {
		t := search.ParseReference(strings.TrimPrefix(reference, q.base+"/"))
		if t.Type == "" || t.ID == "" || t.URL != "" || notStored[t.Type] || t.Type == "Subscription" {
			return fhir.Node{}, false
		}
		key := t.Type + "/" + t.ID
		a, done := asked[key]
		if !done && len(asked) < maxLookups {
			r, err := q.stored(t.Type, t.ID)
			if a.known = err == nil || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) || fault.Is(err, fault.Deleted); err == nil {
				a.Node = r.Root()
			}
			asked[key] = a
		}
		return a.Node, a.known
	}
}

// stored is a resource as the one who asks may read it.
func (q *request) stored(typ, id string) (*fhir.Resource, error) {
	g, view, err := q.grantFor(typ, id)
	if err != nil {
		return nil, err
	}
	if view != nil {
		body, _, _ := Citizen(view)
		return fhir.ParseTrusted(body)
	}
	v, err := q.Records.Read(q.r.Context(), g, typ, id)
	if err != nil {
		return nil, err
	}
	if v.Deleted {
		return nil, fault.E("api.read", fault.Deleted, "the resource was deleted")
	}
	body, err := q.as(g, v)
	if err != nil {
		return nil, err
	}
	return fhir.ParseTrusted(body)
}

// entryPlace is where a resource stands in a Bundle.
func entryPlace(i int) string { return "Bundle.entry[" + strconv.Itoa(i) + "].resource" }
