package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) logCommand() *cobra.Command {
	var q client.Query
	cmd := &cobra.Command{
		Use:   "log [PATH]",
		Short: "List the changes of the home, or of one file or folder, newest first",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if q.Limit < 1 || q.Limit > 500 {
				return usage(cmd, errors.New("-n needs a number from 1 to 500"))
			}
			if len(args) > 0 {
				q.Path = args[0]
			}
			if q.By == "you" {
				q.By = string(sys.ByOwner)
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.FindLandings(ctx, q)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				if len(list) == 0 && q != (client.Query{Limit: q.Limit}) {
					_, err := fmt.Fprintln(p.err, "No change is like that.")
					return err
				}
				return p.showLandings(list, time.Now())
			})
		},
	}
	f := cmd.Flags()
	f.IntVarP(&q.Limit, "number", "n", 20, "how many")
	f.StringVar(&q.By, "by", "", "only those of: you, agent, undo, system, or a program such as builder")
	f.StringVar(&q.Since, "since", "", "only those since a time, such as \"yesterday 14:00\", \"3 days ago\", 2026-11-20")
	f.StringVar(&q.Text, "grep", "", "only those with this text in their title, files or request")
	return cmd
}

func (p *program) showLandings(list []sys.LandingInfo, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "Nothing has changed yet.")
		return err
	}
	st := p.style(p.out)
	id, when, by := 0, 0, 0
	for _, l := range list { // aligned by hand: colours have no width
		id, when, by = max(id, len(l.ID.String())), max(when, len(ago(l.Time, now))), max(by, len(who(l)))
	}
	for _, l := range list {
		note := "(" + count(len(l.Changes), "file") + ")"
		if l.UndoneBy != 0 {
			note = "(undone by " + l.UndoneBy.String() + ")"
		}
		_, err := fmt.Fprintf(p.out, "%s  %s  %s  %s  %s\n",
			st.bold(pad(l.ID.String(), id)), st.dim(pad(ago(l.Time, now), when)), st.by(l.Kind, pad(who(l), by)), oneLine(l.Title, 72), st.dim(note))
		if err != nil {
			return err
		}
	}
	return nil
}

func pad(s string, width int) string { return fmt.Sprintf("%-*s", width, s) }

func (p *program) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show L",
		Short: "Show one change: who, why, at what cost, and what it did",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				moment := args[0]
				if id, err := sys.ParseLandingID(moment); err == nil {
					moment = id.String()
				}
				l, err := c.LandingAt(ctx, moment)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(l)
				}
				return p.showLanding(l)
			})
		},
	}
}

func (p *program) showLanding(l client.Landing) error {
	st, i, v := p.style(p.out), l.Landing, l.Landing.Provenance
	fmt.Fprintf(p.out, "%s  %s\n\n", st.bold(i.ID.String()), oneLine(i.Title, 100))
	facts := [][]string{{"When", i.Time.Local().Format("Mon 2 Jan 2006, 15:04:05")}, {"Who", who(i)}}
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, []string{name, text})
		}
	}
	if v.Process != 0 {
		add("Process", fmt.Sprint(v.Process))
	}
	add("Request", string(v.Request))
	add("Model", v.Model)
	if v.Process != 0 {
		add("Cost", price(v.Cost))
	}
	add("Verified", verified(v.Verified))
	if v.Undoes != 0 {
		add("Undoes", v.Undoes.String())
	}
	if v.Restores != 0 {
		add("Restores", v.Restores.String())
	}
	if i.UndoneBy != 0 {
		add("Undone by", i.UndoneBy.String())
	}
	add("Commit", i.Commit)
	if err := table(p.out, facts); err != nil {
		return err
	}
	return p.showFiles(l.Files)
}

// lines says how many lines a file gained and lost.
func (p *program) lines(f client.FileDiff) string {
	st := p.style(p.out)
	var out []string
	if f.AddedLines > 0 {
		out = append(out, st.good("+"+strconv.Itoa(f.AddedLines)))
	}
	if f.DeletedLines > 0 {
		out = append(out, st.bad("-"+strconv.Itoa(f.DeletedLines)))
	}
	return strings.Join(out, " ")
}

// showFiles prints diffs.
func (p *program) showFiles(files []client.FileDiff) error {
	st := p.style(p.out)
	for _, f := range files {
		name := st.bold(printable(string(f.Path)))
		if f.From != "" {
			name = printable(string(f.From)) + " → " + name
		}
		fmt.Fprintf(p.out, "\n%s %s  %s\n", st.dim(string(f.Op)), name, p.lines(f))
		if f.Binary {
			fmt.Fprintln(p.out, st.dim("  binary"))
			continue
		}
		if err := p.showPatch(f.Patch); err != nil {
			return err
		}
	}
	return nil
}

