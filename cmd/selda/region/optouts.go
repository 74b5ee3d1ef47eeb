package region

import (
	"context"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/internal/document"
	"selda/nhs"
	"selda/optout"
	"selda/policy"
)

// optOutFile is the document of the national data opt-outs. It is no part of
// anybody's record.
const optOutFile = "optout/national.json"

// LoadOptOuts keeps who has opted out, and since when that is known: a list of
// everybody who has, or, where sent is not nil, what came back from the national
// service for the numbers that were sent. What was kept before is replaced.
func (r *Region) LoadOptOuts(ctx context.Context, s policy.Subject, file, sent []byte, at time.Time) (*optout.Register, error) {
	const op = "region.LoadOptOuts"
	if err := r.Access.Administer(ctx, s, "national data opt-outs: load"); err != nil {
		return nil, err
	}
	list, err := optout.Parse(file)
	if err != nil {
		return nil, fault.E(op, err)
	}
	register := optout.OptedOut(list, at)
	if sent != nil {
		asked, err := optout.Parse(sent)
		if err != nil {
			return nil, fault.E(op, err)
		}
		if register, err = optout.Checked(asked, list, at); err != nil {
			return nil, fault.E(op, err)
		}
	}
	if at.After(r.Now()) {
		return nil, fault.E(op, fault.Value, "the opt-outs can't be of a time to come")
	}
	b, err := register.Marshal()
	if err != nil {
		return nil, fault.E(op, err)
	}
	return register, r.documents.Save(optOutFile, b, document.Any)
}

// OptOuts is who has opted out, as it was loaded last. It says nothing of whether
// that may still be used: optout.Register's Usable does.
func (r *Region) OptOuts(ctx context.Context, s policy.Subject) (*optout.Register, error) {
	if err := r.Access.Administer(ctx, s, "national data opt-outs: look"); err != nil {
		return nil, err
	}
	b, _, err := r.documents.Load(optOutFile)
	if err != nil || b == nil {
		return &optout.Register{}, err
	}
	return optout.Unmarshal(b)
}

// FilterOptOuts is a file of NHS numbers without those who may not be in a release
// to which the national data opt-out applies. A register that is too old refuses.
func (r *Region) FilterOptOuts(ctx context.Context, s policy.Subject, file []byte) (back []byte, left int, err error) {
	const op = "region.FilterOptOuts"
	register, err := r.OptOuts(ctx, s)
	if err == nil {
		err = register.Usable(r.Now())
	}
	if err == nil {
		back, left, err = register.Filter(file)
	}
	if err != nil {
		return nil, 0, fault.E(op, err)
	}
	return back, left, nil
}

// PersonOptOuts is what is known of one citizen's opt-outs.
type PersonOptOuts struct {
	National bool // the national register does not clear them, or can't be used
	TypeOne  bool // they object at their practice
}

// OptOutsOf says what is known of one citizen's opt-outs; it is a reading of
// their record, and in its trail.
func (r *Region) OptOutsOf(ctx context.Context, s policy.Subject, citizen string) (PersonOptOuts, error) {
	const op = "region.OptOutsOf"
	var out PersonOptOuts
	g, err := r.Access.Record(ctx, s, citizen, "opt-outs of secondary use")
	if err != nil {
		return out, fault.E(op, err)
	}
	v, err := r.Records.Open(ctx, g)
	if err != nil {
		return out, fault.E(op, err)
	}
	var entries []optout.Coded
	cleared := false
	register, err := r.OptOuts(ctx, s)
	if err != nil {
		return out, fault.E(op, err)
	}
	usable := register.Usable(r.Now()) == nil
	for _, i := range v.Items {
		if i.Type == "Patient" {
			for _, n := range numbersOf(i.Res) {
				cleared = cleared || register.Clears(n)
			}
		}
		if e, ok := optout.TypeOneOf(i.Res, i.When); ok {
			entries = append(entries, e)
		}
	}
	out.National, out.TypeOne = !usable || !cleared, optout.TypeOne(entries)
	return out, nil
}

// numbersOf are the NHS numbers of a Patient.
func numbersOf(p *fhir.Resource) (out []nhs.Number) {
	for _, id := range p.Root().List("identifier") {
		if !id.Get("system").Is(nhs.NumberSystem) {
			continue
		}
		if n, err := nhs.ParseNumber(id.Get("value").Text()); err == nil {
			out = append(out, n)
		}
	}
	return out
}
