package region

import (
	"context"

	"selda/audit"
	"selda/policy"
)

// What a release says of a code by which items are labelled.
const (
	CodeHeld      = "held"       // it is there
	CodeWithdrawn = "withdrawn"  // it is there, and is to be used no more: old records have it
	CodeMissing   = "missing"    // it is not there
	CodeNoRelease = "no release" // none was imported
)

// LabelCode is a code by which items are labelled as sensitive (G8), held against the
// release that was imported.
type LabelCode struct {
	Is      string `json:"is"`
	Label   string `json:"label"`
	System  string `json:"system"`
	Code    string `json:"code"`
	Words   string `json:"words"`             // as the list has it
	Display string `json:"display,omitempty"` // as the release has it
}

// LabelCodes are all codes of the label lists, in their order.
func (r *Region) LabelCodes(ctx context.Context, s policy.Subject) (out []LabelCode, err error) {
	if _, err := r.Access.Operate(ctx, s, audit.Read, "codes of the label lists"); err != nil {
		return nil, err
	}
	terms, err := r.Terminology.Service()
	if err != nil {
		return nil, err
	}
	for _, list := range r.labels.lists().All() {
		for _, part := range list.Sections {
			for _, e := range part.Entries {
				system, codes := e.Codes()
				for _, code := range codes {
					l := LabelCode{Is: CodeNoRelease, Label: list.Label.String(), System: system, Code: code, Words: e.Words}
					x, err := terms.CodeSystem(system, "")
					if err != nil {
						return nil, err
					}
					if x != nil {
						l.Is = CodeMissing
						if c, ok := x.Find(code); ok {
							l.Is, l.Display = CodeHeld, x.Display(c)
							if x.Inactive(c) {
								l.Is = CodeWithdrawn
							}
						}
					}
					out = append(out, l)
				}
			}
		}
	}
	return out, nil
}
