package syscalls

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"matrixos/app"
	"matrixos/kernel"
	"matrixos/sys"
)

type dataIn struct {
	App     sys.Slug          `json:"app"`
	Action  string            `json:"action"`
	Table   string            `json:"table"`
	Where   json.RawMessage   `json:"where"`
	OrderBy json.RawMessage   `json:"order_by"`
	Limit   int               `json:"limit"`
	Offset  int               `json:"offset"`
	ID      string            `json:"id"`
	Data    json.RawMessage   `json:"data"`
	Rows    []json.RawMessage `json:"rows"`
	Column  string            `json:"column"`
	Group   string            `json:"group_by"`
	Text    string            `json:"text"`
}

func (in dataIn) writes() bool {
	return in.Action == "insert" || in.Action == "update" || in.Action == "delete"
}

func appData() kernel.Syscall {
	return define("app_data", false, []string{"app", "action"}, `
		"app":{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$"},
		"action":{"type":"string","enum":["schema","find","search","count","sum","insert","update","delete"]},
		"table":{"type":"string","maxLength":100},
		"where":{"type":"object","description":"column: value, or {$eq $ne $lt $lte $gt $gte $in $like $ilike: value}"},
		"order_by":{"type":"object","description":"column: asc or desc"},
		"text":{"type":"string","maxLength":200,"description":"for search: words, the last may be a beginning; in all tables unless table names one"},
		"limit":{"type":"integer","minimum":1,"maximum":1000},
		"offset":{"type":"integer","minimum":0},
		"id":{"type":"string","maxLength":64,"description":"of the row to update or delete"},
		"data":{"type":"object","description":"for insert and update: column: value"},
		"rows":{"type":"array","items":{"type":"object"},"maxItems":1000,"description":"for insert: many at once"},
		"column":{"type":"string","maxLength":100,"description":"for sum: what to add up"},
		"group_by":{"type":"string","maxLength":100,"description":"for sum: one sum for each value of this column"}`,
		func(in dataIn) string {
			switch in.Action {
			case "insert":
				return "Adding to " + code(string(in.App))
			case "update":
				return "Changing an entry of " + code(string(in.App))
			case "delete":
				return "Removing an entry of " + code(string(in.App))
			}
			return "Looking at the entries of " + code(string(in.App))
		},
		func(ctx context.Context, c *kernel.Call, in dataIn) (text string, err error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			a, err := findApp(tree, in.App)
			if err != nil {
				return "", err
			}
			file := sys.Path(fmt.Sprintf("data/%s/%s.sqlite", in.App, in.App))
			c.Shows(file, a.Folder+"/"+app.ManifestName)
			if in.Action != "schema" && in.Action != "search" && in.Table == "" {
				return "", &sys.Error{Op: in.Action, Path: string(in.App), Kind: sys.Invalid, Err: errors.New("no table is named"), Hint: "the action schema lists them"}
			}
			if in.writes() {
				if err := errors.Join(c.MayWrite(file), c.Disk().RoomForData(ctx, in.App)); err != nil {
					return "", err
				}
			}
			full, err := c.Data(ctx, file)
			if err != nil {
				return "", err
			}
			rows, err := app.OpenRows(ctx, filepath.Dir(filepath.Dir(full)), a.Manifest)
			if err != nil {
				return "", err
			}
			defer func() { err = errors.Join(err, rows.Close()) }()
			if in.writes() {
				return changeRows(ctx, c, rows, in)
			}
			return readRows(ctx, rows, in)
		})
}

// findApp finds an app of the tree by its slug.
func findApp(tree fs.FS, slug sys.Slug) (app.App, error) {
	all, err := app.Find(tree)
	if err != nil {
		return app.App{}, err
	}
	var have []string
	for _, a := range all {
		if a.Manifest.Slug == slug {
			return a, nil
		}
		have = append(have, string(a.Manifest.Slug))
	}
	return app.App{}, &sys.Error{Op: "find app", Path: string(slug), Kind: sys.NotFound, Hint: "there is " + cmp.Or(strings.Join(have, ", "), "none yet")}
}

// rowsShown is how many rows one call shows unless more are asked for.
const rowsShown = 50

func readRows(ctx context.Context, rows *app.Rows, in dataIn) (string, error) {
	switch in.Action {
	case "schema":
		return lines(rows.Schema())
	case "search":
		found, err := rows.Search(ctx, in.Table, in.Text, cmp.Or(in.Limit, rowsShown))
		if err != nil {
			return "", err
		}
		return lines(map[string]any{"found": found})
	case "count":
		n, err := rows.Count(ctx, in.Table, in.Where)
		return fmt.Sprint(n), err
	case "sum":
		sums, err := rows.Sums(ctx, in.Table, in.Column, in.Group, in.Where)
		if err != nil {
			return "", err
		}
		return lines(map[string]any{"sums": sums})
	}
	limit := cmp.Or(in.Limit, rowsShown)
	list, err := rows.Find(ctx, in.Table, app.Query{Where: in.Where, OrderBy: in.OrderBy, Limit: &limit, Offset: in.Offset})
	if err != nil {
		return "", err
	}
	all, err := rows.Count(ctx, in.Table, in.Where)
	if err != nil {
		return "", err
	}
	return lines(map[string]any{"rows": list, "of": all})
}

func lines(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(raw), err
}

// changeRows changes rows of the process's own copy. What it inserts gets its ids
// from the call, so that the call can be made again after a crash.
func changeRows(ctx context.Context, c *kernel.Call, rows *app.Rows, in dataIn) (string, error) {
	switch in.Action {
	case "update":
		if err := rows.Update(ctx, in.Table, []app.Patch{{ID: in.ID, Data: in.Data}}); err != nil {
			return "", err
		}
		return "Changed; it lands with your other changes.", nil
	case "delete":
		if err := rows.Delete(ctx, in.Table, in.ID); err != nil {
			return "", err
		}
		return "Removed; it lands with your other changes.", nil
	}
	list := in.Rows
	if len(in.Data) > 0 {
		list = append(list, in.Data)
	}
	if len(list) == 0 {
		return "", &sys.Error{Op: "insert", Path: in.Table, Kind: sys.Invalid, Err: errors.New("there is nothing to insert"), Hint: "give data, one row, or rows"}
	}
	named := make([]json.RawMessage, len(list))
	for i, raw := range list {
		row := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &row); err != nil {
			return "", &sys.Error{Op: "insert", Path: in.Table, Kind: sys.Invalid, Err: err}
		}
		if _, ok := row["id"]; !ok {
			id := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%d %s %d %s", c.Provenance().Process, c.ID, i, c.Input))
			row["id"] = json.RawMessage(`"` + id.String() + `"`)
		}
		raw, err := json.Marshal(row)
		if err != nil {
			return "", err
		}
		named[i] = raw
	}
	ids, err := rows.Insert(ctx, in.Table, named)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Added %s, with id %s; it lands with your other changes.", count(len(ids), "row"), strings.Join(ids[:min(3, len(ids))], ", ")), nil
}
