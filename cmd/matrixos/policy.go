package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"matrixos/client"
	"matrixos/sys"
)

// policyCommands are the owner's word, and what was decided.
func (p *program) policyCommands() []*cobra.Command {
	return []*cobra.Command{
		p.approvalsCommand(), p.approveCommand(), p.denyCommand(), p.untrustedCommand(), p.trustCommand(), p.keysCommand(), p.auditCommand(),
	}
}

func (p *program) approvalsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "approvals",
		Short: "List what waits for your yes or no",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Approvals(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "Nothing waits for you.")
					return err
				}
				for _, a := range list {
					if err := p.showApproval(a.ID, a.Text, a.Why, string(a.Args)); err != nil {
						return err
					}
					if _, err := fmt.Fprintf(p.err, "    asked %s; answer with `matrixos approve %s` or `matrixos deny %s`\n", ago(a.Asked, time.Now()), a.ID[:8], a.ID[:8]); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (p *program) showApproval(id, text, why, args string) error {
	st := p.style(p.out)
	_, err := fmt.Fprintf(p.out, "%s  %s\n    why you are asked: %s\n    exactly: %s\n", st.dim(id[:min(len(id), 8)]), oneLine(text, 200), oneLine(why, 200), oneLine(args, 300))
	return err
}

func (p *program) approveCommand() *cobra.Command {
	var always bool
	c := &cobra.Command{
		Use:   "approve ID",
		Short: "Allow one thing that waits for you, once; --always makes it a rule",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return p.answerApproval(cmd, args[0], true, always) },
	}
	c.Flags().BoolVar(&always, "always", false, "and whenever it comes again: a rule in system/policy.json")
	return c
}

func (p *program) denyCommand() *cobra.Command {
	var always bool
	c := &cobra.Command{
		Use:   "deny ID",
		Short: "Refuse one thing that waits for you",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return p.answerApproval(cmd, args[0], false, always) },
	}
	c.Flags().BoolVar(&always, "always", false, "and whenever it comes again: a rule in system/policy.json")
	return c
}

// answerApproval accepts the beginning of an id, as it is shown.
func (p *program) answerApproval(cmd *cobra.Command, id string, allow, always bool) error {
	return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
		list, err := c.Approvals(ctx)
		if err != nil {
			return err
		}
		var full []string
		for _, a := range list {
			if strings.HasPrefix(a.ID, id) {
				full = append(full, a.ID)
			}
		}
		if len(full) > 1 {
			return usage(cmd, fmt.Errorf("%q is the beginning of %d approvals; write more of it", id, len(full)))
		}
		if len(full) == 1 {
			id = full[0]
		}
		if err := c.Approve(ctx, id, allow, always); err != nil {
			return err
		}
		word := "Refused."
		if allow {
			word = "Allowed, once."
		}
		if always {
			word += " It is a rule now: system/policy.json."
		}
		_, err = fmt.Fprintln(p.err, word)
		return err
	})
}

func (p *program) untrustedCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "untrusted",
		Short: "List files that hold text from outside",
		Long:  "Lists files in which agents wrote something after reading text from outside. Whoever reads them\nis held back from reaching outside with your private things. `matrixos trust PATH` lifts that.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Untrusted(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				for _, l := range list {
					if _, err := fmt.Fprintln(p.out, l.Path); err != nil {
						return err
					}
				}
				if len(list) == 0 {
					_, err = fmt.Fprintln(p.err, "There are none.")
				}
				return err
			})
		},
	}
}

func (p *program) trustCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trust PATH",
		Short: "Say that a file, or all in a folder, may be believed",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.Trust(ctx, args[0]) })
		},
	}
}

func (p *program) keysCommand() *cobra.Command {
	keys := &cobra.Command{
		Use:   "keys",
		Short: "List the keys of models and services; set, bind and delete them",
		Long: "List the keys of models and services.\n\n" +
			"A command of an agent never has a key. It writes {{key:NAME}} in a header, and the key takes\n" +
			"that place on its way out, to the hosts that you have bound it to, and to no other.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), p.listKeys)
		},
	}
	remove := &cobra.Command{
		Use:   "delete NAME",
		Short: "Forget a key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.DeleteKey(ctx, args[0]) })
		},
	}
	bind := &cobra.Command{
		Use:   "bind NAME HOST…",
		Short: "Let commands send a key to these hosts, such as api.github.com, and to no other",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.BindKey(ctx, args[0], args[1:]) })
		},
	}
	unbind := &cobra.Command{
		Use:   "unbind NAME",
		Short: "Take a key from commands",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.BindKey(ctx, args[0], nil) })
		},
	}
	keys.AddCommand(p.setKeyCommand(), remove, bind, unbind)
	return keys
}

// listKeys prints the names of the keys, and where commands may send them.
func (p *program) listKeys(ctx context.Context, c *client.Client) error {
	names, err := c.Keys(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(names)
	}
	hosts, err := c.KeyHosts(ctx)
	if err != nil {
		return err
	}
	for _, n := range names {
		line := n
		if len(hosts[n]) > 0 {
			line += "  for commands to " + strings.Join(hosts[n], ", ")
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		_, err = fmt.Fprintln(p.err, "There are none. Set one with: matrixos keys set anthropic")
	}
	return err
}

func (p *program) setKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME",
		Short: "Keep a key, read from standard input so that no history holds it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := p.secret("Key for " + args[0] + ": ")
			if err != nil {
				return err
			}
			if value = strings.TrimSpace(value); value == "" {
				return &sys.Error{Op: "keep key", Path: args[0], Kind: sys.Invalid, Err: errors.New("nothing was entered"), Hint: "write it on standard input: matrixos keys set " + args[0] + " < FILE"}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return c.SetKey(ctx, args[0], value) })
		},
	}
}

// secret reads one line that a terminal does not show.
func (p *program) secret(prompt string) (string, error) {
	if f, ok := p.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(p.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.err)
		return string(b), err
	}
	line, err := bufio.NewReader(p.in).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}
