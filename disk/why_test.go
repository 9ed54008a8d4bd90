package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"matrixos/sys"
)

// write lands files as an agent does, without a workspace.
func (h *home) write(title string, files map[sys.Path]string) sys.LandingID {
	h.t.Helper()
	w := Write{Files: map[sys.Path][]byte{}, Kind: sys.ByAgent, Title: title, Provenance: sys.Provenance{Program: "builder", Process: 7, Model: "offline"}}
	for p, text := range files {
		w.Files[p] = []byte(text)
		if text == gone {
			w.Files[p] = nil
		}
	}
	info, err := h.Write(context.Background(), w)
	if err != nil {
		h.t.Fatal(err)
	}
	return info.ID
}

const gone = "<absent>"

func (h *home) whys(path sys.Path, o WhyOptions) Explanation {
	h.t.Helper()
	e, err := h.Why(context.Background(), path, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// origins is the landings of a text's lines, in order.
func (h *home) origins(path sys.Path) string {
	h.t.Helper()
	var out []string
	for _, l := range h.whys(path, WhyOptions{}).Lines {
		s := l.Landing.String()
		if l.From != "" {
			s += "@" + string(l.From)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// Every line is explained by the landing that wrote it: through edits, a
// rename, an undo, and an undo of the undo.
func TestWhyFollowsLines(t *testing.T) {
	h := open(t, t.TempDir())
	a := h.write("Write a list", map[sys.Path]string{"list.md": "milk\nbread\neggs\ntea\n"})
	b := h.write("Add salt", map[sys.Path]string{"list.md": "milk\nsalt\nbread\neggs\ntea\n"})
	if got, want := h.origins("list.md"), fmt.Sprintf("%s %s %s %s %s", a, b, a, a, a); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.Rename(filepath.Join(h.root, "list.md"), filepath.Join(h.root, "shopping.md")); err != nil {
		t.Fatal(err)
	}
	h.put("shopping.md", "milk\nsalt\nbread\neggs\ntea\ncoffee\n") // renamed and edited at once
	e := h.whys("shopping.md", WhyOptions{})
	c := e.At
	want := fmt.Sprintf("%s@list.md %s@list.md %s@list.md %s@list.md %s@list.md %s", a, b, a, a, a, c)
	if got := h.origins("shopping.md"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(e.Causes) != 3 || e.Causes[0].Kind != sys.ByOwner || e.Causes[0].Lines != 1 || e.Causes[2].Lines != 4 || e.Causes[2].Title != "Write a list" {
		t.Errorf("causes %+v", e.Causes)
	}
	d := h.write("Throw half away", map[sys.Path]string{"shopping.md": "milk\n"})
	if _, _, err := h.Undo(context.Background(), d, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := h.origins("shopping.md"); got != want {
		t.Errorf("after an undo %s, want %s", got, want)
	}
	gone := h.whys("list.md", WhyOptions{})
	if gone.Kind != "deleted" || gone.MovedTo != "shopping.md" || len(gone.Causes) != 1 || gone.Causes[0].Landing != c {
		t.Errorf("%+v", gone)
	}
	one := h.whys("shopping.md", WhyOptions{Line: 2})
	if len(one.Lines) != 1 || one.Lines[0].Text != "salt" || one.Lines[0].Landing != b || len(one.Causes) != 1 {
		t.Errorf("%+v", one)
	}
}

// What was restored is from whoever wrote it, a merge keeps both authors, and a
// binary file has one cause.
func TestWhyThroughRestoreAndMerge(t *testing.T) {
	ctx := context.Background()
	h := open(t, t.TempDir())
	a := h.write("Write", map[sys.Path]string{"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"})
	h.write("Destroy", map[sys.Path]string{"a.txt": "nothing\n"})
	if _, err := h.Restore(ctx, "a.txt", a, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	tx := h.begin()
	put(t, filepath.Join(tx.Dir(), "a.txt"), "one\n2\n3\n4\n5\n6\n7\n8\n9\n")
	b := h.write("Count on", map[sys.Path]string{"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"})
	c, err := tx.Land(ctx, Landing{Title: "In words"})
	if err != nil {
		t.Fatal(err)
	}
	want := c.ID.String() + strings.Repeat(" "+a.String(), 8) + " " + b.String()
	if got := h.origins("a.txt"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	x := h.write("A picture", map[sys.Path]string{"p.png": "\x00\x01"})
	h.write("Another", map[sys.Path]string{"p.png": gone, "q.png": "\x00\x01"})
	if e := h.whys("q.png", WhyOptions{}); e.Kind != "binary" || len(e.Lines) != 0 || len(e.Causes) != 1 || e.Causes[0].Landing != x {
		t.Errorf("%+v", e)
	}
}

// A folder is what the last landing of each of its files made it.
func TestWhyFolder(t *testing.T) {
	h := open(t, t.TempDir())
	a := h.write("One", map[sys.Path]string{"d/x": "x", "d/y": "y"})
	b := h.write("Two", map[sys.Path]string{"d/y": "yy", "d/z": "z"})
	e := h.whys("d", WhyOptions{})
	if e.Kind != "folder" || len(e.Causes) != 2 || e.Causes[0].Landing != b || len(e.Causes[0].Files) != 2 || e.Causes[1].Landing != a || fmt.Sprint(e.Causes[1].Files) != "[d/x]" {
		t.Errorf("%+v", e)
	}
	if e := h.whys("d", WhyOptions{At: a}); len(e.Causes) != 1 {
		t.Errorf("as of %s: %+v", a, e)
	}
}

// What cannot be explained says so with a way out.
func TestWhyRefuses(t *testing.T) {
	h := open(t, t.TempDir())
	h.put("x.tmp", "ignored")
	for path, want := range map[sys.Path]sys.Kind{"never": sys.NotFound, "x.tmp": sys.Invalid, "system/soul.md": sys.Invalid} {
		_, err := h.Why(context.Background(), path, WhyOptions{Line: 99})
		if !errors.Is(err, want) || sys.HintOf(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// In any history of edits, renames, undos and restores, each line is from the
// landing that first wrote it. Every line says in its text which that was.
func TestWhyProperty(t *testing.T) {
	h, files := open(t, t.TempDir()), 0
	rapid.Check(t, func(r *rapid.T) {
		files++
		name := fmt.Sprintf("%d-", files)
		path, lines := sys.Path(name), []string{}
		var undoable []sys.LandingID
		for i := range rapid.IntRange(2, 6).Draw(r, "steps") {
			next := h.Head() + 1
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0: // rename
				to := sys.Path(name + strconv.Itoa(i))
				if len(lines) > 0 {
					h.write("rename", map[sys.Path]string{path: gone, to: strings.Join(lines, "")})
					path, undoable = to, nil
				}
			case 1: // undo the newest
				if n := len(undoable); n > 0 {
					if _, _, err := h.Undo(context.Background(), undoable[n-1], UndoOptions{}); err != nil {
						r.Fatal(err)
					}
					undoable = nil
					lines = strings.SplitAfter(h.landed(string(path)), "\n")
					lines = lines[:len(lines)-1]
				}
			default:
				k := rapid.IntRange(0, len(lines)).Draw(r, "at")
				cut := rapid.IntRange(0, min(2, len(lines)-k)).Draw(r, "cut")
				var in []string
				for j := range rapid.IntRange(1, 3).Draw(r, "in") {
					in = append(in, fmt.Sprintf("%d line %d\n", next, j))
				}
				fresh := len(lines) == 0
				lines = append(append(append([]string{}, lines[:k]...), in...), lines[k+cut:]...)
				h.write("edit", map[sys.Path]string{path: strings.Join(lines, "")})
				if !fresh {
					undoable = append(undoable, next)
				}
			}
		}
		if len(lines) == 0 {
			return
		}
		for _, l := range h.whys(path, WhyOptions{}).Lines {
			if !strings.HasPrefix(l.Text, strconv.Itoa(int(l.Landing))+" ") {
				r.Fatalf("%q is said to be from %s", l.Text, l.Landing)
			}
		}
	})
}
