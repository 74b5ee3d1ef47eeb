package fhirpath

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"selda/internal/pattern"
)

// text is a function of a string and of strings and numbers.
func text(least, most int, f func(r *run, n *node, s string, args []Item) (Item, bool, error)) function {
	return on(least, most, func(r *run, n *node, v Item, args []Item) (Item, bool, error) {
		s, ok := v.letters()
		if !ok {
			return v, false, invalid(n.pos, n.text+"() is of strings only")
		}
		if err := r.bytes(len(s)); err != nil {
			return v, false, err
		}
		out, ok, err := f(r, n, s, args)
		if ok && err == nil && out.kind == StringKind {
			if len(out.string()) > maxText {
				return out, false, invalid(n.pos, "a computed string is too long")
			}
			err = r.bytes(len(out.string()))
		}
		return out, ok, err
	})
}

// about is a function of two strings that gives one value.
func about(f func(s, arg string) Item) function {
	return text(1, 1, func(_ *run, n *node, s string, args []Item) (Item, bool, error) {
		if args[0].kind != StringKind {
			return Item{}, false, invalid(n.pos, n.text+"() takes a string")
		}
		return f(s, args[0].string()), true, nil
	})
}

// mapped is a function of one string.
func mapped(f func(s string) Item) function {
	return text(0, 0, func(_ *run, _ *node, s string, _ []Item) (Item, bool, error) { return f(s), true, nil })
}

// manipulation is http://hl7.org/fhirpath/N1/#string-manipulation, and the
// functions on strings of later releases.
func manipulation() map[string]function {
	return map[string]function{
		"indexOf":     about(func(s, arg string) Item { return Integer(runesBefore(s, strings.Index(s, arg))) }),
		"lastIndexOf": about(func(s, arg string) Item { return Integer(runesBefore(s, strings.LastIndex(s, arg))) }),
		"startsWith":  about(func(s, arg string) Item { return Boolean(strings.HasPrefix(s, arg)) }),
		"endsWith":    about(func(s, arg string) Item { return Boolean(strings.HasSuffix(s, arg)) }),
		"contains":    about(func(s, arg string) Item { return Boolean(strings.Contains(s, arg)) }),
		"upper":       mapped(func(s string) Item { return String(strings.ToUpper(s)) }),
		"lower":       mapped(func(s string) Item { return String(strings.ToLower(s)) }),
		"length":      mapped(func(s string) Item { return Integer(int64(utf8.RuneCountInString(s))) }),
		"trim":        mapped(func(s string) Item { return String(strings.TrimSpace(s)) }),
		"substring":   text(1, 2, substring),
		"replace":     text(2, 2, replace),
		"matches":     matching(func(re *regexp.Regexp, s string, _ string) Item { return Boolean(re.MatchString(s)) }, 1, false),
		"matchesFull": matching(func(re *regexp.Regexp, s string, _ string) Item { return Boolean(re.MatchString(s)) }, 1, true),
		"replaceMatches": matching(func(re *regexp.Regexp, s string, by string) Item {
			if re.String() == flags {
				return String(s)
			}
			return String(re.ReplaceAllString(s, by))
		}, 2, false),
		"toChars": whole(func(r *run, n *node, lo int) error {
			return r.pieces(lo, n, func(s string) []string { return strings.Split(s, "") })
		}),
		"split": with(func(r *run, n *node, lo, mid int) error {
			arg, ok, err := r.single(mid, n.pos)
			r.items = r.items[:mid]
			if err != nil || !ok {
				r.items = r.items[:lo]
				return err
			}
			if arg.kind != StringKind {
				return invalid(n.pos, "split() takes a string")
			}
			return r.pieces(lo, n, func(s string) []string { return strings.Split(s, arg.string()) })
		}),
		"join": of(0, 1, join),
		"encode": coded(map[string]func(string) (string, bool){
			"base64":    func(s string) (string, bool) { return base64.StdEncoding.EncodeToString([]byte(s)), true },
			"urlbase64": func(s string) (string, bool) { return base64.URLEncoding.EncodeToString([]byte(s)), true },
			"hex":       func(s string) (string, bool) { return hex.EncodeToString([]byte(s)), true },
		}),
		"decode": coded(map[string]func(string) (string, bool){
			"base64":    func(s string) (string, bool) { b, err := base64.StdEncoding.DecodeString(s); return valid(b, err) },
			"urlbase64": func(s string) (string, bool) { b, err := base64.URLEncoding.DecodeString(s); return valid(b, err) },
			"hex":       func(s string) (string, bool) { b, err := hex.DecodeString(s); return valid(b, err) },
		}),
		"escape": coded(map[string]func(string) (string, bool){
			"html": func(s string) (string, bool) {
				return strings.ReplaceAll(html.EscapeString(s), "&#34;", "&quot;"), true
			},
			"json": func(s string) (string, bool) { return escapeJSON(s), true },
		}),
		"unescape": coded(map[string]func(string) (string, bool){
			"html": func(s string) (string, bool) { return html.UnescapeString(s), true },
			"json": unescapeJSON,
		}),
	}
}

func valid(b []byte, err error) (string, bool) { return string(b), err == nil && utf8.Valid(b) }

func runesBefore(s string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:at]))
}

// pieces puts the parts of the one string at lo in its place.
func (r *run) pieces(lo int, n *node, split func(string) []string) error {
	v, ok, err := r.single(lo, n.pos)
	r.items = r.items[:lo]
	if err != nil || !ok {
		return err
	}
	text, ok := v.letters()
	if !ok {
		return invalid(n.pos, n.text+"() is of strings only")
	}
	if err := r.bytes(len(text)); err != nil {
		return err
	}
	for _, s := range split(text) {
		r.push(String(s))
	}
	return r.step(len(r.items) - lo)
}

