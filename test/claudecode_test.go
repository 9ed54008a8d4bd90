package test

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/engine/claude"
	"matrixos/model"
)

// claudeCode is the Claude Code CLI that tools/setup installs for tests, or the
// one that MATRIXOS_CLAUDE names.
func claudeCode(t testing.TB) string {
	t.Helper()
	program := os.Getenv("MATRIXOS_CLAUDE")
	if program == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(cache, "matrixos-test", "claude-code", claude.Version, "claude")
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("SKIPPED, NOT PROVEN: the Claude Code CLI is not there (%v); tools/setup installs it", err)
	}
	return program
}

const inClaudeCode = "claude-code:claude-opus-4-6"

// TestTheClaudeCodeCLIDrivesTheSamePath is the main job with the real CLI as the
// CPU: the app lands through the same checks, and what the history says that it
// cost is what the provider was asked for.
func TestTheClaudeCodeCLIDrivesTheSamePath(t *testing.T) {
	server := theApp(t)
	server.Key = "sk-test"
	ts := httptest.NewServer(server)
	defer ts.Close()
	w := NewWorld(t)
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + ts.URL, "MATRIXOS_CLAUDE=" + claudeCode(t)}
	r := w.Do("ask", request, "--model", inClaudeCode)
	if !strings.Contains(r.Stdout, "Your expenses have a place now.") {
		t.Errorf("answer %q", r.Stdout)
	}
	if got := w.Read("apps/expenses/src/App.tsx"); !strings.Contains(got, "<Tracker") {
		t.Error("the app is not in the home")
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
	f, _ := model.Lookup("claude-opus-4-6")
	used := server.Used()
	want := f.USD(used.Input, used.Write5m, used.Write1h, used.Read, used.Output)
	if got := w.spent(); math.Abs(got-want) > 1e-9 || got == 0 {
		t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
	}
	for _, q := range server.Requests() {
		if strings.Contains(string(q.Body), "sk-test") {
			t.Error("the key was part of what the CLI said")
		}
	}
	left, err := filepath.Glob(filepath.Join(w.Home, ".disk", "claude-code", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// spent is what the ledger of the home says that models have cost, in dollars.
func (w *World) spent() float64 {
	w.t.Helper()
	var spending client.Spending
	if err := json.Unmarshal([]byte(w.Do("spending", "--json").Stdout), &spending); err != nil {
		w.t.Fatal(err)
	}
	return spending.Total.Cost.USD
}
