package test

import (
	"net/http/httptest"
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
