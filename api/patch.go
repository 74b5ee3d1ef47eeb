package api

import (
	"encoding/base64"
	"net/http"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/patch"
	"selda/store"
)

// Patch. https://hl7.org/fhir/R4/http.html#patch
func (q *request) patch(typ, id string) error {
	change, err := q.change()
	if err != nil {
		return err
	}
	if err := q.mayWrite(audit.Update, typ+"/"+id); err != nil {
		return err
	}
	return q.patchOne(typ, id, change)
}

// patchWhere is conditional patch.
func (q *request) patchWhere(typ string) error {
	change, err := q.change()
	if err != nil {
		return err
	}
	if err := q.mayWrite(audit.Update, typ); err != nil {
		return err
	}
	where := q.r.URL.RawQuery
	release, err := q.exclusively(typ + "?" + where)
	if err != nil {
		return err
	}
	defer release()
	h, err := q.theMatch(typ, where, "")
	if err != nil {
		return err
	}
	if h == nil {
		return fault.E("api.patch", fault.NotFound, "no resource meets the condition")
	}
	return q.patchOne(typ, h.ID, change)
}

// change is what a patch does to a resource's JSON.
type change func(compact []byte) ([]byte, error)

// change reads the body of a patch.
func (q *request) change() (change, error) {
	kind, _, _ := strings.Cut(strings.ToLower(q.r.Header.Get("Content-Type")), ";")
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	return q.changeOf(strings.TrimSpace(kind), body)
}

func (q *request) changeOf(kind string, body []byte) (change, error) {
	const op = "api.patch"
	switch kind {
	case "application/json-patch+json":
		p, err := patch.ParseJSON(body)
		if err != nil {
			return nil, err
		}
		return p.Apply, nil
	case "application/xml-patch+xml":
		q.status = http.StatusUnsupportedMediaType
		return nil, fault.E(op, fault.NotSupported, "a patch is a JSON Patch (application/json-patch+json) or a FHIRPath Patch (Parameters)")
	}
	compact, err := compactOf(body)
	if err != nil {
		return nil, err
	}
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	if r.Type != "Parameters" {
		q.status = http.StatusUnsupportedMediaType
		return nil, fault.E(op, fault.NotSupported, "a patch is a JSON Patch (application/json-patch+json) or a FHIRPath Patch (Parameters)", "resourceType")
	}
	p, err := patch.ParseFHIRPath(r)
	if err != nil {
		return nil, err
	}
	return p.Apply, nil
}

// patchTries is how often a patch is tried again when another write came between.
const patchTries = 5

// patchOne changes the version in force. Where another write comes between it is
// done again on what is there then, unless the client named its version.
func (q *request) patchOne(typ, id string, f change) error {
	match := q.ifMatch()
	for try := 1; ; try++ {
		body, version, err := q.patched(typ, id, match, f)
		if err != nil {
			return err
		}
		err = q.put(typ, id, version, body)
		if match <= 0 && try < patchTries && fault.Is(err, fault.Conflict) {
			continue
		}
		return err
	}
}

// patched is a resource as a patch leaves it, and the version that it was made of.
func (q *request) patched(typ, id string, match int, f change) ([]byte, int, error) {
	const op = "api.patch"
	field, err := q.ownField(typ+"/"+id, store.Latest)
	if err != nil {
		return nil, 0, err
	}
	v, err := q.Records.Read(q.r.Context(), field.g, typ, id)
	switch {
	case err != nil:
		return nil, 0, err
	case v.Deleted:
		return nil, 0, fault.E(op, fault.Deleted, "the resource was deleted")
	case match > 0 && match != v.Version:
		return nil, 0, fault.E(op, fault.Conflict, "another version is in force")
	}
	body, err := f(dressed(v))
	if err != nil {
		return nil, 0, err
	}
	if body, err = q.checked(body); err != nil {
		return nil, 0, err
	}
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return nil, 0, err
	}
	if r.Type != typ || r.ID != id {
		return nil, 0, fault.E(op, fault.Invalid, "a patch does not change the type or the id of a resource")
	}
	return body, v.Version, nil
}

// patchOf reads the patch of a Bundle's entry: Parameters, or a Binary that holds a JSON Patch.
// https://hl7.org/fhir/R4/http.html#transaction
func patchOf(resource fhir.Node) (kind string, body []byte, err error) {
	if !resource.Get("resourceType").Is("Binary") {
		return "application/fhir+json", resource.JSON(), nil
	}
	body, err = base64.StdEncoding.DecodeString(resource.Get("data").Text())
	if err != nil {
		return "", nil, fault.E("api.patch", fault.Value, "the data of a Binary is base64", "Binary.data")
	}
	return resource.Get("contentType").Text(), body, nil
}
