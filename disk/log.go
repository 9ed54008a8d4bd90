package disk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// migrations are the disk's tables in kernel.db.
var migrations = []string{`
CREATE TABLE disk_head(
	one       INTEGER PRIMARY KEY CHECK(one = 1),
	landing   INTEGER NOT NULL,
	commit_id TEXT NOT NULL,
	tree      TEXT NOT NULL);
CREATE TABLE disk_redo(
	landing INTEGER PRIMARY KEY,
	boot    TEXT NOT NULL,
	applied INTEGER NOT NULL,
	record  BLOB NOT NULL);
CREATE TABLE disk_landing(
	landing    INTEGER PRIMARY KEY,
	commit_id  TEXT NOT NULL UNIQUE,
	tree       TEXT NOT NULL,
	kind       TEXT NOT NULL,
	title      TEXT NOT NULL,
	time       INTEGER NOT NULL,
	changes    TEXT NOT NULL,
	apps       TEXT NOT NULL,
	created    TEXT NOT NULL,
	provenance TEXT NOT NULL,
	undoes     INTEGER NOT NULL DEFAULT 0,
	undone_by  INTEGER NOT NULL DEFAULT 0);
CREATE TABLE disk_touched(
	path    TEXT NOT NULL,
	landing INTEGER NOT NULL,
	PRIMARY KEY(path, landing)) WITHOUT ROWID;
`, `
CREATE TABLE disk_conflict(
	id    TEXT PRIMARY KEY,
	time  INTEGER NOT NULL,
	state TEXT NOT NULL,
	row   BLOB NOT NULL);
CREATE TABLE disk_conflict_answer(
	id      TEXT NOT NULL,
	path    TEXT NOT NULL,
	content BLOB,
	PRIMARY KEY(id, path)) WITHOUT ROWID;
`}

// insertLanding adds a row to the landings table, which git could rebuild.
func insertLanding(ctx context.Context, tx *journal.Tx, info sys.LandingInfo, tree git.Hash, changes []change) error {
	_, err := tx.Exec(ctx, `INSERT INTO disk_landing(landing, commit_id, tree, kind, title, time, changes, apps, created, provenance, undoes)
		VALUES(?,?,?,?,?,?,?,?,?,?,?)`,
		info.ID, info.Commit, tree.String(), string(info.Kind), info.Title, info.Time.UnixNano(),
		listedJSON(info.Changes), listedJSON(info.Apps), listedJSON(info.Created), listedJSON(info.Provenance), info.Provenance.Undoes)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO disk_touched(path, landing) VALUES(?,?)`, c.path, info.ID); err != nil {
			return err
		}
	}
	return setUndone(ctx, tx, info.Provenance.Undoes, info.ID)
}

// setUndone notes that undone is taken back by undo. If undone was itself the
// undoing of a third, that one is in effect again, and so on.
func setUndone(ctx context.Context, tx *journal.Tx, undone, by sys.LandingID) error {
	for on := false; undone != 0; on = !on {
		value := by
		if on {
			value = 0
		}
		if _, err := tx.Exec(ctx, `UPDATE disk_landing SET undone_by = ? WHERE landing = ?`, value, undone); err != nil {
			return err
		}
		by = undone
		err := tx.QueryRow(ctx, `SELECT undoes FROM disk_landing WHERE landing = ?`, undone).Scan(&undone)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scanLandings(rows *sql.Rows) (out []sys.LandingInfo, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l sys.LandingInfo
		var at int64
		var changes, apps, created, provenance []byte
		if err := rows.Scan(&l.ID, &l.Commit, &l.Kind, &l.Title, &at, &changes, &apps, &created, &provenance, &l.UndoneBy); err != nil {
			return nil, err
		}
		l.Time = time.Unix(0, at).UTC()
		for _, f := range []struct {
			from []byte
			to   any
		}{{changes, &l.Changes}, {apps, &l.Apps}, {created, &l.Created}, {provenance, &l.Provenance}} {
			if err := json.Unmarshal(f.from, f.to); err != nil {
				return nil, fmt.Errorf("landing %s: %w", l.ID, err)
			}
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// landing returns one row and the trees after and before it.
func (d *Disk) landing(ctx context.Context, id sys.LandingID) (info sys.LandingInfo, after, before git.Hash, err error) {
	if id <= 0 {
		id = d.Head()
	}
	rows, err := d.j.Query(ctx, `SELECT `+landingColumns+` FROM disk_landing WHERE landing = ?`, id)
	if err != nil {
		return info, after, before, err
	}
	found, err := scanLandings(rows)
	if err != nil {
		return info, after, before, err
	}
	if len(found) == 0 {
		return info, after, before, noLanding(id)
	}
	if after, err = d.treeOf(ctx, id); err == nil && id > 1 {
		before, err = d.treeOf(ctx, id-1)
	}
	err = errors.Join(err, d.fillData(ctx, found))
	return found[0], after, before, err
}

func noLanding(id sys.LandingID) error {
	return &sys.Error{Op: "find landing", Path: id.String(), Kind: sys.NotFound, Hint: "`matrixos log` lists the landings there are"}
}

func (d *Disk) treeOf(ctx context.Context, id sys.LandingID) (git.Hash, error) {
	var tree string
	err := d.j.QueryRow(ctx, `SELECT tree FROM disk_landing WHERE landing = ?`, id).Scan(&tree)
	if errors.Is(err, sql.ErrNoRows) {
		return git.Hash{}, noLanding(id)
	}
	if err != nil {
		return git.Hash{}, err
	}
	return git.ParseHash(tree)
}

// rebuild fills the tables from the history, for a home whose kernel.db is new.
func (d *Disk) rebuild(ctx context.Context) error {
	at, err := d.repo.Ref(mainRef)
	if errors.Is(err, git.ErrNotFound) {
		return nil // a new home
	}
	if err != nil {
		return err
	}
	type step struct {
		info sys.LandingInfo
		tree git.Hash
	}
	var steps []step // newest first
	for !at.IsZero() {
		h, err := d.repo.History(at)
		if err != nil {
			return err
		}
		info := parseMessage(at, h)
		if info.ID == 0 {
			info.Kind = sys.ByOwner // a commit made by hand
		}
		steps = append(steps, step{info, h.Tree})
		at = h.Parent
	}
	var head point
	err = d.j.Update(ctx, func(tx *journal.Tx) error {
		for i, s := range slices.Backward(steps) {

			commit, err := git.ParseHash(s.info.Commit)
			if err != nil {
				return err
			}
			s.info.ID = sys.LandingID(len(steps) - i)
			var changes []change
			if err := d.objects().diff(head.tree, s.tree, "", &changes); err != nil {
				return err
			}
			sortChanges(changes)
			full, err := d.describe(head, s.tree, decision{changes: changes, objects: d.objects()})
			if err != nil {
				return err
			}
			s.info.Changes, s.info.Apps, s.info.Created = full.Changes, full.Apps, full.Created
			if err := insertLanding(ctx, tx, s.info, s.tree, changes); err != nil {
				return err
			}
			head = point{s.info.ID, commit, s.tree}
		}
		_, err := tx.Exec(ctx, `INSERT INTO disk_head(one, landing, commit_id, tree) VALUES(1,?,?,?)`, head.id, head.commit.String(), head.tree.String())
		return err
	})
	if err == nil {
		d.log.WarnContext(ctx, "kernel.db was missing; the landings were read from the history", "landings", len(steps))
		d.head.Store(&head)
	}
	return err
}
