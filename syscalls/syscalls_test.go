package syscalls_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/syscalls"
	"matrixos/test/machine"
)

// as runs steps as the program kernel with the calls of a real kernel, and
// fails the test unless the request ends well.
func as(t *testing.T, steps func(do func(name string, args machine.Obj) string, refuse func(name string, args machine.Obj, why string))) machine.Script {
	return machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		steps(func(name string, args machine.Obj) string {
			out, err := machine.Call(ctx, h, name, args)
			if err != nil {
				t.Errorf("%s %v: %v", name, args, err)
			}
			return out
		}, func(name string, args machine.Obj, why string) {
			_, err := machine.Call(ctx, h, name, args)
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s %v: %v, want an error with %q", name, args, err, why)
			}
		})
		return "done", nil
	}}
}

func run(t *testing.T, steps func(do func(string, machine.Obj) string, refuse func(string, machine.Obj, string))) *machine.Machine {
	t.Helper()
	m := machine.Boot(t, as(t, steps))
	if a, _ := m.Ask("go"); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	return m
}

func TestFiles(t *testing.T) {
	m := run(t, func(do func(string, machine.Obj) string, refuse func(string, machine.Obj, string)) {
		if got := do("Read", machine.Obj{"file_path": "~/apps/old/a.txt"}); got != "     1\tone\n     2\ttwo\n     3\tthree\n" {
			t.Errorf("Read %q", got)
		}
		if got := do("Read", machine.Obj{"file_path": "apps/old/a.txt", "offset": 2, "limit": 1}); !strings.HasPrefix(got, "     2\ttwo\n(lines 2 to 2 of 3") {
			t.Errorf("Read part %q", got)
		}
		refuse("Read", machine.Obj{"file_path": "apps/old/b.txt"}, "apps/old has a.txt")
		refuse("Read", machine.Obj{"file_path": "apps/old"}, "is a folder")
		refuse("Read", machine.Obj{"file_path": "../../etc/passwd"}, "outside")
		refuse("Write", machine.Obj{"file_path": "system/soul.md", "content": "x"}, "have not read it")
		do("Write", machine.Obj{"file_path": "system/deep/er/new.md", "content": "alpha\n  beta\ngamma\n"})
		if got := do("Edit", machine.Obj{"file_path": "system/deep/er/new.md", "old_string": "alpha\nbeta", "new_string": "ALPHA\nBETA"}); !strings.Contains(got, "white space") {
			t.Errorf("Edit said %q", got)
		}
		refuse("Edit", machine.Obj{"file_path": "system/deep/er/new.md", "old_string": "delta", "new_string": "x"}, "not in it")
		refuse("Edit", machine.Obj{"file_path": "system/deep/er/new.md", "old_string": "A", "new_string": "x"}, "times")
		refuse("Edit", machine.Obj{"file_path": "system/deep/er/new.md", "old_string": "gamma", "new_string": "gamma"}, "the same")
		do("Write", machine.Obj{"file_path": "system/twice.md", "content": "b\nb\nb\n"})
		refuse("Edit", machine.Obj{"file_path": "system/twice.md", "old_string": "b\nb\n", "new_string": "a\n"}, "2 times")
		do("Edit", machine.Obj{"file_path": "system/deep/er/new.md", "old_string": "A", "new_string": "a", "replace_all": true})
		if got := do("Glob", machine.Obj{"pattern": "system/**/*.md"}); got != "system/deep/er/new.md\nsystem/soul.md\nsystem/twice.md" {
			t.Errorf("Glob %q", got)
		}
		if got := do("Grep", machine.Obj{"pattern": "^t(wo|hree)", "output_mode": "content", "-n": true}); got != "apps/old/a.txt:2:two\napps/old/a.txt:3:three" {
			t.Errorf("Grep %q", got)
		}
		if got := do("Grep", machine.Obj{"pattern": "TWO", "-i": true, "glob": "*.txt"}); got != "apps/old/a.txt" {
			t.Errorf("Grep files %q", got)
		}
		refuse("Grep", machine.Obj{"pattern": "("}, "regular expression")
	})
	if got := m.File("system/deep/er/new.md"); got != "aLPHa\nBETa\ngamma\n" {
		t.Errorf("landed %q", got)
	}
}

func TestBashIsRefusedWithoutASandbox(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			return machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			r := h.Call(ctx, "1", "Bash", json.RawMessage(`{"command":"touch apps/owned"}`))
			if !r.Failed || !strings.Contains(r.Text, "no sandbox") {
				t.Errorf("got %+v", r)
			}
			return "ok", nil
		},
	})
	m.Ask("go")
	if _, err := os.Stat(filepath.Join(m.Home, "apps/owned")); err == nil {
		t.Error("it ran unconfined")
	}
}

