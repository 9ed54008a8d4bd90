package boot

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"matrixos/app"
	"matrixos/sys"
	"matrixos/web/runtime"
)

// A scenario that held is not played again while its window would run the same; one that did
// not, is.
func TestPlaysAreRemembered(t *testing.T) {
	if _, err := fs.Stat(runtime.Files(), "trial-page.js"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT RUN: ", err)
	}
	rt, err := app.New(app.Options{Libraries: runtime.Files(), Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	c := openContracts(t.TempDir(), slog.New(slog.DiscardHandler))
	c.runtime = rt
	var played []string
	play := func(_ host, _ context.Context, trial *app.Trial) (out []sys.ScenarioResult, err error) {
		for _, s := range trial.Contract.Scenarios {
			played = append(played, s.Name)
			out = append(out, sys.ScenarioResult{Name: s.Name, Green: s.Name != "red", Steps: []sys.StepResult{{Step: "open the app", Green: s.Name != "red"}}})
		}
		return out, nil
	}
	run := func(code string, want ...string) {
		t.Helper()
		trial, err := rt.Try(t.Context(), tea(code), "apps/tea")
		if err != nil || len(trial.Faults) > 0 {
			t.Fatal(err, trial.Faults)
		}
		played = nil
		out, err := c.remembering(play)(nil, t.Context(), trial)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.plays.note(trial, out); err != nil {
			t.Fatal(err)
		}
		if err := trial.Close(); err != nil {
			t.Error(err)
		}
		var names []string
		for _, r := range out {
			names = append(names, r.Name)
		}
		if !slices.Equal(played, want) || !slices.Equal(names, []string{"one", "red", "two"}) || len(trial.Contract.Scenarios) != 3 || !out[0].Green || out[1].Green {
			t.Errorf("%q: played %q, not %q; reported %+v", code, played, want, out)
		}
	}
	run("", "one", "red", "two")
	run("// a comment\n", "red")
	run("console.info(1);\n", "one", "red", "two")
	run("", "red")
}

// tea is an app with some code more, and a contract of which one scenario is red.
func tea(code string) fstest.MapFS {
	return fstest.MapFS{
		"apps/tea/matrix.json":   {Data: []byte(`{"name":"Tea","slug":"tea","version":"1.0.0","runtime":"vite"}`)},
		"apps/tea/src/App.tsx":   {Data: []byte("export default function App() { return <p>1</p>; }\n" + code)},
		"apps/tea/contract.json": {Data: []byte(`{"version":1,"scenarios":[{"name":"one","steps":[{"see":"1"}]},{"name":"red","steps":[{"see":"2"}]},{"name":"two","steps":[{"see":"1"}]}]}`)},
	}
}
