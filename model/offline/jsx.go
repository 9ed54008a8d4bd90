package offline

import (
	"strings"
	"unicode"
)

// attr is one attribute of an element: Name="…", Name={…} or Name alone. Value
// is kept as written, with its quotes or braces.
type attr struct{ Name, Value string }

// element is a self-closing JSX element as the templates write them and as
// changes edit them: attributes in order, values as written.
type element struct {
	Tag   string
	Attrs []attr
	start int // in the source it was read from
	end   int
}

func str(name, value string) attr { return attr{name, quoteAttr(value)} }

// quoteAttr writes text as a JSX attribute value.
func quoteAttr(text string) string {
	if strings.ContainsAny(text, "\"\\{}<>&\n") {
		return "{" + quoteJS(text) + "}"
	}
	return `"` + text + `"`
}

func code(name, value string) attr { return attr{name, "{" + value + "}"} }

func (e *element) get(name string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// text is the value of a string attribute, in either form; ok is false if it
// is an expression that we cannot read.
func (e *element) text(name string) (string, bool) {
	v, ok := e.get(name)
	if !ok {
		return "", true
	}
	v = strings.TrimSpace(v)
	if strings.HasPrefix(v, "{") {
		v = strings.TrimSpace(v[1 : len(v)-1])
	}
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] && !strings.Contains(v[1:len(v)-1], "\\") {
		return v[1 : len(v)-1], true
	}
	return "", false
}

// set gives an attribute its value, in its place or at the end.
func (e *element) set(a attr) {
	for i := range e.Attrs {
		if e.Attrs[i].Name == a.Name {
			e.Attrs[i] = a
			return
		}
	}
	e.Attrs = append(e.Attrs, a)
}

func (e *element) drop(name string) {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			e.Attrs = append(e.Attrs[:i:i], e.Attrs[i+1:]...)
			return
		}
	}
}

// print writes e at an indent, on one line if it fits.
func (e *element) print(indent string) string {
	var one strings.Builder
	one.WriteString("<" + e.Tag)
	for _, a := range e.Attrs {
		one.WriteString(" " + a.print())
	}
	one.WriteString(" />")
	if len(indent)+one.Len() <= 110 && !strings.Contains(one.String(), "\n") {
		return one.String()
	}
	var b strings.Builder
	b.WriteString("<" + e.Tag + "\n")
	for _, a := range e.Attrs {
		b.WriteString(indent + "  " + a.print() + "\n")
	}
	b.WriteString(indent + "/>")
	return b.String()
}

func (a attr) print() string {
	if a.Value == "" {
		return a.Name
	}
	return a.Name + "=" + a.Value
}

// elements finds the self-closing elements called tag in TSX source. One that
// does not parse, or that has children or spreads, is not returned: it was
// written by hand in a way that we do not edit.
func elements(source, tag string) []element {
	var out []element
	for from := 0; ; {
		i := strings.Index(source[from:], "<"+tag)
		if i < 0 {
			return out
		}
		start := from + i
		from = start + 1 + len(tag)
		if from < len(source) && isNameByte(source[from]) {
			continue // <TrackerRow
		}
		if e, ok := parseElement(source, start, tag); ok {
			out = append(out, e)
			from = e.end
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func parseElement(source string, start int, tag string) (element, bool) {
	e := element{Tag: tag, start: start}
	i := start + 1 + len(tag)
	for {
		for i < len(source) && unicode.IsSpace(rune(source[i])) {
			i++
		}
		if strings.HasPrefix(source[i:], "/>") {
			e.end = i + 2
			return e, true
		}
		name := i
		for i < len(source) && isNameByte(source[i]) {
			i++
		}
		if i == name {
			return e, false
		}
		a := attr{Name: source[name:i]}
		if i < len(source) && source[i] == '=' {
			end, ok := valueEnd(source, i+1)
			if !ok {
				return e, false
			}
			a.Value = source[i+1 : end]
			i = end
		}
		e.Attrs = append(e.Attrs, a)
	}
}

// valueEnd is where an attribute's value ends that begins at i.
func valueEnd(source string, i int) (int, bool) {
	if i >= len(source) {
		return 0, false
	}
	if c := source[i]; c == '"' || c == '\'' {
		end := strings.IndexByte(source[i+1:], c)
		return i + end + 2, end >= 0
	}
	if source[i] != '{' {
		return 0, false
	}
	return closing(source, i)
}

// closing is the position after the brace that closes the one at i; strings
// in between are skipped.
func closing(source string, i int) (int, bool) {
	depth := 0
	for ; i < len(source); i++ {
		switch c := source[i]; c {
		case '{', '(', '[':
			depth++
		case '}', ')', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"', '\'', '`':
			for i++; i < len(source) && source[i] != c; i++ {
				if source[i] == '\\' {
					i++
				}
			}
		}
	}
	return 0, false
}

// indentAt is the white space that begins the line of position i.
func indentAt(source string, i int) string {
	line := source[strings.LastIndexByte(source[:i], '\n')+1 : i]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// quoteJS writes text as a JavaScript string.
func quoteJS(text string) string {
	return compactJSON(text)
}

// list writes strings as a JavaScript array.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quoteJS(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
