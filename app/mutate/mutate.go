package mutate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Mutant is one small wrong change of a file.
type Mutant struct {
	Operator string // such as "flip sort"
	Line     int    // from 1
	From, To string
	start    int
	end      int
}

// Apply makes the change in the source that the mutant was made of.
func (m Mutant) Apply(source string) string { return source[:m.start] + m.To + source[m.end:] }

// String says the change in words.
func (m Mutant) String() string {
	to := m.To
	if strings.TrimSpace(to) == "" {
		to = "nothing"
	}
	return fmt.Sprintf("line %d, %s: %s became %s", m.Line, m.Operator, short(m.From), short(to))
}

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

// Operators are the kinds of change.
var Operators = []string{
	"flip comparison", "swap sign", "swap and/or", "negate condition", "change constant", "flip truth", "change rounding", "swap min and max", "drop a save", "drop an await",
	"flip sort", "other column", "drop a filter", "drop a feature",
}

// Of lists the mutants of a source file in the order of their places. columns are
// those of the app's tables: one can be taken for another.
func Of(source string, columns []string) []Mutant {
	g := &maker{s: source, t: tokens(source), columns: columns}
	for i := range g.t {
		switch t := g.t[i]; t.kind {
		case punct:
			g.operator(i)
		case number:
			g.constant(i)
		case text:
			g.text(i)
		case word:
			g.word(i)
		}
	}
	g.attributes()
	slices.SortStableFunc(g.out, func(a, b Mutant) int { return a.start - b.start })
	return g.out
}

type maker struct {
	s       string
	t       []token
	columns []string
	out     []Mutant
}

func (g *maker) str(i int) string {
	if i < 0 || i >= len(g.t) {
		return ""
	}
	return g.s[g.t[i].start:g.t[i].end]
}

func (g *maker) add(op string, start, end int, to string) {
	if g.s[start:end] != to {
		g.out = append(g.out, Mutant{Operator: op, Line: strings.Count(g.s[:start], "\n") + 1, From: g.s[start:end], To: to, start: start, end: end})
	}
}

func (g *maker) swap(op string, i int, to string) { g.add(op, g.t[i].start, g.t[i].end, to) }

