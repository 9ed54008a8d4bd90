package boot

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"matrixos/app/strength"
	"matrixos/sys"
)

// mutant plants a wrong change with n later ones on top, near it and far, some of
// them in the same line. Every second one comes together with a good change, which has
// to stay.
func (b *bench) mutant(a *subject, m strength.Wrong, n int) fault {
	file := sys.Path(m.File)
	f := fault{name: fmt.Sprintf("%s %s, %d landings back", path.Base(m.File), m.Mutant, n), by: sys.ByAgent, marks: map[sys.Path][]string{}}
	planted, want := m.Text, string(a.files[file])
	b.serial++
	if b.serial%2 == 0 {
		line := fmt.Sprintf("// with it %d", b.serial)
		if x, y, ok := b.insert(planted, want, line, m.Line, 4); ok {
			planted, want = x, y
		}
	}
	f.culprit = map[sys.Path][]byte{file: []byte(planted)}
	f.want = maps.Clone(a.files)
	for i := range n {
		mark := fmt.Sprintf("later %d.%d", b.serial, i)
		at, ok := file, false
		switch i % 5 {
		case 0: // what runs is another program from here on
			planted, want, ok = b.insert(planted, want, fmt.Sprintf("Object.assign(globalThis, { %q: true });", mark), m.Line, 0)
		case 1:
			planted, want, ok = sameLine(planted, want, " // "+mark)
		case 2:
			planted, want, ok = planted+"// "+mark+"\n", want+"// "+mark+"\n", true
		case 3:
			planted, want, ok = b.insert(planted, want, "// "+mark, m.Line, 0)
		}
		if ok {
			f.later = append(f.later, map[sys.Path][]byte{file: []byte(planted)})
		} else {
			at = a.folder + "/src/" + sys.Path(fmt.Sprintf("later%d.ts", i))
			text := []byte("// " + mark + "\nexport const later = " + fmt.Sprint(i) + ";\n")
			f.later, f.want[at] = append(f.later, map[sys.Path][]byte{at: text}), text
		}
		f.marks[at] = append(f.marks[at], mark)
	}
	f.want[file] = []byte(want)
	return f
}

var anchor = regexp.MustCompile(`^(import|export|const|function|type|interface) .*`)

// insert puts a line before a line of the outermost level that both texts have once: the
// nearest to a place, and at least so many lines away from it.
func (b *bench) insert(planted, want, line string, near, away int) (string, string, bool) {
	best, dist := "", 1<<30
	for i, l := range strings.Split(want, "\n") {
		d := max(i+1-near, near-i-1)
		if d < away || d >= dist || !anchor.MatchString(l) || strings.Count(want, l+"\n") != 1 || strings.Count(planted, l+"\n") != 1 {
			continue
		}
		if before := strings.Split(want, "\n")[:i]; within(before) {
			continue
		}
		best, dist = l, d
	}
	if best == "" {
		return planted, want, false
	}
	put := func(text string) string { return strings.Replace(text, best+"\n", line+"\n"+best+"\n", 1) }
	return put(planted), put(want), true
}

// within reports whether lines end inside a text of several lines or a list of imports.
func within(lines []string) bool {
	text := strings.Join(lines, "\n")
	return strings.Count(text, "`")%2 == 1 || strings.Count(text, "/*") != strings.Count(text, "*/")
}

// sameLine adds a comment to the one line that differs, if it is a whole statement.
func sameLine(planted, want, comment string) (string, string, bool) {
	p, w := strings.Split(planted, "\n"), strings.Split(want, "\n")
	if len(p) != len(w) {
		return planted, want, false
	}
	at := -1
	for i := range p {
		if p[i] != w[i] {
			if at >= 0 {
				return planted, want, false
			}
			at = i
		}
	}
	if at < 0 || !statement.MatchString(strings.TrimSpace(w[at])) || !statement.MatchString(strings.TrimSpace(p[at])) || within(w[:at]) {
		return planted, want, false
	}
	p[at] += comment
	w[at] += comment
	return strings.Join(p, "\n"), strings.Join(w, "\n"), true
}

