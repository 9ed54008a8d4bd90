package kernel

import (
	"context"

	"matrixos/journal"
	"matrixos/sys"
)

// LabelBelow is the join of the labels of all files in a folder.
func (k *Kernel) LabelBelow(ctx context.Context, folder sys.Path) (sys.Label, error) {
	return k.labelBelow(ctx, folder)
}

// Mark notes that files have text with a label, before the owner's landing brings
// them; where they are more than that already, they stay so.
func (k *Kernel) Mark(ctx context.Context, l sys.Label, paths ...sys.Path) error {
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		for _, p := range paths {
			if l.Join(usual(p)) == usual(p) {
				continue
			}
			if err := mark(ctx, tx, p, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// mark raises what is noted of a file.
func mark(ctx context.Context, tx *journal.Tx, p sys.Path, l sys.Label) error {
	_, err := tx.Exec(ctx, `INSERT INTO kernel_label(path, integrity, confidentiality, landing) VALUES(?,?,?,0)
		ON CONFLICT(path) DO UPDATE SET integrity = max(integrity, excluded.integrity), confidentiality = max(confidentiality, excluded.confidentiality)`,
		string(p), l.Integrity, l.Confidentiality)
	return err
}
