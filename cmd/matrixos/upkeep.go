package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) scrubCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "scrub",
		Short: "Check every stored byte, and restore what is damaged",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Scrub(ctx)
				if err != nil {
					return err
				}
				if p.json {
					err = p.printJSON(r)
				} else {
					err = p.showScrub(r)
				}
				if err == nil && r.Lost() > 0 {
					err = errShown{sys.NotVerified}
				}
				return err
			})
		},
	}
}

func (p *program) showScrub(r sys.ScrubReport) error {
	st := p.style(p.out)
	for _, f := range r.Problems {
		state := st.good("restored")
		if !f.Fixed {
			state = st.bad("damaged")
		}
		what := f.What
		if f.Path != "" {
			what += " " + string(f.Path)
		}
		if f.Landing != 0 {
			what += " (" + f.Landing.String() + ")"
		}
		if f.Object != "" {
			what += " " + f.Object
		}
		if _, err := fmt.Fprintf(p.out, "%s  %s: %s\n", state, what, f.How); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(p.out, scrubLine(r)+": "+size(r.Bytes)+" read, "+count(r.Objects, "object")+", "+count(r.Files, "live file")+", "+count(r.Landings, "landing"))
	return err
}

// scrubLine says in a few words how a check ended.
func scrubLine(r sys.ScrubReport) string {
	switch lost := r.Lost(); {
	case len(r.Problems) == 0:
		return "everything is as it should be"
	case lost == 0:
		return count(len(r.Problems), "place") + " damaged, all restored"
	default:
		return fmt.Sprintf("%d of %s could not be restored", lost, count(len(r.Problems), "damaged place"))
	}
}

func (p *program) gcCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "gc",
		Short: "Free what the home does not need, and pack its history",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.GC(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				_, err = fmt.Fprintf(p.out, "freed %s, now %s: %s packed, %s and %s expired\n",
					size(max(r.Before-r.After, 0)), size(r.After), count(r.Packed, "object"), count(r.Refs+r.Unreachable, "piece")+" of refused or replaced work", count(r.Displaced, "displaced edit"))
				return err
			})
		},
	}
}

func (p *program) spaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "space",
		Short: "Say what takes room",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Space(ctx)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				return p.showSpace(r)
			})
		},
	}
}

func (p *program) showSpace(r sys.SpaceReport) error {
	rows := [][]string{
		{"Your files", size(r.Home)},
		{"The store", size(r.Store)},
		{"Free", size(r.Free) + " of " + size(r.Total)},
	}
	if r.Garbage > 0 {
		rows = append(rows, []string{"To free", "about " + size(r.Garbage) + " with matrixos gc"})
	}
	if err := table(p.out, rows); err != nil {
		return err
	}
	if len(r.Apps) > 0 {
		rows = [][]string{{"APP", "FILES", "DATA", "HISTORY"}}
		for _, a := range r.Apps {
			rows = append(rows, []string{string(a.App), size(a.Files), size(a.Data), size(a.History)})
		}
		if err := p.more(rows); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		title string
		items []sys.SpaceItem
	}{{"STORE", r.Parts}, {"LARGEST FILES", r.Largest}} {
		rows = [][]string{{list.title, "SIZE"}}
		for _, i := range list.items {
			rows = append(rows, []string{i.Name, size(i.Bytes)})
		}
		if err := p.more(rows); err != nil {
			return err
		}
	}
	return nil
}

// more prints a table below another.
func (p *program) more(rows [][]string) error {
	if _, err := fmt.Fprintln(p.out); err != nil {
		return err
	}
	return table(p.out, rows)
}

// size writes bytes as people read them.
func size(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	f, u := float64(n), 0
	for f >= 1000 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	if u == 0 || f >= 10 {
		return fmt.Sprintf("%.0f %s", f, units[u])
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// checked says when a home was last checked, and the result.
func checked(u sys.UpkeepState, now time.Time) string {
	if u.Scrub == nil {
		return "not yet; matrixos scrub does it now"
	}
	return ago(u.Scrub.Finished, now) + ": " + scrubLine(*u.Scrub)
}
