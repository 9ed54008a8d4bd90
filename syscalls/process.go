package syscalls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"matrixos/app"
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
			contract, err := settled(in)
			if err != nil {
				return "", err
			}
			r, err := c.Spawn(ctx, kernel.Spawn{Program: in.Program, Task: in.Task, App: in.App, Contract: contract})
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

// settled is the contract that a child is given, judged before anything is built on
// it.
func settled(in spawnIn) (string, error) {
	if len(in.Contract) == 0 || string(in.Contract) == "null" {
		return "", nil
	}
	if in.App == "" {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: errors.New("it is of no app"), Hint: "name the app's slug in app"}
	}
	var b bytes.Buffer
	if err := json.Indent(&b, in.Contract, "", "  "); err != nil {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: err}
	}
	text := b.String() + "\n"
	if found := app.CheckContract([]byte(text), sys.Path("apps/"+in.App+"/contract.json")); len(found) > 0 {
		return "", &sys.Error{Op: "spawn", Path: "contract", Kind: sys.Invalid, Err: errors.New(Diagnostics(found)), Hint: "correct it and call spawn again; nothing was built"}
	}
	return text, nil
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
