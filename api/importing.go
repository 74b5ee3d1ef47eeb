package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"selda/bulk"
	"selda/fault"
	"selda/ingest"
	"selda/ingest/fhirtofhir"
	"selda/nhs"
)

// importing is an import that is carried out. Lines are handed in many to a
// message, several messages at a time; what became of them is told in order.
type importing struct {
	a      *API
	j      *bulk.Job
	source nhs.Source
	input  string // the URL of what is read
	at     importPlace
	kept   time.Time
	flight []flying
}

// importPlace is how far an import is: all before it is committed.
type importPlace struct {
	Input  int   `json:"input"` // beyond the last: what had to wait
	Offset int64 `json:"offset"`
	Line   int   `json:"line"`

	Lines, Stored, Unchanged, Refused, Waiting int
}

// flying is a part that was handed in.
type flying struct {
	receipt interface {
		Committed(context.Context) (ingest.Outcome, error)
	}
	body   []byte
	lines  []int // of the input, for each of the body
	offset int64 // where the next begins
	input  string
}

// How much one message holds, how many are handed in before the first is
// committed, and the longest line that is read.
const (
	importLines   = 500
	importBytes   = 512 << 10
	importAhead   = 12
	maxImportLine = 16 << 20
)

// counts are the numbers of the manifest.
func (p *importPlace) counts() map[string]int {
	return map[string]int{"lines": p.Lines, "stored": p.Stored, "unchanged": p.Unchanged, "refused": p.Refused}
}

// The part of a job's files that holds lines which are about somebody who was
// not there yet: they are tried once more when all is read.
const (
	partWaiting = "waiting"
	waitingType = "Line"
)

// run imports some inputs; open opens one of them from a byte on.
func (x *importing) run(ctx context.Context, open func(ctx context.Context, i int, from int64) (io.ReadCloser, error), inputs int) error {
	x.kept = time.Now()
	for ; x.at.Input < inputs; x.at.Input, x.at.Offset, x.at.Line = x.at.Input+1, 0, 0 {
		in, err := open(ctx, x.at.Input, x.at.Offset)
		if err != nil {
			return err
		}
		err = errors.Join(x.read(ctx, in), in.Close())
		if err = errors.Join(err, x.settle(ctx, 0)); err != nil {
			return err
		}
	}
	if x.at.Waiting > 0 {
		if err := x.waited(ctx); err != nil {
			return err
		}
	}
	return x.keep()
}

// read hands in the lines of an input.
func (x *importing) read(ctx context.Context, in io.Reader) error {
	r := bufio.NewReaderSize(in, 256<<10)
	p := flying{offset: x.at.Offset, input: x.input}
	for line := x.at.Line + 1; ; line++ {
		b, n, err := readLine(r)
		p.offset += n
		if n == 0 && errors.Is(err, io.EOF) {
			return x.hand(ctx, p)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			if !fault.Is(err, fault.TooLong) {
				return err
			}
			b = nil
			x.at.Lines++
			if err := x.refuse(p.input, line, err); err != nil {
				return err
			}
		}
		p.body, p.lines = append(append(p.body, bytes.TrimRight(b, "\r\n")...), '\n'), append(p.lines, line)
		if len(p.lines) >= importLines || len(p.body) >= importBytes {
			if err := x.hand(ctx, p); err != nil {
				return err
			}
			p.body, p.lines = make([]byte, 0, importBytes+64<<10), make([]int, 0, importLines)
		}
	}
}

// readLine reads a line with its end, and says how many bytes that were. One
// that is too long is read over.
func readLine(r *bufio.Reader) (line []byte, n int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		n += int64(len(part))
		if n <= maxImportLine {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, n, fault.E("api.import", fault.Structure, "what was sent was cut off")
		}
		if n > maxImportLine {
			return nil, n, fault.E("api.import", fault.TooLong, "a line is longer than 16 MiB")
		}
		return line, n, err
	}
}

