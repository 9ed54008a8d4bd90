package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/disk/rows"
	"matrixos/sys"
)

const tasks = "data/tasks/tasks.sqlite"

// run runs SQL in a database file as another program would.
func run(t testing.TB, path string, statements ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// ask returns the answer of a query, rows by line.
func ask(t testing.TB, path, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query(query)
	if err != nil {
		return err.Error()
	}
	defer found.Close()
	var out []string
	for found.Next() {
		var s sql.NullString
		if err := found.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s.String)
	}
	return strings.Join(out, "\n")
}

const allTasks = `SELECT id || ':' || title || ':' || ifnull(done,'-') FROM task ORDER BY id`

// withTasks makes a home with an app that has two tasks.
func withTasks(t testing.TB, change ...func(*Options)) *home {
	h := open(t, t.TempDir(), change...)
	run(t, filepath.Join(h.root, tasks), `CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER)`, `INSERT INTO task VALUES('a','Tea',0),('b','Milk',0)`)
	return h
}

func (h *home) tasks() string { return ask(h.t, filepath.Join(h.root, tasks), allTasks) }

// private is the transaction's copy of the tasks.
func (h *home) private(tx *Txn) string {
	h.t.Helper()
	p, err := tx.Data(context.Background(), tasks)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *home) landTxn(tx *Txn) sys.LandingInfo {
	h.t.Helper()
	info, err := tx.Land(context.Background(), Landing{Title: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return info
}

func (h *home) landFiles(files map[string]string) {
	h.t.Helper()
	tx := h.begin()
	for path, text := range files {
		put(h.t, filepath.Join(tx.Dir(), path), text)
	}
	h.landTxn(tx)
}

func TestRowsLandWithFiles(t *testing.T) {
	h := withTasks(t)
	tx := h.begin()
	run(t, h.private(tx), `ALTER TABLE task ADD COLUMN due TEXT`, `UPDATE task SET due='today' WHERE id='a'`, `INSERT INTO task VALUES('c','Bread',0,NULL)`)
	put(t, filepath.Join(tx.Dir(), "apps/tasks/matrix.json"), `{"name":"Tasks"}`)
	run(t, filepath.Join(h.root, tasks), `UPDATE task SET done=1 WHERE id='a'`, `INSERT INTO task VALUES('z','Later',0)`) // the owner's app goes on
	if h.tasks() != "a:Tea:1\nb:Milk:0\nz:Later:0" {
		t.Fatal("the private copy is not private")
	}
	changes, err := tx.Changes(t.Context())
	if err != nil || len(changes) != 2 || changes[1].Path != tasks {
		t.Errorf("%v %v", changes, err)
	}
	info := h.landTxn(tx)
	if got := h.tasks(); got != "a:Tea:1\nb:Milk:0\nc:Bread:0\nz:Later:0" {
		t.Errorf("got\n%s", got)
	}
	if got := ask(t, filepath.Join(h.root, tasks), `SELECT due FROM task WHERE id='a'`); got != "today" {
		t.Error(got)
	}
	if len(info.Data) != 1 || info.Data[0].Added != 1 || info.Data[0].Changed != 1 || len(info.Data[0].Schema) != 1 {
		t.Errorf("%+v", info.Data)
	}
	shown, files, err := h.Show(t.Context(), info.ID)
	if err != nil || len(shown.Data) != 1 || len(files) != 2 || !strings.Contains(files[1].Patch, `+id="c" title="Bread"`) {
		t.Errorf("%+v %+v %v", shown, files, err)
	}
	copies, err := h.Copies(t.Context(), "tasks")
	if err != nil || len(copies) != 1 || copies[0].Landing != info.ID {
		t.Errorf("%+v %v", copies, err)
	}
}

func TestRowConflict(t *testing.T) {
	h := withTasks(t)
	tx := h.begin()
	run(t, h.private(tx), `UPDATE task SET title='Green tea' WHERE id='a'`, `INSERT INTO task VALUES('c','Bread',0)`)
	put(t, filepath.Join(tx.Dir(), "note.txt"), "mine")
	run(t, filepath.Join(h.root, tasks), `UPDATE task SET title='Black tea' WHERE id='a'`)
	before, head := h.tasks(), h.Head()
	_, err := tx.Land(t.Context(), Landing{})
	var c *ConflictError
	if !errors.As(err, &c) || len(c.Files) != 1 || c.Files[0].Path != tasks || len(c.Files[0].Rows) != 1 || c.Files[0].Rows[0].Table != "task" ||
		!strings.Contains(string(c.Files[0].Ours), "Black tea") || !strings.Contains(string(c.Files[0].Theirs), "Green tea") {
		t.Fatalf("%v", err)
	}
	if h.tasks() != before || h.Head() != head || h.live("note.txt") != "<absent>" {
		t.Error("something has changed")
	}
	fresh, again, err := tx.Again(t.Context()) // its other work goes on from the newest state
	if err != nil || len(again) != 1 || again[0].Path != tasks {
		t.Fatalf("%+v %v", again, err)
	}
	t.Cleanup(func() { _ = fresh.Drop() })
	run(t, h.private(fresh), `UPDATE task SET title='Tea of both' WHERE id='a'`)
	h.landTxn(fresh)
	if got := h.tasks(); !strings.Contains(got, "Tea of both") {
		t.Error(got)
	}
}

func TestAConstraintIsFoundBeforeTheCommitPoint(t *testing.T) {
	h := withTasks(t)
	run(t, filepath.Join(h.root, tasks), `CREATE UNIQUE INDEX u ON task(title)`)
	tx := h.begin()
	run(t, h.private(tx), `INSERT INTO task VALUES('c','Bread',0)`)
	run(t, filepath.Join(h.root, tasks), `INSERT INTO task VALUES('d','Bread',0)`)
	if _, err := tx.Land(t.Context(), Landing{}); !errors.Is(err, sys.Conflict) || !strings.Contains(err.Error(), tasks) {
		t.Errorf("%v", err)
	}
}

func TestANewDatabaseAndADataOnlyLanding(t *testing.T) {
	h := open(t, t.TempDir())
	tx := h.begin()
	p, err := tx.Data(t.Context(), "data/fresh/fresh.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	run(t, p, `CREATE TABLE t(a)`, `INSERT INTO t VALUES(1),(1)`)
	info := h.landTxn(tx)
	if got := ask(t, filepath.Join(h.root, "data/fresh/fresh.sqlite"), `SELECT count(*) FROM t`); got != "2" || info.ID == 0 {
		t.Error(got, info)
	}
	if _, err := tx.Data(t.Context(), "apps/x.sqlite"); err == nil {
		t.Error("not an app's database")
	}
	idle := h.begin()
	if _, err := idle.Data(t.Context(), "data/fresh/fresh.sqlite"); err != nil {
		t.Fatal(err)
	}
	if info := h.landTxn(idle); info.ID != 0 {
		t.Errorf("a copy that was only read has landed: %+v", info)
	}
}

func TestProvideData(t *testing.T) {
	h := withTasks(t)
	run(t, filepath.Join(h.root, "data/big/big.sqlite"), `CREATE TABLE t(a)`)
	if err := os.WriteFile(filepath.Join(h.root, "data/big/bad.sqlite"), []byte(strings.Repeat("no database", 500)), 0o644); err != nil {
		t.Fatal(err)
	}
	tx := h.begin()
	if err := tx.ProvideData(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, h.private(tx), allTasks); got != h.tasks() {
		t.Error(got)
	}
	if fileThere(filepath.Join(tx.Dir(), "data/big/bad.sqlite")) {
		t.Error("what cannot be copied was copied")
	}
}

func TestUndoOfRows(t *testing.T) {
	h := withTasks(t)
	tx := h.begin()
	run(t, h.private(tx), `UPDATE task SET title='Green tea' WHERE id='a'`, `DELETE FROM task WHERE id='b'`, `INSERT INTO task VALUES('c','Bread',0)`)
	put(t, filepath.Join(tx.Dir(), "note.txt"), "mine")
	id := h.landTxn(tx).ID
	run(t, filepath.Join(h.root, tasks), `INSERT INTO task VALUES('z','Later',0)`, `UPDATE task SET done=1 WHERE id='a'`)

	_, files, err := h.Undo(t.Context(), id, UndoOptions{What: UndoData, Preview: true})
	if err != nil || len(files) != 1 || !strings.Contains(files[0].Patch, `+id="a" title="Tea"`) {
		t.Errorf("%+v %v", files, err)
	}
	back, _, err := h.Undo(t.Context(), id, UndoOptions{What: UndoData})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.tasks(); got != "a:Tea:1\nb:Milk:0\nz:Later:0" || h.live("note.txt") != "mine" {
		t.Errorf("got\n%s", got)
	}
	if _, _, err := h.Undo(t.Context(), back.ID, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := h.tasks(); got != "a:Green tea:1\nc:Bread:0\nz:Later:0" {
		t.Errorf("after the redo\n%s", got)
	}
	run(t, filepath.Join(h.root, tasks), `UPDATE task SET title='Black tea' WHERE id='a'`)
	if _, _, err := h.Undo(t.Context(), id, UndoOptions{}); !errors.Is(err, sys.Conflict) {
		t.Errorf("%v", err)
	}
	if h.live("note.txt") != "mine" {
		t.Error("the code was undone without the data")
	}
	if _, _, err := h.Undo(t.Context(), id, UndoOptions{What: UndoCode}); err != nil || h.live("note.txt") != "<absent>" {
		t.Error(err)
	}
}

func TestUndoOfWhatRemoves(t *testing.T) {
	h := withTasks(t)
	tx := h.begin()
	run(t, h.private(tx), `ALTER TABLE task DROP COLUMN title`)
	id := h.landTxn(tx).ID
	run(t, filepath.Join(h.root, tasks), `INSERT INTO task VALUES('z',1)`)
	if _, _, err := h.Undo(t.Context(), id, UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, filepath.Join(h.root, tasks), `SELECT id || ':' || ifnull(title,'-') FROM task ORDER BY id`); got != "a:Tea\nb:Milk\nz:-" {
		t.Error(got)
	}
}

func TestUndoOfAMigration(t *testing.T) {
	for _, used := range []bool{false, true} {
		h := withTasks(t)
		h.put("apps/tasks/matrix.json", "{}")
		info, err := h.Capture(t.Context())
		if err != nil || info.ID == 0 {
			t.Fatal(info, err)
		}
		run(t, filepath.Join(h.root, tasks), `ALTER TABLE task ADD COLUMN due TEXT`)
		if err := h.NoteMigration(t.Context(), info.ID, Migration{Path: tasks, Columns: map[[2]string]string{{"task", "due"}: "TEXT"}}); err != nil {
			t.Fatal(err)
		}
		run(t, filepath.Join(h.root, tasks), `INSERT INTO task(id, title) VALUES('z','Later')`)
		if used {
			run(t, filepath.Join(h.root, tasks), `UPDATE task SET due='x' WHERE id='z'`)
		}
		done, _, err := h.Undo(t.Context(), info.ID, UndoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		there := ask(t, filepath.Join(h.root, tasks), `SELECT count(*) FROM pragma_table_info('task') WHERE name='due'`) == "1"
		if there != used || used != (len(done.Kept) > 0) || !strings.Contains(h.tasks(), "z:Later") {
			t.Errorf("used %v: the column is there: %v; %q", used, there, done.Kept)
		}
		if l, err := h.Log(t.Context(), Query{}); err != nil || !slices.ContainsFunc(l, func(l sys.LandingInfo) bool { return len(l.Data) == 1 && l.Data[0].Migrated }) {
			t.Errorf("%+v %v", l, err)
		}
	}
}

func TestRestoreData(t *testing.T) {
	h := withTasks(t)
	h.landFiles(map[string]string{"apps/tasks/matrix.json": "{}"})
	at := h.Head()
	run(t, filepath.Join(h.root, tasks), `DELETE FROM task`, `CREATE TABLE more(a)`)
	r, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.tasks(); got != "a:Tea:0\nb:Milk:0" {
		t.Error(got)
	}
	if _, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{}); !errors.Is(err, sys.Exists) {
		t.Errorf("%v", err)
	}
	if _, _, err := h.Undo(t.Context(), r.Landing.ID, UndoOptions{}); err != nil || h.tasks() != "" {
		t.Error(h.tasks(), err)
	}
	// A damaged one goes aside, and with it the error of everybody who needs it.
	if err := os.WriteFile(filepath.Join(h.root, tasks), []byte(strings.Repeat("rotten bytes ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := rows.Remove(filepath.Join(h.root, tasks+"x")); err != nil {
		t.Fatal(err)
	}
	tx := h.begin()
	if _, err := tx.Data(t.Context(), tasks); !errors.Is(err, sys.Unavailable) || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	h.landFiles(map[string]string{"apps/tasks/index.html": "mended"}) // code lands all the same
	if _, err := h.RestoreData(t.Context(), tasks, at, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := h.tasks(); got != "a:Tea:0\nb:Milk:0" {
		t.Error(got)
	}
	kept, err := filepath.Glob(filepath.Join(h.root, sys.Store, "displaced", "*tasks.sqlite*"))
	if err != nil || len(kept) == 0 {
		t.Error("the damaged file is gone", err)
	}
}

// An app that writes while rows land loses nothing, and the landing lands once.
func TestAppWritesDuringLandings(t *testing.T) {
	h := withTasks(t)
	live := filepath.Join(h.root, tasks)
	const each = 20
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range each {
			run(t, live, fmt.Sprintf(`INSERT INTO task VALUES('app%d','x',0)`, i), `UPDATE task SET done = done + 1 WHERE id='b'`)
		}
	})
	for i := range each {
		tx := h.begin()
		run(t, h.private(tx), fmt.Sprintf(`INSERT INTO task VALUES('agent%d','x',0)`, i), fmt.Sprintf(`UPDATE task SET title='t%d' WHERE id='b'`, i))
		h.landTxn(tx)
	}
	wg.Wait()
	if got := ask(t, live, `SELECT count(*) || ' ' || (SELECT done || title FROM task WHERE id='b') FROM task`); got != fmt.Sprintf("%d %dt%d", 2+2*each, each, each-1) {
		t.Error(got)
	}
}

func TestRowsThatCannotBeWrittenArePending(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	h := withTasks(t, func(o *Options) {
		o.fault = func(point string) error {
			if point == "rows-commit" && broken.Load() {
				return errors.New("not now")
			}
			return nil
		}
	})
	tx := h.begin()
	run(t, h.private(tx), `INSERT INTO task VALUES('c','Bread',0)`)
	h.landTxn(tx)
	if strings.Contains(h.tasks(), "Bread") {
		t.Fatal("the fault does not bite")
	}
	broken.Store(false)
	h.landFiles(map[string]string{"note.txt": "x"})
	if !strings.Contains(h.tasks(), "Bread") {
		t.Error("they were not tried again")
	}
	root := h.root
	h.close()
	h = open(t, root)
	if got := ask(t, filepath.Join(root, tasks), `SELECT count(*) FROM task`); got != "3" {
		t.Error(got)
	}
}

// A landing that does not touch an app costs nothing for its data, and one that does
// is bounded by looking, if nothing has changed.
func TestCopiesAreOnlyTakenWhenNeeded(t *testing.T) {
	h := withTasks(t)
	h.landFiles(map[string]string{"notes/a.txt": "x"})
	if c, err := h.Copies(t.Context(), ""); err != nil || len(c) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	time.Sleep(2 * racy)
	for i := range 3 {
		h.landFiles(map[string]string{"apps/tasks/n.txt": fmt.Sprint(i)})
	}
	c, err := h.Copies(t.Context(), "tasks")
	if err != nil || len(c) != 3 || c[0].Added != 0 || c[2].Added == 0 || c[0].root != c[2].root {
		t.Errorf("%+v %v", c, err)
	}
	var b strings.Builder
	if err := h.ReadCopy(t.Context(), c[0], &b); err != nil || int64(b.Len()) != c[0].Size {
		t.Error(b.Len(), err)
	}
	if gone, _, err := h.PruneCopies(t.Context(), time.Now().Add(60*24*time.Hour)); err != nil || gone != 2 {
		t.Error(gone, err)
	}
	b.Reset()
	if c, err = h.Copies(t.Context(), ""); err != nil || len(c) != 1 {
		t.Fatal(c, err)
	}
	if err := h.ReadCopy(t.Context(), c[0], &b); err != nil {
		t.Error(err)
	}
}

func TestKept(t *testing.T) {
	now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	var all []Copy
	for i := range 100 * 4 { // one every six hours
		all = append(all, Copy{Path: "data/a/a.sqlite", Landing: sys.LandingID(1000 - i), Time: now.Add(-time.Duration(i) * 6 * time.Hour)})
	}
	all = append(all, Copy{Path: "data/b/b.sqlite", Landing: 3, Time: now.Add(-300 * 24 * time.Hour)})
	kept := Kept(all, now, []sys.LandingID{650})
	byAge := map[string]int{}
	for _, c := range kept {
		switch age := now.Sub(c.Time); {
		case c.Path == "data/b/b.sqlite":
			byAge["the newest of another"]++
		case c.Landing == 651:
			byAge["named"]++
		case age <= keepAll:
			byAge["day"]++
		case age <= keepDaily:
			byAge["month"]++
		default:
			byAge["old"]++
		}
	}
	if fmt.Sprint(byAge) != "map[day:5 month:29 named:1 the newest of another:1]" {
		t.Error(byAge)
	}
	if again := Kept(kept, now, []sys.LandingID{650}); len(again) != len(kept) {
		t.Error("the rule takes more the second time")
	}
}
