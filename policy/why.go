package policy

import (
	"slices"
	"strings"
)

// Why says whether the predicate shows an item, and by which rules: those that
// hide it, every one, or those by which it is shown (invariant 7). It agrees
// with Shows.
func (p *Predicate) Why(c *Columns) (shown bool, rules []string) {
	switch {
	case !p.Permit:
		return false, []string{"G1 default deny: nothing of the record is shown"}
	case p.Only != nil && !within(p.Only, c):
		return false, []string{"SMART: the application's scopes do not reach it"}
	case p.Everything:
		return true, []string{"the exchange itself sees everything"}
	}
	own := p.Own != "" && c.Source.Organisation() == p.Own
	hides := p.hiding(c, own)
	if len(hides) > 0 {
		return false, hides
	}
	switch {
	case p.OnlySource != "":
		rules = append(rules, "own source: the system wrote it itself")
	case own:
		rules = append(rules, "G4 own organisation: "+string(p.Own)+" wrote it")
	case names(p.Addressed, c):
		rules = append(rules, "G4 it was sent to the own organisation")
	case p.Agreed != nil && len(p.Agreed.Names) > 0:
		rules = append(rules, "G1 agreement "+strings.Join(p.Agreed.Names, ", ")+" shares "+c.DataSet.String()+" of "+string(c.Source))
	default:
		rules = append(rules, "G1 "+c.DataSet.String()+" of "+string(c.Source)+" are shared")
	}
	if l := c.Labels & (p.Hidden | p.HiddenOwn); l != 0 {
		if p.ShowSafety && c.Labels&SafetyPlan != 0 {
			rules = append(rules, "G8 a crisis, safety or risk plan is not hidden by a label")
		} else {
			rules = append(rules, "G4 the label "+l.String()+" does not hide it from the organisation that wrote it")
		}
	}
	return true, rules
}

// hiding are the rules that hide an item, in the order in which Shows asks.
func (p *Predicate) hiding(c *Columns, own bool) (out []string) {
	hide := func(yes bool, rule string) {
		if yes {
			out = append(out, rule)
		}
	}
	hide(p.OnlySource != "" && c.Source != p.OnlySource, "own source: another system wrote it")
	hide(!p.DataSets.Has(c.DataSet), "G12 the role is not shown "+c.DataSet.String())
	hide(p.OnlyTypes != nil && !slices.Contains(p.OnlyTypes, c.Type), "only some types are asked for, not "+c.Type)
	hide(restrained(p.Restrained, c), "G18 it is restricted: kept, and not used")
	if safe := p.ShowSafety && c.Labels&SafetyPlan != 0; !safe {
		hide(c.Labels&p.HiddenOwn != 0, "G8 the label "+(c.Labels&p.HiddenOwn).String()+" is not for this role")
		hide(!own && c.Labels&p.Hidden&^p.HiddenOwn != 0, "G8 the label "+(c.Labels&p.Hidden&^p.HiddenOwn).String()+" is for the organisation that wrote it")
	}
	hide(own && p.kept(c), "G4 a seal of "+string(p.Own)+" keeps it within a team")
	addressed := names(p.Addressed, c)
	if !own {
		hide(p.OnlySource == "" && !addressed && !p.Agreed.Has(c.Source, c.DataSet), "G1 no agreement shares "+c.DataSet.String()+" of "+string(c.Source)+" with this reader")
		hide(!addressed && names(p.Sealed, c), "G4 the citizen has sealed this item")
		if c.DataSet != Demographics && c.DataSet != Directory && !addressed {
			hide(p.Objected, "G4 the citizen objects to sharing")
			hide(p.NotDataSets.Has(c.DataSet), "G4 the citizen withholds "+c.DataSet.String())
			hide(slices.ContainsFunc(p.Withheld, func(w Withholding) bool { return w.denies(c) }), "G4 a choice of the citizen's withholds it, and no exception of it gives it back")
		}
		hide(p.VisitsOnly != nil && c.Type == "Encounter" && !names(p.VisitsOnly, c), "G12 only the last visits are shown to this role")
	}
	if p.Release != nil && !p.Release.reached(c) {
		hide(true, "G10 it waits for a clinician's review, or for the delay after it was reported")
	}
	return out
}
