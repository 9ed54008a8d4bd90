package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

var withLine = regexp.MustCompile(`^(.+):([0-9]+)$`)

func (p *program) whyCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "why PATH[:LINE]",
		Short: "Say who made a file, a line or a folder what it is, and what was asked for",
		Long: "For a text, each line stands beside the change that wrote it; renames are followed,\n" +
			"and what an undo or a restore brought back is from whoever wrote it first. For a\n" +
			"folder, the changes that its files are from. For a file that is gone, who deleted it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, line := args[0], 0
			if m := withLine.FindStringSubmatch(path); m != nil {
				n, err := strconv.Atoi(m[2])
				if err != nil || n < 1 {
					return usage(cmd, fmt.Errorf("%s is no line: lines are counted from 1", m[2]))
				}
				path, line = m[1], n
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				e, err := c.Why(ctx, path, line, at)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(e)
				}
				return p.showWhy(e, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "as of a change, a snapshot or a time")
	return cmd
}

func (p *program) showWhy(e client.Explanation, now time.Time) error {
	st := p.style(p.out)
	if e.Kind == "deleted" {
		text := string(e.Path) + " is not there any more."
		if e.MovedTo != "" {
			text = string(e.Path) + " is " + string(e.MovedTo) + " now."
		}
		fmt.Fprintln(p.err, printable(text))
	}
	if len(e.Lines) > 1 {
		if err := p.showBlame(e, now); err != nil {
			return err
		}
		fmt.Fprintln(p.out)
	} else if len(e.Lines) == 1 {
		fmt.Fprintf(p.out, "%s  %s\n\n", st.dim(strconv.Itoa(e.Lines[0].Number)), printable(e.Lines[0].Text))
	}
	for i, c := range e.Causes {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		if err := p.showCause(c, now); err != nil {
			return err
		}
	}
	return nil
}

// showBlame prints each line beside its landing.
func (p *program) showBlame(e client.Explanation, now time.Time) error {
	st := p.style(p.out)
	causes := map[sys.LandingID]client.Cause{}
	id, by, when := 0, 0, 0
	for _, c := range e.Causes {
		causes[c.Landing] = c
		id, by, when = max(id, len(c.Landing.String())), max(by, len(whoOf(c))), max(when, len(ago(c.Time, now)))
	}
	digits := len(strconv.Itoa(e.Lines[len(e.Lines)-1].Number))
	before := sys.LandingID(0)
	for _, l := range e.Lines {
		c := causes[l.Landing]
		margin := strings.Repeat(" ", id+by+when+4)
		if l.Landing != before {
			margin = st.bold(pad(l.Landing.String(), id)) + "  " + st.by(c.Kind, pad(whoOf(c), by)) + "  " + st.dim(pad(ago(c.Time, now), when))
		}
		before = l.Landing
		if _, err := fmt.Fprintf(p.out, "%s  %s  %s\n", margin, st.dim(fmt.Sprintf("%*d", digits, l.Number)), printable(l.Text)); err != nil {
			return err
		}
	}
	return nil
}

func whoOf(c client.Cause) string {
	return who(sys.LandingInfo{Kind: c.Kind, Provenance: c.Provenance})
}

// showCause prints one landing as the reason of something.
func (p *program) showCause(c client.Cause, now time.Time) error {
	st := p.style(p.out)
	facts := []string{st.by(c.Kind, whoOf(c)), ago(c.Time, now)}
	if c.Provenance.Model != "" {
		facts = append(facts, c.Provenance.Model, price(c.Provenance.Cost))
	}
	if c.Lines > 0 {
		facts = append(facts, count(c.Lines, "line"))
	}
	if c.UndoneBy != 0 {
		facts = append(facts, "undone by "+c.UndoneBy.String())
	}
	_, err := fmt.Fprintf(p.out, "%s  %s\n    %s\n", st.bold(c.Landing.String()), oneLine(c.Title, 90), st.dim(strings.Join(facts, " · ")))
	if c.Request != "" {
		_, err = fmt.Fprintf(p.out, "    asked: %s\n", oneLine(c.Request, 90))
	}
	for i, f := range c.Files {
		if i == 8 {
			_, err = fmt.Fprintf(p.out, "    %s\n", st.dim(fmt.Sprintf("and %d more", len(c.Files)-i)))
			break
		}
		_, err = fmt.Fprintf(p.out, "    %s\n", printable(string(f)))
	}
	return err
}

func (p *program) diffCommand() *cobra.Command {
	var stat bool
	var path string
	cmd := &cobra.Command{
		Use:   "diff A [B] [PATH]",
		Short: "Compare two moments of the home; without B, A and what the files are now",
		Long: "A and B are changes (L12), snapshots or times (\"yesterday 14:00\"). PATH is a file or\n" +
			"folder. Where a second word could be either, it is B; write B as \"now\", or use --path.",
		Args: cobra.RangeArgs(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				from, to := args[0], ""
				rest := args[1:]
				if len(rest) > 0 {
					_, err := c.Moment(ctx, rest[0])
					switch {
					case err == nil:
						to, rest = rest[0], rest[1:]
					case len(rest) == 2 || !errors.Is(err, sys.NotFound):
						return err
					}
				}
				if len(rest) > 0 && path != "" {
					return usage(cmd, errors.New("the path is named twice"))
				}
				if len(rest) > 0 {
					path = rest[0]
				}
				d, err := c.Diff(ctx, from, to, path, stat)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(d)
				}
				return p.showComparison(d, stat)
			})
		},
	}
	cmd.Flags().BoolVar(&stat, "stat", false, "only say which files, and how many lines")
	cmd.Flags().StringVar(&path, "path", "", "only this file or folder")
	return cmd
}

