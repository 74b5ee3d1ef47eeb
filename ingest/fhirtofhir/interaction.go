package fhirtofhir

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// Interaction reads one write through a FHIR API: call is the method and the
// URL below the base, with the version of If-Match where there is one, + where any must be there, and * where nothing may be: "POST
// Observation", "PUT Observation/a1 3", "PUT Observation/a1 +", "PUT Observation/a1 *", "META Observation/a1 3" ($meta-add, $meta-delete), "DELETE Observation/a1", "MERGE Patient/a Patient/b", "POST" for a
// batch or transaction. References are to ids of this server.
// https://hl7.org/fhir/R4/http.html
func Interaction(call string, compact []byte, source nhs.Source) (*mapped.Message, error) {
	const op = "fhirtofhir.Interaction"
	method, rest, _ := strings.Cut(call, " ")
	url, match, _ := strings.Cut(rest, " ")
	labels := method == "META" // a PUT of a resource whose labels were changed by themselves
	if labels {
		method = "PUT"
	}
	if method == "MERGE" {
		return merge(rest)
	}
	x := &interaction{source: source, people: map[string]int{}, local: map[string]string{}, out: &mapped.Message{Event: "FHIR " + method}}
	if url != "" {
		var r *fhir.Resource
		if method != "DELETE" {
			var err error
			if r, err = fhir.ParseTrusted(compact); err != nil {
				return nil, err
			}
		}
		e := step{method: method, url: url, res: r}
		switch e.match, _ = strconv.Atoi(match); match {
		case "*":
			e.match = mapped.Nothing
		case "+":
			e.match = mapped.Something
		}
		x.steps = append(x.steps, e)
		x.out.Event += " " + strings.SplitN(url, "/", 2)[0]
	} else {
		b, err := fhir.ParseTrusted(compact)
		if err != nil {
			return nil, err
		}
		if b.Type != "Bundle" {
			return nil, fault.E(op, fault.Invalid, "only a Bundle is posted to the base", "resourceType")
		}
		x.out.Event = "FHIR " + b.Get("type").Text()
		if err := x.collect(b); err != nil {
			return nil, err
		}
	}
	if err := x.run(); err != nil {
		return nil, err
	}
	for i := range x.out.Resources {
		x.out.Resources[i].SaysLabels = labels
	}
	return x.out, nil
}

// merge reads "Patient/a Patient/b": that the first is the second.
func merge(rest string) (*mapped.Message, error) {
	from, into, _ := strings.Cut(rest, " ")
	a, ok1 := strings.CutPrefix(from, "Patient/")
	b, ok2 := strings.CutPrefix(into, "Patient/")
	if !ok1 || !ok2 || !fhir.IsID(a) || !fhir.IsID(b) {
		return nil, fault.E("fhirtofhir.merge", fault.Value, "two Patients are named, as Patient/id")
	}
	return &mapped.Message{Event: "FHIR MERGE Patient", Patients: []mapped.Patient{{ID: b, Place: "target-patient"}, {ID: a, Place: "source-patient"}},
		Links: []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "source-patient"}}}, nil
}

// Match is the version that If-Match names: mapped.Something for *, 0 where it
// says nothing. What is no version is one that no resource has.
// https://hl7.org/fhir/R4/http.html#concurrency
func Match(etag string) int {
	switch etag = strings.TrimSpace(etag); etag {
	case "":
		return 0
	case "*":
		return mapped.Something
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(etag, "W/"), `"`))
	if err != nil || n < 1 {
		return math.MaxInt
	}
	return n
}

type step struct {
	method, url, full, place string
	match                    int
	res                      *fhir.Resource
	patient, resource        int // where it went, -1 where it did not
}

type interaction struct {
	source nhs.Source
	steps  []step
	people map[string]int    // Patient/id and fullUrl to index of Patients
	local  map[string]string // fullUrl to reference
	out    *mapped.Message
}

func (x *interaction) collect(b *fhir.Resource) error {
	const op = "fhirtofhir.Interaction"
	for i, e := range b.Root().List("entry") {
		place := "entry[" + strconv.Itoa(i) + "]"
		s := step{method: e.Get("request", "method").Text(), url: e.Get("request", "url").Text(), full: e.Get("fullUrl").Text(), place: place}
		if e.Get("request", "ifNoneExist").Exists() || strings.Contains(s.url, "?") {
			return fault.E(op, fault.NotSupported, "conditional interactions are not supported yet", place+".request")
		}
		if s.match = Match(e.Get("request", "ifMatch").Text()); s.match == 0 && e.Get("request", "ifNoneMatch").Is("*") {
			s.match = mapped.Nothing
		}
		switch s.method {
		case "POST", "PUT":
			r, err := e.Get("resource").Resource()
			if err != nil {
				return at(err, place+".resource")
			}
			s.res = r
		case "DELETE":
		default:
			return fault.E(op, fault.NotSupported, "a transaction holds POST, PUT and DELETE", place+".request.method")
		}
		x.steps = append(x.steps, s)
	}
	return nil
}

