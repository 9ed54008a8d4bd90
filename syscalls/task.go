package syscalls

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"matrixos/ipc"
	"matrixos/kernel"
	"matrixos/sys"
)

type listTasksIn struct {
	Status   string `json:"status"`
	Assignee string `json:"assignee"`
}

func listTasks() kernel.Syscall {
	return define("list_tasks", true, nil, `
		"status":{"type":"string","enum":["blocked","ready","claimed","done","failed","cancelled"]},
		"assignee":{"type":"string","description":"the number of the process that has claimed it"}`,
		func(listTasksIn) string { return "Looking at the tasks" },
		func(ctx context.Context, c *kernel.Call, in listTasksIn) (string, error) {
			f := ipc.TaskFilter{}
			if in.Status != "" {
				f.States = []sys.TaskState{sys.TaskState(in.Status)}
			}
			if in.Assignee != "" {
				a, err := sys.ParseAddress(in.Assignee)
				if err != nil {
					return "", err
				}
				if a.Process == 0 {
					return "", &sys.Error{Op: "list tasks of", Path: in.Assignee, Kind: sys.Invalid, Hint: "an assignee is the number of a process"}
				}
				f.Owner = a.Process
			}
			c.Shows()
			list, err := c.Tasks(ctx, f)
			if err != nil || len(list) == 0 {
				return "No tasks.", err
			}
			var b strings.Builder
			for _, t := range list {
				b.WriteString(taskLine(t) + "\n")
			}
			return strings.TrimRight(b.String(), "\n"), nil
		})
}

// taskLine is one task in a list.
func taskLine(t sys.Task) string {
	s := fmt.Sprintf("%s  %s  %s", t.ID, t.State, t.Type)
	if t.Owner != 0 && t.State == sys.TaskClaimed {
		s += fmt.Sprintf("  by process %d", t.Owner)
	}
	if len(t.DependsOn) > 0 {
		s += fmt.Sprintf("  after %v", t.DependsOn)
	}
	if len(t.Input) > 0 {
		s += "  input " + string(t.Input)
	}
	if len(t.Output) > 0 {
		s += "  output " + string(t.Output)
	}
	if t.Reason != "" {
		s += "  because " + t.Reason
	}
	return s
}

type createTaskIn struct {
	Type      string          `json:"type"`
	Input     json.RawMessage `json:"input"`
	Priority  int             `json:"priority"`
	DependsOn []string        `json:"depends_on"`
}

func createTask() kernel.Syscall {
	return define("create_task", false, []string{"type"}, `
		"type":{"type":"string","minLength":1,"maxLength":100,"description":"what kind of work, such as research"},
		"input":{"description":"what is needed to do it: words or JSON"},
		"priority":{"type":"integer","minimum":-100,"maximum":100,"description":"higher goes first"},
		"depends_on":{"type":"array","items":{"type":"string"},"maxItems":50,"description":"tasks that have to be done before, such as T3"}`,
		func(in createTaskIn) string { return "Making a task: " + in.Type },
		func(ctx context.Context, c *kernel.Call, in createTaskIn) (string, error) {
			n := ipc.NewTask{Type: in.Type, Input: in.Input, Priority: in.Priority}
			for _, s := range in.DependsOn {
				id, err := sys.ParseTaskID(s)
				if err != nil {
					return "", err
				}
				n.DependsOn = append(n.DependsOn, id)
			}
			c.Shows()
			t, err := c.CreateTask(ctx, n)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("Task %s is %s.", t.ID, t.State), nil
		})
}

type taskIn struct {
	ID     string          `json:"task_id"`
	Output json.RawMessage `json:"output"`
	Error  string          `json:"error"`
}

func claimTask() kernel.Syscall {
	return define("claim_task", false, []string{"task_id"}, `"task_id":{"type":"string"}`,
		func(in taskIn) string { return "Taking task " + in.ID },
		func(ctx context.Context, c *kernel.Call, in taskIn) (string, error) {
			id, err := sys.ParseTaskID(in.ID)
			if err != nil {
				return "", err
			}
			c.Shows()
			t, err := c.ClaimTask(ctx, id)
			if err != nil {
				return "", err
			}
			return "Yours now: " + taskLine(t), nil
		})
}

