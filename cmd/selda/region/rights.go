package region

import (
	"context"

	"selda/access"
	"selda/fault"
	"selda/ingest"
)

// file commits what was decided in a case of rights, as part of the record.
func (r *Region) file(ctx context.Context, f access.Filing) error {
	const op = "region.file"
	receipt, err := r.Ingest.Submit(ctx, &ingest.Raw{Source: f.Source, Format: ingest.FHIR, Door: "fhir", Call: f.Call, About: f.Citizen, Body: f.Body})
	if err != nil {
		return fault.E(op, err)
	}
	out, err := receipt.Committed(ctx)
	if err == nil {
		err = out.Err
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}
