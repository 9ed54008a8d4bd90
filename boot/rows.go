package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

// rowsAtOnce is how many rows are read or entered in one go.
const rowsAtOnce = 10000

// Rows reads all rows of a table, in the order they were made.
func (a *apps) Rows(ctx context.Context, slug sys.Slug, table string) (out gateway.TableRows, err error) {
	err = a.inRows(ctx, slug, func(rows *app.Rows, _ *disk.Txn) error {
		out.Columns = rows.Schema()[table]
		limit := rowsAtOnce
		for offset := 0; ; offset += limit {
			page, err := rows.Find(ctx, table, app.Query{OrderBy: json.RawMessage(`{"created_at":"asc","id":"asc"}`), Limit: &limit, Offset: offset})
			if err != nil {
				return err
			}
			for _, r := range page {
				out.Rows = append(out.Rows, r)
			}
			if len(page) < limit {
				return nil
			}
		}
	})
	return out, err
}

// makeTables makes the tables of an app that nobody has opened yet.
func (a *apps) makeTables(ctx context.Context, slug sys.Slug) error {
	view, folder, err := a.newest(ctx, slug)
	if err != nil {
		return err
	}
	found, err := app.Find(view)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Folder != folder {
			continue
		}
		rows, err := app.OpenRows(ctx, filepath.Join(a.disk.Root(), "data"), f.Manifest)
		if err != nil {
			return err
		}
		return rows.Close()
	}
	return &sys.Error{Op: "make the tables of", Path: string(slug), Kind: sys.NotFound, Hint: "`matrixos apps` lists the apps"}
}

// Restore brings rows back as they were, as a landing that can be undone.
func (a *apps) Restore(ctx context.Context, slug sys.Slug, tables map[string][]app.Row) (info sys.LandingInfo, err error) {
	if err := a.disk.RoomForData(ctx, slug); err != nil {
		return info, err
	}
	n := 0
	err = a.inRows(ctx, slug, func(rows *app.Rows, t *disk.Txn) error {
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			n += len(tables[name])
			if err := rows.Restore(ctx, name, tables[name]); err != nil {
				return err
			}
		}
		if err := rows.Close(); err != nil { // before the folder lands
			return err
		}
		info, err = t.Land(ctx, disk.Landing{Kind: sys.ByOwner, Title: fmt.Sprintf("Restored %d rows of %s", n, slug)})
		return err
	})
	if err == nil {
		a.Landed(ctx, info)
	}
	return info, err
}

// Search finds rows of all apps.
func (a *apps) Search(ctx context.Context, text string, limit int) ([]app.FoundRow, error) {
	a.Landed(ctx, sys.LandingInfo{})
	return a.runtime.Search(ctx, text, limit)
}

// inRows does fn with a private copy of an app's rows; what fn does not land is
// dropped.
func (a *apps) inRows(ctx context.Context, slug sys.Slug, fn func(*app.Rows, *disk.Txn) error) (err error) {
	view, folder, err := a.newest(ctx, slug)
	if err != nil {
		return err
	}
	found, err := app.Find(view)
	if err != nil {
		return err
	}
	t, err := a.disk.Begin(ctx, "rows of "+string(slug))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Drop()) }()
	full, err := t.Data(ctx, sys.Path("data/"+slug+"/"+slug+".sqlite"))
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Folder != folder {
			continue
		}
		rows, err := app.OpenRows(ctx, filepath.Dir(filepath.Dir(full)), f.Manifest)
		if err != nil {
			return err
		}
		return errors.Join(fn(rows, t), rows.Close())
	}
	return &sys.Error{Op: "read the rows of", Path: string(slug), Kind: sys.NotFound, Hint: "`matrixos apps` lists the apps"}
}
