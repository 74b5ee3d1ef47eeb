// Package oracle judges a second time who may know of what: a slow and naive
// evaluator of the rules of care and confidentiality, written from their words
// (G1, G3 to G14, G17, G20) and from what the documents say of agreements, labels
// and preferences. It is for tests. It shares no code with the system, imports
// nothing of it, caches nothing and prepares nothing: each item of each reader is
// judged from the start, out of what anybody outside knows: what was sent, by whom
// and when, who asks, what they declared, what is agreed, what the citizen said.
//
// The flow of a judgement: may the reader open this record at all (relationship.go,
// citizen.go); is the item the reader's own or sent to them; is it agreed
// (agreement.go); is the kind for the role (role.go); is it sensitive (label.go); has
// the reader's own organisation sealed it (seal.go); has the citizen objected (preference.go); has it been released to the citizen
// (citizen.go); do the scopes of the application allow it (scope.go).
package oracle

import (
	"slices"
	"strings"
	"time"
)

// Sent is one version of an item, as a source sent it.
type Sent struct {
	Source string         // "RJZ:PAS"
	Order  int            // the how manieth of all that came
	At     time.Time      // when it came
	Type   string         // "Observation"
	ID     string         // its id
	Body   map[string]any // the resource as sent; nil where the source deleted it
	// Message is of what came with others in one message; 0 of what came alone.
	Message int

	// Deleted is found by the judge: the body is then that of the version before.
	Deleted bool
}

// Stated is what a user said when they opened the record: that the person is in
// their care ("" for a reason), or why it is an emergency.
type Stated struct {
	User, Reason string
	At           time.Time
}

// Reviewed is that a clinician has looked at a result or a letter.
type Reviewed struct {
	Type, ID string
	At       time.Time
}

// Reader is who asks.
type Reader struct {
	User         string
	Role         string   // "gp", "citizen"
	Organisation string   // ODS code, "" of a citizen
	Number       string   // NHS number of a citizen
	For          []string // NHS numbers of those for whom a proxy acts
	Source       string   // of a source system, its name
	Teams        []string // within their organisation
	App          bool     // through an application
	Scopes       []string // of the application, "patient/Observation.rs"
	Purpose      string   // "PATADMIN"; "" where it is what the role has by itself
}

// World is all that is known outside of one citizen.
type World struct {
	Now        time.Time
	Number     string // the citizen's NHS number
	Sent       []Sent // in the order in which it came
	Stated     []Stated
	Reviewed   []Reviewed
	Agreements []string          // files
	Lists      []string          // value sets of what is sensitive, files
	Limits     map[string]string // what organisations set for their own staff, files
	Directory  map[string]string // "Organization/x": its ODS code
	Severed    []string          // sources whose identity was severed from the citizen
	Refuted    []Refuted
	Acting     []Acting
	Assessed   []Assessed
	Restricted []Restricted
}

// Restricted is that the person had the use of something stopped: of items, "Condition/x",
// of a source, or of all that an organisation wrote.
type Restricted struct {
	Items                []string
	Source, Organisation string
	From, Until          time.Time // a zero Until: until it is lifted
}

// Refuted is that the practice found a source's statement of a death to be wrong.
type Refuted struct {
	Source string
	At     time.Time
}

// Acting is that the practice let somebody act for the citizen.
type Acting struct {
	User, As string // as "parental-responsibility", "own-wish", "attorney", "deputy"
	Whole    bool   // it was decided that a parent of a child of 11 or more sees all
	At       time.Time
	Until    time.Time // zero: as long as its kind lasts
}

// Assessed is that a clinician found whether somebody can decide for themselves.
type Assessed struct {
	Able       bool
	At, Review time.Time
}

// Sees is what a reader may know of an item.
type Sees string

// What a reader may know of an item.
const (
	Shown  Sees = "shown"
	Exists Sees = "known to exist"
	Hidden Sees = "hidden"
)

// Verdict is what a reader may know, and by which rule.
type Verdict struct {
	Sees Sees
	Rule string
}

func shown(rule string) Verdict  { return Verdict{Shown, rule} }
func hidden(rule string) Verdict { return Verdict{Hidden, rule} }

// Judge says what a reader may know of an item as it is now, and of each of its
// versions, the first one first.
func Judge(w World, r Reader, typ, id string) (now Verdict, versions []Verdict) {
	w.Sent = w.theirs()
	all := w.versions(typ, id)
	for i := range all {
		versions = append(versions, w.judge(r, all[:i+1]))
	}
	if len(all) == 0 {
		return hidden("nobody has sent it"), nil
	}
	now = versions[len(versions)-1]
	if now.Sees != Shown { // of what is hidden now, no version is told
		for i := range versions {
			versions[i] = now
		}
	}
	return now, versions
}

