package api

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/store"
)

// Bulk Data Access. https://hl7.org/fhir/uv/bulkdata/STU2/export.html

func init() {
	const bulkdata = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
	offer(
		operation{name: "export", at: onSystem, definition: bulkdata + "export", run: (*request).export},
		operation{name: "export", at: onType, types: []string{"Patient"}, definition: bulkdata + "patient-export", run: (*request).export},
		operation{name: "export", at: onInstance, types: []string{"Group"}, definition: bulkdata + "group-export", run: (*request).export},
	)
}

// exportAsk is what an export is asked for.
type exportAsk struct {
	Level    string              `json:"level"` // system, Patient, or Group/id
	Patients []string            `json:"patients,omitempty"`
	Types    []string            `json:"types,omitempty"`
	Since    time.Time           `json:"since,omitzero"`
	Until    time.Time           `json:"until,omitzero"`
	Filters  map[string][]string `json:"filters,omitempty"` // queries, by type
	Elements []string            `json:"elements,omitempty"`
	Base     string              `json:"base"`
	Ignored  []string            `json:"ignored,omitempty"` // parameters that are not known
}

// export takes an export on.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
func (q *request) export(typ, id string) error {
	const op = "api.export"
	if q.Bulk == nil {
		return fault.E(op, fault.NotSupported, "this server keeps no files, and so can't export")
	}
	ask := exportAsk{Level: "system", Base: q.base}
	if typ != "" {
		ask.Level = strings.TrimSuffix(typ+"/"+id, "/")
	}
	args, err := q.arguments()
	if err != nil {
		return err
	}
	known, err := q.mayExport(&ask)
	if err != nil {
		return err
	}
	if !q.respondsAsync() {
		return fault.E(op, fault.NotSupported, "an export takes its time: ask for it with the header Prefer: respond-async", "Prefer")
	}
	if err := ask.read(q, args); err != nil {
		return err
	}
	for _, id := range ask.Patients {
		if !known(id) {
			return fault.E(op, fault.NotFound, "a patient that is named is not known, or not of the group", "patient")
		}
	}
	return q.takeOn(bulk.Export, &ask)
}

// address is the URL as it was asked for.
func (q *request) address() string {
	return strings.TrimSuffix(q.base, "/fhir") + q.r.URL.RequestURI()
}

// mayExport decides who may have an export: a source system what it wrote, a
// citizen the own record. It says which patients can be named in it.
func (q *request) mayExport(ask *exportAsk) (known func(patient string) bool, err error) {
	ctx := q.r.Context()
	what := "$export of " + ask.Level
	if q.subject.Role == nhs.Citizen && ask.Level == "Patient" {
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return nil, err
		}
		_, err = q.Access.Record(ctx, q.subject, own, what)
		return func(id string) bool { return id == own }, err
	}
	g, err := q.Access.System(ctx, q.subject, audit.Export, what)
	if fault.Is(err, fault.Security) {
		return nil, fault.E("api.export", fault.Security, "a source system may export what it wrote, and a citizen the own record, at /fhir/Patient/$export: nobody else may export")
	}
	if err != nil {
		return nil, err
	}
	written := func(typ, id string) *store.Version {
		v, err := q.Records.Read(ctx, g, typ, id)
		if err != nil || v.Deleted {
			return nil
		}
		return v
	}
	patient := func(id string) bool { return written("Patient", id) != nil }
	typ, id, ok := strings.Cut(ask.Level, "/")
	if !ok {
		return patient, nil
	}
	v := written(typ, id)
	if v == nil {
		return nil, fault.E("api.export", fault.NotFound, "there is no such Group")
	}
	group, err := v.Resource()
	if err != nil {
		return nil, err
	}
	members := membersOf(group)
	return func(id string) bool { return slices.Contains(members, id) && patient(id) }, nil
}

// membersOf are the Patients of a Group.
func membersOf(group *fhir.Resource) (out []string) {
	for _, m := range group.Root().List("member") {
		if t := search.ParseReference(m.Get("entity", "reference").Text()); t.Type == "Patient" && !m.Get("inactive").Bool() {
			out = append(out, t.ID)
		}
	}
	return out
}

// ndjson are the names of the one format that is made.
var ndjson = []string{"application/fhir+ndjson", "application/ndjson", "ndjson"}

