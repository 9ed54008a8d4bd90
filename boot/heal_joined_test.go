package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// weighed is an app that shows what it has weighed, with a contract that says in which
// measure.
var weighed = map[sys.Path]string{
	"apps/weighed/matrix.json":   `{"name": "Weighed", "slug": "weighed", "version": "1.0.0", "runtime": "vite"}`,
	"apps/weighed/index.html":    `<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>`,
	"apps/weighed/src/store.ts":  "export const weight = 3;\n",
	"apps/weighed/src/shown.ts":  "import { weight } from \"./store\";\nexport const shown = weight + \" kg\";\n",
	"apps/weighed/src/extra.ts":  "export const extra = \"\";\n",
	"apps/weighed/src/main.tsx":  "import { shown } from \"./shown\";\nimport { extra } from \"./extra\";\ndocument.body.innerHTML = `<p>${shown}</p><p>${extra}</p>`;\n",
	"apps/weighed/contract.json": `{"version": 1, "request": "Show weights in kilograms.", "scenarios": [{"name": "all weights are in kilograms", "steps": [{"see": "3 kg"}, {"see_not": "6000 kg"}]}]}`,
}

// TestMode24TwoWorksThatCompileAndBreakAScenario: one work keeps weights in grams and shows
// them in kilograms as before, the other shows twice the weight. Each holds by itself; they
// touch no file in common, and together they compile. The second is refused with a reason
// that names what the first has changed, and lands once it fits. Where no gate stood before
// it, the healer takes back the second, and nothing of the first.
func TestMode24TwoWorksThatCompileAndBreakAScenario(t *testing.T) {
	b := newBench(t)
	s := b.s
	if _, err := s.write(t, sys.ByAgent, weighed); err != nil {
		t.Fatal(err)
	}
	begin := func(files map[sys.Path]string) *disk.Txn {
		t.Helper()
		tx, err := s.disk.Begin(t.Context(), "a work")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(tx.Dir(), string(name)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return tx
	}
	grams := map[sys.Path]string{
		"apps/weighed/src/store.ts": "export const weight = 3000; // grams\n",
		"apps/weighed/src/shown.ts": strings.Replace(weighed["apps/weighed/src/shown.ts"], "weight +", "weight / 1000 +", 1),
	}
	twice := map[sys.Path]string{"apps/weighed/src/extra.ts": "import { weight } from \"./store\";\nexport const extra = weight * 2 + \" kg\";\n"}
	one, two, alone := begin(grams), begin(twice), begin(twice)
	if info, err := alone.Land(t.Context(), disk.Landing{Title: "twice the weight"}); err != nil || info.Provenance.Verified != sys.VerifiedBrowser {
		t.Fatalf("the second alone: %+v, %v", info, err)
	}
	b.land(sys.ByAgent, "without it again", map[sys.Path][]byte{"apps/weighed/src/extra.ts": []byte(weighed["apps/weighed/src/extra.ts"])})
	if _, err := one.Land(t.Context(), disk.Landing{Title: "weights in grams"}); err != nil {
		t.Fatal(err)
	}
	before := s.disk.Head()
	_, err := two.Land(t.Context(), disk.Landing{Title: "twice the weight"})
	if sys.KindOf(err) != sys.NotVerified || s.disk.Head() != before {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{"since this work began, others have changed", "apps/weighed/src/store.ts", "all weights are in kilograms", "6000 kg"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told: %v", part, err)
		}
	}
	r, err := s.client.Reliability(t.Context())
	if err != nil || len(r.Refused) != 1 || r.Refused[0].App != "weighed" || r.Refused[0].Mode != 24 || r.Refused[0].N != 1 || !strings.Contains(r.Refused[0].Why, "all weights") || r.Cases != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	again, files, err := two.Again(t.Context())
	if err != nil || len(files) > 0 {
		t.Fatalf("%+v, %v", files, err)
	}
	fits := strings.Replace(twice["apps/weighed/src/extra.ts"], "weight * 2", "weight * 2 / 1000", 1)
	if err := os.WriteFile(filepath.Join(again.Dir(), "apps/weighed/src/extra.ts"), []byte(fits), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Land(t.Context(), disk.Landing{Title: "twice the weight, in kilograms"}); err != nil {
		t.Fatal(err)
	}

	s.disk.SetChecks()
	culprit := b.land(sys.ByMerge, "twice the weight, from another device", map[sys.Path][]byte{"apps/weighed/src/extra.ts": []byte(twice["apps/weighed/src/extra.ts"])})
	s.disk.SetChecks(s.apps.check)
	if _, err := s.write(t, sys.ByAgent, map[sys.Path]string{"apps/weighed/src/main.tsx": "// later\n" + weighed["apps/weighed/src/main.tsx"]}); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("a red app took a change that leaves it so: %v", err)
	}
	h, err := s.healer.Heal(t.Context(), sys.HealOptions{App: "weighed"})
	if err != nil || len(h.Cases) != 1 || h.Cases[0].Culprit != culprit || h.Cases[0].Mode != 24 {
		t.Fatalf("%+v, %v", h, err)
	}
	if c := h.Cases[0]; c.State != sys.HealProposed || !strings.Contains(c.Why, "from another device") {
		t.Errorf("%+v", c)
	}
	if c, err := s.healer.Accept(t.Context(), h.Cases[0].ID); err != nil || c.State != sys.HealDone {
		t.Fatalf("%+v, %v", c, err)
	}
	now := b.read("apps/weighed")
	for p, want := range map[sys.Path]string{"apps/weighed/src/extra.ts": fits, "apps/weighed/src/store.ts": grams["apps/weighed/src/store.ts"]} {
		if string(now[p]) != want {
			t.Errorf("%s: %s", p, now[p])
		}
	}
}
