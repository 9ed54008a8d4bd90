package test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"matrixos/model/modeltest"
)

// own is a world whose settings name a scripted model, and what that answers.
func own(t *testing.T) (w *World, settings func(model string) string) {
	t.Helper()
	ts := httptest.NewServer(modeltest.New(modeltest.Rules(modeltest.Rule{Turns: []modeltest.Turn{{Text: "It is the owner's model."}}})))
	t.Cleanup(ts.Close)
	w = NewWorld(t)
	w.untried = true
	w.Env = []string{"ANTHROPIC_API_KEY=sk-of-the-test"}
	w.Do("status")
	settings = func(model string) string {
		return `{"model": "` + model + `", "base_urls": {"anthropic": "` + ts.URL + `"}, "caps": {"day": {"usd": 7}}}`
	}
	w.save("system/config.json", settings("anthropic:claude-opus-4-6"))
	w.Run("ask", "hello").says(t, 0, "the owner's model")
	return w, settings
}

// TestMode30SettingsThatCannotBeRead: with a torn, an overwritten and a damaged file
// the system starts, works by the newest settings that can be read, says so, and
// goes back to good ones.
func TestMode30SettingsThatCannotBeRead(t *testing.T) {
	w, settings := own(t)
	good, at := settings("anthropic:claude-opus-4-6"), w.newest("system/config.json")
	w.Up()
	w.save("system/config.json", good[:len(good)/2])
	w.Run("ask", "hello").says(t, 0, "the owner's model")
	w.Stop()
	for _, bad := range []string{"", strings.Repeat("\x00", len(good)), "<<<<<<< mine\n" + good, `{"model": 7}`} {
		if bad != "" {
			w.save("system/config.json", bad)
		}
		w.Up() // it has only the history to go by
		w.Run("ask", "hello").says(t, 0, "the owner's model")
		if got := w.Do("spending", "--json").Stdout; !strings.Contains(strings.Join(strings.Fields(got), ""), `"cap":7`) {
			t.Errorf("%.20q: the caps are not the owner's: %s", bad, got)
		}
		w.Stop()
		if out := w.Output(); !strings.Contains(out, "settings cannot be read") {
			t.Errorf("%.20q: nothing is said:\n%s", bad, out)
		}
	}
	w.Do("restore", "system/config.json", "--at", at)
	if got := w.Read("system/config.json"); got != good {
		t.Errorf("settings %q", got)
	}
}

// TestMode31SettingsThatAreValidButWrong: a provider that there is not and an
// address where nobody answers are named with a way out, and the undo of the change
// puts it right.
func TestMode31SettingsThatAreValidButWrong(t *testing.T) {
	w, settings := own(t)
	good := settings("anthropic:claude-opus-4-6")
	for bad, words := range map[string][]string{
		settings("antropic:claude-opus-4-6"):                                 {"antropic", "no such provider", "Write offline"},
		strings.Replace(good, "http://127.0.0.1:", "http://127.0.0.1:1/", 1): {"claude-opus-4-6"},
	} {
		w.save("system/config.json", bad)
		r := w.Run("ask", "hello")
		if r.Status == 0 {
			t.Errorf("%s: it went well", bad)
		}
		r.says(t, r.Status, words...)
		w.Do("undo", w.newest("system/config.json"))
		w.Run("ask", "hello").says(t, 0, "the owner's model")
		if got := w.Read("system/config.json"); got != good {
			t.Errorf("settings %q", got)
		}
	}
}
