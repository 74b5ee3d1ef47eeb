package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"selda/audit"
	"selda/audit/tree"
	"selda/cmd/selda/region"
	"selda/fault"
)

type auditCmd struct {
	Verify      auditVerifyCmd      `cmd:"" help:"Check the trail: every byte of it, and its tree."`
	Checkpoint  auditCheckpointCmd  `cmd:"" help:"Print the latest signed checkpoint of the trail, for a witness to keep."`
	Key         auditKeyCmd         `cmd:"" help:"Print the public key that signs checkpoints."`
	Handovers   auditHandoversCmd   `cmd:"" help:"Print the changes of that key, for whoever holds one of before."`
	Prove       auditProveCmd       `cmd:"" help:"Print a proof that an entry is in the trail."`
	Consistency auditConsistencyCmd `cmd:"" help:"Prove that the trail goes on from a checkpoint that was kept."`
	Check       auditCheckCmd       `cmd:"" help:"Check a proof. Needs no region and no connection."`
}

type auditVerifyCmd struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (c auditVerifyCmd) Run(e *env) error {
	r, err := region.VerifyTrail(e.ctx, e.data, e.dsn)
	if c.JSON {
		reason := ""
		if err != nil {
			reason = fault.Reason(err)
		}
		if err := e.printJSON(struct {
			audit.Report
			Holds  bool   `json:"holds"`
			Reason string `json:"reason,omitempty"`
		}{r, err == nil, reason}); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(e.stdout, "the trail holds: %d entries in %d files, %d bytes, head %s; its tree holds %d of them\n", r.Entries, r.Files, r.Bytes, r.Head, r.Tree)
	}
	return nil
}

type auditCheckpointCmd struct{}

func (auditCheckpointCmd) needsRegion() {}

func (auditCheckpointCmd) Run(e *env) error {
	at, err := e.region.Trail.Grow(e.ctx)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(at.Note)
	return err
}

type auditKeyCmd struct{}

func (auditKeyCmd) needsRegion() {}

func (auditKeyCmd) Run(e *env) error {
	fmt.Fprintln(e.stdout, e.region.Trail.Tree().Key())
	return nil
}

type auditHandoversCmd struct{}

func (auditHandoversCmd) needsRegion() {}

func (auditHandoversCmd) Run(e *env) error {
	b, err := region.Handovers(e.region.Trail)
	if err == nil {
		_, err = e.stdout.Write(b)
	}
	return err
}

type auditProveCmd struct {
	Seq  uint64   `arg:"" help:"The entry's number, from 1."`
	Show []string `help:"The parts of the entry that the proof shows: act, name, user, reason, what, rest. All unless said." placeholder:"PART"`
}

func (auditProveCmd) needsRegion() {}

func (c auditProveCmd) Run(e *env) error {
	show := c.Show
	if len(show) == 0 {
		show = audit.Parts()
	}
	file, err := e.region.ProveEntry(e.ctx, region.OperatorSubject(), c.Seq, show)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(file)
	return err
}

type auditConsistencyCmd struct {
	Old string `arg:"" help:"The file of the checkpoint that was kept."`
}

func (auditConsistencyCmd) needsRegion() {}

func (c auditConsistencyCmd) Run(e *env) error {
	old, err := os.ReadFile(e.path(c.Old))
	if err != nil {
		return err
	}
	if _, err := e.region.Trail.Grow(e.ctx); err != nil {
		return err
	}
	proof, err := e.region.Trail.Tree().Extends(e.ctx, old)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(proof)
	return err
}

type auditCheckCmd struct {
	File string `arg:"" help:"The proof: of an entry, or of consistency."`
	Key  string `required:"" help:"The public key of the trail, or a file that has it." placeholder:"PUBKEY"`
	Old  string `help:"Of a proof of consistency: the file of the checkpoint that was kept." placeholder:"FILE"`
	More string `name:"handovers" help:"Where the region has changed its key: the file of its hand-overs." placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// handovers are those of the file that is named.
func (c auditCheckCmd) handovers(e *env) (list []string, err error) {
	if c.More == "" {
		return nil, nil
	}
	b, err := os.ReadFile(e.path(c.More))
	if err == nil && json.Unmarshal(b, &list) != nil {
		err = fault.E("audit.check", fault.Structure, "the file of hand-overs is none: `selda audit handovers` prints it, and the region has it at /audit/handovers")
	}
	return list, err
}

// checked is what audit check prints as JSON.
type checked struct {
	Holds      bool         `json:"holds"`
	Entry      *audit.Entry `json:"entry,omitempty"`
	Kept       []string     `json:"kept,omitempty"` // parts that the proof does not show
	From       int64        `json:"from,omitempty"` // entries of the older checkpoint
	Size       int64        `json:"size"`           // entries of the checkpoint that it holds under
	Checkpoint string       `json:"checkpoint"`
}

func (c auditCheckCmd) Run(e *env) error {
	file, err := os.ReadFile(e.path(c.File))
	if err != nil {
		return err
	}
	key := c.Key
	if b, err := os.ReadFile(e.path(key)); err == nil {
		key = string(b)
	}
	handovers, err := c.handovers(e)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(file), []byte("{")) {
		return c.consistency(e, file, key, handovers)
	}
	got, err := audit.CheckFile(file, key, handovers...)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(checked{Holds: true, Entry: &got.Entry, Kept: got.Kept, Size: got.Size, Checkpoint: string(got.Note)})
	}
	fmt.Fprintf(e.stdout, "the proof holds: this is entry %d of %d, as it was written in the trail\n%s", got.Entry.Seq, got.Size, entryLines(got.Entry))
	if len(got.Kept) > 0 {
		fmt.Fprintf(e.stdout, "  not shown: %s\n", strings.Join(got.Kept, ", "))
	}
	fmt.Fprintf(e.stdout, "under this checkpoint, which another may have kept too:\n\n%s", got.Note)
	return nil
}

func (c auditCheckCmd) consistency(e *env, proof []byte, key string, handovers []string) error {
	if !tree.IsConsistency(proof) {
		return errors.New("this is no proof of the trail: it is what `selda audit prove`, `selda audit consistency` or the citizen's page gave")
	}
	if c.Old == "" {
		return fmt.Errorf("%w: a proof of consistency is checked against the checkpoint that was kept: --old FILE", errUsage)
	}
	old, err := os.ReadFile(e.path(c.Old))
	if err != nil {
		return err
	}
	was, at, err := tree.CheckExtends(proof, old, key, handovers...)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(checked{Holds: true, From: was.Size, Size: at.Size, Checkpoint: string(at.Note)})
	}
	fmt.Fprintf(e.stdout, "the proof holds: the trail of %d entries goes on from the %d of the checkpoint that was kept; keep this one now:\n\n%s", at.Size, was.Size, at.Note)
	return nil
}

// entryLines is what a proof shows of an entry, for a person.
func entryLines(e audit.Entry) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s: %s\n", name, value)
		}
	}
	if !e.At.IsZero() {
		line("when", e.At.Format(time.RFC3339))
	}
	line("who", strings.TrimSpace(strings.Join([]string{e.Name, e.User}, " ")))
	line("role", e.Role.Title())
	line("organisation", string(e.Organisation))
	line("did", strings.TrimSpace(cmp.Or(e.Action, "")+" "+e.Outcome))
	line("what", e.What)
	line("citizen", e.Citizen)
	line("purpose", string(e.Purpose))
	line("why", e.Reason)
	line("rules", strings.Join(e.Rules, "; "))
	line("signs", strings.Join(e.Signs, "; "))
	return b.String()
}
