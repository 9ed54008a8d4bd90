package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) dataCommand() *cobra.Command {
	data := &cobra.Command{
		Use:   "data [APP]",
		Short: "List the kept copies of the databases of apps, newest first",
		Long: "Before a change touches an app, its databases are copied. The list says which change\n" +
			"that was, how large the database is, and how much of the copy no earlier one shares.\n" +
			"All copies of the last day are kept, one a day of the last 30, the newest, and those\n" +
			"that a named snapshot needs. To take back what one change did to the rows and keep\n" +
			"later ones: matrixos undo L --data.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var app sys.Slug
			if len(args) > 0 {
				app = sys.Slug(args[0])
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Copies(ctx, app)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.showCopies(list, time.Now())
			})
		},
	}
	data.AddCommand(p.rowsCommands()...)
	return data
}

func (p *program) showCopies(list []client.Copy, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "There are no copies yet. The first is taken before a change touches an app that has data.")
		return err
	}
	rows := [][]string{{"FILE", "BEFORE", "WHEN", "SIZE", "NEW", "SHARED"}}
	for _, c := range list {
		rows = append(rows, []string{string(c.Path), c.Landing.String(), ago(c.Time, now), bytesOf(c.Size), bytesOf(c.Added), bytesOf(c.Shared)})
	}
	return table(p.out, rows)
}

// bytesOf is a size for people.
func bytesOf(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
