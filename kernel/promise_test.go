package kernel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// A new app is not built before somebody has said what it has to do, and it does not
// land without that; one that the owner has put there is changed as it is.
func TestANewAppNeedsAContract(t *testing.T) {
	var refusals []string
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
			if words == "repaint it" {
				return machine.Call(ctx, h, "spawn", machine.Obj{"program": "maker", "task": "repaint", "app": "mine"})
			}
			_, err := machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "first", "app": "list"})
			refusals = append(refusals, fmt.Sprint(err))
			return machine.Call(ctx, h, "spawn", machine.Obj{"program": "maker", "task": "no app is named"})
		},
		"maker": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			write := func(path, text string) error {
				_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": path, "content": text})
				return err
			}
			switch {
			case strings.Contains(said, "repaint"):
				return "Changed.", write("apps/mine/page.html", "new")
			case turn == 1:
				return "Built.", write("apps/list/matrix.json", `{"name":"List","slug":"list"}`)
			}
			refusals = append(refusals, said)
			text, err := json.Marshal(machine.Contract)
			if err != nil {
				return "", err
			}
			return "Built as promised.", write("apps/list/contract.json", string(text))
		},
	})
	put := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(m.Home+"/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.Home+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("agents/custom/maker.md", "---\nname: maker\ndescription: builds\ntools: Write\nwrites: apps/\n---\nYou build.\n")
	put("apps/mine/matrix.json", `{"name":"Mine","slug":"mine"}`)
	if _, err := m.Disk.Capture(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, _ := m.Ask("build it")
	if !a.OK || m.File("apps/list/matrix.json") == "" || m.File("apps/list/contract.json") == "" {
		t.Fatalf("answer %+v", a)
	}
	if len(refusals) != 2 {
		t.Fatalf("refused %q", refusals)
	}
	for _, r := range refusals {
		if !strings.Contains(r, "new app") || !strings.Contains(r, `"scenarios"`) {
			t.Errorf("it does not say what to write: %s", r)
		}
	}
	if a, _ := m.Ask("repaint it"); !a.OK || m.File("apps/mine/page.html") != "new" || !strings.Contains(a.Text, "Contract: it has none") {
		t.Errorf("an app of the owner's: %+v", a)
	}
}

// Whoever was given a contract does not write another in its place.
func TestAGivenContractIsKept(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			return machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "x", "app": "list", "contract": machine.Contract})
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/list/matrix.json", "content": "{}"}); err != nil {
				return "", err
			}
			_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/list/contract.json", "content": "{}"})
			if err == nil {
				t.Error("it has written another")
			}
			return "Built.", nil
		},
	})
	if a, _ := m.Ask("go"); !a.OK || !strings.Contains(m.File("apps/list/contract.json"), "Hello") {
		t.Errorf("%+v, %s", a, m.File("apps/list/contract.json"))
	}
}

// Failure mode 38: a request that is not clear. The owner is asked three times at the
// most, whatever the model would like, and what they said is part of the contract and
// of the builder's task.
func TestMode38AtMostThreeQuestions(t *testing.T) {
	var fourth error
	task := ""
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			for i := range 4 {
				said, err := machine.Call(ctx, h, "ask_owner", machine.Obj{"question": fmt.Sprintf("Question %d?", i+1), "choices": []string{"a", "b"}, "app": "list"})
				if i == 3 {
					fourth = err
				} else if err != nil {
					return "", err
				}
				if i == 1 && !strings.Contains(said, "leaves it to you") {
					return "", fmt.Errorf("a skipped question comes to %q", said)
				}
			}
			return machine.Call(ctx, h, "spawn", machine.Obj{"program": "builder", "task": "build", "app": "list", "contract": machine.Contract})
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
			task = said
			_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "apps/list/matrix.json", "content": `{"name":"List","slug":"list"}`})
			return "Built.", err
		},
	})
	go func() {
		sub := m.Disk.Journal().Subscribe(0)
		defer sub.Close()
		for n := 0; n < 3; {
			events, err := sub.Next(t.Context())
			if err != nil {
				return
			}
			for _, e := range events {
				var q sys.QuestionData
				if e.Kind != sys.EventQuestion || json.Unmarshal(e.Data, &q) != nil {
					continue
				}
				if n++; q.Number != n || q.App != "list" {
					t.Errorf("question %d: %+v", n, q)
				}
				answer := "answer " + q.Text
				if n == 2 {
					answer = ""
				}
				if err := m.Kernel.Answer(t.Context(), q.ID, answer); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
	defer sub.Close()
	ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "make something for my list"})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := m.Follow(sub, ticket); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if fourth == nil || !strings.Contains(fourth.Error(), "3 questions") {
		t.Errorf("the fourth question: %v", fourth)
	}
	var c struct {
		Request string
		Answers []struct{ Question, Answer string }
	}
	if err := json.Unmarshal([]byte(m.File("apps/list/contract.json")), &c); err != nil {
		t.Fatal(err)
	}
	if c.Request != "make something for my list" || len(c.Answers) != 2 || c.Answers[1].Answer != "answer Question 3?" {
		t.Errorf("the contract has %+v", c)
	}
	if !strings.Contains(task, "Question 1? answer Question 1?") || !strings.Contains(task, "Question 2? (the owner leaves") {
		t.Errorf("the task is %q", task)
	}
}
