package test

import (
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"matrixos/client"
	"matrixos/engine/claude"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// slow is for CLIs on a machine that does other things: each takes seconds of CPU
// time to start.
const slow = 3 * time.Minute

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
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + ts.URL, "MATRIXOS_CLAUDE=" + enginetest.ClaudeCode(t)}
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
	if got, want := w.spent(), asked(server); math.Abs(got-want) > 1e-9 || got == 0 {
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

// asked is what the server's answers cost, in dollars.
func asked(s *modeltest.Server) float64 {
	f, _ := model.Lookup("claude-opus-4-6")
	used := s.Used()
	return f.USD(used.Input, used.Write5m, used.Write1h, used.Read, used.Output)
}

// spent is what the ledger of the home says that models have cost, in dollars.
func (w *World) spent() float64 {
	w.t.Helper()
	var spending client.Spending
	w.Do("spending", "--json").JSON(w.t, &spending)
	return spending.Total.Cost.USD
}

func TestClaudeCodeIsNotInstalled(t *testing.T) {
	w := NewWorld(t)
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "MATRIXOS_CLAUDE=/nowhere/claude"}
	w.Run("ask", "hello", "--model", inClaudeCode).says(t, 1, "/nowhere/claude", "npm install -g @anthropic-ai/claude-code@"+claude.Version, "MATRIXOS_CLAUDE")
}

// inCLI is a world whose model answers in the real CLI, as turns say.
func inCLI(t testing.TB, kernel, builder []modeltest.Turn) (*World, *modeltest.Server) {
	t.Helper()
	server := modeltest.New(modeltest.Rules(modeltest.Rule{Program: "kernel", Turns: kernel}, modeltest.Rule{Program: "builder", Turns: builder}))
	ts := httptest.NewServer(server)
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	w := NewWorld(t)
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL=" + ts.URL, "MATRIXOS_CLAUDE=" + enginetest.ClaudeCode(t)}
	w.Args = []string{"--model", inClaudeCode}
	return w, server
}

// clis lists the CLIs that run on the world's home.
func (w *World) clis() (pids []string) {
	w.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(env), "CLAUDE_CONFIG_DIR="+w.Home) {
			pids = append(pids, file)
		}
	}
	return pids
}

// seeConfined checks that each CLI has a network of its own, and sees nothing of
// the home but its private folder.
func (w *World) seeConfined() {
	w.t.Helper()
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		w.t.Fatal(err)
	}
	seen := 0
	for _, environ := range w.clis() {
		proc := filepath.Dir(environ)
		net, err := os.Readlink(filepath.Join(proc, "ns/net"))
		if err != nil {
			continue // it has ended meanwhile
		}
		seen++
		if net == ours {
			w.t.Errorf("%s has the network of this machine", proc)
		}
		if _, err := os.Stat(filepath.Join(proc, "root", w.Home, "apps")); err == nil {
			w.t.Errorf("%s sees the home", proc)
		}
	}
	if seen < 2 {
		w.t.Errorf("%d CLIs run, want one each of the kernel and the builder", seen)
	}
}

// TestClaudeCodeInTheMiddleOfACall stops, kills and crashes while a command of
// the builder runs in the CLI's turn. No CLI is left, and the request is
// answered all the same once it may go on.
func TestClaudeCodeInTheMiddleOfACall(t *testing.T) {
	write := func(name, text string) modeltest.Turn {
		return call("Write", map[string]string{"file_path": "apps/pair/" + name, "content": text})
	}
	for name, c := range map[string]struct {
		interrupt func(w *World)
		gone      bool // no CLI is left then
	}{
		"STOP":            {func(w *World) { w.Do("stop") }, true},
		"the daemon dies": {func(w *World) { w.Crash() }, true},
		"the CLIs die": {func(w *World) {
			for _, p := range w.clis() {
				pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
				if err == nil {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := inCLI(t,
				[]modeltest.Turn{call("spawn", map[string]any{"program": "builder", "task": "write a file", "app": "pair", "contract": promise}), {Text: "Done."}},
				[]modeltest.Turn{
					write("a.txt", "one"), call("Bash", map[string]string{"command": "sleep 3"}), write("b.txt", "two"), {Text: "Built."},
				})
			w.Up()
			ticket, err := w.connect().Ask(t.Context(), client.Ask{Text: "write a file", From: "desktop"})
			if err != nil {
				t.Fatal(err)
			}
			Eventually(t, slow, "the builder is at its command", func() bool { return len(server.Requests()) >= 3 })
			await(t, w.connect(), "command", func(e sys.Event) bool {
				return e.Kind == sys.EventCall && strings.Contains(string(e.Data), `"name":"Bash"`)
			})
			w.seeConfined()
			c.interrupt(w)
			if c.gone {
				Eventually(t, patience, "no CLI is left", func() bool { return len(w.clis()) == 0 })
			}
			switch name {
			case "STOP":
				w.Do("cont", "1")
			case "the daemon dies":
				w.Up()
			}
			Eventually(t, slow, "the work has landed", func() bool {
				text, err := os.ReadFile(filepath.Join(w.Home, "apps/pair/b.txt"))
				return err == nil && string(text) == "two" && w.Read("apps/pair/a.txt") == "one"
			})
			if name != "STOP" { // which was an answer of its own
				w.wentWell(w.connect(), ticket)
			}
			for _, r := range server.Requests() {
				if strings.Contains(string(r.Body), "No response requested") {
					t.Error("the model reads what nobody said")
				}
			}
			w.Stop()
			if left := w.clis(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestASpentBudgetStopsClaudeCode: a request that the budget has no room for is
// not sent, whatever the CLI wants; what was spent is what was sent.
func TestASpentBudgetStopsClaudeCode(t *testing.T) {
	var turns []modeltest.Turn
	for i := range 40 {
		turns = append(turns, call("Grep", map[string]string{"pattern": "word" + strconv.Itoa(i)}))
	}
	w, server := inCLI(t, append(turns, modeltest.Turn{Text: "All read."}), nil)
	w.Do("status")
	w.save("system/config.json", `{"caps": {"request": {"usd": 0.3}}}`)
	w.Run("ask", "read everything", "--model", inClaudeCode).says(t, 5, "$0.30", "cont")
	if n := len(server.Requests()); n < 2 || n > 40 {
		t.Errorf("%d requests were sent", n)
	}
	if got, want := w.spent(), asked(server); math.Abs(got-want) > 1e-9 || got > 0.3 {
		t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
	}
}
