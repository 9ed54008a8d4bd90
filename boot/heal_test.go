package boot

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

// startStatic is a home without a browser.
func startStatic(t *testing.T) *System {
	t.Helper()
	t.Setenv("MATRIXOS_CHROMIUM", "none")
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
	return s
}

// pair is an app of two files and something that it shares.
var pair = map[sys.Path]string{
	"apps/pair/matrix.json":   `{"name": "Pair", "slug": "pair", "version": "1.0.0", "runtime": "vite"}`,
	"apps/pair/index.html":    `<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>`,
	"apps/pair/src/main.tsx":  "import { shown } from \"./shown\";\ndocument.body.textContent = shown;\n",
	"apps/pair/src/shown.ts":  "import { total } from \"./sums\";\nimport { unit } from \"../../_shared/units\";\nexport const shown = total(1, 2) + unit;\n",
	"apps/pair/src/sums.ts":   "export const total = (a: number, b: number) => a + b;\n",
	"apps/_shared/units.ts":   "export const unit = \" kg\";\n",
	"apps/_shared/more.ts":    "export const more = 1;\n",
	"apps/pair/src/extra.ts":  "export const extra = 1;\n",
	"apps/pair/src/extra2.ts": "export const extra2 = 1;\n",
}

func (s *System) write(t *testing.T, kind sys.LandingKind, files map[sys.Path]string) (sys.LandingInfo, error) {
	t.Helper()
	w := disk.Write{Kind: kind, Title: "a change", Files: map[sys.Path][]byte{}}
	for p, text := range files {
		w.Files[p] = []byte(text)
	}
	return s.disk.Write(t.Context(), w)
}

// TestMode24TwoWorksThatDoNotFitTogether: one renames a function, the other begins to
// use it under its old name. Both are right, and both merge as text; the second is
// refused, and works again on the first.
func TestMode24TwoWorksThatDoNotFitTogether(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, pair); err != nil {
		t.Fatal(err)
	}
	begin := func(files map[string]string) *disk.Txn {
		tx, err := s.disk.Begin(t.Context(), "a work")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(tx.Dir(), name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return tx
	}
	one := begin(map[string]string{
		"apps/pair/src/sums.ts":  "export const sum = (a: number, b: number) => a + b;\n",
		"apps/pair/src/shown.ts": strings.NewReplacer("{ total }", "{ sum }", "total(1", "sum(1").Replace(pair["apps/pair/src/shown.ts"]),
	})
	two := begin(map[string]string{
		"apps/pair/src/extra.ts": "import { total } from \"./sums\";\nexport const extra = total(3, 4);\n",
		"apps/pair/src/main.tsx": "import { shown } from \"./shown\";\nimport { extra } from \"./extra\";\ndocument.body.textContent = shown + extra;\n",
	})
	if _, err := one.Land(t.Context(), disk.Landing{}); err != nil {
		t.Fatal(err)
	}
	_, err := two.Land(t.Context(), disk.Landing{})
	if sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "total") || !strings.Contains(err.Error(), "others have changed apps/pair/src/shown.ts, apps/pair/src/sums.ts") {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(two.Dir(), "apps/pair/src/extra.ts"), []byte("export const extra = 7;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Land(t.Context(), disk.Landing{}); err != nil {
		t.Error(err)
	}
	// What apps share is held to the apps that use it.
	if _, err := s.write(t, sys.ByAgent, map[sys.Path]string{"apps/_shared/units.ts": "export const units = 1;\n"}); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("a shared file that breaks an app landed: %v", err)
	}
	r, err := s.client.Reliability(t.Context())
	if err != nil || len(r.Refused) != 2 || r.Cases != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, one := range r.Refused {
		if one.App != "pair" || one.Mode != 24 && one.Mode != 26 || one.N != 1 || one.Name == "" || one.Why == "" || one.Last.IsZero() {
			t.Errorf("%+v", one)
		}
	}
}

