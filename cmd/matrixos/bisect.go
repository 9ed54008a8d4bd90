package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) bisectCommand() *cobra.Command {
	var s client.Search
	cmd := &cobra.Command{
		Use:   "bisect SLUG",
		Short: "Find the change that broke an app",
		Long: "Tests changes of the past, halving what is in question each time, until the first\n" +
			"that is broken is found. Nothing is changed by it. A home without the app counts as well.\n\n" +
			"An app is tested as the healer does: by its contract of today, and by the first check that\n" +
			"the broken one fails. With --run a command decides, in the sandbox, on a copy of the home as it\n" +
			"was: exit status 0 is well, 125 means that it could not tell, anything else is broken.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.App = sys.Slug(args[0])
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				st := p.style(p.err)
				found, err := c.Bisect(ctx, s, func(step client.SearchStep) {
					verdict := st.good("well")
					switch step.Verdict {
					case "bad":
						verdict = st.bad("broken")
					case "unclear":
						verdict = st.dim("cannot tell")
					}
					fmt.Fprintf(p.err, "%s  %s  %s\n", pad(step.Landing.String(), 6), verdict, oneLine(step.Why, 90))
				})
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(found)
				}
				return p.showFound(ctx, c, found)
			})
		},
	}
	cmd.Flags().StringVar(&s.Good, "good", "", "a change, snapshot or time that was well (default: the first change)")
	cmd.Flags().StringVar(&s.Bad, "bad", "", "one that is broken (default: what the files are now)")
	cmd.Flags().StringVar(&s.Run, "run", "", "a command whose exit status decides")
	return cmd
}

func (p *program) showFound(ctx context.Context, c *client.Client, found client.Found) error {
	l, err := c.Landing(ctx, found.First)
	if err != nil {
		return err
	}
	st := p.style(p.out)
	if _, err := fmt.Fprintf(p.out, "%s  %s  %s\n", st.bold(found.First.String()), st.by(l.Landing.Kind, who(l.Landing)), oneLine(l.Landing.Title, 90)); err != nil {
		return err
	}
	if found.Why != "" {
		fmt.Fprintf(p.out, "    %s\n", oneLine(found.Why, 200))
	}
	if n := len(found.Suspects); n > 0 {
		fmt.Fprintf(p.err, "It may as well be one of %s before it that could not be tested.\n", count(n, "change"))
	}
	_, err = fmt.Fprintf(p.err, "%s tested of %d. See it with `matrixos show %s`, take it back with `matrixos undo %s`.\n", count(len(found.Steps), "change"), found.Of, found.First, found.First)
	return err
}
