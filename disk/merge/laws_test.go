package merge

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Edits of different tokens merge, side by side or not, and the result has every
// edit of both sides.
func TestTokensKeepEveryEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		gaps := make([]string, n)
		for i := range gaps {
			gaps[i] = rapid.SampledFrom([]string{" ", "(", ", ", " + ", "\n", " => "}).Draw(t, "gap")
		}
		side := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "side") // 0 nobody, 1 ours, 2 theirs
		kind := rapid.SampledFrom([]string{"word%d", "%d", `"text %d"`}).Draw(t, "kind")
		text := func(mine ...int) []byte {
			var b bytes.Buffer
			for i := range n {
				token := fmt.Sprintf(kind, 1000+i)
				if slices.Contains(mine, side[i]) {
					token = fmt.Sprintf(kind, 2000+i)
				}
				b.WriteString(token + gaps[i])
			}
			return b.Bytes()
		}
		got, ok := Three("a.ts", text(), text(1), text(2))
		if want := text(1, 2); !ok || !bytes.Equal(got, want) {
			t.Fatalf("got %q, %v; want %q", got, ok, want)
		}
	})
}

// The same token changed to two things never makes a text.
func TestTokensRefuseTwoAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(t, "n")
		at := rapid.IntRange(0, n-1).Draw(t, "at")
		text := func(word string, more int) []byte {
			var b bytes.Buffer
			for i := range n {
				switch i {
				case at:
					b.WriteString(word + " ")
				case more:
					fmt.Fprintf(&b, "more%d ", i)
				default:
					fmt.Fprintf(&b, "word%d ", i)
				}
			}
			return append(b.Bytes(), '\n')
		}
		o, u := rapid.IntRange(-1, n-1).Draw(t, "o"), rapid.IntRange(-1, n-1).Draw(t, "u")
		if got, ok := Three("a.tsx", text("base", -1), text("ours", o), text("theirs", u)); ok {
			t.Fatalf("made %q", got)
		}
	})
}

// record is one record of a small table, as JSON or YAML.
type record struct{ id, a, b int }

func writeRecords(list []record, yaml bool) []byte {
	var b bytes.Buffer
	if yaml {
		for _, r := range list {
			fmt.Fprintf(&b, "- id: %d # record %d\n  a: %d\n  b: %d\n", r.id, r.id, r.a, r.b)
		}
		return b.Bytes()
	}
	b.WriteString("[\n")
	for i, r := range list {
		comma := ","
		if i == len(list)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "  { \"id\": %d, \"a\": %d, \"b\": %d }%s\n", r.id, r.a, r.b, comma)
	}
	b.WriteString("]\n")
	return b.Bytes()
}

// Additions, removals and edits of different records, and of different fields of
// one, merge in JSON and YAML; the result has them all.
func TestRecordsKeepEveryEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		var base, ours, theirs, want []record
		for i := range n {
			r := record{i + 1, 0, 0}
			base = append(base, r)
			x, y, w := r, r, r
			switch rapid.IntRange(0, 4).Draw(t, "edit") {
			case 1: // both edit a field each
				x.a, y.b = 1, 2
				w.a, w.b = 1, 2
			case 2:
				theirs, want = append(theirs, r), slices.Clip(want) // ours removes it
				continue
			case 3:
				y.a, w.a = 3, 3
			}
			ours, theirs, want = append(ours, x), append(theirs, y), append(want, w)
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "more ours") {
			ours, want = append(ours, record{100 + i, 5, 5}), append(want, record{100 + i, 5, 5})
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "more theirs") {
			theirs, want = append(theirs, record{200 + i, 6, 6}), append(want, record{200 + i, 6, 6})
		}
		for _, yaml := range []bool{false, true} {
			name, parse := "a.json", parseJSON
			if yaml {
				if len(ours)*len(theirs)*len(want) == 0 {
					continue
				}
				name, parse = "a.yaml", parseYAML
			}
			out, ok := Three(name, writeRecords(base, yaml), writeRecords(ours, yaml), writeRecords(theirs, yaml))
			got, parsed := parse(out)
			expect, _ := parse(writeRecords(want, yaml))
			if !ok || !parsed || !equal(got, expect) {
				t.Fatalf("%s: %v\n%s\nwant\n%s", name, ok, out, writeRecords(want, yaml))
			}
		}
	})
}

