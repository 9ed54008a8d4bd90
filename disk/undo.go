package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"matrixos/journal"
	"matrixos/sys"
)

// FileDiff is what happened to one file.
type FileDiff struct {
	Path         sys.Path     `json:"path"`
	From         sys.Path     `json:"from,omitempty"` // of a renamed file: what it was called before
	Op           sys.ChangeOp `json:"op"`
	Binary       bool         `json:"binary,omitempty"`
	AddedLines   int          `json:"added_lines,omitempty"` // 0 if Binary
	DeletedLines int          `json:"deleted_lines,omitempty"`
	Patch        string       `json:"patch,omitempty"` // unified; empty if Binary, or if only the mode or the name changed
	Left         string       `json:"left,omitempty"`  // of a partial undo: what stays of the landing in this file
}

// Show returns a landing and what it did to each file; 0 means the newest.
func (d *Disk) Show(ctx context.Context, id sys.LandingID) (sys.LandingInfo, []FileDiff, error) {
	info, after, before, err := d.landing(ctx, id)
	if err != nil {
		return info, nil, explain("show", id.String(), err)
	}
	o := d.objects()
	var changes []change
	if err := o.diff(before, after, "", &changes); err != nil {
		return info, nil, explain("show", id.String(), err)
	}
	sortChanges(changes)
	files, err := o.patches(changes)
	if err != nil {
		return info, nil, explain("show", id.String(), err)
	}
	data, err := d.rowsOf(ctx, info.ID)
	for _, c := range data {
		files = append(files, c.diff())
	}
	return info, files, explain("show", id.String(), err)
}

// patches renders changes for people.
func (o objects) patches(changes []change) ([]FileDiff, error) {
	return o.describeDiff(changes, false)
}

// UndoOptions are what a caller may say about an undo.
type UndoOptions struct {
	Preview    bool // only say what would happen
	What       UndoWhat
	Provenance sys.Provenance

	// Partial takes back only those hunks that later landings do not build on,
	// where the whole cannot be. FileDiff.Left says what stays.
	Partial bool
	// Keep has to accept the result. If the whole landing cannot be taken back, or
	// Keep refuses what that yields, the smallest part whose inverse Keep accepts
	// is taken back. It sees the home as it would be, and may run often.
	Keep func(ctx context.Context, tree fs.FS) error
	// Smallest takes the fewest hunks back that Keep accepts, also where the whole could be;
	// parts of lines only where later landings have changed the rest of them.
	Smallest bool

	Kind   sys.LandingKind         // ByUndo if empty
	Title  string                  // made from the landing's if empty
	Update func(*journal.Tx) error // run in the commit transaction; see Landing
}

// Undo takes one landing back, an old one too, by a new landing: later edits
// stay. If they build on it, nothing is undone and the error is a
// *ConflictError that names them, unless the options allow a part. Undoing
// an undo brings the first landing back. With Preview nothing lands: the ID is 0
// and the files are what it would do.
func (d *Disk) Undo(ctx context.Context, id sys.LandingID, o UndoOptions) (sys.LandingInfo, []FileDiff, error) {
	fail := func(err error) (sys.LandingInfo, []FileDiff, error) {
		return sys.LandingInfo{}, nil, explain("undo", id.String(), err)
	}
	if err := d.usable("undo"); err != nil {
		return fail(err)
	}
	a, err := d.inverse(ctx, id, o)
	if err != nil {
		return fail(err)
	}
	id = a.landing.Provenance.Undoes
	p := &part{a: a, keep: o.Keep, least: o.Smallest && o.Keep != nil, named: o.Title != ""}
	if o.Partial || o.Keep != nil {
		if err := p.reduce(ctx); err != nil {
			return fail(a.buildOn(ctx, err, id))
		}
	}
	if o.Preview {
		done, files, err := a.preview(ctx)
		if err != nil {
			return fail(a.buildOn(ctx, err, id))
		}
		files, err = p.left(files)
		return done, files, err
	}
	done, err := a.run(ctx)
	if err != nil {
		return fail(a.buildOn(ctx, err, id))
	}
	if done.ID == 0 {
		return fail(&sys.Error{Op: "undo", Path: id.String(), Kind: sys.Exists, Err: errors.New("nothing of it is left in the files"), Hint: "`matrixos log` shows what changed it since"})
	}
	_, files, err := d.Show(ctx, done.ID)
	if err == nil {
		files, err = p.left(files)
	}
	return done, files, err
}

