package disk

import (
	"context"
	"errors"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// forgetVerified empties the table of live files that a scrub has compared, if it begins anew.
func (d *Disk) forgetVerified(ctx context.Context, anew bool) error {
	if !anew {
		return nil
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM disk_verified`)
		return err
	})
}

// rememberVerified keeps the state of files that were compared, so that damage is
// told from an edit also after a restart.
func (d *Disk) rememberVerified(ctx context.Context, files map[string]known) error {
	if len(files) == 0 {
		return nil
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		for path, k := range files {
			_, err := tx.Exec(ctx, `INSERT OR REPLACE INTO disk_verified(path, ino, size, mtime, ctime, mode, git, hash) VALUES(?,?,?,?,?,?,?,?)`,
				path, int64(k.ino), k.size, k.mtime, k.ctime, int64(k.mode), int64(k.node.Mode), k.node.Hash.String())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// readVerified returns what the last scrub has compared.
func (d *Disk) readVerified(ctx context.Context) (out map[string]known, err error) {
	rows, err := d.j.Query(ctx, `SELECT path, ino, size, mtime, ctime, mode, git, hash FROM disk_verified`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]known{}
	for rows.Next() {
		var path, hash string
		var k known
		var ino int64
		if err := rows.Scan(&path, &ino, &k.size, &k.mtime, &k.ctime, &k.mode, &k.node.Mode, &hash); err != nil {
			return nil, err
		}
		k.ino = uint64(ino)
		if k.node.Hash, err = git.ParseHash(hash); err != nil {
			continue // a damaged row says nothing
		}
		out[path] = k
	}
	return out, rows.Err()
}

// landings compares the table of landings with the history, which counts.
func (s *scrubber) landings() error {
	d := s.d
	at := d.at()
	for id, commit := at.id, at.commit; id > 0 && !commit.IsZero(); id-- {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		h, err := d.repo.History(commit)
		if err != nil {
			s.problem(sys.ScrubProblem{What: "landing", Landing: id, Object: commit.String(), How: "its commit cannot be read, nor what came before it: import a backup"})
			break
		}
		s.Report.Landings++
		want := parseMessage(commit, h)
		if want.ID == 0 {
			want.Kind = sys.ByOwner
		}
		rows, err := d.j.Query(s.ctx, `SELECT `+landingColumns+` FROM disk_landing WHERE landing = ?`, id)
		if err != nil {
			return err
		}
		have, scanErr := scanLandings(rows)
		tree, treeErr := d.treeOf(s.ctx, id)
		good := scanErr == nil && treeErr == nil && len(have) == 1 && have[0].Commit == want.Commit && tree == h.Tree &&
			have[0].Kind == want.Kind && have[0].Title == want.Title && have[0].Provenance.Process == want.Provenance.Process && have[0].Provenance.Program == want.Provenance.Program
		if !good {
			err := d.j.Update(s.ctx, func(tx *journal.Tx) error {
				_, err := tx.Exec(s.ctx, `UPDATE disk_landing SET commit_id = ?, tree = ?, kind = ?, title = ?, provenance = ? WHERE landing = ?`,
					want.Commit, h.Tree.String(), string(want.Kind), want.Title, listedJSON(want.Provenance), id)
				return err
			})
			if err != nil {
				return err
			}
			s.problem(sys.ScrubProblem{What: "landing", Landing: id, Object: commit.String(), Fixed: true, How: "its row was written anew from the history"})
		}
		commit = h.Parent
	}
	return s.step("", 0)
}