// TestMode31WrongSettingsAreFound: a provider that there is not is found before it is
// used, and taken back with a yes; what else was set since stays.
func TestMode31WrongSettingsAreFound(t *testing.T) {
	s := startStatic(t)
	read := func() string {
		view, err := s.disk.View(0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(view, string(configFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, text := range []string{"{\n  \"model\": \"offline\",\n  \"heartbeat\": \"1h\"\n}\n", "{\n  \"model\": \"antropic:x\",\n  \"heartbeat\": \"1h\"\n}\n", "{\n  \"model\": \"antropic:x\",\n  \"heartbeat\": \"2h\"\n}\n"} {
		if _, err := s.write(t, sys.ByOwner, map[sys.Path]string{configFile: text}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.client.Heal(t.Context(), sys.HealOptions{Quick: true})
	if err != nil || len(r.Cases) != 1 || r.Cases[0].Mode != 31 || r.Cases[0].State != sys.HealProposed || r.Stored == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if one, err := s.client.DecideRepair(t.Context(), r.Cases[0].ID, true); err != nil || one.State != sys.HealDone {
		t.Fatalf("%+v, %v", one, err)
	}
	if got := read(); got != "{\n  \"model\": \"offline\",\n  \"heartbeat\": \"2h\"\n}\n" {
		t.Errorf("%s", got)
	}
	if r, err := s.client.Reliability(t.Context()); err != nil || r.Total.Healed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, model := range []string{"", "offline", "anthropic:x", "openai:x", "claude-code", "codex:offline"} {
		if why := wrongSettings(configFile, []byte(`{"model": "`+model+`"}`)); why != "" {
			t.Errorf("%q: %s", model, why)
		}
	}
	if list, err := s.client.Healed(t.Context(), "", 10); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestADamagedDatabaseIsNoFaultOfTheCode: the app that keeps its data there is told to be
// broken at the file of its data, no landing is blamed, and with a yes it runs again with
// its rows.
func TestADamagedDatabaseIsNoFaultOfTheCode(t *testing.T) {
	s := startStatic(t)
	files := maps.Clone(pair)
	files["apps/pair/matrix.json"] = `{"name": "Pair", "slug": "pair", "version": "1.0.0", "runtime": "vite", "storage": {"tables": {"things": {"columns": {"name": "text"}}}}}`
	if _, err := s.write(t, sys.ByAgent, files); err != nil {
		t.Fatal(err)
	}
	s.apps.Landed(t.Context(), sys.LandingInfo{})
	if _, err := s.apps.Enter(t.Context(), "pair", "things", gateway.Entries{Rows: []json.RawMessage{json.RawMessage(`{"name": "kept"}`)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write(t, sys.ByAgent, map[sys.Path]string{"apps/pair/src/extra.ts": "export const extra = 2;\n"}); err != nil { // with a copy of the row
		t.Fatal(err)
	}
	file := filepath.Join(s.disk.Root(), "data/pair/pair.sqlite")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // what its log has is not damaged
		if _, err := os.Stat(file + "-wal"); missing(err) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the database stays open")
		}
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("rot ", 4096)), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := s.healer.Heal(t.Context(), sys.HealOptions{App: "pair"})
	if err != nil || len(r.Cases) != 1 || r.Cases[0].Path != "data/pair/pair.sqlite" || r.Cases[0].State != sys.HealProposed || r.Cases[0].Culprit != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	view, err := s.disk.View(0)
	if err != nil {
		t.Fatal(err)
	}
	found := s.apps.runtime.Check(t.Context(), view, "apps/pair")
	if len(found) != 1 || found[0].File != "data/pair/pair.sqlite" || !strings.Contains(found[0].Text, "the database is damaged") || found[0].Hint == "" {
		t.Errorf("%+v", found)
	}
	if one, err := s.healer.Accept(t.Context(), r.Cases[0].ID); err != nil || one.State != sys.HealDone {
		t.Fatalf("%+v, %v", one, err)
	}
	out, err := s.apps.Rows(t.Context(), "pair", "things")
	if err != nil || len(out.Rows) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if r, err := s.healer.Heal(t.Context(), sys.HealOptions{App: "pair"}); err != nil || len(r.Cases) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
