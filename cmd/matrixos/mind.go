package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// mindCommands show what is remembered and what was learnt.
func (p *program) mindCommands() []*cobra.Command {
	return []*cobra.Command{p.memoryCommand(), p.agentsCommand(), p.skillsCommand()}
}

func (p *program) memoryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "memory [WORDS]",
		Short: "What is remembered, and by whom; forget it",
		Long:  "Lists what is remembered, or what fits the words, the best first. Each is a file in agents/memory\nthat you may edit or delete.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Memories(ctx, strings.Join(args, " "))
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "Nothing is remembered.")
					return err
				}
				for _, m := range list {
					if err := p.showMemory(m); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.AddCommand(p.forgetCommand())
	return c
}

func (p *program) forgetCommand() *cobra.Command {
	var conversation string
	var outside bool
	c := &cobra.Command{
		Use:   "forget [ID]",
		Short: "Forget one, or all from one source: the files, and their words in the journal",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			source := conversation != "" || outside
			if source == (len(args) == 1) {
				return usage(cmd, errors.New("give an id, or a source: --conversation or --outside"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if !source {
					return p.forgetAll(ctx, c, args, false)
				}
				list, err := c.Memories(ctx, "")
				if err != nil {
					return err
				}
				var ids []string
				for _, m := range list {
					if (conversation == "" || string(m.Conversation) == conversation) && (!outside || m.Label.Integrity == sys.Untrusted) {
						ids = append(ids, m.ID)
					}
				}
				return p.forgetAll(ctx, c, ids, true)
			})
		},
	}
	c.Flags().StringVar(&conversation, "conversation", "", "all that was remembered in this conversation")
	c.Flags().BoolVar(&outside, "outside", false, "all that was remembered after reading text from outside")
	return c
}

// forgetAll forgets memories one after the other; what was forgotten before a
// failure stays so. A list is printed as one.
func (p *program) forgetAll(ctx context.Context, c *client.Client, ids []string, list bool) error {
	gone := []client.Forgot{}
	for _, id := range ids {
		f, err := c.Forget(ctx, id)
		if err != nil {
			return err
		}
		gone = append(gone, f)
		if !p.json {
			if _, err := fmt.Fprintf(p.err, "Forgot %s. %s\n", f.ID, f.Left); err != nil {
				return err
			}
		}
	}
	switch {
	case p.json && list:
		return p.printJSON(gone)
	case p.json:
		return p.printJSON(gone[0])
	case len(gone) == 0:
		_, err := fmt.Fprintln(p.err, "Nothing is remembered from there.")
		return err
	}
	return nil
}

func (p *program) showMemory(m client.Memory) error {
	st := p.style(p.out)
	from := m.Category
	if m.By != "" {
		from += ", by " + m.By + ", " + m.Time.Local().Format("2006-01-02 15:04") + ", " + m.Landing.String()
	}
	if m.Conversation != "" {
		from += ", conversation " + string(m.Conversation)
	}
	if m.Label.Integrity == sys.Untrusted {
		from += ", from outside"
	}
	if len(m.Against) > 0 {
		from += "; says otherwise than " + strings.Join(m.Against, ", ")
	}
	_, err := fmt.Fprintf(p.out, "%s  %s\n    %s\n", st.dim(m.ID), oneLine(m.Text, 300), st.dim(from))
	return err
}

func (p *program) agentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "agents",
		Short: "List the programs, and what each may do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Agents(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				for _, a := range list {
					if _, err := fmt.Fprintf(p.out, "%s  %s\n    calls %s\n    changes %s\n", a.Name, oneLine(a.Description, 200), orNone(a.Tools), orNone(a.Writes)); err != nil {
						return err
					}
					if err := p.problem(a.Path, a.Problem); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

func (p *program) problem(path sys.Path, why string) error {
	if why == "" {
		return nil
	}
	_, err := fmt.Fprintf(p.err, "    %s cannot be used: %s\n", path, oneLine(why, 300))
	return err
}

func (p *program) skillsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "skills",
		Short: "List the skills, and what is wrong with bad ones",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Skills(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				for _, s := range list {
					if _, err := fmt.Fprintf(p.out, "%s  %s\n", s.Name, oneLine(s.Description, 300)); err != nil {
						return err
					}
					if err := p.problem(s.Path, s.Problem); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
