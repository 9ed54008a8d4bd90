package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// rowsCommands are `matrixos data export` and `matrixos data import`.
func (p *program) rowsCommands() []*cobra.Command {
	var asCSV bool
	export := &cobra.Command{
		Use:   "export SLUG [TABLE]",
		Short: "Write the rows of an app as JSON, or one table as CSV",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.exportRows(ctx, c, args, asCSV) })
		},
	}
	export.Flags().BoolVar(&asCSV, "csv", false, "as CSV, for a spreadsheet")
	var leaveOut bool
	load := &cobra.Command{
		Use:   "import SLUG TABLE FILE",
		Short: "Add the rows of a .csv or .json file to a table: one change, which can be undone",
		Long:  "A CSV file names its columns in the first line; empty cells are left out. A JSON file is a\nlist of objects, or what export has written. A row that brings its id along keeps it.\n\nThe rows are held to the rules that the app has for its data: if one breaks a rule, nothing\nis added, and you are told which line it is. With --leave-out the others are.",
		Args:  cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[2])
			if err != nil {
				return &sys.Error{Op: "read", Path: args[2], Kind: sys.NotFound, Err: err, Hint: "name a .csv or .json file"}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.importRows(ctx, c, args, raw, leaveOut) })
		},
	}
	load.Flags().BoolVar(&leaveOut, "leave-out", false, "leave out rows that break a rule of the app, and add the others")
	find := &cobra.Command{
		Use:   "search WORD…",
		Short: "Find entries of all apps that have these words",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return p.searchRows(ctx, c, strings.Join(args, " "))
			})
		},
	}
	keep := &cobra.Command{
		Use:   "backup SLUG FILE",
		Short: "Write one app with all its data into a file",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return p.backupApp(ctx, c, sys.Slug(args[0]), args[1])
			})
		},
	}
	restore := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring an app's data back from such a file, and the app if it is gone",
		Long:  "What the file has becomes what it was; what was added since stays. Each step is a change\nthat can be undone.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil || !json.Valid(raw) {
				return &sys.Error{Op: "restore", Path: args[0], Kind: sys.Invalid, Err: err, Hint: "name a file that `matrixos data backup` has written"}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.restoreApp(ctx, c, raw) })
		},
	}
	return []*cobra.Command{export, load, find, keep, restore}
}

func (p *program) searchRows(ctx context.Context, c *client.Client, text string) error {
	found, err := c.Search(ctx, text)
	if err != nil || p.json {
		return p.orJSON(found, err)
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(p.err, "No entry has these words.")
		return err
	}
	lines := [][]string{{"APP", "TABLE", "ENTRY"}}
	for _, f := range found {
		lines = append(lines, []string{string(f.App), f.Table, oneLine(f.Text, 80)})
	}
	return table(p.out, lines)
}

func (p *program) backupApp(ctx context.Context, c *client.Client, slug sys.Slug, name string) error {
	raw, err := c.AppBackup(ctx, slug)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &sys.Error{Op: "write backup", Path: name, Kind: sys.Exists, Err: err, Hint: "choose another name; nothing is ever replaced"}
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return &sys.Error{Op: "write backup", Path: name, Kind: sys.Unavailable, Err: err, Hint: "check that there is room"}
	}
	return p.did(fmt.Sprintf("Backed %s up, %s.", slug, bytesOf(int64(len(raw)))), map[string]any{"app": slug, "file": name, "bytes": len(raw)})
}

func (p *program) restoreApp(ctx context.Context, c *client.Client, raw []byte) error {
	r, err := c.RestoreApp(ctx, raw)
	if err != nil {
		return err
	}
	how := "The data of " + string(r.App) + " are as they were"
	if r.Installed {
		how = string(r.App) + " is back, with its data"
	}
	what := []string{count(r.Rows, "row"), count(r.Keys, "value")}
	if r.Files > 0 {
		what = append(what, count(r.Files, "file")+" of its server")
	}
	return p.did(fmt.Sprintf("%s: %s.", how, strings.Join(what, ", ")), r)
}

func (p *program) exportRows(ctx context.Context, c *client.Client, args []string, asCSV bool) error {
	slug, tables := sys.Slug(args[0]), args[1:]
	if len(tables) == 0 {
		all, err := c.Apps(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(a sys.AppInfo) bool { return a.Slug == slug })
		if i < 0 {
			return &sys.Error{Op: "export", Path: args[0], Kind: sys.NotFound, Hint: "`matrixos apps` lists the apps"}
		}
		tables = all[i].Tables
	}
	if asCSV && len(tables) != 1 {
		return &sys.Error{Op: "export", Path: args[0], Kind: sys.Invalid, Err: errors.New("a CSV file holds one table"), Hint: "name one of " + strings.Join(tables, ", ")}
	}
	if asCSV {
		text, err := c.ExportCSV(ctx, slug, tables[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(p.out, text)
		return err
	}
	out := map[string][]map[string]any{}
	for _, name := range tables {
		t, err := c.Rows(ctx, slug, name)
		if err != nil {
			return err
		}
		out[name] = t.Rows
	}
	return p.printJSON(out)
}

func (p *program) importRows(ctx context.Context, c *client.Client, args []string, raw []byte, leaveOut bool) error {
	slug, table := sys.Slug(args[0]), args[1]
	form := strings.TrimPrefix(strings.ToLower(filepath.Ext(args[2])), ".")
	done, err := c.Import(ctx, slug, table, form, string(raw), leaveOut)
	if e, ok := errors.AsType[*sys.Error](err); ok && e.Kind == sys.NotVerified && !leaveOut {
		told := *e
		told.Hint += ": --leave-out does that"
		return &told
	}
	if err != nil || p.json {
		return p.orJSON(done, err)
	}
	id := done.Landing.Landing.ID
	if _, err = fmt.Fprintf(p.err, "Added %s to %s of %s (%s). `matrixos undo %s --data` takes them back.\n", count(done.Rows, "row"), table, slug, id, id); err != nil || len(done.Left) == 0 {
		return err
	}
	_, err = fmt.Fprintf(p.err, "Left out, because they break a rule of the app: %s.\n", linesWords(done.Left))
	return err
}

// linesWords names lines of a file.
func linesWords(lines []int) string {
	const most = 20
	var out []string
	for _, l := range lines[:min(len(lines), most)] {
		out = append(out, strconv.Itoa(l))
	}
	words := count(len(lines), "line") + " (" + strings.Join(out, ", ")
	if len(lines) > most {
		words += ", …"
	}
	return words + ")"
}
