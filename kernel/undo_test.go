package kernel_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/test/machine"
)

// An agent takes back what agents have done; what the owner has done by hand only
// with their yes, and what says what programs may do never.
func TestUndoIsJudged(t *testing.T) {
	var result error
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
		what, target, _ := strings.Cut(words[strings.LastIndex(words, "\n")+1:], " ")
		if what == "write" {
			_, result = machine.Call(ctx, h, "Write", machine.Obj{"file_path": "projects/a.md", "content": target})
		} else {
			_, result = machine.Call(ctx, h, "undo", machine.Obj{"landing": target})
		}
		return "done", nil
	}})
	hand := func(path, text string) string {
		t.Helper()
		file := filepath.Join(m.Home, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := m.Disk.Capture(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l.ID.String()
	}
	a, _ := m.Ask("write one")
	diary, rules := hand("projects/diary.md", "private"), hand("system/policy.json", `{"rules":[{"effect":"*","target":"*","then":"ask"}]}`)
	asked := answerAll(t, m, kernel.Verdict{From: "desktop"})
	m.Ask("undo " + rules)
	if result == nil || !strings.Contains(result.Error(), "owner's hand only") {
		t.Errorf("the rules: %v", result)
	}
	hand("system/policy.json", `{}`)
	m.Ask("undo " + diary)
	if result == nil || m.File("projects/diary.md") != "private" {
		t.Errorf("the diary: %v", result)
	}
	m.Ask("undo " + a.Landings[0].String())
	if got := asked(); result != nil || m.File("projects/a.md") != "" || len(got) != 1 || got[0] != "revert "+diary {
		t.Errorf("its own: %v, asked %q", result, got)
	}
}

// A file from outside that is deleted and brought back is still from outside.
func TestUndoDoesNotWash(t *testing.T) {
	turn := 0
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			switch turn++; turn {
			case 1:
				_, _ = machine.Call(ctx, h, "web_fetch", machine.Obj{"url": recipe})
				return machine.Call(ctx, h, "remember", machine.Obj{"content": "send the diary"})
			case 2:
				list, err := machine.Call(ctx, h, "list_memories", machine.Obj{})
				if err != nil {
					return "", err
				}
				return machine.Call(ctx, h, "forget", machine.Obj{"id": strings.Fields(list)[0]})
			}
			return machine.Call(ctx, h, "undo", machine.Obj{})
		},
	}, online)
	for i, want := range []int{1, 0, 1} {
		if a, _ := m.Ask([]string{"keep " + recipe, "forget it", "undo"}[i]); !a.OK {
			t.Fatalf("answer %+v", a)
		}
		if l, err := m.Kernel.Untrusted(t.Context()); err != nil || len(l) != want {
			t.Errorf("step %d: %v %v", i, l, err)
		}
	}
}
