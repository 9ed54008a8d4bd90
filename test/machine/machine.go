// Package machine is a kernel on a disk of its own whose model is a Go function:
// what an untrusted model may do is written out in a test and tried. It is the
// harness of the kernel's and the system calls' tests.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/disk"
	"matrixos/driver"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/syscalls"
)

// Script is an engine whose "model" is a Go function: it gets the host and may
// call whatever it likes, which is what an untrusted model can do.
type Script map[sys.Program]func(ctx context.Context, h engine.Host, turn int, said string) (string, error)

// Engine finds the script by its name.
func (s Script) Engine(name string) (engine.Engine, string, error) {
	if name != "script" {
		return nil, "", &sys.Error{Op: "use model", Path: name, Kind: sys.Invalid}
	}
	return s, name, nil
}

// Default is the script.
func (s Script) Default() string { return "script" }

// Open begins a conversation.
func (s Script) Open(_ context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
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
	if _, err := s.host.Reserve(ctx, engine.Estimate{}); err != nil {
		out.Err = err
		return out
	}
	emit(engine.Event{Kind: engine.Delta, Delta: model.Delta{Text: "…"}})
	said := ""
	if len(in) > 0 {
		said = in[len(in)-1].Text
	}
	text, err := s.run(ctx, s.host, s.turn, said)
	if err != nil {
		s.host.Spent(context.WithoutCancel(ctx), sys.Cost{})
	} else {
		reply := model.Message{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
		err = s.host.Keep(ctx, reply, sys.Cost{Input: 10, Output: 5, USD: 0.5})
	}
	out.Text, out.Err = text, err
	return out
}
func (s *scripted) Close() error { return nil }

// Apps stands for a system without an app runtime.
type Apps struct {
	mu       sync.Mutex
	Landings []sys.LandingID
}

// State lists none.
func (n *Apps) State(func(sys.Path) bool) any { return []any{} }

// Promises takes any contract.
func (n *Apps) Promises(fs.FS, sys.Path) error { return nil }

// Landed notes the landing.
func (n *Apps) Landed(_ context.Context, l sys.LandingInfo) {
	n.mu.Lock()
	n.Landings = append(n.Landings, l.ID)
	n.mu.Unlock()
}

// Machine is a kernel on a home of its own.
type Machine struct {
	t      *testing.T
	Home   string
	Disk   *disk.Disk
	Kernel *kernel.Kernel
	Apps   *Apps
}

// Contract is what a new app that a test has built has to do: the least that there is.
var Contract = Obj{"version": 1, "scenarios": []Obj{{"name": "it opens", "steps": []Obj{{"see": "Hello"}}}}}

// Programs is the tree of a new home.
var Programs = fstest.MapFS{
	"agents/kernel.md":  {Data: []byte("---\nname: kernel\ndescription: main\ntools: Read, Write, Edit, Glob, Grep, spawn, undo, list_landings, ask_owner, remember, recall, forget, manage_cron, list_memories, memory_search, load_skill, load_tools, call_tool, read_resource, use_prompt, search_conversations, new_conversation, read_state, web_fetch, web_search, generate_image, speak, transcribe, list_tasks, create_task, claim_task, complete_task, fail_task, send_message, read_messages, wait, set_handle, sync_files, security_audit, app_data, get_persona_suggestions, write_setup_plan, connect_service, call_service, publish_app, fork_app, install_app, matrix_send, matrix_read, send_test\nwrites: system/, agents/memory/, agents/custom/, agents/skills/, data/, projects/\nmcp: \"*\"\n---\nYou are the kernel.\n")},
	"agents/builder.md": {Data: []byte("---\nname: builder\ndescription: builds\ntools: Read, Write, Edit, Bash\nwrites: apps/\nbudget: 1\n---\nYou build.\n")},
	"system/soul.md":    {Data: []byte("Be kind.\n")},
	"apps/old/a.txt":    {Data: []byte("one\ntwo\nthree\n")},
}

// Options change how a machine is made.
type Options struct {
	Hook     func(point string) // of the disk
	Settings func() kernel.Settings
	Calls    []kernel.Syscall // beside the usual ones
	Once     bool             // it resumes nothing, as a single command does
	Now      func() time.Time // its clock
	Drivers  *driver.Rack     // what is attached
}

// Start opens or makes the home; close it yourself. The options are those of the
// system calls, as the functions leave them.
func Start(t *testing.T, home string, s kernel.Models, change ...func(*syscalls.Options)) *Machine {
	t.Helper()
	return StartWith(t, home, s, Options{}, change...)
}

// StartWith is Start with options of the machine.
func StartWith(t *testing.T, home string, s kernel.Models, o Options, change ...func(*syscalls.Options)) *Machine {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	calls := syscalls.Options{Why: errors.New("no sandbox in this test"), Mount: home}
	for _, c := range change {
		c(&calls)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := disk.Open(t.Context(), home, disk.Options{Template: Programs, Logger: log, Hook: o.Hook})
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{t: t, Home: home, Disk: d, Apps: &Apps{}}
	m.Kernel, err = kernel.New(t.Context(), kernel.Options{
		Disk: d, Models: s, Apps: m.Apps, Handle: func() sys.Handle { return "@you:test" }, Logger: log, Now: o.Now, Resume: !o.Once, Settings: o.Settings,
		Calls: append(syscalls.Table(calls), o.Calls...), Drivers: o.Drivers,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Boot makes a machine that closes with the test.
func Boot(t *testing.T, s kernel.Models, change ...func(*syscalls.Options)) *Machine {
	t.Helper()
	return BootWith(t, s, Options{}, change...)
}

// BootWith is Boot with options of the machine.
func BootWith(t *testing.T, s kernel.Models, o Options, change ...func(*syscalls.Options)) *Machine {
	t.Helper()
	m := StartWith(t, filepath.Join(t.TempDir(), "home"), s, o, change...)
	t.Cleanup(m.Close)
	return m
}

// Close takes kernel and disk down.
func (m *Machine) Close() {
	if err := errors.Join(m.Kernel.Close(), m.Disk.Close()); err != nil {
		m.t.Error(err)
	}
}

// Ask asks and waits for the answer; it returns every event of the request.
func (m *Machine) Ask(text string) (sys.AnswerData, []sys.Event) {
	m.t.Helper()
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	t, err := m.Kernel.Ask(m.t.Context(), kernel.Ask{Text: text, From: "test"})
	if err != nil {
		m.t.Fatal(err)
	}
	return m.Follow(sub, t)
}

// Follow reads sub to the answer of a request.
func (m *Machine) Follow(sub interface {
	Next(context.Context) ([]sys.Event, error)
}, t kernel.Ticket,
) (sys.AnswerData, []sys.Event) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
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

// File reads a file of the live home, empty if there is none.
func (m *Machine) File(path string) string {
	text, err := os.ReadFile(filepath.Join(m.Home, path))
	if err != nil {
		return ""
	}
	return string(text)
}

// Call makes a system call of which success is expected.
func Call(ctx context.Context, h engine.Host, name string, args any) (string, error) {
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

// Obj is the arguments of a call.
type Obj = map[string]any

// Reply is a message of the model.
func Reply(text string) model.Message {
	return model.Message{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
}
