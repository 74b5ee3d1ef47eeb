package region

import "selda/api"

// FHIR is the FHIR API behind the door, for those who test it with another sign-on.
func (r *Region) FHIR() *api.API { return r.fhir }
