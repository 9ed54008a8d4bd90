package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// mostBundle is more than a bundle may have: of a larger file not all is read.
const mostBundle = 20 << 20

// bundleCommands are what belongs below `matrixos apps`.
func (p *program) bundleCommands() []*cobra.Command {
	publish := &cobra.Command{
		Use:   "publish SLUG",
		Short: "Make one signed file of an app, for others",
		Long:  "Writes data/published/SLUG-VERSION.mxapp: the app's files with their sums, signed with the\nkey of this home. It has none of your data and grants, and is sent to nobody.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Publish(ctx, sys.Slug(args[0]))
				if err != nil || p.json {
					return p.orJSON(r, err)
				}
				_, err = fmt.Fprintf(p.out, "%s, signed as %s\n", r.Path, r.Author)
				return err
			})
		},
	}
	var name string
	fork := &cobra.Command{
		Use:   "fork SLUG NEW",
		Short: "Copy an app under another slug, without its data",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.ForkApp(ctx, sys.Slug(args[0]), sys.Slug(args[1]), name)
				if err != nil || p.json {
					return p.orJSON(r, err)
				}
				_, err = fmt.Fprintf(p.err, "Copied %s as %s (%s).\n", args[0], args[1], r.Landing.ID)
				return err
			})
		},
	}
	fork.Flags().StringVar(&name, "name", "", "the copy's name")
	var as string
	install := &cobra.Command{
		Use:   "install FILE",
		Short: "Install an app from a .mxapp file or its https address",
		Long: "Verifies the sums and the signature, and says who signed it. The key of an author is\n" +
			"remembered when it is first seen, in system/publishers.json, and another one is refused.\n" +
			"Nothing is granted to the app: it asks in its window. Its files are marked as text from\n" +
			"outside, unless this home has signed them.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, address, err := bundleAt(args[0])
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Install(ctx, raw, address, sys.Slug(as))
				if err != nil || p.json {
					return p.orJSON(r, err)
				}
				return p.showInstalled(r)
			})
		},
	}
	install.Flags().StringVar(&as, "as", "", "the slug to install it under")
	return append([]*cobra.Command{publish, fork, install, p.packagesCommand(), p.serverLogCommand()}, p.grantCommands()...)
}

func (p *program) orJSON(v any, err error) error {
	if err != nil {
		return err
	}
	return p.printJSON(v)
}

func (p *program) showInstalled(r client.Installed) error {
	if _, err := fmt.Fprintf(p.err, "Installed %s %s as %s (%s).\n%s\n", oneLine(r.Name, 120), oneLine(r.Version, 64), r.Slug, r.Landing.ID, r.Signature); err != nil {
		return err
	}
	if len(r.Permissions) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.err, "It may ask you for %s; nothing is granted yet.\n", oneLine(strings.Join(r.Permissions, ", "), 300))
	return err
}

// bundleAt reads a file of this machine; an address is the system's to read.
func bundleAt(source string) (raw []byte, address string, err error) {
	if strings.Contains(source, "://") {
		return nil, source, nil
	}
	f, err := os.Open(source)
	if err != nil {
		return nil, "", &sys.Error{Op: "read", Path: source, Kind: sys.NotFound, Err: err, Hint: "name a .mxapp file, or its https address"}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err = io.ReadAll(io.LimitReader(f, mostBundle))
	if err == nil && len(raw) == 0 {
		err = &sys.Error{Op: "read", Path: source, Kind: sys.Invalid, Err: errors.New("it is empty")}
	}
	return raw, "", err
}
