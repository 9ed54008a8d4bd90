package rows

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// script runs SQL in the file, which is made if need be.
func script(t fatal, path string, statements ...string) {
	t.Helper()
	db, err := Open(context.Background(), path, ToCreate, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{`PRAGMA synchronous=OFF`}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// dump is the schema and all rows of a database, in an order of its own.
func dump(t fatal, path string) string {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, path, ToRead, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, err := objects(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range list {
		all, err := columns(ctx, db, "main", o.name)
		if err != nil {
			t.Fatal(err)
		}
		if o.kind != "table" {
			out = append(out, plain(o.sql))
			continue
		}
		form := []string{"table " + o.name}
		for _, c := range all {
			form = append(form, fmt.Sprint(c))
		}
		out = append(out, strings.Join(form, " "))
		if o.virtual() {
			continue
		}
		err = each(ctx, db, "SELECT "+quoteAll("+", stored(all), ", ")+" FROM "+quote(o.name), nil, func(row []any) error {
			line := o.name + ":"
			for _, v := range row {
				line += fmt.Sprintf(" %s(%s)", typeOf(v), Show(v))
			}
			out = append(out, line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func clone(t fatal, from, to string) string {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := Pages(context.Background(), from, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// diffOf also sends the changeset through its encoded form.
func diffOf(t fatal, from, to string) Changeset {
	t.Helper()
	c, err := Diff(context.Background(), from, to, to+".scratch")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func applyTo(t fatal, path string, c Changeset, m Mode) Result {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, path, ToCreate, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Apply(ctx, tx, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Conflicts) > 0 {
		err = tx.Rollback()
	} else {
		err = tx.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	return res
}

const notes = `CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, title TEXT, n INTEGER); INSERT INTO note VALUES('a','one',1),('b','two',2),('c','three',3)`

// Each case changes a copy (mine) and the live database (live); want is SQL that
// makes what should come out of both, or "conflict".
func TestBothSides(t *testing.T) {
	for name, c := range map[string]struct{ base, mine, live, want string }{
		"two columns of a row":      {notes, `UPDATE note SET title='x' WHERE id='a'`, `UPDATE note SET n=9 WHERE id='a'`, `UPDATE note SET title='x', n=9 WHERE id='a'`},
		"the same column":           {notes, `UPDATE note SET n=8 WHERE id='a'`, `UPDATE note SET n=9 WHERE id='a'`, "conflict"},
		"only the type differs":     {`CREATE TABLE t(k INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,1)`, `UPDATE t SET v=1.0`, ``, `UPDATE t SET v=1.0`},
		"case in a NOCASE column":   {`CREATE TABLE t(k TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, v TEXT COLLATE NOCASE); INSERT INTO t VALUES('a','b')`, `UPDATE t SET k='A', v='B'`, ``, `UPDATE t SET k='A', v='B'`},
		"empty blob and NULL":       {`CREATE TABLE t(k INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,NULL),(2,x'')`, `UPDATE t SET v = CASE k WHEN 1 THEN x'' END`, ``, `UPDATE t SET v = CASE k WHEN 1 THEN x'' END`},
		"removed and changed":       {notes, `DELETE FROM note WHERE id='a'`, `UPDATE note SET n=9 WHERE id='a'`, "conflict"},
		"removed on both sides":     {notes, `DELETE FROM note WHERE id='a'`, `DELETE FROM note WHERE id='a'`, `DELETE FROM note WHERE id='a'`},
		"a new column, a new row":   {notes, `ALTER TABLE note ADD COLUMN due TEXT; UPDATE note SET due='today' WHERE id='b'`, `INSERT INTO note VALUES('d','four',4)`, `INSERT INTO note VALUES('d','four',4); ALTER TABLE note ADD COLUMN due TEXT; UPDATE note SET due='today' WHERE id='b'`},
		"a column in the middle":    {notes, `CREATE TABLE x(id TEXT PRIMARY KEY NOT NULL, due TEXT DEFAULT 'z', title TEXT, n INTEGER); INSERT INTO x SELECT id, 'z', title, n FROM note; DROP TABLE note; ALTER TABLE x RENAME TO note`, `INSERT INTO note VALUES('d','four',4)`, `INSERT INTO note VALUES('d','four',4); CREATE TABLE x(id TEXT PRIMARY KEY NOT NULL, due TEXT DEFAULT 'z', title TEXT, n INTEGER); INSERT INTO x SELECT id, 'z', title, n FROM note; DROP TABLE note; ALTER TABLE x RENAME TO note`},
		"renamed column":            {notes, `ALTER TABLE note RENAME COLUMN title TO name; UPDATE note SET name='x' WHERE id='a'`, `UPDATE note SET title='y' WHERE id='b'`, `UPDATE note SET title='y' WHERE id='b'; ALTER TABLE note RENAME COLUMN title TO name; UPDATE note SET name='x' WHERE id='a'`},
		"dropped column":            {notes, `ALTER TABLE note DROP COLUMN n`, `UPDATE note SET title='y'`, `UPDATE note SET title='y'; ALTER TABLE note DROP COLUMN n`},
		"dropped column in use":     {notes, `ALTER TABLE note DROP COLUMN n`, `UPDATE note SET n=7`, "conflict"},
		"renamed table":             {notes, `ALTER TABLE note RENAME TO memo; DELETE FROM memo WHERE id='a'`, `INSERT INTO note VALUES('d','four',4)`, `INSERT INTO note VALUES('d','four',4); ALTER TABLE note RENAME TO memo; DELETE FROM memo WHERE id='a'`},
		"dropped table":             {notes + `; CREATE TABLE u(a)`, `DROP TABLE note`, `INSERT INTO u VALUES(1)`, `INSERT INTO u VALUES(1); DROP TABLE note`},
		"dropped table in use":      {notes, `DROP TABLE note`, `INSERT INTO note VALUES('d','four',4)`, "conflict"},
		"both add a column":         {notes, `ALTER TABLE note ADD COLUMN due TEXT; UPDATE note SET due='x'`, `ALTER TABLE note ADD COLUMN prio INTEGER; ALTER TABLE note ADD COLUMN due  text`, `ALTER TABLE note ADD COLUMN prio INTEGER; ALTER TABLE note ADD COLUMN due  text; UPDATE note SET due='x'`},
		"both add it differently":   {notes, `ALTER TABLE note ADD COLUMN due TEXT`, `ALTER TABLE note ADD COLUMN due INTEGER`, "conflict"},
		"new table on both sides":   {notes, `CREATE TABLE t(a, b); INSERT INTO t VALUES(1,2)`, `CREATE TABLE t(a, b); INSERT INTO t VALUES(3,4)`, `CREATE TABLE t(a, b); INSERT INTO t VALUES(1,2),(3,4)`},
		"unique index":              {notes, `CREATE UNIQUE INDEX u ON note(title)`, `INSERT INTO note VALUES('d','one',4)`, "conflict"},
		"unique value taken":        {notes + `; CREATE UNIQUE INDEX u ON note(title)`, `INSERT INTO note VALUES('e','new',4)`, `INSERT INTO note VALUES('d','new',4)`, "conflict"},
		"unique values change hand": {notes + `; CREATE UNIQUE INDEX u ON note(title)`, `UPDATE note SET title='t' WHERE id='a'; UPDATE note SET title='one' WHERE id='b'; UPDATE note SET title='two' WHERE id='a'`, `UPDATE note SET n=5 WHERE id='b'`, `DROP INDEX u; UPDATE note SET title='two' WHERE id='a'; UPDATE note SET title='one', n=5 WHERE id='b'; CREATE UNIQUE INDEX u ON note(title)`},
		"bags":                      {`CREATE TABLE t(a, b); INSERT INTO t VALUES(1,'x'),(1,'x'),(NULL,x'00')`, `DELETE FROM t WHERE rowid=1; INSERT INTO t VALUES(2,'y')`, `INSERT INTO t VALUES(1,'x'); VACUUM`, `INSERT INTO t VALUES(2,'y')`},
		"NULL in a key":             {`CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES(NULL,1),(NULL,2),('a',3)`, `DELETE FROM t WHERE v=1`, `UPDATE t SET v=4 WHERE k='a'`, `DELETE FROM t WHERE v=1; UPDATE t SET v=4 WHERE k='a'`},
		"foreign key":               {`CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES(1),(2)`, `DELETE FROM p WHERE id=1`, `INSERT INTO c VALUES(1,1)`, "conflict"},
		"a constraint of the table": {notes, `CREATE TABLE x(id TEXT PRIMARY KEY NOT NULL, title TEXT, n INTEGER CHECK(n<10)); INSERT INTO x SELECT * FROM note; DROP TABLE note; ALTER TABLE x RENAME TO note`, `UPDATE note SET n=50 WHERE id='a'`, "conflict"},
		"triggers do not fire":      {notes + `; CREATE TABLE log(n); CREATE TRIGGER g AFTER INSERT ON note BEGIN INSERT INTO log VALUES(new.n); END`, `INSERT INTO note VALUES('d','four',4)`, `INSERT INTO note VALUES('e','five',5)`, `INSERT INTO note VALUES('d','four',4); INSERT INTO note VALUES('e','five',5)`},
		"a new trigger and a view":  {notes, `CREATE TABLE log(n); CREATE TRIGGER g AFTER INSERT ON note BEGIN INSERT INTO log VALUES(new.n); END; CREATE VIEW v AS SELECT id FROM note`, ``, `CREATE TABLE log(n); CREATE TRIGGER g AFTER INSERT ON note BEGIN INSERT INTO log VALUES(new.n); END; CREATE VIEW v AS SELECT id FROM note`},
		"computed columns":          {`CREATE TABLE t(a INTEGER PRIMARY KEY, b AS (a*2), c INT AS (a*3) STORED); INSERT INTO t VALUES(1)`, `INSERT INTO t VALUES(2)`, `INSERT INTO t VALUES(3)`, `INSERT INTO t VALUES(2),(3)`},
		"full-text search":          {notes, `CREATE VIRTUAL TABLE f USING fts5(title); INSERT INTO f(rowid,title) SELECT rowid,title FROM note`, ``, `CREATE VIRTUAL TABLE f USING fts5(title); INSERT INTO f(rowid,title) SELECT rowid,title FROM note`},
		"without rowid, strict":     {`CREATE TABLE t(a TEXT, b INT, v ANY, PRIMARY KEY(b,a)) WITHOUT ROWID, STRICT; INSERT INTO t VALUES('x',1,2)`, `UPDATE t SET v='s'; INSERT INTO t VALUES('y',1,2)`, `INSERT INTO t VALUES('z',1,2)`, `UPDATE t SET v='s'; INSERT INTO t VALUES('y',1,2),('z',1,2)`},
		"odd names":                 {`CREATE TABLE "a ""b"("c d" INTEGER PRIMARY KEY, [select] TEXT /* , x */); INSERT INTO "a ""b" VALUES(1,'q')`, `ALTER TABLE "a ""b" ADD COLUMN "e,f" TEXT DEFAULT 'x,)y'`, `INSERT INTO "a ""b" VALUES(2,'r')`, `INSERT INTO "a ""b" VALUES(2,'r'); ALTER TABLE "a ""b" ADD COLUMN "e,f" TEXT DEFAULT 'x,)y'`},
		"autoincrement":             {`CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t(v) VALUES(1)`, `INSERT INTO t(v) VALUES(2)`, ``, `INSERT INTO t(v) VALUES(2)`},
		"the system's own table":    {notes, `CREATE TABLE _disk_applied(landing INTEGER PRIMARY KEY)`, ``, ``},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			base, live, mine, want := dir+"/base", dir+"/live", dir+"/mine", dir+"/want"
			script(t, live, `PRAGMA journal_mode=WAL`, c.base)
			clone(t, live, base)
			clone(t, base, mine)
			script(t, mine, c.mine)
			script(t, live, c.live)
			before := dump(t, live)
			got := applyTo(t, live, diffOf(t, base, mine), Mode{})
			if c.want == "conflict" {
				if len(got.Conflicts) == 0 || dump(t, live) != before {
					t.Fatalf("no conflict, or something was changed: %v\n%s", got, dump(t, live))
				}
				return
			}
			clone(t, base, want)
			if strings.Contains(c.live, "VACUUM") {
				script(t, want, `INSERT INTO t VALUES(1,'x'); DELETE FROM t WHERE rowid=1`)
			}
			script(t, want, c.want)
			if len(got.Conflicts) > 0 || dump(t, live) != dump(t, want) {
				t.Errorf("%v\ngot\n%s\nwant\n%s", got.Conflicts, dump(t, live), dump(t, want))
			}
			script(t, live, `PRAGMA integrity_check`)
		})
	}
}

func TestInverse(t *testing.T) {
	for name, c := range map[string]struct{ do, later, want, kept string }{
		"rows":                {`UPDATE note SET n=7 WHERE id='a'; DELETE FROM note WHERE id='b'; INSERT INTO note VALUES('d','x',1)`, ``, ``, ""},
		"later rows stay":     {`UPDATE note SET n=7 WHERE id='a'`, `INSERT INTO note VALUES('e','later',1); UPDATE note SET title='t' WHERE id='a'`, `INSERT INTO note VALUES('e','later',1); UPDATE note SET title='t' WHERE id='a'`, ""},
		"a column and a row":  {`ALTER TABLE note ADD COLUMN due TEXT; UPDATE note SET due='x', n=7 WHERE id='a'; INSERT INTO note VALUES('d','x',1,'y')`, `INSERT INTO note(id) VALUES('e')`, `INSERT INTO note(id) VALUES('e')`, ""},
		"a column in use":     {`ALTER TABLE note ADD COLUMN due TEXT`, `UPDATE note SET due='x' WHERE id='b'`, `ALTER TABLE note ADD COLUMN due TEXT; UPDATE note SET due='x' WHERE id='b'`, "column due"},
		"a default":           {`ALTER TABLE note ADD COLUMN p INT NOT NULL DEFAULT 3`, `INSERT INTO note(id) VALUES('e')`, `INSERT INTO note(id) VALUES('e')`, ""},
		"a table":             {`CREATE TABLE t(a); INSERT INTO t VALUES(1); CREATE INDEX i ON note(n)`, ``, ``, ""},
		"a table in use":      {`CREATE TABLE t(a)`, `INSERT INTO t VALUES(1)`, `CREATE TABLE t(a); INSERT INTO t VALUES(1)`, "table t"},
		"a renamed column":    {`ALTER TABLE note RENAME COLUMN n TO m; UPDATE note SET m=5 WHERE id='a'`, ``, ``, ""},
		"a renamed table":     {`ALTER TABLE note RENAME TO memo; UPDATE memo SET n=5 WHERE id='a'`, `INSERT INTO memo VALUES('e','later',1)`, `INSERT INTO note VALUES('e','later',1)`, ""},
		"an index is changed": {`DROP INDEX x; CREATE INDEX x ON note(n)`, ``, ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			base, mine, want := dir+"/base", dir+"/mine", dir+"/want"
			script(t, base, notes, `CREATE INDEX x ON note(title)`)
			clone(t, base, mine)
			clone(t, base, want)
			script(t, mine, c.do)
			back, ok := diffOf(t, base, mine).Inverse()
			if !ok {
				t.Fatal("it cannot be inverted")
			}
			script(t, mine, c.later)
			script(t, want, c.want)
			got := applyTo(t, mine, back, Mode{KeepUsed: true})
			if len(got.Conflicts) > 0 || dump(t, mine) != dump(t, want) || (c.kept != "") != (len(got.Kept) > 0) || !strings.Contains(strings.Join(got.Kept, ";"), c.kept) {
				t.Errorf("%v %q\ngot\n%s\nwant\n%s", got.Conflicts, got.Kept, dump(t, mine), dump(t, want))
			}
		})
	}
}

// In KeepLive mode, which finishes what was decided before a crash, the live value
// wins and everything else is applied.
func TestKeepLive(t *testing.T) {
	dir := t.TempDir()
	base, mine := dir+"/base", dir+"/mine"
	script(t, base, notes)
	clone(t, base, mine)
	script(t, mine, `UPDATE note SET n=7, title='mine' WHERE id='a'; INSERT INTO note VALUES('d','mine',1)`)
	c := diffOf(t, base, mine)
	script(t, base, `UPDATE note SET n=8 WHERE id='a'; INSERT INTO note VALUES('d','theirs',1)`)
	applyTo(t, base, c, Mode{KeepLive: true})
	script(t, mine, `UPDATE note SET n=8 WHERE id='a'; UPDATE note SET title='theirs' WHERE id='d'`)
	if dump(t, base) != dump(t, mine) {
		t.Errorf("got\n%s", dump(t, base))
	}
}

// In TakeTheirs mode the changeset's rows win, whatever has become of the live ones:
// changed, removed, added, and moved around under a unique value.
func TestTakeTheirs(t *testing.T) {
	dir := t.TempDir()
	base, mine := dir+"/base", dir+"/mine"
	script(t, base, `CREATE TABLE place(id TEXT PRIMARY KEY, n INTEGER UNIQUE, at TEXT); INSERT INTO place VALUES('a',1,'x'),('b',2,'x'),('c',3,'x'),('d',4,'x'),('e',5,'x')`)
	clone(t, base, mine)
	script(t, mine, `UPDATE place SET n=0 WHERE id='a'; UPDATE place SET n=1 WHERE id='b'; UPDATE place SET n=2 WHERE id='a';
		DELETE FROM place WHERE id='c'; UPDATE place SET at='mine' WHERE id='d'; INSERT INTO place VALUES('f',6,'mine')`)
	c := diffOf(t, base, mine)
	script(t, base, `UPDATE place SET at='live' WHERE id IN ('a','c','e'); DELETE FROM place WHERE id='d'; INSERT INTO place VALUES('f',7,'live')`)
	applyTo(t, base, c, Mode{TakeTheirs: true})
	script(t, mine, `UPDATE place SET at='live' WHERE id IN ('a','e')`)
	if dump(t, base) != dump(t, mine) {
		t.Errorf("got\n%s\nwant\n%s", dump(t, base), dump(t, mine))
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, ToRead, time.Second)
	if !Damaged(err) || !errors.Is(err, sys.Unavailable) || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.Context(), path+".none", ToRead, time.Second); !errors.Is(err, sys.Unavailable) {
		t.Errorf("%v", err)
	}
}

// A copy is consistent while somebody writes.
func TestPagesUnderAWriter(t *testing.T) {
	dir := t.TempDir()
	live := dir + "/live"
	script(t, live, `PRAGMA journal_mode=WAL`, `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)`)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		db, err := Open(context.Background(), live, ToWrite, 5*time.Second)
		for i := 0; err == nil && ctx.Err() == nil; i++ {
			_, err = db.Exec(`INSERT INTO t(b) VALUES(printf('%0500d', ?)), (printf('%0500d', ?))`, i, i) // always two
		}
		done <- errors.Join(err, db.Close())
	}()
	for i := range 20 {
		to := clone(t, live, fmt.Sprintf("%s/copy%d", dir, i))
		db, err := Open(ctx, to, ToRead, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		var state string
		if err := errors.Join(db.QueryRow(`SELECT count(*) FROM t`).Scan(&n), db.QueryRow(`PRAGMA integrity_check`).Scan(&state), db.Close()); err != nil || n%2 != 0 || state != "ok" {
			t.Errorf("%d rows, %s, %v", n, state, err)
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, sql.ErrConnDone) {
		t.Fatal(err)
	}
}

func FuzzDecode(f *testing.F) {
	c := Changeset{
		Steps:  []Step{{Verb: AddColumn, Table: "t", Name: "c", SQL: "TEXT", Sum: 7}},
		Tables: []Table{{Name: "t", Columns: []string{"a", "b"}, Key: []int{0}, Rows: []Row{{Old: []any{int64(1), nil}, New: []any{int64(1), "x"}}, {New: []any{2.5, []byte{1}}}}}},
	}
	f.Add(c.Encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, raw := range [][]byte{b, seal(b)} {
			c, err := Decode(raw)
			if err != nil {
				continue
			}
			if again, err := Decode(c.Encode()); err != nil || again.Text(1<<20) != c.Text(1<<20) {
				t.Errorf("%v", err)
			}
			c.Inverse()
		}
	})
}

// seal gives fuzzed bytes a right checksum, so that the rest is tried too.
func seal(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	body := bytes.Clone(b[:len(b)-4])
	return binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

func FuzzDefine(f *testing.F) {
	f.Add(`CREATE TABLE t(a INT, b TEXT DEFAULT ',)', CHECK(a>(1)), PRIMARY KEY(a)) WITHOUT ROWID`)
	f.Add(`CREATE TABLE [x y]("a""b", -- c
		'd' /*`)
	f.Fuzz(func(_ *testing.T, s string) {
		define(s)
		plain(s)
	})
}
