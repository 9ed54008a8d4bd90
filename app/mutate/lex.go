package mutate

import (
	"slices"
	"strings"
)

// kind is what a token is.
type kind int

const (
	word   kind = iota // names and keywords
	number             // literals
	text               // strings in quotes, as in code and in attributes
	punct              // operators and brackets
)

// token is a piece of code.
type token struct {
	kind       kind
	start, end int
	attr       string // of a string: the attribute that it is the value of, if it is one
}

// lexer finds the tokens of TypeScript with JSX in it. Of what it does not
// understand it skips a byte: a token that is missed is a mutant less.
type lexer struct {
	s   string
	i   int
	out []token
}

func tokens(source string) []token {
	l := &lexer{s: source}
	for l.i < len(l.s) {
		l.code(0)
		l.i++ // a closing bracket too many
	}
	return l.out
}

var puncts = []string{
	">>>=", "...", "===", "!==", "**=", "<<=", ">>=", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "**",
}

// code reads until the closing bracket close, which it leaves in place, or the end.
func (l *lexer) code(close byte) {
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case c == close && close != 0:
			return
		case close == 0 && (c == ')' || c == ']' || c == '}'):
			return
		case strings.HasPrefix(l.s[l.i:], "//"):
			l.to("\n")
		case strings.HasPrefix(l.s[l.i:], "/*"):
			l.to("*/")
		case c == '"' || c == '\'':
			l.quoted(c, "")
		case c == '`':
			l.template()
		case c == '(' || c == '[' || c == '{':
			l.bracket(c)
		case c == '<' && l.operand() && l.tag():
			l.element()
		case c == '/' && l.operand():
			l.regex()
		case nameByte(c) && !digit(c):
			l.while(word, nameByte)
		case digit(c):
			l.while(number, func(c byte) bool { return nameByte(c) || c == '.' })
		case c <= ' ':
			l.i++
		default:
			l.punct()
		}
	}
}

func (l *lexer) add(k kind, start, end int) {
	l.out = append(l.out, token{kind: k, start: start, end: end})
}

func (l *lexer) to(end string) {
	if n := strings.Index(l.s[l.i+1:], end); n >= 0 {
		l.i += 1 + n + len(end)
	} else {
		l.i = len(l.s)
	}
}

func (l *lexer) while(k kind, in func(byte) bool) {
	start := l.i
	for l.i < len(l.s) && in(l.s[l.i]) {
		l.i++
	}
	l.add(k, start, l.i)
}

func (l *lexer) quoted(q byte, attr string) {
	start := l.i
	for l.i++; l.i < len(l.s) && l.s[l.i] != q && l.s[l.i] != '\n'; l.i++ {
		if l.s[l.i] == '\\' && attr == "" {
			l.i++
		}
	}
	l.i = min(l.i+1, len(l.s))
	l.out = append(l.out, token{text, start, l.i, attr})
}

func (l *lexer) template() {
	for l.i++; l.i < len(l.s); l.i++ {
		switch {
		case l.s[l.i] == '\\':
			l.i++
		case l.s[l.i] == '`':
			l.i++
			return
		case strings.HasPrefix(l.s[l.i:], "${"):
			l.i++
			l.bracket('{')
			l.i--
		}
	}
}

func (l *lexer) bracket(open byte) {
	l.add(punct, l.i, l.i+1)
	l.i++
	end := map[byte]byte{'(': ')', '[': ']', '{': '}'}[open]
	l.code(end)
	if l.i < len(l.s) {
		l.add(punct, l.i, l.i+1)
		l.i++
	}
}

// before is the newest token, or "".
func (l *lexer) before() string {
	if len(l.out) == 0 {
		return ""
	}
	t := l.out[len(l.out)-1]
	return l.s[t.start:t.end]
}

var wordsBefore = []string{"return", "case", "typeof", "in", "of", "default", "else", "await", "yield", "void", "delete"}

// operand reports whether a value is to come here, and no operator.
func (l *lexer) operand() bool {
	if len(l.out) == 0 {
		return true
	}
	t := l.out[len(l.out)-1]
	b := l.before()
	switch t.kind {
	case word:
		return slices.Contains(wordsBefore, b)
	case number, text:
		return false
	case punct:
	}
	return b != ")" && b != "]" && b != "}" && b != "++" && b != "--"
}

// tag reports whether an element begins here: <Name, <div or <>.
func (l *lexer) tag() bool {
	if l.i+1 >= len(l.s) {
		return false
	}
	c := l.s[l.i+1]
	return c == '>' || nameByte(c) && !digit(c)
}

// element reads an element with all that is in it.
func (l *lexer) element() {
	if l.open() {
		return // it closes itself
	}
	for l.i < len(l.s) {
		switch {
		case strings.HasPrefix(l.s[l.i:], "</"):
			l.to(">")
			return
		case l.s[l.i] == '<' && l.tag():
			l.element()
		case l.s[l.i] == '{':
			l.bracket('{')
		default:
			l.i++ // text between tags
		}
	}
}

// open reads an opening tag; true if it closes itself.
func (l *lexer) open() bool {
	l.i++
	attr := ""
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case strings.HasPrefix(l.s[l.i:], "/>"):
			l.i += 2
			return true
		case c == '>':
			l.i++
			return false
		case c == '"' || c == '\'':
			l.quoted(c, attr)
		case c == '{':
			l.bracket('{')
		case nameByte(c):
			from := l.i
			for l.i < len(l.s) && (nameByte(l.s[l.i]) || l.s[l.i] == '-' || l.s[l.i] == '.') {
				l.i++
			}
			attr = l.s[from:l.i]
		default:
			l.i++
		}
	}
	return true
}

func (l *lexer) regex() {
	class := false
	for l.i++; l.i < len(l.s) && l.s[l.i] != '\n'; l.i++ {
		switch c := l.s[l.i]; {
		case c == '\\':
			l.i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			for l.i++; l.i < len(l.s) && nameByte(l.s[l.i]); l.i++ {
			}
			l.out = append(l.out, token{text, l.i, l.i, "regex"}) // a value
			return
		}
	}
}

func (l *lexer) punct() {
	for _, p := range puncts {
		if strings.HasPrefix(l.s[l.i:], p) {
			l.add(punct, l.i, l.i+len(p))
			l.i += len(p)
			return
		}
	}
	l.add(punct, l.i, l.i+1)
	l.i++
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func nameByte(c byte) bool {
	return c == '_' || c == '$' || digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