// run first says where every step goes, then rewrites references.
func (x *interaction) run() error {
	const op = "fhirtofhir.Interaction"
	for i := range x.steps {
		s := &x.steps[i]
		s.patient, s.resource = -1, -1
		typ, id, _ := strings.Cut(s.url, "/")
		if !fhir.IsResourceType(typ) || id != "" && !fhir.IsID(id) || (s.method == "POST") != (id == "") {
			return fault.E(op, fault.Value, "the URL is Type to create, and Type/id to update or delete", join(s.place, "request.url"))
		}
		if s.res != nil && s.res.Type != typ {
			return fault.E(op, fault.Invalid, "the resource is of another type than the URL", join(s.place, "resourceType"))
		}
		if s.method == "PUT" && s.res.ID != id {
			return fault.E(op, fault.Invalid, "the resource's id is not that of the URL", join(s.place, "id"))
		}
		if answered[typ] {
			return fault.E(op, fault.NotSupported, refused[typ], join(s.place, "resourceType"))
		}
		if typ == "Patient" && s.method != "DELETE" {
			p := Person(s.res, x.source, s.place)
			p.ID, p.New, p.Body, p.IfMatch = id, id == "", s.res.JSON, s.match
			s.patient = len(x.out.Patients)
			x.out.Patients = append(x.out.Patients, p)
			if id != "" {
				x.people["Patient/"+id] = s.patient
			}
			if s.full != "" {
				x.people[s.full] = s.patient
				x.local[s.full] = mapped.PatientRef(s.patient)
			}
			continue
		}
		s.resource = len(x.out.Resources)
		x.out.Resources = append(x.out.Resources, mapped.Resource{Type: typ, ID: id, Patient: mapped.Shared, Place: s.place, IfMatch: s.match})
		if s.full != "" && s.method != "DELETE" {
			x.local[s.full] = mapped.LocalRef(s.resource)
		}
	}
	for i := range x.steps {
		if err := x.fill(&x.steps[i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *interaction) fill(s *step) (err error) {
	if s.patient >= 0 {
		p := &x.out.Patients[s.patient]
		p.Body, err = x.rewrite(s)
		return err
	}
	r := &x.out.Resources[s.resource]
	if s.method == "DELETE" {
		r.Action = mapped.Remove
		return nil
	}
	if s.res.Type == "Bundle" {
		r.Patient = x.aboutBundle(s)
	} else if r.Patient = x.about(s); r.Patient == mapped.Shared && !shared[s.res.Type] {
		// Somebody who is named by words or by another's number: what is of
		// nobody would be in no record, and be missed by no one.
		for _, element := range []string{"subject", "patient", "beneficiary", "for"} {
			n := s.res.Get(element)
			if ref := n.Get("reference").Text(); s.place == "" && strings.HasPrefix(ref, "urn:") {
				return fault.E("fhirtofhir.Interaction", fault.Value, "only a transaction knows somebody by this name: a person is Patient/id of this server, or an NHS number", join(s.place, element+".reference"))
			}
			if n.IsObject() && !n.Get("reference").Exists() {
				return fault.E("fhirtofhir.Interaction", fault.Value, "nobody is known by this: a person is Patient/id of this server, or an NHS number", join(s.place, element))
			}
		}
	}
	if err := x.elsewhere(s, r.Patient); err != nil {
		return err
	}
	r.Origins = []mapped.Origin{{Place: s.place}}
	r.Body, err = x.rewrite(s)
	return err
}

// rewrite turns references within the transaction into what they name. One
// that names nothing here would be an item of nobody, and is refused.
func (x *interaction) rewrite(s *step) (body []byte, err error) {
	const op = "fhirtofhir.Interaction"
	if s.res.Type == "Bundle" {
		return fhir.Bare(s.res.JSON), nil // what is in it speaks of what is in it
	}
	body = fhir.RewriteReferences(fhir.Bare(s.res.JSON), func(ref string) string {
		if now, ok := x.local[ref]; ok {
			return now
		}
		if now, ok := x.local[base(s.full)+ref]; ok { // a relative one is relative to its own entry
			return now
		}
		switch typ, _, conditional := strings.Cut(ref, "?"); {
		case s.place != "" && (strings.HasPrefix(ref, "urn:uuid:") || strings.HasPrefix(ref, "urn:oid:")):
			err = fault.E(op, fault.Value, "it refers to an entry that is not in the Bundle", join(s.place, "resource"))
		case conditional && fhir.IsResourceType(typ):
			err = fault.E(op, fault.NotSupported, "conditional references are not supported yet", join(s.place, "resource"))
		}
		return ref
	})
	if err == nil && x.links(body) {
		body = fhir.RewriteURIs(body, func(uri string) string { return cmp.Or(x.local[uri], uri) })
	}
	return body, err
}

// links says whether a body may name an entry of the transaction by URI, too.
func (x *interaction) links(body []byte) bool {
	for _, scheme := range []string{"urn:uuid:", "urn:oid:"} {
		if !bytes.Contains(body, []byte(scheme)) {
			continue
		}
		for full := range x.local {
			if strings.HasPrefix(full, scheme) {
				return true
			}
		}
	}
	return false
}

// aboutBundle is whom a Bundle is about that is kept as it is, as a document is:
// of the persons in it the one with an NHS number. One about nobody who is
// known is its source's alone.
func (x *interaction) aboutBundle(s *step) int {
	for _, e := range s.res.Root().List("entry") {
		r, err := e.Get("resource").Resource()
		if err != nil {
			continue
		}
		if r.Type == "Patient" {
			for _, id := range r.Root().List("identifier") {
				if v := id.Get("value").Text(); v != "" && id.Get("system").Is(nhs.NumberSystem) {
					return x.known(nhs.NumberSystem+"|"+v, mapped.Patient{Identifiers: []mapped.Identifier{{System: nhs.NumberSystem, Value: v, Place: join(s.place, "entry")}}, Place: join(s.place, "entry")})
				}
			}
		}
	}
	return mapped.Shared
}

// known gives the place of a person among those of the message.
func (x *interaction) known(name string, p mapped.Patient) int {
	i, ok := x.people[name]
	if !ok {
		i = len(x.out.Patients)
		x.out.Patients = append(x.out.Patients, p)
		x.people[name] = i
	}
	return i
}

// abouts are the elements that may say whom a resource is about.
func abouts(r fhir.Node) (refs []fhir.Node) {
	for _, element := range []string{"subject", "patient", "beneficiary", "for", "individual", "securityContext"} {
		refs = append(refs, r.List(element)...)
	}
	for _, p := range r.List("participant") {
		refs = append(refs, p.Get("actor"))
	}
	return append(refs, r.List("target")...)
}

// elsewhere refuses what is about a Patient of another server only: filed under
// the Patient who has the same id here, it would be in a stranger's record.
func (x *interaction) elsewhere(s *step, patient int) error {
	if patient != mapped.Shared || shared[s.res.Type] {
		return nil
	}
	for _, n := range abouts(s.res.Root()) {
		if url := n.Get("reference").Text(); strings.Contains(url, "://") && strings.HasPrefix(relative(url), "Patient/") {
			return fault.E("fhirtofhir.Interaction", fault.Value, "it refers to a Patient of another server: a person is Patient/id of this server, or an NHS number", s.place)
		}
	}
	return nil
}

// about is whom a resource is about: a Patient of this server, or of the
// transaction.
func (x *interaction) about(s *step) int {
	if shared[s.res.Type] {
		return mapped.Shared
	}
	for _, n := range abouts(s.res.Root()) {
		if !n.IsObject() {
			continue
		}
		url := n.Get("reference").Text()
		if i, ok := x.people[url]; ok && url != "" {
			return i
		}
		if i, ok := x.people[base(s.full)+url]; ok && url != "" {
			return i
		}
		rel := ""
		if !strings.Contains(url, "://") { // another server's Patient is another, also by the same id
			rel = relative(url)
		}
		if i, ok := x.people[rel]; ok && rel != "" {
			return i
		}
		if id, ok := strings.CutPrefix(rel, "Patient/"); ok {
			return x.known(rel, mapped.Patient{ID: id, Place: join(s.place, "subject.reference")})
		}
		if v := n.Get("identifier", "value").Text(); v != "" && n.Get("identifier", "system").Is(nhs.NumberSystem) {
			id := mapped.Identifier{System: nhs.NumberSystem, Value: v, Place: join(s.place, "identifier.value")}
			return x.known(id.System+"|"+v, mapped.Patient{Identifiers: []mapped.Identifier{id}, Place: join(s.place, "identifier")})
		}
	}
	return mapped.Shared
}
