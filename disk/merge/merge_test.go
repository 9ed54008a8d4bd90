package merge

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestThree(t *testing.T) {
	for _, c := range []struct {
		label, name, base, ours, theirs, want string
		conflict                              bool
	}{
		{label: "different lines", name: "a.txt", base: "1\n2\n3\n4\n5\n", ours: "one\n2\n3\n4\n5\n", theirs: "1\n2\n3\n4\nfive\n", want: "one\n2\n3\n4\nfive\n"},
		{label: "same line, different words", name: "a.txt", base: "the quick brown fox\n", ours: "the slow brown fox\n", theirs: "the quick brown dog\n", want: "the slow brown dog\n"},
		{label: "same word", name: "a.txt", base: "price 10\n", ours: "price 11\n", theirs: "price 12\n", conflict: true},
		{label: "one number is not two", name: "a.txt", base: "12.50\n", ours: "13.50\n", theirs: "12.75\n", conflict: true},
		{label: "neighbouring words", name: "a.txt", base: "a b\n", ours: "x b\n", theirs: "a y\n", want: "x y\n"},
		{label: "a sign belongs to its number", name: "a.ts", base: "const a = 5;\n", ours: "const a = -5;\n", theirs: "const a = 7;\n", conflict: true},
		{label: "minus between operands", name: "a.ts", base: "a-5\n", ours: "a-6\n", theirs: "b-5\n", want: "b-6\n"},
		{label: "a string is one token", name: "a.ts", base: "x('one two')\n", ours: "x('1 two')\n", theirs: "x('one 2')\n", conflict: true},
		{label: "an apostrophe is no string", name: "a.tsx", base: "<p>Don't go far</p>\n", ours: "<p>Don't run far</p>\n", theirs: "<p>Don't go away</p>\n", want: "<p>Don't run away</p>\n"},
		{label: "operators are whole", name: "a.ts", base: "if (a == b) c()\n", ours: "if (a === b) c()\n", theirs: "if (a != b) c()\n", conflict: true},
		{label: "props of one tag", name: "a.tsx", base: "<Button kind=\"plain\">Save</Button>\n", ours: "<Button kind=\"plain\" large>Save</Button>\n", theirs: "<Button kind=\"primary\">Keep</Button>\n", want: "<Button kind=\"primary\" large>Keep</Button>\n"},
		{label: "one prop, two words for it", name: "a.tsx", base: "<B a=\"1\" />\n", ours: "<B a=\"1\" b />\n", theirs: "<B a=\"1\" c />\n", conflict: true},
		{label: "indented and edited", name: "a.go", base: "a()\nb(1)\n", ours: "if x {\n\ta()\n\tb(1)\n}\n", theirs: "a()\nb(2)\n", want: "if x {\n\ta()\n\tb(2)\n}\n"},
		{label: "CSS values", name: "a.css", base: ".a { margin: 10px 20px; color-scheme: light }\n", ours: ".a { margin: 12px 20px; color-scheme: light }\n", theirs: ".a { margin: 10px 2rem; color-scheme: dark }\n", want: ".a { margin: 12px 2rem; color-scheme: dark }\n"},
		{label: "CSS names are whole", name: "a.css", base: ".item-title { }\n", ours: ".item-name { }\n", theirs: ".card-title { }\n", conflict: true},
		{label: "both rewrote the line", name: "a.ts", base: "const a = f(x);\n", ours: "return g(y, z);\n", theirs: "throw new Error(x);\n", conflict: true},
		{label: "records by id", name: "a.json", base: "[\n  {\"id\": 1, \"n\": 1},\n  {\"id\": 2, \"n\": 2}\n]\n", ours: "[\n  {\"id\": 2, \"n\": 2},\n  {\"id\": 3, \"n\": 3}\n]\n", theirs: "[\n  {\"id\": 1, \"n\": 1},\n  {\"id\": 2, \"n\": 9},\n  {\"id\": 4, \"n\": 4}\n]\n", want: "[\n  {\"id\": 2, \"n\": 9},\n  {\"id\": 3, \"n\": 3},\n  {\"id\": 4, \"n\": 4}\n]\n"},
		{label: "record gone and edited", name: "a.json", base: "[{\"id\":1,\"n\":1},{\"id\":2}]", ours: "[{\"id\":2}]", theirs: "[{\"id\":1,\"n\":2},{\"id\":2}]", conflict: true},
		{label: "record moved and edited", name: "a.json", base: "[{\"id\":1,\"n\":1},{\"id\":2},{\"id\":3}]", ours: "[{\"id\":3},{\"id\":1,\"n\":1},{\"id\":2}]", theirs: "[{\"id\":1,\"n\":5},{\"id\":2},{\"id\":3}]", want: "[{\"id\":3},{\"id\":1,\"n\":5},{\"id\":2}]"},
		{label: "layout and spelling stay", name: "a.json", base: "{\n  \"a\": [1, 2],\n  \"b\": 1.50,\n  \"c\": \"\\u00e9\"\n}\n", ours: "{\n  \"a\": [1, 2],\n  \"b\": 1.50,\n  \"c\": \"\\u00e9\",\n  \"x\": {\"y\": 1}\n}\n", theirs: "{\n  \"a\": [1, 2, 3],\n  \"b\": 1.50,\n  \"c\": \"\\u00e9\",\n  \"w\": [ 1e3 ]\n}\n", want: "{\n  \"a\": [1, 2, 3],\n  \"b\": 1.50,\n  \"c\": \"\\u00e9\",\n  \"w\": [ 1e3 ],\n  \"x\": {\"y\": 1}\n}\n"},
		{label: "YAML keys and comments", name: "a.yaml", base: "# head\na: 1 # one\nb:\n  - x\n", ours: "# head\na: 2 # one\nb:\n  - x\nc: 3 # new\n", theirs: "# head\na: 1 # one\nb:\n  - x\n  - y\nd: 4\n", want: "# head\na: 2 # one\nb:\n  - x\n  - y\nc: 3 # new\nd: 4\n"},
		{label: "YAML, same key", name: "a.yml", base: "a: 1\n", ours: "a: 2\n", theirs: "a: 3\n", conflict: true},
		{label: "YAML, value and comment", name: "a.yml", base: "a: 1 # x\n", ours: "a: 2 # x\n", theirs: "a: 1 # y\n", want: "a: 2 # y\n"},
		{label: "front matter", name: "agents/builder.md", base: "---\nname: b\ntools: Read\n---\nBe kind.\nBe brief.\n", ours: "---\nname: b\ntools: Read\nmodel: x\n---\nBe kind.\nBe brief.\n", theirs: "---\nname: b\ntools: Read\nbudget: 1\n---\nBe good.\nBe brief.\n", want: "---\nname: b\ntools: Read\nbudget: 1\nmodel: x\n---\nBe good.\nBe brief.\n"},
		{label: "deleted and changed", name: "a.txt", base: "1\n2\n3\n", ours: "1\n3\n", theirs: "1\ntwo\n3\n", conflict: true},
		{label: "both add at the end", name: "a.txt", base: "1\n", ours: "1\n2\n", theirs: "1\n3\n", conflict: true},
		{label: "no final line feed", name: "a.txt", base: "1\n2\n3", ours: "1\n2\n3\n", theirs: "0\n2\n3", want: "0\n2\n3\n"},
		{label: "binary", name: "a.bin", base: "\x00a", ours: "\x00b", theirs: "\x00c", conflict: true},
		{label: "two new keys", name: "a.json", base: "{\n  \"a\": 1\n}\n", ours: "{\n  \"a\": 1,\n  \"b\": 2\n}\n", theirs: "{\n  \"a\": 1,\n  \"c\": 3\n}\n", want: "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n"},
		{label: "nested keys", name: "a.json", base: `{"x":{"a":1,"b":1}}`, ours: `{"x":{"a":2,"b":1}}`, theirs: `{"x":{"a":1,"b":2}}`, want: `{"x":{"a":2,"b":2}}`},
		{label: "same key", name: "a.json", base: `{"a":1}`, ours: `{"a":2}`, theirs: `{"a":3}`, conflict: true},
		{label: "key gone and changed", name: "a.json", base: `{"a":1,"b":1}`, ours: `{"b":1}`, theirs: `{"a":2,"b":1}`, conflict: true},
		{label: "key gone and another changed", name: "a.json", base: `{"a":1,"b":1}`, ours: `{"b":1}`, theirs: `{"a":1,"b":2}`, want: `{"b":2}`},
		{label: "array elements", name: "a.json", base: `[{"n":1},{"n":2}]`, ours: `[{"n":1,"x":1},{"n":2}]`, theirs: `[{"n":1},{"n":2,"y":1}]`, want: `[{"n":1,"x":1},{"n":2,"y":1}]`},
		{label: "large numbers keep their digits", name: "a.json", base: `{"a":12345678901234567890,"b":1}`, ours: `{"a":12345678901234567891,"b":1}`, theirs: `{"a":12345678901234567890,"b":1.50}`, want: `{"a":12345678901234567891,"b":1.50}`},
		{label: "broken JSON goes by lines", name: "a.json", base: "{\n1\n2\n3\n4\n", ours: "{\n0\n2\n3\n4\n", theirs: "{\n1\n2\n3\n5\n", want: "{\n0\n2\n3\n5\n"},
	} {
		t.Run(c.label, func(t *testing.T) {
			got, ok := Three(c.name, []byte(c.base), []byte(c.ours), []byte(c.theirs))
			if ok == c.conflict {
				t.Fatalf("merged is %v; result %q", ok, got)
			}
			if ok && string(got) != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

// laws holds what doc.go promises, for any three texts.
func laws(t interface{ Fatalf(string, ...any) }, name string, b, x, y []byte) {
	for _, c := range []struct{ b, o, t, want []byte }{{b, x, b, x}, {b, b, x, x}, {b, x, x, x}} {
		got, ok := Three(name, c.b, c.o, c.t)
		if !ok || !bytes.Equal(got, c.want) {
			t.Fatalf("Three(%q, %q, %q) = %q, %v", c.b, c.o, c.t, got, ok)
		}
	}
	xy, ok1 := Three(name, b, x, y)
	yx, ok2 := Three(name, b, y, x)
	if ok1 != ok2 {
		t.Fatalf("Three(%q, %q, %q) succeeds one way only: %v %v", b, x, y, ok1, ok2)
	}
	if ok1 && !bytes.Equal(xy, yx) {
		t.Fatalf("Three(%q, %q, %q) depends on the order: %q %q", b, x, y, xy, yx)
	}
}

func TestLaws(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c d\n", "c e f\n", "\n", "x"}), 0, 8).Draw(t, "lines"), ""))
	})
	rapid.Check(t, func(t *rapid.T) {
		laws(t, "a.txt", text.Draw(t, "base"), text.Draw(t, "x"), text.Draw(t, "y"))
	})
}

// Changes in disjoint lines, apart from each other, always merge to both.
func TestDisjointEditsMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 60).Draw(t, "n")
		i := rapid.IntRange(0, n-3).Draw(t, "i")
		k := rapid.IntRange(i+2, n-1).Draw(t, "k")
		make := func(edit map[int]string) []byte {
			var b bytes.Buffer
			for l := range n {
				if s, ok := edit[l]; ok {
					b.WriteString(s)
					continue
				}
				b.WriteString(strings.Repeat("line ", l%3) + string(rune('A'+l)) + "\n")
			}
			return b.Bytes()
		}
		o, u := rapid.SampledFrom([]string{"", "new\n", "new\nmore\n"}).Draw(t, "o"), rapid.SampledFrom([]string{"", "fresh\n"}).Draw(t, "u")
		got, ok := Three("f", make(nil), make(map[int]string{i: o}), make(map[int]string{k: u}))
		if want := make(map[int]string{i: o, k: u}); !ok || !bytes.Equal(got, want) {
			t.Fatalf("got %q, %v; want %q", got, ok, want)
		}
	})
}

