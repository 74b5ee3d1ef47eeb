package population

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
)

// Dimension is by what people are counted.
type Dimension string

// Dimensions.
const (
	ByKind   Dimension = "kind"
	ByCode   Dimension = "code"
	BySex    Dimension = "sex"
	ByAge    Dimension = "age"
	ByYear   Dimension = "year"
	BySource Dimension = "source"
)

// Dimensions are all of them.
var Dimensions = []Dimension{ByKind, ByCode, BySex, ByAge, ByYear, BySource}

// ParseDimensions reads a list with commas between.
func ParseDimensions(list string) ([]Dimension, error) {
	var out []Dimension
	for word := range strings.SplitSeq(list, ",") {
		d := Dimension(strings.TrimSpace(word))
		if d == "" {
			continue
		}
		if !slices.Contains(Dimensions, d) {
			return nil, fault.E("population.ParseDimensions", fault.Value, "people are counted by kind, code, sex, age, year and source, not by "+string(d))
		}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fault.E("population.ParseDimensions", fault.Value, "say by what people are counted: kind, code, sex, age, year, source")
	}
	if len(out) > mostDimensions {
		return nil, fault.E("population.ParseDimensions", fault.Value, "people are counted by three things at most: more would tell of few")
	}
	return out, nil
}

const mostDimensions = 3

// Counts are counts of people.
type Counts struct {
	By    []Dimension
	Cells []Cell
}

// Cell is how many people there are of something: a multiple of Round, and
// Suppressed where they are fewer than Least.
type Cell struct {
	Of         []string // a value of each dimension
	People     int
	Suppressed bool
}

// CSV writes them with a heading; what is suppressed is a *. A code that a
// spreadsheet would take for a formula has an apostrophe before it.
func (c *Counts) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := make([]string, 0, len(c.By)+1)
	for _, d := range c.By {
		head = append(head, string(d))
	}
	_ = out.Write(append(head, "people"))
	for _, cell := range c.Cells {
		row := make([]string, 0, len(cell.Of)+1)
		for _, v := range cell.Of {
			if v != "" && strings.ContainsRune("=+-@\t\r\n", rune(v[0])) {
				v = "'" + v
			}
			row = append(row, v)
		}
		_ = out.Write(append(row, cell.Says()))
	}
	out.Flush()
	return out.Error()
}

// Told is a number of people as it may be told: rounded, and a * for fewer than Least.
func Told(n int) string {
	if n > 0 && n < Least {
		return "*"
	}
	return strconv.Itoa((n + Round/2) / Round * Round)
}

// Says is the count as it is told.
func (c *Cell) Says() string {
	if c.Suppressed {
		return "*"
	}
	return strconv.Itoa(c.People)
}

// counter counts people, each once in a cell.
type counter struct {
	by   []Dimension
	seen map[string]int
}

func newCounts(by []Dimension) *counter { return &counter{by: by, seen: map[string]int{}} }

const between = "\x1f"

// add counts one person in all cells that their rows are of.
func (c *counter) add(person Row, rows []Row) {
	cells := map[string]bool{}
	for _, r := range rows {
		cells[c.key(person, r)] = true
	}
	for k := range cells {
		c.seen[k]++
	}
}

func (c *counter) key(p, r Row) string {
	of := make([]string, len(c.by))
	for i, d := range c.by {
		switch d {
		case ByKind:
			of[i] = r.Kind
		case ByCode:
			of[i] = r.Code
			if r.System != "" {
				of[i] = r.System + "|" + r.Code
			}
		case BySex:
			of[i] = p.Sex
		case ByAge:
			of[i] = p.Age
		case ByYear:
			of[i], _, _ = strings.Cut(r.Month, "-")
		case BySource:
			of[i] = string(r.Source)
		}
		of[i] = cmp.Or(of[i], "unknown")
	}
	return strings.Join(of, between)
}

// counts are the cells, those of few people suppressed.
func (c *counter) counts() (out *Counts, suppressed int) {
	out = &Counts{By: c.by}
	for k, n := range c.seen {
		cell := Cell{Of: strings.Split(k, between), People: (n + Round/2) / Round * Round}
		if n < Least {
			cell.People, cell.Suppressed = 0, true
			suppressed++
		}
		out.Cells = append(out.Cells, cell)
	}
	slices.SortFunc(out.Cells, func(a, b Cell) int { return slices.Compare(a.Of, b.Of) })
	return out, suppressed
}
