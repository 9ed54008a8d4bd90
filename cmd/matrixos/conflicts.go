package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) conflictsCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "conflicts",
		Short: "List work that was refused because somebody else had changed the same places",
		Long: "Nothing of it is lost: it waits until you decide with `matrixos resolve`, or let it\n" +
			"go with `matrixos conflicts drop`.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Conflicts(ctx, all)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				return p.listConflicts(list, time.Now())
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are settled")
	cmd.AddCommand(p.showConflictCommand(), p.dropConflictCommand())
	return cmd
}

func (p *program) listConflicts(list []sys.ConflictInfo, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "Nothing waits for you: no work was refused.")
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, c := range list {
		rows = append(rows, []string{c.ID, ago(c.Time, now), conflictState(c), oneLine(c.Title, 60), "(" + count(len(c.Files), "file") + ")"})
	}
	return table(p.out, rows)
}

// conflictState says whose turn it is.
func conflictState(c sys.ConflictInfo) string {
	switch c.State {
	case sys.ConflictRetrying:
		return "is tried again"
	case sys.ConflictWaiting:
		return "waits for you"
	case sys.ConflictSettled:
		if c.Landing != 0 {
			return "landed as " + c.Landing.String()
		}
		return "let go"
	}
	return string(c.State)
}

func (p *program) showConflictCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show both sides: the home as it is, and what was refused",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				found, err := c.Conflict(ctx, args[0])
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(found)
				}
				return p.showConflict(found)
			})
		},
	}
}

func (p *program) showConflict(found client.Conflict) error {
	st, c := p.style(p.out), found.Conflict
	fmt.Fprintf(p.out, "%s  %s\n\n", st.bold(c.ID), oneLine(c.Title, 100))
	by := string(c.Provenance.Program)
	if by == "" {
		by = "an agent"
	}
	facts := [][]string{{"State", conflictState(c)}, {"Who", by}, {"Made on", c.Base.String()}, {"Met", c.Met.String()}, {"Tries", fmt.Sprint(c.Tries)}}
	if remote, _, ok := strings.Cut(c.Provenance.Remote, " "); ok {
		facts = [][]string{facts[0], {"Who", "another device, by way of " + remote}, facts[3]}
	}
	if err := table(p.out, facts); err != nil {
		return err
	}
	for _, f := range found.Files {
		note := ""
		if f.Choice != "" {
			note = "  " + st.good("decided: "+string(f.Choice))
		}
		fmt.Fprintf(p.out, "\n%s%s\n", st.bold(printable(string(f.Path))), note)
		for _, side := range []struct {
			name, patch string
			is          client.ConflictSide
		}{{"ours, in the home now", f.OursPatch, f.Ours}, {"theirs, refused", f.TheirsPatch, f.Theirs}} {
			state := ""
			switch {
			case !side.is.Exists:
				state = ": the file is not there"
			case f.Binary:
				state = ": binary, " + size(int64(side.is.Size))
			}
			fmt.Fprintln(p.out, st.dim(side.name+state))
			if err := p.showPatch(side.patch); err != nil {
				return err
			}
		}
	}
	if c.State == sys.ConflictWaiting {
		fmt.Fprintf(p.err, "\nDecide with `matrixos resolve %s PATH --ours`, --theirs, --both or --file F; without PATH for all files.\n", c.ID)
	}
	return nil
}

func (p *program) dropConflictCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drop ID",
		Short: "Let refused work go; your files stay as they are",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := c.DropConflict(ctx, args[0]); err != nil {
					return err
				}
				return p.did(args[0]+" is let go; your files stay as they are.", map[string]any{"dropped": args[0]})
			})
		},
	}
}

func (p *program) resolveCommand() *cobra.Command {
	var ours, theirs, both bool
	var file string
	cmd := &cobra.Command{
		Use:   "resolve ID [PATH]",
		Short: "Decide a conflict: your side, the refused one, both, or a file of yours",
		Long: "Says what is to become of one file in conflict or, without PATH, of all that have no\n" +
			"answer yet. With the last answer the whole work lands, after the usual checks.\n\n" +
			"--ours keeps the home as it is, --theirs takes what was refused, --both keeps ours and\n" +
			"puts theirs beside it under a second name, --file takes the content of a file (- is\n" +
			"standard input).",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var chosen []sys.ConflictChoice
			for choice, is := range map[sys.ConflictChoice]bool{sys.ChooseOurs: ours, sys.ChooseTheirs: theirs, sys.ChooseBoth: both, sys.ChooseFile: file != ""} {
				if is {
					chosen = append(chosen, choice)
				}
			}
			if len(chosen) != 1 {
				return usage(cmd, errors.New("choose one of --ours, --theirs, --both and --file"))
			}
			a := client.Answer{Choice: chosen[0]}
			if len(args) == 2 {
				a.Path = args[1]
			}
			if a.Choice == sys.ChooseFile {
				if a.Path == "" {
					return usage(cmd, errors.New("--file is for one file: name it"))
				}
				var err error
				if a.Content, err = p.contentOf(file); err != nil {
					return err
				}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				r, err := c.Resolve(ctx, args[0], a)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(r)
				}
				return p.showResolved(r)
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&ours, "ours", false, "keep the home as it is")
	f.BoolVar(&theirs, "theirs", false, "take what was refused")
	f.BoolVar(&both, "both", false, "keep ours, and theirs beside it under a second name")
	f.StringVar(&file, "file", "", "take the content of this file")
	return cmd
}

// contentOf reads a file of the owner's; "-" is standard input.
func (p *program) contentOf(name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(p.in)
		if err != nil {
			return nil, &sys.Error{Op: "read standard input", Kind: sys.Internal, Err: err}
		}
		return b, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, &sys.Error{Op: "read", Path: name, Kind: sys.Invalid, Err: err, Hint: "name a file that you can read"}
	}
	return b, nil
}

func (p *program) showResolved(r client.Resolved) error {
	if r.Landing != nil {
		_, err := fmt.Fprintf(p.err, "Decided: the work has landed as %s. Take that back with `matrixos undo %s`.\n", r.Landing.ID, r.Landing.ID)
		return err
	}
	var open []string
	for _, f := range r.Conflict.Files {
		if f.Choice == "" {
			open = append(open, string(f.Path))
		}
	}
	if len(open) == 0 {
		_, err := fmt.Fprintln(p.err, "Decided: your files stay as they are.")
		return err
	}
	_, err := fmt.Fprintf(p.err, "Noted. It lands when these are decided too: %s\n", printable(strings.Join(open, ", ")))
	return err
}