// theirs leaves out what is of an identity that was severed: G14, it is somebody else's.
func (w World) theirs() []Sent {
	return slices.DeleteFunc(slices.Clone(w.Sent), func(s Sent) bool { return slices.Contains(w.Severed, s.Source) })
}

// judge judges the last of an item's versions.
func (w World) judge(r Reader, history []Sent) Verdict {
	v := w.seen(r, history)
	if v.Sees == Shown {
		if last := w.lastVisits(r, history[len(history)-1]); last.Sees != Shown {
			return last
		}
	}
	return v
}

// seen is judge, but for how many visits somebody sees.
func (w World) seen(r Reader, history []Sent) Verdict {
	item := whole(history)
	if r.Role == "source-system" {
		return systemHas(r, item)
	}
	opens, why := w.opens(r)
	if !opens {
		return hidden(why)
	}
	if w.restricted(r, item) {
		return hidden("G18: restricted by right")
	}
	own := r.Organisation != "" && organisation(item.Source) == r.Organisation
	sent := !r.books() && w.sentTo(r, item)
	if !own && !sent && !w.agreed(r, item) {
		return hidden("G1: no agreement in force shares it with the reader")
	}
	role := w.forRole(r, item)
	if role.Sees == Hidden {
		return role
	}
	if v := w.forAudience(r, history, own); v.Sees != Shown {
		return v
	}
	if own && w.sealed(r, history) {
		return hidden("G4: a seal within the organisation")
	}
	if !own && !sent && w.objected(r, item) {
		return hidden("G4: the citizen has objected")
	}
	if v := w.released(r, item); v.Sees != Shown {
		return v
	}
	if r.App && !inScopes(r, item) {
		return hidden("scopes only narrow: none of the application's covers it")
	}
	if role.Sees == Exists {
		return role
	}
	return shown(why)
}

// whole is the last version of an item; one that deletes it says what the one before
// it said.
func whole(history []Sent) Sent {
	last := history[len(history)-1]
	if last.Body == nil && len(history) > 1 {
		said := whole(history[:len(history)-1])
		last.Body, last.Order, last.Deleted = said.Body, said.Order, true
	}
	return last
}

// A system reads what it wrote, nothing else.
func systemHas(r Reader, item Sent) Verdict {
	if item.Source != r.Source {
		return hidden("a source system reads what it wrote, nothing else")
	}
	if r.App && !inScopes(r, item) {
		return hidden("scopes only narrow: none of the application's covers it")
	}
	return shown("a source system reads what it wrote")
}

// versions are those of one item, the first one first.
func (w World) versions(typ, id string) (out []Sent) {
	for _, s := range w.Sent {
		if s.Type == typ && s.ID == id {
			out = append(out, s)
		}
	}
	return out
}

// latest are the items as they are now, of the types that are named; what was
// deleted, or entered in error, is not there.
func (w World) latest(types ...string) (out []Sent) {
	seen := map[string]bool{}
	for _, s := range slices.Backward(w.Sent) {
		if key := s.Type + "/" + s.ID; !seen[key] {
			seen[key] = true
			if slices.Contains(types, s.Type) && s.Body != nil && text(s.Body, "status") != "entered-in-error" {
				out = append(out, s)
			}
		}
	}
	slices.Reverse(out)
	return out
}

// organisation is whose a source is: "RJZ" of "RJZ:PAS".
func organisation(source string) string {
	o, _, _ := strings.Cut(source, ":")
	return o
}

// restricted: G18, and UK GDPR article 18(2). What is restricted is kept, and used by nobody:
// who wrote it neither. A stated emergency opens it, and the person's own record is theirs.
// Who somebody is stays known, unless that very item is restricted.
func (w World) restricted(r Reader, item Sent) bool {
	if r.Role == "citizen" || w.emergency(r) != "" {
		return false
	}
	for _, x := range w.Restricted {
		if w.Now.Before(x.From) || !x.Until.IsZero() && !w.Now.Before(x.Until) {
			continue
		}
		whole := x.Source != "" && x.Source == item.Source || x.Organisation != "" && x.Organisation == organisation(item.Source)
		if slices.Contains(x.Items, item.Type+"/"+item.ID) || whole && kind(item) != "demographics" && kind(item) != "directory" {
			return true
		}
	}
	return false
}

// emergency is the reason of an emergency that the reader has stated for this
// record and that is not over. G9: this patient only, time-limited; the page says
// that it opens for 12 hours.
func (w World) emergency(r Reader) (reason string) {
	for _, reason = range w.emergencies(r) {
	}
	return reason
}

// emergencies are all that the reader has stated, and that are not over.
func (w World) emergencies(r Reader) (reasons []string) {
	if r.books() {
		return nil
	}
	for _, s := range w.Stated {
		if s.User == r.User && s.Reason != "" && w.Now.Before(s.At.Add(12*time.Hour)) {
			reasons = append(reasons, s.Reason)
		}
	}
	return reasons
}
