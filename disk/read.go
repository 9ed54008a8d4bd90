package disk

import "matrixos/sys"

// NoteRead adds a file or folder to what the transaction's result depends on, as
// it is in the transaction's base; "" is the whole home. If it has changed by
// the time of landing, checks see it in Checked.Stale, the commit names it in a
// Disk-Stale trailer, and a strict landing is refused.
func (t *Txn) NoteRead(p sys.Path) {
	t.NoteReadIn(&View{objects: t.d.objects(), tree: t.base.tree, at: t.base.id}, p)
}

// NoteReadIn is NoteRead for what was read in a View, such as before the
// transaction began. Of several reads of one path the last counts.
func (t *Txn) NoteReadIn(v *View, p sys.Path) {
	n, err := v.objects.lookup(v.tree, string(p))
	if err != nil {
		t.d.log.Warn("a read could not be noted", "file", string(p), "error", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads[string(p)] = n
}
