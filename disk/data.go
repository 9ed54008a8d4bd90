package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/chunk"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// dataMigrations are the tables of app databases in kernel.db.
var dataMigrations = []string{`
CREATE TABLE disk_copy(
	path    TEXT NOT NULL,
	landing INTEGER NOT NULL, -- before which the copy was taken
	root    TEXT NOT NULL,
	size    INTEGER NOT NULL,
	added   INTEGER NOT NULL, -- bytes written for it
	shared  INTEGER NOT NULL, -- bytes of it that an earlier copy had
	time    INTEGER NOT NULL,
	PRIMARY KEY(path, landing)) WITHOUT ROWID;
CREATE TABLE disk_rows(
	landing INTEGER NOT NULL,
	path    TEXT NOT NULL,
	origin  TEXT NOT NULL,  -- landed: with the landing; migrated: by the app runtime after it
	changes BLOB NOT NULL,  -- empty if root is set
	root    TEXT NOT NULL,  -- where a large set of changes is kept
	size    INTEGER NOT NULL,
	summary TEXT NOT NULL,
	PRIMARY KEY(landing, path, origin)) WITHOUT ROWID;
`}

// The origins of changes in disk_rows.
const (
	originLanded   = "landed"
	originMigrated = "migrated"
)

const (
	dataFolder = "data"
	dataSuffix = ".sqlite"
	// waitForWriter is how long a landing waits for a program that is writing to a
	// database. Apps write for milliseconds.
	waitForWriter = 3 * time.Second
)

// isDatabase reports whether path is an app's database, and of which app.
func isDatabase(path string) (sys.Slug, bool) {
	rest, ok := strings.CutPrefix(path, dataFolder+"/")
	first, name, nested := strings.Cut(rest, "/")
	return sys.Slug(first), ok && nested && sys.Slug(first).Valid() && strings.HasSuffix(name, dataSuffix)
}

// IsDatabase reports whether p is an app's database: data/SLUG/….sqlite. These have
// no versions like files; Copies, Undo and RestoreData bring them back.
func IsDatabase(p sys.Path) bool {
	_, ok := isDatabase(string(p))
	return ok
}

// HoldsData reports whether p holds what an app keeps: a database, or the value of a key.
func HoldsData(p sys.Path) bool {
	_, _, key := appKey(string(p))
	return key || IsDatabase(p)
}

// rowChange is what a landing does to one database.
type rowChange struct {
	path string
	set  rows.Changeset
	mode rows.Mode
	anew bool // the file is damaged: the changes make another
}

func (c rowChange) public() sys.Change { return sys.Change{Path: sys.Path(c.path), Op: sys.Modified} }

// summary says in numbers what happens to the rows.
func (c rowChange) summary() sys.DataChange {
	out := sys.DataChange{Path: sys.Path(c.path)}
	for _, s := range c.set.Steps {
		out.Schema = append(out.Schema, s.String())
	}
	out.Tables = c.set.Names()
	for _, t := range c.set.Tables {
		added, changed, removed := t.Counts()
		out.Added, out.Changed, out.Removed = out.Added+added, out.Changed+changed, out.Removed+removed
	}
	return out
}

// mostRowsShown bounds how many rows a diff for people lists.
const mostRowsShown = 200

func (c rowChange) diff() FileDiff {
	text := c.set.Text(mostRowsShown)
	return FileDiff{Path: sys.Path(c.path), Op: sys.Modified, Patch: "--- a/" + c.path + "\n+++ b/" + c.path + "\n" + text}
}

// dataStore is the disk's side of app databases.
type dataStore struct {
	chunks *chunk.Store

	late []lateRows // decided, but not yet in the databases; guarded by Disk.mu

	mu     sync.Mutex // below Disk.mu
	copied map[string]copied
}

// copied is what is known of the newest copy of a database.
type copied struct {
	stat dataStat
	seen int64
	root chunk.Root
}

// dataStat is the state of a database on the disk, its log included.
type dataStat struct{ file, log stat }

// lateRows are the changes of a landing that a database has not got yet.
type lateRows struct {
	landing sys.LandingID
	path    string
}