// inverse is the landing that takes id back, not tried yet.
func (d *Disk) inverse(ctx context.Context, id sys.LandingID, o UndoOptions) (*attempt, error) {
	info, after, before, err := d.landing(ctx, id)
	if err != nil {
		return nil, err
	}
	id = info.ID
	switch {
	case id == 1:
		return nil, &sys.Error{Op: "undo", Path: id.String(), Kind: sys.Invalid, Err: errors.New("the first landing is the home itself"), Hint: "undo a later one, or delete the files you do not want"}
	case info.UndoneBy != 0 && !o.Smallest: // a part of it may be left
		return nil, &sys.Error{Op: "undo", Path: id.String(), Kind: sys.Exists, Err: fmt.Errorf("%s has undone it already", info.UndoneBy), Hint: fmt.Sprintf("to bring it back, undo %s", info.UndoneBy)}
	}
	a := &attempt{d: d, op: "undo", since: after, objects: d.objects(), landing: Landing{
		Kind: cmp.Or(o.Kind, sys.ByUndo), Title: cmp.Or(o.Title, undoTitle(info)), Provenance: o.Provenance, Update: o.Update,
	}}
	a.landing.Provenance.Undoes = id
	if o.What != UndoData {
		if err := a.objects.diff(after, before, "", &a.changes); err != nil {
			return nil, err
		}
		sortChanges(a.changes)
	}
	if a.rows, err = d.undoRows(ctx, id, o.What); err != nil {
		return nil, err
	}
	if o.Keep != nil {
		a.extra = []Check{func(ctx context.Context, c Checked) error { return o.Keep(ctx, c.Tree) }}
	}
	return a, nil
}

// buildOn adds to a conflict which later landings changed its files.
func (a *attempt) buildOn(ctx context.Context, err error, id sys.LandingID) error {
	var c *ConflictError
	if !errors.As(err, &c) {
		return err
	}
	seen := map[sys.LandingID]bool{}
	for _, f := range c.Files {
		list, e := a.d.Log(ctx, Query{Path: f.Path})
		if e != nil {
			return errors.Join(err, e)
		}
		for _, l := range list {
			if l.ID > id && l.UndoneBy == 0 && !seen[l.ID] {
				seen[l.ID] = true
				c.Since = append(c.Since, l.ID)
			}
		}
	}
	slices.Sort(c.Since)
	slices.Reverse(c.Since) // the newest has to go first
	return err
}

func undoTitle(info sys.LandingInfo) string {
	if info.Provenance.Undoes != 0 {
		return fmt.Sprintf("Redo %s (undo of the undo %s)", info.Provenance.Undoes, info.ID)
	}
	return fmt.Sprintf("Undo %s: %s", info.ID, info.Title)
}

// preview merges without landing. Edits by hand are recorded, as at any time.
func (a *attempt) preview(ctx context.Context) (sys.LandingInfo, []FileDiff, error) {
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	m, err := a.mergeLocked(ctx)
	if err != nil {
		return sys.LandingInfo{}, nil, explain("undo", a.landing.Provenance.Undoes.String(), err)
	}
	sortChanges(m.changes)
	tree, err := m.objects.update(m.head, m.changes)
	if err != nil {
		return sys.LandingInfo{}, nil, err
	}
	info, err := a.d.describe(a.d.at(), tree, decision{landing: a.landing, changes: m.changes, rows: a.rows, objects: m.objects})
	if err != nil {
		return sys.LandingInfo{}, nil, err
	}
	info.ID = 0
	files, err := m.objects.patches(m.changes)
	for _, c := range a.rows {
		files = append(files, c.diff())
	}
	return info, files, err
}