// A patch, applied by patch(1), yields the new text.
func TestPatchApplies(t *testing.T) {
	tool, err := exec.LookPath("patch")
	if err != nil {
		tool = ""
	}
	dir := t.TempDir()
	text := rapid.Custom(func(t *rapid.T) []byte {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "d\n", "e\n", "f\n"}), 0, 30).Draw(t, "lines"), "")
		return []byte(s + rapid.SampledFrom([]string{"", "end"}).Draw(t, "end"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		p := Patch("a/f", "b/f", a, b)
		if (p == "") != bytes.Equal(a, b) {
			t.Fatalf("patch of %q and %q is %q", a, b, p)
		}
		if p == "" {
			return
		}
		if got := applyPatch(t, a, p); !bytes.Equal(got, b) {
			t.Fatalf("patched %q, want %q\n%s", got, b, p)
		}
		if tool == "" || rapid.IntRange(0, 9).Draw(t, "sometimes") > 0 {
			return
		}
		f := filepath.Join(dir, "f")
		if err := os.WriteFile(f, a, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool, "-s", f)
		cmd.Stdin = strings.NewReader(p)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, p)
		}
		if got, err := os.ReadFile(f); len(b) > 0 && (err != nil || !bytes.Equal(got, b)) {
			t.Fatalf("patch(1) made %q, want %q: %v\n%s", got, b, err, p)
		}
	})
}

