package oracle

import (
	"slices"
	"strings"
	"time"
)

// choice is one Consent that is active, as it stands.
type choice struct {
	Sent
	provision map[string]any
	optIn     bool
}

// objected: G4, what the citizen has objected to is hidden from other organisations;
// G11: what a competent child keeps private is hidden from every proxy, too.
// All Consents that are active are in force together, and what any of them withholds
// is withheld.
func (w World) objected(r Reader, item Sent) bool {
	if r.Role == "citizen" || item.Type == "Patient" { // who one is can't be kept back
		return false
	}
	for _, c := range w.choices() {
		if r.Role == "proxy" && c.Source != "SELDA:ME" {
			continue // what others decided for a child does not hide it from them: the child's own word does
		}
		if w.withheld(c, r, item) {
			return true
		}
	}
	return false
}

// choices are those in force: an opt-in about everything and everyone takes back,
// while it is in force, what the same source has stated before.
func (w World) choices() (out []choice) {
	for _, s := range w.latest("Consent") {
		if text(s.Body, "status") != "active" {
			continue
		}
		p, _ := s.Body["provision"].(map[string]any)
		c := choice{s, p, slices.Contains([]string{"OPTIN", "OPTINR"}, text(s.Body, "policyRule.coding.code"))}
		if inPeriod(p, w.Now) {
			out = append(out, c)
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(c choice) bool {
		return slices.ContainsFunc(out, func(later choice) bool {
			return later.optIn && later.whole() && later.Source == c.Source && later.Order > c.Order
		})
	})
}

// whole says whether a choice is about everything and everyone.
func (c choice) whole() bool {
	if text(c.provision, "type") == "deny" {
		return false
	}
	for _, limit := range []string{"actor", "class", "code", "securityLabel", "dataPeriod", "data", "purpose"} {
		if c.provision[limit] != nil {
			return false
		}
	}
	return true
}

// withheld reads a Consent as a rule with exceptions: the base policy, the root
// provision as an exception to it, nested ones as exceptions to those around them.
// In an emergency a preference gives way, and nobody sees less in one than else: so it
// is withheld there only where the Consent withholds it in both.
func (w World) withheld(c choice, r Reader, item Sent) bool {
	reasons := w.emergencies(r)
	if len(reasons) == 0 {
		return w.denied(c, r, item, false)
	}
	for _, yields := range []string{"court-order", "safeguarding", "public-interest"} {
		if slices.Contains(reasons, yields) {
			return false // G5: it "yields to a court order, a safeguarding enquiry and serious risk to others"
		}
	}
	return w.denied(c, r, item, false) && w.denied(c, r, item, true)
}

func (w World) denied(c choice, r Reader, item Sent, emergency bool) bool {
	deny, applies := w.decides(c.provision, r, item, emergency, true)
	if !applies { // the base policy: what the root provision is an exception to
		return !c.optIn && text(c.provision, "type") != "deny" && !emergency
	}
	return deny
}

// decides: "The innermost that applies decides; of two side by side the one that
// denies."
// "A deny for the purpose BTG or ETREAT means no emergency override": it holds in an
// emergency, and a nested one for nothing else holds there alone; any other gives way. A
// Consent that names emergencies alone is one at any time: nobody sees less in an emergency
// than else (docs/adr/0018).
func (w World) decides(p map[string]any, r Reader, item Sent, emergency, root bool) (deny, applies bool) {
	uses := texts(p, "purpose.code")
	there := slices.Contains(uses, "BTG") || slices.Contains(uses, "ETREAT")
	if p == nil || !inPeriod(p, w.Now) || !emergency && there && !root && !slices.Contains(uses, "TREAT") || !w.applies(p, r, item) {
		return false, false
	}
	deny = text(p, "type") == "deny" && (there || !emergency)
	inner := false
	for _, n := range at(p, "provision") {
		if nested, ok := n.(map[string]any); ok {
			if d, is := w.decides(nested, r, item, emergency, false); is && inner {
				deny = deny || d
			} else if is {
				deny, inner = d, true
			}
		}
	}
	return deny, true
}

func inPeriod(p map[string]any, now time.Time) bool {
	if from, _, ok := span(text(p, "period.start")); ok && now.Before(from) {
		return false
	}
	if _, until, ok := span(text(p, "period.end")); ok && !now.Before(until) {
		return false
	}
	return true
}

// applies says whether a provision is about this reader and this item. "What can't
// be told fails safe: a deny is then wider, a permit is left out."
func (w World) applies(p map[string]any, r Reader, item Sent) bool {
	deny := text(p, "type") == "deny"
	if list := at(p, "purpose"); len(list) > 0 && !slices.ContainsFunc(texts(p, "purpose.code"), func(c string) bool {
		return slices.Contains([]string{"TREAT", "BTG", "ETREAT"}, c)
	}) {
		return false // of research, or of another secondary use: G3
	}
	limit := func(name string, is func(any) (yes, told bool)) bool {
		list := at(p, name)
		if len(list) == 0 {
			return true
		}
		for _, e := range list {
			if yes, told := is(e); yes && told || !told && deny {
				return true
			}
		}
		return false
	}
	return limit("actor", func(a any) (bool, bool) { return w.isActor(a, r) }) &&
		limit("class", func(c any) (bool, bool) { return isClass(c, item) }) &&
		w.everSaid(item, deny, func(v Sent) bool {
			return limit("code", func(c any) (bool, bool) { return isCode(c, v) }) &&
				limit("dataPeriod", func(d any) (bool, bool) { return ofTime(d, v) }) &&
				limit("data", func(d any) (bool, bool) { return w.isData(d, v, deny) })
		}) &&
		limit("securityLabel", func(l any) (bool, bool) {
			return slices.Contains(w.labels(w.until(item)), text(l, "code")), true
		})
}

// everSaid: an item's history tells all that it ever said. So a deny is about what it
// said in any version, a permit about what it says in all of them.
func (w World) everSaid(item Sent, deny bool, about func(Sent) bool) bool {
	for _, v := range w.versions(item.Type, item.ID) {
		if v.Body != nil && about(v) == deny {
			return deny
		}
	}
	return !deny
}

// until is an item's history up to a version.
func (w World) until(item Sent) (out []Sent) {
	for _, v := range w.versions(item.Type, item.ID) {
		if v.Order <= item.Order {
			out = append(out, v)
		}
	}
	return out
}

// isActor: "organisations by ODS code or by reference, care teams, roles, users".
func (w World) isActor(a any, r Reader) (yes, told bool) {
	ref := text(a, "reference.reference")
	switch system, value := text(a, "reference.identifier.system"), text(a, "reference.identifier.value"); {
	case system == odsSystem:
		return value == r.Organisation, true
	case system == "https://selda.example/user":
		return value == r.User, true
	case w.Directory[ref] != "":
		return w.Directory[ref] == r.Organisation, true
	case strings.HasPrefix(ref, "CareTeam/"):
		for _, t := range w.latest("CareTeam") {
			if "CareTeam/"+t.ID == ref {
				of := append(odsCodes(t.Body, "managingOrganization"), odsCodes(t.Body, "participant.member")...)
				return slices.Contains(of, r.Organisation), len(of) > 0
			}
		}
		return false, false
	}
	if role := text(a, "role.coding.code"); role != "" && slices.Contains(openers, role) {
		return role == r.Role, true
	}
	return false, false
}

// isClass: the type of a resource, or a kind of data.
func isClass(c any, item Sent) (yes, told bool) {
	code := text(c, "code")
	return code == item.Type || code == kind(item), true
}

// isCode: a code of the item.
func isCode(c any, item Sent) (yes, told bool) {
	want := at(c, "coding")
	for _, path := range []string{"code.coding", "medicationCodeableConcept.coding", "type.coding", "vaccineCode.coding"} {
		for _, has := range at(item.Body, path) {
			for _, w := range want {
				if text(has, "code") == text(w, "code") && (text(w, "system") == "" || text(has, "system") == text(w, "system")) {
					return true, true
				}
			}
		}
	}
	return false, len(want) > 0
}

// ofTime: an item's clinical time is in a period. Of one without a time it can't be told.
func ofTime(period any, item Sent) (yes, told bool) {
	for _, path := range []string{"effectiveDateTime", "onsetDateTime", "performedDateTime", "period.start", "authoredOn", "occurrenceDateTime", "date", "recordedDate", "issued", "start", "whenHandedOver"} {
		from, until, ok := span(text(item.Body, path))
		if !ok {
			continue
		}
		if _, end, is := span(text(period, "end")); is && !from.Before(end) {
			return false, true
		}
		if start, _, is := span(text(period, "start")); is && !until.After(start) {
			return false, true
		}
		return true, true
	}
	return false, false
}

// isData: R4's consent-data-meaning. instance: the item; related: it and what it
// refers to; dependents: it and what refers to it; authoredby: what somebody wrote.
func (w World) isData(d any, item Sent, deny bool) (yes, told bool) {
	ref, self := text(d, "reference.reference"), item.Type+"/"+item.ID
	switch text(d, "meaning") {
	case "instance":
		return ref == self, ref != ""
	case "related":
		typ, id, _ := strings.Cut(ref, "/")
		named := w.everSaid(Sent{Type: typ, ID: id}, deny, func(v Sent) bool { return slices.Contains(names(v.Body), self) })
		return ref == self || named && len(w.versions(typ, id)) > 0, ref != ""
	case "dependents":
		return ref == self || slices.Contains(names(item.Body), ref), ref != ""
	case "authoredby":
		if text(d, "reference.identifier.system") == odsSystem {
			return text(d, "reference.identifier.value") == organisation(item.Source), true
		}
	}
	return false, false
}
