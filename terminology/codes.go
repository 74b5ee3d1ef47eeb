package terminology

// Codes are the codes of a value set, whatever their systems, without what may
// be found out only by asking of each; ok is false where there are more than
// most, or where they are made by rules.
func (s *Service) Codes(url string, most int) (codes []string, ok bool) {
	c, err := s.compiled(url)
	if err != nil || c == nil || c.endless() != "" {
		return nil, false
	}
	codes = []string{}
	for it := range c.items(false) {
		if len(codes) == most {
			return nil, false
		}
		codes = append(codes, it.code())
	}
	return codes, true
}

// CodesBelow are a code and those below it; ok is false where there are more
// than most, or where the code is not known.
func (s *Service) CodesBelow(system, code string, most int) (codes []string, ok bool) {
	x, err := s.CodeSystem(system, "")
	if x == nil || err != nil {
		return nil, false
	}
	c, ok := x.Find(code)
	if !ok {
		return nil, false
	}
	below := x.NewSet()
	if x.AddDescendants(below, c); below.Len() > most {
		return nil, false
	}
	for d := range below.Concepts() {
		codes = append(codes, x.Code(d))
	}
	return codes, true
}

// CodesWithin are those of a reference set of SNOMED CT; ok is false where there are more
// than most, or where the release has no such set.
func (s *Service) CodesWithin(system, refset string, most int) (codes []string, ok bool) {
	x, err := s.CodeSystem(system, "")
	if x == nil || err != nil {
		return nil, false
	}
	c, ok := x.Find(refset)
	if !ok {
		return nil, false
	}
	r, ok := x.Refset(c)
	if !ok || r.Rows > most {
		return nil, false
	}
	members := x.NewSet()
	x.AddMembers(members, r)
	for m := range members.Concepts() {
		codes = append(codes, x.Code(m))
	}
	return codes, true
}
