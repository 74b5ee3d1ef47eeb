package oracle

import "strings"

// read reads the part of YAML in which agreements are written: mappings and
// sequences by indentation, [lists] and {mappings} in one line, quotes, comments.
func read(text string) map[string]any {
	var lines []line
	for raw := range strings.Lines(text) {
		raw = strings.TrimRight(uncomment(raw), " \r\n")
		if rest := strings.TrimLeft(raw, " "); rest != "" {
			lines = append(lines, line{len(raw) - len(rest), rest})
		}
	}
	v, _ := block(lines)
	m, _ := v.(map[string]any)
	return m
}

type line struct {
	indent int
	text   string
}

// uncomment takes away a comment: a # at the beginning or after a space.
func uncomment(s string) string {
	quoted := false
	for i, c := range s {
		if c == '"' {
			quoted = !quoted
		}
		if c == '#' && !quoted && (i == 0 || s[i-1] == ' ') {
			return s[:i]
		}
	}
	return s
}

// block reads what has the indentation of the first line, and gives what is left.
func block(lines []line) (any, []line) {
	if len(lines) == 0 {
		return nil, nil
	}
	indent := lines[0].indent
	if strings.HasPrefix(lines[0].text, "- ") {
		var list []any
		for len(lines) > 0 && lines[0].indent == indent && strings.HasPrefix(lines[0].text, "- ") {
			rest := lines[0].text[2:]
			if _, _, is := pair(rest); !is || strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "[") {
				list, lines = append(list, flow(rest)), lines[1:]
				continue
			}
			lines[0] = line{indent + 2, rest} // the mapping begins on the line of its dash
			var v any
			v, lines = block(lines)
			list = append(list, v)
		}
		return list, lines
	}
	m := map[string]any{}
	for len(lines) > 0 && lines[0].indent == indent {
		key, value, is := pair(lines[0].text)
		if !is {
			return m, lines
		}
		lines = lines[1:]
		switch {
		case value != "":
			m[key] = flow(value)
		case len(lines) > 0 && (lines[0].indent > indent || lines[0].indent == indent && strings.HasPrefix(lines[0].text, "- ")):
			m[key], lines = block(lines)
		}
	}
	return m, lines
}

// pair is "key: value" or "key:".
func pair(s string) (key, value string, is bool) {
	if strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	key, value, is = strings.Cut(s, ": ")
	if !is {
		key, is = strings.CutSuffix(s, ":")
	}
	return strings.TrimSpace(key), strings.TrimSpace(value), is
}

// flow is a value in one line.
func flow(s string) any {
	s = strings.TrimSpace(s)
	switch {
	case strings.HasPrefix(s, "["):
		var list []any
		for _, p := range parts(s) {
			list = append(list, flow(p))
		}
		return list
	case strings.HasPrefix(s, "{"):
		m := map[string]any{}
		for _, p := range parts(s) {
			if k, v, is := pair(p); is {
				m[k] = flow(v)
			}
		}
		return m
	}
	return strings.Trim(s, `"'`)
}

// parts are what stands between the brackets of a list or mapping, at its commas.
func parts(s string) (out []string) {
	s = s[1 : len(s)-1]
	depth, begin := 0, 0
	for i, c := range s {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[begin:i]))
				begin = i + 1
			}
		}
	}
	if last := strings.TrimSpace(s[begin:]); last != "" {
		out = append(out, last)
	}
	return out
}
