package boot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/disk/rows"
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
	s.makeScales(t)
	if err := s.weigh(t, sys.ByOwner, thing("1", 3)+thing("2", -1)); err != nil {
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

// TestWhatAServerKeepsIsInTheBackup: files and databases come back as they were, and nothing
// is written through a link that a server has made.
func TestWhatAServerKeepsIsInTheBackup(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.home, "data/scales/server")
	note, nested, base := filepath.Join(folder, "note.txt"), filepath.Join(folder, "a/b.bin"), filepath.Join(folder, "kept.sqlite")
	put := func(name, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put(note, "first")
	put(nested, "\x00\xff")
	words := func(sql string) (got string) {
		db, err := rows.Open(t.Context(), base, rows.ToCreate, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = db.ExecContext(t.Context(), sql); err == nil {
			err = db.QueryRowContext(t.Context(), "SELECT group_concat(word, ' ') FROM words").Scan(&got)
		}
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		return got
	}
	words("CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT); INSERT INTO words(word) VALUES('one'), ('two')")
	raw, err := s.client.AppBackup(t.Context(), "scales")
	if err != nil {
		t.Fatal(err)
	}
	put(note, "second")
	words("DELETE FROM words WHERE id = 1; UPDATE words SET word = 'zwei'")
	other := filepath.Join(s.home, "data/bank/pin.json")
	put(other, "1234")
	if err := errors.Join(os.Remove(nested), os.Symlink("../../bank/pin.json", filepath.Join(folder, "link"))); err != nil {
		t.Fatal(err)
	}
	raw = bytes.Replace(raw, []byte(`"note.txt"`), []byte(`"link":"ZXZpbA==","note.txt"`), 1)
	r, err := s.client.RestoreApp(t.Context(), raw)
	if err != nil || r.Files != 4 || len(r.Landings) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, want := range map[string]string{note: "first", nested: "\x00\xff", other: "1234"} {
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if got := words("SELECT 1"); got != "one two" {
		t.Errorf("its database has %q", got)
	}
	if _, err := s.client.RestoreApp(t.Context(), bytes.Replace(raw, []byte(`"note.txt"`), []byte(`"../pin.json"`), 1)); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a way out: %v", err)
	}
}
