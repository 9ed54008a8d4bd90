package rows

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

// TestEmptiedRows: of what people and agents do to many rows at once, only what leaves next
// to nothing in them counts. Each statement is run on a table of twelve rows.
func TestEmptiedRows(t *testing.T) {
	var filled []string
	for i := range 12 {
		filled = append(filled, fmt.Sprintf(`INSERT INTO notes VALUES('n%d', '2026-11-0%d', 'Call number %d', 'It is about the %d boxes in the cellar.', 'home', '2026-12-%02d', 0, '["a"]')`, i, i%9+1, i, 7*i, i+1),
			fmt.Sprintf(`INSERT INTO spent VALUES('s%d', %d.5, 'food', '2026-11-%02d', NULL)`, i, 10*i+3, i+1),
			fmt.Sprintf(`INSERT INTO marks VALUES('m%d', '1f0c7a52-9d1b-4c1e-8a55-0123456789ab', '2026-11-%02d', %d)`, i, i+1, i%2),
			fmt.Sprintf(`INSERT INTO bare VALUES('Line %d')`, i))
	}
	for _, c := range []struct {
		name, sql string
		want      int // rows that count as emptied, or as removed of a table without a key
	}{
		// What is ordinary.
		{"all done", `UPDATE notes SET done = 1`, 0},
		{"a category is renamed", `UPDATE notes SET category = 'house'; UPDATE spent SET category = 'eating'`, 0},
		{"a category is taken away", `UPDATE notes SET category = NULL`, 0},
		{"no dates any more", `UPDATE notes SET due = ''`, 0},
		{"no tags, no category, no dates", `UPDATE notes SET tags = '[]', category = '', due = NULL`, 0},
		{"titles are written anew", `UPDATE notes SET title = upper(title)`, 0},
		{"texts get shorter", `UPDATE notes SET body = substr(body, 1, 12)`, 0},
		{"days move", `UPDATE spent SET day = date(day, '+1 day')`, 0},
		{"sums in another currency", `UPDATE spent SET amount = amount * 0.9`, 0},
		{"marks are unset", `UPDATE marks SET hit = 0`, 0},
		{"rows come", `INSERT INTO notes(id) VALUES('new')`, 0},
		{"what says nothing still does", `UPDATE notes SET title = '', body = '', category = '', due = '', tags = '' WHERE id = 'none'`, 0},
		// What is deletion by another name.
		{"all blank", `UPDATE notes SET title = '', body = NULL, category = '', due = NULL, tags = NULL`, 12},
		{"all blank, one by one", `UPDATE notes SET title = ' ', body = '' WHERE id IN ('n1', 'n2', 'n3', 'n4', 'n5', 'n6')`, 6},
		{"the texts go, the titles stay", `UPDATE notes SET body = ''`, 12},
		{"sums go", `UPDATE spent SET amount = NULL`, 12},
		{"all of it is zero", `UPDATE spent SET amount = 0, category = '', day = ''`, 12},
		{"what only refers goes", `UPDATE marks SET habit = '', day = NULL, hit = 0`, 12},
		{"where no row has a key", `UPDATE bare SET text = ''`, 12},
		{"there, other words", `UPDATE bare SET text = 'x'`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
			for _, to := range []string{before, after} {
				script(t, to, append([]string{
					`CREATE TABLE notes(id TEXT PRIMARY KEY, created_at TEXT, title TEXT, body TEXT, category TEXT, due TEXT, done INTEGER, tags TEXT)`,
					`CREATE TABLE spent(id TEXT PRIMARY KEY, amount REAL, category TEXT, day TEXT, note TEXT)`,
					`CREATE TABLE marks(id TEXT PRIMARY KEY, habit TEXT, day TEXT, hit INTEGER)`,
					`CREATE TABLE bare(text TEXT)`,
				}, filled...)...)
			}
			script(t, after, c.sql)
			set, err := Diff(context.Background(), before, after, filepath.Join(dir, "scratch"))
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, g := range set.Removed() {
				got += g.Emptied + g.Rows
			}
			if got != c.want {
				t.Errorf("%d rows, want %d", got, c.want)
			}
		})
	}
}
