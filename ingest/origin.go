package ingest

import (
	"strings"

	"selda/ingest/mapped"
)

// EncodeOrigins writes an item's place and those of its elements as one line:
// "place|element=place;element=place". Places that begin with the item's own
// are shortened to "~".
func EncodeOrigins(place string, origins []mapped.Origin) string {
	var b strings.Builder
	b.WriteString(place)
	separator := byte('|')
	for _, o := range origins {
		if o.Element == "" {
			continue
		}
		b.WriteByte(separator)
		separator = ';'
		b.WriteString(o.Element)
		b.WriteByte('=')
		if rest, ok := strings.CutPrefix(o.Place, place); ok && place != "" {
			b.WriteByte('~')
			b.WriteString(rest)
		} else {
			b.WriteString(o.Place)
		}
	}
	return b.String()
}

// DecodeOrigins reads what EncodeOrigins wrote.
func DecodeOrigins(s string) (place string, origins []mapped.Origin) {
	place, rest, found := strings.Cut(s, "|")
	if !found {
		return place, nil
	}
	for part := range strings.SplitSeq(rest, ";") {
		element, at, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		if tail, own := strings.CutPrefix(at, "~"); own {
			at = place + tail
		}
		origins = append(origins, mapped.Origin{Element: element, Place: at})
	}
	return place, origins
}