// read reads the parameters.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
func (ask *exportAsk) read(q *request, args *arguments) error {
	const op = "api.export"
	names := make([]string, 0, len(args.values))
	for name := range args.values {
		names = append(names, name)
	}
	for name := range args.parts {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		var err error
		switch name {
		case "_format", "_pretty":
		case "_outputFormat":
			if f := args.text(name); !slices.Contains(ndjson, strings.ReplaceAll(f, " ", "+")) {
				err = fault.E(op, fault.NotSupported, "the format of an export is application/fhir+ndjson", name)
			}
		case "_since":
			ask.Since, err = instant(args, name)
		case "_until":
			ask.Until, err = instant(args, name)
		case "_type":
			err = ask.types(list(url.Values(args.values), name), q.prefers("handling=lenient"))
		case "_elements":
			ask.Elements = list(url.Values(args.values), name)
		case "patient":
			err = ask.patients(args)
		case "_typeFilter": // once the types are known
		default:
			if !q.prefers("handling=lenient") {
				return fault.E(op, fault.NotSupported, "this parameter is not supported: leave it out, or say Prefer: handling=lenient to have it ignored", name)
			}
			ask.Ignored = append(ask.Ignored, name)
		}
		if err != nil {
			return err
		}
	}
	return ask.filters(q, args)
}

// types reads the types that are asked for. One that there is not is left out for a
// client that prefers this, as long as another is asked for, too.
func (ask *exportAsk) types(asked []string, lenient bool) error {
	for _, t := range asked {
		switch {
		case fhir.IsResourceType(t):
			ask.Types = append(ask.Types, t)
		case !lenient:
			return fault.E("api.export", fault.Value, "there is no such resource type", "_type")
		default:
			ask.Ignored = append(ask.Ignored, "_type="+t)
		}
	}
	if len(ask.Types) == 0 {
		return fault.E("api.export", fault.Value, "_type names no resource type that there is", "_type")
	}
	return nil
}

func instant(args *arguments, name string) (time.Time, error) {
	t, ok := fhir.Time(args.text(name))
	if !ok {
		return t, fault.E("api.export", fault.Value, "an instant is written as 2026-11-05T09:00:00Z", name)
	}
	return t, nil
}

// patients reads whose records are meant, of an export of Patients or a Group.
func (ask *exportAsk) patients(args *arguments) error {
	const op = "api.export"
	if ask.Level == "system" {
		return fault.E(op, fault.NotSupported, "patients are named in an export of Patient or of a Group", "patient")
	}
	for _, p := range args.parts["patient"] {
		ref := p.Get("valueReference", "reference").Text()
		t := search.ParseReference(strings.TrimPrefix(ref, ask.Base+"/"))
		if t.Type != "Patient" || t.ID == "" || t.URL != "" {
			return fault.E(op, fault.Value, "a patient is named as Patient/id of this server", "patient")
		}
		ask.Patients = append(ask.Patients, t.ID)
	}
	if len(ask.Patients) == 0 {
		return fault.E(op, fault.NotSupported, "patients are named by POST, in Parameters, as valueReference", "patient")
	}
	return nil
}

// anotherFilter begins a filter after the comma that ends the one before it.
var anotherFilter = regexp.MustCompile(`,([A-Z][A-Za-z]+\?)`)

// filters reads the queries that resources of a type must meet: one of those of
// its type. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-query-parameter
func (ask *exportAsk) filters(q *request, args *arguments) error {
	const op = "api.export"
	for _, value := range args.values["_typeFilter"] {
		for one := range strings.SplitSeq(anotherFilter.ReplaceAllString(value, "\x00$1"), "\x00") {
			typ, query, ok := strings.Cut(one, "?")
			if !ok || !fhir.IsResourceType(typ) {
				return fault.E(op, fault.Value, "a filter is a query of a type: Observation?status=final", "_typeFilter")
			}
			if len(ask.Types) > 0 && !slices.Contains(ask.Types, typ) {
				return fault.E(op, fault.Value, "a filter is of a type that _type leaves out", "_typeFilter")
			}
			if ask.Filters == nil {
				ask.Filters = map[string][]string{}
			}
			ask.Filters[typ] = append(ask.Filters[typ], query)
		}
	}
	_, err := ask.compile(q.scope())
	return err
}

// compile makes queries of the filters.
func (ask *exportAsk) compile(scope *search.Scope) (map[string][]*search.Query, error) {
	const op = "api.export"
	out := map[string][]*search.Query{}
	for typ, list := range ask.Filters {
		for _, one := range list {
			params, err := url.ParseQuery(one)
			if err != nil {
				return nil, fault.E(op, fault.Value, "a filter is not a query", "_typeFilter")
			}
			query, err := scope.Parse(typ, params)
			if err != nil {
				return nil, err
			}
			if len(query.Unknown) > 0 {
				return nil, fault.E(op, fault.NotSupported, "this parameter is not known for "+typ+": "+query.Unknown[0], "_typeFilter")
			}
			if query.Count >= 0 || query.Sort != nil || query.Include != nil || query.Summary != "" || query.Elements != nil {
				return nil, fault.E(op, fault.NotSupported, "a filter holds conditions alone: nothing of how an answer shall be", "_typeFilter")
			}
			for _, c := range query.Clauses {
				if len(c.Open()) > 0 {
					return nil, fault.E(op, fault.NotSupported, "a filter holds conditions on the resource itself: no chains, _has or _list", "_typeFilter")
				}
			}
			out[typ] = append(out[typ], query)
		}
	}
	return out, nil
}