var (
	comparisons = map[string]string{"<": ">=", ">": "<=", "<=": ">", ">=": "<", "===": "!==", "!==": "===", "==": "!=", "!=": "=="}
	// A product becomes a sum, since by 1 and by -1 a quotient is the same.
	signs = map[string]string{"+": "-", "-": "+", "*": "+", "/": "*", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
)

// spaced reports whether a token has blanks on both sides, as formatted operators of
// two operands have, and brackets of types have not.
func (g *maker) spaced(i int) bool {
	t := g.t[i]
	return t.start > 0 && t.end < len(g.s) && strings.IndexByte(" \n", g.s[t.start-1]) >= 0 && strings.IndexByte(" \n", g.s[t.end]) >= 0
}

func (g *maker) operator(i int) {
	p := g.str(i)
	if to := comparisons[p]; to != "" && g.spaced(i) {
		g.swap("flip comparison", i, to)
	}
	besideText := i > 0 && g.t[i-1].kind == text || i+1 < len(g.t) && g.t[i+1].kind == text // that joins texts
	if to := signs[p]; to != "" && (g.spaced(i) && !besideText || p == "++" || p == "--") {
		g.swap("swap sign", i, to)
	}
	switch p {
	case "&&":
		g.swap("swap and/or", i, "||")
	case "||":
		g.swap("swap and/or", i, "&&")
	}
}

func (g *maker) constant(i int) {
	n, err := strconv.ParseFloat(strings.ReplaceAll(g.str(i), "_", ""), 64)
	if err != nil || g.layout(i) {
		return
	}
	g.swap("change constant", i, strconv.FormatFloat(n+g.step(i, n), 'f', -1, 64))
}

// step is by how much a constant changes. What is compared with is a limit, and wrong by
// one; elsewhere one more in ten or over is no fault that shows (400 ms that become 401),
// and half as much again is.
func (g *maker) step(i int, n float64) float64 {
	if n < 10 || comparisons[g.str(i-1)] != "" || comparisons[g.str(i+1)] != "" {
		return 1
	}
	return math.Floor(n / 2)
}

// layout reports whether a number only says how something looks.
func (g *maker) layout(i int) bool {
	at := strings.LastIndexAny(g.s[:g.t[i].start], "\n ") + 1
	word := g.s[at:g.t[i].start]
	for _, p := range []string{"gap={", "min={", "lines={", "size={", "height={", "maxWidth:"} {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	return false
}

// close is the index of the bracket that ends the one at i, or -1.
func (g *maker) close(i int) int {
	depth := 0
	for j := i; j < len(g.t); j++ {
		if g.t[j].kind != punct {
			continue
		}
		switch g.str(j) {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

var saves = []string{"insert", "update", "remove", "delete", "bulkInsert", "bulkUpdate", "writeData"}

func (g *maker) word(i int) {
	switch w := g.str(i); {
	case w == "true":
		g.swap("flip truth", i, "false")
	case w == "false":
		g.swap("flip truth", i, "true")
	case w == "await":
		g.add("drop an await", g.t[i].start, g.t[i].end, "")
	case w == "if" && g.str(i+1) == "(":
		if end := g.close(i + 1); end > 0 {
			from, to := g.t[i+1].end, g.t[end].start
			g.add("negate condition", from, to, "!("+g.s[from:to]+")")
		}
	case w == "Math" && g.str(i+1) == ".":
		g.math(i + 2)
	case w == "toFixed" && g.str(i+1) == "(" && i+2 < len(g.t):
		g.swap("change rounding", i+2, "0")
	case w == "filter" && g.str(i-1) == "." && g.str(i+1) == "(":
		if end := g.close(i + 1); end > 0 {
			g.add("drop a filter", g.t[i-1].start, g.t[end].end, "")
		}
	default:
		g.call(i)
		g.property(i)
	}
}

func (g *maker) math(i int) {
	switch g.str(i) {
	case "round":
		g.swap("change rounding", i, "floor")
	case "floor":
		g.swap("change rounding", i, "ceil")
	case "ceil":
		g.swap("change rounding", i, "floor")
	case "max":
		g.swap("swap min and max", i, "min")
	case "min":
		g.swap("swap min and max", i, "max")
	}
}

// call drops a call that keeps something: a setter of state or of a value, or a write
// to a table. Its declaration is none.
func (g *maker) call(i int) {
	w := g.str(i)
	setter := len(w) > 3 && strings.HasPrefix(w, "set") && w[3] >= 'A' && w[3] <= 'Z' && w != "setTimeout" && w != "setInterval"
	if !setter && !slices.Contains(saves, w) || g.str(i+1) != "(" || g.str(i-1) == "function" {
		return
	}
	end := g.close(i + 1)
	if end < 0 {
		return
	}
	from := i
	for from >= 2 && g.str(from-1) == "." && g.t[from-2].kind == word {
		from -= 2
	}
	g.add("drop a save", g.t[from].start, g.t[end].end, "void 0")
}

// property takes one column of a row for another.
func (g *maker) property(i int) {
	if g.str(i-1) != "." || !slices.Contains(g.columns, g.str(i)) || g.str(i+1) == "(" {
		return
	}
	g.swap("other column", i, g.other(g.str(i)))
}

func (g *maker) other(column string) string {
	i := slices.Index(g.columns, column)
	return g.columns[(i+1)%len(g.columns)]
}

func (g *maker) text(i int) {
	t := g.t[i]
	raw := g.str(i)
	if len(raw) < 3 {
		return
	}
	value := raw[1 : len(raw)-1]
	column := strings.TrimPrefix(value, "-")
	sorts := t.attr == "sort" || g.str(i-1) == "," && g.inCall(i, "sortRows")
	switch {
	case sorts && strings.HasPrefix(value, "-"):
		g.swap("flip sort", i, raw[:1]+column+raw[:1])
	case sorts:
		g.swap("flip sort", i, raw[:1]+"-"+value+raw[:1])
	case value == "asc":
		g.swap("flip sort", i, raw[:1]+"desc"+raw[:1])
	case value == "desc":
		g.swap("flip sort", i, raw[:1]+"asc"+raw[:1])
	}
	if slices.Contains(g.columns, column) && len(g.columns) > 1 && t.attr != "table" && t.attr != "noun" {
		g.swap("other column", i, raw[:1]+strings.TrimSuffix(value, column)+g.other(column)+raw[:1])
	}
}

// inCall reports whether the token at i is an argument of the named function.
func (g *maker) inCall(i int, name string) bool {
	depth := 0
	for j := i - 1; j > 0; j-- {
		switch g.str(j) {
		case ")", "]", "}":
			depth++
		case "(", "[", "{":
			if depth--; depth < 0 {
				return g.str(j) == "(" && g.str(j-1) == name
			}
		}
	}
	return false
}

// features are the attributes of the component library without which a part does
// less.
var features = []string{"totals", "filters", "search", "done", "group", "sort", "onClick", "onChange", "onSave", "onCell", "every", "agg"}

// attributes drops whole attributes of elements.
func (g *maker) attributes() {
	for _, name := range features {
		for at := 0; ; {
			n := strings.Index(g.s[at:], name)
			if n < 0 {
				break
			}
			from := at + n
			at = from + len(name)
			if from == 0 || strings.IndexByte(" \n", g.s[from-1]) < 0 {
				continue
			}
			if end, ok := g.attribute(at, name); ok {
				op := "drop a feature"
				if name == "filters" {
					op = "drop a filter"
				}
				g.add(op, from, end, "")
			}
		}
	}
}

// attribute finds the end of an attribute's value that begins at from.
func (g *maker) attribute(from int, name string) (end int, ok bool) {
	rest := g.s[from:]
	switch {
	case strings.HasPrefix(rest, `="`):
		if n := strings.IndexByte(rest[2:], '"'); n >= 0 {
			return from + 2 + n + 1, true
		}
	case strings.HasPrefix(rest, "={"):
		for i, t := range g.t {
			if t.start == from+1 && t.kind == punct {
				if c := g.close(i); c > 0 {
					return g.t[c].end, true
				}
			}
		}
	case name == "search" && rest != "" && strings.IndexByte(" \n/>", rest[0]) >= 0:
		return from, true
	}
	return 0, false
}
