// Command searchgen makes fhir/search/r4.tsv, the table of R4's search
// parameters, out of the standard's SearchParameters. It is run by hand when
// the definitions change, and never by the product:
//
//	go run ./internal/searchgen SearchParameter-*.json > fhir/search/r4.tsv
//
// Of CompartmentDefinitions it makes fhir/search/compartments.txt in the same
// way: compartment, type, and the parameters by which a resource is in it.
//
// A line of a parameter is: base, code, type, url, expression, targets, components; the last
// is "definition expression" of each, between bars of two. The definitions are
// those of https://hl7.org/fhir/R4/downloads.html (4.0.1, CC0).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

type parameter struct {
	ResourceType string `json:"resourceType"`
	Resource     []struct {
		Code  string   `json:"code"`
		Param []string `json:"param"`
	} `json:"resource"` // of a CompartmentDefinition
	ID         string   `json:"id"`
	URL        string   `json:"url"`
	Code       string   `json:"code"`
	Base       []string `json:"base"`
	Type       string   `json:"type"`
	Expression string   `json:"expression"`
	Target     []string `json:"target"`
	Component  []struct {
		Definition string `json:"definition"`
		Expression string `json:"expression"`
	} `json:"component"`
}

const standard = "http://hl7.org/fhir/SearchParameter/"

// anyResource is what the standard writes as a target of any type: too many to repeat.
const anyResource = 100

func main() {
	var lines []string
	for _, name := range os.Args[1:] {
		in, err := os.ReadFile(name)
		var p parameter
		if err == nil {
			err = json.Unmarshal(in, &p)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "searchgen:", name, err)
			os.Exit(1)
		}
		if p.ResourceType == "CompartmentDefinition" && !strings.HasPrefix(p.ID, "example") {
			for _, r := range p.Resource {
				if len(r.Param) > 0 {
					lines = append(lines, p.Code+" "+r.Code+" "+strings.Join(r.Param, " "))
				}
			}
		}
		if p.ResourceType != "SearchParameter" || p.Expression == "" || !strings.HasPrefix(p.URL, standard) || strings.HasPrefix(p.ID, "example") {
			continue // examples, and those without an expression, which are the server's own matter
		}
		lines = append(lines, p.lines()...)
	}
	slices.Sort(lines)
	w := bufio.NewWriter(os.Stdout)
	for _, l := range slices.Compact(lines) {
		fmt.Fprintln(w, l)
	}
	if w.Flush() != nil {
		os.Exit(1)
	}
}

// lines is one for each type that the parameter is of, with the part of its
// expression that is about that type.
func (p *parameter) lines() (out []string) {
	targets := strings.Join(p.Target, " ")
	if len(p.Target) > anyResource {
		targets = "*"
	}
	var components []string
	for _, c := range p.Component {
		components = append(components, c.Definition+" "+clean(c.Expression))
	}
	for _, base := range p.Base {
		out = append(out, strings.Join([]string{base, p.Code, p.Type, p.URL, about(base, clean(p.Expression), len(p.Base) > 1), targets, strings.Join(components, " || ")}, "\t"))
	}
	return out
}

// hasExtension is a function that one definition uses and no standard has.
var hasExtension = regexp.MustCompile(`hasExtension\('([^']*)'\)`)

// clean is an expression on one line. A type that the definitions write with a
// capital is FHIR's dateTime.
func clean(expression string) string {
	s := strings.ReplaceAll(strings.Join(strings.Fields(expression), " "), "as(DateTime)", "as(dateTime)")
	return hasExtension.ReplaceAllString(s, "extension('$1').exists()")
}

// about keeps the alternatives of an expression that begin with a type.
func about(base, expression string, many bool) string {
	if !many {
		return expression
	}
	var keep []string
	depth, start := 0, 0
	parts := []string{}
	for i, c := range expression {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			parts = append(parts, expression[start:i])
			start = i + 1
		}
	}
	for _, part := range append(parts, expression[start:]) {
		part = strings.TrimSpace(part)
		if rest := strings.TrimLeft(part, "("); strings.HasPrefix(rest, base+".") || rest == base {
			keep = append(keep, part)
		}
	}
	if len(keep) == 0 {
		return expression
	}
	return strings.Join(keep, " | ")
}
