package validate

import (
	"fmt"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// answered holds a QuestionnaireResponse against its Questionnaire, where that
// is known. https://hl7.org/fhir/R4/questionnaireresponse.html#notes
func (x *run) answered(r fhir.Node) {
	url := r.Member("questionnaire").View()
	if url == "" {
		return
	}
	q, ok := x.canonical(url)
	if t := x.v.terms; !ok && t != nil && x.known(url) {
		x.push("questionnaire", -1)
		x.say(Error, fault.Invalid, "this leads to a ValueSet, and no Questionnaire")
		x.pop()
		return
	}
	if !ok {
		x.push("questionnaire", -1)
		x.report(Issue{Severity: Warning, Code: "not-found", Text: "the Questionnaire " + url + " is not known: the answers were not held against it"})
		x.pop()
		return
	}
	if !q.Member("resourceType").Is("Questionnaire") {
		x.push("questionnaire", -1)
		x.say(Error, fault.Invalid, "this leads to a "+q.Member("resourceType").View()+", and no Questionnaire")
		x.pop()
		return
	}
	status := r.Member("status").View()
	f := &form{run: x, questionnaire: q, response: r, complete: status == "completed" || status == "amended" || status == ""}
	f.items(q, r, "item")
}

// canonical finds what a canonical URL names: contained, or by the port.
func (x *run) canonical(url string) (fhir.Node, bool) {
	if strings.HasPrefix(url, "#") {
		return x.target(url)
	}
	if x.v.Canonical == nil {
		return fhir.Node{}, false
	}
	return x.v.Canonical(url)
}

// form is a response that is held against its questionnaire.
type form struct {
	*run
	questionnaire, response fhir.Node
	complete                bool
	answers                 map[string][]fhir.Node // by linkId, wherever they stand; made when a condition asks for it
}

// items holds the items of one level: q's against those of r, an item or an
// answer.
func (f *form) items(q, r fhir.Node, name string) {
	var given [][]placed // the response's items of each of the questionnaire's
	var asked []fhir.Node
	at := map[string]int{}
	for c := q.Member("item").Children(); c.Next(); {
		at[c.Node().Member("linkId").View()] = len(asked)
		asked, given = append(asked, c.Node()), append(given, nil)
	}
	last, k := -1, 0
	for c := r.Member(name).Children(); c.Next(); k++ {
		i, found := at[c.Node().Member("linkId").View()]
		f.push(name, k)
		switch {
		case !found:
			f.say(Error, fault.NotFound, f.astray(c.Node().Member("linkId").View()))
		case i < last:
			f.say(Error, fault.Invalid, "the items are not in the order of the Questionnaire")
		}
		f.pop()
		if found {
			last = max(last, i)
			given[i] = append(given[i], placed{c.Node(), k})
		}
	}
	for i, item := range asked {
		f.item(item, given[i], name)
	}
}

// placed is an item of the response, and where it stands in its list.
type placed struct {
	fhir.Node
	at int
}

// astray says what is wrong with a linkId that its level does not have.
func (f *form) astray(linkID string) string {
	if question(f.questionnaire, linkID, 0).Exists() {
		return "the Questionnaire has an item of this linkId in another place"
	}
	return "the Questionnaire has no item of this linkId"
}

// question finds an item of any level.
func question(within fhir.Node, linkID string, depth int) fhir.Node {
	for c := within.Member("item").Children(); c.Next(); {
		if c.Node().Member("linkId").Is(linkID) {
			return c.Node()
		}
		if depth < fhir.MaxDepth {
			if n := question(c.Node(), linkID, depth+1); n.Exists() {
				return n
			}
		}
	}
	return fhir.Node{}
}

// item holds all the response's items of one of the questionnaire's.
func (f *form) item(q fhir.Node, given []placed, name string) {
	typ := q.Member("type").View()
	enabled := f.enabled(q)
	least, most := occurrences(q)
	if len(given) == 0 {
		if enabled && f.complete && (q.Member("required").Bool() || least > 0) && typ != "display" {
			f.say(Error, fault.Required, "there is no answer to the required item "+q.Member("linkId").View())
		}
		return
	}
	repeats := q.Member("repeats").Bool()
	if len(given) > 1 && !(typ == "group" && repeats) {
		f.push(name, given[1].at)
		f.say(Error, fault.Invalid, "an item of this linkId stands here at most once: a question that repeats has many answers in one item")
		f.pop()
	}
	for _, r := range given {
		f.push(name, r.at)
		if !enabled && (r.Member("answer").Exists() || r.Member("item").Exists()) {
			f.say(Error, fault.Invalid, "this item is not enabled by the answers to others: it has no answer")
		} else {
			f.one(q, r.Node, typ, repeats, least, most)
		}
		f.pop()
	}
}

// one holds one item against the questionnaire's.
func (f *form) one(q, r fhir.Node, typ string, repeats bool, least, most int) {
	answers := 0
	for c := r.Member("answer").Children(); c.Next(); {
		answers++
	}
	switch typ {
	case "group":
		if answers > 0 {
			f.say(Error, fault.Invalid, "a group has items, and no answer")
		}
		f.items(q, r, "item")
		return
	case "display", "question":
		if answers > 0 {
			f.say(Error, fault.Invalid, "an item of type "+typ+" has no answer")
		}
		return
	}
	if answers == 0 && f.complete && (q.Member("required").Bool() || least > 0) {
		f.say(Error, fault.Required, "there is no answer to this required item")
	} else if answers < least && f.complete {
		f.say(Error, fault.Required, fmt.Sprintf("there are %d answers: at least %d are needed", answers, least))
	}
	if most == 0 && !repeats {
		most = 1
	}
	if most > 0 && answers > most {
		f.say(Error, fault.Invalid, fmt.Sprintf("there are %d answers: at most %d are allowed", answers, most))
	}
	k := 0
	for c := r.Member("answer").Children(); c.Next(); k++ {
		f.push("answer", k)
		f.answer(q, c.Node(), typ)
		f.items(q, c.Node(), "item")
		f.pop()
	}
	if r.Member("item").Exists() {
		f.say(Error, fault.Invalid, "the items within a question stand in its answers")
	}
}

// occurrences are the least and the most answers that extensions ask for; 0 where
// they ask for none.
func occurrences(q fhir.Node) (least, most int) {
	return extensionNumber(q, "questionnaire-minOccurs"), extensionNumber(q, "questionnaire-maxOccurs")
}

// extensionOf is the value of one of the standard's extensions on an item.
func extensionOf(n fhir.Node, name string) fhir.Node {
	for c := n.Member("extension").Children(); c.Next(); {
		if c.Node().Member("url").Is(standard + name) {
			_, v := c.Node().First("value")
			return v
		}
	}
	return fhir.Node{}
}

func extensionNumber(n fhir.Node, name string) int {
	v, _ := extensionOf(n, name).Number()
	return int(v)
}

// enabled says whether an item's conditions hold.
// https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
func (f *form) enabled(q fhir.Node) bool {
	if text := expressionOf(q); text != "" {
		e, err := fhirpath.Compile(text)
		if err != nil {
			return true
		}
		r := fhirpath.Resource(f.response)
		not, err := e.False(&fhirpath.Env{Resource: r, RootResource: r, Now: f.v.now()}, r)
		return !not || err != nil
	}
	conditions := q.Member("enableWhen")
	if !conditions.Exists() {
		return true
	}
	all := !q.Member("enableBehavior").Is("any")
	for c := conditions.Children(); c.Next(); {
		if holds := f.holds(c.Node()); holds != all {
			return holds
		}
	}
	return all
}

// finnish is an extension of Finland's guide for personal health records, which
// HL7's own validator follows, too: FHIRPath, from before structured data capture
// had its own.
const finnish = "http://phr.kanta.fi/StructureDefinition/fiphr-ext-questionnaire-enablewhen"

// expressionOf is the FHIRPath by which structured data capture enables an item.
// http://hl7.org/fhir/uv/sdc/StructureDefinition-sdc-questionnaire-enableWhenExpression.html
func expressionOf(q fhir.Node) string {
	for c := q.Member("extension").Children(); c.Next(); {
		if c.Node().Member("url").Is(finnish) {
			return c.Node().Member("valueString").View()
		}
		if strings.HasSuffix(c.Node().Member("url").View(), "/sdc-questionnaire-enableWhenExpression") {
			e := c.Node().Member("valueExpression")
			if e.Member("language").Is("text/fhirpath") {
				return e.Member("expression").View()
			}
		}
	}
	return ""
}

func (f *form) holds(condition fhir.Node) bool {
	if f.answers == nil {
		f.answers = map[string][]fhir.Node{}
		f.collect(f.response, 0)
	}
	answers := f.answers[condition.Member("question").View()]
	operator := condition.Member("operator").View()
	_, want := condition.First("answer")
	if operator == "exists" {
		return (len(answers) > 0) == want.Bool()
	}
	for _, a := range answers {
		_, v := a.First("value")
		if operator == "!=" {
			if sameAnswer(v, want) {
				return false
			}
			continue
		}
		if compared(v, want, operator) {
			return true
		}
	}
	return operator == "!="
}

// collect takes up all answers of a response.
func (f *form) collect(n fhir.Node, depth int) {
	if depth > fhir.MaxDepth {
		return
	}
	for c := n.Member("item").Children(); c.Next(); {
		linkID := c.Node().Member("linkId").View()
		for a := c.Node().Member("answer").Children(); a.Next(); {
			f.answers[linkID] = append(f.answers[linkID], a.Node())
			f.collect(a.Node(), depth+1)
		}
		f.collect(c.Node(), depth+1)
	}
}

// sameAnswer compares an answer with one that is asked for: Codings by system and
// code.
func sameAnswer(v, want fhir.Node) bool {
	if v.IsObject() && want.Member("code").Exists() {
		return v.Member("code").View() == want.Member("code").View() && (v.Member("system").View() == want.Member("system").View() || !want.Member("system").Exists())
	}
	if v.IsNumber() && want.IsNumber() {
		return beyond(v, want) == 0
	}
	return contains(v, want)
}

func compared(v, want fhir.Node, operator string) bool {
	if operator == "=" {
		return sameAnswer(v, want)
	}
	order, ok := ordered(v, want)
	if !ok {
		return false
	}
	switch operator {
	case ">":
		return order > 0
	case "<":
		return order < 0
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	}
	return false
}
