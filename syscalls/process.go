package syscalls

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"matrixos/kernel"
	"matrixos/sys"
)

type spawnIn struct {
	Program sys.Program `json:"program"`
	Task    string      `json:"task"`
	App     sys.Slug    `json:"app"`
	// Contract is the text of a contract.json, or the object itself.
	Contract json.RawMessage `json:"contract"`
}

func spawn() kernel.Syscall {
	return define("spawn", false, []string{"program", "task"}, `
		"program":{"type":"string","description":"builder, or another file of agents/"},
		"task":{"type":"string","minLength":1,"description":"all it needs to know; it sees nothing else"},
		"app":{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$","description":"the slug of the app to build or change"},
		"contract":{"type":"object","description":"what the app has to do, written before it is built: {version: 1, scenarios: [{name, given?: {rows: {table: [{…}]}}, steps: […]}], invariants?: [{name, sql}], properties?: [{name, shown, sql}]}. Steps: {click: role, name}, {fill: label, with}, {choose: label, option}, {press: key, on?}, {see: text, in?: {role, name}}, {see_not: text}, {see_order: [text]}, {value: label, is}, {rows: table, where?, count}, {key, is}, {reload: true}, {go_to: date}, {wait: \"5m\"}. The builder cannot change it, and nothing lands that does not keep it"}`,
		func(in spawnIn) string {
			if in.App != "" {
				return fmt.Sprintf("Asking the %s for %s", in.Program, code(string(in.App)))
			}
			return fmt.Sprintf("Asking the %s", in.Program)
		},
		func(ctx context.Context, c *kernel.Call, in spawnIn) (string, error) {
			asked := c.Answers(in.App)
			contract, err := settled(ctx, c, in, asked)
			if err != nil {
				return "", err
			}
			r, err := c.Spawn(ctx, kernel.Spawn{Program: in.Program, Task: in.Task + answered(asked), App: in.App, Contract: contract})
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
			if len(r.Landings) > 0 {
				b.WriteString(offer(ctx, c, in.App))
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
	App      sys.Slug `json:"app"`
}

// leftOpen is what a question comes to that the owner leaves to the agent.
const leftOpen = "(the owner leaves it to you: decide)"

func askOwner() kernel.Syscall {
	return define("ask_owner", false, []string{"question"}, `
		"question":{"type":"string","minLength":1},
		"choices":{"type":"array","items":{"type":"string"},"maxItems":6,"description":"ready answers"},
		"app":{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$","description":"the slug of the new app that it is about, new-app if it has no name yet: the answer goes into its contract"}`,
		func(in askIn) string { return "Asking you" },
		func(ctx context.Context, c *kernel.Call, in askIn) (string, error) {
			answer, err := c.Ask(ctx, in.Question, in.Choices, in.App)
			if err == nil && strings.TrimSpace(answer) == "" {
				answer = leftOpen
			}
			return answer, err
		})
}
