package app

import (
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

// An app with a server runs its sources as they are: they are not told apart by a build.
func TestAServerHasNoPrint(t *testing.T) {
	trial := &Trial{r: &Runtime{}, app: App{Manifest: Manifest{Runtime: RuntimeNode, Slug: sys.Slug("x")}}}
	if print, err := trial.Print(contract.Scenario{}); print != "" || err != nil {
		t.Errorf("%q, %v", print, err)
	}
}
