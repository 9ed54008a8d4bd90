package merge

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// language is how text is cut into tokens.
type language struct {
	quotes string // characters that enclose a string within a line
	dashes bool   // names may have dashes inside: CSS and HTML
	prose  bool   // commas belong to numbers: 1,000
}

func languageOf(name string) language {
	switch strings.ToLower(path.Ext(name)) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".go", ".json", ".py", ".sql", ".toml":
		return language{quotes: `"'`}
	case ".css", ".scss":
		return language{quotes: `"'`, dashes: true}
	case ".html", ".htm", ".svg", ".xml":
		return language{quotes: `"`, dashes: true}
	}
	return language{prose: true}
}

// operators are the runs of punctuation that are one token, longest first.
var operators = []string{
	"...", "===", "!==", "<!--", "-->", "**=", "<<=", ">>=", "&&=", "||=", "??=",
	"=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", ":=", "<-", "->", "</", "/>", "//", "/*", "*/", "::", "**", "<<", ">>",
}

// cut cuts text into tokens: names, numbers with their sign and unit, strings,
// runs of blanks, line ends, operators, and single other characters.
func (l language) cut(text []byte) [][]byte {
	var out [][]byte
	operand := false // the last token but blanks was one: a sign is an operator
	for len(text) > 0 {
		n, class := l.next(text, operand)
		out = append(out, text[:n])
		if class != blank {
			operand = class == word || class == closing
		}
		text = text[n:]
	}
	return out
}

type class int

const (
	other class = iota
	blank
	word // a name, a number or a string
	closing
)

// next returns the length and class of the first token.
func (l language) next(text []byte, operand bool) (int, class) {
	r, size := utf8.DecodeRune(text)
	switch {
	case r == '\n':
		return 1, blank
	case r == ' ' || r == '\t' || r == '\r':
		return len(text) - len(bytes.TrimLeft(text, " \t\r")), blank
	case r == ')' || r == ']' || r == '}':
		return 1, closing
	case strings.ContainsRune(l.quotes, r):
		if n := quoted(text); n > 0 {
			return n, word
		}
		return 1, other
	}
	if n := l.number(text, operand); n > 0 {
		return n, word
	}
	if n := l.name(text); n > 0 {
		return n, word
	}
	for _, op := range operators {
		if bytes.HasPrefix(text, []byte(op)) {
			return len(op), other
		}
	}
	return size, other
}

// quoted returns the length of a string that ends on its line, else 0.
func quoted(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\n':
			return 0
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return 0
}

// number returns the length of a number with its sign, fraction, exponent and
// unit, else 0. What follows the digits without a gap belongs to it.
func (l language) number(text []byte, operand bool) int {
	digit := func(i int) bool { return i < len(text) && text[i] >= '0' && text[i] <= '9' }
	n := 0
	if !operand && (text[0] == '-' || text[0] == '+') {
		n++
	}
	if n < len(text) && text[n] == '.' {
		n++
	}
	if !digit(n) {
		return 0
	}
	for n < len(text) {
		r, size := utf8.DecodeRune(text[n:])
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_', r == '%':
		case (r == '.' || r == ',' && l.prose) && digit(n+1):
		case (r == '-' || r == '+') && (text[n-1] == 'e' || text[n-1] == 'E') && digit(n+1):
		default:
			return n
		}
		n += size
	}
	return n
}

func (l language) name(text []byte) int {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRune(text[n:])
		inside := n > 0 && (r == '-' && l.dashes || r == '\'' && l.prose)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '_' && r != '$' && !inside {
			break
		}
		n += size
	}
	return n
}

// three merges one region token by token.
func (l language) three(base, ours, theirs []byte) ([]byte, bool) {
	if len(base) == 0 { // both added something here: there is no order to choose
		return nil, false
	}
	b := l.cut(base)
	o, t := l.edits(b, ours), l.edits(b, theirs)
	var out [][]byte
	at := 0
	take := func(e replacement) {
		out = append(out, b[at:e.from]...)
		out = append(out, e.with)
		at = e.to
	}
	for len(o) > 0 && len(t) > 0 {
		first, second := &o, &t
		if t[0].before(o[0]) {
			first, second = &t, &o
		}
		x, y := (*first)[0], (*second)[0]
		if x.same(y) {
			take(x)
			o, t = o[1:], t[1:]
			continue
		}
		if !x.clearOf(y, b) {
			return nil, false
		}
		take(x)
		*first = (*first)[1:]
	}
	for _, e := range append(o, t...) {
		take(e)
	}
	return join(append(out, b[at:]...)), true
}

// replacement puts with in place of base[from:to].
type replacement struct {
	from, to int
	with     []byte
}

func (e replacement) same(f replacement) bool {
	return e.from == f.from && e.to == f.to && bytes.Equal(e.with, f.with)
}

// before orders replacements by their place.
func (e replacement) before(f replacement) bool {
	return e.from < f.from || e.from == f.from && e.to < f.to
}

// clearOf reports whether e and the later f are independent: neither touches a
// token that the other replaces, and where they meet, it is plain which text is
// whose.
func (e replacement) clearOf(f replacement, base [][]byte) bool {
	switch {
	case e.to > f.from, e.from == f.from && e.to == f.to:
		return false
	case e.to < f.from:
		return true
	case e.from == e.to: // an addition in front of what f replaces
		return parted(e.with) || startsApart(base[f.from])
	case f.from == f.to: // an addition behind what e replaces
		return startsApart(f.with) || parted(base[e.to-1])
	}
	return len(e.with) > 0 && len(f.with) > 0
}

// parted and startsApart report whether text ends, or begins, with a blank or
// another mark that keeps neighbours apart.
func parted(text []byte) bool {
	return len(text) > 0 && bytes.IndexByte([]byte(" \t\r\n,;"), text[len(text)-1]) >= 0
}

func startsApart(text []byte) bool {
	return len(text) > 0 && bytes.IndexByte([]byte(" \t\r\n,;"), text[0]) >= 0
}

// edits returns how text replaces tokens of base. Chance agreements on blanks
// and punctuation inside what was rewritten do not keep its parts apart.
func (l language) edits(base [][]byte, text []byte) []replacement {
	parts := l.cut(text)
	in := intern{}
	all := edits(match(in.numbers(base), in.numbers(parts)), len(base), len(parts))
	var joined []edit
	for _, e := range all {
		for k := len(joined) - 1; k >= 0; k-- {
			last := joined[k]
			if slices.ContainsFunc(base[last.a1:e.a0], weighty) || !last.rewrites() && !e.rewrites() {
				break
			}
			e = edit{last.a0, e.a1, last.b0, e.b1}
			joined = joined[:k]
		}
		joined = append(joined, e)
	}
	var out []replacement
	for _, e := range joined {
		out = append(out, replacement{e.a0, e.a1, join(parts[e.b0:e.b1])})
	}
	return out
}

// rewrites tells an edit that puts several tokens for others from one that
// exchanges a token, only adds, or only removes.
func (e edit) rewrites() bool {
	n, m := e.a1-e.a0, e.b1-e.b0
	return n > 0 && m > 0 && n+m > 2
}

// weighty tells tokens that mean something from blanks and punctuation.
func weighty(token []byte) bool {
	if token[0] == '\n' || len(token) > 2 && token[0] != ' ' && token[0] != '\t' {
		return true
	}
	r, _ := utf8.DecodeRune(token)
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$'
}
