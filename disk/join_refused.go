package disk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// keepJoin makes what another home wanted, and this one refused, a conflict that the
// owner can decide. Base and work are kept as trees of the changed files alone: the
// base is no landing of this home.
func (d *Disk) keepJoin(ctx context.Context, j Join, changes []change, o objects, refusal error) error {
	var c *ConflictError
	if !errors.As(refusal, &c) || len(c.Files) == 0 {
		return refusal
	}
	row := sys.ConflictInfo{
		ID: cmp.Or(j.Conflict, strings.ToLower(rand.Text()[:8])), State: sys.ConflictWaiting, Time: time.Now().UTC(), Title: git.OneLine(j.Landing.Title),
		Tries: 1, Met: d.Head(), Files: conflictPaths(c.Files), Provenance: j.Landing.Provenance,
	}
	var was []change
	for _, ch := range changes {
		row.Changes = append(row.Changes, ch.public())
		if !ch.old.IsZero() {
			was = append(was, change{path: ch.path, new: ch.old})
		}
	}
	tree, err := o.update(git.Hash{}, was)
	if err != nil {
		return errors.Join(refusal, err)
	}
	if tree.IsZero() {
		tree = o.add(git.EncodeTree(nil))
	}
	base := git.EncodeCommit(git.History{
		Tree: tree, Subject: "Where both began: " + row.Title,
		Author: d.author(sys.ByMerge, row.Provenance, row.Time), Committer: git.Person{Name: "Matrix OS", Email: "matrixos@localhost", When: row.Time},
	})
	o.add(base)
	a := &attempt{d: d, landing: j.Landing, changes: changes, objects: o}
	err = d.storeRefused(row, a, point{commit: base.Hash, tree: tree})
	if err == nil {
		err = d.j.Update(ctx, func(tx *journal.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM disk_conflict_answer WHERE id = ?`, row.ID); err != nil {
				return err
			}
			return putConflict(ctx, tx, row)
		})
	}
	if err != nil {
		return errors.Join(refusal, err)
	}
	c.ID = row.ID
	return refusal
}

// Decided reports how a conflict ended: open while it is not settled, taken if its
// work became part of the home with the owner's answers, and neither if it was let
// go, or is not known any more.
func (d *Disk) Decided(ctx context.Context, id string) (open, taken bool, err error) {
	c, err := d.conflict(ctx, id)
	if errors.Is(err, sys.NotFound) {
		return false, false, nil
	}
	if err != nil || c.State != sys.ConflictSettled {
		return err == nil, false, err
	}
	for _, f := range c.Files {
		if f.Choice == "" {
			return false, c.Landing != 0, nil
		}
	}
	return false, true, nil
}
