package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/cda"
	"selda/fault"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/csvtofhir"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// How much is looked at and shown: messages in quarantine, of one group, and
// fields and items of one message.
const (
	maxQuarantine = 5000
	maxOfGroup    = 20
	maxFields     = 1000
	maxWritten    = 50
)

// quarantine is what could not be used, grouped by why and where.
func (h *Web) quarantine(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showQuarantine(w, r, s, "")
}

func (h *Web) showQuarantine(w http.ResponseWriter, r *http.Request, s policy.Subject, done string) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	all, err := h.Desk.Quarantine(r.Context(), s, maxQuarantine)
	if err != nil {
		return fault.E("web.quarantine", err)
	}
	p := page.QuarantinePage{Frame: h.frame(s, "Quarantine"), Source: r.URL.Query().Get("source"), Done: done, More: len(all) == maxQuarantine}
	for _, m := range all {
		if p.Source != "" && string(m.Source) != p.Source {
			continue
		}
		kind := ingest.KindOfPlace(m.Place)
		i := slices.IndexFunc(p.Groups, func(g page.QuarantineGroup) bool {
			return g.Code == string(m.Source) && g.Reason == m.Reason && g.Place == kind
		})
		if i < 0 {
			i = len(p.Groups)
			p.Groups = append(p.Groups, page.QuarantineGroup{Source: h.Name(m.Source), Code: string(m.Source), Reason: m.Reason, Place: kind})
		}
		if p.Groups[i].Count++; p.Groups[i].Count > maxOfGroup {
			continue
		}
		p.Groups[i].Rows = append(p.Groups[i].Rows, page.QuarantineRow{ID: m.ID, Place: m.Place, Received: view.ParseDate(m.Received.Format(time.RFC3339)), Format: dots(formats[m.Format], m.Event)})
	}
	slices.SortStableFunc(p.Groups, func(a, b page.QuarantineGroup) int { return b.Count - a.Count })
	h.render(w, http.StatusOK, page.Quarantine(p))
	return nil
}

// held is one message in quarantine, with the place marked.
func (h *Web) held(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showHeld(w, r, s, "", "")
}

func (h *Web) showHeld(w http.ResponseWriter, r *http.Request, s policy.Subject, done, problem string) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	m, raw, err := h.Desk.Held(r.Context(), s, r.PathValue("message"))
	if err != nil {
		return fault.E("web.held", err)
	}
	p := page.HeldPage{Frame: h.frame(s, "Message "+m.ID), ID: m.ID, Source: h.Name(m.Source), Reason: m.Reason, Place: m.Place, Format: dots(formats[m.Format], m.Event),
		Received: view.ParseDate(m.Received.Format(time.RFC3339)), Action: "/quarantine/" + m.ID + "/replay", Done: done, Error: problem}
	if m.State != ingest.Quarantined && done == "" {
		p.Done = "This message is not in quarantine: it is " + m.State + "."
	}
	p.Lines = heldLines(raw, m.Place)
	h.render(w, http.StatusOK, page.Held(p))
	return nil
}

// heldLines are a message's lines with a place marked, where it can be found.
func heldLines(raw *ingest.Raw, place string) []page.Line {
	text, from, to := raw.Body, 0, 0
	switch raw.Format {
	case ingest.HL7v2:
		if msg, err := hl7v2.Parse(raw.Body); err == nil {
			if v, ok := msg.At(place); ok {
				from, to = v.Span()
			}
			text = []byte(msg.Text())
		}
	case ingest.CDA:
		if doc, err := cda.Parse(raw.Body); err == nil {
			if v, ok := doc.At(place); ok {
				text, from, to = doc.Text, v.Start, v.End
			}
		}
	case ingest.CSV:
		if v, ok := csvtofhir.At(raw.Body, raw.Row, place); ok {
			from, to = v.Start, v.End
		}
	}
	lines := marked(text, from, to)
	if len(lines) > maxLines {
		lines = lines[:maxLines]
	}
	return lines
}

func (h *Web) replay(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	out, err := h.Desk.Replay(r.Context(), s, r.PathValue("message"))
	switch {
	case fault.Is(err, fault.Conflict):
		return h.showHeld(w, r, s, "", sentence(fault.Reason(err)))
	case err != nil:
		return fault.E("web.replay", err)
	case out.State == ingest.Quarantined:
		return h.showHeld(w, r, s, "", "It still can't be used: "+out.Reason)
	}
	return h.showQuarantine(w, r, s, "Message "+r.PathValue("message")+" is "+out.State+" now, with "+strconv.Itoa(len(out.Items))+" resources.")
}

// replayAll tries a whole group again.
func (h *Web) replayAll(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.replayAll"
	if err := h.hasDesk(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	source, err := nhs.ParseSource(r.PostForm.Get("source"))
	if err != nil {
		return fault.E(op, err)
	}
	stored, held, err := h.Desk.ReplayAll(r.Context(), s, source, r.PostForm.Get("reason"), r.PostForm.Get("place"))
	if err != nil {
		return fault.E(op, err)
	}
	done := strconv.Itoa(stored) + " of " + strconv.Itoa(stored+held) + " messages are stored now."
	if held > 0 {
		done += " " + strconv.Itoa(held) + " still can't be used: open one to see why."
	}
	return h.showQuarantine(w, r, s, done)
}

func (h *Web) traceForm(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.Trace(page.TracePage{Frame: h.frame(s, "Trace")}))
	return nil
}

// trace is every stage of a message.
func (h *Web) trace(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E("web.trace", fault.TooLong, "the form did not arrive whole")
	}
	id := r.PathValue("message")
	if id == "" {
		id = strings.TrimSpace(r.PostForm.Get("id"))
	}
	p := page.TracePage{Frame: h.frame(s, "Trace"), Asked: id}
	stages, fields, err := h.Desk.Trace(r.Context(), s, id)
	status := http.StatusOK
	switch {
	case fault.Is(err, fault.NotFound):
		p.Error, status = "There is no message or item with that number", http.StatusNotFound
	case err != nil:
		return fault.E("web.trace", err)
	}
	written := 0
	for i, one := range stages {
		p.ID = one.Message
		if one.Name == "written" {
			if written++; written > maxWritten {
				if i+1 == len(stages) || stages[i+1].Name != "written" {
					p.Stages = append(p.Stages, page.Stage{Name: "written", Detail: "and " + strconv.Itoa(written-maxWritten) + " more"})
				}
				continue
			}
		}
		st := page.Stage{Name: one.Name, Detail: dots(one.Rule, one.Place, one.Detail)}
		if !one.At.IsZero() {
			st.At = view.ParseDate(one.At.Format(time.RFC3339)).ProTime() + one.At.Format(":05")
		}
		switch one.Name {
		case "quarantined", "left":
			st.Tone = view.Warn
		case "committed":
			st.Tone = view.Good
		}
		p.Stages = append(p.Stages, st)
	}
	for i, f := range fields {
		if i == maxFields {
			p.More = len(fields) - maxFields
			break
		}
		p.Fields = append(p.Fields, page.FieldRow{Place: f.Place, Item: f.Item, Element: f.Element})
	}
	h.render(w, status, page.Trace(p))
	return nil
}
