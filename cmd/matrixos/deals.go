package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) dealsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deals",
		Short: "List what your AI agrees on with those of other people",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Deals(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.listDeals(list)
			})
		},
	}
	cmd.AddCommand(p.showDealCommand(), p.verifyDealCommand(), p.trustPeerCommand())
	for act, short := range map[string]string{
		"accept": "Say yes to an offer", "decline": "Say no to an offer", "withdraw": "Take your own offer back", "cancel": "Call off what was agreed",
		"answer": "Answer a question", "deliver": "Hand over what was asked for", "counter": "Suggest another time",
	} {
		cmd.AddCommand(p.moveDealCommand(act, short))
	}
	return cmd
}

func (p *program) listDeals(list []client.Deal) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "Nothing is agreed, and nobody waits. Ask for it: find half an hour with @anna:example.org next week")
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, d := range list {
		state := d.Status
		if d.MyTurn {
			state = "waits for you"
		}
		when := ""
		if d.Chosen != nil {
			when = d.Chosen.From.Local().Format("Mon 2 Jan 15:04")
		}
		rows = append(rows, []string{d.ID[:8], d.Kind, state, printable(string(d.Peer)), oneLine(d.Title, 50), when})
	}
	return table(p.out, rows)
}

func (p *program) showDealCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show every word of a deal",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				d, err := c.Deal(ctx, args[0])
				if err != nil {
					return err
				}
				return p.showDeal(d)
			})
		},
	}
}

func (p *program) showDeal(d client.Deal) error {
	if p.json {
		return p.printJSON(d)
	}
	for _, w := range d.Words {
		fmt.Fprintln(p.out, printable(w))
	}
	_, err := fmt.Fprintf(p.err, "It is %s. `matrixos deals verify %s` checks every signature.\n", d.Status, d.ID[:8])
	return err
}

func (p *program) verifyDealCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify ID",
		Short: "Check every signature and every move of a deal",
		Long: "Both owners can do this, each with their own copy. The hash of the last move is the\n" +
			"same on both sides: compare it by word of mouth, if it matters.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				v, err := c.VerifyDeal(ctx, args[0])
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(v)
				}
				fmt.Fprintf(p.out, "%d moves, all signed and in order. It is %s.\nLast move: %s\n", v.Moves, v.Status, v.Head)
				for who, key := range v.Keys {
					fmt.Fprintf(p.out, "Key of %s: %s\n", printable(string(who)), key)
				}
				return nil
			})
		},
	}
}

func (p *program) trustPeerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trust HANDLE",
		Short: "Believe the next key that somebody signs with",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := c.TrustPeer(ctx, sys.Handle(args[0])); err != nil {
					return err
				}
				return p.did("The next key of "+args[0]+" is believed.", map[string]any{"trusted": args[0]})
			})
		},
	}
}

// moveDealCommand is a move of the owner's. An answer has words; another time has one.
func (p *program) moveDealCommand(act, short string) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   act + " ID [TEXT]",
		Short: short,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var when time.Time
			if at != "" {
				var err error
				if when, err = time.ParseInLocation("2006-01-02T15:04", at, time.Local); err != nil {
					return usage(cmd, fmt.Errorf("--at %s: write it like 2026-12-01T10:30", at))
				}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				d, err := c.MoveDeal(ctx, args[0], act, strings.Join(args[1:], " "), when)
				if err != nil {
					return err
				}
				return p.showDeal(d)
			})
		},
	}
	if act == "accept" || act == "counter" {
		cmd.Flags().StringVar(&at, "at", "", "the time, such as 2026-12-01T10:30")
	}
	return cmd
}
