package disk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"time"

	"matrixos/disk/chunk"
	"matrixos/disk/rows"
	"matrixos/journal"
	"matrixos/sys"
)

// dataCopy is a copy of one database, on its way into the table of copies.
type dataCopy struct {
	path string
	stat dataStat
	root chunk.Root
	cost chunk.Cost
}

// mostHeld is the size of a database up to which it is copied while the lander is
// held: 8 MB take some 30 ms. A larger one is copied before, and again only by the
// next landing.
const mostHeld = 8 << 20

// copyData takes consistent copies of databases, those not above the given size (0:
// any). A database that is as it was at its last copy costs a look at the file. The
// copies are durable; until the writer is closed they are not garbage. A damaged
// database is no reason to refuse a landing, which may be the one that mends it: it
// has no copy, and the log says so.
func (d *Disk) copyData(ctx context.Context, w *chunk.Writer, paths []string, most int64) ([]dataCopy, error) {
	var out []dataCopy
	for _, path := range paths {
		before, ok, err := d.dataState(path)
		if err != nil {
			return nil, err
		}
		if !ok || most > 0 && before.file.size+before.log.size > most {
			continue
		}
		if root, ok := d.unchanged(path, before); ok {
			out = append(out, dataCopy{path, before, root, chunk.Cost{}})
			continue
		}
		c, err := d.copyOne(ctx, w, path, before)
		if rows.Damaged(err) {
			d.log.WarnContext(ctx, "a database is damaged and cannot be copied", "file", path, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	d.data.mu.Lock()
	defer d.data.mu.Unlock()
	for _, c := range out {
		if now, ok, err := d.dataState(c.path); err == nil && ok && now == c.stat {
			d.data.copied[c.path] = copied{now, time.Now().UnixNano(), c.root}
		}
	}
	return out, nil
}

func (d *Disk) copyOne(ctx context.Context, w *chunk.Writer, path string, before dataStat) (dataCopy, error) {
	r, pipe := io.Pipe()
	go func() { pipe.CloseWithError(rows.Pages(ctx, filepath.Join(d.root, path), pipe)) }()
	root, cost, err := w.Put(ctx, r)
	return dataCopy{path, before, root, cost}, errors.Join(err, r.Close())
}

// unchanged returns the newest copy of a database if it certainly is still that.
func (d *Disk) unchanged(path string, now dataStat) (chunk.Root, bool) {
	d.data.mu.Lock()
	defer d.data.mu.Unlock()
	c, ok := d.data.copied[path]
	return c.root, ok && c.stat == now && now.certain(c.seen)
}

// copyAhead takes the copies of a landing before the lander is held: large databases
// take long. Drop lets them become garbage if nothing has recorded them.
func (a *attempt) copyAhead(ctx context.Context) (drop func(), err error) {
	w := a.d.data.chunks.Begin()
	drop = func() {
		if err := w.Close(); err != nil {
			a.d.log.WarnContext(ctx, "a writer of copies could not be closed", "error", err)
		}
	}
	slugs := appsTouched(a.changes, a.rows)
	if len(slugs) == 0 {
		return drop, nil
	}
	paths, err := a.d.databases(slugs...)
	if err == nil {
		a.copies, err = a.d.copyData(ctx, w, paths, 0)
	}
	if err != nil {
		drop()
	}
	return drop, err
}

// copiesLocked completes the copies of a landing: those taken before the lander was
// held, renewed where a database has changed since and is small enough.
func (d *Disk) copiesLocked(ctx context.Context, w *chunk.Writer, n decision) ([]dataCopy, error) {
	if n.live && !touchesApps(n.changes) {
		return nil, nil // an app that writes its own keys is no reason for copies
	}
	paths, err := d.databases(appsTouched(n.changes, n.rows)...)
	if err != nil || len(appsTouched(n.changes, n.rows)) == 0 {
		return nil, err
	}
	held, err := d.copyData(ctx, w, paths, mostHeld)
	if err != nil {
		return nil, err
	}
	for _, c := range n.copies {
		i := slices.IndexFunc(held, func(h dataCopy) bool { return h.path == c.path })
		switch {
		case i < 0:
			held = append(held, c)
		case held[i].root == c.root:
			held[i].cost = c.cost
		}
	}
	return held, nil
}

func touchesApps(changes []change) bool {
	return slices.ContainsFunc(changes, func(c change) bool {
		_, ok := sys.Path(c.path).App()
		return ok
	})
}

// insertData records copies and changes of rows with their landing.
func (p *preparation) insertData(ctx context.Context, tx *journal.Tx, id sys.LandingID, at time.Time) error {
	for _, c := range p.copies {
		if _, err := tx.Exec(ctx, `INSERT INTO disk_copy(path, landing, root, size, added, shared, time) VALUES(?,?,?,?,?,?,?)`,
			c.path, id, c.root.Hash.String(), c.root.Size, c.cost.Stored, c.root.Size-c.cost.Fresh, at.UnixNano()); err != nil {
			return err
		}
	}
	for _, r := range p.rows {
		if err := insertRows(ctx, tx, id, originLanded, r); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO disk_touched(path, landing) VALUES(?,?)`, r.path, id); err != nil {
			return err
		}
	}
	return nil
}

// rowRecord is a set of changes in the form in which it is kept.
type rowRecord struct {
	rowChange
	raw  []byte     // empty if root is set
	root chunk.Root // where a large one is
	size int64
}

// record encodes a set of changes; a large one becomes durable among the copies.
func (c rowChange) record(ctx context.Context, w *chunk.Writer) (rowRecord, error) {
	r := rowRecord{rowChange: c, raw: c.set.Encode()}
	r.size = int64(len(r.raw))
	if len(r.raw) <= inlineMax {
		return r, nil
	}
	root, _, err := w.Put(ctx, readerOf(r.raw))
	r.raw, r.root = []byte{}, root
	return r, err
}

func insertRows(ctx context.Context, tx *journal.Tx, id sys.LandingID, origin string, r rowRecord) error {
	root := ""
	if !r.root.IsZero() {
		root = r.root.Hash.String()
	}
	_, err := tx.Exec(ctx, `INSERT OR REPLACE INTO disk_rows(landing, path, origin, changes, root, size, summary) VALUES(?,?,?,?,?,?,?)`,
		id, r.path, origin, r.raw, root, r.size, listedJSON(r.summary()))
	return err
}

// fillData adds to landings what they did to databases.
func (d *Disk) fillData(ctx context.Context, list []sys.LandingInfo) error {
	if len(list) == 0 {
		return nil
	}
	place := map[sys.LandingID]*sys.LandingInfo{}
	low, high := list[0].ID, list[0].ID
	for i := range list {
		place[list[i].ID] = &list[i]
		low, high = min(low, list[i].ID), max(high, list[i].ID)
	}
	found, err := d.j.Query(ctx, `SELECT landing, origin, summary FROM disk_rows WHERE landing BETWEEN ? AND ? ORDER BY landing, path, origin`, low, high)
	if err != nil {
		return err
	}
	for found.Next() {
		var id sys.LandingID
		var origin string
		var raw []byte
		if err := found.Scan(&id, &origin, &raw); err != nil {
			return errors.Join(err, found.Close())
		}
		var c sys.DataChange
		if err := json.Unmarshal(raw, &c); err != nil {
			return errors.Join(err, found.Close())
		}
		c.Migrated = origin == originMigrated
		if l := place[id]; l != nil {
			l.Data = append(l.Data, c)
		}
	}
	return errors.Join(found.Err(), found.Close())
}

// Copy is a kept copy of an app's database.
type Copy struct {
	App     sys.Slug      `json:"app"`
	Path    sys.Path      `json:"path"`
	Landing sys.LandingID `json:"landing"` // the copy shows the database just before it
	Time    time.Time     `json:"time"`
	Size    int64         `json:"size"`   // of the database
	Added   int64         `json:"added"`  // bytes that were written for it
	Shared  int64         `json:"shared"` // bytes of the database that an earlier copy had already
	root    chunk.Root
}

// Copies lists the copies of the databases of an app, newest first; "" means all
// apps.
func (d *Disk) Copies(ctx context.Context, app sys.Slug) ([]Copy, error) {
	list, err := d.copies(ctx)
	if err != nil {
		return nil, explain("list copies", string(app), err)
	}
	if app != "" {
		list = slices.DeleteFunc(list, func(c Copy) bool { return c.App != app })
	}
	return list, nil
}

func (d *Disk) copies(ctx context.Context) ([]Copy, error) {
	found, err := d.j.Query(ctx, `SELECT path, landing, root, size, added, shared, time FROM disk_copy ORDER BY landing DESC, path`)
	if err != nil {
		return nil, err
	}
	out := []Copy{}
	for found.Next() {
		var c Copy
		var root string
		var at int64
		if err := found.Scan(&c.Path, &c.Landing, &root, &c.Size, &c.Added, &c.Shared, &at); err != nil {
			return nil, errors.Join(err, found.Close())
		}
		if c.root.Hash, err = chunk.ParseHash(root); err != nil {
			return nil, errors.Join(err, found.Close())
		}
		c.root.Size, c.Time = c.Size, time.Unix(0, at).UTC()
		c.App, _ = isDatabase(string(c.Path))
		out = append(out, c)
	}
	return out, errors.Join(found.Err(), found.Close())
}

// ReadCopy writes a copy to w, verified.
func (d *Disk) ReadCopy(ctx context.Context, c Copy, w io.Writer) error {
	return explain("read copy", string(c.Path), d.data.chunks.WriteTo(ctx, c.root, w))
}
