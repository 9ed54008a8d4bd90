package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// driversCommand is what is attached.
func (p *program) driversCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "drivers",
		Short: "List the attached servers; add, remove, look at and let in",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Drivers(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(p.err, "None is attached. Add one with: matrixos drivers add NAME -- COMMAND…")
					return err
				}
				for _, i := range list {
					if err := p.driverLine(i); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.AddCommand(p.driverShow(), p.driverAdd(), p.driverVerb("remove", "Detach a server; what it has in its own folder stays", func(ctx context.Context, c *client.Client, name string) (string, error) {
		l, err := c.RemoveDriver(ctx, name)
		return fmt.Sprintf("Detached %s (%s).", name, l.ID), err
	}), p.driverVerb("restart", "Close a server, and open it anew", func(ctx context.Context, c *client.Client, name string) (string, error) {
		return "It runs.", c.RestartDriver(ctx, name)
	}), p.driverVerb("signin", "Sign in at a service that asks for it: shows the address for your browser", func(ctx context.Context, c *client.Client, name string) (string, error) {
		address, err := c.SignInDriver(ctx, name)
		return "Open this in a browser on this machine:\n" + address, err
	}), p.driverApprove())
	return c
}

func (p *program) driverLine(i sys.DriverInfo) error {
	st := p.style(p.out)
	state := string(i.State)
	switch i.State {
	case sys.DriverFault, sys.DriverBroken, sys.DriverBlocked, sys.DriverWaiting:
		state = st.bad(state)
	case sys.DriverReady, sys.DriverRunning:
		state = st.good(state)
	case sys.DriverOff, sys.DriverNew:
	}
	_, err := fmt.Fprintf(p.out, "%s  %s  %d tools  %s\n", i.Name, state, len(i.Tools), st.dim(oneLine(i.Runs, 100)))
	if err == nil && i.Why != "" {
		_, err = fmt.Fprintf(p.out, "    %s\n", oneLine(i.Why, 300))
	}
	return err
}

func (p *program) driverShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show a server: what it may do, its tools, and what has changed about them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				i, err := c.Driver(ctx, args[0])
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(i)
				}
				return p.showDriver(i)
			})
		},
	}
}

func (p *program) showDriver(i sys.DriverInfo) error {
	if err := p.driverLine(i); err != nil {
		return err
	}
	var b strings.Builder
	for _, l := range []struct {
		what string
		list []string
	}{{"sees", i.Folders}, {"reaches", i.Network}, {"refused", i.Refused}} {
		for _, s := range l.list {
			fmt.Fprintf(&b, "  %s %s\n", l.what, s)
		}
	}
	for _, t := range i.Tools {
		fmt.Fprintf(&b, "  %s (%s): %s\n", t.Name, t.May, oneLine(t.Description, 120))
	}
	if i.Change != nil {
		b.WriteString("It has changed:\n")
		for _, l := range i.Change.Lines {
			fmt.Fprintf(&b, "  %s\n", oneLine(l, 2000))
		}
		fmt.Fprintf(&b, "Let that in with: matrixos drivers approve %s %s\n", i.Name, i.Change.Hash[:12])
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

// addFlags say what a server is given.
type addFlags struct {
	url                             string
	folders, writable, network, env []string
}

func (p *program) driverAdd() *cobra.Command {
	var f addFlags
	c := &cobra.Command{
		Use:   "add NAME [flags] [-- COMMAND…]",
		Short: "Attach a server: a program that runs confined, or an address",
		Long: "Attaches an MCP server. A program sees its own folder and the folders that you name, and has no\nnetwork but the hosts that you name. It becomes the file system/mcp/NAME.json.\n\n" +
			"  matrixos drivers add files --folder ~/Documents -- npx -y @modelcontextprotocol/server-filesystem@2026.8.31 ~/Documents\n" +
			"  matrixos drivers add tickets --url https://mcp.example.org/mcp",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := f.config(args[1:])
			if err != nil {
				return usage(cmd, err)
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				l, err := c.AddDriver(ctx, args[0], file)
				if err != nil {
					return err
				}
				if err := c.RestartDriver(ctx, args[0]); err != nil {
					return errors.Join(fmt.Errorf("%s is there (%s), but does not run: %w", args[0], l.ID, err))
				}
				i, err := c.Driver(ctx, args[0])
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(i)
				}
				return p.showDriver(i)
			})
		},
	}
	s := c.Flags()
	s.StringVar(&f.url, "url", "", "the address of a service, instead of a command")
	s.StringArrayVar(&f.folders, "folder", nil, "a folder that it may read")
	s.StringArrayVar(&f.writable, "write", nil, "a folder that it may read and change")
	s.StringArrayVar(&f.network, "network", nil, "a host that it may reach")
	s.StringArrayVar(&f.env, "env", nil, "NAME=VALUE for its environment; {{key:NAME}} stands for a key")
	return c
}

// config is the server's file.
func (f addFlags) config(command []string) (map[string]any, error) {
	out := map[string]any{}
	switch {
	case (f.url == "") == (len(command) == 0):
		return nil, errors.New("name either --url or, after --, a command")
	case f.url != "":
		out["url"] = f.url
		return out, nil
	}
	out["command"] = command[0]
	if len(command) > 1 {
		out["args"] = command[1:]
	}
	var folders []map[string]any
	for write, list := range map[bool][]string{false: f.folders, true: f.writable} {
		for _, dir := range list {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			folders = append(folders, map[string]any{"path": abs, "write": write})
		}
	}
	if folders != nil {
		out["folders"] = folders
	}
	if f.network != nil {
		out["network"] = f.network
	}
	env := map[string]string{}
	for _, e := range f.env {
		k, v, ok := strings.Cut(e, "=")
		if !ok {
			return nil, fmt.Errorf("--env %s: write NAME=VALUE", e)
		}
		env[k] = v
	}
	if len(env) > 0 {
		out["env"] = env
	}
	return out, nil
}

func (p *program) driverVerb(verb, short string, do func(context.Context, *client.Client, string) (string, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				text, err := do(ctx, c, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.err, text)
				return err
			})
		},
	}
}

func (p *program) driverApprove() *cobra.Command {
	return &cobra.Command{
		Use:   "approve NAME HASH",
		Short: "Let in what a server has changed about its tools, as `show` had it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				i, err := c.Driver(ctx, args[0])
				if err != nil {
					return err
				}
				hash := args[1]
				if i.Change != nil && len(hash) >= 12 && strings.HasPrefix(i.Change.Hash, hash) {
					hash = i.Change.Hash
				}
				if err := c.ApproveDriver(ctx, args[0], hash); err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.err, "Its tools may be called again.")
				return err
			})
		},
	}
}
