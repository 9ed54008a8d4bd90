package disk

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"matrixos/disk/rows"
	"matrixos/sys"
)

// TestRowsAreCheckedAsTheyWillBe: a check sees the database before and after the rows, with
// what windows have written since the transaction took its copy; a refusal changes nothing,
// and the transaction can go on. What the owner lands is not shown to it.
func TestRowsAreCheckedAsTheyWillBe(t *testing.T) {
	h := withTasks(t)
	var seen []string
	h.SetRowChecks(func(ctx context.Context, c RowsChecked) (func(context.Context) error, error) {
		count := func(when string) (n int, err error) {
			err = c.Ask(ctx, `SELECT title FROM task ORDER BY id`, func(columns []string, row []any) bool {
				n++
				when += " " + columns[0] + "=" + row[0].(string)
				return true
			})
			seen = append(seen, when)
			return n, err
		}
		if err := c.Ask(ctx, `DELETE FROM task`, func([]string, []any) bool { return true }); err == nil {
			t.Error("a check may write")
		}
		if _, err := count("before"); err != nil {
			return nil, err
		}
		return func(context.Context) error {
			n, err := count("after")
			if err == nil && n > 3 {
				err = &sys.Error{Op: "land", Path: string(c.Path), Kind: sys.NotVerified, Err: errors.New("too many")}
			}
			return err
		}, nil
	})
	tx := h.begin()
	defer tx.Drop()
	run(t, h.private(tx), `INSERT INTO task VALUES('c','Bread',0)`)
	run(t, filepath.Join(h.root, tasks), `INSERT INTO task VALUES('d','Salt',0)`)
	if _, err := tx.Land(t.Context(), Landing{}); sys.KindOf(err) != sys.NotVerified {
		t.Fatalf("it landed: %v", err)
	}
	if got, want := strings.Join(seen, "|"), "before title=Tea title=Milk title=Salt|after title=Tea title=Milk title=Bread title=Salt"; got != want {
		t.Errorf("the check saw %q, want %q", got, want)
	}
	if got := h.tasks(); strings.Contains(got, "Bread") || !strings.Contains(got, "Salt") {
		t.Errorf("after the refusal there is %q", got)
	}
	run(t, h.private(tx), `UPDATE task SET done = 1 WHERE id = 'a'`, `DELETE FROM task WHERE id = 'c'`)
	if info, err := tx.Land(t.Context(), Landing{}); err != nil || info.ID == 0 {
		t.Fatal(err)
	}
	seen = nil
	own := h.begin()
	defer own.Drop()
	run(t, h.private(own), `INSERT INTO task VALUES('e','Jam',0)`)
	if _, err := own.Land(t.Context(), Landing{Kind: sys.ByOwner}); err != nil || len(seen) > 0 {
		t.Errorf("the owner's landing: %v, shown %q", err, seen)
	}
}

// TestErasesAreCounted as people would, whatever became of the tables.
func TestErasesAreCounted(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		want      []Erased
	}{
		{"some", `DELETE FROM task WHERE id = 'a'`, []Erased{{Table: "task", Removed: 1, Of: 2}, {Removed: 1, Of: 5}}},
		{"as many came", `DELETE FROM task; INSERT INTO task VALUES('c','Tea',0),('d','Milk',0)`, []Erased{{Table: "task", Removed: 2, Of: 2}, {Removed: 2, Of: 5}}},
		{"emptied", `UPDATE task SET title = NULL`, []Erased{{Table: "task", Emptied: 2, Of: 2}, {Emptied: 2, Of: 5}}},
		{"changed only", `UPDATE task SET title = 'x'`, nil},
		{"the table", `DROP TABLE task`, []Erased{{Table: "task", Removed: 2, Of: 2, Dropped: true}, {Removed: 2, Of: 5}}},
		{"under another name", `ALTER TABLE task RENAME TO chore; DELETE FROM chore`, []Erased{{Table: "task", Removed: 2, Of: 2}, {Removed: 2, Of: 5}}},
		{"changed where no row has a key", `UPDATE word SET text = 'x'`, nil},
		{"removed there", `DELETE FROM word WHERE text = 'one'; UPDATE word SET text = 'x'`, []Erased{{Table: "word", Removed: 1, Of: 3}, {Removed: 1, Of: 5}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := withTasks(t)
			run(t, filepath.Join(h.root, tasks), `CREATE TABLE word(text TEXT)`, `INSERT INTO word VALUES('one'),('two'),('three')`)
			tx := h.begin()
			defer tx.Drop()
			run(t, h.private(tx), c.sql)
			got, err := tx.Erases(t.Context())
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("%+v, %v", got, err)
			}
			for i, w := range c.want {
				if (got[i].Sum == "") != (w.Table == "") {
					t.Errorf("the rows of %q are named %q", w.Table, got[i].Sum)
				}
				w.Path, w.Sum = tasks, got[i].Sum
				if got[i] != w {
					t.Errorf("got %+v, want %+v", got[i], w)
				}
			}
		})
	}
	h := open(t, t.TempDir())
	entries := func(n int) []byte {
		text, err := json.Marshal(map[string]any{"items": make([]int, n), "view": "list"})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if _, err := h.Write(t.Context(), Write{Files: map[sys.Path][]byte{"data/shop/list.json": entries(20), "data/shop/other.json": entries(7)}, Kind: sys.ByOwner}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		left int // entries of the larger key; -1: it is deleted
		want []Erased
	}{
		"one entry goes": {19, []Erased{{Path: "data/shop", Key: "list", Removed: 1, Of: 21}, {Path: "data/shop", Removed: 1, Of: 29}}},
		"all go":         {0, []Erased{{Path: "data/shop", Key: "list", Removed: 20, Of: 21}, {Path: "data/shop", Removed: 20, Of: 29}}},
		"the key goes":   {-1, []Erased{{Path: "data/shop", Key: "list", Removed: 21, Of: 21}, {Path: "data/shop", Removed: 21, Of: 29}}},
		"one comes":      {21, nil},
	} {
		tx := h.begin()
		full := filepath.Join(tx.Dir(), "data/shop/list.json")
		err := os.Remove(full)
		if c.left >= 0 {
			err = os.WriteFile(full, entries(c.left), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := tx.Erases(t.Context())
		for i := range got {
			got[i].Sum = ""
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err := tx.Drop(); err != nil {
			t.Error(err)
		}
	}
	var two [2]string
	for i, title := range []string{"Tea", "Milk"} {
		set := rows.Changeset{Tables: []rows.Table{{Name: "task", Columns: []string{"title"}, Key: []int{0}, Rows: []rows.Row{{Old: []any{title}}}}}}
		two[i] = set.Removed()[0].Sum
	}
	if two[0] == two[1] {
		t.Error("other rows have the same name")
	}
}
