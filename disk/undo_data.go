package disk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"matrixos/disk/chunk"
	"matrixos/disk/rows"
	"matrixos/journal"
	"matrixos/sys"
)

// UndoWhat says which part of a landing an undo takes back.
type UndoWhat string

// The parts of a landing.
const (
	UndoBoth UndoWhat = ""     // files and rows
	UndoCode UndoWhat = "code" // files only
	UndoData UndoWhat = "data" // rows and schema of databases only
)

// undoRows returns what takes a landing's changes of databases back, its migrations
// by the app runtime included. Rows that came later stay; so does a column or a table
// that they use.
func (d *Disk) undoRows(ctx context.Context, id sys.LandingID, what UndoWhat) ([]rowChange, error) {
	if what == UndoCode {
		return nil, nil
	}
	landed, err := d.rowsOf(ctx, id, originLanded)
	if err != nil {
		return nil, err
	}
	migrated, err := d.rowsOf(ctx, id, originMigrated)
	if err != nil {
		return nil, err
	}
	var out []rowChange
	gone := func(c rowChange) bool { return !fileThere(filepath.Join(d.root, c.path)) } // the owner has removed it
	landed, migrated = slices.DeleteFunc(landed, gone), slices.DeleteFunc(migrated, gone)
	for _, c := range landed {
		back, ok := c.set.Inverse()
		if !ok {
			if back, err = d.inverseByCopy(ctx, id, c); err != nil {
				return nil, err
			}
		}
		out = append(out, rowChange{path: c.path, set: back, mode: rows.Mode{KeepUsed: true}})
	}
	for _, c := range migrated { // came last, goes first; it has no rows
		back, _ := c.set.Inverse()
		i := slices.IndexFunc(out, func(o rowChange) bool { return o.path == c.path })
		if i < 0 {
			out = append(out, rowChange{path: c.path, set: back, mode: rows.Mode{KeepUsed: true}})
			continue
		}
		out[i].set.Steps = append(back.Steps, out[i].set.Steps...)
	}
	if len(out) == 0 && what == UndoData {
		return nil, &sys.Error{Op: "undo", Path: id.String(), Kind: sys.NotFound, Err: errors.New("it has changed no data"), Hint: "leave out --data, or bring a copy back with `matrixos restore FILE --at " + id.String() + "`"}
	}
	return out, nil
}

// inverseByCopy takes back what has removed something, with the copy that was taken
// before the landing.
func (d *Disk) inverseByCopy(ctx context.Context, id sys.LandingID, c rowChange) (out rows.Changeset, err error) {
	list, err := d.copies(ctx)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(list, func(k Copy) bool { return k.Landing == id && string(k.Path) == c.path })
	if i < 0 {
		return out, &sys.Error{Op: "undo", Path: c.path, Kind: sys.NotFound, Err: fmt.Errorf("the copy of it before %s is not kept any more", id), Hint: "undo the code only with --code, or bring another copy back: `matrixos data` lists them"}
	}
	dir, drop, err := d.scratch()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	for _, to := range []string{before, after} {
		if err := d.chunkCopy(ctx, list[i].root, to); err != nil {
			return out, err
		}
	}
	if err := applyTo(ctx, after, c.set, rows.Mode{}); err != nil {
		return out, err
	}
	return rows.Diff(ctx, after, before, filepath.Join(dir, "scratch"))
}

// RestoreData brings an app's database back, whole, to the copy that was taken before
// landing at changed it (or, if that one did not, to the state it had then), by a new
// landing that can be undone: a copy of what is there now is taken first. A damaged
// database goes to displaced, but where the landing fails: then it stays as it was.
func (d *Disk) RestoreData(ctx context.Context, path sys.Path, at sys.LandingID, o RestoreOptions) (Restored, error) {
	out, err := d.restoreData(ctx, string(path), at, o)
	return out, explain("restore", string(path), err)
}

