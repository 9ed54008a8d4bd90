package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
	load := &cobra.Command{
		Use:   "import SLUG TABLE FILE",
		Short: "Add the rows of a .csv or .json file to a table: one change, which can be undone",
		Long:  "A CSV file names its columns in the first line; empty cells are left out. A JSON file is a\nlist of objects, or what export has written. A row that brings its id along keeps it.",
		Args:  cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[2])
			if err != nil {
				return &sys.Error{Op: "read", Path: args[2], Kind: sys.NotFound, Err: err, Hint: "name a .csv or .json file"}
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.importRows(ctx, c, args, raw) })
		},
	}
	return []*cobra.Command{export, load}
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
	out := map[string][]map[string]any{}
	for _, name := range tables {
		t, err := c.Rows(ctx, slug, name)
		if err != nil {
			return err
		}
		if asCSV {
			return writeCSV(p.out, t)
		}
		out[name] = t.Rows
	}
	return p.printJSON(out)
}

// writeCSV writes id first, then the columns by name, then the system's times.
func writeCSV(to io.Writer, t client.TableRows) error {
	columns := append(append([]string{"id"}, slices.Sorted(maps.Keys(t.Columns))...), "created_at", "updated_at")
	w := csv.NewWriter(to)
	if err := w.Write(columns); err != nil {
		return err
	}
	for _, row := range t.Rows {
		line := make([]string, len(columns))
		for i, column := range columns {
			switch v := row[column].(type) {
			case nil:
			case string:
				line[i] = v
			default:
				raw, err := json.Marshal(v)
				if err != nil {
					return err
				}
				line[i] = string(raw)
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func (p *program) importRows(ctx context.Context, c *client.Client, args []string, raw []byte) error {
	slug, table := sys.Slug(args[0]), args[1]
	var rows []json.RawMessage
	var err error
	if strings.EqualFold(filepath.Ext(args[2]), ".csv") {
		t, failed := c.Rows(ctx, slug, table)
		if failed != nil {
			return failed
		}
		rows, err = readCSV(raw, t.Columns)
	} else {
		rows, err = readJSONRows(raw, table)
	}
	if err == nil && len(rows) == 0 {
		err = errors.New("it has no rows")
	}
	if err != nil {
		return &sys.Error{Op: "import", Path: args[2], Kind: sys.Invalid, Err: err, Hint: "`matrixos data export " + args[0] + " " + table + " --csv` shows the form"}
	}
	l, err := c.Enter(ctx, slug, table, rows)
	if err != nil || p.json {
		return p.orJSON(l, err)
	}
	_, err = fmt.Fprintf(p.err, "Added %d rows to %s of %s (%s). `matrixos undo %s --data` takes them back.\n", len(rows), table, slug, l.Landing.ID, l.Landing.ID)
	return err
}

func readJSONRows(raw []byte, table string) (rows []json.RawMessage, err error) {
	if json.Unmarshal(raw, &rows) == nil {
		return rows, nil
	}
	var byTable map[string][]json.RawMessage
	if err := json.Unmarshal(raw, &byTable); err != nil {
		return nil, err
	}
	rows, ok := byTable[table]
	if !ok {
		return nil, fmt.Errorf("it has no table %s", table)
	}
	return rows, nil
}

// readCSV reads rows; a cell is read as the type of its column.
func readCSV(raw []byte, types map[string]string) ([]json.RawMessage, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	if err != nil {
		return nil, err
	}
	for _, column := range head {
		if _, ok := types[column]; !ok && !slices.Contains([]string{"id", "created_at", "updated_at"}, column) {
			return nil, fmt.Errorf("the table has no column %q; there are %s", column, strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
	}
	var rows []json.RawMessage
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row := map[string]json.RawMessage{}
		for i, text := range line {
			if text != "" {
				row[head[i]] = cell(text, types[head[i]])
			}
		}
		out, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, out)
	}
}

// cell is a cell as JSON; what does not fit its column stays text, which the system
// refuses with the column's name.
func cell(text, typ string) json.RawMessage {
	if typ == "boolean" {
		switch strings.ToLower(text) {
		case "true", "yes", "1":
			return json.RawMessage("true")
		case "false", "no", "0":
			return json.RawMessage("false")
		}
	}
	numeric := typ == "integer" || typ == "float"
	if _, err := strconv.ParseFloat(text, 64); err == nil && numeric && json.Valid([]byte(text)) || typ == "jsonb" && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	out, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage("null") // a string always marshals
	}
	return out
}
