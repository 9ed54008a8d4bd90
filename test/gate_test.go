package test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"matrixos/model/modeltest"
	"matrixos/sys"
)

// TestAnAppThatDoesLessIsNotTaken: an agent's change compiles and looks right, but what
// repeats does not come again. It is refused by the contract, in a window that nobody sees;
// the agent is told which step, what was expected and what was seen, mends it, and what
// lands says how it was held to what. Without a browser the same change is held to less, and
// says so.
func TestAnAppThatDoesLessIsNotTaken(t *testing.T) {
	const (
		file    = "apps/todo/src/App.tsx"
		keeps   = "act(update(row.id, { due: next }));"
		forgets = "act(update(row.id, {}));"
	)
	edit := func(from, to string) modeltest.Turn {
		return call("Edit", map[string]string{"file_path": file, "old_string": from, "new_string": to})
	}
	server := modeltest.New(modeltest.Rules(
		modeltest.Rule{Program: sys.ProgramKernel, Turns: []modeltest.Turn{
			call("spawn", map[string]any{"program": "builder", "task": "Make the code of the to-do app simpler.", "app": "todo"}), {Text: "It is simpler now."},
		}},
		modeltest.Rule{Program: sys.ProgramBuilder, Match: "The landing was refused", Turns: []modeltest.Turn{edit(forgets, keeps+" // and comes again"), {Text: "Mended."}}},
		modeltest.Rule{Program: sys.ProgramBuilder, Turns: []modeltest.Turn{
			call("Read", map[string]string{"file_path": file}), edit(keeps, forgets), {Text: "Simpler."},
		}},
	))
	ts := httptest.NewServer(server)
	defer ts.Close()
	start := func(t *testing.T, env ...string) *World {
		t.Helper()
		w := NewWorld(t)
		w.Env = append(providers(ts.URL)["anthropic:claude-opus-4-6"], env...)
		w.Args = []string{"--model", "anthropic:claude-opus-4-6"}
		w.Up()
		return w
	}

	t.Run("browser", func(t *testing.T) {
		w := start(t)
		before := w.newest(file)
		r := w.Do("ask", "make the to-do app simpler")
		if !strings.Contains(r.Stderr, "ran in a browser") {
			t.Errorf("the answer does not say how it was verified:\n%s", r.Stderr)
		}
		told := refusal(server)
		for _, want := range []string{"what repeats comes again", "Expected", "seen"} {
			if !strings.Contains(told, want) {
				t.Errorf("the agent is not told %q:\n%s", want, told)
			}
		}
		if text := w.Read(file); !strings.Contains(text, keeps+" // and comes again") || strings.Contains(text, forgets) {
			t.Error("what landed is not what was mended")
		}
		w.Do("reliability").says(t, 0, "Refused before it landed", "todo", "27 an app does something else than it should")
		landed := w.newest(file)
		if show := w.Do("show", landed).Stdout; landed == before || !strings.Contains(show, "browser") || strings.Contains(show, forgets) {
			t.Errorf("%s after %s:\n%s", landed, before, show)
		}
		if n := strings.Count(w.Do("log", file).Stdout, "\n"); n > 2 {
			t.Errorf("what was refused is in the history, which has %d lines", n)
		}
	})
	t.Run("static", func(t *testing.T) {
		w := start(t, "MATRIXOS_CHROMIUM=none")
		if r := w.Do("ask", "make the to-do app simpler"); !strings.Contains(r.Stderr, "(static)") {
			t.Errorf("the answer does not say that nothing ran:\n%s", r.Stderr)
		}
		if text := w.Read(file); !strings.Contains(text, forgets) {
			t.Error("it did not land")
		}
	})
}

// refusal is what agents were told of landings that were refused.
func refusal(server *modeltest.Server) string {
	var out strings.Builder
	for _, r := range server.Requests() {
		if words, _ := r.Words(); strings.Contains(words, "The landing was refused") {
			out.WriteString(words + "\n")
		}
	}
	return out.String()
}
