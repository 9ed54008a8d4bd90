package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// Clash is a row that another window has changed in the same fields meanwhile.
type Clash struct {
	ID     string   `json:"id"`
	Fields []string `json:"fields"`
	Row    Row      `json:"row"` // as it is now
}

var errClash = errors.New("rows clash") // never leaves this package

// Merge changes rows as Update does, and keeps what others have changed since the
// caller saw them: each patch may bring along what its row was (Seen), field by
// field. A field that the patch leaves as it was stays as it is now; one that was
// changed there alone is changed; one that both have changed differently is a clash,
// and then nothing at all is changed.
func (t *Tables) Merge(ctx context.Context, name string, patches []Patch) ([]Clash, error) {
	const op = "update table"
	if !slices.ContainsFunc(patches, func(p Patch) bool { return known(p.Seen) }) {
		return nil, t.Update(ctx, name, patches)
	}
	decl, err := t.table(op, name)
	if err != nil {
		return nil, err
	}
	if len(patches) > maxBulk {
		return nil, invalid(op, name, "%d rows at once; at most %d are allowed", len(patches), maxBulk)
	}
	now := stamp(t.store.now())
	var clashes []Clash
	err = t.run(op, name, func(db *sql.DB) error {
		return inTx(ctx, db, func(tx *sql.Tx) error {
			clashes = nil
			for _, p := range patches {
				clash, err := mergeRow(ctx, tx, name, decl, p, now)
				if err != nil {
					return err
				}
				if clash != nil {
					clashes = append(clashes, *clash)
				}
			}
			if len(clashes) > 0 {
				return &sys.Error{Op: op, Path: name, Kind: sys.Conflict, Err: errClash}
			}
			return nil
		})
	})
	if errors.Is(err, errClash) {
		return clashes, nil
	}
	return nil, err
}

// mergeRow carries out one patch of Merge.
func mergeRow(ctx context.Context, tx *sql.Tx, name string, decl Table, p Patch, now string) (*Clash, error) {
	const op = "update table"
	set, _, err := assign(op, name, decl, p.Data)
	if err != nil {
		return nil, err
	}
	seen := assignment{}
	if known(p.Seen) {
		// What is seen may hold columns that a newer manifest does not know: they are
		// not compared.
		if seen, _, err = assign(op, name, decl, onlyColumns(p.Seen, decl)); err != nil {
			seen = assignment{}
		}
	}
	columns := columnNames(decl)
	row, raw, err := current(ctx, tx, name, decl, columns, p.ID)
	if err != nil {
		return nil, err
	}
	var fields []string
	var apply assignment
	for i, column := range set.columns {
		at := slices.Index(seen.columns, column)
		is := raw[slices.Index(columns, column)]
		switch {
		case at < 0, same(is, seen.values[at]): // nobody else has changed it
			apply.columns, apply.values = append(apply.columns, column), append(apply.values, set.values[i])
		case same(set.values[i], seen.values[at]), same(set.values[i], is): // this window has not, or alike
		default:
			fields = append(fields, column)
		}
	}
	if len(fields) > 0 {
		return &Clash{ID: p.ID, Fields: fields, Row: row}, nil
	}
	q := fmt.Sprintf(`UPDATE %q SET "%s" = ? WHERE "id" = ?`, name, strings.Join(append(apply.columns, "updated_at"), `" = ?, "`))
	res, err := tx.ExecContext(ctx, q, append(apply.values, now, strings.ToLower(p.ID))...)
	return nil, found(op, name, p.ID, res, err)
}

// current reads a row, dressed for an app and as SQLite has it.
func current(ctx context.Context, tx *sql.Tx, name string, decl Table, columns []string, id string) (Row, []any, error) {
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	err := tx.QueryRowContext(ctx, selectFrom(name, columns)+` WHERE "id" = ?`, strings.ToLower(id)).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, &sys.Error{Op: "update table", Path: name, Kind: sys.NotFound, Err: fmt.Errorf("there is no row with the id %q", id)}
	}
	if err != nil {
		return nil, nil, err
	}
	row := make(Row, len(columns))
	for i, c := range columns {
		typ, _ := typeOf(decl, c) // columns are decl's own
		row[c] = decode(typ, values[i])
	}
	return row, values, nil
}

func known(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && string(raw) != "null"
}

// onlyColumns leaves out what decl does not declare.
func onlyColumns(raw json.RawMessage, decl Table) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return json.RawMessage("{}")
	}
	for column := range all {
		if _, ok := decl.Columns[column]; !ok {
			delete(all, column)
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		return json.RawMessage("{}")
	}
	return out
}

// same compares two values as SQLite holds them.
func same(a, b any) bool {
	if text, ok := a.([]byte); ok {
		a = string(text)
	}
	switch a := a.(type) {
	case int64:
		if f, ok := b.(float64); ok {
			return float64(a) == f
		}
	case float64:
		if n, ok := b.(int64); ok {
			return a == float64(n)
		}
	case time.Time:
		return stamp(a) == b
	}
	return a == b
}
