package optout

import (
	"bytes"
	"strconv"

	"selda/fault"
	"selda/nhs"
)

// MaxFile is how large a file may be: ten million numbers.
const MaxFile = 120 << 20

// Parse reads a file of the national service: one NHS number a line, with a
// comma and a line feed after it. A line that is something else refuses the
// file, as the service does; the fault names the line and never the number.
func Parse(file []byte) ([]nhs.Number, error) {
	const op = "optout.Parse"
	if len(file) > MaxFile {
		return nil, fault.E(op, fault.TooLong, "the file is too large: send it in parts")
	}
	out := make([]nhs.Number, 0, len(file)/12)
	for i := 1; len(file) > 0; i++ {
		line, rest, ended := bytes.Cut(file, []byte("\n"))
		place := "line " + strconv.Itoa(i)
		if !ended {
			return nil, fault.E(op, fault.Structure, "the last line has no line feed: the file may have been cut off", place)
		}
		number, ok := bytes.CutSuffix(line, []byte(","))
		if !ok {
			return nil, fault.E(op, fault.Structure, "a line is an NHS number and a comma, and ends with a line feed alone", place)
		}
		if len(number) != 10 {
			return nil, fault.E(op, fault.Value, "an NHS number is ten digits without spaces", place)
		}
		n, err := nhs.ParseNumber(string(number))
		if err != nil {
			return nil, fault.E(op, fault.Value, err.Error(), place)
		}
		out, file = append(out, n), rest
	}
	return out, nil
}

// Format writes a file of the national service.
func Format(list []nhs.Number) []byte {
	out := make([]byte, 0, 12*len(list))
	for _, n := range list {
		out = append(append(out, n.Digits()...), ',', '\n')
	}
	return out
}

// Filter is the file back without those whom a register does not clear, in its
// order, and how many it left out.
func (r *Register) Filter(file []byte) (back []byte, left int, err error) {
	list, err := Parse(file)
	if err != nil {
		return nil, 0, err
	}
	kept := list[:0:0]
	for _, n := range list {
		if r.Clears(n) {
			kept = append(kept, n)
		}
	}
	return Format(kept), len(list) - len(kept), nil
}
