package region

import (
	"path/filepath"
	"strings"

	"selda/api"
	"selda/bulk"
	"selda/nhs"
)

// openAPI makes the face for FHIR, with exports and imports in DIR/export, or in
// the database that nodes share.
func (r *Region) openAPI(o Options) error {
	r.fhir = &api.API{Lists: r.labels.lists, ProfilesOf: func(s nhs.Source) api.Profiles { return r.admitted.Load().Profiles(s) }, Subscriptions: r.Subscriptions, Access: r.Access, Records: r.Records, Ingest: r.Ingest, Cursors: r.cursors, Subject: r.Auth.FHIRSubject, Now: r.Now, Organisation: r.organisationNames(), Version: "1", Settled: r.Ingest.Idle,
		Terminology: r.Terminology.Service, Closures: r.documents, Parameters: r.searches.ready, Validator: r.mapper.valid.validator, Published: r.mapper.valid.packaged.published}
	if o.SignOn != nil {
		r.fhir.PublicURL = o.SignOn.PublicURL
		r.https, r.contact = strings.HasPrefix(o.SignOn.PublicURL, "https://"), o.SignOn.SecurityContact
	}
	if r.Nodes != nil {
		r.fhir.Exclusive = exclusive(r.Store, usual)
	}
	var err error
	if r.fhir.Inputs, err = api.NewInputs(o.ImportFrom); err != nil {
		return err
	}
	var jobs bulk.Store
	if r.Nodes != nil {
		jobs = r.Nodes.Jobs()
	} else if jobs, err = bulk.OpenFolder(filepath.Join(o.Data, "export")); err != nil {
		return err
	}
	r.jobs = jobs
	r.fhir.Bulk = bulk.Open(bulk.Options{Store: jobs, Key: r.Store.Secret("export"), Now: r.Now, Log: r.Log})
	return nil
}
