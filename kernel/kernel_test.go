package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/syscalls"
)

// script is an engine whose "model" is a Go function: it gets the host and may
// call whatever it likes, which is what an untrusted model can do.
type script map[sys.Program]func(ctx context.Context, h engine.Host, turn int, said string) (string, error)

func (s script) Engine(name string) (engine.Engine, string, error) {
	if name != "script" {
		return nil, "", &sys.Error{Op: "use model", Path: name, Kind: sys.Invalid}
	}
	return s, name, nil
}
func (s script) Default() string { return "script" }

func (s script) Open(_ context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	return &scripted{run: s[o.Program], host: h, history: len(o.History)}, nil
}

type scripted struct {
	run     func(ctx context.Context, h engine.Host, turn int, said string) (string, error)
	host    engine.Host
	turn    int
	history int
}

func (s *scripted) Send(ctx context.Context, emit func(engine.Event), in ...model.Block) *engine.Outcome {
	s.turn++
	out := &engine.Outcome{Stop: model.StopEnd, Steps: 1}
	if err := s.host.Reserve(ctx); err != nil {
		out.Err = err
		return out
	}
	emit(engine.Event{Kind: engine.Delta, Delta: model.Delta{Text: "…"}})
	text, err := s.run(ctx, s.host, s.turn, in[len(in)-1].Text)
	if err == nil {
		reply := model.Message{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
		err = s.host.Keep(ctx, reply, sys.Cost{Input: 10, Output: 5, USD: 0.5})
	}
	out.Text, out.Err = text, err
	return out
}
func (s *scripted) Close() error { return nil }

// noApps is a system without an app runtime.
type noApps struct {
	mu     sync.Mutex
	landed []sys.LandingID
}

func (n *noApps) State() any { return []any{} }
func (n *noApps) Landed(_ context.Context, l sys.LandingInfo) {
	n.mu.Lock()
	n.landed = append(n.landed, l.ID)
	n.mu.Unlock()
}

// machine is a kernel on a home of its own.
type machine struct {
	t    *testing.T
	home string
	disk *disk.Disk
	k    *kernel.Kernel
	apps *noApps
}

var programs = fstest.MapFS{
	"agents/kernel.md":  {Data: []byte("---\nname: kernel\ndescription: main\ntools: Read, Write, Edit, Glob, Grep, spawn, undo, list_landings, ask_owner, remember, recall, forget, manage_cron, list_memories, read_state\nwrites: system/, agents/memory/\n---\nYou are the kernel.\n")},
	"agents/builder.md": {Data: []byte("---\nname: builder\ndescription: builds\ntools: Read, Write, Edit, Bash\nwrites: apps/\nbudget: 1\n---\nYou build.\n")},
	"system/soul.md":    {Data: []byte("Be kind.\n")},
	"apps/old/a.txt":    {Data: []byte("one\ntwo\nthree\n")},
}

func start(t *testing.T, home string, s script) *machine {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := disk.Open(t.Context(), home, disk.Options{Template: programs, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, home: home, disk: d, apps: &noApps{}}
	m.k, err = kernel.New(t.Context(), kernel.Options{
		Disk: d, Models: s, Apps: m.apps, Handle: "@you:test", Logger: log, Now: time.Now,
		Calls: syscalls.Table(syscalls.Options{Why: errors.New("no sandbox in this test"), Mount: home}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func boot(t *testing.T, s script) *machine {
	t.Helper()
	m := start(t, filepath.Join(t.TempDir(), "home"), s)
	t.Cleanup(m.close)
	return m
}

func (m *machine) close() {
	if err := errors.Join(m.k.Close(), m.disk.Close()); err != nil {
		m.t.Error(err)
	}
}

// ask asks and waits for the answer; it returns every event of the request.
func (m *machine) ask(text string) (sys.AnswerData, []sys.Event) {
	m.t.Helper()
	sub := m.disk.Journal().Subscribe(m.disk.Journal().Last())
	defer sub.Close()
	t, err := m.k.Ask(m.t.Context(), kernel.Ask{Text: text, From: "test"})
	if err != nil {
		m.t.Fatal(err)
	}
	return m.follow(sub, t)
}

func (m *machine) follow(sub interface {
	Next(context.Context) ([]sys.Event, error)
}, t kernel.Ticket) (sys.AnswerData, []sys.Event) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
	defer cancel()
	var all []sys.Event
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			m.t.Fatalf("no answer: %v; so far %d events", err, len(all))
		}
		for _, e := range events {
			if e.Request != t.Request {
				continue
			}
			all = append(all, e)
			if e.Kind == sys.EventAnswer {
				var a sys.AnswerData
				if err := json.Unmarshal(e.Data, &a); err != nil {
					m.t.Fatal(err)
				}
				return a, all
			}
		}
	}
}

func (m *machine) file(path string) string {
	text, err := os.ReadFile(filepath.Join(m.home, path))
	if err != nil {
		return ""
	}
	return string(text)
}

// call makes a system call of which success is expected.
func call(ctx context.Context, h engine.Host, name string, args any) (string, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return "", err
	}
	r := h.Call(ctx, "c1", name, raw)
	if r.Failed {
		return "", errors.New(r.Text)
	}
	return r.Text, nil
}

type obj = map[string]any

func TestARequestBuildsThroughAChildAndLands(t *testing.T) {
	m := boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			report, err := call(ctx, h, "spawn", obj{"program": "builder", "task": "build it: " + said, "app": "notes"})
			return "Done. " + report, err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			if !strings.Contains(said, "build it: notes please") {
				return "", fmt.Errorf("task is %q", said)
			}
			_, err := call(ctx, h, "Write", obj{"file_path": "apps/notes/index.html", "content": "<p>hi"})
			return "Built.", err
		},
	})
	a, events := m.ask("notes please")
	if !a.OK || !strings.Contains(a.Text, "Built.") || !strings.Contains(a.Text, "Landed as L2") {
		t.Fatalf("answer %+v", a)
	}
	if len(a.Landings) != 1 || a.Cost.USD != 1 || a.Verified != "static" {
		t.Errorf("landings %v cost %v verified %q", a.Landings, a.Cost, a.Verified)
	}
	if m.file("apps/notes/index.html") != "<p>hi" {
		t.Error("the file is not in the home")
	}
	l, _, err := m.disk.Show(t.Context(), a.Landings[0])
	if err != nil {
		t.Fatal(err)
	}
	if p := l.Provenance; p.Program != "builder" || p.Parent == 0 || p.Request == "" || p.Model != "script" {
		t.Errorf("provenance %+v", p)
	}
	kinds := map[sys.EventKind]int{}
	for _, e := range events {
		kinds[e.Kind]++
	}
	for kind, n := range map[sys.EventKind]int{sys.EventRequest: 1, sys.EventCall: 2, sys.EventResult: 2, sys.EventMessage: 2, sys.EventAnswer: 1} {
		if kinds[kind] != n {
			t.Errorf("%d events of kind %s, want %d", kinds[kind], kind, n)
		}
	}
	if got := m.k.Processes(); len(got) != 0 {
		t.Errorf("still in the table: %+v", got)
	}
	if len(m.apps.landed) != 1 {
		t.Errorf("apps followed %v", m.apps.landed)
	}
}

