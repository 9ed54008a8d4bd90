package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFirstLight is the main job as a new owner meets it, in a browser and
// without any key.
func TestFirstLight(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	b := Chromium(t)
	desk := w.SignIn(b, 1440, 900)
	desk.See("Track my expenses")
	desk.Shot("1-first-minute")
	start := time.Now()
	desk.Ask(request)
	app := desk.App("Expenses")
	app.See("Expenses")
	t.Logf("the window took %s", time.Since(start))
	desk.Shot("2-built")

	for _, e := range [][2]string{{"12.50", "2026-11-02"}, {"40", "2026-10-15"}, {"7.25", "2026-11-20"}} {
		app.Click("Add expense")
		app.Fill("Amount", e[0])
		app.Fill("Date", e[1])
		app.Click("^(Save|Add)$")
		app.See(e[0])
	}
	desk.Shot("3-three-expenses")
	if got := w.Rows("expenses", "SELECT count(*), sum(amount) FROM expenses"); got != "3|59.75" {
		t.Errorf("rows %q", got)
	}

	w.Stop()
	w.Up()
	desk = w.SignIn(b, 1440, 900)
	app = desk.App("Expenses") // the layout came back with its window
	app.See("12.50")
	app.See("59.75")

	desk.Ask("add a field for the shop")
	Eventually(t, patience, "the field is in the app", func() bool {
		return strings.Contains(w.Read("apps/expenses/src/fields.json"), "shop")
	})
	desk.App("Expenses").See("Shop")
	desk.Shot("4-with-shop")
	if got := w.Rows("expenses", "SELECT count(*), count(shop) FROM expenses"); got != "3|0" {
		t.Errorf("rows %q", got)
	}

	w.Do("undo")
	if strings.Contains(w.Read("apps/expenses/src/fields.json"), "shop") {
		t.Error("undo left the field")
	}
	if got := w.Rows("expenses", "SELECT count(*) FROM expenses"); got != "3" {
		t.Errorf("undo took rows: %q", got)
	}
	for scheme, size := range map[string][2]int{"light": {390, 844}, "dark": {1440, 900}} {
		phone := w.SignInAgain(b, size[0], size[1])
		phone.Scheme(scheme)
		phone.Follow(w.Do("open", "expenses", "--print").Stdout)
		phone.App("Expenses").See("12.50")
		phone.Shot("5-" + scheme)
	}
}

// TestAHandEditShowsInTheWindow is live reload: an editor saves, the window
// follows, and the history names the owner.
func TestAHandEditShowsInTheWindow(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	desk := w.SignIn(Chromium(t), 1280, 800)
	desk.OpenApp("Expenses")
	desk.App("Expenses").See("Expenses")
	file := filepath.Join(w.Home, "apps/expenses/src/App.tsx")
	text := strings.Replace(w.Read("apps/expenses/src/App.tsx"), `title="Expenses"`, `title="Where it goes"`, 1)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	desk.App("Expenses").See("Where it goes")
	if log := w.Do("log", "-n", "1").Stdout; !strings.Contains(log, "you ") {
		t.Errorf("the history does not name the owner:\n%s", log)
	}
}

// TestAcknowledgedWorkSurvivesACrash kills the daemon right after an answer.
func TestAcknowledgedWorkSurvivesACrash(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	before := w.Do("log", "--json").Stdout
	w.Crash()
	w.Up()
	if after := w.Do("log", "--json").Stdout; after != before {
		t.Errorf("the history changed:\n%s\n%s", before, after)
	}
	w.Do("ask", "add a field for the shop")
}
