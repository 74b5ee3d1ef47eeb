package region

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strconv"

	"selda/audit"
	"selda/fault"
	"selda/hl7v2"
	"selda/ingest"
)

// answer handles one frame: one HL7 v2 message, or a batch of them. AR: not
// HL7, or the sender is not admitted, and nothing is kept but a hash. AE: the
// raw message is kept, in quarantine. AA: it is kept, parsed, admitted, and has
// its place in line.
func (r *Region) answer() func(ctx context.Context, peer net.Addr, frame []byte) []byte {
	return func(ctx context.Context, peer net.Addr, frame []byte) []byte {
		feeds := r.admitted.Load()
		if messages, ok := hl7v2.Batch(frame); ok {
			return r.answerBatch(ctx, feeds, peer, messages)
		}
		return r.take(ctx, feeds, peer, frame)()
	}
}

// answerBatch answers each message of a batch, in a batch. All have their
// place in line before the first is waited for.
func (r *Region) answerBatch(ctx context.Context, feeds *Feeds, peer net.Addr, messages [][]byte) []byte {
	waits := make([]func() []byte, len(messages))
	for i, m := range messages {
		waits[i] = r.take(ctx, feeds, peer, m)
	}
	answers := make([][]byte, len(waits))
	for i, wait := range waits {
		answers[i] = wait()
	}
	return hl7v2.AcknowledgeBatch(answers, r.Now())
}

// take gives a message its place in line. What it gives back waits until the
// answer is known.
func (r *Region) take(ctx context.Context, feeds *Feeds, peer net.Addr, frame []byte) func() []byte {
	at := func(answer []byte) func() []byte { return func() []byte { return answer } }
	m, err := hl7v2.Parse(frame)
	if err != nil {
		return at(r.reject(ctx, m, frame, hl7v2.Problem{Code: 100, Place: fault.PlaceOf(err), Text: fault.Reason(err)}))
	}
	source, why := feeds.Admit(m, peer, r.Now())
	if why != "" {
		return at(r.reject(ctx, m, frame, hl7v2.Problem{Code: 207, Place: "MSH-4", Text: why}))
	}
	receipt, err := r.Ingest.Submit(ctx, &ingest.Raw{Source: source, Format: ingest.HL7v2, Door: "mllp", Body: frame})
	if err != nil {
		return at(hl7v2.Acknowledge(m, hl7v2.Rejected, r.answerID(), r.Now(), hl7v2.Problem{Code: 207, Text: "it could not be kept, send it again: " + fault.Reason(err)}))
	}
	return func() []byte {
		_, mapErr := receipt.Mapped(ctx)
		if err := receipt.Durable(); err != nil {
			return hl7v2.Acknowledge(m, hl7v2.Rejected, r.answerID(), r.Now(), hl7v2.Problem{Code: 207, Text: "it could not be kept, send it again"})
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

// answerID names an answer that refuses (MSH-10): no message of ours is behind it.
func (r *Region) answerID() string { return strconv.FormatInt(r.Now().UnixNano(), 36) }

func (r *Region) reject(ctx context.Context, m *hl7v2.Message, frame []byte, p hl7v2.Problem) []byte {
	h := sha256.Sum256(frame)
	_, err := r.Trail.Append(ctx, audit.Entry{Action: audit.Create, Outcome: audit.Deny, User: "mllp", What: "message sha256:" + hex.EncodeToString(h[:]), Rules: []string{"AR: " + p.Text}})
	if err != nil {
		r.Log.Error("a refused message could not be recorded", "error", err)
	}
	return hl7v2.Acknowledge(m, hl7v2.Rejected, r.answerID(), r.Now(), p)
}
