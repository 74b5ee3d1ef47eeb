// Package optout is the national data opt-out and the Type 1 objection (G3): the
// files by which opt-outs are checked, the list of who has opted out and how long
// it may be used, what practices have recorded, and to which releases of data
// they apply. It is pure, and nothing of it is asked where somebody is cared for:
// opt-outs do not apply to individual care.
//
// The national service is sent NHS numbers and gives back those that may be
// used: who is missing has opted out. What it says may not be put into anybody's
// record, and may be kept for a short time only; past it a release is refused.
// Sources: NHS England, Check for National Data Opt-outs service, and the national
// data opt-out's operational policy.
package optout

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"selda/fault"
	"selda/nhs"
)

// Lasts is how long what the national service said may be used: the policy
// allows a temporary cache that is refreshed, and this is SELDA's limit for it.
const Lasts = 7 * 24 * time.Hour

// Register is who has opted out, as the national service said at a time. The
// zero Register knows nothing, and clears nobody.
type Register struct {
	At       time.Time
	optedOut numbers
	checked  numbers // who was asked about; nil where the list is of everybody who has opted out
	whole    bool
}

// numbers are NHS numbers in order.
type numbers []uint64

func (n numbers) has(x uint64) bool { _, ok := slices.BinarySearch(n, x); return ok }

func ordered(list []nhs.Number) (out numbers) {
	for _, n := range list {
		if x, err := strconv.ParseUint(n.Digits(), 10, 64); err == nil {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// OptedOut is the register of a list of everybody who has opted out.
func OptedOut(list []nhs.Number, at time.Time) *Register {
	return &Register{At: at, optedOut: ordered(list), whole: true}
}

// Checked is the register of what was sent to the national service and what
// came back: who did not come back has opted out. Nobody else is known of.
func Checked(sent, back []nhs.Number, at time.Time) (*Register, error) {
	r := &Register{At: at, checked: ordered(sent)}
	cleared := ordered(back)
	for _, n := range cleared {
		if !r.checked.has(n) {
			return nil, fault.E("optout.Checked", fault.Value, "the reply has a number that was not asked about: it is the reply to another file")
		}
	}
	for _, n := range r.checked {
		if !cleared.has(n) {
			r.optedOut = append(r.optedOut, n)
		}
	}
	return r, nil
}

// Counts are how many have opted out, and of how many it was asked; 0 where it
// was not asked of anybody by name.
func (r *Register) Counts() (optedOut, checked int) { return len(r.optedOut), len(r.checked) }

// Until is when it may be used no more.
func (r *Register) Until() time.Time { return r.At.Add(Lasts) }

// Usable says, in words, why a register may not be used at a time; nil where it may.
func (r *Register) Usable(now time.Time) error {
	const op = "optout.Usable"
	switch {
	case r == nil || r.At.IsZero():
		return fault.E(op, fault.NotFound, "no national data opt-outs were loaded: `selda optout load FILE` loads them")
	case now.Before(r.At):
		return fault.E(op, fault.BusinessRule, "the national data opt-outs are of a time to come: load them again")
	case !now.Before(r.Until()):
		return fault.E(op, fault.Expired, "the national data opt-outs are older than "+strconv.Itoa(int(Lasts/(24*time.Hour)))+" days and may not be used any more: check them again, and `selda optout load FILE`")
	}
	return nil
}

// Clears says whether somebody may be in a release to which the national data
// opt-out applies. Who has no NHS number, or was not asked about, is not cleared:
// it can't be told whether they have opted out.
func (r *Register) Clears(n nhs.Number) bool {
	x, err := strconv.ParseUint(n.Digits(), 10, 64)
	if r == nil || r.At.IsZero() || err != nil {
		return false
	}
	return !r.optedOut.has(x) && (r.whole || r.checked.has(x))
}

// stored is a register as a document.
type stored struct {
	At       time.Time `json:"at"`
	Whole    bool      `json:"whole"`
	OptedOut string    `json:"optedOut"`
	Checked  string    `json:"checked,omitempty"`
}

// Marshal is the register as a document. The numbers are packed, not hidden.
func (r *Register) Marshal() ([]byte, error) {
	return json.Marshal(stored{r.At, r.whole, pack(r.optedOut), pack(r.checked)})
}

// Unmarshal reads a document.
func Unmarshal(b []byte) (*Register, error) {
	const op = "optout.Unmarshal"
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fault.E(op, fault.Structure, "the document of the opt-outs can't be read")
	}
	r := &Register{At: s.At, whole: s.Whole}
	var err error
	if r.optedOut, err = unpack(s.OptedOut); err == nil {
		r.checked, err = unpack(s.Checked)
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	return r, nil
}

// pack writes each number as its distance from the one before.
func pack(n numbers) string {
	var b []byte
	last := uint64(0)
	for _, x := range n {
		b, last = binary.AppendUvarint(b, x-last), x
	}
	return base64.StdEncoding.EncodeToString(b)
}

func unpack(s string) (n numbers, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fault.E("optout.unpack", fault.Structure, "the document of the opt-outs can't be read")
	}
	last := uint64(0)
	for len(b) > 0 {
		d, size := binary.Uvarint(b)
		if size <= 0 {
			return nil, fault.E("optout.unpack", fault.Structure, "the document of the opt-outs ends too early")
		}
		b, last = b[size:], last+d
		n = append(n, last)
	}
	return n, nil
}
