package test

import (
	"strings"
	"testing"
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
