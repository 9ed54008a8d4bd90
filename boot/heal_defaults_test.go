//go:build !race

package boot

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrixos/app/mutate"
	"matrixos/app/strength"
	"matrixos/home"
	"matrixos/sys"
)

// wrongDefaults has for each app that every home begins with a fault that is valid but
// wrong: it compiles, the app opens, and a person would notice too late. found is a
// scenario that has to notice it.
var wrongDefaults = []struct{ folder, file, from, to, found string }{
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

// turns is in how many days every app has its turn.
const turns = 7

// TestDefaultAppsAreHealed: each app that a home begins with keeps its contract; a flipped
// sort, a wrong rounding or a dropped save in it, five landings back, is found, blamed on
// the landing that brought it, explained and taken back, and of what came after not a byte is
// lost; and so it is with a file that is cut short or has zeros in it.
//
// That takes some minutes for all of them: each is healed on one day of seven, and on the
// others the fault has to be found. Which file is damaged depends on the day as well.
// MATRIXOS_HEAL_DEFAULTS repeats a day (its number is in the log), or with "all" spares
// nothing. The race detector would slow down compilers that are not ours: the bench runs
// under it.
func TestDefaultAppsAreHealed(t *testing.T) {
	b := newBench(t)
	day, all := time.Now().YearDay(), false
	switch s := os.Getenv("MATRIXOS_HEAL_DEFAULTS"); s {
	case "":
	case "all":
		all = true
	default:
		var err error
		if day, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("MATRIXOS_HEAL_DEFAULTS=%d repeats this", day)
	folders := defaultApps(t)
	for _, w := range wrongDefaults {
		if !slices.Contains(folders, sys.Path("apps/"+w.folder)) {
			t.Errorf("there is no app %s", w.folder)
		}
	}
	for i, folder := range folders {
		t.Run(string(folder), func(t *testing.T) {
			outer := b.t
			b.t = t
			defer func() { b.t = outer }()
			a := b.keeps(folder)
			if !all && (i+day)%turns != 0 {
				b.findsWrong(a)
				return
			}
			b.healsWrong(a)
			damages := b.structural(a)
			if !all {
				damages = slices.DeleteFunc(damages, func(f fault) bool {
					return !strings.HasPrefix(f.name, "cut short") && !strings.HasPrefix(f.name, "zeros")
				})
				n := (i + day) % len(damages)
				damages = damages[n : n+1]
			}
			for _, f := range damages {
				b.heals(a, b.busier(a, f))
			}
		})
	}
}

// defaultApps are the folders of the apps in the template.
func defaultApps(t *testing.T) (out []sys.Path) {
	t.Helper()
	err := fs.WalkDir(home.Template(), "apps", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "matrix.json" {
			out = append(out, sys.Path(path.Dir(p)))
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatal(len(out), err)
	}
	return out
}

// keeps tries an app as it is.
func (b *bench) keeps(folder sys.Path) *subject {
	b.t.Helper()
	view, err := b.s.disk.View(0)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.s.apps.promise.check(b.t.Context(), view, folder)
	if err != nil {
		b.t.Fatal(err)
	}
	if !r.Green || r.None || r.Level != sys.VerifiedBrowser {
		b.t.Fatalf("as it is: none %v\n%s", r.None, r.Text())
	}
	for _, s := range r.Scenarios {
		if len(s.Console) > 0 {
			b.t.Errorf("%q complains: %q", s.Name, s.Console)
		}
	}
	return &subject{slug: r.App, folder: folder, files: b.read(folder), score: &score{}}
}

// wrong is the fault that the table has for an app, and the scenario that has to notice it.
func (b *bench) wrong(a *subject) (strength.Wrong, string) {
	b.t.Helper()
	n := slices.IndexFunc(wrongDefaults, func(w struct{ folder, file, from, to, found string }) bool {
		return "apps/"+w.folder == string(a.folder)
	})
	if n < 0 {
		b.t.Fatal("no fault is known for it: add one to wrongDefaults")
	}
	w := wrongDefaults[n]
	file := a.folder + "/" + sys.Path(w.file)
	old := string(a.files[file])
	if strings.Count(old, w.from) != 1 {
		b.t.Fatalf("%s has %d places of %q", file, strings.Count(old, w.from), w.from)
	}
	return strength.Wrong{
		Mutant: mutate.Mutant{Operator: "planted", Line: 1 + strings.Count(old[:strings.Index(old, w.from)], "\n"), From: w.from, To: w.to},
		File:   string(file), Text: strings.Replace(old, w.from, w.to, 1),
	}, w.found
}

// finds demands that a scenario fails as of the landing that has the fault.
func (b *bench) finds(a *subject, at sys.LandingID, scenario string) {
	b.t.Helper()
	view, err := b.s.disk.View(at)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := judge{b.s.apps.promise}.Part(b.t.Context(), view, a.folder, scenario)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.Green || len(r.Scenarios) != 1 {
		b.t.Errorf("the fault is not found by %q", scenario)
	}
}

// findsWrong plants the fault that the table has for an app.
func (b *bench) findsWrong(a *subject) {
	b.t.Helper()
	m, scenario := b.wrong(a)
	defer b.reset(a)
	b.finds(a, b.plant(fault{name: m.File, by: sys.ByAgent, culprit: map[sys.Path][]byte{sys.Path(m.File): []byte(m.Text)}}), scenario)
}

// healsWrong plants it five landings back.
func (b *bench) healsWrong(a *subject) {
	b.t.Helper()
	m, scenario := b.wrong(a)
	if one := b.heals(a, b.mutant(a, m, 5)); one.Check != scenario {
		b.finds(a, one.Culprit, scenario)
	}
}

// heals plants a fault, has the healer look at the app, and demands all that it promises;
// what is proposed gets a yes.
func (b *bench) heals(a *subject, f fault) sys.HealCase {
	b.t.Helper()
	ctx, name := b.t.Context(), b.nameOf(a)
	culprit := b.plant(f)
	defer b.reset(a)
	r, err := b.s.healer.Heal(ctx, sys.HealOptions{App: b.slugNow(a), Again: true})
	if err != nil || len(r.Cases) != 1 {
		b.t.Fatalf("%s: %+v, %v", f.name, r.Cases, err)
	}
	one := r.Cases[0]
	b.explained(f, one, name)
	if one.State == sys.HealProposed && f.by == sys.ByOwner {
		if one, err = b.s.healer.Accept(ctx, one.ID); err != nil {
			b.t.Fatalf("%s: %v", f.name, err)
		}
		b.explained(f, one, name)
	}
	if one.State != sys.HealDone || one.Culprit != culprit {
		b.t.Fatalf("%s: %s, and %s is blamed, not %s: %s %q", f.name, one.State, one.Culprit, culprit, one.Why, one.Seen)
	}
	if got := b.read(a.folder); !same(got, f.want) {
		b.t.Errorf("%s: what came after it is not as it was:\n%s", f.name, difference(f.want, got))
	}
	list, err := b.s.healer.Cases(ctx, one.App, 1)
	if err != nil || len(list) != 1 || list[0].ID != one.ID || list[0].Why != one.Why {
		b.t.Errorf("%s: the ledger has %+v, %v", f.name, list, err)
	}
	info, _, err := b.s.disk.Show(ctx, one.Landing)
	if err != nil || info.Kind != sys.ByHealer || info.Provenance.Undoes != culprit || !strings.Contains(info.Title, name) || !strings.Contains(info.Title, culprit.String()) {
		b.t.Errorf("%s: the repair is %+v, %v", f.name, info, err)
	}
	b.t.Logf("%s: %s", f.name, one.Why)
	return one
}

// explained holds what the owner is told to naming the app, the landing and what broke.
func (b *bench) explained(f fault, one sys.HealCase, name string) {
	b.t.Helper()
	if !strings.Contains(one.Why, name) || !strings.Contains(one.Why, one.Culprit.String()) || one.Check == "" {
		b.t.Errorf("%s is explained by %q, %q", f.name, one.Check, one.Why)
	}
	said := strings.Join(one.Seen, "\n")
	for p, text := range f.culprit {
		if f.by == sys.ByOwner && text == nil {
			continue // what is gone is told by what lacks it
		}
		if f.by == sys.ByAgent && !strings.Contains(said, one.Check) || f.by == sys.ByOwner && !strings.Contains(said, string(p)) {
			b.t.Errorf("%s: what broke is told as %q", f.name, one.Seen)
		}
	}
}

// nameOf is what people call an app.
func (b *bench) nameOf(a *subject) string {
	b.t.Helper()
	for _, i := range b.s.apps.Known() {
		if i.Folder == a.folder && i.Name != "" {
			return i.Name
		}
	}
	b.t.Fatal("it has no name")
	return ""
}

// busier puts five more changes on top of a damage: in other files of the app, and new ones.
func (b *bench) busier(a *subject, f fault) fault {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(a.files)), func(p sys.Path) bool {
		_, damaged := f.culprit[p]
		return damaged || !source(p)
	})
	for i := range 5 {
		mark := fmt.Sprintf("later %s.%d", f.name, i)
		p := a.folder + sys.Path(fmt.Sprintf("/src/later%d.ts", i))
		if i%2 == 0 && len(others) > 0 {
			p = others[i/2%len(others)]
		}
		text := slices.Concat(f.want[p], []byte("// "+mark+"\n"))
		f.later, f.want[p] = append(f.later, map[sys.Path][]byte{p: text}), text
		f.marks[p] = append(f.marks[p], mark)
	}
	return f
}
