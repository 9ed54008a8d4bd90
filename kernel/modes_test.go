package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// family is several models by name, for fallback chains.
type family struct {
	first string
	all   map[string]*machine.Puppet
}

func (f family) Engine(name string) (engine.Engine, string, error) {
	p := f.all[name]
	if p == nil {
		return nil, "", &sys.Error{Op: "use model", Path: name, Kind: sys.Invalid}
	}
	return p.Engine(name)
}

func (f family) Default() string { return f.first }

func gone(context.Context, *model.Request, int) (model.Reply, error) {
	return model.Reply{}, &sys.Error{Op: "ask", Path: "it", Kind: sys.Unavailable, Err: errors.New("overloaded (attempt 5, the last)"), Hint: "try again"}
}

func done(context.Context, *model.Request, int) (model.Reply, error) {
	return machine.Says("Done."), nil
}

func chainOf(names ...string) machine.Options {
	return machine.Options{Settings: func() kernel.Settings { return kernel.Settings{Fallback: names} }}
}

// TestMode01AModelThatDoesNotAnswer: the next of the chain goes on in the same
// conversation; without one the request rests, with what it had done.
func TestMode01AModelThatDoesNotAnswer(t *testing.T) {
	half := func(ctx context.Context, r *model.Request, step int) (model.Reply, error) {
		if step == 0 {
			return machine.Does("Write", machine.Obj{"file_path": "system/x.md", "content": "x"}), nil
		}
		return gone(ctx, r, step)
	}
	second := &machine.Puppet{Play: done}
	m := machine.BootWith(t, family{"a", map[string]*machine.Puppet{"a": {Play: half}, "b": {Play: gone}, "c": second}}, chainOf("b", "c"))
	a, events := m.Ask("go")
	if !a.OK || m.File("system/x.md") != "x" || len(second.Asked()) != 1 {
		t.Errorf("answer %+v", a)
	}
	if heard := machine.Heard(second.Asked()[0]); strings.Count(heard, "go\n") != 1 {
		t.Errorf("the last one heard %q", heard)
	}
	notices := 0
	for _, e := range events {
		if e.Kind == sys.EventNotice {
			notices++
		}
	}
	if notices != 2 {
		t.Errorf("the owner was told %d times, want 2", notices)
	}

	ok := false
	p := &machine.Puppet{Play: func(ctx context.Context, r *model.Request, step int) (model.Reply, error) {
		if ok {
			return machine.Says("At last."), nil
		}
		return half(ctx, r, step)
	}}
	m = machine.Boot(t, p)
	b, ticket := ask(t, m, "go")
	if rows := m.Kernel.Processes(); b.OK || b.Kind != sys.Unavailable || len(rows) != 1 || rows[0].Parked != sys.ForNoModel {
		t.Fatalf("answer %+v, table %+v", b, rows)
	}
	ok = true
	again, err := m.Kernel.Continue(t.Context(), ticket.PID, kernel.Grant{})
	if err != nil {
		t.Fatal(err)
	}
	if b = follow(t, m, again); !b.OK || m.File("system/x.md") != "x" {
		t.Errorf("answer %+v", b)
	}
}

// TestMode03WrongCalls: a typed error twice, then the turn ends.
func TestMode03WrongCalls(t *testing.T) {
	p := &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
		return machine.Does([]string{"launch", "fire"}[step%2], machine.Obj{"n": step}), nil
	}}
	m := machine.Boot(t, p)
	a, _ := m.Ask("go")
	if a.OK || a.Kind != sys.Invalid || len(p.Asked()) != 3 || !strings.Contains(machine.Heard(p.Asked()[1]), "there is no tool") {
		t.Errorf("%d requests, answer %+v", len(p.Asked()), a)
	}
}

// TestMode04AnotherModelAnswers than the one that was asked.
func TestMode04AnotherModelAnswers(t *testing.T) {
	for got, strange := range map[string]bool{"puppet": false, "puppet-20251001": false, "route/puppet-2025-10-01": false, "marionette": true, "puppet-mini": true} {
		p := &machine.Puppet{Play: func(context.Context, *model.Request, int) (model.Reply, error) {
			r := machine.Says("Hello.")
			r.Model = got
			return r, nil
		}}
		m := machine.Boot(t, p)
		_, events := m.Ask("hi")
		told := slices.ContainsFunc(events, func(e sys.Event) bool { return e.Kind == sys.EventNotice && strings.Contains(string(e.Data), got) })
		if told != strange {
			t.Errorf("%s: told %v", got, told)
		}
	}
}

