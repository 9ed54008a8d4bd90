package kernel_test

import (
	"context"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// A task is completed, and mail is sent, if and only if the files land.
func TestTasksAndMailGoWithTheFiles(t *testing.T) {
	var read []string
	broken := true
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			do := func(name string, args machine.Obj) string {
				out, err := machine.Call(ctx, h, name, args)
				if err != nil {
					out = err.Error()
				}
				return out
			}
			if strings.HasPrefix(said, "look") {
				read = append(read, do("list_tasks", machine.Obj{}), do("read_messages", machine.Obj{}), do("read_messages", machine.Obj{}))
				return "looked", nil
			}
			if strings.HasPrefix(said, "make") {
				read = append(read, do("create_task", machine.Obj{"type": "research", "input": "bread", "priority": 3}))
				return "made", nil
			}
			read = append(read,
				do("claim_task", machine.Obj{"task_id": "T1"}),
				do("Write", machine.Obj{"file_path": "projects/bread.md", "content": "rye\n"}),
				do("complete_task", machine.Obj{"task_id": "T1", "output": "see projects/bread.md"}),
				do("send_message", machine.Obj{"to": "kernel", "content": "bread is done"}),
				do("send_message", machine.Obj{"to": "nobody", "content": "?"}))
			if broken {
				_ = do("Write", machine.Obj{"file_path": "agents/memory/x", "content": "x"})
				return "", &sys.Error{Op: "think", Kind: sys.Invalid}
			}
			return "worked", nil
		},
	})
	ask := func(text string) []string {
		read = nil
		m.Ask(text)
		return read
	}
	if got := ask("make it"); got[0] != "Task T1 is ready." {
		t.Fatalf("%q", got)
	}
	got := ask("work")
	if !strings.Contains(got[0], "Yours now: T1") || got[2] != "Task T1 will be done when your files land." || got[3] != "It is delivered when your files land." || !strings.Contains(got[4], "nobody") {
		t.Fatalf("%q", got)
	}
	got = ask("look")
	if !strings.Contains(got[0], "T1  ready") || got[1] != "No messages." || m.File("projects/bread.md") != "" {
		t.Fatalf("after a failure: %q", got)
	}
	broken = false
	ask("work")
	got = ask("look")
	if !strings.Contains(got[0], "T1  done") || !strings.Contains(got[1], "bread is done") || got[2] != "No messages." || m.File("projects/bread.md") != "rye\n" {
		t.Fatalf("after a landing: %q", got)
	}
}

// Who has not claimed a task cannot end it, and two cannot claim one.
func TestATaskHasOneOwner(t *testing.T) {
	first := make(chan struct{})
	second := make(chan struct{})
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
		refuse := func(name string, args machine.Obj, why string) {
			if out, err := machine.Call(ctx, h, name, args); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %q %v, want %q", name, out, err, why)
			}
		}
		if said == "first" {
			for _, c := range []machine.Obj{{"type": "a"}, {"type": "b", "depends_on": []string{"T1"}}} {
				if _, err := machine.Call(ctx, h, "create_task", c); err != nil {
					t.Error(err)
				}
			}
			refuse("complete_task", machine.Obj{"task_id": "T1", "output": "x"}, "not yours")
			refuse("claim_task", machine.Obj{"task_id": "T2"}, "blocked")
			refuse("claim_task", machine.Obj{"task_id": "T99"}, "no such task")
			refuse("claim_task", machine.Obj{"task_id": "nonsense"}, "T1, T2")
			if _, err := machine.Call(ctx, h, "claim_task", machine.Obj{"task_id": "T1"}); err != nil {
				t.Error(err)
			}
			close(first)
			<-second
			if out, err := machine.Call(ctx, h, "complete_task", machine.Obj{"task_id": "T1", "output": "x"}); err != nil || out != "Task T1 is done." {
				t.Errorf("%q %v", out, err)
			}
			refuse("fail_task", machine.Obj{"task_id": "T1", "error": "late"}, "it is done")
			return "done", nil
		}
		refuse("claim_task", machine.Obj{"task_id": "T1"}, "process")
		refuse("fail_task", machine.Obj{"task_id": "T1", "error": "mine"}, "not yours")
		close(second)
		return "done", nil
	}})
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	a, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "first"})
	if err != nil {
		t.Fatal(err)
	}
	<-first
	if b, _ := m.Ask("second"); !b.OK {
		t.Errorf("%+v", b)
	}
	if b, _ := m.Follow(sub, a); !b.OK {
		t.Errorf("%+v", b)
	}
}
