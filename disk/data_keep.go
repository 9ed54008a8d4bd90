package disk

import (
	"context"
	"time"

	"matrixos/disk/chunk"
	"matrixos/journal"
	"matrixos/sys"
)

const (
	keepAll   = 24 * time.Hour
	keepDaily = 30 * 24 * time.Hour
)

// Kept decides which copies stay, newest first in and out: all of the last day, the
// last one of each day of the last 30, the newest of each database, and the one that
// shows each database as of a named snapshot: the first copy after it.
func Kept(copies []Copy, now time.Time, snapshots []sys.LandingID) []Copy {
	keep := make([]bool, len(copies))
	newest := map[sys.Path]bool{}
	daily := map[sys.Path]map[string]bool{}
	for i, c := range copies { // newest first
		if daily[c.Path] == nil {
			daily[c.Path] = map[string]bool{}
		}
		day := c.Time.UTC().Format(time.DateOnly)
		age := now.Sub(c.Time)
		keep[i] = age <= keepAll || !newest[c.Path] || age <= keepDaily && !daily[c.Path][day]
		newest[c.Path], daily[c.Path][day] = true, true
	}
	for _, at := range snapshots {
		first := map[sys.Path]int{}
		for i, c := range copies {
			if c.Landing > at {
				first[c.Path] = i // the last one found is the oldest
			}
		}
		for _, i := range first {
			keep[i] = true
		}
	}
	var out []Copy
	for i, c := range copies {
		if keep[i] {
			out = append(out, c)
		}
	}
	return out
}

// PruneCopies forgets the copies of databases that are not to be kept (see Kept) and
// frees what only they needed. It returns how many copies went and how many bytes
// that freed. Landings that have to copy a database wait meanwhile.
func (d *Disk) PruneCopies(ctx context.Context, now time.Time) (gone int, freed int64, err error) {
	if err := d.usable("prune copies"); err != nil {
		return 0, 0, err
	}
	named, err := d.Snapshots(ctx)
	if err != nil {
		return 0, 0, err
	}
	var at []sys.LandingID
	for _, s := range named {
		at = append(at, s.Landing)
	}
	freed, err = d.data.chunks.Sweep(ctx, func(ctx context.Context) ([]chunk.Root, error) {
		d.data.mu.Lock()
		clear(d.data.copied) // what goes must not be taken for the newest copy
		d.data.mu.Unlock()
		all, err := d.copies(ctx)
		if err != nil {
			return nil, err
		}
		kept := Kept(all, now, at)
		gone = len(all) - len(kept)
		if gone > 0 {
			if err := d.forgetCopies(ctx, all, kept); err != nil {
				return nil, err
			}
		}
		return d.wantedChunks(ctx, kept)
	})
	return gone, freed, explain("prune copies", d.root, err)
}

func (d *Disk) forgetCopies(ctx context.Context, all, kept []Copy) error {
	type id struct {
		path    sys.Path
		landing sys.LandingID
	}
	stays := map[id]bool{}
	for _, c := range kept {
		stays[id{c.Path, c.Landing}] = true
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		for _, c := range all {
			if stays[id{c.Path, c.Landing}] {
				continue
			}
			if _, err := tx.Exec(ctx, `DELETE FROM disk_copy WHERE path = ? AND landing = ?`, string(c.Path), c.Landing); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantedChunks are the contents that the copies and the large sets of changes need.
func (d *Disk) wantedChunks(ctx context.Context, kept []Copy) ([]chunk.Root, error) {
	var out []chunk.Root
	for _, c := range kept {
		out = append(out, c.root)
	}
	found, err := d.j.Query(ctx, `SELECT root, size FROM disk_rows WHERE root <> ''`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var root string
		var r chunk.Root
		if err := found.Scan(&root, &r.Size); err != nil {
			return nil, err
		}
		if r.Hash, err = chunk.ParseHash(root); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, found.Err()
}

// pruneCopies is the part of a collection that frees copies of databases.
func (g *collector) pruneCopies() error {
	_, _, err := g.d.PruneCopies(g.ctx, g.now)
	return err
}
