package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// healCommands are the healer's: heal and reliability.
func (p *program) healCommands() []*cobra.Command {
	return []*cobra.Command{p.healCommand(), p.reliabilityCommand()}
}

func (p *program) healCommand() *cobra.Command {
	var o sys.HealOptions
	missed := ""
	cmd := &cobra.Command{
		Use:   "heal [SLUG]",
		Short: "Find what is broken, and mend it without a model",
		Long: "Checks every stored byte, the settings and all apps, or one app, and mends what is\n" +
			"broken: the change that broke it is found, and the smallest part of it is taken back.\n" +
			"Nothing lands that does not hold, no later change is lost, and a repair can be undone.\n" +
			"What you changed yourself is not taken back unasked: a repair is then proposed.\n\n" +
			"The exit status says whether all is well now.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.App = sys.Slug(args[0])
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if missed != "" {
					one, err := c.Missed(ctx, o.App, missed)
					return p.showOne(one, err)
				}
				return p.heal(ctx, c, o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.Quick, "quick", false, "only look at files; play no scenarios")
	cmd.Flags().BoolVar(&o.Again, "again", false, "try again what was given up, or left as it is")
	cmd.Flags().StringVar(&missed, "missed", "", "report in a sentence what is wrong with an app whose checks hold")
	cmd.AddCommand(p.healListCommand(), p.decideCommand("accept", "Carry out a repair that was proposed", true), p.decideCommand("leave", "Leave what is broken as it is, and do not ask again", false))
	return cmd
}

func (p *program) heal(ctx context.Context, c *client.Client, o sys.HealOptions) error {
	r, err := c.Heal(ctx, o)
	if err != nil {
		return err
	}
	if p.json {
		err = p.printJSON(r)
	} else {
		err = p.showCases(r.Cases)
		for _, note := range r.Notes {
			fmt.Fprintln(p.err, note)
		}
		fmt.Fprintf(p.err, "%s looked at (%s), %s found, in %.1f s.\n", count(r.Looked, "place"), r.Level, count(len(r.Cases), "fault"), float64(r.Millis)/1000)
	}
	for _, one := range r.Cases {
		if err == nil && one.State != sys.HealDone && one.State != sys.HealUnproven {
			err = errShown{sys.NotVerified}
		}
	}
	return err
}

func (p *program) healListCommand() *cobra.Command {
	n := 20
	cmd := &cobra.Command{
		Use:   "list [SLUG]",
		Short: "What was found broken, and what became of it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			slug := sys.Slug(strings.Join(args, ""))
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Healed(ctx, slug, n)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 {
					fmt.Fprintln(p.err, "Nothing was found broken so far.")
				}
				return p.showCases(list)
			})
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", n, "at most so many")
	return cmd
}

func (p *program) decideCommand(use, short string, repair bool) *cobra.Command {
	return &cobra.Command{
		Use:   use + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(strings.TrimPrefix(args[0], "#"), 10, 64)
			if err != nil {
				return usage(cmd, fmt.Errorf("%q is no number of a case; `matrixos heal list` shows them", args[0]))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				one, err := c.DecideRepair(ctx, id, repair)
				if err = p.showOne(one, err); err == nil && repair && one.State != sys.HealDone && one.State != sys.HealGone {
					err = errShown{sys.NotVerified}
				}
				return err
			})
		},
	}
}

func (p *program) showOne(one sys.HealCase, err error) error {
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(one)
	}
	return p.showCases([]sys.HealCase{one})
}

func (p *program) showCases(list []sys.HealCase) error {
	st := p.style(p.out)
	for _, one := range list {
		state := st.bad(string(one.State))
		switch one.State {
		case sys.HealDone:
			state = st.good(string(one.State))
		case sys.HealGone, sys.HealLeft, sys.HealBack, sys.HealUnproven:
			state = st.dim(string(one.State))
		case sys.HealProposed, sys.HealRests, sys.HealEscaped:
		}
		what := string(one.App)
		if what == "" {
			what = string(one.Path)
		}
		if _, err := fmt.Fprintf(p.out, "#%d  %s  %s  %s\n", one.ID, state, st.bold(what), one.Why); err != nil {
			return err
		}
		for _, s := range one.Seen {
			fmt.Fprintln(p.out, st.dim("    seen: ")+oneLine(s, 160))
		}
		switch one.State {
		case sys.HealDone:
			back := fmt.Sprintf(" Take it back with `matrixos undo %s`.", one.Landing)
			if strings.HasSuffix(string(one.Path), ".sqlite") {
				back = "" // the damaged file is not wanted
			}
			fmt.Fprintf(p.out, "%s%s by %s, %s, %.1f s.%s\n", st.dim("    "), one.Landing, one.Rung, count(one.Runs, "trial"), float64(one.Millis)/1000, back)
		case sys.HealProposed:
			fmt.Fprintf(p.out, "%s`matrixos heal accept %d` repairs it, `matrixos heal leave %d` does not.\n", st.dim("    "), one.ID, one.ID)
			for line := range strings.Lines(strings.TrimSpace(one.Patch)) { // of a database there is none
				fmt.Fprintln(p.out, st.dim("    "+strings.TrimSuffix(line, "\n")))
			}
		case sys.HealRests, sys.HealBack, sys.HealEscaped, sys.HealUnproven:
			for _, way := range one.Ways {
				fmt.Fprintln(p.out, st.dim("    or ")+way)
			}
		case sys.HealGone, sys.HealLeft:
		}
	}
	return nil
}

