package test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/model/modeltest"
)

// theApp plays "track my expenses" as a language model would, from files.
func theApp(t *testing.T) *modeltest.Server {
	t.Helper()
	rules, err := modeltest.App(modeltest.Build{
		Match: "expenses", Slug: "expenses", Files: os.DirFS("testdata/expenses"),
		Order:  []string{"matrix.json", "index.html", "src/App.tsx", "src/main.tsx"},
		Report: "It keeps amount, category and date, and charts each month.", Answer: "Your expenses have a place now.",
	})
	if err != nil {
		t.Fatal(err)
	}
	return modeltest.New(modeltest.Rules(rules...))
}

// providers are the two wire protocols, and how the binary is pointed at one.
func providers(url string) map[string][]string {
	return map[string][]string{
		"anthropic:claude-opus-4-6": {"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + url},
		"openai:gpt-test":           {"OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL=" + url + "/v1"},
	}
}

const request = "Track my expenses with amount, category and date, and show a chart per month"

func TestLanguageModelsDriveTheSamePath(t *testing.T) {
	for name := range providers("") {
		t.Run(name, func(t *testing.T) {
			server := theApp(t)
			ts := httptest.NewServer(server)
			defer ts.Close()
			w := NewWorld(t)
			w.Env = providers(ts.URL)[name]
			r := w.Do("ask", request, "--model", name)
			if !strings.Contains(r.Stdout, "Your expenses have a place now.") {
				t.Errorf("answer %q", r.Stdout)
			}
			if got := w.Read("apps/expenses/src/App.tsx"); !strings.Contains(got, "<Tracker") {
				t.Error("the app is not in the home")
			}
			if got := w.Rows("expenses", "SELECT count(*) FROM expenses"); got != "0" {
				t.Errorf("rows %q", got)
			}
			if a, there := w.App("expenses"); !there || !a.OK {
				t.Errorf("the app: %+v, there: %v", a, there)
			}
			if log := w.Do("log").Stdout; !strings.Contains(log, "builder") {
				t.Errorf("log does not say who:\n%s", log)
			}
			if n := len(server.Requests()); n != 7 {
				t.Errorf("%d requests, want 2 of the kernel and 5 of the builder", n)
			}
		})
	}
}

func TestWhatGoesWrongWithAModelIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		turn  modeltest.Turn
		key   string
		says  string
		model string
	}{
		"wrong key": {key: "sk-wrong", says: "key"},
		"refused":   {turn: modeltest.Turn{Stop: "refusal"}, says: "declined"},
		"truncated": {turn: modeltest.Turn{Text: "I will", Fault: &modeltest.Fault{Kind: modeltest.Truncate, Times: -1}}, says: "broke off"},
		"no model":  {model: "anthropic", says: "127.0.0.1:1"},
		"unknown":   {model: "clippy:97", says: "no such provider"},
	} {
		t.Run(name, func(t *testing.T) {
			server := modeltest.New(modeltest.Script(c.turn))
			server.Key = "sk-test"
			ts := httptest.NewServer(server)
			defer ts.Close()
			w := NewWorld(t)
			url, key, model := ts.URL, "sk-test", "anthropic:claude-opus-4-6"
			if c.key != "" {
				key = c.key
			}
			if c.model != "" {
				model, url = c.model, "http://127.0.0.1:1"
			}
			w.Env = []string{"ANTHROPIC_API_KEY=" + key, "ANTHROPIC_BASE_URL=" + url}
			r := w.Run("ask", "hello", "--model", model)
			if r.Status == 0 {
				t.Errorf("status 0:\n%s", r.Stdout)
			}
			if all := r.Stdout + r.Stderr; !strings.Contains(all, c.says) {
				t.Errorf("does not say %q:\n%s", c.says, all)
			}
		})
	}
}

// TestAModelThatErrsIsToldAndGoesOn scripts a stream that breaks off once and a
// tool that does not exist; the request still ends well.
func TestAModelThatErrsIsToldAndGoesOn(t *testing.T) {
	for name := range providers("") {
		t.Run(name, func(t *testing.T) {
			server := modeltest.New(modeltest.Script(
				modeltest.Turn{Text: "Let me", Calls: []modeltest.Call{{Name: "launch_rockets", Input: map[string]int{"n": 3}}}, Fault: &modeltest.Fault{Kind: modeltest.Truncate, Times: 1}},
				modeltest.Turn{Text: "There are no rockets."},
			))
			ts := httptest.NewServer(server)
			defer ts.Close()
			w := NewWorld(t)
			w.untried = true
			w.Env = providers(ts.URL)[name]
			r := w.Do("ask", "fire", "--model", name)
			if !strings.Contains(r.Stdout, "There are no rockets.") || len(server.Requests()) != 3 {
				t.Errorf("%d requests, answer %q", len(server.Requests()), r.Stdout)
			}
		})
	}
}

// TestACommandOfAnAgentIsConfined lets an obedient model run a hostile command:
// what it did in its place lands, and nothing else happened.
func TestACommandOfAnAgentIsConfined(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("canary-5521"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := "mkdir -p apps/notes && echo kept > apps/notes/readme.txt; cat " + secret + " > apps/notes/stolen.txt; echo owned > " + secret +
		"; curl -s http://127.0.0.1:1 ; ls -a ~/.disk; pwd"
	rules := []modeltest.Rule{
		{Program: "kernel", Turns: []modeltest.Turn{
			{Calls: []modeltest.Call{{Name: "spawn", Input: map[string]string{"program": "builder", "task": "run it", "app": "notes"}}}}, {Text: "Done."},
		}},
		{Program: "builder", Turns: []modeltest.Turn{
			{Calls: []modeltest.Call{{Name: "Bash", Input: map[string]string{"command": command}}}}, {Text: "Ran."},
		}},
	}
	ts := httptest.NewServer(modeltest.New(modeltest.Rules(rules...)))
	defer ts.Close()
	w := NewWorld(t)
	w.untried = true
	w.Env = providers(ts.URL)["anthropic:claude-opus-4-6"]
	w.Do("ask", "run it", "--model", "anthropic:claude-opus-4-6")
	if got := w.Read("apps/notes/readme.txt"); got != "kept\n" {
		t.Errorf("what it wrote in its place: %q", got)
	}
	if got := w.Read("apps/notes/stolen.txt"); got != "" {
		t.Errorf("it read a file outside: %q", got)
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "canary-5521" {
		t.Errorf("it changed a file outside: %q %v", got, err)
	}
}
