package test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/model/modeltest"
	"matrixos/sys"
)

// TestEntriesByWords enters and asks for entries of an app by words, with the
// built-in model and the real binary: rows land as changes that undo takes back.
func TestEntriesByWords(t *testing.T) {
	w := NewWorld(t)
	if said := w.Do("ask", "track my expenses").Stdout; !strings.Contains(said, "set me up") {
		t.Errorf("the first answer of a new home offers nothing: %s", said)
	}
	for _, text := range []string{"add 12.50 for lunch to expenses", "add 3 for coffee to expenses", "add 40 for shoes to expenses"} {
		if said := w.Do("ask", text).Stdout; !strings.Contains(said, "Added to Expenses") {
			t.Fatalf("%s: %s", text, said)
		}
	}
	asks := func(text, want string) {
		t.Helper()
		if said := w.Do("ask", text).Stdout; !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %s", text, said, want)
		}
	}
	asks("what did I spend on food?", "15.50")
	asks("how much did I spend this month?", "55.50")
	w.Do("undo")
	asks("how much did I spend this month?", "15.50")
}

// TestAnAppsDataAsFiles finds entries by words, exports and imports them, and brings an
// app that is gone back from its backup, with its data as they were.
func TestAnAppsDataAsFiles(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", "track my books with title, author and notes", "--model", "offline")
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	w.Do("data", "import", "books", "books", write("books.csv", "title,author\nKindred,Octavia Butler\n\"Solaris, again\",Karel Čapek\n"))
	w.Run("data", "search", "capek").says(t, 0, "books", "Solaris")
	w.Run("data", "search", "octav").says(t, 0, "Kindred")
	w.Run("data", "search", "nobody").says(t, 0, "No entry")
	if got := w.Do("data", "export", "books", "books", "--csv").Stdout; !strings.Contains(got, `"Solaris, again"`) {
		t.Errorf("exported %s", got)
	}
	w.Run("data", "import", "books", "books", write("bad.csv", "colour\nred\n")).says(t, 2, "no column", "colour")

	var before, after map[string][]map[string]any
	w.Do("data", "export", "books").JSON(t, &before)
	file := filepath.Join(dir, "books.backup.json")
	w.Do("data", "backup", "books", file)
	w.Run("data", "backup", "books", file).says(t, 1, "another name")
	if err := os.RemoveAll(filepath.Join(w.Home, "apps/books")); err != nil {
		t.Fatal(err)
	}
	Eventually(t, patience, "the app is gone", func() bool { return !strings.Contains(w.Do("apps").Stdout, "books") })
	if got := sqlite(t, filepath.Join(w.Home, "data/books/books.sqlite"), "DELETE FROM books WHERE title = 'Kindred'; INSERT INTO books(id, created_at, updated_at, title) VALUES('c0ffee00-0000-4000-8000-000000000002', '2026-11-26T03:00:00.000Z', '2026-11-26T03:00:00.000Z', 'Later')"); got != "" {
		t.Fatal(got)
	}
	w.Run("data", "restore", file).says(t, 0, "books is back", "2 rows")
	w.Do("data", "export", "books").JSON(t, &after)
	if len(after["books"]) != 3 || fmt.Sprint(after["books"][:2]) != fmt.Sprint(before["books"]) && fmt.Sprint(after["books"][1:]) != fmt.Sprint(before["books"]) {
		t.Errorf("were  %v\nare   %v", before, after)
	}
	w.Run("data", "restore", write("no.json", "{}")).says(t, 2)
}

// TestRowsOfACommand lets an agent change an app's rows with sqlite3 in Bash: they
// land with its files, an open window hears of them, and undo takes them back.
func TestRowsOfACommand(t *testing.T) {
	const model = "anthropic:claude-opus-4-6"
	command := `sqlite3 data/expenses/expenses.sqlite "INSERT INTO expenses(id, created_at, updated_at, amount) VALUES('c0ffee00-0000-4000-8000-000000000001', '2026-11-26T03:00:00.000Z', '2026-11-26T03:00:00.000Z', 12.5)" && echo entered > data/expenses/note.txt`
	server := modeltest.New(modeltest.Rules(
		modeltest.Rule{Program: "kernel", Turns: []modeltest.Turn{call("spawn", map[string]string{"program": "builder", "task": "enter it", "app": "expenses"}), {Text: "Done."}}},
		modeltest.Rule{Program: "builder", Turns: []modeltest.Turn{call("Bash", map[string]string{"command": command}), {Text: "Entered."}}}))
	ts := httptest.NewServer(server)
	defer ts.Close()
	w := NewWorld(t)
	w.Env = providers(ts.URL)[model]
	w.Up()
	w.Do("ask", "track my expenses", "--model", "offline")
	heard := make(chan sys.Event, 1)
	c := w.connect()
	go func() { heard <- await(t, c, "data", func(e sys.Event) bool { return e.Kind == sys.EventData }) }()
	w.Do("ask", "enter it", "--model", model)
	db := filepath.Join(w.Home, "data/expenses/expenses.sqlite")
	if got := sqlite(t, db, "SELECT amount FROM expenses"); got != "12.5" {
		t.Fatalf("rows: %q, the command said %s", got, results(server, "builder"))
	}
	if e := <-heard; !strings.Contains(string(e.Data), `"expenses"`) {
		t.Errorf("heard %s", e.Data)
	}
	if w.Read("data/expenses/note.txt") != "entered\n" {
		t.Error("the file has not landed")
	}
	w.Do("undo", "--both")
	if got := sqlite(t, db, "SELECT count(*) FROM expenses"); got != "0" {
		t.Errorf("after undo: %s rows", got)
	}
}
