package app

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/app/contract"
	"matrixos/sys"
)

// What a window runs has one name, whatever its sources say beside it.
func TestPrint(t *testing.T) {
	r := newRuntime(t)
	tree := func(edit ...string) fstest.MapFS {
		out := fstest.MapFS{}
		for name, text := range map[string]string{
			"matrix.json":   `{"name":"Tea","slug":"tea","version":"1.0.0","runtime":"vite","storage":{"tables":{"cups":{"columns":{"n":"integer"}}}}}`,
			"src/App.tsx":   "import { pour } from \"./pour\";\nexport default function App() { return <p>{pour(1)}</p>; }\n",
			"src/pour.ts":   "export const pour = (n: number) => n + 1;\n",
			"contract.json": `{"version":1,"scenarios":[{"name":"one","steps":[{"see":"2"}]},{"name":"two","steps":[{"see":"3"}]}],"invariants":[{"name":"some","sql":"SELECT 1 WHERE 0"}]}`,
		} {
			out["apps/tea/"+name] = &fstest.MapFile{Data: []byte(strings.NewReplacer(edit...).Replace(text))}
		}
		return out
	}
	print := func(tree fstest.MapFS, i int) string {
		trial, err := r.Try(t.Context(), tree, "apps/tea")
		if err != nil {
			t.Fatal(err)
		}
		s := contract.Scenario{}
		if i < len(trial.Contract.Scenarios) {
			s = trial.Contract.Scenarios[i]
		}
		out, err := trial.Print(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := trial.Close(); err != nil {
			t.Error(err)
		}
		return out
	}
	first := print(tree(), 0)
	same := tree("n + 1;", "n + 1; // as it says")
	same["apps/tea/src/later.ts"] = &fstest.MapFile{Data: []byte("export const later = 1;\n")}
	if got := print(same, 0); got != first || first == "" {
		t.Errorf("a comment and a file that nothing uses: %q is not %q", got, first)
	}
	for what, other := range map[string]string{
		"another scenario":   print(tree(), 1),
		"other code":         print(tree("n + 1", "1 + n"), 0),
		"other steps":        print(tree(`"see":"2"`, `"see":"22"`), 0),
		"another rule":       print(tree("SELECT 1 WHERE 0", "SELECT 2 WHERE 0"), 0),
		"another column":     print(tree(`"n":"integer"`, `"n":"integer","m":"text"`), 0),
		"code with a fault":  print(tree("n + 1", "n +"), 0),
		"a wrong definition": print(tree(`"slug":"tea"`, `"slug":"Tea!"`), 0),
	} {
		if other == first {
			t.Errorf("%s has the same print", what)
		}
		if fault := strings.Contains(what, "fault") || strings.Contains(what, "wrong"); fault != (other == "") {
			t.Errorf("%s: %q", what, other)
		}
	}
}

// The window of a static app is what is served: whatever of it differs, a comment too, may
// make a difference.
func TestPrintOfAStaticApp(t *testing.T) {
	r := newRuntime(t)
	print := func(edit map[string]string, step string) string {
		t.Helper()
		files := map[string]string{
			"apps/tea/matrix.json":   `{"name":"Tea","slug":"tea","version":"1.0.0","runtime":"static"}`,
			"apps/tea/index.html":    `<!doctype html><title>Tea</title><link rel="stylesheet" href="tea.css"><p id="tea"></p><script src="tea.js"></script>`,
			"apps/tea/tea.js":        "document.getElementById('tea').textContent = 'green';\n",
			"apps/tea/tea.css":       "p { color: green; }\n",
			"apps/tea/img/cup.png":   "\x89PNG one",
			"apps/tea/contract.json": `{"version":1,"scenarios":[{"name":"one","steps":[{"see":"green"}]}]}`,
			"apps/coffee/index.html": "<p>coffee</p>",
		}
		maps.Copy(files, edit)
		tree := fstest.MapFS{}
		for name, text := range files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		trial, err := r.Try(t.Context(), tree, "apps/tea")
		if err != nil {
			t.Fatal(err)
		}
		out, err := trial.Print(contract.Scenario{Name: "one", Steps: []contract.Step{{See: step}}})
		if err := errors.Join(err, trial.Close()); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := print(nil, "green")
	if first == "" || print(nil, "green") != first || print(map[string]string{"apps/coffee/index.html": "<p>cold</p>"}, "green") != first {
		t.Errorf("the same app has not the same print %q", first)
	}
	seen := map[string]string{first: "as it was"}
	for what, got := range map[string]string{
		"another page":     print(map[string]string{"apps/tea/index.html": `<!doctype html><title>Tea</title><p id="tea"></p><script src="tea.js"></script>`}, "green"),
		"another script":   print(map[string]string{"apps/tea/tea.js": "document.getElementById('tea').textContent = 'black';\n"}, "green"),
		"another style":    print(map[string]string{"apps/tea/tea.css": "p { display: none; }\n"}, "green"),
		"another picture":  print(map[string]string{"apps/tea/img/cup.png": "\x89PNG two"}, "green"),
		"one file more":    print(map[string]string{"apps/tea/more.js": ""}, "green"),
		"another step":     print(nil, "black"),
		"another manifest": print(map[string]string{"apps/tea/matrix.json": `{"name":"Tea","slug":"tea","version":"1.0.0","runtime":"static","permissions":["storage"]}`}, "green"),
	} {
		if got == "" || seen[got] != "" {
			t.Errorf("%s has the print %q, as %q", what, got, seen[got])
		}
		seen[got] = what
	}
	if got := print(map[string]string{"apps/tea/tea.js": "let a = ;"}, "green"); got != "" {
		t.Errorf("code with a fault: %q", got)
	}
}

// An app with a server runs its sources as they are: they are not told apart by a build.
func TestAServerHasNoPrint(t *testing.T) {
	trial := &Trial{r: &Runtime{}, app: App{Manifest: Manifest{Runtime: RuntimeNode, Slug: sys.Slug("x")}}}
	if print, err := trial.Print(contract.Scenario{}); print != "" || err != nil {
		t.Errorf("%q, %v", print, err)
	}
}

// Rows that are against a rule are named by what people have entered.
func TestRowsInWords(t *testing.T) {
	row := []any{"3ab9", "2026-11-27T02:31:24Z", []byte("Tea"), nil, int64(1)}
	if got := words([]string{"id", "created_at", "title", "note", "done"}, [][]any{row, row}); got != "title Tea, done 1; title Tea, done 1" {
		t.Error(got)
	}
	if got := words([]string{"id"}, [][]any{{"3ab9"}}); got != "id 3ab9" {
		t.Error(got)
	}
}
