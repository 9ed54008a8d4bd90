package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"matrixos/disk/merge"
	"matrixos/sys"
)

// source is a small app whose every line has places that changes set.
type source struct {
	rng   *rand.Rand
	lines map[string][]line // by file
}

type line struct {
	form string // with %s for each place
	with []string
}

const (
	appFile      = "apps/till/src/App.tsx"
	styleFile    = "apps/till/src/style.css"
	settingsFile = "apps/till/settings.json"
)

var sourceFiles = []string{appFile, appFile, styleFile, settingsFile} // weighted

func newSource(seed uint64) *source {
	s := &source{rng: rand.New(rand.NewPCG(seed, 1)), lines: map[string][]line{}}
	for i := range 14 {
		n := strconv.Itoa(i)
		s.lines[appFile] = append(s.lines[appFile],
			line{"const rate" + n + " = total(%s, %s) * %s;", []string{"net" + n, "tax" + n, "one"}},
			line{"  <Field id=\"f" + n + "\" label=\"%s\" size={%s} onChange={%s} />", []string{"Label " + n, "size" + n, "save" + n}},
			line{"// the part " + n, nil})
		s.lines[styleFile] = append(s.lines[styleFile], line{".row-" + n + " { margin: %s; color: var(--%s); }", []string{n + "px", "ink" + n}})
		s.lines[settingsFile] = append(s.lines[settingsFile], line{"  { \"id\": " + n + ", \"name\": \"%s\", \"kind\": \"%s\" }", []string{"name" + n, "kind" + n}})
	}
	return s
}

func (s *source) text(file string) []byte {
	var b strings.Builder
	if file == settingsFile {
		b.WriteString("[\n")
	}
	for i, l := range s.lines[file] {
		args := make([]any, len(l.with))
		for k, w := range l.with {
			args[k] = w
		}
		fmt.Fprintf(&b, l.form, args...)
		if file == settingsFile && i < len(s.lines[file])-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	if file == settingsFile {
		b.WriteString("]\n")
	}
	return []byte(b.String())
}

const bug = "BUG"

// change makes one clustered change of a few edits, each with a mark of its own;
// one of them is the bug, if guilty.
func (s *source) change(k int, guilty bool) {
	file := sourceFiles[s.rng.IntN(len(sourceFiles))]
	centre := s.rng.IntN(len(s.lines[file]))
	if s.rng.IntN(2) == 0 {
		centre = len(s.lines[file]) / 3 // a place that many changes touch
	}
	for e := range 1 + s.rng.IntN(4) {
		list := s.lines[file]
		at := min(max(centre+s.rng.IntN(7)-3, 0), len(list)-1)
		mark := fmt.Sprintf("m%dn%dm", k, e)
		planted := guilty && e == 0
		for planted && len(list[at].with) == 0 {
			at = (at + 1) % len(list)
		}
		switch l := &list[at]; {
		case !planted && (s.rng.IntN(4) == 0 || len(l.with) == 0):
			fresh := line{"// " + mark + " %s", []string{"x" + mark}}
			switch file {
			case styleFile:
				fresh = line{"." + mark + " { padding: %s; }", []string{mark + "px"}}
			case settingsFile:
				fresh = line{"  { \"id\": " + strconv.Itoa(1000+10*k+e) + ", \"name\": \"%s\", \"kind\": \"" + mark + "\" }", []string{mark}}
			}
			s.lines[file] = append(list[:at+1:at+1], append([]line{fresh}, list[at+1:]...)...)
		default:
			place := s.rng.IntN(len(l.with))
			with := append([]string(nil), l.with...)
			switch {
			case planted:
				with[place] = bug + strconv.Itoa(k)
			case strings.HasPrefix(with[place], bug): // somebody builds on it, now and then
				if s.rng.IntN(8) > 0 {
					continue
				}
				with[place] += mark
			default:
				with[place] = mark
			}
			list[at] = line{l.form, with}
		}
	}
}

// marks finds which marks a text has.
func marks(text []byte) map[string]bool {
	out := map[string]bool{}
	for _, f := range strings.FieldsFunc(string(text), func(r rune) bool { return !strings.ContainsRune("mn0123456789", r) }) {
		if strings.HasPrefix(f, "m") && strings.Contains(f, "n") {
			out[f] = true
		}
	}
	return out
}

type tally struct{ runs, found, lines, tokens, removed, lost int }

// Histories of clustered changes to an app, one of them guilty: bisect finds it,
// and undo takes it out while every later good change stays. `make soak` makes
// it many histories.
func TestTheGuiltyChangeIsFoundAndTakenOut(t *testing.T) {
	histories := max(soak(t, 30, 60), 2)
	var sum tally
	for seed := range histories {
		guiltyHistory(t, uint64(seed), &sum)
	}
	rate := func(n int) string { return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(sum.runs)) }
	t.Logf("%d histories of 32 changes: found %s; taken out by lines %s, tokens %s, minimised %s; %d good changes lost",
		sum.runs, rate(sum.found), rate(sum.lines), rate(sum.tokens), rate(sum.removed), sum.lost)
	if sum.found != sum.runs || sum.lost != 0 || 10*sum.removed < 9*sum.runs {
		t.Errorf("%+v", sum)
	}
}