func (p *program) showComparison(d client.Comparison, stat bool) error {
	if len(d.Files) == 0 {
		_, err := fmt.Fprintf(p.err, "Nothing is different between %s and %s.\n", d.From, d.To)
		return err
	}
	added, deleted := 0, 0
	for _, f := range d.Files {
		added, deleted = added+f.AddedLines, deleted+f.DeletedLines
	}
	fmt.Fprintf(p.err, "%s to %s: %s, %s added, %s taken away.\n", d.From, d.To, count(len(d.Files), "file"), count(added, "line"), count(deleted, "line"))
	if stat {
		return p.showStat(d.Files)
	}
	return p.showFiles(d.Files)
}

// showStat lists files with what they gained and lost.
func (p *program) showStat(files []client.FileDiff) error {
	st := p.style(p.out)
	for _, f := range files {
		name := printable(string(f.Path))
		if f.From != "" {
			name = printable(string(f.From)) + " → " + name
		}
		note := p.lines(f)
		if f.Binary {
			note = st.dim("binary")
		}
		if _, err := fmt.Fprintln(p.out, strings.TrimRight(st.dim(pad(string(f.Op), 8))+"  "+name+"  "+note, " ")); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) restoreCommand() *cobra.Command {
	var at string
	var preview bool
	cmd := &cobra.Command{
		Use:   "restore PATH --at L",
		Short: "Bring a file or folder back as it was",
		Long: "What is there now stays in the history, and a restore can be undone. PATH \".\" is the\n" +
			"whole home. L is a change (L12), a snapshot or a time (\"yesterday 14:00\").",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at == "" {
				return usage(cmd, errors.New("--at is missing: which moment?"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Restore(ctx, args[0], at, preview)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				if len(r.Skipped) > 0 {
					fmt.Fprintf(p.err, "%s not versioned any more and stay as they are.\n", are(len(r.Skipped), "file"))
				}
				if preview {
					fmt.Fprintln(p.err, "This would change; nothing has changed yet.")
					return p.showFiles(r.Files)
				}
				_, err = fmt.Fprintf(p.err, "%s is back by %s: %s changed. Take that back with `matrixos undo %s`.\n",
					args[0], r.Landing.ID, count(len(r.Files), "file"), r.Landing.ID)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the change, snapshot or time")
	cmd.Flags().BoolVar(&preview, "preview", false, "only show what would change")
	return cmd
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

func (p *program) snapshotCommand() *cobra.Command {
	var at string
	var remove bool
	cmd := &cobra.Command{
		Use:   "snapshot [NAME]",
		Short: "Name a moment, to come back to it; without NAME list the names",
		Long: "A name stands wherever a change does: in show, diff, restore --at and view. Plain git\n" +
			"reads it in the home as snapshots/NAME.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && (at != "" || remove) {
				return usage(cmd, errors.New("the name is missing"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				switch {
				case len(args) == 0:
					return p.listSnapshots(ctx, c)
				case remove:
					if err := c.DeleteSnapshot(ctx, args[0]); err != nil {
						return err
					}
					return p.did("The name "+args[0]+" is gone; the change stays.", map[string]any{"deleted": args[0]})
				}
				s, err := c.NameSnapshot(ctx, args[0], at)
				if err != nil {
					return err
				}
				return p.did(fmt.Sprintf("%s is called %s now.", s.Landing, s.Name), s)
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the change or time to name (default: what the files are now)")
	cmd.Flags().BoolVar(&remove, "delete", false, "take the name away; the change stays")
	return cmd
}

func (p *program) listSnapshots(ctx context.Context, c *client.Client) error {
	list, err := c.Snapshots(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "No moment has a name yet. `matrixos snapshot NAME` names this one.")
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, s := range list {
		rows = append(rows, []string{s.Name, s.Landing.String(), ago(s.Time, time.Now()), oneLine(s.Title, 60)})
	}
	return table(p.out, rows)
}

func (p *program) viewCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "view L",
		Short: "Open a past moment of the whole home as a read-only folder",
		Long: "Prints a folder that has all versioned files as they were at a change (L12), a snapshot\n" +
			"or a time (\"yesterday 14:00\"). Without --dir it is kept for a day.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir != "" {
				abs, err := filepath.Abs(dir)
				if err != nil {
					return err
				}
				dir = abs
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				v, err := c.View(ctx, args[0], dir)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(v)
				}
				fmt.Fprintf(p.err, "The home as of %s, to be looked at:\n", v.Landing)
				_, err = fmt.Fprintln(p.out, v.Dir)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "a folder that does not exist yet, outside the home")
	return cmd
}

// historyCommands are the commands about the past.
func (p *program) historyCommands() []*cobra.Command {
	return []*cobra.Command{
		p.logCommand(), p.showCommand(), p.whyCommand(), p.diffCommand(), p.undoCommand(),
		p.restoreCommand(), p.snapshotCommand(), p.viewCommand(), p.conflictsCommand(), p.resolveCommand(), p.bisectCommand(),
	}
}
