package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"matrixos/client"
)

// peopleCommand is about those who do harm.
func (p *program) peopleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "people", Short: "List whom you have blocked; block people, and report what they say", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Blocked(ctx)
				if err != nil || p.json {
					return p.orJSON(list, err)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "You have blocked nobody. `matrixos people block @eve:example.org` does.")
					return err
				}
				for _, who := range list {
					fmt.Fprintln(p.out, printable(who))
				}
				return nil
			})
		},
	}
	for _, one := range []struct {
		use, short string
		blocked    bool
	}{
		{"block HANDLE", "Hide somebody from you and your AI: a handle, or a pattern such as '*:spam.example'", true},
		{"unblock HANDLE", "Hide somebody no longer", false},
	} {
		cmd.AddCommand(&cobra.Command{
			Use: one.use, Short: one.short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					return c.Block(ctx, args[0], one.blocked)
				})
			},
		})
	}
	var reason string
	report := &cobra.Command{
		Use: "report ROOM EVENT…", Short: "Keep what somebody has said, and report it to the homeserver", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Report(ctx, args[0], args[1:], reason)
				if err != nil || p.json {
					return p.orJSON(r, err)
				}
				rows := [][]string{{"Kept in", string(r.Path)}, {"Homeserver", "was told"}}
				if !r.Told {
					rows[1][1] = "was not told: " + r.Why
				}
				return table(p.out, rows)
			})
		},
	}
	report.Flags().StringVar(&reason, "reason", "", "what is wrong with it")
	cmd.AddCommand(report)
	return cmd
}
