package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"matrixos/sys"
)

// spoil overwrites bytes of a file in place, as a failing drive does.
func spoil(t *testing.T, path string, at int64) []byte {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte("rot "), 1024), at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestDamagedDatabasesAreFound: in the header, where every use notices it, in an index, and
// among the free pages, where no row is missing yet. The newest copy may be of a time when it was damaged
// already; the one before it brings the rows back, and the damaged bytes are kept.
func TestDamagedDatabasesAreFound(t *testing.T) {
	for name, at := range map[string]int64{"header": 0, "index": 8192, "free pages": -1} {
		t.Run(name, func(t *testing.T) {
			h := withTasks(t)
			live := filepath.Join(h.root, tasks)
			run(t, live, `CREATE TABLE filler(x)`, `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) INSERT INTO filler SELECT hex(randomblob(40)) FROM c`, `DELETE FROM filler`)
			before := h.tasks()
			h.landFiles(map[string]string{"apps/tasks/matrix.json": "{}"})
			good := h.Head()
			if c, err := h.CheckData(t.Context(), "tasks"); err != nil || len(c.Damaged)+len(c.Unchecked) > 0 {
				t.Fatalf("%+v, %v", c, err)
			}
			if at < 0 {
				raw, err := os.ReadFile(live)
				if err != nil {
					t.Fatal(err)
				}
				at = 4096 * int64(binary.BigEndian.Uint32(raw[32:])-1) // where the list of free pages begins
			}
			bad := spoil(t, live, at)
			c, err := h.CheckData(t.Context(), "")
			if err != nil || len(c.Damaged) != 1 || c.Damaged[0].Path != tasks || c.Damaged[0].What == "" {
				t.Fatalf("%+v, %v", c, err)
			}
			h.landFiles(map[string]string{"apps/tasks/index.html": "a copy of what is damaged"})
			copied, ok, err := h.SoundCopy(t.Context(), tasks)
			if err != nil || !ok || copied.Landing != good {
				t.Fatalf("%+v, %v, %v", copied, ok, err)
			}
			if _, err := h.RestoreData(t.Context(), tasks, copied.Landing, RestoreOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := h.tasks(); got != before {
				t.Errorf("%s, want %s", got, before)
			}
			if c, err := h.CheckData(t.Context(), "tasks"); err != nil || len(c.Damaged) > 0 {
				t.Errorf("%+v, %v", c, err)
			}
			kept, err := filepath.Glob(filepath.Join(h.root, sys.Store, "displaced", "*tasks.sqlite"))
			if err != nil || len(kept) != 1 {
				t.Fatal(kept, err)
			}
			if raw, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(raw, bad) {
				t.Errorf("the damaged bytes are not kept as they were: %v", err)
			}
		})
	}
}

// TestAnEmptiedDatabaseIsDamaged, and one that never had anything is not.
func TestAnEmptiedDatabaseIsDamaged(t *testing.T) {
	h := withTasks(t)
	h.landFiles(map[string]string{"apps/tasks/matrix.json": "{}"})
	other := filepath.Join(h.root, "data/other/other.sqlite")
	if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, filepath.Join(h.root, tasks)} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := h.CheckData(t.Context(), "")
	if err != nil || len(c.Damaged) != 1 || c.Damaged[0].Path != tasks || !strings.Contains(c.Damaged[0].What, "empty") {
		t.Fatalf("%+v, %v", c, err)
	}
}

// TestBrokenConstraintsAreNoDamage: a row that a rule forbids is no reason to bring back
// an old database.
func TestBrokenConstraintsAreNoDamage(t *testing.T) {
	h := withTasks(t)
	live := filepath.Join(h.root, tasks)
	run(t, live, `CREATE TABLE ruled(a CHECK(a > 0), b)`, `PRAGMA ignore_check_constraints(1)`, `INSERT INTO ruled VALUES(-1, NULL)`,
		`PRAGMA writable_schema(1)`, `UPDATE sqlite_schema SET sql = 'CREATE TABLE ruled(a CHECK(a > 0), b NOT NULL)' WHERE name = 'ruled'`)
	if c, err := h.CheckData(t.Context(), "tasks"); err != nil || len(c.Damaged)+len(c.Unchecked) > 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestAFailedRestoreLeavesTheDamagedDatabase: what cannot be read any more is all that there
// is of it until its restore has landed. It stands where it was if the landing fails, however
// far it had come, and if the process ends in the middle; nobody finds an empty database.
func TestAFailedRestoreLeavesTheDamagedDatabase(t *testing.T) {
	var point atomic.Value // the disk's own work asks for it beside the test
	point.Store("")
	fails := func(p string) error {
		if p == point.Load() {
			return errors.New("injected at " + p)
		}
		return nil
	}
	var hook hooked
	h := withTasks(t, hook.option, func(o *Options) { o.fault = fails })
	live, before := filepath.Join(h.root, tasks), h.tasks()
	h.landFiles(map[string]string{"apps/tasks/matrix.json": "{}"})
	at := h.Head()
	bad := spoil(t, live, 0)
	as := func(root, when string) {
		t.Helper()
		if raw, err := os.ReadFile(filepath.Join(root, tasks)); err != nil || !bytes.Equal(raw, bad) {
			t.Errorf("%s: the damaged bytes are not where they were: %v", when, err)
		}
		kept, err := filepath.Glob(filepath.Join(root, sys.Store, "displaced", "*tasks.sqlite*"))
		if err != nil || len(kept) > 0 || fileThere(filepath.Join(root, sys.Store, "run", "moved.json")) {
			t.Errorf("%s: %q, %v", when, kept, err)
		}
	}
	for _, p := range []string{"data", "decide"} {
		point.Store(p)
		if _, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{}); err == nil || !strings.Contains(err.Error(), "injected") {
			t.Fatalf("%s: %v", p, err)
		}
		as(h.root, "it fails at "+p)
	}
	point.Store("")
	states := map[string]string{}
	dir := t.TempDir()
	hook.set(func(p string) {
		if p == "moved" || p == "rows-staged" || p == "committed" {
			states[p] = filepath.Join(dir, p)
			if out, err := exec.Command("cp", "-a", h.root, states[p]).CombinedOutput(); err != nil && !strings.Contains(string(out), "No such file") {
				t.Errorf("%v: %s", err, out)
			}
		}
	})
	if _, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	hook.set(nil)
	states[""] = h.root
	h.close()
	for _, p := range []string{"moved", "rows-staged", "committed", ""} {
		h := open(t, states[p], func(o *Options) { o.fault = fails })
		if p == "moved" || p == "rows-staged" {
			as(h.root, "the process ends at "+p)
			if _, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{}); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
		if got := h.tasks(); got != before {
			t.Errorf("%s: %s, want %s", p, got, before)
		}
		kept, err := filepath.Glob(filepath.Join(h.root, sys.Store, "displaced", "*tasks.sqlite"))
		if err != nil || len(kept) != 1 || fileThere(h.movedNote()) {
			t.Fatal(p, kept, err)
		}
		if raw, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(raw, bad) {
			t.Errorf("%s: the damaged bytes are not kept: %v", p, err)
		}
		h.close()
	}
}
