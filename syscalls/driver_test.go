package syscalls_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"matrixos/driver"
	"matrixos/driver/drivertest"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// attachedTo is a rack with one plain driver.
func attachedTo(t *testing.T, reach driver.Reach, tools ...string) *driver.Rack {
	t.Helper()
	r := driver.NewRack(driver.Options{Pins: &drivertest.Pins{}, Reserved: []string{"Read"}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	e := drivertest.Plain(drivertest.Scenario{Tools: drivertest.Tools(tools...)})
	e.Reach = reach
	r.Use([]driver.Entry{e})
	if _, err := r.Find(t.Context(), driver.FullName("test", tools[0])); err != nil {
		t.Fatal(err)
	}
	return r
}

// A program calls what it is granted, under its own name and by call_tool; another
// program does not, and wrong arguments are refused.
func TestAttachedTools(t *testing.T) {
	wrong := machine.Obj{"name": "mcp__test__echo", "arguments": machine.Obj{"text": 7}}
	m := machine.BootWith(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			var said []string
			for _, c := range []struct {
				name string
				args machine.Obj
				want string
			}{
				{"load_tools", machine.Obj{}, "mcp__test__echo"},
				{"load_tools", machine.Obj{"names": []string{"mcp__test__echo"}}, "It is echo."},
				{"call_tool", machine.Obj{"name": "mcp__test__echo", "arguments": machine.Obj{"text": "plum"}}, "plum"},
				{"mcp__test__echo", machine.Obj{"text": "pear"}, "pear"},
			} {
				got, err := machine.Call(ctx, h, c.name, c.args)
				if err != nil || !strings.Contains(got, c.want) {
					return "", fmt.Errorf("%s: %q %w, want %q", c.name, got, err, c.want)
				}
				said = append(said, got)
			}
			for name, args := range map[string]machine.Obj{"call_tool": wrong, "mcp__test__other": {}, "mcp__other__echo": {}, "read_resource": {"server": "test"}} {
				if got, err := machine.Call(ctx, h, name, args); err == nil {
					return "", fmt.Errorf("%s: %q was not refused", name, got)
				}
			}
			if _, err := machine.Call(ctx, h, "call_tool", machine.Obj{"name": "Write", "arguments": machine.Obj{"file_path": "a", "content": "b"}}); err == nil {
				return "", errors.New("a system call was called as a tool")
			}
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "try"})
			return strings.Join(said, "; "), err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := machine.Call(ctx, h, "mcp__test__echo", machine.Obj{"text": "x"}); err == nil {
				return "", errors.New("a program called what it is not granted")
			}
			return "refused", nil
		},
	}, machine.Options{Drivers: attachedTo(t, driver.Own, "echo")})
	if a, _ := m.Ask("go"); !a.OK {
		t.Fatalf("%+v", a)
	}
}

// What a server says is text from outside: after it, what changes something outside
// is asked for. A server that has only its own folder reaches nothing outside.
func TestAttachedToolsUnderPolicy(t *testing.T) {
	for reach, want := range map[driver.Reach]int{driver.Own: 0, driver.Read: 0, driver.Write: 1, driver.External: 1} {
		t.Run(string(reach), func(t *testing.T) {
			m := machine.BootWith(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
				for n := range 2 {
					r := h.Call(ctx, fmt.Sprint("c", n), "mcp__test__echo", json.RawMessage(fmt.Sprintf(`{"text":"%d"}`, n)))
					if r.Failed {
						return "", errors.New(r.Text)
					}
				}
				return "ok", nil
			}}, machine.Options{Drivers: attachedTo(t, reach, "echo")})
			asked := yes(t, m)
			if a, _ := m.Ask("go"); !a.OK {
				t.Fatalf("%+v", a)
			}
			if got := asked(); got != want {
				t.Errorf("asked %d times, want %d", got, want)
			}
		})
	}
}

// yes says yes to everything, and counts it.
func yes(t *testing.T, m *machine.Machine) (asked func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	done, n := make(chan struct{}), 0
	go func() {
		defer close(done)
		for {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			for _, e := range events {
				var a sys.ApprovalData
				var q sys.QuestionData
				answer := func() error { return nil }
				switch {
				case e.Kind == sys.EventApproval && json.Unmarshal(e.Data, &a) == nil:
					n++
					answer = func() error { return m.Kernel.Approve(ctx, a.ID, kernel.Verdict{Allow: true, From: "test"}) }
				case e.Kind == sys.EventQuestion && json.Unmarshal(e.Data, &q) == nil:
					n++
					answer = func() error { return m.Kernel.Answer(ctx, q.ID, "green") }
				}
				for answer() != nil && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
			}
		}
	}()
	return func() int { stop(); <-done; sub.Close(); return n }
}

// A server's question is the owner's to answer.
func TestAServersQuestion(t *testing.T) {
	m := machine.BootWith(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		return machine.Call(ctx, h, "mcp__test__ask", machine.Obj{})
	}}, machine.Options{Drivers: attachedTo(t, driver.Own, "ask")})
	asked := yes(t, m)
	if a, _ := m.Ask("go"); !a.OK || !strings.Contains(a.Text, "green") {
		t.Fatalf("%+v", a)
	}
	if asked() != 1 {
		t.Error("it was not asked once")
	}
}
