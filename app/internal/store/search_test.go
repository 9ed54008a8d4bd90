package store

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var shelf = map[string]Table{
	"books": {Columns: map[string]Type{"title": Text, "notes": Text, "tags": JSON, "pages": Integer}},
	"loans": {Columns: map[string]Type{"who": Text}},
}

func searching(t *testing.T) (*Store, *Tables) {
	t.Helper()
	s := New(t.TempDir())
	t.Cleanup(func() { s.Close() })
	s.SearchIn(filepath.Join(t.TempDir(), "search"))
	if _, found, err := s.Migrate(t.Context(), "shelf", shelf); err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	return s, s.Tables("shelf", shelf)
}

func enter(t *testing.T, tables *Tables, table string, rows ...string) []string {
	t.Helper()
	var raw []json.RawMessage
	for _, r := range rows {
		raw = append(raw, json.RawMessage(r))
	}
	ids, err := tables.Insert(t.Context(), table, raw)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func hits(t *testing.T, tables *Tables, table, text string) string {
	t.Helper()
	found, err := tables.Search(t.Context(), table, text, 0)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var out []string
	for _, h := range found {
		name, _ := h.Row["title"].(string)
		if h.Table == "loans" {
			name, _ = h.Row["who"].(string)
		}
		out = append(out, h.Table+" "+name)
	}
	return strings.Join(out, ", ")
}

func TestSearchFindsWordsAndBeginnings(t *testing.T) {
	_, tables := searching(t)
	enter(t, tables, "books", `{"title":"Über den Fluss","notes":"A novel of ice","tags":["winter","slow"],"pages":300}`, `{"title":"Ice cream","notes":"data:image/png;base64,novel"}`)
	enter(t, tables, "loans", `{"who":"Ida Winter"}`)
	for text, want := range map[string]string{
		"novel": "books Über den Fluss", "uber": "books Über den Fluss", "ÜBER fl": "books Über den Fluss", "ice cream": "books Ice cream", "slow": "books Über den Fluss",
		"nothing": "", "": "", `"*^ OR (`: "", `ice" OR "novel`: "", "NEAR": "", "300": "",
	} {
		if got := hits(t, tables, "", text); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	if got := hits(t, tables, "loans", "winter"); got != "loans Ida Winter" {
		t.Errorf("in one table: %q", got)
	}
	if _, err := tables.Search(t.Context(), "nope", "x", 1); err == nil {
		t.Error("a table that there is not")
	}
}

// Whoever changes the rows, the next search knows; and an index that is lost or
// damaged is no loss.
func TestSearchFollowsEveryChange(t *testing.T) {
	s, tables := searching(t)
	ids := enter(t, tables, "books", `{"title":"First"}`, `{"title":"Second"}`)
	if hits(t, tables, "", "first") == "" {
		t.Fatal("not found at all")
	}
	if err := tables.Update(t.Context(), "books", []Patch{{ID: ids[0], Data: json.RawMessage(`{"title":"Changed"}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := tables.Delete(t.Context(), "books", ids[1]); err != nil {
		t.Fatal(err)
	}
	if got := hits(t, tables, "", "first") + hits(t, tables, "", "second"); got != "" || hits(t, tables, "", "changed") == "" {
		t.Errorf("after an update and a removal: %q", got)
	}
	other, err := sql.Open("sqlite", s.Path("shelf"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `UPDATE books SET title = 'By hand'`); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got := hits(t, tables, "", "changed"); got != "" || hits(t, tables, "", "hand") == "" {
		t.Errorf("after another program: %q", got)
	}
	if err := os.WriteFile(filepath.Join(s.index, "shelf.sqlite"), []byte(strings.Repeat("no database at all ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits(t, tables, "", "hand") == "" {
		t.Error("a damaged index is not made anew")
	}
	tables.store.SearchIn("")
	if hits(t, tables, "", "hand") == "" {
		t.Error("without a place for an index")
	}
}