func guiltyHistory(t *testing.T, seed uint64, sum *tally) {
	ctx := context.Background()
	h := open(t, memory(t))
	defer h.close()
	s := newSource(seed)
	write := func(title string) sys.LandingInfo {
		files := map[sys.Path][]byte{}
		for file := range s.lines {
			files[sys.Path(file)] = s.text(file)
		}
		info, err := h.Write(ctx, Write{Files: files, Title: title, Provenance: sys.Provenance{Program: "builder"}})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	base := write("the app")
	guilty := 4 + s.rng.IntN(24)
	var culprit sys.LandingID
	for k := range 32 {
		s.change(k, k == guilty)
		if info := write(fmt.Sprint("change ", k)); k == guilty {
			culprit = info.ID
		}
		if k%5 == 0 { // something that has nothing to do with it
			if _, err := h.Write(ctx, Write{Files: map[sys.Path][]byte{"system/other.md": fmt.Append(nil, k)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(_ context.Context, tree fs.FS) error {
		for file := range s.lines {
			text, err := fs.ReadFile(tree, file)
			if err != nil {
				return err
			}
			if strings.Contains(string(text), bug) {
				return errors.New(file + " has it")
			}
		}
		return nil
	}
	sum.runs++
	found, err := h.Bisect(ctx, BisectOptions{Good: base.ID, Path: "apps/till", Trust: true, Test: func(ctx context.Context, v *View) error { return check(ctx, v) }})
	if err != nil {
		t.Fatal(err)
	}
	if found.First == culprit && len(found.Steps) <= int(math.Ceil(math.Log2(float64(found.Of)))) {
		sum.found++
	} else {
		t.Errorf("seed %d: found %s in %d tests, it is %s", seed, found.First, len(found.Steps), culprit)
	}
	byLines, byTokens := rungs(h, s, culprit)
	if byLines {
		sum.lines++
	}
	if byTokens {
		sum.tokens++
	}
	before := map[string][]byte{}
	for file := range s.lines {
		before[file] = []byte(h.landed(file))
	}
	_, _, err = h.Undo(ctx, culprit, UndoOptions{Keep: check})
	if err == nil {
		sum.removed++
	} else if !errors.Is(err, sys.Conflict) && !errors.Is(err, sys.NotVerified) {
		t.Fatalf("seed %d: %v", seed, err)
	}
	own := fmt.Sprintf("m%dn", guilty)
	for file, text := range before {
		now := marks([]byte(h.landed(file)))
		for mark := range marks(text) {
			if !now[mark] && !strings.HasPrefix(mark, own) {
				sum.lost++
				t.Logf("seed %d: %s lost %s", seed, file, mark)
			}
		}
	}
}

// rungs tells which rungs of the ladder take the landing back as a whole.
func rungs(h *home, s *source, id sys.LandingID) (byLines, byTokens bool) {
	h.t.Helper()
	byLines, byTokens = true, true
	read := func(id sys.LandingID, file string) []byte {
		v, err := h.View(id)
		if err != nil {
			h.t.Fatal(err)
		}
		b, err := v.ReadFile(file)
		if err != nil {
			h.t.Fatal(err)
		}
		return b
	}
	for file := range s.lines {
		after, head, before := read(id, file), read(0, file), read(id-1, file)
		_, ok := merge.ByLines(after, head, before)
		byLines = byLines && ok
		_, ok = merge.Three(file, after, head, before)
		byTokens = byTokens && ok
	}
	return byLines, byTokens
}
