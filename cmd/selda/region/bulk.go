package region

import (
	"os"
	"path/filepath"

	"selda/api"
	"selda/bulk"
	"selda/fault"
)

// openAPI makes the face for FHIR, with exports and imports in DIR/export. Of
// nodes on one database that share a folder, one keeps those.
func (r *Region) openAPI(o Options) error {
	r.fhir = &api.API{Subscriptions: r.Subscriptions, Access: r.Access, Records: r.Records, Ingest: r.Ingest, Cursors: r.cursors, Subject: r.Auth.Subject, Now: r.Now, Version: "1", Settled: r.Ingest.Idle,
		Terminology: r.Terminology.Service, Parameters: r.searches.ready, Validator: r.mapper.valid.validator}
	if r.Nodes != nil {
		r.fhir.Exclusive = exclusive(r.Store)
	}
	var err error
	if r.fhir.Inputs, err = api.NewInputs(o.ImportFrom); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return fault.E("region.Open", fault.NoStore, err)
	}
	jobs, err := bulk.Open(bulk.Options{Dir: filepath.Join(o.Data, "export"), Key: r.Store.Secret("export"), Now: r.Now, Log: r.Log})
	if fault.Is(err, fault.Conflict) && r.Nodes != nil {
		r.Log.Info("another node keeps the exports of this folder: none can be asked of this one")
		return nil
	}
	r.fhir.Bulk = jobs
	return err
}
