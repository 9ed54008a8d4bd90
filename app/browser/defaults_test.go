package browser

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/sys"
)

// defaults are the apps that every home begins with, and for each a fault that is
// valid but wrong: it compiles, the app opens, and a person would notice too late.
var defaults = []struct{ folder, file, from, to string }{
	{"board", "src/App.tsx", `order="place"`, ``},
	{"calculator", "src/reckon.ts", `sign * (right.percent ? left * right.value : right.value)`, `sign * right.value`},
	{"calendar", "src/App.tsx", `time="time"`, `time="ends"`},
	{"clock", "src/App.tsx", `offset(a.zone, now) - offset(b.zone, now)`, `offset(b.zone, now) - offset(a.zone, now)`},
	{"games/2048", "src/slide.ts", `score += gained`, `score += 1`},
	{"games/backgammon", "src/rules.ts", `behind ? 3 : 2`, `behind ? 2 : 3`},
	{"games/chess", "src/rules.ts", `if (kind === 1 && to === p.passing) board[to + 8 * p.side] = 0;`, ``},
	{"games/minesweeper", "src/App.tsx", `orderBy: { seconds: "asc" }`, `orderBy: { seconds: "desc" }`},
	{"games/snake", "src/App.tsx", `orderBy: { score: "desc" }`, `orderBy: { score: "asc" }`},
	{"games/solitaire", "src/klondike.ts", `red(under) !== red(first)`, `red(under) === red(first)`},
	{"games/tetris", "src/App.tsx", `insert({ score: g.score,`, `insert({ score: g.lines,`},
	{"habits", "src/streak.ts", `Math.round((done / meant) * 100)`, `Math.ceil((done / meant) * 100)`},
	{"money", "src/budget.ts", `const cents = (n: number) => Math.round(n * 100) / 100;`, `const cents = (n: number) => Math.round(n * 10) / 10;`},
	{"notes", "src/note.ts", `when(b).localeCompare(when(a))`, `when(a).localeCompare(when(b))`},
	{"pomodoro", "src/App.tsx", `setCycle(next(cycle, lengths));`, ``},
	{"todo", "src/App.tsx", `act(update(row.id, { due: next }));`, ``},
	{"weather", "src/App.tsx", "`${Math.round(n)}°`", "`${Math.floor(n)}°`"},
	{"whiteboard", "src/useItems.ts", `sort((a, b) => a.place - b.place)`, `sort((a, b) => b.place - a.place)`},
}

const template = "../../home/template"

// Every app that a home begins with keeps its contract.
func TestDefaultAppsKeepTheirContracts(t *testing.T) {
	w := newWorld(t)
	tree := os.DirFS(template)
	seen := 0
	err := fs.WalkDir(tree, "apps", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "matrix.json" {
			return err
		}
		seen++
		folder := strings.TrimSuffix(p, "/matrix.json")
		r := w.judge(tree, folder, false)
		if !r.Green || r.None {
			t.Errorf("%s: none %v\n%s", folder, r.None, r.Text())
		}
		for _, s := range r.Scenarios {
			if len(s.Console) > 0 {
				t.Errorf("%s, %q complains: %q", folder, s.Name, s.Console)
			}
		}
		return nil
	})
	if err != nil || seen != len(defaults) {
		t.Fatal(seen, err)
	}
}

// A sort, a rounding, a dropped save in each of them is found.
func TestWrongDefaultAppsAreFound(t *testing.T) {
	w := newWorld(t)
	for _, d := range defaults {
		folder := "apps/" + d.folder
		w.tree = fstest.MapFS{}
		w.from(template, folder)
		file := folder + "/" + d.file
		old := string(w.tree[file].Data)
		if strings.Count(old, d.from) != 1 {
			t.Errorf("%s has %d places of %q", file, strings.Count(old, d.from), d.from)
		}
		w.put(file, strings.Replace(old, d.from, d.to, 1))
		if r := w.judge(w.tree, folder, true); r.Green {
			t.Errorf("%s: %q for %q is not found", folder, d.to, d.from)
		} else {
			t.Logf("%s: %s", d.folder, r.Text())
		}
	}
}

// judge tries an app; hasty ends with the first scenario that fails.
func (w *world) judge(tree fs.FS, folder string, hasty bool) sys.ContractReport {
	w.t.Helper()
	trial, err := w.rt.Try(w.t.Context(), tree, sys.Path(folder))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := trial.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	r := sys.ContractReport{App: trial.Slug(), None: trial.None, Faults: trial.Faults}
	if len(r.Faults) > 0 {
		w.t.Fatal(folder, r.Text())
	}
	if hasty {
		r.Scenarios, err = w.b.Try(w.t.Context(), trial, everyPlace(trial))
	} else {
		r.Scenarios, err = w.b.Run(w.t.Context(), trial)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r.Settle()
	return r
}
