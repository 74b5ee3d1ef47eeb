package region

import (
	"encoding/json"
	"strconv"
	"strings"

	"selda/fault"
	"selda/ingest"
	"selda/ingest/csvtofhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// suddenly is how much may be gone from a full extract at once, whatever its
// share of the whole.
const suddenly = 20

// gone are messages that take back what a full extract held last time and does
// not hold now. An empty extract, and one from which more than half is gone, is
// more likely a fault of its source than so many deaths and removals: it is
// refused, unless a person has said that it is so.
func (x *mapper) gone(m *csvtofhir.Mapping, r *csvtofhir.Reader, source nhs.Source, takeBack bool) ([]*mapped.Message, error) {
	const op = "region.gone"
	if !m.Full || x.documents == nil {
		return nil, nil
	}
	before, err := x.lastKeys(m, source)
	if err != nil {
		return nil, err
	}
	gone, err := r.Vanished(before)
	if fault.Is(err, fault.Conflict) {
		return nil, nil // not every row could be read: the next whole extract tells
	}
	if err != nil {
		return nil, err
	}
	if empty := r.Totals().Rows == 0; !takeBack && (empty && len(gone) > 0 || len(gone) > suddenly && 2*len(gone) > len(before)) {
		return nil, fault.E(op, fault.Conflict, strconv.Itoa(len(gone))+" of "+strconv.Itoa(len(before))+
			" entries of the last extract are not in this one, and would be taken back: load it with `selda ingest --take-back` if they are really gone")
	}
	return gone, nil
}

func (x *mapper) lastKeys(m *csvtofhir.Mapping, source nhs.Source) (keys []csvtofhir.Key, err error) {
	name := keysName(m, source)
	b, version, err := x.documents.Load(name)
	if err != nil || version == 0 {
		return nil, err
	}
	if err := json.Unmarshal(b, &keys); err != nil {
		return nil, fault.E("region.lastKeys", fault.Invalid, "what is kept of the last extract does not hold: "+name)
	}
	return keys, nil
}

// keysName is the document that keeps the keys of a source's last extract.
func keysName(m *csvtofhir.Mapping, source nhs.Source) string {
	return "extracts/" + strings.Replace(string(source), ":", "_", 1) + "/" + m.Name + ".keys"
}

// vanish takes back what is gone, and keeps what the extract holds for the next.
func (l *load) vanish(m *csvtofhir.Mapping, r *csvtofhir.Reader, gone []*mapped.Message) error {
	if !m.Full {
		return nil
	}
	for _, msg := range gone {
		body, err := json.Marshal(msg)
		if err != nil {
			return err
		}
		if err := l.submit(&ingest.Raw{Source: l.files.Source, Format: ingest.CSV, Door: "file", Mapping: vanished, Body: body}); err != nil {
			return err
		}
	}
	if r.Partial() {
		return nil // the keys of what could not be read are not known
	}
	return saveJSON(l.r.documents, keysName(m, l.files.Source), r.Keys())
}
