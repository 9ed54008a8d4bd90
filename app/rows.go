package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"matrixos/app/internal/store"
	"matrixos/sys"
)

// Query selects rows, as windows of an app do.
type Query = store.Query

// Row is one row of an app.
type Row = store.Row

// Patch is what to change in one row.
type Patch = store.Patch

// Rows is the rows of one app in a folder of databases, which may be a
// transaction's, held to the rules that the app's windows are held to. Close it
// before the folder lands.
type Rows struct {
	*store.Tables
	store    *store.Store
	manifest Manifest
}

// OpenRows opens the rows of the app that m describes below a data folder, and
// makes what tables are missing there.
func OpenRows(ctx context.Context, data string, m Manifest) (*Rows, error) {
	s := store.New(data)
	_, problems, err := s.Migrate(ctx, m.Slug, m.Storage.Tables)
	if err == nil && len(problems) > 0 {
		err = &sys.Error{Op: "open the rows of", Path: string(m.Slug), Kind: sys.NotVerified, Err: fmt.Errorf("its manifest does not fit them: %s", problems[0].Text), Hint: "mend storage.tables in its manifest"}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Rows{s.Tables(m.Slug, m.Storage.Tables), s, m}, nil
}

// Close lets the database go.
func (r *Rows) Close() error { return r.store.Close() }

// Schema is the app's tables: by name, its columns and their types.
func (r *Rows) Schema() map[string]map[string]string { return columnsOf(r.manifest) }

// Sum is a group of rows and what a column of theirs adds up to.
type Sum struct {
	Group any     `json:"group,omitempty"`
	Sum   float64 `json:"sum"`
	Rows  int     `json:"rows"`
}

// page is how many rows Sums reads at once.
const page = 1000

// Sums adds a column of numbers up over all rows that where selects, for each value
// of the column group, the largest sum first; in one group if group is empty. Rows
// without a number count as nothing.
func (r *Rows) Sums(ctx context.Context, table, column, group string, where json.RawMessage) ([]Sum, error) {
	types := r.manifest.Storage.Tables[table].Columns
	if kind, ok := types[column]; r.manifest.Storage.Tables[table].Columns != nil && (!ok || kind != store.Integer && kind != store.Float) {
		return nil, &sys.Error{Op: "add up", Path: table + "." + column, Kind: sys.Invalid, Err: errors.New("it is no column of numbers"), Hint: fmt.Sprintf("the columns are %v", types)}
	}
	if _, ok := types[group]; group != "" && types != nil && !ok {
		return nil, &sys.Error{Op: "add up", Path: table + "." + group, Kind: sys.Invalid, Err: errors.New("there is no such column"), Hint: fmt.Sprintf("the columns are %v", types)}
	}
	sums := map[string]*Sum{}
	limit := page
	for offset := 0; ; offset += page {
		rows, err := r.Find(ctx, table, Query{Where: where, OrderBy: json.RawMessage(`{"id":"asc"}`), Limit: &limit, Offset: offset})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			key := fmt.Sprint(row[group])
			s := sums[key]
			if s == nil {
				s = &Sum{Group: row[group]}
				sums[key] = s
			}
			s.Rows++
			switch v := row[column].(type) {
			case float64:
				s.Sum += v
			case int64:
				s.Sum += float64(v)
			}
		}
		if len(rows) < page {
			break
		}
	}
	var out []Sum
	for _, k := range slices.Sorted(maps.Keys(sums)) {
		s := *sums[k]
		s.Sum = math.Round(s.Sum*1e6) / 1e6 // cents that add up to no third of one
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b Sum) int { return cmp.Compare(b.Sum, a.Sum) })
	return out, nil
}