// TestMode05RefusalsAndEmptyAnswers go to the next model, and to the owner if
// there is none.
func TestMode05RefusalsAndEmptyAnswers(t *testing.T) {
	for name, play := range map[string]func(context.Context, *model.Request, int) (model.Reply, error){
		"refusal": func(context.Context, *model.Request, int) (model.Reply, error) {
			r := machine.Says("I will not.")
			r.Stop = model.StopRefusal
			return r, nil
		},
		"empty": func(context.Context, *model.Request, int) (model.Reply, error) {
			return model.Reply{Stop: model.StopEnd}, nil
		},
	} {
		m := machine.BootWith(t, family{"a", map[string]*machine.Puppet{"a": {Play: play}, "b": {Play: done}}}, chainOf("b"))
		if a, _ := m.Ask("go"); !a.OK || a.Text != "Done." {
			t.Errorf("%s, with another model: %+v", name, a)
		}
		m = machine.Boot(t, family{"a", map[string]*machine.Puppet{"a": {Play: play}}})
		if a, _ := m.Ask("go"); a.OK || a.Kind != sys.Unavailable || a.Hint == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// builds is a home whose builder must land something.
func builds(t *testing.T, p *machine.Puppet) *machine.Machine {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	if err := os.MkdirAll(filepath.Join(home, "agents"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "---\nname: builder\ndescription: builds\ntools: Read, Write, Edit\nwrites: apps/\neffect: landing\n---\nYou build.\n"
	if err := os.WriteFile(filepath.Join(home, "agents/builder.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	m := machine.Start(t, home, p)
	t.Cleanup(m.Close)
	return m
}

func builder(play func(step int, r *model.Request) model.Reply) *machine.Puppet {
	return &machine.Puppet{Play: func(_ context.Context, r *model.Request, step int) (model.Reply, error) {
		switch {
		case r.Program == "builder":
			return play(step, r), nil
		case step == 0:
			return machine.Does("spawn", machine.Obj{"program": "builder", "task": "build", "app": "x", "contract": machine.Contract}), nil
		}
		return machine.Says("It is all there!"), nil
	}}
}

// TestMode09ASuccessThatIsOnlyClaimed: what failed stays failed, whatever the
// model says of it, and nothing of it lands.
func TestMode09ASuccessThatIsOnlyClaimed(t *testing.T) {
	m := builds(t, builder(func(step int, _ *model.Request) model.Reply {
		if step == 0 {
			return machine.Does("Write", machine.Obj{"file_path": "system/evil.md", "content": "x"}) // refused
		}
		return machine.Says("I have created the folder and moved everything.")
	}))
	a, _ := m.Ask("build")
	if a.OK || a.Kind != sys.NotVerified || len(a.Landings) != 0 || m.File("system/evil.md") != "" {
		t.Errorf("answer %+v", a)
	}
}

// TestMode18DoneTooEarly is told so once; then it does it, or fails.
func TestMode18DoneTooEarly(t *testing.T) {
	m := builds(t, builder(func(step int, r *model.Request) model.Reply {
		switch {
		case !strings.Contains(machine.Heard(*r), "nothing has changed"):
			return machine.Says("Done!")
		case step == 0:
			return machine.Does("Write", machine.Obj{"file_path": "apps/x/a.txt", "content": "now"})
		}
		return machine.Says("Now it is.")
	}))
	if a, _ := m.Ask("build"); !a.OK || m.File("apps/x/a.txt") != "now" {
		t.Errorf("answer %+v", a)
	}
}

// TestMode10MassDeletionIsHeld until the owner has seen it.
func TestMode10MassDeletionIsHeld(t *testing.T) {
	for answer, goes := range map[string]bool{"Delete them": true, "Keep them": false} {
		home := filepath.Join(t.TempDir(), "home")
		for i := range 30 {
			file := filepath.Join(home, "system/old", fmt.Sprint(i))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("x"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		wipe := machine.Options{Calls: []kernel.Syscall{{
			Name: "send_test", Schema: json.RawMessage(`{"type":"object"}`),
			Run: func(ctx context.Context, c *kernel.Call) (string, error) {
				root, err := c.Root(ctx)
				if err != nil {
					return "", err
				}
				return "", errors.Join(root.RemoveAll("system/old"), root.Close())
			},
		}}}
		m := machine.StartWith(t, home, &machine.Puppet{Play: func(_ context.Context, _ *model.Request, step int) (model.Reply, error) {
			if step == 0 {
				return machine.Does("send_test", machine.Obj{}), nil
			}
			return machine.Says("Tidied up."), nil
		}}, wipe)
		sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
		ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "tidy up"})
		if err != nil {
			t.Fatal(err)
		}
		q := question(t, m)
		if m.File("system/old/7") != "x" || !strings.Contains(q.Text, "30 files") {
			t.Errorf("asked %+v", q)
		}
		if err := m.Kernel.Answer(t.Context(), q.ID, answer); err != nil {
			t.Fatal(err)
		}
		a, _ := m.Follow(sub, ticket)
		sub.Close()
		if there := m.File("system/old/7") == "x"; there == goes {
			t.Errorf("%s: there %v; answer %+v", answer, there, a)
		}
		m.Close()
	}
}

// question waits for the newest question.
func question(t *testing.T, m *machine.Machine) (d sys.QuestionData) {
	t.Helper()
	sub := m.Disk.Journal().Subscribe(0)
	defer sub.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for d.ID == "" {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == sys.EventQuestion {
				if err := json.Unmarshal(e.Data, &d); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return d
}

// TestMode11AFloodOfOutput is cut, and the whole of it can be read, part by part.
func TestMode11AFloodOfOutput(t *testing.T) {
	var lines []string
	for i := range 9000 {
		lines = append(lines, fmt.Sprintf("line %d of a long output", i))
	}
	flood := machine.Options{Calls: []kernel.Syscall{{
		Name: "send_test", Schema: json.RawMessage(`{"type":"object"}`), ReadOnly: true,
		Run: func(context.Context, *kernel.Call) (string, error) { return strings.Join(lines, "\n"), nil },
	}}}
	var name string
	p := &machine.Puppet{Play: func(_ context.Context, r *model.Request, step int) (model.Reply, error) {
		switch step {
		case 0:
			return machine.Does("send_test", machine.Obj{}), nil
		case 1:
			_, rest, _ := strings.Cut(machine.Heard(*r), ".scratch/")
			name, _, _ = strings.Cut(".scratch/"+rest, ":")
			return machine.Does("Read", machine.Obj{"file_path": name, "offset": 8000, "limit": 2}), nil
		case 2:
			return machine.Does("Write", machine.Obj{"file_path": name, "content": "x"}), nil
		}
		return machine.Says("Read."), nil
	}}
	m := machine.BootWith(t, p, flood)
	if a, _ := m.Ask("go"); !a.OK || len(a.Landings) != 0 {
		t.Errorf("answer %+v", a)
	}
	all := p.Asked()
	if got := machine.Heard(all[1]); len(got) > 60<<10 || !strings.Contains(got, "more bytes") {
		t.Errorf("%d bytes reach the model", len(got))
	}
	if got := machine.Heard(all[2]); !strings.Contains(got, "line 7999 of") {
		t.Errorf("the rest cannot be read: %s", got[max(0, len(got)-600):])
	}
	if got := machine.Heard(all[3]); !strings.Contains(got, "may not change it") {
		t.Error("the scratch folder can be written")
	}
}

// TestMode15ALoopEnds at its third round, and the owner is told.
func TestMode15ALoopEnds(t *testing.T) {
	p := &machine.Puppet{Play: func(context.Context, *model.Request, int) (model.Reply, error) {
		return machine.Does("Glob", machine.Obj{"pattern": "nothing/*"}), nil
	}}
	m := machine.Boot(t, p)
	a, events := m.Ask("go")
	told := slices.ContainsFunc(events, func(e sys.Event) bool { return e.Kind == sys.EventNotice && strings.Contains(string(e.Data), "loop") })
	if a.OK || len(p.Asked()) != 3 || !told {
		t.Errorf("%d requests, told %v, answer %+v", len(p.Asked()), told, a)
	}
}

// TestMode17AnOccurrenceFiresOnce over restarts, and with a clock that is set
// back and forth.
func TestMode17AnOccurrenceFiresOnce(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	jobs := fmt.Sprintf(`[{"id":"j1","name":"water","message":"Water the plants","at":%q,"created":%q}]`, at.Format(time.RFC3339), at.Format(time.RFC3339))
	if err := errors.Join(os.MkdirAll(filepath.Join(home, "system"), 0o755), os.WriteFile(filepath.Join(home, "system/cron.json"), []byte(jobs), 0o644)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	fired := func(m *machine.Machine) (n int) {
		mu.Lock()
		defer mu.Unlock()
		events, err := m.Disk.Journal().Read(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == sys.EventNotice && strings.Contains(string(e.Data), "Water the plants") {
				n++
			}
		}
		return n
	}
	for i := range 4 {
		var shift time.Duration
		if i%2 == 1 {
			shift = -3 * time.Hour
		}
		m := machine.StartWith(t, home, &machine.Puppet{Play: done}, machine.Options{Now: func() time.Time { return time.Now().Add(shift) }})
		for deadline := time.Now().Add(20 * time.Second); fired(m) == 0 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		m.Kernel.Reschedule()
		if n := fired(m); n != 1 {
			t.Errorf("start %d: fired %d times", i, n)
		}
		if i%2 == 0 {
			m.Close()
		} else {
			crash(t, m)
		}
	}
}
