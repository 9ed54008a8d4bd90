package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

// scales is an app with a rule for its data.
var scales = map[sys.Path]string{
	"apps/scales/matrix.json":   `{"name": "Scales", "slug": "scales", "version": "1.0.0", "runtime": "vite", "storage": {"tables": {"things": {"columns": {"weight": "integer", "note": "text"}}}}}`,
	"apps/scales/index.html":    `<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>`,
	"apps/scales/src/main.tsx":  "document.body.textContent = \"kg\";\n",
	"apps/scales/contract.json": `{"version": 1, "request": "Weigh things.", "scenarios": [{"name": "it opens", "steps": [{"see": "kg"}]}], "invariants": [{"name": "nothing weighs less than nothing", "sql": "SELECT id FROM things WHERE weight < 0"}]}`,
}

// TestARedAppTakesNoOtherChange: an app that does not keep its contract when an agent comes
// to it takes no landing of an agent that leaves it so, be it no worse than before. What the
// owner does by hand lands, and so does what makes the app keep its contract.
func TestARedAppTakesNoOtherChange(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.client.Import(t.Context(), "scales", "things", "json", `[{"weight": 3}, {"weight": -1}]`); err != nil {
		t.Fatal(err)
	}
	other := map[sys.Path]string{"apps/scales/src/main.tsx": "document.body.textContent = \"kilograms, kg\";\n"}
	if _, err := s.write(t, sys.ByAgent, other); sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "less than nothing") {
		t.Fatalf("an agent's change of a red app: %v", err)
	}
	if _, err := s.write(t, sys.ByOwner, other); err != nil {
		t.Errorf("the owner's: %v", err)
	}
	if _, err := s.write(t, sys.ByAgent, map[sys.Path]string{"apps/pair/note.txt": "beside it"}); err != nil {
		t.Errorf("what does not touch it: %v", err)
	}
	eased := strings.Replace(scales["apps/scales/contract.json"], "weight < 0", "weight < -5", 1)
	if _, err := s.write(t, sys.ByAgent, map[sys.Path]string{"apps/scales/contract.json": eased, "apps/scales/src/main.tsx": "document.body.textContent = \"kg!\";\n"}); err != nil {
		t.Errorf("what makes it keep its contract: %v", err)
	}
}

// TestALargeAppComesBack: a backup of an app may be larger than any other request.
func TestALargeAppComesBack(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	raw, err := s.client.AppBackup(t.Context(), "scales")
	if err != nil {
		t.Fatal(err)
	}
	var b map[string]any
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	var rows []any
	for i := range 33 {
		rows = append(rows, map[string]any{"id": fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), "created_at": "2026-11-26T03:00:00.000Z", "updated_at": "2026-11-26T03:00:00.000Z", "weight": i, "note": strings.Repeat("note ", 205_000)})
	}
	b["tables"] = map[string]any{"things": rows}
	if raw, err = json.Marshal(b); err != nil || len(raw) <= 32<<20 {
		t.Fatal(len(raw), err)
	}
	r, err := s.client.RestoreApp(t.Context(), raw)
	if err != nil || r.Rows != len(rows) {
		t.Fatalf("%+v, %v", r, err)
	}
	if f, err := os.Stat(filepath.Join(s.home, "data/scales/scales.sqlite")); err != nil || f.Size() < 32<<20 {
		t.Errorf("%+v, %v", f, err)
	}
}
