package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// addSecurity adds what makes the owner's conversations safe to the commands of handle.
func (p *program) addSecurity(c *cobra.Command) {
	c.AddCommand(
		&cobra.Command{
			Use: "security", Short: "Show your devices, the backup of your keys, and whose identity has changed", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					s, err := c.Security(ctx)
					if err != nil || p.json {
						return p.orJSON(s, err)
					}
					return p.showSecurity(s)
				})
			},
		},
		p.handleVerify(),
		&cobra.Command{
			Use: "recovery", Short: "Make a recovery key, which is shown once", Args: cobra.NoArgs,
			Long: "Makes a recovery key for your account and your AI's. With it, another Matrix client becomes\nverified and reads what was said before, and a new home gets your identity back\n(`matrixos handle recover`). It is shown once and kept nowhere: write it down. Recovery keys\nthat were made before end.",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					key, err := c.MakeRecoveryKey(ctx)
					if err != nil || p.json {
						return p.orJSON(map[string]string{"key": key}, err)
					}
					return table(p.out, [][]string{{"Recovery key", key}, {"", "It is not shown again. Who has it reads your messages."}})
				})
			},
		},
		&cobra.Command{
			Use: "recover", Short: "Take your identity and your keys back with a recovery key", Args: cobra.NoArgs,
			Long: "Reads a recovery key from standard input, takes over your account's identity from the\nhomeserver, and reads the backup of your keys, so that this home is verified and reads what\nwas said before.",
			RunE: func(cmd *cobra.Command, _ []string) error {
				key, err := p.secret("Recovery key: ")
				if err != nil {
					return err
				}
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					if err := c.Recover(ctx, strings.TrimSpace(key)); err != nil {
						return err
					}
					s, err := c.Security(ctx)
					if err != nil || p.json {
						return p.orJSON(s, err)
					}
					return p.showSecurity(s)
				})
			},
		},
		&cobra.Command{
			Use: "accept HANDLE", Short: "Accept that somebody's identity has changed", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					return c.AcceptIdentity(ctx, sys.Handle(args[0]))
				})
			},
		},
	)
}

func (p *program) showSecurity(s client.Security) error {
	st := p.style(p.out)
	rows := [][]string{{"This home", s.Device + ", " + map[bool]string{true: "verified", false: st.bad("not verified")}[s.Verified]}}
	switch s.Identity {
	case "elsewhere":
		rows = append(rows, []string{"Identity", "made by another client; `matrixos handle recover` takes its recovery key"})
	case "replaced":
		rows = append(rows, []string{"Identity", st.bad("another client has made a new one") + "; `matrixos handle recover` takes its recovery key"})
	}
	switch {
	case s.Backup.Foreign:
		rows = append(rows, []string{"Backup", "another client keeps it; `matrixos handle recover` takes its recovery key"})
	case s.Backup.Version != "":
		rows = append(rows, []string{"Backup", count(s.Backup.Keys, "key") + " of rooms"})
	default:
		rows = append(rows, []string{"Backup", "not begun yet"})
	}
	for _, d := range s.Devices {
		how := map[bool]string{true: "verified", false: st.bad("not verified")}[d.Verified]
		if !d.Encrypts {
			how = "without encryption"
		}
		rows = append(rows, []string{"Device", strings.TrimSpace(d.ID+" "+d.Name) + ", " + how})
	}
	for _, who := range s.Changed {
		rows = append(rows, []string{"Changed", string(who) + "; `matrixos handle accept " + string(who) + "` if you know why"})
	}
	for _, v := range s.Verifications {
		rows = append(rows, []string{"Verification", stageWords(v)})
	}
	return table(p.out, rows)
}

// stageWords says in a line how far a comparison is.
func stageWords(v client.Verification) string {
	with := strings.TrimSpace(string(v.With) + " " + v.Device)
	switch v.Stage {
	case "asked":
		return with + " wants to compare emoji"
	case "waiting":
		return with + " has to accept"
	case "ready":
		return with + " is there"
	case "compare":
		return with + ": compare the emoji"
	case "confirmed":
		return with + " has to say that they are the same, too"
	case "done":
		return with + " is verified"
	default:
		return "with " + with + " came to nothing: " + v.Why
	}
}

