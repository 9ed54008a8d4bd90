package heal

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"matrixos/sys"
)

const (
	kept = "data/tasks/tasks.sqlite"
	key  = "data/tasks/prefs.json"
)

// keeps gives the app some rows.
func (w *world) keeps() {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Join(w.root, "data/tasks"), 0o755); err != nil {
		w.t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.root, kept))
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = db.ExecContext(w.t.Context(), `PRAGMA journal_mode(WAL); CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT); INSERT INTO task VALUES('a', 'Tea'), ('b', 'Milk')`)
	if closed := db.Close(); err != nil || closed != nil {
		w.t.Fatal(err, closed)
	}
}

// titles are the rows of the app, or why they cannot be read.
func (w *world) titles() string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.root, kept)+"?mode=rw")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var out string
	if err := db.QueryRowContext(w.t.Context(), `SELECT group_concat(title) FROM task`).Scan(&out); err != nil {
		return err.Error()
	}
	return out
}

// rot overwrites a page of the database, and returns what the file is then.
func (w *world) rot(page int64) []byte {
	w.t.Helper()
	f, err := os.OpenFile(filepath.Join(w.root, kept), os.O_WRONLY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte("rot "), 1024), page*4096)
	if closed := f.Close(); err != nil || closed != nil {
		w.t.Fatal(err, closed)
	}
	return []byte(w.live(kept))
}

// TestMode21ADamagedDatabaseIsProposedToComeBack: wherever the damage is, it is found, the
// owner is told of which time the newest sound copy is, and nothing happens before a yes.
// Then the rows are there again, and the damaged bytes are kept.
func TestMode21ADamagedDatabaseIsProposedToComeBack(t *testing.T) {
	for name, page := range map[string]int64{"header": 0, "middle": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.keeps()
			copied := w.agent(map[sys.Path]string{src: sheet(map[int]string{3: "const a = 1;"})})
			w.heal()
			bad := w.rot(page)
			w.agent(map[sys.Path]string{src: sheet(map[int]string{3: "const b = 1;"})}) // a copy of what is damaged, if any
			head := w.disk.Head()
			one := w.heal(sys.HealProposed)[0]
			if one.Path != kept || one.App != "tasks" || one.Mode != modeRot || one.Detector != ByData || one.Culprit != 0 || len(one.Seen) != 1 {
				t.Errorf("%+v", one)
			}
			if !strings.Contains(one.Why, kept) || !strings.Contains(one.Why, "before "+copied.String()) || !strings.Contains(one.Why, time.Now().Format("January 2006")) {
				t.Errorf("it does not say what is damaged and of when the copy is: %s", one.Why)
			}
			if again := w.heal(sys.HealProposed)[0]; again.ID != one.ID || w.disk.Head() != head || w.live(kept) != string(bad) {
				t.Errorf("case %d, then %d, landings %s, then %s", one.ID, again.ID, head, w.disk.Head())
			}
			done, err := w.Accept(t.Context(), one.ID)
			if err != nil || done.State != sys.HealDone || done.ID != one.ID || done.Landing == 0 {
				t.Fatalf("%+v, %v", done, err)
			}
			if got := w.titles(); got != "Tea,Milk" {
				t.Error(got)
			}
			aside, err := filepath.Glob(filepath.Join(w.root, sys.Store, "displaced", "*tasks.sqlite"))
			if err != nil || len(aside) != 1 {
				t.Fatal(aside, err)
			}
			if raw, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(raw, bad) {
				t.Errorf("the damaged bytes are not kept: %v", err)
			}
			w.heal()
		})
	}
}

// TestADamagedDatabaseWithoutACopy: the ways out do not promise one; a no is remembered,
// and what became whole by itself closes the case.
func TestADamagedDatabaseWithoutACopy(t *testing.T) {
	w := newWorld(t)
	w.keeps()
	good := w.live(kept)
	w.rot(0)
	one := w.heal(sys.HealRests)[0]
	if !strings.Contains(one.Why, "no sound copy") || !slices.ContainsFunc(one.Ways, func(s string) bool { return strings.Contains(s, "backup") }) {
		t.Errorf("%+v", one)
	}
	if _, err := w.Leave(t.Context(), one.ID); err != nil {
		t.Fatal(err)
	}
	w.heal(sys.HealLeft)
	if err := os.WriteFile(filepath.Join(w.root, kept), []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	w.heal()
	w.rot(0)
	if again := w.heal(sys.HealRests)[0]; again.ID == one.ID {
		t.Error("what was left once is not told when it happens again")
	}
}

// TestATornKeyComesBack: the value of a key is a file with a history, and is mended as the
// settings are.
func TestATornKeyComesBack(t *testing.T) {
	w := newWorld(t)
	good := "{\n  \"sort\": \"by date\",\n  \"hidden\": []\n}\n"
	w.agent(map[sys.Path]string{key: good})
	w.heal()
	torn := w.land(sys.ByOwner, map[sys.Path]string{key: good[:20]}) // found in the folder
	one := w.heal(sys.HealDone)[0]
	if one.Path != key || one.App != "tasks" || one.Mode != modeTorn || one.Detector != ByData || one.Culprit != torn || strings.Count(one.Why, key) != 1 {
		t.Errorf("%+v", one)
	}
	w.has(key, good)
	w.land(sys.ByOwner, map[sys.Path]string{key: strings.Replace(good, ",", ",,", 1)}) // a slip of a hand
	one = w.heal(sys.HealProposed)[0]
	if done, err := w.Accept(t.Context(), one.ID); err != nil || done.State != sys.HealDone {
		t.Fatalf("%+v, %v", done, err)
	}
	w.has(key, good)
}