var statement = regexp.MustCompile(`^(const|let|return|await|export const) [^<>` + "`" + `]*;$`)

// structural are the damages of an app, each with a later change of something else on top:
// every file of some length is cut short, has zeros in it, and is deleted.
func (b *bench) structural(a *subject) (out []fault) {
	files := slices.Sorted(maps.Keys(a.files))
	code := slices.DeleteFunc(slices.Clone(files), func(p sys.Path) bool { return !source(p) || len(a.files[p]) < 400 })
	all := slices.DeleteFunc(files, func(p sys.Path) bool { return len(a.files[p]) < 80 })
	pick := func(list []sys.Path) sys.Path { return list[b.random.IntN(len(list))] }
	add := func(name string, p sys.Path, bad []byte) {
		b.serial++
		mark := fmt.Sprintf("later %d", b.serial)
		note := a.folder + "/src/later.ts"
		f := fault{name: name + " in " + string(p), by: sys.ByOwner, culprit: map[sys.Path][]byte{p: bad}, want: maps.Clone(a.files), marks: map[sys.Path][]string{note: {mark}}}
		f.want[note] = []byte("// " + mark + "\nexport const later = 1;\n")
		f.later = []map[sys.Path][]byte{{note: f.want[note]}}
		out = append(out, f)
	}
	for _, p := range all {
		add("cut short", p, middle(a.files[p]))
		add("zeros", p, zeroed(a.files[p]))
		add("deleted", p, nil)
	}
	if len(code) > 0 {
		p := pick(code)
		lines := bytes.SplitAfter(a.files[p], []byte("\n"))
		i := len(lines) / 2
		bad := slices.Concat(lines[:i], [][]byte{[]byte("<<<<<<< HEAD\n"), lines[i], []byte("=======\n"), []byte("mine\n"), []byte(">>>>>>> other\n")}, lines[i+1:])
		add("marks of a conflict", p, bytes.Join(bad, nil))
	}
	for _, name := range []sys.Path{"/matrix.json", "/contract.json"} {
		text := a.files[a.folder+name]
		add("wrong JSON", a.folder+name, bytes.Replace(text, []byte(`",`), []byte(`,`), 1))
	}
	return out
}

func middle(text []byte) []byte {
	n := len(text) / 2
	for text[n-1] == '\n' || text[n] == '\n' { // a hand may end there
		n--
	}
	return text[:n]
}

func zeroed(text []byte) []byte {
	out := slices.Clone(text)
	from := len(out) / 3
	clear(out[from:min(len(out), from+64)])
	return out
}

// silent flips a bit in a stored object of the app, as a failing disk does: its sum says
// so, and it is restored from the live file.
func (b *bench) silent(a *subject) {
	b.t.Helper()
	ctx := b.t.Context()
	view, err := b.s.disk.View(0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range slices.Sorted(maps.Keys(a.files)) {
		hash := view.Hash(p)
		name := filepath.Join(b.s.home, sys.Store, "repo.git", "objects", hash[:2], hash[2:])
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // it is in a pack
		}
		raw[len(raw)/2] ^= 1 << b.random.IntN(8)
		if err := os.Chmod(name, 0o600); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			b.t.Fatal(err)
		}
		n := &a.score.Structural
		n.Planted++
		r, err := b.s.disk.Scrub(ctx, 0)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.s.healer.Scrubbed(ctx, r, nil); err != nil {
			b.t.Fatal(err)
		}
		if len(r.Problems) > 0 {
			n.Detected++
			n.Localised++
		}
		if len(r.Problems) > 0 && r.Lost() == 0 && same(b.read(a.folder), a.files) {
			n.Repaired++
			n.Millis = append(n.Millis, r.Finished.Sub(r.Started).Milliseconds())
		}
		return
	}
}
