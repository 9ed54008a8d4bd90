package test

import (
	"slices"
	"testing"
	"time"

	"matrixos/client"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// BenchmarkStopOfEngines is STOP in the middle of a command, until every process is
// at rest and nothing runs that an engine has started: our own loop, Claude Code and
// Codex, one after the other.
func BenchmarkStopOfEngines(b *testing.B) {
	spawn := call("spawn", map[string]any{"program": "builder", "task": "wait", "app": "pair", "contract": promise})
	sleep := call("Bash", map[string]string{"command": "sleep 60"})
	worlds := map[string]func() *World{
		"native": func() *World {
			w, _ := inAgent(b, modeltest.Rule{Program: sys.ProgramKernel, Turns: []modeltest.Turn{spawn}}, modeltest.Rule{Turns: []modeltest.Turn{sleep}})
			w.Args = []string{"--model", "anthropic:claude-opus-4-6"}
			return w
		},
		"claude-code": func() *World {
			w, _ := inCLI(b, []modeltest.Turn{spawn}, []modeltest.Turn{sleep})
			return w
		},
		"codex": func() *World {
			w, _ := inAgent(b, modeltest.Rule{Program: sys.ProgramKernel, Turns: []modeltest.Turn{spawn}}, modeltest.Rule{Turns: []modeltest.Turn{shell("sleep 60")}})
			return w
		},
	}
	for name, world := range worlds {
		b.Run(name, func(b *testing.B) {
			var took time.Duration
			n := 0
			for b.Loop() {
				took += world().stopInACommand()
				n++
			}
			b.ReportMetric(float64(took.Milliseconds())/float64(n), "ms/stop")
		})
	}
}

// stopInACommand asks for something, and stops it once its command runs.
func (w *World) stopInACommand() time.Duration {
	w.t.Helper()
	w.Up()
	defer w.Stop()
	c := w.connect()
	if _, err := c.Ask(w.t.Context(), client.Ask{Text: "wait", From: "desktop"}); err != nil {
		w.t.Fatal(err)
	}
	some := func(is func(p sys.Process) bool) bool {
		list, err := c.Processes(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		return slices.ContainsFunc(list, is)
	}
	Eventually(w.t, slow, "the command runs", func() bool {
		return some(func(p sys.Process) bool {
			return p.Program == sys.ProgramBuilder && p.State == sys.Waiting && p.WaitingFor == sys.ForTool
		})
	})
	begun := time.Now()
	if err := c.StopAll(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	Eventually(w.t, patience, "all is at rest", func() bool {
		atWork := some(func(p sys.Process) bool { return p.State != sys.Parked && !p.State.Ended() })
		return !atWork && len(w.agents()) == 0 && len(w.clis()) == 0
	})
	return time.Since(begun)
}