func (p *program) handleVerify() *cobra.Command {
	var step, id string
	c := &cobra.Command{
		Use: "verify [HANDLE]", Short: "Compare emoji with another device of yours, or with somebody", Args: cobra.MaximumNArgs(1),
		Long: "Takes up a comparison that another device or somebody has asked for, or begins one: with your\nother devices, or with somebody in the room that you have with them. Shows seven emoji, and\nasks whether the other side shows the same. Only then are you sure who is there.\n\nWith --step it takes one step and returns: begin, accept, start, match, differ or cancel.",
		RunE: func(cmd *cobra.Command, args []string) error {
			with := sys.Handle(strings.Join(args, ""))
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if step == "" {
					return p.verify(ctx, c, with)
				}
				s, err := c.Security(ctx)
				if err != nil {
					return err
				}
				if i := slices.IndexFunc(s.Verifications, func(v client.Verification) bool { return !v.Over() }); id == "" && step != "begin" && i >= 0 {
					id = s.Verifications[i].ID
				}
				s, err = c.Verify(ctx, client.VerifyStep{Act: step, ID: id, With: with})
				if err != nil || p.json {
					return p.orJSON(s, err)
				}
				return p.showSecurity(s)
			})
		},
	}
	c.Flags().StringVar(&step, "step", "", "take one step and return: begin, accept, start, match, differ or cancel")
	c.Flags().StringVar(&id, "id", "", "of which comparison, if there are several")
	return c
}

// verify goes through a comparison with the owner.
func (p *program) verify(ctx context.Context, c *client.Client, with sys.Handle) error {
	s, err := c.Security(ctx)
	if err != nil {
		return err
	}
	open := func(v client.Verification) bool { return !v.Over() && (with == "" || v.With == with) }
	i := slices.IndexFunc(s.Verifications, open)
	if i < 0 {
		if s, err = c.Verify(ctx, client.VerifyStep{Act: "begin", With: with}); err != nil {
			return err
		}
		if i = slices.IndexFunc(s.Verifications, open); i < 0 {
			return &sys.Error{Op: "verify", Path: string(with), Kind: sys.Unavailable, Err: errors.New("it was cancelled at once"), Hint: "try again"}
		}
	}
	id, last := s.Verifications[i].ID, ""
	for {
		i := slices.IndexFunc(s.Verifications, func(v client.Verification) bool { return v.ID == id })
		if i < 0 {
			return &sys.Error{Op: "verify", Kind: sys.NotFound, Err: errors.New("it is over")}
		}
		v := s.Verifications[i]
		if v.Stage != last {
			last = v.Stage
			fmt.Fprintln(p.err, stageWords(v)+".")
		}
		act := ""
		switch v.Stage {
		case "done":
			return nil
		case "cancelled":
			return &sys.Error{Op: "verify", Path: string(v.With), Kind: sys.Refused, Err: errors.New(v.Why)}
		case "asked":
			act = "accept"
		case "compare":
			if act, err = p.askSame(v); err != nil {
				return err
			}
		}
		if act != "" {
			s, err = c.Verify(ctx, client.VerifyStep{Act: act, ID: id})
		} else {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
			s, err = c.Security(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// askSame shows the emoji, and asks whether the other side shows the same.
func (p *program) askSame(v client.Verification) (string, error) {
	for _, e := range v.Emoji {
		fmt.Fprintf(p.err, "  %s  %s\n", e.Symbol, e.Name)
	}
	fmt.Fprintf(p.err, "In numbers: %s\nDoes the other side show the same? Type yes or no: ", strings.Trim(fmt.Sprint(v.Numbers), "[]"))
	line, err := bufio.NewReader(p.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "yes", "y":
		return "match", nil
	case "no", "n":
		return "differ", nil
	}
	return "", errors.Join(err, &sys.Error{Op: "verify", Kind: sys.NeedsApproval, Err: errors.New("you have not said whether they are the same"), Hint: "run `matrixos handle verify` again"})
}
