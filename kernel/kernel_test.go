package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/sys"
	"matrixos/test/machine"
)

func TestARequestBuildsThroughAChildAndLands(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			report, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "build it: " + said, "app": "notes", "contract": machine.Contract})
			return "Done. " + report, err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			if !strings.Contains(said, "build it: notes please") {
				return "", fmt.Errorf("task is %q", said)
			}
			_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/notes/index.html", "content": "<p>hi"})
			return "Built.", err
		},
	})
	a, events := m.Ask("notes please")
	if !a.OK || !strings.Contains(a.Text, "Built.") || !strings.Contains(a.Text, "Landed as L2") {
		t.Fatalf("answer %+v", a)
	}
	if len(a.Landings) != 1 || a.Cost.USD != 1 || a.Verified != "static" {
		t.Errorf("landings %v cost %v verified %q", a.Landings, a.Cost, a.Verified)
	}
	if m.File("apps/notes/index.html") != "<p>hi" {
		t.Error("the file is not in the home")
	}
	l, _, err := m.Disk.Show(t.Context(), a.Landings[0])
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
	if got := m.Kernel.Processes(); len(got) != 0 {
		t.Errorf("still in the table: %+v", got)
	}
	if len(m.Apps.Landings) != 1 {
		t.Errorf("apps followed %v", m.Apps.Landings)
	}
}

func TestAnObedientModelStaysInItsPlace(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x", "app": "mine", "contract": machine.Contract})
			return "", err
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			for _, p := range []string{"system/soul.md", "agents/builder.md", "apps/old/a.txt", ".disk/kernel.db", "../x", "/etc/passwd"} {
				if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": p, "content": "owned"}); err == nil {
					return "", fmt.Errorf("wrote %s", p)
				}
			}
			if _, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "again"}); err == nil {
				return "", errors.New("the builder spawned")
			}
			if _, err := machine.Call(ctx, h, "no_such_call", machine.Obj{}); err == nil {
				return "", errors.New("an unknown call worked")
			}
			if _, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": 7}); err == nil {
				return "", errors.New("a call with bad arguments worked")
			}
			return "Nothing worked.", nil
		},
	})
	a, _ := m.Ask("go")
	if !a.OK || len(a.Landings) != 0 {
		t.Fatalf("answer %+v", a)
	}
	if m.File("system/soul.md") != "Be kind.\n" || m.File("apps/old/a.txt") != "one\ntwo\nthree\n" {
		t.Error("the home changed")
	}
}

func TestFailureDropsTheTransaction(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "system/half.md", "content": "half"}); err != nil {
				return "", err
			}
			return "I did it!", &sys.Error{Op: "ask", Kind: sys.Unavailable, Err: errors.New("the stream broke"), Hint: "try again"}
		},
	})
	a, _ := m.Ask("go")
	if a.OK || a.Kind != sys.Unavailable || a.Hint != "try again" {
		t.Errorf("answer %+v", a)
	}
	if m.File("system/half.md") != "" {
		t.Error("half of it landed")
	}
}

