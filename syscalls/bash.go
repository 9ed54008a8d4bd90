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
			case out.Over != "":
				return text, tooMuch(out.Over)
			case out.Status != 0:
				return text, fmt.Errorf("exit status %d", out.Status)
			case text == "":
				return "(no output)", nil
			}
			return text, nil
		})
}

// tooMuch says which limit ended a command, and what may help.
func tooMuch(l sandbox.Limit) error {
	why := map[sandbox.Limit][2]string{
		sandbox.ByTime:      {"it ran out of time", "give a longer timeout, or do less at once"},
		sandbox.ByProcesses: {"it had too many processes at once", "start fewer at a time"},
		sandbox.ByMemory:    {"it used too much memory", "do less at once, or write to a file of the home instead of /tmp"},
		sandbox.ByOutput:    {"it wrote too much output", "write it to a file, or pass it through head or tail"},
	}[l]
	return &sys.Error{Op: "run", Path: "the command", Kind: sys.Canceled, Err: fmt.Errorf("%s, and was ended with everything it had started", why[0]), Hint: why[1]}
}
