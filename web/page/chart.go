package page

import (
	"context"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"selda/web/view"
)

// The chart's own measures, in the units of its view box.
const (
	chartWidth  = 640.0
	chartHeight = 220.0
	chartLeft   = 56.0
	chartRight  = 624.0
	chartTop    = 22.0
	chartBottom = 190.0
)

// How much of a series is drawn, and how much of it stands in the table: the
// latest. All of it is in the timeline.
const (
	maxPoints = 60
	maxTable  = 24
)

// chart is a line chart, laid out.
type chart struct {
	Label, Unit                              string
	Left, Right, Width, TextLeft, TextBottom string
	BandTop, BandHeight                      string
	Path                                     string
	X, Y                                     []tick
	Dots                                     []dot
}

type tick struct{ At, Text, Label string }

type dot struct {
	X, Y, Label string
	Out         bool
}

// trend is the chart of a series, and its table. It is written by hand, since
// a record has hundreds of points and each is several strings.
func trend(p RecordPage, it view.Item) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		b := &html{w: w}
		if c, ok := newChart(it); ok {
			c.write(b)
		}
		writeTable(b, p.Base, it)
		return b.err
	})
}

// html writes to w until an error; the first is kept.
type html struct {
	w   io.Writer
	err error
}

func (h *html) WriteString(s string) {
	if h.err == nil {
		_, h.err = io.WriteString(h.w, s)
	}
}

// put writes pieces, each second of them escaped: "<a href=\"", href, "\">".
func put(b *html, pieces ...string) {
	for i, s := range pieces {
		if i%2 == 1 {
			s = templ.EscapeString(s)
		}
		b.WriteString(s)
	}
}

func (c *chart) write(b *html) {
	put(b, `<svg class="s-chart" viewBox="0 0 640.0 220.0" role="group" aria-label="`, c.Label, `">`)
	if c.BandHeight != "" {
		put(b, `<rect class="s-chart__band" x="`, c.Left, `" y="`, c.BandTop, `" width="`, c.Width, `" height="`, c.BandHeight, `"></rect>`)
	}
	for _, t := range c.Y {
		put(b, `<line class="s-chart__axis" x1="`, c.Left, `" x2="`, c.Right, `" y1="`, t.At, `" y2="`, t.At, `"></line><text x="`, c.TextLeft, `" y="`, t.Text, `" text-anchor="end">`, t.Label, `</text>`)
	}
	for _, t := range c.X {
		put(b, `<text x="`, t.At, `" y="`, c.TextBottom, `" text-anchor="`, t.Text, `">`, t.Label, `</text>`)
	}
	put(b, `<text x="`, c.Left, `" y="12">`, c.Unit, `</text><path class="s-chart__line" d="`, c.Path, `"></path>`)
	for _, d := range c.Dots {
		class := "s-chart__dot"
		if d.Out {
			class = "s-chart__dot s-chart__dot--out"
		}
		label := templ.EscapeString(d.Label)
		for _, s := range [...]string{`<g role="img" tabindex="0" aria-label="`, label, `"><circle class="`, class, `" cx="`, d.X, `" cy="`, d.Y, `" r="4.5"></circle><text class="s-chart__say" x="`, c.Right, `" y="12" text-anchor="end">`, label, `</text></g>`} {
			b.WriteString(s)
		}
	}
	b.WriteString(`</svg>`)
}

func writeTable(b *html, base string, it view.Item) {
	put(b, `<details class="nhsuk-details s-noprint s-astable"><summary class="nhsuk-details__summary"><span class="nhsuk-details__summary-text">Show `, it.Title, ` as a table</span></summary><div class="nhsuk-details__text s-scroll"><table class="s-table"><thead><tr><th scope="col">Date</th><th scope="col" class="s-right">Value</th><th scope="col">Meaning</th><th scope="col">Source</th><th scope="col">Origin</th></tr></thead><tbody>`)
	for i, pt := range slices.Backward(it.Trend) {
		if len(it.Trend)-i > maxTable {
			put(b, `<tr><td colspan="5">Earlier values are in the <a href="`, base+"/timeline", `">timeline</a>.</td></tr>`)
			break
		}
		day := pt.When.Pro()
		put(b, `<tr><td class="s-num">`, day, `</td><td class="s-num s-right">`, pt.Text, `</td><td>`, pt.Flag, `</td><td>`, pt.Source,
			`</td><td><a href="`, base+"/origin/"+pt.Ref, `">Origin<span class="s-hide"> of `, pt.Text, ` on `, day, `</span></a></td></tr>`)
	}
	b.WriteString(`</tbody></table></div></details>`)
}

