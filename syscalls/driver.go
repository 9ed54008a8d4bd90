package syscalls

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"matrixos/driver"
	"matrixos/kernel"
)

type loadToolsIn struct {
	Names []string `json:"names"`
}

func loadTools() kernel.Syscall {
	return define("load_tools", true, nil, `"names":{"type":"array","items":{"type":"string"},"maxItems":20,"description":"such as mcp__files__read; without it, the names of all"}`,
		func(loadToolsIn) string { return "Looking at the tools of servers" },
		func(ctx context.Context, c *kernel.Call, in loadToolsIn) (string, error) {
			list, err := c.Attached(ctx, in.Names)
			if err != nil {
				return "", err
			}
			c.Shows()
			if len(list) == 0 {
				return "No server is attached that you may use.", nil
			}
			var b strings.Builder
			if len(in.Names) == 0 {
				for _, o := range list {
					b.WriteString(o.Full + "\n")
				}
				return b.String(), nil
			}
			c.Reads(outside)
			for _, o := range list {
				fmt.Fprintf(&b, "%s: %s\n  takes %s\n", o.Full, oneLine(o.Tool.Description), o.Tool.Schema)
			}
			return fence("the servers that have these tools", b.String()), nil
		})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

type callToolIn struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

func callTool() kernel.Syscall {
	return define("call_tool", false, []string{"name", "arguments"}, `
		"name":{"type":"string","description":"in full: mcp__server__tool"},
		"arguments":{"type":"object","description":"as load_tools says"}`,
		func(in callToolIn) string {
			server, tool, ok := driver.SplitName(in.Name)
			if !ok {
				return "Calling a tool"
			}
			return "Calling " + code(tool) + " of " + server
		},
		func(ctx context.Context, c *kernel.Call, in callToolIn) (string, error) {
			return c.CallAttached(ctx, in.Name, in.Arguments)
		})
}

type resourceIn struct {
	Server string `json:"server"`
	URI    string `json:"uri"`
}

func readResource() kernel.Syscall {
	return define("read_resource", true, []string{"server"}, `
		"server":{"type":"string"},
		"uri":{"type":"string","description":"the text's address; without it, the list of texts"}`,
		func(in resourceIn) string { return "Reading at the server " + in.Server },
		func(ctx context.Context, c *kernel.Call, in resourceIn) (string, error) {
			rack, err := c.Library(in.Server)
			if err != nil {
				return "", err
			}
			if in.URI != "" {
				r, err := rack.Resource(ctx, in.Server, in.URI)
				return answer(in.Server, r, err)
			}
			list, err := rack.Resources(ctx, in.Server)
			if err != nil {
				return "", err
			}
			var b strings.Builder
			for _, r := range list {
				fmt.Fprintf(&b, "%s  %s  %s\n", driver.Clean(r.URI, 500), driver.Clean(r.Name, 100), oneLine(driver.Clean(r.Description, 300)))
			}
			return listed(in.Server, b.String(), "texts"), nil
		})
}

type promptIn struct {
	Server    string            `json:"server"`
	Name      string            `json:"name"`
	Arguments map[string]string `json:"arguments"`
}

func usePrompt() kernel.Syscall {
	return define("use_prompt", true, []string{"server"}, `
		"server":{"type":"string"},
		"name":{"type":"string","description":"without it, the list of prompts"},
		"arguments":{"type":"object","additionalProperties":{"type":"string"}}`,
		func(in promptIn) string { return "Looking at the prompts of " + in.Server },
		func(ctx context.Context, c *kernel.Call, in promptIn) (string, error) {
			rack, err := c.Library(in.Server)
			if err != nil {
				return "", err
			}
			if in.Name != "" {
				r, err := rack.Prompt(ctx, in.Server, in.Name, in.Arguments)
				return answer(in.Server, r, err)
			}
			list, err := rack.Prompts(ctx, in.Server)
			if err != nil {
				return "", err
			}
			var b strings.Builder
			for _, p := range list {
				fmt.Fprintf(&b, "%s: %s\n", driver.Clean(p.Name, 100), oneLine(driver.Clean(p.Description, 300)))
				for _, a := range p.Args {
					fmt.Fprintf(&b, "  %s (required: %v): %s\n", driver.Clean(a.Name, 100), a.Required, oneLine(driver.Clean(a.Description, 200)))
				}
			}
			return listed(in.Server, b.String(), "prompts"), nil
		})
}

func listed(server, text, what string) string {
	if text == "" {
		return "It has no " + what + "."
	}
	return fence("the server "+server, text)
}

func answer(server string, r driver.Result, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := fence("the server "+server, r.Text)
	if r.Failed {
		return text, fmt.Errorf("it failed")
	}
	return text, nil
}