func (d *Disk) openData(ctx context.Context) (err error) {
	d.data.copied = map[string]copied{}
	if err := os.MkdirAll(d.store("private"), 0o700); err != nil {
		return err
	}
	if d.data.chunks, err = chunk.Open(d.store("data")); err != nil {
		return err
	}
	return d.j.Migrate(ctx, "disk.data", dataMigrations...)
}

// dataState looks at a database without opening it; ok is false if there is none.
func (d *Disk) dataState(path string) (s dataStat, ok bool, err error) {
	if s.file, ok, err = look(d.rootFD, path); err != nil || !ok {
		return s, false, err
	}
	if s.file.kind() != unix.S_IFREG {
		return s, false, nil
	}
	s.log, _, err = look(d.rootFD, path+"-wal")
	return s, true, err
}

// certain reports whether nothing can have been written since seen.
func (s dataStat) certain(seen int64) bool {
	return seen-max(s.file.mtime, s.file.ctime, s.log.mtime, s.log.ctime) > int64(racy)
}

// databases lists the databases of apps; no slug means all apps.
func (d *Disk) databases(slugs ...sys.Slug) ([]string, error) {
	var out []string
	var roots []string
	for _, s := range slugs {
		roots = append(roots, dataFolder+"/"+string(s))
	}
	if len(slugs) == 0 {
		roots = []string{dataFolder}
	}
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(d.root, root), func(full string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			path := strings.TrimPrefix(full, d.root+"/")
			if _, ok := isDatabase(path); ok && e.Type().IsRegular() {
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// appsTouched are the apps whose databases a landing may be the reason to change:
// those whose folder or data it touches.
func appsTouched(changes []change, data []rowChange) []sys.Slug {
	var out []sys.Slug
	add := func(path string) {
		if slug, ok := sys.Path(path).App(); ok {
			out = append(out, slug)
		}
		if rest, ok := strings.CutPrefix(path, dataFolder+"/"); ok {
			if first, _, nested := strings.Cut(rest, "/"); nested && sys.Slug(first).Valid() {
				out = append(out, sys.Slug(first))
			}
		}
		// An app in a nested folder has a slug of its own, as a rule that of the folder.
		if rest, ok := strings.CutPrefix(path, "apps/"); ok {
			if parts := strings.Split(rest, "/"); len(parts) > 2 && sys.Slug(parts[1]).Valid() {
				out = append(out, sys.Slug(parts[1]))
			}
		}
	}
	for _, c := range changes {
		add(c.path)
	}
	for _, c := range data {
		add(c.path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rowsOf reads what a landing did to databases.
func (d *Disk) rowsOf(ctx context.Context, id sys.LandingID, origins ...string) ([]rowChange, error) {
	found, err := d.j.Query(ctx, `SELECT path, origin, changes, root, size FROM disk_rows WHERE landing = ? ORDER BY path, origin`, id)
	if err != nil {
		return nil, err
	}
	type record struct {
		path, origin, root string
		changes            []byte
		size               int64
	}
	var list []record
	for found.Next() {
		var r record
		if err := found.Scan(&r.path, &r.origin, &r.changes, &r.root, &r.size); err != nil {
			return nil, errors.Join(err, found.Close())
		}
		list = append(list, r)
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return nil, err
	}
	var out []rowChange
	for _, r := range list {
		if len(origins) > 0 && !slices.Contains(origins, r.origin) {
			continue
		}
		if r.root != "" {
			h, err := chunk.ParseHash(r.root)
			if err != nil {
				return nil, err
			}
			var b strings.Builder
			if err := d.data.chunks.WriteTo(ctx, chunk.Root{Hash: h, Size: r.size}, &b); err != nil {
				return nil, err
			}
			r.changes = []byte(b.String())
		}
		set, err := rows.Decode(r.changes)
		if err != nil {
			return nil, fmt.Errorf("landing %s, %s: %w", id, r.path, err)
		}
		out = append(out, rowChange{path: r.path, set: set})
	}
	return out, nil
}
