package web

import (
	"net/http"
	"slices"
	"strings"

	"selda/access"
	"selda/consent"
	"selda/policy"
	"selda/web/page"
)

// preview says what a choice would change, of what the reader sees of the
// record: for doctors and nurses of each service, which kinds they would no
// longer see and which they would. It is decided as a real access is.
func (c *sharer) preview(r *http.Request, d draft) (*page.Preview, error) {
	now := c.now
	p := &page.Preview{Choice: d.choice, Fields: d.fields()}
	if d.choice.Code != "share" && d.choice.Code != "back" {
		p.Words = c.words(d.preference(now))
	}
	services, err := c.services(r)
	if err != nil {
		return nil, err
	}
	for _, o := range d.organisations {
		if !slices.Contains(services, o) {
			services = append(services, o)
		}
	}
	var items []*policy.Columns
	for _, i := range c.v.Items {
		if i.DataSet != policy.Demographics && i.DataSet != policy.Directory && i.DataSet != policy.Preferences {
			items = append(items, &i.Columns)
		}
	}
	effects, err := c.h.Access.Effects(r.Context(), c.grant, services, items, later(d.start, now), func(all []policy.Preference) []policy.Preference { return d.change(all, c) })
	if err != nil {
		return nil, err
	}
	p.Changes = c.changes(effects, items)
	c.keeps(p, d)
	return p, nil
}

// change is what would be in force: what is, and the draft, or what is left
// when something is taken back.
func (d *draft) change(all []policy.Preference, c *sharer) []policy.Preference {
	switch d.choice.Code {
	case "share":
		return slices.DeleteFunc(all, func(p policy.Preference) bool { return p.By == ownStatements })
	case "back":
		return slices.DeleteFunc(all, func(p policy.Preference) bool { return p.By == ownStatements && p.ID == d.back })
	}
	return append(all, d.preference(c.now))
}

// changes are the effects in sentences; services for which the same changes
// are told together.
func (c *sharer) changes(effects []access.Effect, items []*policy.Columns) (out []string) {
	your, you := "your ", "you"
	if c.behalf {
		your, you = "their ", "them"
	}
	hidden, shown := grouped{}, grouped{}
	for _, e := range effects {
		name := c.h.organisation(e.Organisation)
		hidden.add(kindsOf(items, e.Hidden), name)
		shown.add(kindsOf(items, e.Shown), name)
	}
	for _, kinds := range hidden.order {
		out = append(out, list(hidden.names[kinds])+" will not see "+your+kinds+" from other services.")
	}
	for _, kinds := range shown.order {
		out = append(out, list(shown.names[kinds])+" will see "+your+kinds+" from other services, as far as they need them to care for "+you+".")
	}
	return out
}

// grouped are names by the kinds that they have in common.
type grouped struct {
	order []string
	names map[string][]string
}

// manyKinds are more than a sentence should list.
const manyKinds = 6

func (g *grouped) add(kinds []string, name string) {
	if len(kinds) == 0 {
		return
	}
	words := list(kinds)
	if len(kinds) > manyKinds {
		words = list(append(slices.Clone(kinds[:4]), "most other things"))
	}
	if g.names == nil {
		g.names = map[string][]string{}
	}
	if g.names[words] == nil {
		g.order = append(g.order, words)
	}
	g.names[words] = append(g.names[words], name)
}

// kindsOf are the kinds of some items in plain words, in the order of the kinds.
func kindsOf(items []*policy.Columns, which []int) (out []string) {
	var sets policy.DataSets
	for _, i := range which {
		sets |= policy.SetOf(items[i].DataSet)
	}
	for k := policy.Problems; k <= policy.Other; k++ {
		if sets.Has(k) {
			out = append(out, consent.Kind(k))
		}
	}
	return out
}

// keeps says what a choice leaves as it is.
func (c *sharer) keeps(p *page.Preview, d draft) {
	if d.choice.Code == "share" || d.choice.Code == "back" {
		if d.choice.Code == "back" && len(p.Changes) == 0 || d.choice.Code == "share" && len(p.Changes) == 0 && (c.behalf || c.withheld()) {
			p.Changes = []string{"What services write from now on is shared as you choose here."}
		}
		return
	}
	if d.choice.Code == "object" {
		p.Changes = append(p.Changes, "A doctor or nurse who meets you for the first time may not know your allergies and medicines, and will have to ask you.")
	}
	if len(p.Changes) == 0 {
		p.Changes = []string{"Nothing changes today. What services write from now on is shared as you choose here."}
	}
	p.Keeps = []string{"Each service still sees what it wrote itself."}
	if d.closed {
		p.Keeps = append(p.Keeps, "A court, an enquiry about somebody's safety, or a serious risk to somebody else can still open it. That is checked.")
	} else {
		p.Keeps = append(p.Keeps, "In an emergency a doctor or nurse can still look. You are told who did, and why.")
	}
	p.Keeps = append(p.Keeps, "Whoever you are referred to still gets that referral.")
}

// withheld says whether anything is that can be taken back here.
func (c *sharer) withheld() bool {
	return slices.ContainsFunc(c.stated, func(x access.Stated) bool { return x.InForce && x.By == ownStatements && x.Rule.Denies() })
}

// list is words in a sentence: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
