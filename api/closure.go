package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"selda/fault"
	"selda/fhir"
	"selda/terminology"
)

func init() {
	offer(operation{name: "closure", at: onSystem | onType, types: []string{"ConceptMap"}, changes: true, definition: core + "ConceptMap-closure", run: (*request).closure})
}

// Closures is the port to where closure tables are kept.
type Closures interface {
	// Load gives a document and its version; nil and 0 where there is none.
	Load(name string) (content []byte, version int64, err error)
	// Save replaces the version that was loaded, 0 where there was none; the
	// fault is Conflict where another one is there by now.
	Save(name string, content []byte, version int64) error
	// List gives the names that begin so, in order.
	List(prefix string) ([]string, error)
}

// maxClosures is how many closure tables one account may keep.
const maxClosures = 20

// A client's closure table is kept up. https://hl7.org/fhir/R4/terminology-service.html#closure
func (q *request) closure(_, _ string) error {
	const op = "api.closure"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	name, since := a.text("name"), a.text("version")
	codes := a.codings("", "concept", "")
	from := -1
	if since != "" {
		if from, err = strconv.Atoi(since); err != nil || from < 0 {
			return fault.E(op, fault.Value, "the version is none that was given for this table", "version")
		}
	}
	switch {
	case q.Closures == nil:
		return fault.E(op, fault.NotSupported, "closure tables are not kept here")
	case q.subject.User == "":
		return fault.E(op, fault.Login, "nobody is signed in")
	case !fhir.IsID(name):
		return fault.E(op, fault.Invalid, "the name of a closure table has 1 to 64 letters, digits, hyphens and points", "name")
	case since != "" && len(codes) > 0:
		return fault.E(op, fault.Invalid, "a closure table is asked for with concept, or with version, not with both", "version")
	}
	owner := sha256.Sum256([]byte(q.subject.User))
	table := &kept{closures: q.Closures, folder: "closure/" + hex.EncodeToString(owner[:12]) + "/", name: name}
	c, relations, err := table.ask(s, codes, from)
	if err != nil {
		return err
	}
	title := "Updates for Closure Table " + name
	if from < 0 && len(codes) == 0 {
		title = "Closure Table " + name + " Creation"
	}
	q.send(http.StatusOK, fhir.Marshal(fhir.Object{"resourceType": "ConceptMap", "id": name, "version": strconv.Itoa(c.Version), "name": title, "status": "active", "experimental": true,
		"date": fhir.Instant(q.Now()), "group": closureGroups(relations)}))
	return nil
}

// kept is one closure table where it is kept.
type kept struct {
	closures     Closures
	folder, name string
}

// ask begins the table anew, adds to it, or tells what has come since a version.
// Another node may add at the same time: then it is tried again.
func (k *kept) ask(s *terminology.Service, codes []terminology.Coding, since int) (*terminology.Closure, []terminology.Relation, error) {
	const op = "api.closure"
	for {
		raw, version, err := k.closures.Load(k.folder + k.name + ".json")
		if err != nil {
			return nil, nil, err
		}
		c := &terminology.Closure{}
		begins := since < 0 && len(codes) == 0
		switch {
		case begins && raw == nil:
			if list, err := k.closures.List(k.folder); err != nil || len(list) >= maxClosures {
				return nil, nil, fault.E(op, fault.TooCostly, "there are 20 closure tables of this account: use one of them", "name")
			}
		case begins:
		case raw == nil:
			return nil, nil, fault.E(op, fault.NotFound, "there is no closure table of this name: ask with the name alone to begin one", "name")
		default:
			if err := json.Unmarshal(raw, c); err != nil {
				return nil, nil, fault.E(op, fault.BusinessRule, "the closure table must be begun anew: what was kept of it can't be read", "name")
			}
		}
		if since >= 0 {
			relations, err := c.Since(s, since)
			return c, relations, err
		}
		before := c.Version
		if !begins {
			if err := c.Add(s, codes); err != nil {
				return nil, nil, err
			}
		}
		relations, err := c.Since(s, before)
		if err != nil {
			return nil, nil, err
		}
		out, err := json.Marshal(c)
		if err != nil {
			return nil, nil, fault.E(op, fault.Exception, err)
		}
		if err := k.closures.Save(k.folder+k.name+".json", out, version); !fault.Is(err, fault.Conflict) {
			return c, relations, err
		}
	}
}

// closureGroups are the entries of a table as groups of a ConceptMap.
func closureGroups(list []terminology.Relation) []fhir.Object {
	type source struct{ system, code string }
	var groups []fhir.Object
	elements := map[string][]fhir.Object{}
	targets := map[source][]fhir.Object{}
	var systems []string
	var order []source
	for _, r := range list {
		key := source{r.Source.System, r.Source.Code}
		if targets[key] == nil {
			order = append(order, key)
		}
		targets[key] = append(targets[key], fhir.Object{"code": r.Target.Code, "equivalence": r.Equivalence})
	}
	for _, key := range order {
		if elements[key.system] == nil {
			systems = append(systems, key.system)
		}
		elements[key.system] = append(elements[key.system], fhir.Object{"code": key.code, "target": targets[key]})
	}
	for _, system := range systems {
		groups = append(groups, fhir.Object{"source": system, "target": system, "element": elements[system]})
	}
	return groups
}
