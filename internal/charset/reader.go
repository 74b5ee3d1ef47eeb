package charset

import (
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"selda/fault"
)

// Reader gives what r has, which is in the character set of that name, as
// UTF-8: for files that are too large to be held. It is the CharsetReader of an
// xml.Decoder.
func Reader(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return r, nil
	case "iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	case "iso-8859-15", "latin9":
		return charmap.ISO8859_15.NewDecoder().Reader(r), nil
	}
	return nil, fault.E("charset.Reader", fault.NotSupported, "the character set "+name+" is not known")
}
