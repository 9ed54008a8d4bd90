package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) checkCommand() *cobra.Command {
	strength := false
	cmd := &cobra.Command{
		Use:   "check [SLUG]",
		Short: "Try apps against what they have to do",
		Long: "Tries an app, or all of them, against its contract, the file contract.json beside its\n" +
			"code: with a Chromium on this machine, or a desktop that is open and in view, the scenarios\n" +
			"are played in a window that nobody sees, on data of their own; without either, only what\n" +
			"holds of code and data is looked at. If it was measured how much of what can go wrong a\n" +
			"contract finds (--strength, or by itself in quiet moments), that is said as well.\n" +
			"Nothing of yours is changed. The exit status says whether all of it holds.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				apps, err := c.Apps(ctx)
				if err != nil {
					return err
				}
				var slugs []sys.Slug
				known := map[sys.Slug]sys.AppInfo{}
				for _, a := range apps {
					slugs = append(slugs, a.Slug)
					known[a.Slug] = a
				}
				if len(args) == 1 {
					slugs = []sys.Slug{sys.Slug(args[0])}
				}
				if strength {
					return p.strength(ctx, c, slugs)
				}
				return p.check(ctx, c, slugs, known)
			})
		},
	}
	cmd.Flags().BoolVar(&strength, "strength", false, "measure the contracts instead: make small wrong changes of the app, and count those that are found")
	return cmd
}

// strength measures contracts.
func (p *program) strength(ctx context.Context, c *client.Client, slugs []sys.Slug) error {
	all, st := []sys.StrengthReport{}, p.style(p.out)
	for _, slug := range slugs {
		r, err := c.Strength(ctx, slug)
		if err != nil {
			return err
		}
		all = append(all, r)
		if p.json {
			continue
		}
		if _, err := fmt.Fprintf(p.out, "%s  %d of %d wrong changes found (%d%%), %d in places that no scenario reaches, %.0f s\n", pad(string(r.App), 20), r.Killed, r.Tried, 100*r.Killed/max(1, r.Tried), r.Unreached, r.Millis/1000); err != nil {
			return err
		}
		for _, s := range r.Survivors {
			if _, err := fmt.Fprintln(p.out, st.dim("    not found: ")+s); err != nil {
				return err
			}
		}
	}
	if p.json {
		return p.printJSON(all)
	}
	return nil
}

func (p *program) check(ctx context.Context, c *client.Client, slugs []sys.Slug, known map[sys.Slug]sys.AppInfo) error {
	all, red := []sys.ContractReport{}, 0
	for _, slug := range slugs {
		r, err := c.Check(ctx, slug)
		if err != nil {
			return err
		}
		all = append(all, r)
		if !r.Green {
			red++
		}
		if !p.json {
			if err := errors.Join(p.showCheck(r), p.showStrength(r, known[slug])); err != nil {
				return err
			}
		}
	}
	if p.json {
		if err := p.printJSON(all); err != nil {
			return err
		}
	}
	if red > 0 {
		return errShown{sys.NotVerified}
	}
	if len(all) == 0 {
		fmt.Fprintln(p.err, "There are no apps yet.")
	}
	return nil
}

// mostMissed is how many changes that nothing finds are listed beside what holds.
const mostMissed = 5

// showStrength says how much a contract would notice, if that was measured.
func (p *program) showStrength(r sys.ContractReport, a sys.AppInfo) error {
	s, st := a.Strength, p.style(p.out)
	for _, why := range a.Weak {
		if _, err := fmt.Fprintln(p.out, "    "+st.paint("33", "weak:")+" "+why); err != nil {
			return err
		}
	}
	if r.None || s == nil {
		return nil
	}
	words := fmt.Sprintf("finds %d of %d small wrong changes (%d%%)", s.Found, s.Tried, s.Percent())
	if s.Beyond > 0 {
		words += fmt.Sprintf(", runs no place of %d more", s.Beyond)
	}
	words += ", measured on " + s.At.Local().Format("2 January 2006")
	if s.Stale {
		_, err := fmt.Fprintln(p.out, "    "+st.dim(words+"; the app or its contract is another since: `matrixos check "+string(r.App)+" --strength` measures it again"))
		return err
	}
	if !s.Weak() {
		_, err := fmt.Fprintln(p.out, "    "+st.dim(words))
		return err
	}
	if _, err := fmt.Fprintln(p.out, "    "+st.paint("33", "weak:")+" "+words+". Nothing finds:"); err != nil {
		return err
	}
	for _, m := range s.Missed[:min(mostMissed, len(s.Missed))] {
		if _, err := fmt.Fprintln(p.out, "      "+m); err != nil {
			return err
		}
	}
	if more := len(s.Missed) - mostMissed; more > 0 {
		if _, err := fmt.Fprintf(p.out, "      and %d more, in %s\n", more, sys.StrengthFile); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.err, "    %s\n", st.dim("Show what has to hold: “Remember this” in its window, or `matrixos ask \"make the contract of "+string(r.App)+" find more\"`"))
	return err
}

func (p *program) showCheck(r sys.ContractReport) error {
	st := p.style(p.out)
	state := st.good("holds")
	if !r.Green {
		state = st.bad("fails")
	}
	what := count(len(r.Scenarios), "scenario") + ", " + count(len(r.Invariants), "rule") + " of data"
	if r.None {
		what = "no contract; only that it opens"
	}
	if _, err := fmt.Fprintf(p.out, "%s  %s  %s (%s, %.1f s)\n", state, pad(string(r.App), 20), what, r.Level, r.Millis/1000); err != nil {
		return err
	}
	for _, s := range r.Scenarios {
		if s.Recorded == "" {
			continue
		}
		if _, err := fmt.Fprintf(p.out, "    %s %s\n", st.dim("as you showed it on "+s.Recorded+":"), s.Name); err != nil {
			return err
		}
	}
	if r.None && len(r.Faults) == 0 {
		if _, err := fmt.Fprintf(p.err, "    %s\n", st.dim("Agree on what it must do: choose “Remember this” in its window and use it, or `matrixos ask \"agree with me on what "+string(r.App)+" must do\"`")); err != nil {
			return err
		}
	}
	for _, line := range r.Failures() {
		if _, err := fmt.Fprintln(p.out, "    "+strings.ReplaceAll(line, "\n", "\n    ")); err != nil {
			return err
		}
	}
	if r.Note != "" {
		_, err := fmt.Fprintln(p.err, st.dim("    "+r.Note))
		return err
	}
	return nil
}
