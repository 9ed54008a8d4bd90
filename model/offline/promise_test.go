package offline

import (
	"encoding/json"
	"maps"
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"matrixos/app"
	"matrixos/app/browser"
	"matrixos/sys"
)

// asked has a request for each kind of app that is known by its kind.
var asked = map[Kind]string{
	KindHabits: "habit tracker", KindPomodoro: "pomodoro timer", KindTimer: "timer", KindCountdown: "countdown to my holidays", KindCalculator: "calculator", KindConverter: "unit converter", KindTip: "tip calculator",
	KindPoll: "poll", KindCards: "flash cards for Spanish", KindPicker: "random picker", KindCounter: "a counter", KindSnake: "snake", Kind2048: "2048", KindTicTacToe: "tic tac toe", KindMemory: "memory game", KindMinesweeper: "minesweeper",
}

// trackers are requests for records: in tables and lists, grouped, ticked off, summed, in charts.
var trackers = []string{
	"track my expenses by category", "a reading list with author and rating", "a workout log with date and minutes", "track my plants with name, room and last watered, grouped by room",
	"Ausgaben nach Kategorie", "a shopping list", "log my sleep with hours and a chart", "an inventory of tools with price and quantity",
}

// Of each of them more is promised than that it opens, and the app keeps it, in a real
// browser.
func TestAppsKeepWhatTheyPromise(t *testing.T) {
	bin, err := browser.Find(os.Getenv("MATRIXOS_CHROMIUM"))
	if _, built := os.Stat("../../web/runtime/dist/trial-page.js"); err != nil || built != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err, built)
		}
		t.Skip("NOT RUN:", err, built)
	}
	rt, err := app.New(app.Options{Libraries: os.DirFS("../../web/runtime/dist"), Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b := browser.New(rt, browser.Options{Bin: bin})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, request := range slices.Concat(slices.Sorted(maps.Values(asked)), trackers) {
		t.Run(request, func(t *testing.T) { keeps(t, rt, b, request) })
	}
}

// keeps asks for an app and holds it to what was promised.
func keeps(t *testing.T, rt *app.Runtime, b *browser.Browser, request string) {
	h, promised := newHost(t), []byte(nil)
	h.after = func(name string, in map[string]any) (string, bool) {
		if name == "spawn" {
			promised, _ = json.Marshal(in["contract"])
		}
		return "", false
	}
	answer := h.ask(request)
	apps := h.apps()
	if len(apps) != 1 {
		t.Fatalf("%q made %d apps: %s", request, len(apps), answer)
	}
	folder := apps[0]["folder"].(string)
	tree := fstest.MapFS{}
	for name, text := range h.files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree[path.Join(folder, "contract.json")] = &fstest.MapFile{Data: promised}
	trial, err := rt.Try(t.Context(), tree, sys.Path(folder))
	if err != nil {
		t.Fatal(err)
	}
	r := sys.ContractReport{Faults: trial.Faults}
	if len(r.Faults) == 0 {
		if r.Scenarios, err = b.Run(t.Context(), trial); err != nil {
			t.Fatal(err)
		}
	}
	if !r.Settled() || len(r.Scenarios[0].Steps) < 3 {
		t.Errorf("%s: %s", promised, r.Text())
	}
	if err := trial.Close(); err != nil {
		t.Error(err)
	}
}
