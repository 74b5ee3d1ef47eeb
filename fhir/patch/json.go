package patch

import (
	"strconv"
	"strings"

	"selda/fault"
)

// JSON is a JSON Patch. https://www.rfc-editor.org/rfc/rfc6902
type JSON struct{ ops []operation }

type operation struct {
	op, place string
	path      []string
	from      []string
	value     *value
}

// Bounds of a patch: its operations, and the bytes that it copies or that its
// operations go through one after another. Copies of copies double.
const (
	most     = 1000
	mostWork = 64 << 20
)

var tooCostly = fault.E("patch.Apply", fault.TooCostly, "the patch does too much work on this resource: send it in parts, or update the resource whole")

// ParseJSON reads a JSON Patch. Errors are of kind Structure where it is no
// JSON, Invalid where it is no patch; their place is that of the operation.
func ParseJSON(in []byte) (*JSON, error) {
	const op = "patch.ParseJSON"
	doc, err := parse(in)
	if err != nil {
		return nil, err
	}
	if doc.kind != '[' {
		return nil, fault.E(op, fault.Invalid, "a JSON Patch is a list of operations")
	}
	if len(doc.values) > most {
		return nil, fault.E(op, fault.TooLong, "a patch has at most 1000 operations")
	}
	p := &JSON{}
	for i, v := range doc.values {
		o := operation{op: text(v.get("op")), place: "[" + strconv.Itoa(i) + "]", value: v.get("value")}
		switch o.op {
		case "add", "replace", "test":
			if o.value == nil {
				return nil, fault.E(op, fault.Required, "the operation has no value", o.place+".value")
			}
		case "remove":
		case "move", "copy":
			if o.from, err = pointer(v.get("from"), o.place+".from"); err != nil {
				return nil, err
			}
		default:
			return nil, fault.E(op, fault.Invalid, "an operation is add, remove, replace, move, copy or test", o.place+".op")
		}
		if o.path, err = pointer(v.get("path"), o.place+".path"); err != nil {
			return nil, err
		}
		p.ops = append(p.ops, o)
	}
	return p, nil
}

// text is a value that is a string.
func text(v *value) string {
	if v == nil || len(v.raw) == 0 || v.raw[0] != '"' {
		return ""
	}
	s, err := unquote(v.raw)
	if err != nil {
		return ""
	}
	return s
}

// pointer reads a JSON pointer. https://www.rfc-editor.org/rfc/rfc6901
func pointer(v *value, place string) ([]string, error) {
	if v == nil || len(v.raw) == 0 || v.raw[0] != '"' {
		return nil, fault.E("patch.pointer", fault.Required, "the operation says no place, as in /name/0/family", place)
	}
	s := text(v)
	if s == "" {
		return []string{}, nil
	}
	if s[0] != '/' {
		return nil, fault.E("patch.pointer", fault.Invalid, "a place begins with a slash, as in /name/0/family", place)
	}
	steps := strings.Split(s[1:], "/")
	for i := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(steps[i], "~1", "/"), "~0", "~")
	}
	return steps, nil
}

// Apply gives the document as the patch leaves it. An operation that can't be
// done is an error of kind BusinessRule, and a test that fails one of Conflict.
func (p *JSON) Apply(compact []byte) ([]byte, error) {
	root, err := parse(compact)
	if err != nil {
		return nil, err
	}
	left := mostWork
	for i := range p.ops {
		if root, err = p.ops[i].apply(root, &left); err != nil {
			return nil, err
		}
	}
	return root.bytes(), nil
}

func (o *operation) wrong(words string) error {
	return fault.E("patch.Apply", fault.BusinessRule, words, o.place+".path")
}

func (o *operation) apply(root *value, left *int) (*value, error) {
	switch o.op {
	case "add":
		return o.add(root, o.path, o.value.clone())
	case "remove":
		root, _, err := o.take(root, o.path)
		return root, err
	case "replace":
		if len(o.path) == 0 {
			return o.value.clone(), nil
		}
		parent, i, err := o.find(root, o.path)
		if err != nil {
			return nil, err
		}
		parent.values[i] = o.value.clone()
	case "move":
		if len(o.path) > len(o.from) && strings.Join(o.path[:len(o.from)], "\x00") == strings.Join(o.from, "\x00") {
			return nil, o.wrong("a value can't be moved into itself")
		}
		root, v, err := o.take(root, o.from)
		if err != nil {
			return nil, err
		}
		return o.add(root, o.path, v)
	case "copy":
		from := root
		if len(o.from) > 0 {
			parent, i, err := o.find(root, o.from)
			if err != nil {
				return nil, err
			}
			from = parent.values[i]
		}
		if *left -= from.size(); *left < 0 {
			return nil, tooCostly
		}
		return o.add(root, o.path, from.clone())
	case "test":
		have := root
		if len(o.path) > 0 {
			parent, i, err := o.find(root, o.path)
			if err != nil {
				return nil, err
			}
			have = parent.values[i]
		}
		if !have.equal(o.value) {
			return nil, fault.E("patch.Apply", fault.Conflict, "the test fails: another value is there", o.place+".value")
		}
	}
	return root, nil
}

// find gives the object or list that a place is in, and where in it.
func (o *operation) find(root *value, path []string) (*value, int, error) {
	parent, err := o.walk(root, path[:len(path)-1])
	if err != nil {
		return nil, 0, err
	}
	i, err := o.index(parent, path[len(path)-1], len(parent.values)-1)
	return parent, i, err
}

func (o *operation) walk(at *value, path []string) (*value, error) {
	for _, step := range path {
		i, err := o.index(at, step, len(at.values)-1)
		if err != nil {
			return nil, err
		}
		at = at.values[i]
	}
	return at, nil
}

// index is where a step leads: to a member, or to an element up to last.
func (o *operation) index(at *value, step string, last int) (int, error) {
	switch at.kind {
	case '{':
		if i := at.member(step); i >= 0 {
			return i, nil
		}
	case '[':
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || step != strconv.Itoa(i) {
			return 0, o.wrong("a place in a list is a number")
		}
		if i <= last {
			return i, nil
		}
	}
	return 0, o.wrong("there is nothing at this place")
}

func (o *operation) add(root *value, path []string, v *value) (*value, error) {
	if len(path) == 0 {
		return v, nil
	}
	parent, err := o.walk(root, path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	switch last := path[len(path)-1]; parent.kind {
	case '{':
		parent.set(last, v)
	case '[':
		i := len(parent.values)
		if last != "-" {
			if i, err = o.index(parent, last, len(parent.values)); err != nil {
				return nil, err
			}
		}
		parent.insert(i, v)
	default:
		return nil, o.wrong("nothing can be added here: it has no parts")
	}
	return root, nil
}

func (o *operation) take(root *value, path []string) (*value, *value, error) {
	if len(path) == 0 {
		return nil, nil, o.wrong("the whole document can't be taken away")
	}
	parent, i, err := o.find(root, path)
	if err != nil {
		return nil, nil, err
	}
	return root, parent.remove(i), nil
}
