package region

import (
	"selda/fault"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/mapped"
)

func v2(m *hl7v2.Message, r *ingest.Raw) (*mapped.Message, error) {
	return nil, fault.E("region.v2", fault.NotSupported, "HL7 v2 is not mapped yet")
}