// Laws hold for structured texts, too.
func TestStructureLaws(t *testing.T) {
	scalar := rapid.SampledFrom([]string{"1", "1.0", `"a"`, "true", "null", `"é"`})
	var jsonText func(depth int) *rapid.Generator[string]
	jsonText = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
				return scalar.Draw(t, "scalar")
			}
			inner := jsonText(depth - 1)
			gap := rapid.SampledFrom([]string{"", " ", "\n  "}).Draw(t, "gap")
			if rapid.Bool().Draw(t, "list") {
				return "[" + gap + strings.Join(rapid.SliceOfN(inner, 0, 3).Draw(t, "items"), ","+gap) + gap + "]"
			}
			var fields []string
			for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"id", "a", "b", "c"}), 0, 4, rapid.ID).Draw(t, "keys") {
				fields = append(fields, fmt.Sprintf("%q: %s", k, inner.Draw(t, "value")))
			}
			return "{" + gap + strings.Join(fields, ","+gap) + gap + "}"
		})
	}
	yamlLine := rapid.SampledFrom([]string{"a: 1\n", "a: 2\n", "b: [1, 2]\n", "b:\n  - x\n", "b:\n  - x\n  - y # why\n", "# note\n", "c: {d: 1}\n", "c:\n  d: 2\n", "\n", "d: |\n  text\n", "e: &x 1\n"})
	rapid.Check(t, func(t *rapid.T) {
		j := jsonText(3)
		laws(t, "a.json", []byte(j.Draw(t, "b")), []byte(j.Draw(t, "x")), []byte(j.Draw(t, "y")))
		y := rapid.Custom(func(t *rapid.T) []byte {
			return []byte(strings.Join(rapid.SliceOfN(yamlLine, 0, 6).Draw(t, "lines"), ""))
		})
		b, x, z := y.Draw(t, "yb"), y.Draw(t, "yx"), y.Draw(t, "yy")
		laws(t, "a.yaml", b, x, z)
		front := func(text []byte) []byte { return slices.Concat([]byte("---\n"), text, []byte("---\nBody.\n")) }
		laws(t, "a.md", front(b), front(x), front(z))
	})
}

// All hunks together are the whole way, and finer ones as well.
func TestHunksAddUp(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a b c\n", "b (c)\n", "c, d\n", "\n", "x"}), 0, 10).Draw(t, "lines"), ""))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		coarse := Hunks(a, b)
		var fine []Hunk
		for _, h := range coarse {
			fine = append(fine, h.Finer("a.ts", a)...)
		}
		for _, list := range [][]Hunk{coarse, fine} {
			if got := Apply(a, list); !bytes.Equal(got, b) {
				t.Fatalf("%q by %v is %q, want %q", a, list, got, b)
			}
		}
	})
}

// The parsers of foreign bytes take whatever comes.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,"x\u00e9"]}`, "a: 1 # b\nc:\n  - d\n", "---\na: 1\n---\nText\n", "a: &x [1]\nb: *x\n", "? - a\n: - b\n", "[{]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, ok := parseJSON(data); ok {
			var w bytes.Buffer
			v.source = nil
			writeJSON(&w, v, "\n", "  ")
			if back, ok := parseJSON(w.Bytes()); !ok || !equal(back, v) {
				t.Fatalf("%q became %q", data, w.Bytes())
			}
		}
		parseYAML(data)
		if front, rest, ok := cutFront(data); ok && len(front)+len(rest)+len(frontMark) != len(data) {
			t.Fatalf("%q is cut into %q and %q", data, front, rest)
		}
		for _, name := range []string{"a.ts", "a.css", "a.html", "a.txt"} {
			if l := languageOf(name); !bytes.Equal(join(l.cut(data)), data) {
				t.Fatalf("%s: tokens of %q do not add up", name, data)
			}
		}
	})
}