func TestAFailedChildFailsTheRequestUntilOneSucceeds(t *testing.T) {
	tries := 0
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			_, first := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
			if first == nil {
				return "", errors.New("the first child did not fail")
			}
			if said == "twice" {
				_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
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
	if a, _ := m.Ask("once"); a.OK || a.Kind != sys.NotVerified {
		t.Errorf("a claimed success was believed: %+v", a)
	}
	tries = 0
	if a, _ := m.Ask("twice"); !a.OK {
		t.Errorf("answer %+v", a)
	}
}

func TestRefusedLandingGoesBackToTheConversation(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if turn == 1 {
				_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "system/x.md", "content": "bad"})
				return "first", err
			}
			if !strings.Contains(said, "it is bad") {
				return "", fmt.Errorf("told %q", said)
			}
			_, err := machine.Call(ctx, h, "Edit", machine.Obj{"file_path": "system/x.md", "old_string": "bad", "new_string": "good"})
			return "mended", err
		},
	})
	m.Disk.SetChecks(func(_ context.Context, c disk.Checked) error {
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
	a, _ := m.Ask("go")
	if !a.OK || a.Text != "mended" || m.File("system/x.md") != "good" {
		t.Errorf("answer %+v, file %q", a, m.File("system/x.md"))
	}
}

func TestConflictIsSeenAndResolved(t *testing.T) {
	var m *machine.Machine
	m = machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
			return "ok", err
		},
		"builder": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if _, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": "apps/old/a.txt"}); err != nil {
				return "", err
			}
			if turn == 1 {
				if _, err := machine.Call(ctx, h, "Edit", machine.Obj{"file_path": "apps/old/a.txt", "old_string": "two", "new_string": "agent"}); err != nil {
					return "", err
				}
				if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/old/b.txt", "content": "kept"}); err != nil {
					return "", err
				}
				if err := os.WriteFile(filepath.Join(m.Home, "apps/old/a.txt"), []byte("one\nOWNER\nthree\n"), 0o644); err != nil {
					return "", err
				}
				return "first", nil
			}
			if !strings.Contains(said, "apps/old/a.txt") {
				return "", fmt.Errorf("told %q", said)
			}
			_, err := machine.Call(ctx, h, "Edit", machine.Obj{"file_path": "apps/old/a.txt", "old_string": "OWNER", "new_string": "OWNER and agent"})
			return "second", err
		},
	})
	a, _ := m.Ask("go")
	if !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if got := m.File("apps/old/a.txt"); got != "one\nOWNER and agent\nthree\n" {
		t.Errorf("a.txt is %q", got)
	}
	if m.File("apps/old/b.txt") != "kept" {
		t.Error("the change without conflict was lost")
	}
}

// TestWorkThatDoesNotFitSeesTheOther: a check refuses work together with what landed since it
// began. The process finds that in its folder, beside all of its own, and mends what it can
// see.
func TestWorkThatDoesNotFitSeesTheOther(t *testing.T) {
	var m *machine.Machine
	m = machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x"})
			return "ok", err
		},
		"builder": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if turn == 1 {
				if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/old/mine.txt", "content": "uses the old name"}); err != nil {
					return "", err
				}
				_, err := m.Disk.Write(ctx, disk.Write{Title: "renamed", Files: map[sys.Path][]byte{"apps/old/theirs.txt": []byte("the new name")}})
				return "first", err
			}
			if !strings.Contains(said, "they do not fit") {
				return "", fmt.Errorf("told %q", said)
			}
			for name, want := range map[string]string{"apps/old/theirs.txt": "the new name", "apps/old/mine.txt": "uses the old name"} {
				if got, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": name}); err != nil || !strings.Contains(got, want) {
					return "", fmt.Errorf("%s is %q, %v", name, got, err)
				}
			}
			_, err := machine.Call(ctx, h, "Edit", machine.Obj{"file_path": "apps/old/mine.txt", "old_string": "old", "new_string": "new"})
			return "second", err
		},
	})
	m.Disk.SetChecks(func(_ context.Context, c disk.Checked) error {
		mine, _ := fs.ReadFile(c.Tree, "apps/old/mine.txt")
		if _, err := fs.Stat(c.Tree, "apps/old/theirs.txt"); err == nil && strings.Contains(string(mine), "old") {
			return &sys.Error{Op: "check", Kind: sys.NotVerified, Err: errors.New("they do not fit")}
		}
		return nil
	})
	a, _ := m.Ask("go")
	if !a.OK || m.File("apps/old/mine.txt") != "uses the new name" || m.File("apps/old/theirs.txt") != "the new name" {
		t.Errorf("answer %+v, files %q and %q", a, m.File("apps/old/mine.txt"), m.File("apps/old/theirs.txt"))
	}
}
