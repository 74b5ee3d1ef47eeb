package region

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"

	"selda/audit"
	"selda/fault"
	"selda/hl7v2"
	"selda/ingest"
)

// answer handles one HL7 v2 message. AR: not HL7, or the sender is not
// admitted, and nothing is kept but a hash. AE: the raw message is kept, in
// quarantine. AA: it is kept, parsed, admitted, and has its place in line.
func (r *Region) answer(feeds *Feeds) func(ctx context.Context, peer net.Addr, frame []byte) []byte {
	return func(ctx context.Context, peer net.Addr, frame []byte) []byte {
		m, err := hl7v2.Parse(frame)
		if err != nil {
			return r.reject(ctx, m, frame, hl7v2.Problem{Code: 100, Place: fault.PlaceOf(err), Text: fault.Reason(err)})
		}
		source, admitted := feeds.Admit(m, peer)
		if !admitted {
			return r.reject(ctx, m, frame, hl7v2.Problem{Code: 207, Place: "MSH-4", Text: "this sender is not admitted: ask the exchange to add its feed"})
		}
		receipt, err := r.Ingest.Submit(ctx, &ingest.Raw{Source: source, Format: ingest.HL7v2, Door: "mllp", Body: frame})
		if err != nil {
			return hl7v2.Acknowledge(m, hl7v2.Rejected, "", r.Now(), hl7v2.Problem{Code: 207, Text: "it could not be kept, send it again: " + fault.Reason(err)})
		}
		_, mapErr := receipt.Mapped(ctx)
		if err := receipt.Durable(); err != nil {
			return hl7v2.Acknowledge(m, hl7v2.Rejected, "", r.Now(), hl7v2.Problem{Code: 207, Text: "it could not be kept, send it again"})
		}
		if mapErr != nil {
			return hl7v2.Acknowledge(m, hl7v2.Failed, receipt.Number(), r.Now(), problem(mapErr))
		}
		return hl7v2.Acknowledge(m, hl7v2.Accepted, receipt.Number(), r.Now())
	}
}

// problem is why a message went to quarantine, for its sender.
func problem(err error) hl7v2.Problem {
	p := hl7v2.Problem{Code: 207, Place: fault.PlaceOf(err), Text: fault.Reason(err)}
	switch fault.KindOf(err) {
	case fault.Structure:
		p.Code = 100
	case fault.Required:
		p.Code = 101
	case fault.Value:
		p.Code = 103
	case fault.NotSupported:
		p.Code = 200
	}
	return p
}

func (r *Region) reject(ctx context.Context, m *hl7v2.Message, frame []byte, p hl7v2.Problem) []byte {
	h := sha256.Sum256(frame)
	_, err := r.Trail.Append(ctx, audit.Entry{Action: audit.Create, Outcome: audit.Deny, User: "mllp", What: "message sha256:" + hex.EncodeToString(h[:]), Rules: []string{"AR: " + p.Text}})
	if err != nil {
		r.Log.Error("a refused message could not be recorded", "error", err)
	}
	return hl7v2.Acknowledge(m, hl7v2.Rejected, "", r.Now(), p)
}