func (d *Disk) restoreData(ctx context.Context, path string, at sys.LandingID, o RestoreOptions) (out Restored, err error) {
	if err := d.usable("restore"); err != nil {
		return out, err
	}
	root, err := d.copyAt(ctx, path, at)
	if err != nil {
		return out, err
	}
	dir, drop, err := d.scratch()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	wanted, now := filepath.Join(dir, "wanted"), filepath.Join(dir, "now")
	if err := d.chunkCopy(ctx, root, wanted); err != nil {
		return out, err
	}
	there, err := d.privateCopy(ctx, path, now)
	var set rows.Changeset
	if err == nil {
		if !there {
			now = ""
		}
		set, err = rows.Diff(ctx, now, wanted, filepath.Join(dir, "scratch"))
	}
	damaged := rows.Damaged(err)
	if err == nil && now != "" { // damage may lie where nothing had to be compared
		what, e := rows.Check(ctx, now)
		damaged, err = what != "", e
	}
	if damaged {
		set, err = rows.Diff(ctx, "", wanted, filepath.Join(dir, "scratch2"))
	}
	if err != nil {
		return out, err
	}
	change := rowChange{path: path, set: set, anew: damaged}
	if set.Empty() && !damaged {
		return out, &sys.Error{Op: "restore", Path: path, Kind: sys.Exists, Err: fmt.Errorf("it is as it was at %s already", at), Hint: "`matrixos data` lists other copies"}
	}
	out.Files = []FileDiff{change.diff()}
	if o.Preview {
		out.Landing = sys.LandingInfo{Kind: sys.ByOwner, Data: []sys.DataChange{change.summary()}, Changes: []sys.Change{}}
		return out, nil
	}
	if o.Kind == "" {
		o.Kind = sys.ByOwner
	}
	o.Provenance.Restores = at
	a := &attempt{
		d: d, op: "restore", rows: []rowChange{change}, objects: d.objects(),
		landing: Landing{Kind: o.Kind, Title: fmt.Sprintf("Restored %s as of before %s", path, at), Provenance: o.Provenance},
	}
	out.Landing, err = a.run(ctx)
	return out, err
}

// copyAt finds the copy that shows a database before a landing.
func (d *Disk) copyAt(ctx context.Context, path string, at sys.LandingID) (chunk.Root, error) {
	if _, ok := isDatabase(path); !ok {
		return chunk.Root{}, &sys.Error{Op: "restore", Path: path, Kind: sys.Invalid, Err: errors.New("it is no database of an app"), Hint: "`matrixos data` lists them"}
	}
	list, err := d.copies(ctx)
	if err != nil {
		return chunk.Root{}, err
	}
	var found *Copy
	for i, c := range list { // newest first
		if string(c.Path) == path && c.Landing >= at {
			found = &list[i]
		}
	}
	if found == nil {
		return chunk.Root{}, &sys.Error{Op: "restore", Path: path, Kind: sys.NotFound, Err: fmt.Errorf("there is no copy of it from %s or later", at), Hint: "`matrixos data` lists the copies there are"}
	}
	return found.root, nil
}

// Migration is what the app runtime did to a database to follow a manifest: only
// additions.
type Migration struct {
	Path    sys.Path
	Tables  map[string]string    // new tables, with the statement that made each
	Columns map[[2]string]string // new columns, by table and name, with their definition
	Indexes map[[2]string]string // new indexes, by table and name, with their statement
}

// NoteMigration records a migration with the landing that caused it, so that undoing
// that landing can take it back.
func (d *Disk) NoteMigration(ctx context.Context, id sys.LandingID, m Migration) error {
	var set rows.Changeset
	for name, stmt := range m.Tables {
		set.Steps = append(set.Steps, rows.Step{Verb: rows.CreateTable, Table: name, SQL: stmt})
	}
	for at, def := range m.Columns {
		set.Steps = append(set.Steps, rows.Step{Verb: rows.AddColumn, Table: at[0], Name: at[1], SQL: def})
	}
	for at, stmt := range m.Indexes {
		set.Steps = append(set.Steps, rows.Step{Verb: rows.Create, Kind: "index", Table: at[0], Name: at[1], SQL: stmt})
	}
	if set.Empty() {
		return nil
	}
	earlier, err := d.rowsOf(ctx, id, originMigrated)
	if err != nil {
		return explain("record migration", string(m.Path), err)
	}
	for _, c := range earlier {
		if c.path == string(m.Path) {
			set.Steps = append(c.set.Steps, set.Steps...)
		}
	}
	slices.SortStableFunc(set.Steps, func(a, b rows.Step) int { return int(a.Verb) - int(b.Verb) })
	r := rowRecord{rowChange: rowChange{path: string(m.Path), set: set}, raw: set.Encode()}
	r.size = int64(len(r.raw))
	return explain("record migration", string(m.Path), d.j.Update(ctx, func(tx *journal.Tx) error {
		return insertRows(ctx, tx, id, originMigrated, r)
	}))
}
