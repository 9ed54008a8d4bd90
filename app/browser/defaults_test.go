package browser

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/app/contract"
	"matrixos/sys"
)

// defaults are the apps that every home begins with, and for each a fault that is
// valid but wrong: it compiles, the app opens, and a person would notice too late.
// found is the scenario that has to notice it.
var defaults = []struct{ folder, file, from, to, found string }{
	{"board", "src/App.tsx", `order="place"`, ``, "cards are dragged to another column and another place"},
	{"calculator", "src/reckon.ts", `sign * (right.percent ? left * right.value : right.value)`, `sign * right.value`, "percent is of what stands before it"},
	{"calendar", "src/App.tsx", `time="time"`, `time="ends"`, "an appointment is entered, shown on its day, and stays"},
	{"clock", "src/App.tsx", `offset(a.zone, now) - offset(b.zone, now)`, `offset(b.zone, now) - offset(a.zone, now)`, "the time here and elsewhere"},
	{"games/2048", "src/slide.ts", `score += gained`, `score += 1`, "numbers slide and join once, and the score counts them"},
	{"games/backgammon", "src/rules.ts", `behind ? 3 : 2`, `behind ? 2 : 3`, "a gammon counts twice"},
	{"games/chess", "src/rules.ts", `if (kind === 1 && to === p.passing) board[to + 8 * p.side] = 0;`, ``, "a pawn is taken in passing"},
	{"games/four-in-a-row", "src/four.ts", "players.find((p) => p !== by)", "by", "with somebody else games are won and given up, and the wins of both are shown"},
	{"games/minesweeper", "src/App.tsx", `orderBy: { seconds: "asc" }`, `orderBy: { seconds: "desc" }`, "the last safe field wins"},
	{"games/snake", "src/App.tsx", `orderBy: { score: "desc" }`, `orderBy: { score: "asc" }`, "the snake runs into the wall"},
	{"games/solitaire", "src/klondike.ts", `red(under) !== red(first)`, `red(under) === red(first)`, "a column takes the next lower card of the other colour"},
	{"games/tetris", "src/App.tsx", `insert({ score: g.score,`, `insert({ score: g.lines,`, "a game begins, and blocks pile up until it is over"},
	{"habits", "src/streak.ts", `Math.round((done / meant) * 100)`, `Math.ceil((done / meant) * 100)`, "the share is of the last 30 days, from when the habit began"},
	{"money", "src/budget.ts", `const cents = (n: number) => Math.round(n * 100) / 100;`, `const cents = (n: number) => Math.round(n * 10) / 10;`, "the figures are those of the month"},
	{"notes", "src/note.ts", `when(b).localeCompare(when(a))`, `when(a).localeCompare(when(b))`, "pinned notes come first, then the newest, and a search finds by words"},
	{"pomodoro", "src/App.tsx", `setCycle(next(cycle, lengths));`, ``, "a stretch of work runs down, is counted, and a break follows"},
	{"shared-list", "src/list.ts", `a.order - b.order`, `b.order - a.order`, "a list with somebody else: both write, and both see it"},
	{"todo", "src/App.tsx", `act(update(row.id, { due: next }));`, ``, "what repeats comes again"},
	{"weather", "src/App.tsx", "`${Math.round(n)}°`", "`${Math.floor(n)}°`", "a place is looked for, added, and its weather shown"},
	{"whiteboard", "src/useItems.ts", `sort((a, b) => a.place - b.place)`, `sort((a, b) => b.place - a.place)`, "what lies on top is met first"},
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
		r := w.judge(tree, folder, "")
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
		r := w.judge(w.tree, folder, d.found)
		if r.Green || len(r.Scenarios) != 1 {
			t.Errorf("%s: %q for %q is not found by %q", folder, d.to, d.from, d.found)
		}
		t.Logf("%s: %s", d.folder, r.Text())
	}
}

// judge tries an app, with all of its scenarios or the one of that name.
func (w *world) judge(tree fs.FS, folder, scenario string) sys.ContractReport {
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
	if scenario == "" {
		r.Scenarios, err = w.b.Run(w.t.Context(), trial)
	} else {
		i := slices.IndexFunc(trial.Contract.Scenarios, func(s contract.Scenario) bool { return s.Name == scenario })
		if i < 0 {
			w.t.Fatalf("%s has no scenario %q", folder, scenario)
		}
		r.Scenarios, err = w.b.Try(w.t.Context(), trial, []int{i})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r.Settle()
	return r
}