func TestUndo(t *testing.T) {
	turn := 0
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		if turn++; turn == 1 {
			return machine.Call(ctx, h, "Write", machine.Obj{"file_path": "system/x.md", "content": "x"})
		}
		return machine.Call(ctx, h, "undo", machine.Obj{})
	}})
	m.Ask("write")
	if m.File("system/x.md") != "x" {
		t.Fatal("not written")
	}
	a, _ := m.Ask("undo")
	if !a.OK || !strings.Contains(a.Text, "Undid L2") || m.File("system/x.md") != "" {
		t.Errorf("answer %+v, file %q", a, m.File("system/x.md"))
	}
	if a, _ := m.Ask("undo again"); a.OK {
		t.Errorf("nothing is left to undo, yet %+v", a)
	}
}

func TestMemoryAndReminders(t *testing.T) {
	m := run(t, func(do func(string, machine.Obj) string, refuse func(string, machine.Obj, string)) {
		said := do("remember", machine.Obj{"content": "My dog is called Rex", "category": "fact"})
		id := strings.TrimSuffix(strings.Fields(said)[2], ":")
		if got := do("recall", machine.Obj{"query": "dogs name"}); !strings.Contains(got, "Rex") {
			t.Errorf("recall %q", got)
		}
		if got := do("recall", machine.Obj{"query": "weather"}); strings.Contains(got, "Rex") {
			t.Errorf("recall of something else %q", got)
		}
		do("forget", machine.Obj{"id": id})
		refuse("forget", machine.Obj{"id": id}, "not found")
		if got := do("list_memories", machine.Obj{}); strings.Contains(got, "Rex") {
			t.Errorf("still remembered: %q", got)
		}
		do("manage_cron", machine.Obj{"action": "add", "message": "Water the plants", "every": "day 08:00"})
		refuse("manage_cron", machine.Obj{"action": "add", "message": "x", "at": "2001-01-01T00:00:00Z"}, "passed")
		refuse("manage_cron", machine.Obj{"action": "add", "message": "x", "every": "sometimes"}, "day 08:00")
		if got := do("manage_cron", machine.Obj{"action": "list"}); !strings.Contains(got, "Water the plants") {
			t.Errorf("list %q", got)
		}
		do("manage_cron", machine.Obj{"action": "add", "name": "News", "ask": "Sum up the news", "cron": "30 7 * * 1-5", "zone": "Europe/Berlin", "missed": "once", "usd": 0.5})
		refuse("manage_cron", machine.Obj{"action": "add", "ask": "x", "cron": "30 7 * *"}, "five fields")
		refuse("manage_cron", machine.Obj{"action": "add", "ask": "x", "message": "y", "cron": "30 7 * * *"}, "either in message")
		refuse("manage_cron", machine.Obj{"action": "add", "message": "y", "every": "hour", "zone": "Mars/Base"}, "Europe/Berlin")
		do("manage_cron", machine.Obj{"action": "pause", "name": "news"})
		if got := do("manage_cron", machine.Obj{"action": "list"}); !strings.Contains(got, "News  every 30 7 * * 1-5  paused") {
			t.Errorf("list %q", got)
		}
		do("manage_cron", machine.Obj{"action": "resume", "name": "news"})
		if got := do("manage_cron", machine.Obj{"action": "list"}); !strings.Contains(got, "07:30") || strings.Contains(got, "paused") {
			t.Errorf("list %q", got)
		}
		refuse("manage_cron", machine.Obj{"action": "pause", "name": "nothing"}, "News")
		do("manage_cron", machine.Obj{"action": "remove", "name": "news"})
		do("manage_cron", machine.Obj{"action": "remove", "name": "water the plants"})
		refuse("manage_cron", machine.Obj{"action": "remove", "name": "nothing"}, "No reminders")
	})
	if got := m.File("system/cron.json"); got != "[]\n" {
		t.Errorf("the schedule is %q", got)
	}
}

func TestEveryCallIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range syscalls.Table(syscalls.Options{}) {
		if seen[c.Name] {
			t.Errorf("%s is listed twice", c.Name)
		}
		seen[c.Name] = true
		if len(c.Description) < 20 || !json.Valid(c.Schema) {
			t.Errorf("%s: description %q, schema %s", c.Name, c.Description, c.Schema)
		}
		if c.Title(json.RawMessage(`{}`)) == "" || c.Title(json.RawMessage(`7`)) == "" {
			t.Errorf("%s has no title", c.Name)
		}
	}
	if len(seen) < 17 {
		t.Errorf("only %d calls", len(seen))
	}
}