// showPatch prints a unified diff without the names of its files.
func (p *program) showPatch(patch string) error {
	st := p.style(p.out)
	for line := range strings.Lines(printable(patch)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			continue
		case strings.HasPrefix(line, "+"):
			line = st.good(line)
		case strings.HasPrefix(line, "-"):
			line = st.bad(line)
		case strings.HasPrefix(line, "@@"):
			line = st.dim(line)
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) undoCommand() *cobra.Command {
	var preview, partial, code, data, both bool
	cmd := &cobra.Command{
		Use:   "undo [L]",
		Short: "Take a change back and keep what came after it",
		Long: "Take one change back, also an old one under newer ones: later edits are kept.\n" +
			"If it cannot be done without touching them, nothing happens. An undo is a change\n" +
			"like any other and can be undone. Without L it is the newest change that an agent\n" +
			"made and nobody has taken back.\n\n" +
			"What an app has written into its database since stays. If the change has added a\n" +
			"column or a table that later rows use, that stays too, and is named. --code takes\n" +
			"back files only, --data only what happened to databases.\n\n" +
			"--partial takes back only what no later change builds on, and shows what stays.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) (err error) {
				var id sys.LandingID
				if len(args) > 0 {
					if id, err = landingOf(ctx, c, args[0]); err != nil {
						return err
					}
				} else {
					if id, err = newestOfAgents(ctx, c); err != nil {
						return err
					}
				}
				l, err := c.Undo(ctx, id, client.UndoOptions{Preview: preview, Partial: partial, What: undoWhat(code, data)})
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(l)
				}
				if preview {
					fmt.Fprintln(p.err, "This would come back; nothing has changed yet.")
					return errors.Join(p.showFiles(l.Files), p.showLeft(l.Files))
				}
				if err := p.showLeft(l.Files); err != nil {
					return err
				}
				for _, kept := range l.Landing.Kept {
					fmt.Fprintln(p.err, kept+".")
				}
				_, err = fmt.Fprintf(p.err, "%s is undone by %s: %s changed. Take that back with `matrixos undo %s`.\n",
					id, l.Landing.ID, count(len(l.Files), "file"), l.Landing.ID)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&preview, "preview", false, "only show what would come back")
	cmd.Flags().BoolVar(&partial, "partial", false, "where the whole cannot, take back what no later change builds on")
	cmd.Flags().BoolVar(&code, "code", false, "take back its files only")
	cmd.Flags().BoolVar(&data, "data", false, "take back what it did to databases only")
	cmd.Flags().BoolVar(&both, "both", false, "take back both (the default)")
	cmd.MarkFlagsMutuallyExclusive("code", "data", "both")
	return cmd
}

// showLeft prints what a partial undo leaves of the change.
func (p *program) showLeft(files []client.FileDiff) error {
	var left []client.FileDiff
	for _, f := range files {
		if f.Left != "" {
			left = append(left, client.FileDiff{Path: f.Path, Op: sys.Modified, Patch: f.Left})
		}
	}
	if len(left) == 0 {
		return nil
	}
	fmt.Fprintln(p.err, "This of the change stays, because later changes build on it:")
	return p.showFiles(left)
}

func undoWhat(code, data bool) string {
	switch {
	case code:
		return "code"
	case data:
		return "data"
	}
	return "both"
}

// landingOf finds the landing that an argument names.
func landingOf(ctx context.Context, c *client.Client, text string) (sys.LandingID, error) {
	if id, err := sys.ParseLandingID(text); err == nil {
		return id, nil
	}
	l, err := c.Moment(ctx, text)
	return l.ID, err
}

// newestOfAgents finds what a plain undo means: the newest change of an agent
// that is still in effect.
func newestOfAgents(ctx context.Context, c *client.Client) (sys.LandingID, error) {
	for before := sys.LandingID(0); ; {
		list, err := c.Landings(ctx, 100, before)
		if err != nil {
			return 0, err
		}
		if len(list) == 0 {
			return 0, &sys.Error{
				Op: "undo", Kind: sys.NotFound, Err: errors.New("no agent has changed anything that is still in effect"),
				Hint: "`matrixos log` lists all changes; name one",
			}
		}
		for _, l := range list {
			if l.Kind == sys.ByAgent && l.UndoneBy == 0 {
				return l.ID, nil
			}
			before = l.ID
		}
	}
}
