package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) upCommand() *cobra.Command {
	var listen, join string
	var open bool
	var origins []string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the home and its desktop",
		Long: "Start the home and serve its desktop until Ctrl-C. Prints the address with a\n" +
			"one-time sign-in link; `matrixos signin` prints another one.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.up(cmd.Context(), startOptions{Listen: listen, Origins: origins, Join: join}, open)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4000", "address to serve the desktop on; port 0 picks a free one")
	cmd.Flags().StringVar(&join, "join", "", "become another device of a home elsewhere, by the link of `matrixos device add NAME` there")
	cmd.Flags().BoolVar(&open, "open", false, "open the desktop in the browser")
	cmd.Flags().StringArrayVar(&origins, "origin", nil, "a further address browsers may use, such as https://desk.example.org behind a proxy")
	return cmd
}

// up serves the home until it is told to stop.
func (p *program) up(ctx context.Context, o startOptions, open bool) (err error) {
	home, err := p.folder()
	if err != nil {
		return err
	}
	if c, err := p.connect(ctx, home); err == nil {
		defer c.Close()
		if o.Join != "" {
			return joinRefused()
		}
		return p.alreadyUp(ctx, c, open)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.Home, o.Model, o.Logger = home, p.chosenModel(), p.logger(slog.LevelInfo)
	s, err := p.start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	link, err := s.SignInLink()
	if err != nil {
		return err
	}
	if err := p.sayUp(home, "http://"+s.Addr(), link); err != nil {
		return err
	}
	if open {
		p.browse(ctx, link)
	}
	if err := s.Wait(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, sys.Canceled) {
		return err
	}
	if !p.json {
		fmt.Fprintln(p.err, "\nClosing the home.")
	}
	return nil
}

// alreadyUp answers a second start: the desktop is one link away.
func (p *program) alreadyUp(ctx context.Context, c *client.Client, open bool) error {
	l, err := c.SignInLink(ctx)
	if err != nil {
		return err
	}
	s, err := c.Session(ctx)
	if err != nil {
		return err
	}
	if !p.json {
		fmt.Fprintln(p.err, "This home is running already.")
	}
	if open {
		p.browse(ctx, l.URL)
	}
	return p.sayUp(s.Home, c.Base(), l.URL)
}

func (p *program) sayUp(home, address, link string) error {
	if p.json {
		return p.printJSON(map[string]string{"home": home, "address": address, "sign_in": link})
	}
	st := p.style(p.out)
	return table(p.out, [][]string{
		{"Home", home},
		{"Desktop", address},
		{"Sign in", st.bold(link)},
		{"", st.dim("good once, for ten minutes")},
	})
}

func (p *program) signInCommand() *cobra.Command {
	var open bool
	cmd := &cobra.Command{
		Use:   "signin",
		Short: "Print a fresh one-time sign-in link",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.daemon(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				l, err := c.SignInLink(ctx)
				if err != nil {
					return err
				}
				if open {
					p.browse(ctx, l.URL)
				}
				if p.json {
					return p.printJSON(l)
				}
				_, err = fmt.Fprintln(p.out, l.URL)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "open it in the browser")
	return cmd
}

func (p *program) openCommand() *cobra.Command {
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "open SLUG",
		Short: "Open an app on the desktop",
		Long:  "Show an app on every desktop that is open, and print a link that opens it in a new browser.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.daemon(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				l, err := c.Open(ctx, sys.Slug(args[0]))
				if err != nil {
					return err
				}
				if !printOnly {
					p.browse(ctx, l.URL)
				}
				if p.json {
					return p.printJSON(l)
				}
				_, err = fmt.Fprintln(p.out, l.URL)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&printOnly, "print", false, "do not start a browser")
	return cmd
}

// daemon runs fn against the running daemon; these commands make no sense
// without one.
func (p *program) daemon(ctx context.Context, fn func(ctx context.Context, c *client.Client) error) error {
	home, err := p.folder()
	if err != nil {
		return err
	}
	c, err := p.connect(ctx, home)
	if err != nil {
		return err
	}
	defer c.Close()
	return fn(ctx, c)
}

// browse opens a link in the owner's browser. It may fail: the link is printed
// as well.
func (p *program) browse(ctx context.Context, link string) {
	name, args := "xdg-open", []string{link}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", link}
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(p.err, "No browser could be started; open the link yourself.")
		return
	}
	go func() { _ = cmd.Wait() }() // it lives as long as the browser likes
}