// hand gives a part to ingest, and takes what became of earlier ones.
func (x *importing) hand(ctx context.Context, p flying) error {
	if len(p.lines) == 0 {
		return nil
	}
	r, err := x.a.Ingest.Submit(ctx, &ingest.Raw{Source: x.source, Format: ingest.FHIR, Door: "fhir", Call: fhirtofhir.ImportCall, Body: p.body})
	if err != nil {
		return err
	}
	p.receipt = r
	x.flight = append(x.flight, p)
	return x.settle(ctx, importAhead)
}

// settle takes what became of parts, until no more than some are in flight.
func (x *importing) settle(ctx context.Context, most int) error {
	for len(x.flight) > most {
		p := x.flight[0]
		x.flight = x.flight[1:]
		out, err := p.receipt.Committed(ctx)
		if err != nil {
			return err
		}
		if err := x.told(&p, out); err != nil {
			return err
		}
		x.at.Offset, x.at.Line = p.offset, p.lines[len(p.lines)-1]
		if time.Since(x.kept) > exportKeeps && x.input != waitingType {
			if err := x.keep(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *importing) keep() error {
	x.kept = time.Now()
	return x.j.Checkpoint(x.at, x.at.counts())
}

// told counts what became of a part, and writes down what was refused.
func (x *importing) told(p *flying, out ingest.Outcome) error {
	if out.Err != nil { // all of it, by a fault of ours
		return out.Err
	}
	for _, i := range out.Items {
		if i.Same {
			x.at.Unchanged++
		} else {
			x.at.Stored++
		}
	}
	x.at.Lines += len(out.Items)
	x.j.Tell(x.at.Stored + x.at.Unchanged)
	var lines [][]byte
	for _, r := range out.Refused {
		n, ok := placeNumber(r.Place, "line[")
		if !ok || n < 1 || n > len(p.lines) {
			return fault.E("api.import", "a line was refused that was not sent")
		}
		if r.Absent && x.input != waitingType {
			if lines == nil {
				lines = bytes.Split(p.body, []byte("\n"))
			}
			x.at.Waiting++
			if err := x.j.Line(partWaiting, waitingType, waiting(p, n, lines[n-1])); err != nil {
				return err
			}
			continue
		}
		x.at.Lines++
		if err := x.refuse(p.input, p.lines[n-1], r.Err); err != nil {
			return err
		}
	}
	return nil
}

func (x *importing) refuse(input string, line int, err error) error {
	x.at.Refused++
	return x.j.Line(partError, "OperationOutcome", lineOutcome(input, line, err))
}

// waiting is a line with its number and input before it.
func waiting(p *flying, n int, line []byte) []byte {
	return append([]byte(strconv.Itoa(p.lines[n-1])+"\t"+p.input+"\t"), line...)
}

// waited tries those lines again that were about somebody who has come since.
func (x *importing) waited(ctx context.Context) error {
	if err := x.keep(); err != nil {
		return err
	}
	in, err := x.j.Own(partWaiting, waitingType)
	if err != nil || in == nil {
		return err
	}
	x.input = waitingType
	r := bufio.NewReaderSize(in, 256<<10)
	var p flying
	for {
		b, n, err := readLine(r)
		if n == 0 && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		number, rest, _ := strings.Cut(string(b), "\t")
		input, line, _ := strings.Cut(rest, "\t")
		if input != p.input || len(p.lines) >= importLines || len(p.body) >= importBytes {
			if err := x.hand(ctx, p); err != nil {
				return err
			}
			p = flying{input: input}
		}
		k, _ := strconv.Atoi(number)
		p.body, p.lines = append(append(p.body, strings.TrimRight(line, "\n")...), '\n'), append(p.lines, k)
	}
	return errors.Join(x.hand(ctx, p), x.settle(ctx, 0))
}

// placeNumber is the number in a place such as line[17].
func placeNumber(place, prefix string) (int, bool) {
	s, ok := strings.CutPrefix(place, prefix)
	if !ok {
		return 0, false
	}
	s, _, _ = strings.Cut(s, "]")
	n, err := strconv.Atoi(s)
	return n, err == nil
}