// newChart lays out an item's series; false where there is nothing to draw.
func newChart(it view.Item) (*chart, bool) {
	points := it.Trend[max(0, len(it.Trend)-maxPoints):]
	if len(points) < 2 {
		return nil, false
	}
	last := points[len(points)-1]
	lo, hi := points[0].Value, points[0].Value
	for _, p := range points {
		lo, hi = min(lo, p.Value), max(hi, p.Value)
	}
	if last.HasLow {
		lo = min(lo, last.Low)
	}
	if last.HasTop {
		hi = max(hi, last.High)
	}
	step := niceStep(hi - lo)
	lo, hi = math.Floor(lo/step)*step, math.Ceil(hi/step)*step
	if hi <= lo {
		hi = lo + step
	}
	from, to := points[0].When.At, last.When.At
	if !to.After(from) {
		to = from.Add(24 * time.Hour)
	}
	x := func(t time.Time) float64 {
		return chartLeft + 12 + (chartRight-chartLeft-24)*float64(t.Sub(from))/float64(to.Sub(from))
	}
	y := func(v float64) float64 { return chartBottom - (chartBottom-chartTop)*(v-lo)/(hi-lo) }
	c := &chart{Unit: it.Value.Unit, Left: px(chartLeft), Right: px(chartRight), Width: px(chartRight - chartLeft), TextLeft: px(chartLeft - 6), TextBottom: px(chartHeight - 10),
		Label: it.Title + ", " + strconv.Itoa(len(points)) + " values from " + points[0].When.Pro() + " to " + last.When.Pro()}
	if last.HasLow || last.HasTop {
		top, bottom := chartTop, chartBottom
		if last.HasTop {
			top = y(last.High)
		}
		if last.HasLow {
			bottom = y(last.Low)
		}
		if bottom > top {
			c.BandTop, c.BandHeight = px(top), px(bottom-top)
		}
	}
	for v := lo; v <= hi+step/2 && len(c.Y) < 12; v += step {
		c.Y = append(c.Y, tick{At: px(y(v)), Text: px(y(v) + 4), Label: strconv.FormatFloat(math.Round(v/step)*step, 'f', decimals(step), 64)})
	}
	c.X = []tick{{At: px(x(from)), Text: "start", Label: points[0].When.Pro()}, {At: px(x(last.When.At)), Text: "end", Label: last.When.Pro()}}
	var path strings.Builder
	path.Grow(12 * len(points))
	c.Dots = make([]dot, 0, len(points))
	for i, p := range points {
		px0, py0 := px(x(p.When.At)), px(y(p.Value))
		path.WriteString(penTo(i))
		path.WriteString(px0)
		path.WriteByte(' ')
		path.WriteString(py0)
		out := p.HasLow && p.Value < p.Low || p.HasTop && p.Value > p.High
		label := p.Text + " on " + p.When.ProTime() + ", " + p.Source
		if p.Flag != "" {
			label = p.Text + " (" + p.Flag + ") on " + p.When.ProTime() + ", " + p.Source
		}
		c.Dots = append(c.Dots, dot{px0, py0, label, out})
	}
	c.Path = path.String()
	return c, true
}

// niceStep is a step of 1, 2 or 5 times a power of ten, some five to a span.
func niceStep(span float64) float64 {
	if span <= 0 || math.IsNaN(span) || math.IsInf(span, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(span/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if span/(m*p) <= 5 {
			return m * p
		}
	}
	return 10 * p
}

func decimals(step float64) int {
	return max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}

// penTo is how a path goes to its point i: the first without a line.
func penTo(i int) string {
	if i == 0 {
		return "M"
	}
	return "L"
}

func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// sparkPath is a series as a line of 80 by 20.
func sparkPath(points []view.Point) string {
	lo, hi := points[0].Value, points[0].Value
	for _, p := range points {
		lo, hi = min(lo, p.Value), max(hi, p.Value)
	}
	from, to := points[0].When.At, points[len(points)-1].When.At
	var b strings.Builder
	for i, p := range points {
		x, y := 2+76*float64(i)/float64(len(points)-1), 10.0
		if to.After(from) {
			x = 2 + 76*float64(p.When.At.Sub(from))/float64(to.Sub(from))
		}
		if hi > lo {
			y = 18 - 16*(p.Value-lo)/(hi-lo)
		}
		b.WriteString(penTo(i))
		b.WriteString(px(x))
		b.WriteByte(' ')
		b.WriteString(px(y))
	}
	return b.String()
}

// flagMark stands before a flag's word, for those who scan.
func flagMark(flag string) string {
	switch {
	case strings.HasSuffix(flag, "high"):
		return "▲"
	case strings.HasSuffix(flag, "low"):
		return "▼"
	}
	return "◆"
}

// runs are blocks in runs of one kind, so that rows make one table and items
// one list.
func runs(list []view.Block) [][]view.Block {
	var out [][]view.Block
	family := func(k string) string {
		if k == "th" {
			return "tr"
		}
		return k
	}
	for _, b := range list {
		k := family(b.Kind)
		if n := len(out); n > 0 && (k == "tr" || k == "li") && family(out[n-1][0].Kind) == k {
			out[n-1] = append(out[n-1], b)
			continue
		}
		out = append(out, []view.Block{b})
	}
	return out
}

// fileHref is where an attachment is read. Its place goes in the query: it is
// a path in a resource, and names nobody.
func fileHref(base string, f view.File) string {
	ref, place, _ := strings.Cut(f.Ref, "#")
	return base + "/file/" + ref + "?at=" + url.QueryEscape(place)
}

// fileKind is a content type in words.
func fileKind(t string) string {
	switch t {
	case "application/pdf":
		return "PDF"
	case "image/jpeg", "image/png", "image/tiff", "image/gif":
		return "image"
	case "application/rtf", "text/rtf", "application/msword":
		return "word processor document"
	case "", "text/xml", "application/xml":
		return ""
	}
	return t
}

// fileVerb is what a press does: a document in XML is read in the page.
func fileVerb(t string) string {
	if strings.HasSuffix(t, "/xml") {
		return "Read"
	}
	return "Open"
}

func allergyTone(s view.AllergyState) view.Tone {
	switch s {
	case view.AllergyRecorded:
		return view.Bad
	case view.AllergyNoneKnown:
		return view.Good
	}
	return view.Warn
}
