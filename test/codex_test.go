package test

import (
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/engine/coder"
	"matrixos/engine/enginetest"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

const inCodex = "codex:anthropic:claude-opus-4-6"

// inAgent is a world whose model answers through the real Codex CLI, as rules say.
func inAgent(t testing.TB, rules ...modeltest.Rule) (*World, *modeltest.Server) {
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
			call("spawn", map[string]any{"program": "builder", "task": "Build the expenses app.", "app": "expenses", "contract": promise}),
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

// agents lists the processes of Codex that work on the world's home.
func (w *World) agents() (pids []int) {
	w.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(env), "CODEX_HOME=/run/agent") {
			continue
		}
		if at, err := os.Readlink(filepath.Join(filepath.Dir(file), "cwd")); err != nil || at != w.Home {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestCodexInTheMiddleOfACommand stops and crashes while a command runs that Codex has
// started by itself. Nothing of it is left, and the request is answered all
// the same once it may go on; what was lost with the folder, the model is told.
func TestCodexInTheMiddleOfACommand(t *testing.T) {
	for name, c := range map[string]struct {
		interrupt func(w *World)
		told      string
	}{
		"STOP":            {func(w *World) { w.Do("stop") }, "interrupted before a result"},
		"the daemon dies": {func(w *World) { w.Crash() }, "had not landed and are gone:\n- exec_command: sleep 3"},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := inAgent(t,
				modeltest.Rule{Program: sys.ProgramKernel, Turns: []modeltest.Turn{
					call("spawn", map[string]any{"program": "builder", "task": "write a file", "app": "pair", "contract": promise}), {Text: "Done."},
				}},
				modeltest.Rule{Program: sys.ProgramBuilder, Match: "go on", Turns: []modeltest.Turn{shell("mkdir -p apps/pair; printf two > apps/pair/b.txt"), {Text: "Built."}}},
				modeltest.Rule{Program: sys.ProgramBuilder, Turns: []modeltest.Turn{
					call("Write", map[string]string{"file_path": "apps/pair/a.txt", "content": "one"}), shell("sleep 3"),
					shell("mkdir -p apps/pair; printf two > apps/pair/b.txt"), {Text: "Built."},
				}})
			w.Up()
			ticket, err := w.connect().Ask(t.Context(), client.Ask{Text: "write a file", From: "desktop"})
			if err != nil {
				t.Fatal(err)
			}
			await(t, w.connect(), "command", func(e sys.Event) bool {
				return e.Kind == sys.EventCall && strings.Contains(string(e.Data), "sleep 3")
			})
			if len(w.agents()) < 2 {
				t.Errorf("Codex runs as %v, want one each of the kernel and the builder", w.agents())
			}
			c.interrupt(w)
			Eventually(t, patience, "nothing of Codex is left", func() bool { return len(w.agents()) == 0 })
			if name == "STOP" {
				w.Do("cont", "1")
			} else {
				w.Up()
			}
			Eventually(t, slow, "the work has landed", func() bool {
				text, err := os.ReadFile(filepath.Join(w.Home, "apps/pair/b.txt"))
				return err == nil && string(text) == "two" && w.Read("apps/pair/a.txt") == "one"
			})
			if name != "STOP" { // which was an answer of its own
				w.wentWell(w.connect(), ticket)
			}
			told := false
			for _, r := range server.Requests() {
				for _, m := range r.Messages {
					told = told || strings.Contains(m.Text, c.told) || slices.ContainsFunc(m.Results, func(r modeltest.Result) bool { return strings.Contains(r.Text, c.told) })
				}
			}
			if !told {
				t.Errorf("the model is not told: %q", c.told)
			}
			if got, want := w.spent(), asked(server); math.Abs(got-want) > 1e-9 || got == 0 {
				t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
			}
			w.Stop()
			if left := w.agents(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestASpentBudgetStopsCodex: a request that the budget has no room for is not sent,
// whatever Codex wants; what was spent is what was sent. A stream that breaks off is
// no matter for it.
func TestASpentBudgetStopsCodex(t *testing.T) {
	var turns []modeltest.Turn
	for i := range 40 {
		turns = append(turns, shell("echo word%d", i))
	}
	turns[1].Fault = &modeltest.Fault{Kind: modeltest.Drop}
	w, server := inAgent(t, modeltest.Rule{Turns: append(turns, modeltest.Turn{Text: "All said."})})
	w.Do("status")
	w.save("system/config.json", `{"caps": {"request": {"usd": 0.3}}}`)
	w.Run("ask", "say everything", "--model", inCodex).says(t, 5, "$0.30", "cont")
	if n := len(server.Requests()); n < 3 || n > 40 {
		t.Errorf("%d requests were sent", n)
	}
	if got, want := w.spent(), asked(server); got > 0.3 || got < want*0.9 {
		t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
	}
}

func TestCodexIsNotInstalled(t *testing.T) {
	w := NewWorld(t)
	w.Env = []string{"ANTHROPIC_API_KEY=sk-test", "MATRIXOS_CODEX=/nowhere/codex"}
	w.Run("ask", "hello", "--model", inCodex).says(t, 1, "/nowhere/codex", "npm install -g @openai/codex@"+coder.CodexVersion, "MATRIXOS_CODEX")
}

// smallAgent is a coding agent of twenty lines, by which a program file alone lets
// any such program work: it is told on its command line, asks for answers by chat
// completions, and has one tool, a shell.
const smallAgent = `#!/usr/bin/python3
import json, os, subprocess, sys, urllib.request
shell = {"type": "function", "function": {"name": "shell", "parameters": {"type": "object", "properties": {"run": {"type": "string"}}}}}
talk = os.path.join(os.environ["HOME"], "talk.json")
messages = json.load(open(talk)) if sys.argv[1] == "more" else [{"role": "system", "content": open(os.environ["RULES"]).read()}]
messages.append({"role": "user", "content": sys.argv[2]})
while True:
    body = json.dumps({"model": "any", "messages": messages, "tools": [shell]}).encode()
    ask = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, {"Content-Type": "application/json"})
    said = json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(ask))["choices"][0]["message"]
    messages.append(said)
    for c in said.get("tool_calls", []):
        r = subprocess.run(json.loads(c["function"]["arguments"])["run"], shell=True, capture_output=True, text=True)
        messages.append({"role": "tool", "tool_call_id": c["id"], "content": r.stdout + r.stderr})
    if not said.get("tool_calls"):
        break
json.dump(messages, open(talk, "w"))
`

// TestAProgramFileNamesItsOwnAgent: a program whose file has a command runs in that,
// over whatever model there is, and lands by the same door.
func TestAProgramFileNamesItsOwnAgent(t *testing.T) {
	run := func(format string, args ...any) modeltest.Turn {
		return call("shell", map[string]string{"run": fmt.Sprintf(format, args...)})
	}
	w, server := inAgent(t,
		modeltest.Rule{Program: sys.ProgramKernel, Turns: []modeltest.Turn{
			call("spawn", map[string]string{"program": "scribe", "task": "Write the plan."}), {Text: "There is a plan."},
		}},
		modeltest.Rule{System: "Be brief.", Match: "refused", Turns: []modeltest.Turn{run("rm apps/evil"), {Text: "Taken back."}}},
		modeltest.Rule{System: "Be brief.", Turns: []modeltest.Turn{run("mkdir -p projects apps; echo plan > projects/plan.md; echo no > apps/evil"), {Text: "It is written."}}},
	)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "smallagent"), []byte(smallAgent), 0o755); err != nil {
		t.Fatal(err)
	}
	w.Env = append(w.Env, "PATH="+bin+":"+os.Getenv("PATH"))
	w.Do("status")
	w.save("agents/scribe.md", "---\nname: scribe\ndescription: Writes plans.\nwrites: projects/\ncommand: smallagent new {prompt}\nagain: more {prompt}\n"+
		"env:\n  RULES: \"{private}/rules.txt\"\nfiles:\n  rules.txt: Be brief.\n---\nYou write plans.\n")
	if r := w.Do("ask", "plan it", "--model", "anthropic:claude-opus-4-6"); !strings.Contains(r.Stdout, "There is a plan.") {
		t.Errorf("answer %q", r.Stdout)
	}
	if got := w.Read("projects/plan.md"); got != "plan\n" {
		t.Errorf("the plan is %q", got)
	}
	if _, err := os.Stat(filepath.Join(w.Home, "apps/evil")); err == nil {
		t.Error("what it may not change has landed")
	}
	if got, want := w.spent(), asked(server); math.Abs(got-want) > 1e-9 || got == 0 {
		t.Errorf("the ledger has $%.6f, the provider was asked for $%.6f", got, want)
	}
	if all := server.Requests(); !strings.Contains(all[1].System, "You write plans.") || strings.Contains(all[1].System, "{private}") {
		t.Errorf("the model is told %q", all[1].System)
	}
}
