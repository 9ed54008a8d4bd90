package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// packagesCommand is `matrixos apps packages`.
func (p *program) packagesCommand() *cobra.Command {
	list := &cobra.Command{
		Use:   "packages",
		Short: "Packages from npm that apps may have, and what they lack",
		Long:  "An app has the libraries of the binary. What else its package.json names is installed once\nfrom npm, confined and without install scripts, when you have allowed it by name.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				got, err := c.Packages(ctx)
				if err != nil || p.json {
					return p.orJSON(got, err)
				}
				return p.showPackages(got)
			})
		},
	}
	for _, allow := range []bool{true, false} {
		verb, short := "deny", "Take back what you have allowed"
		if allow {
			verb, short = "allow", "Allow packages by name, and install what apps lack"
		}
		list.AddCommand(&cobra.Command{
			Use:   verb + " NAME...",
			Short: short,
			Args:  cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					if err := c.AllowPackages(ctx, args, allow); err != nil {
						return err
					}
					got, err := c.Packages(ctx)
					if err != nil || p.json {
						return p.orJSON(got, err)
					}
					return p.showPackages(got)
				})
			},
		})
	}
	return list
}

// serverLogCommand is `matrixos apps log`.
func (p *program) serverLogCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "log SLUG",
		Short: "What the server of an app has said lately",
		Long:  "An app with the runtime node is a program of its own. This is the end of what it wrote to\nstandard output and standard error; lines in brackets are the system's.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				text, err := c.ServerLog(ctx, sys.Slug(args[0]))
				if err != nil || p.json {
					return p.orJSON(map[string]string{"text": text}, err)
				}
				_, err = fmt.Fprint(p.out, printable(text))
				return err
			})
		},
	}
}

// grantCommands are `matrixos apps grant` and `matrixos apps revoke`.
func (p *program) grantCommands() []*cobra.Command {
	make := func(verb, short string, allow bool) *cobra.Command {
		return &cobra.Command{
			Use:   verb + " SLUG PERMISSION",
			Short: short,
			Long:  "A permission is one that the app's manifest names, such as net:api.example.org or\nservice:github, or server: to run a program of its own, confined, on this machine.",
			Args:  cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					return c.Grant(ctx, sys.Slug(args[0]), args[1], allow)
				})
			},
		}
	}
	return []*cobra.Command{make("grant", "Grant an app something it asks for", true), make("revoke", "Take a grant back from an app", false)}
}

func (p *program) showPackages(got client.Packages) error {
	if len(got.Allowed) == 0 {
		if _, err := fmt.Fprintln(p.err, "No package from npm is allowed to apps."); err != nil {
			return err
		}
	}
	for _, name := range got.Allowed {
		if _, err := fmt.Fprintln(p.out, name); err != nil {
			return err
		}
	}
	for _, m := range got.Missing {
		names := strings.Join(m.Packages, " ")
		if _, err := fmt.Fprintf(p.err, "%s lacks %s: `matrixos apps packages allow %s`\n", m.App, names, names); err != nil {
			return err
		}
	}
	return nil
}
