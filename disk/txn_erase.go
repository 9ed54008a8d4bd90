package disk

import (
	"context"
	"errors"

	"matrixos/disk/rows"
	"matrixos/sys"
)

// Erased is a table, or a whole database, of which a transaction removes rows.
type Erased struct {
	Path    sys.Path // the database
	Table   string   // "" for all tables of it together
	Removed int
	Of      int    // rows that it had
	Dropped bool   // the table itself goes
	Sum     string // names exactly the rows of a table that go
}

// Erases lists what the transaction removes so far from the databases that it was given,
// table by table, and after the tables of each database all of them together.
func (t *Txn) Erases(ctx context.Context) (out []Erased, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, err := t.rowsLocked(ctx)
	if err != nil {
		return nil, explain("list what is removed", t.label, err)
	}
	for _, c := range list {
		one, err := c.erased(ctx, t.data.given[c.path].base)
		if err != nil {
			return nil, explain("list what is removed", c.path, err)
		}
		out = append(out, one...)
	}
	return out, nil
}

// erased says what is removed of the database that base is a copy of.
func (c rowChange) erased(ctx context.Context, base string) (out []Erased, err error) {
	gone := c.set.Removed()
	if base == "" || len(gone) == 0 {
		return nil, nil
	}
	db, err := rows.Open(ctx, base, rows.ToRead, waitForWriter)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	had, err := rows.Counts(ctx, db)
	if err != nil {
		return nil, err
	}
	all := Erased{Path: sys.Path(c.path)}
	for _, n := range had {
		all.Of += n
	}
	for _, g := range gone {
		e := Erased{Path: all.Path, Table: g.Table, Removed: g.Rows, Of: had[g.Table], Dropped: g.Dropped, Sum: g.Sum}
		if g.Dropped {
			e.Removed = e.Of
		}
		all.Removed += e.Removed
		if e.Removed > 0 {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return append(out, all), nil
}
