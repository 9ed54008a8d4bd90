package offline

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"matrixos/sys"
)

// exports is what the two libraries offer to apps.
var exports = map[string][]string{
	"@matrixos/sdk": strings.Fields("os useRows useValue addDays bucket bucketLabel isoDay nextBucket parseDay today currencyOf defaultValue exactValue formatDuration formatValue isNumeric labelOf locale searchRows sortRows aggregate groupRows periods sumBy Field Row"),
	"@matrixos/ui":  strings.Fields("useStored useInterval useKeys Board Calendar Chart Badge Button Checkbox IconButton Input Key Progress Rating Segmented Select Slider TextArea Confirm Dialog FieldInput Form Icon App Columns Empty Failure Grid Item List Section Skeleton Spacer Stack Stat Stats Tabs useToast Tracker"),
}

var imported = regexp.MustCompile(`import (?:type )?\{([^}]*)\} from "(@matrixos/\w+)"`)

type manifestFile struct {
	Name, Slug, Version, Runtime, RuntimeVersion, Description, Icon, Category string
	Storage                                                                   struct {
		Tables map[string]struct{ Columns map[string]string }
	}
}

// checkApp judges an app's files as the runtime will: a valid manifest, code
// that compiles with every import found, fields that have their columns, and
// views that name only those.
func (h *host) checkApp(slug string) manifestFile {
	h.t.Helper()
	folder := "apps/" + slug
	var m manifestFile
	if err := json.Unmarshal([]byte(h.files[folder+"/matrix.json"]), &m); err != nil {
		h.t.Fatalf("%s: %v", slug, err)
	}
	if m.Slug != slug || !sys.Slug(m.Slug).Valid() || m.Name == "" || m.Version == "" || m.Runtime != "vite" || m.RuntimeVersion == "" || m.Icon == "" {
		h.t.Errorf("%s: the manifest is not valid: %+v", slug, m)
	}
	if !strings.Contains(h.files[folder+"/index.html"], `<div id="root">`) || !strings.Contains(h.files[folder+"/index.html"], `src="/src/main.tsx"`) {
		h.t.Errorf("%s: index.html has no root or entry", slug)
	}
	h.compile(folder)
	for p, text := range h.files {
		if !strings.HasPrefix(p, folder+"/") {
			continue
		}
		if i := strings.Index(text, "__"); i >= 0 {
			h.t.Errorf("%s: a placeholder is left: %s", p, text[i:min(len(text), i+20)])
		}
		for _, mm := range imported.FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(mm[1], ",") {
				name = strings.TrimPrefix(strings.TrimSpace(name), "type ")
				if !slices.Contains(exports[mm[2]], name) {
					h.t.Errorf("%s imports %s, which %s does not export", p, name, mm[2])
				}
				if regexp.MustCompile(`\b`+name+`\b`).FindAllString(text, 2) == nil || len(regexp.MustCompile(`\b`+name+`\b`).FindAllString(text, 3)) < 2 {
					h.t.Errorf("%s imports %s and does not use it", p, name)
				}
			}
		}
	}
	h.checkViews(folder, m)
	return m
}

// compile bundles the app in memory, libraries left out.
func (h *host) compile(folder string) {
	h.t.Helper()
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{folder + "/src/main.tsx"}, Bundle: true, JSX: api.JSXAutomatic, Format: api.FormatESModule, LogLevel: api.LogLevelSilent, Write: false,
		External: []string{"react", "react-dom", "react-dom/*", "react/*", "@matrixos/*"},
		Plugins: []api.Plugin{{Name: "memory", Setup: func(b api.PluginBuild) {
			b.OnResolve(api.OnResolveOptions{Filter: `^(\.|apps/)`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
				p := a.Path
				if strings.HasPrefix(p, ".") {
					p = path.Join(path.Dir(a.Importer), p)
				}
				for _, ext := range []string{"", ".tsx", ".ts", ".json"} {
					if _, ok := h.files[p+ext]; ok {
						return api.OnResolveResult{Path: p + ext, Namespace: "memory"}, nil
					}
				}
				return api.OnResolveResult{}, &sys.Error{Op: "resolve", Path: p, Kind: sys.NotFound}
			})
			b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "memory"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
				text := h.files[a.Path]
				loader := api.LoaderTSX
				if strings.HasSuffix(a.Path, ".json") {
					loader = api.LoaderJSON
				} else if strings.HasSuffix(a.Path, ".ts") {
					loader = api.LoaderTS
				}
				return api.OnLoadResult{Contents: &text, Loader: loader}, nil
			})
		}}},
	})
	for _, e := range result.Errors {
		line := ""
		if e.Location != nil {
			line = e.Location.File + ": " + e.Location.LineText
		}
		h.t.Errorf("%s does not compile: %s %s", folder, e.Text, line)
	}
	if len(result.OutputFiles) != 1 && len(result.Errors) == 0 {
		h.t.Errorf("%s compiled to nothing", folder)
	}
}

