package disk

import (
	"context"
	"errors"
	"io/fs"

	"matrixos/disk/git"
	"matrixos/sys"
)

// RowCheck decides whether rows may come into a database. It is called with the database
// as it is, and returns what is called when the landing's rows are in it (nil: nothing
// has to be), whose error refuses the landing: what was so before is then known from what
// the landing would bring about. Both run while nobody else can write to the database or
// land, so they must be quick, and land nothing. What the owner does by hand is not shown
// to them, unless Landing.Held says so.
type RowCheck func(ctx context.Context, c RowsChecked) (after func(context.Context) error, err error)

// RowsChecked is what a RowCheck sees.
type RowsChecked struct {
	Tree   fs.FS // the home as it will be
	Before fs.FS // the home as it is
	Path   sys.Path
	Kind   sys.LandingKind
	Held   bool // see Landing.Held
	// Ask runs one reading statement on the database as it is at that moment and gives
	// each its rows, one by one, until it returns false.
	Ask func(ctx context.Context, query string, each func(columns []string, row []any) bool) error
}

// SetRowChecks says what the rows of every landing have to pass, except what the owner
// did by hand; see Landing.Held.
func (d *Disk) SetRowChecks(checks ...RowCheck) { d.rowChecks.Store(&checks) }

// checkedRows applies one set of changes between the two halves of the checks.
func (p *preparation) checkedRows(ctx context.Context, n decision, tree git.Hash, path string, o *openRows, apply func() (conflicts bool, err error)) error {
	list := *p.d.rowChecks.Load()
	if n.landing.Kind == sys.ByOwner && !n.landing.Held {
		list = nil
	}
	c := RowsChecked{Path: sys.Path(path), Kind: n.landing.Kind, Held: n.landing.Held, Ask: o.ask}
	if c.Kind == "" {
		c.Kind = sys.ByAgent
	}
	var after []func(context.Context) error
	for _, check := range list {
		at := p.d.at()
		c.Tree, c.Before = &View{objects: n.objects, tree: tree, at: at.id}, &View{objects: objects{repo: p.d.repo}, tree: at.tree, at: at.id}
		fn, err := check(ctx, c)
		if err != nil {
			return err
		}
		if fn != nil {
			after = append(after, fn)
		}
	}
	if conflicts, err := apply(); err != nil || conflicts {
		return err
	}
	for _, fn := range after {
		if err := fn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ask runs one reading statement in the open transaction.
func (o *openRows) ask(ctx context.Context, query string, each func(columns []string, row []any) bool) (err error) {
	if _, err := o.tx.ExecContext(ctx, `PRAGMA query_only=1`); err != nil {
		return err
	}
	defer func() {
		_, off := o.tx.ExecContext(context.WithoutCancel(ctx), `PRAGMA query_only=0`)
		err = errors.Join(err, off)
	}()
	found, err := o.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	for found.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return err
		}
		if !each(columns, row) {
			return nil
		}
	}
	return found.Err()
}
