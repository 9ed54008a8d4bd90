package disk

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"matrixos/disk/chunk"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// stored is a content in the chunk store: a copy of a database, or a large set of
// changes of one.
type stored struct {
	what    string
	path    string // of the database
	landing sys.LandingID
	time    time.Time
	root    chunk.Root
}

// storedContents lists what the chunk store has to have.
func (d *Disk) storedContents(ctx context.Context) ([]stored, error) {
	copies, err := d.copies(ctx)
	if err != nil {
		return nil, err
	}
	var out []stored
	for _, c := range copies {
		out = append(out, stored{"copy", string(c.Path), c.Landing, c.Time, c.root})
	}
	found, err := d.j.Query(ctx, `SELECT landing, path, root, size FROM disk_rows WHERE root <> '' ORDER BY landing DESC`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		s := stored{what: "changes"}
		var root string
		if err := found.Scan(&s.landing, &s.path, &root, &s.root.Size); err != nil {
			return nil, err
		}
		if s.root.Hash, err = chunk.ParseHash(root); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, found.Err()
}

// copies verifies everything in the chunk store that is wanted, and mends it from
// the databases as they are now: a copy shares most of its pages with them.
func (s *scrubber) copies() error {
	list, err := s.d.storedContents(s.ctx)
	if err != nil {
		return err
	}
	check := s.d.data.chunks.Check()
	lost := len(s.d.data.chunks.Broken()) > 0
	whole := true
	for _, c := range list {
		read, bad, err := check.Content(s.ctx, c.root)
		if err != nil {
			return err
		}
		if len(bad) > 0 {
			lost = true
			mended, err := s.mendCopy(check, c)
			if err != nil {
				return err
			}
			whole = whole && mended
		}
		if err := s.step("", read); err != nil {
			return err
		}
	}
	s.Report.Copies = len(list)
	if !lost {
		return nil
	}
	s.d.data.mu.Lock()
	clear(s.d.data.copied) // the next landing takes new ones
	s.d.data.mu.Unlock()
	return s.brokenPacks(whole)
}

// mendCopy writes the damaged chunks of a content anew, as far as the database still
// has them. A mended node shows what is below it, so that it is tried again.
func (s *scrubber) mendCopy(check *chunk.Check, c stored) (bool, error) {
	p := sys.ScrubProblem{What: c.what, Path: sys.Path(c.path), Landing: c.landing}
	for {
		_, bad, err := check.Content(s.ctx, c.root)
		if err != nil {
			return false, err
		}
		if len(bad) == 0 {
			p.Fixed, p.How = true, "restored from the database as it is now"
			break
		}
		left, err := s.mendFrom(check, bad, c.path)
		if err != nil {
			return false, err
		}
		if len(left) == len(bad) {
			p.How = fmt.Sprintf("the copy of %s is damaged, and the database has changed since: it cannot be brought back; a backup may have it", c.time.Local().Format("2 January 2006, 15:04"))
			if c.what != "copy" {
				p.How = fmt.Sprintf("what %s did to the rows is damaged, and cannot be undone alone; a backup may have it", c.landing)
			}
			break
		}
	}
	s.problem(p)
	return p.Fixed, nil
}

// mendFrom takes chunks out of a live database. One that is gone or damaged has none.
func (s *scrubber) mendFrom(check *chunk.Check, bad []chunk.Hash, path string) ([]chunk.Hash, error) {
	if _, there, err := s.d.dataState(path); err != nil || !there {
		return bad, err
	}
	r, pipe := io.Pipe()
	go func() { pipe.CloseWithError(rows.Pages(s.ctx, filepath.Join(s.d.root, path), pipe)) }()
	left, err := check.Mend(s.ctx, bad, r)
	_ = r.Close() // it ends the copying; what went wrong there is in err
	if rows.Damaged(err) || sys.KindOf(err) == sys.Held {
		return bad, nil // the next phase says so, or the next scrub
	}
	return left, err
}

// brokenPacks reports packs of which nothing can be found, and removes them once
// everything is whole without them.
func (s *scrubber) brokenPacks(whole bool) error {
	store := s.d.data.chunks
	for _, path := range store.Broken() {
		s.problem(sys.ScrubProblem{What: "pack", Object: filepath.Base(path), Fixed: whole, How: map[bool]string{
			true: "what was needed of it is written anew", false: "what cannot be restored of it is named by database",
		}[whole]})
	}
	if !whole {
		return nil
	}
	return store.DropBroken()
}

// databases has SQLite check the journal and the databases of apps.
func (s *scrubber) databases() error {
	paths, err := s.d.databases()
	if err != nil {
		return err
	}
	for _, path := range append([]string{sys.Store + "/kernel.db"}, paths...) {
		if path <= s.Done {
			continue
		}
		st, there, err := look(s.d.rootFD, path)
		if err != nil || !there {
			continue // it went this instant
		}
		wrong, err := rows.QuickCheck(s.ctx, filepath.Join(s.d.root, path))
		if sys.KindOf(err) == sys.Held {
			continue // an app writes to it for long; the next scrub looks
		}
		if err != nil {
			return err
		}
		s.Report.Databases++
		if wrong != "" {
			if err := s.badDatabase(path, wrong); err != nil {
				return err
			}
		}
		if err := s.step(path, st.size); err != nil {
			return err
		}
	}
	return nil
}

// badDatabase names a damaged database and what can be brought back. It is not
// replaced: that would take back what was written to it since.
func (s *scrubber) badDatabase(path, wrong string) error {
	p := sys.ScrubProblem{What: "database", Path: sys.Path(path), How: wrong + "; import a backup"}
	if path == sys.Store+"/kernel.db" {
		p.What, p.Path = "journal", ""
		s.problem(p)
		return nil
	}
	copies, err := s.d.copies(s.ctx)
	if err != nil {
		return err
	}
	for _, c := range copies {
		if string(c.Path) == path && s.d.data.chunks.Verify(s.ctx, c.root) == nil {
			p.How = fmt.Sprintf("%s; `matrixos restore %s --at %s` brings back the copy of %s", wrong, path, c.Landing, c.Time.Local().Format("2 January 2006, 15:04"))
			break
		}
	}
	s.problem(p)
	return nil
}
