package test

import (
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine/enginetest"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

const inCodex = "codex:anthropic:claude-opus-4-6"

// inAgent is a world whose model answers through the real Codex CLI, as rules say.
func inAgent(t *testing.T, rules ...modeltest.Rule) (*World, *modeltest.Server) {
	t.Helper()
	server := modeltest.New(modeltest.Rules(rules...))
	server.Key = "sk-test"
	ts := httptest.NewServer(server)
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	w := NewWorld(t)
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + ts.URL, "MATRIXOS_CODEX=" + enginetest.Codex(t)}
	w.Args = []string{"--model", inCodex}
	return w, server
}

// shell is a command that Codex runs by itself.
func shell(format string, args ...any) modeltest.Turn {
	return call("exec_command", map[string]any{"cmd": fmt.Sprintf(format, args...)})
}

// TestCodexDrivesTheSamePath is the main job by a coding agent of somebody else: it
// writes with its own tools and with the home's, the app lands through the same
// checks, and what the ledger has is what the provider was asked for.
func TestCodexDrivesTheSamePath(t *testing.T) {
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata/expenses", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	patch := "*** Begin Patch\n*** Add File: apps/expenses/src/main.tsx\n+" + strings.ReplaceAll(strings.TrimSuffix(file("src/main.tsx"), "\n"), "\n", "\n+") + "\n*** End Patch\n"
	outside := t.TempDir()
	secrets := "env; ls -la / /run/agent; cat /run/agent/config.toml; cat ~/.ssh/* /proc/1/environ " + os.Getenv("HOME") + "/.bashrc"
	w, server := inAgent(t,
		modeltest.Rule{Program: sys.ProgramKernel, Match: "expenses", Turns: []modeltest.Turn{
			call("spawn", map[string]string{"program": "builder", "task": "Build the expenses app.", "app": "expenses"}),
			call("open_app", map[string]string{"slug": "expenses"}), {Text: "Your expenses have a place now."},
		}},
		modeltest.Rule{Program: sys.ProgramBuilder, Match: "refused", Turns: []modeltest.Turn{
			shell("rm agents/evil.md"), {Text: "It keeps amount, category and date."},
		}},
		modeltest.Rule{Program: sys.ProgramBuilder, Turns: []modeltest.Turn{
			shell("mkdir -p apps/expenses/src && cat > apps/expenses/index.html <<'EOF'\n%sEOF\ncat > apps/expenses/matrix.json <<'EOF'\n%sEOF", file("index.html"), file("matrix.json")),
			call("apply_patch", map[string]string{"input": patch}),
			call("Write", map[string]string{"file_path": "apps/expenses/src/App.tsx", "content": file("src/App.tsx")}),
			shell("echo no > agents/evil.md; echo out > /usr/evil; echo out > %s/evil", outside),
			shell("%s", secrets),
			{Text: "It keeps amount, category and date."},
		}},
	)
	r := w.Do("ask", request, "--model", inCodex)
	if !strings.Contains(r.Stdout, "Your expenses have a place now.") {
		t.Errorf("answer %q", r.Stdout)
	}
	for _, name := range []string{"index.html", "matrix.json", "src/main.tsx", "src/App.tsx"} {
		if got := w.Read("apps/expenses/" + name); got != file(name) {
			t.Errorf("%s is not in the home as it was written: %q", name, got)
		}
	}
	if a, there := w.App("expenses"); !there || !a.OK {
		t.Errorf("the app: %+v, there: %v", a, there)
	}
	if log := w.Do("log").Stdout; !strings.Contains(log, "builder") {
		t.Errorf("log does not say who:\n%s", log)
	}
	if got, want := w.spent(), asked(server); math.Abs(got-want) > 1e-9 || got == 0 {
		t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
	}
	var seen, told string
	for _, q := range server.Requests() {
		if strings.Contains(string(q.Body), "sk-test") {
			t.Error("Codex has seen the key")
		}
		words, _ := q.Words()
		told += words
		for _, r := range q.Results() {
			seen += r.Text
		}
	}
	for what, text := range map[string]string{"its own environment": "OPENAI_API_KEY=none", "that it may not write elsewhere": "/usr/evil: Read-only file system"} {
		if !strings.Contains(seen, text) {
			t.Errorf("Codex did not see %s:\n%s", what, seen)
		}
	}
	if !strings.Contains(told, "The landing was refused: change agents/evil.md") {
		t.Error("Codex was not told why its landing was refused")
	}
	if _, err := os.Stat(filepath.Join(outside, "evil")); err == nil {
		t.Error("a file outside of its folder was written")
	}
	if left, err := filepath.Glob(filepath.Join(w.Home, ".disk", "claude-code", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
