package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"matrixos/disk/git"
	"matrixos/sys"
)

// Again moves the work of a refused transaction onto the newest landing: a new
// transaction that holds everything that merges, while files in conflict are as
// they landed. These it returns, with both sides, to be edited again. The old
// transaction has ended then; on error it is as it was. What was read counts as
// it was read.
func (t *Txn) Again(ctx context.Context) (*Txn, []ConflictFile, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.d.objects()
	changes, err := t.scanLocked(ctx, o)
	if err != nil {
		return nil, nil, explain("try again", t.label, err)
	}
	rows, err := t.rowsLocked(ctx)
	if err != nil {
		return nil, nil, explain("try again", t.label, err)
	}
	fresh, err := t.d.Begin(ctx, t.label)
	if err != nil {
		return nil, nil, err
	}
	m := &merger{objects: o, head: fresh.base.tree}
	old := &attempt{d: t.d, changes: changes, objects: o, txn: t, reads: t.reads}
	if err = m.joinAll(old.rebased()); err == nil {
		err = m.writeTo(fresh.Dir())
	}
	if err == nil {
		lost := map[sys.Path]bool{}
		for _, f := range t.claim.rows {
			lost[f.Path] = true
		}
		err = fresh.carryRows(ctx, rows, lost)
	}
	if err != nil {
		return nil, nil, errors.Join(explain("try again", t.label, err), fresh.Drop())
	}
	fresh.claim, fresh.reads = t.claim, t.reads
	for _, f := range m.files { // seen now as they are: what is read of them from here on is fresh
		delete(fresh.reads, string(f.Path))
	}
	files := append(m.files, t.claim.rows...)
	fresh.claim.rows, t.claim = nil, claim{}
	return fresh, files, t.dropLocked()
}

// writeTo carries out the changes in a folder: first what goes, then what comes.
func (m *merger) writeTo(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	sortChanges(m.changes)
	for _, c := range slices.Backward(m.changes) {
		if c.old.IsZero() && !c.new.IsZero() {
			continue
		}
		if err := root.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, c := range m.changes {
		if c.new.IsZero() {
			continue
		}
		if err := m.writeFile(root, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) writeFile(root *os.Root, c change) error {
	b, err := m.objects.content(c.new.Hash)
	if err != nil {
		return err
	}
	if st, err := root.Lstat(c.path); err == nil && st.IsDir() { // a folder whose files are gone
		if err := root.RemoveAll(c.path); err != nil {
			return err
		}
	}
	if dir := path.Dir(c.path); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if c.new.Mode == git.Symlink {
		return root.Symlink(string(b), c.path)
	}
	return root.WriteFile(c.path, b, c.new.Mode.FS().Perm())
}
