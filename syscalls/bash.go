package syscalls

import (
	"context"
	"fmt"
	"strings"
	"time"

	"matrixos/kernel"
	"matrixos/sandbox"
	"matrixos/sys"
)

type bashIn struct {
	Command     string `json:"command"`
	Timeout     int    `json:"timeout"`
	Description string `json:"description"`
}

func bash(o Options) kernel.Syscall {
	return define("Bash", false, []string{"command"}, `
		"command":{"type":"string","minLength":1},
		"timeout":{"type":"integer","minimum":1,"maximum":600000,"description":"milliseconds"},
		"description":{"type":"string","description":"what it does, in a few words"}`,
		func(in bashIn) string {
			if in.Description != "" {
				return in.Description
			}
			line, _, _ := strings.Cut(in.Command, "\n")
			return "Running " + code(line)
		},
		func(ctx context.Context, c *kernel.Call, in bashIn) (string, error) {
			if o.Sandbox == nil {
				return "", &sys.Error{Op: "run", Path: "a command", Kind: sys.Refused, Err: o.Why, Hint: "use Read, Write, Edit, Glob and Grep"}
			}
			at, err := c.Place(ctx)
			if err != nil {
				return "", err
			}
			if err := c.ProvideData(ctx); err != nil {
				return "", err
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			network, proxy, err := reach(ctx, o, c, in.Command)
			if err != nil {
				return "", err
			}
			out, err := o.Sandbox.Run(ctx, sandbox.Command{
				Script: in.Command, Folder: at.Dir, Enter: at.Enter, Mount: o.Mount,
				Limit: time.Duration(in.Timeout) * time.Millisecond, Output: 10 << 20, Network: network,
			})
			text := strings.ToValidUTF8(string(out.Output), "�")
			if proxy != nil {
				for _, why := range proxy.Refusals() {
					text += "\n[network] " + why
				}
			}
			switch {
			case err != nil:
				return text, err
			case out.TimedOut:
				return text, &sys.Error{Op: "run", Path: "the command", Kind: sys.Canceled, Err: fmt.Errorf("it ran out of time and was ended"), Hint: "give a longer timeout, or do less at once"}
			case out.Status != 0:
				return text, fmt.Errorf("exit status %d", out.Status)
			case text == "":
				return "(no output)", nil
			}
			return text, nil
		})
}
