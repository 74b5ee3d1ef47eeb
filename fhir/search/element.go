package search

import (
	"math"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// near tests a place by how far it is: latitude|longitude|distance|unit.
// https://hl7.org/fhir/R4/location.html#positional
func nearTest(value string) (test, error) {
	const op = "search.near"
	wrong := fault.E(op, fault.Value, "near is written as latitude|longitude|distance|units, with the units km, m, [mi_us] or mi; 51.5|-0.09|2|km")
	parts := strings.Split(value, "|")
	if len(parts) < 2 || len(parts) > 4 {
		return nil, wrong
	}
	lat, err1 := strconv.ParseFloat(parts[0], 64)
	long, err2 := strconv.ParseFloat(parts[1], 64)
	far := 5000.0
	if len(parts) > 2 && parts[2] != "" {
		d, err := strconv.ParseFloat(parts[2], 64)
		if err != nil || !(d >= 0) {
			return nil, wrong
		}
		unit := "km"
		if len(parts) == 4 {
			unit = parts[3]
		}
		metres, ok := map[string]float64{"": 1000, "km": 1000, "m": 1, "mi": 1609.344, "mi_us": 1609.347, "[mi_us]": 1609.347, "[mi_i]": 1609.344}[unit]
		if !ok {
			return nil, wrong
		}
		far = d * metres
	}
	if err1 != nil || err2 != nil || math.Abs(lat) > 90 || math.Abs(long) > 180 {
		return nil, wrong
	}
	return func(e element) bool {
		la, ok1 := e.node.Get("latitude").Number()
		lo, ok2 := e.node.Get("longitude").Number()
		return ok1 && ok2 && metres(lat, long, la, lo) <= far
	}, nil
}

// metres is the way between two places over a globe.
func metres(lat1, long1, lat2, long2 float64) float64 {
	const earth, rad = 6371008.8, math.Pi / 180
	dlat, dlong := (lat2-lat1)*rad/2, (long2-long1)*rad/2
	h := math.Sin(dlat)*math.Sin(dlat) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Sin(dlong)*math.Sin(dlong)
	return 2 * earth * math.Asin(math.Min(1, math.Sqrt(h)))
}

// hasWords says whether all words of a search stand in a text that walk gives
// piece by piece. https://hl7.org/fhir/R4/search.html#content
func hasWords(search string, walk func(func(string))) bool {
	words := strings.Fields(folded(search))
	if len(words) == 0 {
		return false
	}
	missing := len(words)
	found := make([]bool, len(words))
	walk(func(s string) {
		if missing == 0 || s == "" {
			return
		}
		text := folded(s)
		for i, w := range words {
			if !found[i] && begins(text, w, true) {
				found[i] = true
				missing--
			}
		}
	})
	return missing == 0
}

// content gives every string below a node.
func content(n fhir.Node, f func(string)) {
	switch {
	case n.IsString():
		f(n.Text())
	case n.IsObject():
		n.Each(func(_ string, c fhir.Node) { content(c, f) })
	case n.IsArray():
		for _, c := range n.List() {
			content(c, f)
		}
	}
}

// narrative gives the text of a resource's narrative, without its tags.
func narrative(res *fhir.Resource, f func(string)) {
	div := res.Get("text", "div").Text()
	for div != "" {
		open := strings.IndexByte(div, '<')
		if open < 0 {
			f(div)
			return
		}
		f(div[:open])
		shut := strings.IndexByte(div[open:], '>')
		if shut < 0 {
			return
		}
		div = div[open+shut+1:]
	}
}
