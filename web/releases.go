package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/agreement"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/population"
	"selda/web/page"
	"selda/web/view"
)

// Releasing is the port to the door for secondary use. Each call is decided, audited
// and logged by who answers it.
type Releasing interface {
	Release(ctx context.Context, s policy.Subject, ask population.Ask, w io.Writer) (population.Release, *population.Counts, error)
	Releases(ctx context.Context, s policy.Subject) ([]population.Release, error)
}

// byWords are the dimensions in words.
var byWords = map[population.Dimension]string{population.ByKind: "kind of data", population.ByCode: "code", population.BySex: "sex", population.ByAge: "age, in bands of five years", population.ByYear: "year", population.BySource: "organisation that wrote it"}

// releases is what can be asked for, and what was released.
func (h *Web) releases(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	p, err := h.releasesPage(r, s)
	if err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.Releases(*p))
	return nil
}

func (h *Web) releasesPage(r *http.Request, s policy.Subject) (*page.ReleasesPage, error) {
	const op = "web.releases"
	if h.Releasing == nil || h.Governance == nil {
		return nil, fault.E(op, fault.NotSupported, "nothing is released here")
	}
	asks := s.Role == nhs.Analyst
	if !asks && !governs(s.Role) {
		return nil, fault.E(op, fault.Security, "only analysts and those who govern the exchange read this")
	}
	log, err := h.Releasing.Releases(r.Context(), s)
	if err != nil {
		return nil, fault.E(op, err)
	}
	p := &page.ReleasesPage{Frame: h.frame(s, "Data without names"), Asks: asks}
	for _, x := range log {
		p.Log = append(p.Log, h.releaseRow(x))
	}
	reader := agreement.Reader{Organisation: s.Organisation, Role: nhs.Analyst, Purpose: agreement.SecondaryUse}
	var kinds policy.DataSets
	for _, a := range h.Governance.Agreements().All() {
		if a.Flows(agreement.SecondaryUse, h.Now()) && a.SharedWith(reader) {
			p.Agreements = append(p.Agreements, page.Reason{Code: a.ID, Text: a.Title})
			for _, sh := range a.Shares {
				kinds |= sh.Kinds
			}
		}
	}
	for d := policy.Demographics; d <= policy.Other; d++ {
		if kinds.Has(d) && d != policy.Demographics {
			p.Kinds = append(p.Kinds, page.Reason{Code: d.String(), Text: words(d.String())})
		}
	}
	for _, d := range population.Dimensions {
		p.By = append(p.By, page.Tick{Code: string(d), Text: byWords[d]})
	}
	return p, nil
}

func (h *Web) releaseRow(x population.Release) page.ReleaseRow {
	row := page.ReleaseRow{On: view.ParseDate(x.Begun.Format(time.RFC3339)).ProTime(), Agreement: x.Agreement, To: h.organisation(x.Organisation), By: x.By, What: x.Shape, Purpose: x.Purpose, Gateway: string(x.Gateway),
		OptOuts: sentence(x.OptOutWhy), Broken: x.Ended.IsZero()}
	// How many a release was of tells of few, too.
	row.People, row.OptedOut = population.Told(x.People), population.Told(x.OptedOut)
	return row
}

// release makes one.
func (h *Web) release(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.release"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	p, err := h.releasesPage(r, s)
	if err != nil {
		return err
	}
	if !p.Asks {
		return fault.E(op, fault.Security, "only an analyst asks for data without names")
	}
	shape := r.PostForm.Get("shape")
	ask := population.Ask{Agreement: r.PostForm.Get("agreement"), Why: r.PostForm.Get("why"), Rows: shape == "rows", Code: strings.TrimSpace(r.PostForm.Get("code")), Kind: policy.ParseDataSet(r.PostForm.Get("kind"))}
	p.Agreement, p.Why, p.Kind, p.Code = ask.Agreement, ask.Why, r.PostForm.Get("kind"), ask.Code
	for i := range p.By {
		p.By[i].On = slices.Contains(r.PostForm["by"], p.By[i].Code)
	}
	if !ask.Rows {
		ask.By, err = population.ParseDimensions(strings.Join(r.PostForm["by"], ","))
	}
	var out bytes.Buffer
	var rel population.Release
	var counts *population.Counts
	if err == nil {
		rel, counts, err = h.Releasing.Release(r.Context(), s, ask, &out)
	}
	switch fault.KindOf(err) {
	case fault.Value, fault.Required, fault.Conflict, fault.Security:
		if err != nil {
			p.Error = strings.TrimSuffix(sentence(fault.Reason(err)), ".")
			h.render(w, http.StatusUnprocessableEntity, page.Releases(*p))
			return nil
		}
	}
	if err != nil {
		return fault.E(op, err)
	}
	name := ask.Agreement + "-" + rel.Begun.Format("2006-01-02")
	switch shape {
	case "rows":
		return attach(w, name+".ndjson", "application/x-ndjson", out.Bytes())
	case "csv":
		if err := counts.CSV(&out); err != nil {
			return fault.E(op, err)
		}
		return attach(w, name+".csv", "text/csv; charset=utf-8", out.Bytes())
	}
	if p2, err := h.releasesPage(r, s); err == nil { // with this one in the log
		p.Log = p2.Log
	}
	p.Made, p.People, p.Left, p.OptOuts = true, population.Told(rel.People), population.Told(rel.OptedOut), sentence(rel.OptOutWhy)
	for _, d := range counts.By {
		p.Head = append(p.Head, sentenceCase(byWords[d]))
	}
	for _, c := range counts.Cells {
		p.Cells = append(p.Cells, page.CountRow{Of: c.Of, People: c.Says()})
	}
	h.render(w, http.StatusOK, page.Releases(*p))
	return nil
}

func sentenceCase(s string) string { return strings.TrimSuffix(sentence(s), ".") }

// attach sends a file.
func attach(w http.ResponseWriter, name, kind string, b []byte) error {
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write(b)
	return err
}