func TestAnObedientModelStaysInItsPlace(t *testing.T) {
	m := boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := call(ctx, h, "spawn", obj{"program": "builder", "task": "x", "app": "mine"})
			return "", err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			for _, p := range []string{"system/soul.md", "agents/builder.md", "apps/old/a.txt", ".disk/kernel.db", "../x", "/etc/passwd"} {
				if _, err := call(ctx, h, "Write", obj{"file_path": p, "content": "owned"}); err == nil {
					return "", fmt.Errorf("wrote %s", p)
				}
			}
			if _, err := call(ctx, h, "spawn", obj{"program": "builder", "task": "again"}); err == nil {
				return "", errors.New("the builder spawned")
			}
			if _, err := call(ctx, h, "no_such_call", obj{}); err == nil {
				return "", errors.New("an unknown call worked")
			}
			if _, err := call(ctx, h, "Read", obj{"file_path": 7}); err == nil {
				return "", errors.New("a call with bad arguments worked")
			}
			return "Nothing worked.", nil
		},
	})
	a, _ := m.ask("go")
	if !a.OK || len(a.Landings) != 0 {
		t.Fatalf("answer %+v", a)
	}
	if m.file("system/soul.md") != "Be kind.\n" || m.file("apps/old/a.txt") != "one\ntwo\nthree\n" {
		t.Error("the home changed")
	}
}