func completeTask() kernel.Syscall {
	return define("complete_task", false, []string{"task_id", "output"}, `"task_id":{"type":"string"},"output":{"description":"what came of it: words or JSON"}`,
		func(in taskIn) string { return "Completing task " + in.ID },
		func(ctx context.Context, c *kernel.Call, in taskIn) (string, error) {
			return endTask(ctx, c, in, "done")
		})
}

func failTask() kernel.Syscall {
	return define("fail_task", false, []string{"task_id", "error"}, `"task_id":{"type":"string"},"error":{"type":"string","minLength":1,"maxLength":4000,"description":"why"}`,
		func(in taskIn) string { return "Giving task " + in.ID + " up" },
		func(ctx context.Context, c *kernel.Call, in taskIn) (string, error) {
			return endTask(ctx, c, in, "failed")
		})
}

func endTask(ctx context.Context, c *kernel.Call, in taskIn, word string) (string, error) {
	id, err := sys.ParseTaskID(in.ID)
	if err != nil {
		return "", err
	}
	c.Shows()
	later, err := c.EndTask(ctx, id, in.Output, in.Error)
	if err != nil {
		return "", err
	}
	if later {
		return fmt.Sprintf("Task %s will be %s when your files land.", id, word), nil
	}
	return fmt.Sprintf("Task %s is %s.", id, word), nil
}

type sendIn struct {
	To      string `json:"to"`
	Content string `json:"content"`
}

func sendMessage() kernel.Syscall {
	return define("send_message", false, []string{"to", "content"}, `
		"to":{"type":"string","description":"the number of a process, or a program such as kernel"},
		"content":{"type":"string","minLength":1,"maxLength":65536}`,
		func(in sendIn) string { return "Writing to " + in.To },
		func(ctx context.Context, c *kernel.Call, in sendIn) (string, error) {
			to, err := sys.ParseAddress(in.To)
			if err != nil {
				return "", err
			}
			c.Shows()
			later, err := c.SendMail(ctx, to, in.Content)
			if err != nil {
				return "", err
			}
			if later {
				return "It is delivered when your files land.", nil
			}
			return "Sent.", nil
		})
}

type readMailIn struct {
	Wait int `json:"wait_seconds"`
}

func readMessages() kernel.Syscall {
	return define("read_messages", false, nil, `
		"wait_seconds":{"type":"integer","minimum":0,"maximum":3600,"description":"how long to wait for one if there is none"}`,
		func(in readMailIn) string {
			if in.Wait > 0 {
				return "Waiting for a message"
			}
			return "Reading messages"
		},
		func(ctx context.Context, c *kernel.Call, in readMailIn) (string, error) {
			c.Shows()
			read := c.ReadMail
			if in.Wait > 0 {
				read = func(ctx context.Context) ([]sys.Mail, error) {
					return c.AwaitMail(ctx, time.Duration(in.Wait)*time.Second)
				}
			}
			list, err := read(ctx)
			if err != nil || len(list) == 0 {
				return "No messages.", err
			}
			var b strings.Builder
			for _, m := range list {
				fmt.Fprintf(&b, "From %s (process %d), %s:\n%s\n\n", m.From.Program, m.From.Process, m.Sent.Local().Format("2 January 15:04"), m.Content)
			}
			return strings.TrimSpace(b.String()), nil
		})
}

type waitIn struct {
	Seconds int `json:"seconds"`
}

func waits() kernel.Syscall {
	return define("wait", false, []string{"seconds"}, `"seconds":{"type":"integer","minimum":1,"maximum":3600}`,
		func(in waitIn) string { return "Waiting for " + (time.Duration(in.Seconds) * time.Second).String() },
		func(ctx context.Context, c *kernel.Call, in waitIn) (string, error) {
			c.Shows()
			spoken, err := c.Rest(ctx, time.Duration(in.Seconds)*time.Second)
			if err != nil {
				return "", err
			}
			now := "It is " + time.Now().Format("15:04:05") + "."
			if spoken {
				return "The owner said something before the time was over. " + now, nil
			}
			return now, nil
		})
}
