package boot

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/app"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// info is what the desktop knows of an app.
func (s *System) info(t *testing.T, slug sys.Slug) sys.AppInfo {
	t.Helper()
	list, err := s.client.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Slug == slug {
			return a
		}
	}
	t.Fatalf("there is no %s", slug)
	return sys.AppInfo{}
}

// TestWhatWasMeasuredIsKept in a file that anybody can read, with what it was measured for,
// until the app or its contract is another; no agent writes it.
func TestWhatWasMeasuredIsKept(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	keep := func(r sys.StrengthReport) {
		t.Helper()
		view, folder, err := s.apps.newest(t.Context(), "scales")
		if err != nil {
			t.Fatal(err)
		}
		now, err := app.PrintsOf(view, folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.apps.keepStrength(t.Context(), "scales", measured{time.Now().UTC(), now.Code, now.Contract, r}); err != nil {
			t.Fatal(err)
		}
		s.apps.Judged(t.Context(), "scales")
	}
	if got := s.info(t, "scales").Strength; got != nil {
		t.Errorf("not measured, and has %+v", got)
	}
	keep(sys.StrengthReport{App: "scales", Tried: 10, Killed: 4, Survivors: []string{"shown.ts line 3: + becomes -"}})
	got := s.info(t, "scales").Strength
	if got == nil || got.Found != 4 || got.Stale || !got.Weak() || len(got.Missed) != 1 {
		t.Fatalf("%+v", got)
	}
	var file struct {
		Apps map[string]struct {
			Code, Contract string
			Report         sys.StrengthReport
		}
	}
	raw, err := os.ReadFile(filepath.Join(s.home, "system/strength.json"))
	if err == nil {
		err = json.Unmarshal(raw, &file)
	}
	if one := file.Apps["scales"]; err != nil || one.Report.Killed != 4 || one.Code == "" || one.Contract == "" || one.Code == one.Contract {
		t.Errorf("the file has %s, %v", raw, err)
	}
	for name, change := range map[sys.Path]string{
		"apps/scales/src/main.tsx":  "document.body.textContent = \"kg, kg\";\n",
		"apps/scales/contract.json": strings.Replace(scales["apps/scales/contract.json"], "Weigh things.", "Weigh more.", 1),
		"apps/_shared/units.ts":     "export const unit = 1;\n",
	} {
		if _, err := s.write(t, sys.ByOwner, map[sys.Path]string{name: change}); err != nil {
			t.Fatal(err)
		}
		eventually(t, string(name)+" makes it stale", func() bool { return s.info(t, "scales").Strength.Stale })
		keep(sys.StrengthReport{App: "scales", Tried: 10, Killed: 9})
		if got := s.info(t, "scales").Strength; got.Stale || got.Weak() {
			t.Errorf("measured again: %+v", got)
		}
	}
	if _, err := s.write(t, sys.ByOwner, map[sys.Path]string{"apps/other/note.txt": "no app"}); err != nil || s.info(t, "scales").Strength.Stale {
		t.Errorf("another app makes it stale, %v", err)
	}
	r, err := s.client.Reliability(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range r.Contracts {
		found = found || c.App == "scales" && c.Strength != nil && c.Strength.Found == 9
	}
	if !found {
		t.Errorf("the ledger shows %+v", r.Contracts)
	}
}

// leaky is an app whose contract holds, and looks at nothing that the app works out.
var leaky = map[sys.Path]string{
	"apps/leaky/matrix.json":   `{"name": "Leaky", "slug": "leaky", "version": "1.0.0", "runtime": "vite"}`,
	"apps/leaky/index.html":    `<!doctype html><button id="b">More</button><p id="p">0</p><script type="module" src="/src/main.ts"></script>`,
	"apps/leaky/src/main.ts":   "import { next } from \"./next\";\nlet n = 0;\nb.onclick = () => { n = next(n); p.textContent = String(n); };\ndeclare const b: HTMLElement, p: HTMLElement;\n",
	"apps/leaky/src/next.ts":   "export function next(n: number): number {\n  if (n >= 100) return 0;\n  if (n > 20 && n < 30) return n + 20;\n  return n * 2 + 10;\n}\n",
	"apps/leaky/contract.json": `{"version": 1, "request": "Count.", "scenarios": [{"name": "it counts", "steps": [{"click": "button", "name": "More"}, {"find": "button", "name": "More"}]}]}`,
}

// TestMode40AWeakContractIsFound by small wrong changes, unasked, in a quiet moment; it gives
// way to whoever wants something.
func TestMode40AWeakContractIsFound(t *testing.T) {
	t.Setenv("MATRIXOS_KEYRING_PASSPHRASE", "test")
	s, err := Start(t.Context(), Options{Home: filepath.Join(t.TempDir(), "home"), Model: "offline"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.apps.promise.browser == nil {
		t.Fatalf("no browser: %v", s.apps.promise.why)
	}
	if _, err := s.write(t, sys.ByAgent, leaky); err != nil {
		t.Fatal(err)
	}
	s.apps.Judged(t.Context(), "leaky")
	s.apps.busy = func() bool { return true }
	s.apps.measureOne(t.Context())
	if got := s.info(t, "leaky"); got.Strength != nil || got.Verified != sys.VerifiedBrowser {
		t.Fatalf("on a busy machine: %+v", got)
	}
	s.apps.busy = func() bool { return false }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.apps.measureOne(ctx)
	if got := s.info(t, "leaky").Strength; got != nil {
		t.Fatalf("it did not give way: %+v", got)
	}
	s.apps.measureOne(t.Context())
	got := s.info(t, "leaky").Strength
	if got == nil || got.Stale || !got.Weak() || len(got.Missed) == 0 {
		t.Fatalf("a contract that looks at nothing: %+v", got)
	}
	if slug, _, ok := s.apps.unmeasured(); ok {
		t.Errorf("%s is to be measured, and every other is as it came", slug)
	}
}

// TestMode40AnAgentsContractThatAssertsNothing: the main agent is told before anything is
// built, and a builder that writes one before it lands. One that the owner has is shown.
func TestMode40AnAgentsContractThatAssertsNothing(t *testing.T) {
	p := startScripted(t)
	const hollow = `{"version": 1, "scenarios": [{"name": "it opens", "steps": [{"see_not": "an error"}]}]}`
	spawn := func(more map[string]any) modeltest.Turn {
		in := map[string]any{"program": "builder", "task": "Build a scale for the kitchen."}
		for k, v := range more {
			in[k] = v
		}
		return modeltest.Turn{Calls: []modeltest.Call{{Name: "spawn", Input: in}}}
	}
	heard := func(text string) bool {
		for _, r := range p.server.Requests() {
			for _, m := range r.Messages {
				for _, got := range m.Results {
					if strings.Contains(got.Text, text) {
						return true
					}
				}
			}
		}
		return false
	}
	p.says(t, "a scale", nothing, spawn(map[string]any{"app": "scales", "contract": json.RawMessage(hollow)}), modeltest.Turn{Text: "No."})
	if !heard("it finds too little: no scenario expects anything to be there") {
		t.Error("the main agent is not told")
	}
	write := func(name, text string) modeltest.Turn {
		return modeltest.Turn{Calls: []modeltest.Call{{Name: "Write", Input: map[string]any{"file_path": name, "content": text}}}}
	}
	turns := []modeltest.Turn{spawn(nil)}
	for _, name := range []sys.Path{"apps/scales/matrix.json", "apps/scales/index.html", "apps/scales/src/main.tsx"} {
		turns = append(turns, write(string(name), scales[name]))
	}
	const opens = `{"version": 1, "scenarios": [{"name": "it opens", "steps": [{"see": "kg"}]}]}`
	const enters = `{"version": 1, "scenarios": [{"name": "what there is is shown", "given": {"rows": {"things": [{"weight": 3}]}}, "steps": [{"see": "kg"}]}]}`
	turns = append(turns, write("apps/scales/contract.json", opens), modeltest.Turn{Text: "Built."}, write("apps/scales/contract.json", enters), modeltest.Turn{Text: "Mended."}, modeltest.Turn{Text: "Done."})
	a, told := p.says(t, "a scale", nothing, turns...)
	if !strings.Contains(told, "the contract finds too little: no scenario enters or changes anything") {
		t.Errorf("the builder was told %q", told)
	}
	raw, err := os.ReadFile(filepath.Join(p.home, "apps/scales/contract.json"))
	if err != nil || !a.OK || string(raw) != enters || len(p.info(t, "scales").Weak) > 0 {
		t.Errorf("landed %s, %v; the answer %+v", raw, err, a)
	}
	if _, err := p.write(t, sys.ByOwner, map[sys.Path]string{"apps/scales/contract.json": opens}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what the owner has is shown", func() bool { return len(p.info(t, "scales").Weak) == 1 })
	r, err := p.client.Reliability(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shown := false
	for _, c := range r.Contracts {
		shown = shown || c.App == "scales" && len(c.Weak) == 1
	}
	if !shown {
		t.Errorf("the ledger shows %+v", r.Contracts)
	}
}
