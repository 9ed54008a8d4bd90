package syscalls

import (
	"context"
	"fmt"
	"strings"

	"matrixos/kernel"
	"matrixos/sys"
)

type spawnIn struct {
	Program sys.Program `json:"program"`
	Task    string      `json:"task"`
	App     sys.Slug    `json:"app"`
}

func spawn() kernel.Syscall {
	return define("spawn", false, []string{"program", "task"}, `
		"program":{"type":"string","description":"builder, or another file of agents/"},
		"task":{"type":"string","minLength":1,"description":"all it needs to know; it sees nothing else"},
		"app":{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$","description":"the slug of the app to build or change"}`,
		func(in spawnIn) string {
			if in.App != "" {
				return fmt.Sprintf("Asking the %s for %s", in.Program, code(string(in.App)))
			}
			return fmt.Sprintf("Asking the %s", in.Program)
		},
		func(ctx context.Context, c *kernel.Call, in spawnIn) (string, error) {
			r, err := c.Spawn(ctx, in.Program, in.Task, in.App)
			if err != nil {
				return r.Text, err
			}
			var b strings.Builder
			b.WriteString(r.Text)
			for _, l := range r.Landings {
				fmt.Fprintf(&b, "\nLanded as %s: %s", l.ID, changed(l))
			}
			if r.Verified != "" {
				fmt.Fprintf(&b, "\nVerified: %s", r.Verified)
			}
			return strings.TrimSpace(b.String()), nil
		})
}

// changed lists a landing's files in one line.
func changed(l sys.LandingInfo) string {
	var out []string
	for i, c := range l.Changes {
		if i == 8 {
			out = append(out, fmt.Sprintf("and %d more", len(l.Changes)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s %s", c.Op, c.Path))
	}
	return strings.Join(out, ", ")
}

type askIn struct {
	Question string   `json:"question"`
	Choices  []string `json:"choices"`
}

func askOwner() kernel.Syscall {
	return define("ask_owner", false, []string{"question"}, `
		"question":{"type":"string","minLength":1},
		"choices":{"type":"array","items":{"type":"string"},"maxItems":6,"description":"ready answers"}`,
		func(in askIn) string { return "Asking you" },
		func(ctx context.Context, c *kernel.Call, in askIn) (string, error) {
			return c.Ask(ctx, in.Question, in.Choices)
		})
}