// checkViews checks that fields and columns agree, and that views name fields.
func (h *host) checkViews(folder string, m manifestFile) {
	h.t.Helper()
	raw, ok := h.files[folder+"/src/fields.json"]
	if !ok {
		return
	}
	var fields []Field
	if err := json.Unmarshal([]byte(raw), &fields); err != nil {
		h.t.Fatalf("%s/src/fields.json: %v", folder, err)
	}
	app := h.files[folder+"/src/App.tsx"]
	seen := map[string]bool{"created_at": true}
	for _, f := range fields {
		if seen[f.Name] || f.Label == "" || !slices.Contains(allTypes, f.Type) {
			h.t.Errorf("%s: the field %+v is not valid", folder, f)
		}
		seen[f.Name] = true
		found := false
		for _, table := range m.Storage.Tables {
			if table.Columns[f.Name] == f.column() {
				found = true
			}
		}
		if !found {
			h.t.Errorf("%s: the field %s has no %s column", folder, f.Name, f.column())
		}
	}
	for _, tag := range []string{"Tracker", "Chart", "Board", "Calendar"} {
		for _, e := range elements(app, tag) {
			if table, _ := e.text("table"); m.Storage.Tables[table].Columns == nil {
				h.t.Errorf("%s: <%s> shows the table %q, which is not in the manifest", folder, tag, table)
			}
			for _, a := range []string{"x", "y", "series", "sort", "title", "done", "column", "date", "time", "end"} {
				if v, _ := e.text(a); v != "" && (tag != "Chart" || a != "title") && !seen[strings.TrimPrefix(v, "-")] {
					h.t.Errorf("%s: %s=%q of <%s> is no field", folder, a, v, tag)
				}
			}
			for _, a := range []string{"filters", "totals"} {
				items, ok := e.strings(a)
				if !ok {
					h.t.Errorf("%s: %s of <%s> does not read", folder, a, tag)
				}
				for _, v := range items {
					if !seen[v] {
						h.t.Errorf("%s: %s names %s, which is no field", folder, a, v)
					}
				}
			}
		}
	}
	if len(elements(app, "Tracker")) != 1 {
		h.t.Errorf("%s has %d trackers", folder, len(elements(app, "Tracker")))
	}
}

// TestEveryKind builds each kind of app from a sentence, to the end.
func TestEveryKind(t *testing.T) {
	for kind, text := range map[Kind]string{
		KindTracker: "Track my runs with date, distance in km and duration, and show a chart of distance per week", KindTodo: "a to-do list with due date and priority",
		KindNotes: "journal", KindCatalogue: "inventory of my tools with quantity, price and room", KindBoard: "kanban board", KindCalendar: "a calendar",
		KindHabits: "habit tracker for reading and running", KindPomodoro: "pomodoro timer", KindTimer: "stopwatch", KindCountdown: "countdown to 24 December 2026",
		KindCalculator: "calculator", KindConverter: "unit converter", KindTip: "tip calculator", KindPoll: "poll: where do we eat? pizza or sushi", KindCards: "flash cards: hola = hello; gato = cat",
		KindPicker: "dice", KindCounter: "tally counter", KindSnake: "snake", Kind2048: "2048", KindTicTacToe: "tic tac toe", KindMemory: "memory game", KindMinesweeper: "minesweeper",
	} {
		t.Run(string(kind), func(t *testing.T) {
			h := newHost(t)
			answer := h.ask(text)
			apps := h.apps()
			if len(apps) != 1 {
				t.Fatalf("%q made %d apps and said: %s", text, len(apps), answer)
			}
			slug := apps[0]["slug"].(string)
			m := h.checkApp(slug)
			if !strings.Contains(answer, m.Name) || !strings.Contains(answer, "ready") {
				t.Errorf("%q: %s", text, answer)
			}
			if !slices.Equal(h.opened, []string{slug}) {
				t.Errorf("opened %v", h.opened)
			}
			if kind.records() != (len(m.Storage.Tables) == 1) {
				t.Errorf("%s has %d tables", kind, len(m.Storage.Tables))
			}
			if got := h.ask("rename the app to Blue sky"); !strings.Contains(got, "Blue sky") {
				t.Errorf("rename: %s", got)
			}
			if m := h.checkApp(slug); m.Name != "Blue sky" {
				t.Errorf("renamed to %s", m.Name)
			}
			if !strings.Contains(h.files["apps/"+slug+"/src/App.tsx"], `title="Blue sky"`) {
				t.Error("the heading was not renamed")
			}
		})
	}
}

// TestEveryDomain builds every domain with nothing said but its name, in both
// languages.
func TestEveryDomain(t *testing.T) {
	l := lexiconForTest(t)
	for _, d := range l.domains {
		for _, text := range []string{"Track my " + strings.ToLower(d.Name), "Ich möchte meine " + d.German + " verwalten"} {
			u := l.build(text)
			files, err := l.files(&u.spec)
			if err != nil || !u.sure {
				t.Errorf("%q: sure %v, %v", text, u.sure, err)
				continue
			}
			h := newHost(t)
			for _, f := range files {
				h.files["apps/"+u.spec.Slug+"/"+f.path] = f.text
			}
			h.checkApp(u.spec.Slug)
		}
	}
}

func TestAComponentIsNotCalledWhatItsTemplateUses(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		want string
	}{{"Quiz", KindCards, "MyQuiz"}, {"Dice", KindPicker, "MyDice"}, {"Spanish quiz", KindCards, "SpanishQuiz"}, {"Chart", KindTracker, "MyChart"}} {
		if got := component(c.name, c.kind); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