func TestFailureDropsTheTransaction(t *testing.T) {
	m := boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := call(ctx, h, "Write", obj{"file_path": "system/half.md", "content": "half"}); err != nil {
				return "", err
			}
			return "I did it!", &sys.Error{Op: "ask", Kind: sys.Unavailable, Err: errors.New("the stream broke"), Hint: "try again"}
		},
	})
	a, _ := m.ask("go")
	if a.OK || a.Kind != sys.Unavailable || a.Hint != "try again" {
		t.Errorf("answer %+v", a)
	}
	if m.file("system/half.md") != "" {
		t.Error("half of it landed")
	}
}

func TestAFailedChildFailsTheRequestUntilOneSucceeds(t *testing.T) {
	tries := 0
	m := boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			_, first := call(ctx, h, "spawn", obj{"program": "builder", "task": "x"})
			if first == nil {
				return "", errors.New("the first child did not fail")
			}
			if said == "twice" {
				_, err := call(ctx, h, "spawn", obj{"program": "builder", "task": "x"})
				return "It worked in the end.", err
			}
			return "All is well, I promise.", nil
		},
		"builder": func(context.Context, engine.Host, int, string) (string, error) {
			if tries++; tries%2 == 1 {
				return "", &sys.Error{Op: "build", Kind: sys.NotVerified}
			}
			return "ok", nil
		},
	})
	if a, _ := m.ask("once"); a.OK || a.Kind != sys.NotVerified {
		t.Errorf("a claimed success was believed: %+v", a)
	}
	tries = 0
	if a, _ := m.ask("twice"); !a.OK {
		t.Errorf("answer %+v", a)
	}
}

func TestRefusedLandingGoesBackToTheConversation(t *testing.T) {
	m := boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if turn == 1 {
				_, err := call(ctx, h, "Write", obj{"file_path": "system/x.md", "content": "bad"})
				return "first", err
			}
			if !strings.Contains(said, "it is bad") {
				return "", fmt.Errorf("told %q", said)
			}
			_, err := call(ctx, h, "Edit", obj{"file_path": "system/x.md", "old_string": "bad", "new_string": "good"})
			return "mended", err
		},
	})
	m.disk.SetChecks(func(_ context.Context, c disk.Checked) error {
		f, err := c.Tree.Open("system/x.md")
		if err != nil {
			return nil
		}
		defer f.Close()
		var b [3]byte
		if _, err := f.Read(b[:]); err == nil && string(b[:]) == "bad" {
			return &sys.Error{Op: "check", Kind: sys.NotVerified, Err: errors.New("it is bad")}
		}
		return nil
	})
	a, _ := m.ask("go")
	if !a.OK || a.Text != "mended" || m.file("system/x.md") != "good" {
		t.Errorf("answer %+v, file %q", a, m.file("system/x.md"))
	}
}

func TestConflictIsSeenAndResolved(t *testing.T) {
	var m *machine
	m = boot(t, script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := call(ctx, h, "spawn", obj{"program": "builder", "task": "x"})
			return "ok", err
		},
		"builder": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if _, err := call(ctx, h, "Read", obj{"file_path": "apps/old/a.txt"}); err != nil {
				return "", err
			}
			if turn == 1 {
				if _, err := call(ctx, h, "Edit", obj{"file_path": "apps/old/a.txt", "old_string": "two", "new_string": "agent"}); err != nil {
					return "", err
				}
				if _, err := call(ctx, h, "Write", obj{"file_path": "apps/old/b.txt", "content": "kept"}); err != nil {
					return "", err
				}
				if err := os.WriteFile(filepath.Join(m.home, "apps/old/a.txt"), []byte("one\nOWNER\nthree\n"), 0o644); err != nil {
					return "", err
				}
				return "first", nil
			}
			if !strings.Contains(said, "apps/old/a.txt") {
				return "", fmt.Errorf("told %q", said)
			}
			_, err := call(ctx, h, "Edit", obj{"file_path": "apps/old/a.txt", "old_string": "OWNER", "new_string": "OWNER and agent"})
			return "second", err
		},
	})
	a, _ := m.ask("go")
	if !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if got := m.file("apps/old/a.txt"); got != "one\nOWNER and agent\nthree\n" {
		t.Errorf("a.txt is %q", got)
	}
	if m.file("apps/old/b.txt") != "kept" {
		t.Error("the change without conflict was lost")
	}
}

func reply(text string) model.Message {
	return model.Message{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
}