func join(r *run, n *node, lo int, args []eval) error {
	mid, between := len(r.items), ""
	if len(args) == 1 {
		if err := args[0](r); err != nil {
			return err
		}
		v, ok, err := r.single(mid, n.pos)
		if err != nil {
			return err
		}
		if ok && v.kind != StringKind {
			return invalid(n.pos, "join() takes a string")
		}
		if ok {
			between = v.string()
		}
		r.items = r.items[:mid]
	}
	var out strings.Builder
	for i := lo; i < mid; i++ {
		v, _ := r.items[i].value()
		s, ok := v.letters()
		if !ok {
			return invalid(n.pos, "join() is of strings only")
		}
		if i > lo {
			out.WriteString(between)
		}
		out.WriteString(s)
		if out.Len() > maxText {
			return invalid(n.pos, "a computed string is too long")
		}
	}
	if r.items = r.items[:lo]; mid == lo {
		return nil
	}
	return r.pushText(out.String(), n.pos)
}

// substring counts characters, not bytes.
func substring(_ *run, n *node, s string, args []Item) (Item, bool, error) {
	if args[0].kind != IntegerKind || args[1].kind != IntegerKind && args[1].kind != None {
		return Item{}, false, invalid(n.pos, "substring() takes whole numbers")
	}
	from, length := args[0].n, int64(len(s))
	if args[1].kind == IntegerKind {
		length = args[1].n
	}
	if from < 0 {
		return Item{}, false, nil
	}
	start, end, at := -1, len(s), int64(0)
	for i := range s {
		if at == from {
			start = i
		}
		if start >= 0 && at-from >= length {
			end = i
			break
		}
		at++
	}
	if start < 0 {
		return Item{}, false, nil
	}
	if length <= 0 {
		end = start
	}
	return String(s[start:end]), true, nil
}

func replace(_ *run, n *node, s string, args []Item) (Item, bool, error) {
	if args[0].kind != StringKind || args[1].kind != StringKind {
		return Item{}, false, invalid(n.pos, "replace() takes strings")
	}
	old, by := args[0].string(), args[1].string()
	if count := strings.Count(s, old); len(s)+count*max(0, len(by)-len(old)) > maxText {
		return Item{}, false, invalid(n.pos, "a computed string is too long")
	}
	return String(strings.ReplaceAll(s, old, by)), true, nil
}

// flags make . match the end of a line, too.
// https://build.fhir.org/ig/HL7/FHIRPath/#matchesregex--string--boolean
const flags = "(?s)"

// matching is a function of a regular expression, which is compiled once where it
// is a literal.
func matching(f func(re *regexp.Regexp, s, by string) Item, args int, full bool) function {
	compiled := func(s string) (re *regexp.Regexp, size int, ok bool) {
		if full {
			s = "^(?:" + s + ")$"
		}
		return pattern.Compile(flags + s)
	}
	return function{args, args, func(c *compiler, n *node) (eval, error) {
		var fixed *regexp.Regexp
		fixedSize := 0
		if a := n.args[0]; a.op == opLiteral && a.value.kind == StringKind {
			var ok bool
			if fixed, fixedSize, ok = compiled(a.value.string()); !ok {
				return nil, syntax(a.pos, noPattern)
			}
		}
		return text(args, args, func(r *run, n *node, s string, args []Item) (Item, bool, error) {
			if args[0].kind != StringKind || args[1].kind != StringKind && args[1].kind != None {
				return Item{}, false, invalid(n.pos, n.text+"() takes strings")
			}
			re, size, by := fixed, fixedSize, ""
			if re == nil {
				ok := true
				if err := r.bytes(256 * len(args[0].string())); err != nil { // it is compiled each time
					return Item{}, false, err
				}
				if re, size, ok = compiled(args[0].string()); !ok {
					return Item{}, false, invalid(n.pos, noPattern)
				}
				if err := r.bytes(64 * size); err != nil {
					return Item{}, false, err
				}
			}
			// A search takes at most as long as its text and its program together make.
			if err := r.bytes(len(s) * (1 + size/16)); err != nil {
				return Item{}, false, err
			}
			if args[1].kind == StringKind {
				by = groups.ReplaceAllString(args[1].string(), "$${$1}")
				if len(s) > 0 && len(by) > maxText/(len(s)+1) {
					return Item{}, false, invalid(n.pos, "a computed string is too long")
				}
			}
			return f(re, s, by), true, nil
		}).compile(c, n)
	}}
}

const noPattern = "not a regular expression that can be used here, or one that is too large"

// groups are $1 and ${name} in what replaces a match.
var groups = regexp.MustCompile(`\$\{?([A-Za-z0-9_]+)\}?`)

// coded is a function whose one argument names a format.
func coded(formats map[string]func(string) (string, bool)) function {
	return text(1, 1, func(_ *run, n *node, s string, args []Item) (Item, bool, error) {
		if args[0].kind != StringKind {
			return Item{}, false, invalid(n.pos, n.text+"() takes a string")
		}
		f := formats[args[0].string()]
		if f == nil {
			return Item{}, false, nil
		}
		out, ok := f(s)
		return String(out), ok, nil
	})
}

func escapeJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
}

func unescapeJSON(s string) (string, bool) {
	var out string
	if json.Unmarshal([]byte(`"`+s+`"`), &out) == nil {
		return out, true
	}
	// Text that holds bare quotes has nothing of JSON's escapes to lose.
	err := json.Unmarshal([]byte(`"`+strings.ReplaceAll(strings.ReplaceAll(s, `\"`, `"`), `"`, `\"`)+`"`), &out)
	return out, err == nil
}
