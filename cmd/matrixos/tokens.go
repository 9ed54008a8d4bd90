package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
)

// tokensCommand is about agents of others that the owner lets in.
func (p *program) tokensCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tokens",
		Short: "List the tokens that let agents of others in; make and revoke them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Tokens(ctx)
				if err != nil || p.json {
					return p.orJSON(list, err)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "No agent of others is let in. Make a token with: matrixos tokens add NAME --may read,files")
					return err
				}
				for _, t := range list {
					seen := "not used yet"
					if !t.Seen.IsZero() {
						seen = "used " + ago(t.Seen, time.Now())
					}
					if _, err := fmt.Fprintf(p.out, "%s  %s  may %s  %s, until %s\n", t.ID, t.Name, may(t), seen, t.Expires.Local().Format("2 January 2006")); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.AddCommand(p.tokenAdd(), &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token; what its holder had begun is dropped", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := c.RevokeToken(ctx, args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintln(p.err, "It lets nobody in any more.")
				return err
			})
		},
	})
	return c
}

func may(t client.Token) string {
	s := strings.Join(t.May, ", ")
	if len(t.Folders) > 0 {
		s += " in " + strings.Join(t.Folders, " ")
	}
	return s
}

// letIn adds the flags that say what a token lets in to.
func letIn(c *cobra.Command, r *client.TokenRequest) {
	f := c.Flags()
	f.StringSliceVar(&r.May, "may", nil, "what it may do: read, data, files, tasks, ask (default read)")
	f.StringSliceVar(&r.Folders, "folder", nil, "for files: a folder of the home that it may change (default apps/ and projects/)")
}

func (p *program) tokenAdd() *cobra.Command {
	var r client.TokenRequest
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Let an agent of somebody else in, by the Model Context Protocol",
		Long: "Makes a token for one agent, such as a coding agent or a desktop client, and shows it once.\nWhat the agent changes is marked as text from outside, lands by the same checks as everything\nelse, with NAME in the history, and can be undone.\n\n" +
			"  matrixos tokens add claude-code --may read,files,tasks\n" +
			"  claude mcp add --transport http matrixos http://127.0.0.1:4000/mcp --header \"Authorization: Bearer TOKEN\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				t, err := c.MakeToken(ctx, r)
				if err != nil || p.json {
					return p.orJSON(t, err)
				}
				if _, err := fmt.Fprintf(p.err, "%s may %s at %s. Its token, which is not shown again:\n", t.Name, may(t.Token), t.URL); err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.out, t.Value)
				return err
			})
		},
	}
	letIn(c, &r)
	c.Flags().IntVar(&r.Days, "days", 0, "how long it lets in (default 90)")
	return c
}

// mcpCommand is the home as a server on standard input and output.
func (p *program) mcpCommand() *cobra.Command {
	r := client.TokenRequest{Days: 1}
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Serve the home to an agent of somebody else, on standard input and output",
		Long: "Speaks the Model Context Protocol with the program that starts it, with a token that ends with it.\n\n" +
			"  claude mcp add matrixos -- matrixos mcp --as claude-code --may read,files,tasks",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.json {
				return usage(cmd, errors.New("--json does not go with mcp: it speaks a protocol of its own"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				t, err := c.MakeToken(ctx, r)
				if err != nil {
					return err
				}
				err = c.MCP(ctx, t.Value, p.in, p.out)
				return errors.Join(err, c.RevokeToken(context.WithoutCancel(ctx), t.ID))
			})
		},
	}
	letIn(c, &r)
	c.Flags().StringVar(&r.Name, "as", "guest", "what to call it in the history")
	return c
}
