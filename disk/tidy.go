package disk

import (
	"context"

	"matrixos/journal"
)

const (
	mostRedoRows  = 64       // landings between checkpoints
	mostRedoBytes = 16 << 20 // bytes of their redo records
)

// tellTidy wakes tidy if a checkpoint is due. The caller holds d.mu.
func (d *Disk) tellTidy() {
	if d.redoRows < mostRedoRows && d.redoBytes < mostRedoBytes {
		return
	}
	select {
	case d.tidyUp <- struct{}{}:
	default:
	}
}

// tidy makes checkpoints beside the landings, until ctx ends.
func (d *Disk) tidy(ctx context.Context) {
	for {
		select {
		case <-d.tidyUp:
			if err := d.checkpoint(ctx); err != nil && ctx.Err() == nil {
				d.log.WarnContext(ctx, "no checkpoint could be made; redo records are kept", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// checkpoint makes everything up to the last applied landing durable in its
// place, and then forgets how to redo it.
func (d *Disk) checkpoint(ctx context.Context) error {
	d.mu.Lock()
	upTo := d.applied
	d.mu.Unlock()
	if d.broken.Load() != nil {
		return nil
	}
	if err := d.publishHistory(); err != nil {
		return err
	}
	if err := d.syncAll("checkpoint"); err != nil {
		return err
	}
	d.hook("checkpoint")
	var left int
	err := d.j.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM disk_redo WHERE landing <= ?`, upTo); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM disk_redo`).Scan(&left)
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.redoRows, d.redoBytes = left, 0
	if err := d.ballast(); err != nil {
		return err
	}
	return nil
}
