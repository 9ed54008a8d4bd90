package store

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"matrixos/sys"
)

// shelved declares the books of sample with other indexes.
func shelved(indexes ...Index) map[string]Table {
	return map[string]Table{"books": {Columns: sample["books"].Columns, Indexes: indexes}}
}

var (
	byTitle   = Index{Columns: []string{"title"}}
	oneTitle  = Index{Columns: []string{"title"}, Unique: true}
	onePlace  = Index{Columns: []string{"title", "pages"}, Unique: true}
	anotherID = Index{Columns: []string{"title_pages"}}
)

// indexesOf lists the indexes of the books by name, the unique ones with a mark.
func indexesOf(t *testing.T, s *Store) string {
	t.Helper()
	var out []string
	err := s.use("shelf", false, func(db *sql.DB) error {
		rows, err := db.QueryContext(t.Context(), `SELECT name || iif("unique", '!', '') FROM pragma_index_list('books') WHERE origin = 'c'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			out = append(out, name)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (s *Store) exec(t *testing.T, statements ...string) {
	t.Helper()
	err := s.use("shelf", false, func(db *sql.DB) error {
		for _, stmt := range statements {
			if _, err := db.ExecContext(t.Context(), stmt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func migrate(t *testing.T, s *Store, decl map[string]Table) []Addition {
	t.Helper()
	added, problems, err := s.Migrate(t.Context(), "shelf", decl)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return added
}

// TestAnIndexBecomesUniqueAndPlainAgain: uniqueness is part of what an index is. It is
// enforced as soon as the manifest asks for it, and no longer than that.
func TestAnIndexBecomesUniqueAndPlainAgain(t *testing.T) {
	s, tables := open(t, shelved(byTitle))
	insert(t, tables, `{"title":"Emma"}`, `{"title":null}`, `{"title":null}`) // what is empty may be there often
	again := func() sys.Kind {
		_, err := tables.Insert(t.Context(), "books", []json.RawMessage{[]byte(`{"title":"Emma"}`)})
		return sys.KindOf(err)
	}
	if added := migrate(t, s, shelved(oneTitle)); len(added) != 1 || added[0].Index != "uidx_books.title" {
		t.Errorf("%+v", added)
	}
	if k := again(); k != sys.Exists {
		t.Errorf("a second Emma: %v", k)
	}
	if got := indexesOf(t, s); got != "uidx_books.title!" {
		t.Error(got)
	}
	if added := migrate(t, s, shelved(oneTitle)); len(added) != 0 {
		t.Errorf("the second time adds %+v", added)
	}
	migrate(t, s, shelved(byTitle))
	if k := again(); k != "" {
		t.Errorf("a second Emma after it is plain again: %v", k)
	}
	if got := indexesOf(t, s); got != "idx_books.title" {
		t.Error(got)
	}
	if added := migrate(t, s, shelved()); len(added) != 0 {
		t.Errorf("taking an index away adds %+v", added)
	}
	if got := indexesOf(t, s); got != "" {
		t.Error(got)
	}
}

// TestIndexesOfOldHomes: homes have indexes whose names do not say whether they are
// unique. Those that the manifest means are left as they are; the others are replaced.
// What the owner has made with another program stays.
func TestIndexesOfOldHomes(t *testing.T) {
	s, _ := open(t, shelved())
	s.exec(t, `CREATE UNIQUE INDEX "idx_books_title_pages" ON books(title, pages)`, `CREATE INDEX "idx_books_title" ON books(title)`,
		`CREATE INDEX mine ON books(price)`, `CREATE INDEX "idx_books_price" ON books(price) WHERE price > 3`, `CREATE INDEX "idx_books_" ON books(upper(title))`)
	const own = "idx_books_price mine"
	if added := migrate(t, s, shelved(byTitle, onePlace)); len(added) != 0 {
		t.Errorf("what was there is made again: %+v", added)
	}
	if got := indexesOf(t, s); got != "idx_books_ idx_books_price idx_books_title idx_books_title_pages! mine" {
		t.Error(got)
	}
	migrate(t, s, shelved(oneTitle, Index{Columns: onePlace.Columns}))
	if got := indexesOf(t, s); got != "idx_books.title.pages idx_books_ "+own+" uidx_books.title!" {
		t.Error(got)
	}
}

// TestIndexesThatWereCalledAlike are two, and one that is written twice is one.
func TestIndexesThatWereCalledAlike(t *testing.T) {
	decl := map[string]Table{"books": {
		Columns: map[string]Type{"title": Text, "pages": Integer, "title_pages": Text},
		Indexes: []Index{{Columns: []string{"title", "pages"}}, anotherID, byTitle, byTitle, oneTitle, {Columns: []string{"title", "title"}}},
	}}
	s, _ := open(t, decl)
	if got := indexesOf(t, s); got != "idx_books.title idx_books.title.pages idx_books.title.title idx_books.title_pages uidx_books.title!" {
		t.Error(got)
	}
	if added := migrate(t, s, decl); len(added) != 0 {
		t.Errorf("the second time adds %+v", added)
	}
}

// TestRowsAgainstAUniqueIndexAreToldBeforeItLands: what is there twice is named, nothing
// is changed, and the app goes on with its rows.
func TestRowsAgainstAUniqueIndexAreToldBeforeItLands(t *testing.T) {
	s, tables := open(t, sample)
	ids := insert(t, tables, `{"title":"Emma","pages":3,"read":true}`, `{"title":"Emma","pages":3}`, `{"title":"Emma","pages":4}`, `{"title":"Persuasion"}`, `{"title":"Persuasion"}`)
	if planned, err := s.Plan(t.Context(), "shelf", shelved(Index{Columns: []string{"title", "price"}, Unique: true})); err != nil || len(planned) != 0 {
		t.Errorf("rows without a price are held against one another: %v, %v", planned, err)
	}
	fresh := map[string]Table{"books": {Columns: map[string]Type{"title": Text, "isbn": Text}, Indexes: []Index{{Columns: []string{"isbn"}, Unique: true}}}}
	if planned, err := s.Plan(t.Context(), "shelf", fresh); err != nil || len(planned) != 0 {
		t.Errorf("a new column is held against the rows: %v, %v", planned, err)
	}
	for _, tt := range []struct {
		index Index
		want  []string
	}{
		{oneTitle, []string{"3 rows", "table books", `title "Emma"`, "change or delete", "leave out its unique"}},
		{onePlace, []string{"2 rows", "title, pages", `title "Emma" and pages 3`}},
	} {
		planned, err := s.Plan(t.Context(), "shelf", shelved(tt.index))
		if err != nil || len(planned) != 1 || planned[0].Place != "storage.tables.books.indexes" {
			t.Fatal(planned, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(planned[0].Text, want) {
				t.Errorf("%s lacks %s", planned[0].Text, want)
			}
		}
		if _, problems, err := s.Migrate(t.Context(), "shelf", shelved(tt.index)); err != nil || !slices.Equal(problems, planned) {
			t.Errorf("%v, %v", problems, err)
		}
		if got := indexesOf(t, s); got != "idx_books.title" {
			t.Error(got)
		}
	}
	insert(t, tables, `{"title":"Sanditon"}`)
	if rows, err := tables.Find(t.Context(), "books", Query{}); err != nil || len(rows) != 6 {
		t.Errorf("%v, %v", rows, err)
	}
	if err := tables.Delete(t.Context(), "books", ids[0]); err != nil {
		t.Fatal(err)
	}
	migrate(t, s, shelved(onePlace)) // the way out that was told
}
