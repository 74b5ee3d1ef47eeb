package auth

import "selda/nhs"

// WorksAt are the organisations at which somebody with an NHS number has an account
// as a professional: who looks at a colleague's record is told by that.
func (s *Accounts) WorksAt(n nhs.Number) []nhs.ODS {
	if _, err := s.all(); err != nil || n.IsZero() {
		return nil
	}
	s.mu.RLock()
	staff := s.staff
	s.mu.RUnlock()
	if staff == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		staff = map[nhs.Number][]nhs.ODS{}
		for _, a := range s.byUser {
			if a.Role != nhs.Citizen && a.Role != nhs.Proxy && !a.NHSNumber.IsZero() && a.Organisation != "" {
				staff[a.NHSNumber] = append(staff[a.NHSNumber], a.Organisation)
			}
		}
		s.staff = staff
	}
	return staff[n]
}
