package terminology

import (
	"cmp"
	"strings"

	"selda/fault"
)

// Validation is the answer of $validate-code.
// https://hl7.org/fhir/R4/valueset-operation-validate-code.html
type Validation struct {
	Result  bool
	Message string // why not, or what else should be known
	Coding         // the code that was found to be right, with its display
}

// Question is what $validate-code is asked of one or several codings, of which
// one must do.
type Question struct {
	Codings         []Coding
	DisplayLanguage string
	// Abstract allows codes that only group others.
	Abstract bool
}

// ValidateCode says whether a code is in a code system, and its display right.
func (s *Service) ValidateCode(system, version string, q Question) (*Validation, error) {
	const op = "terminology.ValidateCode"
	out := &Validation{}
	for _, c := range q.Codings {
		if c.System != "" && c.System != system {
			out.Message = "the code is of another system than " + system
			continue
		}
		if message, err := s.otherVersion(system, c.Version, version); message != "" || err != nil {
			if out.Message = message; err != nil {
				return nil, err
			}
			continue
		}
		l, err := s.Lookup(system, cmp.Or(version, c.Version), c.Code, q.DisplayLanguage)
		switch {
		case fault.Is(err, fault.NotFound):
			x, e := s.CodeSystem(system, version)
			if e != nil {
				return nil, e
			}
			if x == nil && grammars[system] == nil || x != nil && !whole(x) {
				return nil, fault.E(op, fault.NotFound, fault.Reason(err), fault.PlaceOf(err))
			}
			out.Message = fault.Reason(err)
			continue
		case err != nil:
			return nil, err
		}
		v := &Validation{Result: true, Coding: Coding{system, l.Version, l.Code, l.Display}}
		v.checkDisplay(c.Display, l.Display, l.Designations)
		if v.Result && l.Abstract && !q.Abstract {
			v.Result, v.Message = false, onlyGroups
		}
		if v.Result && l.Inactive {
			v.Message = "the code is not in use any more"
		}
		if v.Result {
			return v, nil
		}
		out = v
	}
	return out, nil
}

const onlyGroups = "the code only groups others, and can't be used itself"

// otherVersion says why a coding of a version can't be judged: that version is
// not loaded, or another one was asked of. What one version says of a code
// is not what another does.
func (s *Service) otherVersion(system, given, asked string) (string, error) {
	if given == "" || asked != "" && isVersion(given, asked) {
		return "", nil
	}
	if asked != "" {
		return "the coding is of version " + given + ", and version " + asked + " was asked of", nil
	}
	if x, err := s.CodeSystem(system, given); x != nil || err != nil {
		return "", err
	}
	x, err := s.CodeSystem(system, "")
	if x == nil || err != nil {
		return "", err // what is not loaded at all is said elsewhere
	}
	if x.Meta().Version == "" {
		return "", nil
	}
	return "the code system " + system + " is not loaded in version " + given + ", but in version " + x.Meta().Version, nil
}

// checkDisplay holds the display that was given against a concept's names.
func (v *Validation) checkDisplay(given, own string, names []Designation) {
	if given == "" || sameText(given, own) || own == "" && len(names) == 0 {
		return
	}
	for _, d := range names {
		if sameText(given, d.Value) {
			return
		}
	}
	v.Result = false
	v.Message = "the display is not one of the code's: it is " + own
}

func sameText(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// ValidateInSet says whether one of the codings is in a value set, by its
// canonical URL. That it is not known is an error of kind NotFound.
func (s *Service) ValidateInSet(url string, q Question) (*Validation, error) {
	c, err := s.compiled(url)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fault.E("terminology.ValidateInSet", fault.NotFound, "the value set "+url+" is not known", "url")
	}
	return s.validateIn(c, q)
}

// ValidateInDefinition is ValidateInSet for a value set that is given itself.
func (s *Service) ValidateInDefinition(v *ValueSet, q Question) (*Validation, error) {
	c, err := s.compile(v, nil)
	if err != nil {
		return nil, err
	}
	return s.validateIn(c, q)
}

func (s *Service) validateIn(c *compiled, q Question) (*Validation, error) {
	out := &Validation{Message: "no code was given"}
	var missing error
	for _, code := range q.Codings {
		if message, err := s.otherVersion(code.System, code.Version, ""); message != "" || err != nil {
			if out.Message = message; err != nil {
				return nil, err
			}
			continue
		}
		switch c.has(code.System, code.Code, false) {
		case unknown:
			missing = c.whyUnknown(true)
			continue
		case no:
			out.Message = "the code " + inSystem(code) + " is not in the value set " + c.def.URL
			continue
		}
		v, err := s.inside(c, code, q)
		if err != nil || v.Result {
			return v, err
		}
		out = v
	}
	if missing != nil {
		return nil, missing
	}
	return out, nil
}

func inSystem(c Coding) string {
	if c.System == "" {
		return c.Code
	}
	return c.Code + " of " + c.System
}

// inside tells more of a code that is in the set.
func (s *Service) inside(c *compiled, code Coding, q Question) (*Validation, error) {
	p := c.holder(code)
	system := code.System
	if system == "" && p != nil {
		system = p.system
	}
	v := &Validation{Result: true, Coding: Coding{System: system, Code: code.Code}}
	var own string
	var names []Designation
	if p != nil {
		if k, listed := p.codes[p.key(code.Code)]; listed {
			own = p.listed[k].Display
			names = append(names, p.listed[k].Designations...)
		}
	}
	x, err := s.CodeSystem(system, code.Version)
	if err != nil {
		return nil, err
	}
	if x != nil {
		if k, ok := x.Find(code.Code); ok {
			more, err := s.supplements(x)
			if err != nil {
				return nil, err
			}
			of := supplemented{x, k, more}
			names = append(append(names, of.named()...), Designation{Value: x.Display(k)})
			if own == "" || q.DisplayLanguage != "" {
				own = of.display(q.DisplayLanguage)
			}
			v.Version, v.Code = x.Meta().Version, x.Code(k)
			switch {
			case x.Abstract(k) && !q.Abstract:
				v.Result, v.Message = false, onlyGroups
			case x.Inactive(k):
				v.Message = "the code is not in use any more"
			}
		}
	}
	if v.Display = own; v.Result {
		v.checkDisplay(code.Display, own, names)
	}
	return v, nil
}

// holder is the include that a code is in, where it is not an import.
func (c *compiled) holder(code Coding) *part {
	for _, p := range c.include {
		if p.has(code.System, code.Code, false) != yes {
			continue
		}
		if p.system != "" {
			return p
		}
		for _, v := range p.sets {
			if h := v.holder(code); h != nil {
				return h
			}
		}
	}
	return nil
}

// whyUnknown is why a set can't be answered for: the first thing that is missing.
// With parts, a code system of which only a part is loaded is such a thing.
func (c *compiled) whyUnknown(parts bool) error {
	for _, list := range [][]*part{c.include, c.exclude} {
		for _, p := range list {
			if p.missing != nil {
				return p.missing
			}
			if p.unknown != nil {
				return p.unknown
			}
			for _, v := range p.sets {
				if err := v.whyUnknown(parts); err != nil {
					return err
				}
			}
			if parts && p.x != nil && !whole(p.x) && p.codes == nil {
				return fault.E("terminology.member", fault.NotFound, "only a part of the code system "+p.system+" is loaded", "system")
			}
		}
	}
	return nil
}
