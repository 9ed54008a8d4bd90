package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
)

// save writes a file of the home as an editor does.
func (w *World) save(path, text string) {
	w.t.Helper()
	file := filepath.Join(w.Home, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// newest is the newest landing that touched a path, as `log` has it.
func (w *World) newest(path string) string {
	w.t.Helper()
	return strings.Fields(w.Do("log", path, "-n", "1").Stdout)[0]
}

// TestTravelInTime is an owner who changes things by hand and by agent, names a
// moment, looks back, asks why, brings one file back, and undoes an old change
// under newer ones.
func TestTravelInTime(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.save("notes/trip.md", "Pack light\nBook the train\n")
	Eventually(t, patience, "the edit is recorded", func() bool { return strings.Contains(w.Do("log", "notes").Stdout, "trip.md") })
	w.Do("snapshot", "before-the-app")
	w.Do("ask", request)
	built := w.newest("apps/expenses")
	w.save("notes/trip.md", "Pack light\nBook the train\nTell Ada\n")
	w.Do("ask", "add a field for the shop")
	field := w.newest("apps/expenses/src/fields.json")

	// Why is it so?
	if why := w.Do("why", "notes/trip.md:3").Stdout; !strings.Contains(why, "Tell Ada") || !strings.Contains(why, "you ·") {
		t.Errorf("the owner's line is explained by\n%s", why)
	}
	if why := w.Do("why", "apps/expenses/src/fields.json").Stdout; !strings.Contains(why, "asked: add a field for the shop") || !strings.Contains(why, field) || !strings.Contains(why, built) {
		t.Errorf("the fields are explained by\n%s", why)
	}

	// What was there before?
	past := strings.TrimSpace(w.Do("view", "before-the-app").Stdout)
	if _, err := os.Stat(filepath.Join(past, "apps/expenses")); !os.IsNotExist(err) {
		t.Errorf("the app is there before it was made: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(past, "notes/trip.md")); err != nil || string(text) != "Pack light\nBook the train\n" {
		t.Errorf("then the note said %q (%v)", text, err)
	}
	if d := w.Do("diff", "before-the-app", "now", "notes"); !strings.Contains(d.Stdout, "+Tell Ada") {
		t.Errorf("the difference is\n%s", d.Stdout)
	}

	// One file comes back, and everything else stays.
	w.Do("restore", "notes/trip.md", "--at", "before-the-app", "--preview")
	if w.Read("notes/trip.md") != "Pack light\nBook the train\nTell Ada\n" {
		t.Error("a preview changed the file")
	}
	w.Do("restore", "notes/trip.md", "--at", "before-the-app")
	if w.Read("notes/trip.md") != "Pack light\nBook the train\n" || !strings.Contains(w.Read("apps/expenses/src/fields.json"), "shop") {
		t.Error("the restore did not bring back this file alone")
	}

	// An old change is undone under newer ones.
	w.Do("undo", field)
	if strings.Contains(w.Read("apps/expenses/src/fields.json"), "shop") {
		t.Error("the field is still there")
	}
	if !regexp.MustCompile(field + ` .*undone by L`).MatchString(w.Do("log").Stdout) {
		t.Errorf("the history does not say what was undone:\n%s", w.Do("log").Stdout)
	}

	// All of it is to be seen on the desktop.
	desk := w.SignIn(Chromium(t), 1440, 900)
	desk.Follow(w.Addr + "/")
	desk.History()
	desk.See("Restored notes/trip.md as of")
	desk.See("before-the-app")
	desk.Choose("notes/trip.md as of")
	desk.See("Brings back")
	desk.Shot("1-change")
	desk.Press("The home then")
	desk.See("Apps then")
	desk.Shot("2-then")
	desk.Press("^Expenses$")
	desk.See("To look at only")
	desk.App("Expenses").See("Expenses")
	desk.Shot("3-app-then")
	for scheme, size := range map[string][2]int{"light": {390, 844}, "dark": {1440, 900}} {
		other := w.SignInAgain(desk.page.Browser(), size[0], size[1])
		other.Scheme(scheme)
		other.History()
		other.See("before-the-app")
		other.Shot("4-" + scheme)
		other.Choose("notes/trip.md as of")
		other.Press("The home then")
		other.See("Apps then")
		other.Shot("5-" + scheme)
	}
}

// History opens the history by its shortcut, again if the desktop was not
// listening yet.
func (d *Desk) History() {
	d.t.Helper()
	d.find(d.page, ".desktop")
	Eventually(d.t, patience, "the history opens", func() bool {
		d.must(d.page.KeyActions().Press(input.ControlLeft).Type(input.KeyH).Do())
		_, err := d.page.Timeout(3 * time.Second).Element(".history-list")
		return err == nil
	})
}

// Choose picks a change of the history by its title.
func (d *Desk) Choose(title string) {
	d.t.Helper()
	d.must(d.named(d.page, ".history-list li button", title).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

// Press presses a button in a window of the desktop by its name.
func (d *Desk) Press(name string) {
	d.t.Helper()
	d.must(d.named(d.page, ".window button", name).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}