func (p *program) reliabilityCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reliability",
		Short: "How often what failed here, and what became of it",
		Long: "Counts the ledger of this home by failure mode, as doc/failures.md numbers them: how\n" +
			"often it was seen, mended without anybody's help or with your yes, given up, taken back\n" +
			"by you, or noticed by you alone. The share that was mended is given with its 95 %\n" +
			"interval; n is what was decided. Below it is what the checks before landings refused,\n" +
			"by app: it never came into the home.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Reliability(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				return p.showReliability(r)
			})
		},
	}
}

func (p *program) showReliability(r sys.Reliability) error {
	rows := [][]string{{"MODE", "SEEN", "MENDED", "WAITING", "GIVEN UP", "TAKEN BACK", "ESCAPED", "LOST", "P95", "SHARE (95 %)"}}
	line := func(name string, m sys.ModeCount) {
		n := m.Healed + m.Quarantined + m.TakenBack + m.Escaped
		share := "none decided"
		if n > 0 {
			share = fmt.Sprintf("%.0f %% (%.0f to %.0f), n = %d", 100*float64(m.Healed)/float64(n), 100*m.Low, 100*m.High, n)
		}
		rows = append(rows, []string{
			name, strconv.Itoa(m.Seen), strconv.Itoa(m.Healed), strconv.Itoa(m.Waiting), strconv.Itoa(m.Quarantined), strconv.Itoa(m.TakenBack),
			strconv.Itoa(m.Escaped), strconv.Itoa(m.Collateral), fmt.Sprintf("%.1f s", float64(m.P95)/1000), share,
		})
	}
	for _, m := range r.Modes {
		line(fmt.Sprintf("%d %s", m.Mode, m.Name), m)
	}
	line("all", r.Total)
	if err := table(p.out, rows); err != nil {
		return err
	}
	if err := errors.Join(p.showRefused(r.Refused), p.showContracts(r.Contracts)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.err, "%s of apps found nothing, %s went by themselves with nothing changed.\n", count(r.Green, "run"), count(r.False, "alarm"))
	return err
}

// showRefused prints what the checks before landings have kept out.
func (p *program) showRefused(list []sys.RefusedCount) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(p.out, "\nRefused before it landed, so that nothing had to be mended:"); err != nil {
		return err
	}
	rows := [][]string{{"APP", "WHAT IT WOULD HAVE BROUGHT", "TIMES", "LAST"}}
	for _, one := range list {
		rows = append(rows, []string{string(one.App), fmt.Sprintf("%d %s", one.Mode, one.Name), strconv.Itoa(one.N), one.Last.Local().Format("2 January, 15:04")})
	}
	return table(p.out, rows)
}

// showContracts says of each app how much its contract would notice, the weakest first.
func (p *program) showContracts(list []sys.ContractStrength) error {
	rows := [][]string{{"CONTRACT OF", "FINDS", "MEASURED", ""}}
	unmeasured := func(c sys.ContractStrength) bool { return c.Strength == nil && len(c.Weak) == 0 }
	measured := slices.DeleteFunc(slices.Clone(list), unmeasured)
	unknown := len(list) - len(measured)
	slices.SortStableFunc(measured, func(a, b sys.ContractStrength) int { return percent(a) - percent(b) })
	for _, c := range measured {
		row := []string{string(c.App), "", "", strings.Join(c.Weak, "; ")}
		if s := c.Strength; s != nil {
			row[1], row[2] = fmt.Sprintf("%d of %d (%d %%)", s.Found, s.Tried, s.Percent()), s.At.Local().Format("2006-01-02")
			switch {
			case row[3] != "":
			case s.Stale:
				row[3] = "the app or its contract is another since"
			case s.Weak():
				row[3] = "weak: `matrixos check " + string(c.App) + "` lists what nothing finds"
			}
		}
		rows = append(rows, row)
	}
	if len(rows) > 1 {
		if _, err := fmt.Fprintln(p.out); err != nil {
			return err
		}
		if err := table(p.out, rows); err != nil {
			return err
		}
	}
	if unknown == 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.err, "How much the contracts of %s find was not measured here; `matrixos check SLUG --strength` does, and a quiet machine does by itself for apps that are not as they came.\n", count(unknown, "app"))
	return err
}

// percent orders contracts: first those that find next to nothing.
func percent(c sys.ContractStrength) int {
	if c.Strength == nil || len(c.Weak) > 0 {
		return -1
	}
	return c.Strength.Percent()
}
