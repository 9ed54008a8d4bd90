package disk

import (
	"context"
	"errors"

	"matrixos/disk/rows"
	"matrixos/sys"
)

// Erased is a table, or a whole database, of which a transaction removes or empties rows; or
// the values of an app's keys.
type Erased struct {
	Path    sys.Path // the database
	Table   string   // "" for all tables of it together
	Removed int
	Emptied int    // rows that stay and say next to nothing any more
	Of      int    // rows that it had
	Dropped bool   // the table itself goes
	Sum     string // names exactly the rows of a table that go or are emptied
	Key     string // of an app, whose entries are counted instead of rows
}

// Erases lists what the transaction removes or empties so far in the databases that it was
// given, table by table, and after the tables of each database all of them together; then
// the same of the values of apps' keys.
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
	o := t.d.objects()
	changes, err := t.scanLocked(ctx, o)
	if err != nil {
		return nil, explain("list what is removed", t.label, err)
	}
	keys, err := t.keysErased(ctx, o, changes)
	return append(out, keys...), explain("list what is removed", t.label, err)
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
		e := Erased{Path: all.Path, Table: g.Table, Removed: g.Rows, Emptied: g.Emptied, Of: had[g.Table], Dropped: g.Dropped, Sum: g.Sum}
		if g.Dropped {
			e.Removed = e.Of
		}
		all.Removed, all.Emptied = all.Removed+e.Removed, all.Emptied+e.Emptied
		if e.Removed+e.Emptied > 0 {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return append(out, all), nil
}
