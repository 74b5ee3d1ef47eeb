package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"selda/fault"
)

// Which format an answer has, and how a body came.
// https://hl7.org/fhir/R4/http.html#mime-type

// negotiate finds the format of the answer: by _format, which overrides Accept.
// What a Binary holds is of any type.
func (q *request) negotiate() error {
	if f := q.query().Get("_format"); f != "" {
		if q.xml = strings.Contains(f, "xml"); q.xml || strings.Contains(f, "json") {
			return nil
		}
		return q.unacceptable("_format")
	}
	switch a := q.r.Header.Get("Accept"); {
	case a == "" || a == "*/*" || a == "application/fhir+json" || a == "application/json":
		return nil
	default:
		xml, ok := preferred(a)
		if q.xml = xml; ok || len(q.path) > 1 && q.path[0] == "Binary" {
			return nil
		}
		return q.unacceptable("Accept")
	}
}

func (q *request) unacceptable(place string) error {
	q.status = http.StatusNotAcceptable
	return fault.E("api.format", fault.NotSupported, "the formats are application/fhir+json and application/fhir+xml, of FHIR 4.0", place)
}

// preferred is the format that an Accept header would rather have: XML or JSON;
// not ok where it has neither. A browser, which asks for HTML, gets JSON.
// https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
func preferred(accept string) (xml, ok bool) {
	best := 0.0
	for _, one := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		q := 1.0
		if v, weighed := params["q"]; weighed {
			q, _ = strconv.ParseFloat(v, 64)
		}
		isXML := strings.HasSuffix(kind, "xml")
		is := isXML || strings.HasSuffix(kind, "json") || kind == "text/html" || kind == "*/*" || kind == "application/*"
		if is = is && ofVersion(params); is && q > best {
			best, xml, ok = q, isXML, true
		}
	}
	return xml, ok
}

// ofVersion says whether a media type is of the version of FHIR that is spoken here.
// https://hl7.org/fhir/R4/http.html#version-parameter
func ofVersion(params map[string]string) bool {
	v, said := params["fhirversion"]
	return !said || v == "4.0" || strings.HasPrefix(v, "4.0.")
}

// unsupported says whether a body is of a media type that is no FHIR. A form is
// what some programs say where nobody told them what it is: the body tells.
func unsupported(r *http.Request) bool {
	header := r.Header.Get("Content-Type")
	switch header {
	case "", "application/fhir+json", "application/json", "application/x-www-form-urlencoded":
		return false
	}
	kind, params, err := mime.ParseMediaType(header)
	return err != nil || !ofVersion(params) || !strings.HasSuffix(kind, "json") && !strings.HasSuffix(kind, "xml")
}

// unpack undoes the Content-Encoding of a body. How much comes out is bounded
// where it is read. https://hl7.org/fhir/R4/http.html#compression
func (q *request) unpack() error {
	switch strings.ToLower(strings.TrimSpace(q.r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
	default:
		q.w.Header().Set("Accept-Encoding", "gzip") // RFC 7694
		q.status = http.StatusUnsupportedMediaType
		return fault.E("api.body", fault.NotSupported, "a body comes as it is, or packed by gzip", "Content-Encoding")
	}
	z, err := gzip.NewReader(q.r.Body)
	if err != nil {
		return fault.E("api.body", fault.Structure, "the body is not packed by gzip, as Content-Encoding says", "Content-Encoding")
	}
	q.r.Body = struct {
		io.Reader
		io.Closer
	}{z, q.r.Body}
	return nil
}

// broken is the fault of a body that could not be read to its end.
func broken(err error, most string) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return fault.E("api.body", fault.TooLong, "the body is larger than "+most)
	}
	return fault.E("api.body", fault.Structure, "the body was cut off, or is damaged")
}