// applyPatch is a strict reader of unified diffs.
func applyPatch(t *rapid.T, text []byte, patch string) []byte {
	old := lines(text)
	var out []byte
	at, side := 0, byte(' ')
	for _, l := range strings.SplitAfter(patch, "\n")[2:] {
		switch {
		case l == "":
		case l[0] == '\\' && side == '-': // the mark belongs to the line before it
		case l[0] == '\\':
			out = bytes.TrimSuffix(out, []byte("\n"))
		case l[0] == '@':
			start := 0
			for _, c := range strings.TrimPrefix(l, "@@ -") {
				if c < '0' || c > '9' {
					break
				}
				start = start*10 + int(c-'0')
			}
			if !strings.Contains(strings.SplitN(l, " +", 2)[0], ",0") {
				start--
			}
			for ; at < start; at++ {
				out = append(out, old[at]...)
			}
		case l[0] == '+':
			out = append(out, l[1:]...)
		default:
			if at >= len(old) || strings.TrimSuffix(l[1:], "\n") != strings.TrimSuffix(string(old[at]), "\n") {
				t.Fatalf("patch expects %q at line %d", l[1:], at+1)
			}
			if l[0] == ' ' {
				out = append(out, l[1:]...)
			}
			at++
		}
		if l != "" {
			side = l[0]
		}
	}
	for ; at < len(old); at++ {
		out = append(out, old[at]...)
	}
	return out
}

func FuzzThree(f *testing.F) {
	f.Add("a.txt", []byte("1\n2\n"), []byte("1\n3\n"), []byte("0\n2\n"))
	f.Add("a.json", []byte(`{"a":1}`), []byte(`{"a":2}`), []byte(`{"a":1,"b":[1,2]}`))
	f.Add("a.json", []byte(`{"a":1,"a":2}`), []byte(`[]`), []byte(`null`))
	f.Add("a.yaml", []byte("a: 1\nb:\n  - x\n"), []byte("a: 2 # c\nb:\n  - x\n"), []byte("a: 1\nb:\n  - x\n  - y\n"))
	f.Add("a.md", []byte("---\na: 1\n---\nx\n"), []byte("---\na: 2\n---\nx\n"), []byte("---\na: 1\nb: 1\n---\ny\n"))
	f.Add("a.tsx", []byte("<p a=\"1\">x</p>\n"), []byte("<p a=\"2\">x</p>\n"), []byte("<p a=\"1\" b>y</p>\n"))
	f.Fuzz(func(t *testing.T, name string, b, x, y []byte) {
		laws(t, name, b, x, y)
		Patch("a", "b", x, y)
	})
}
