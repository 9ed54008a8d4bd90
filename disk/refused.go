package disk

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// refusedRefs is where the commits of refused work live, so that nothing of it
// is lost: their parent is the landing on which it was made.
const refusedRefs = "refs/tx"

// claim is what a transaction carries through its tries.
type claim struct {
	id    string         // of its conflict; "" if it had none
	tries int            // refusals by conflict so far
	rows  []ConflictFile // databases of the last refusal
}

// Tries returns how often the work was refused by a conflict so far.
func (t *Txn) Tries() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.claim.tries
}

// keepRefused makes the work of a landing that met a conflict durable, under
// refs/tx and in the conflicts table. That it could not be kept does not change
// the refusal, and is said in the log. Caller holds t.mu.
func (t *Txn) keepRefused(ctx context.Context, a *attempt, refusal error) {
	var c *ConflictError
	if !errors.As(refusal, &c) {
		return
	}
	t.claim.tries++
	t.claim.rows = nil
	for _, f := range c.Files {
		if IsDatabase(f.Path) {
			t.claim.rows = append(t.claim.rows, f)
		}
	}
	if len(c.Files) == 0 {
		return // stale reads: the files themselves fit
	}
	ctx = context.WithoutCancel(ctx)
	if t.claim.id == "" {
		t.claim.id = strings.ToLower(rand.Text()[:8])
	}
	row := sys.ConflictInfo{
		ID: t.claim.id, State: sys.ConflictRetrying, Time: time.Now().UTC(), Title: git.OneLine(a.landing.Title), Tries: t.claim.tries,
		Base: t.base.id, Met: t.d.Head(), Files: conflictPaths(c.Files), Provenance: a.landing.Provenance,
	}
	if row.Title == "" {
		row.Title = title(a.changes)
	}
	for _, ch := range a.changes {
		row.Changes = append(row.Changes, ch.public())
	}
	for _, ch := range a.rows {
		row.Changes = append(row.Changes, ch.public())
	}
	err := t.d.storeRefused(row, a, t.base)
	if err == nil {
		err = t.d.j.Update(ctx, func(tx *journal.Tx) error { return putConflict(ctx, tx, row) })
	}
	if err != nil {
		t.d.log.ErrorContext(ctx, "refused work could not be kept", "conflict", row.ID, "error", err)
		return
	}
	c.ID = row.ID
}

func conflictPaths(files []ConflictFile) []sys.ConflictPath {
	var out []sys.ConflictPath
	for _, f := range files {
		out = append(out, sys.ConflictPath{Path: f.Path, Binary: f.Binary})
	}
	return out
}

// storeRefused writes the work as a commit on its base, durably.
func (d *Disk) storeRefused(row sys.ConflictInfo, a *attempt, base point) error {
	changes := withRows(a.objects, a.changes, a.rows)
	tree, err := a.objects.update(base.tree, changes)
	if err != nil {
		return err
	}
	if tree.IsZero() {
		tree = a.objects.add(git.EncodeTree(nil))
	}
	l := a.landing
	l.resolves = ""
	h := d.message(sys.LandingInfo{Kind: cmp.Or(l.Kind, sys.ByAgent), Title: row.Title, Time: row.Time, Provenance: row.Provenance}, decision{landing: l, base: base.id}, tree, base.commit)
	h.Trailers = append(h.Trailers, git.Trailer{Key: "Disk-Refused", Value: row.ID})
	for _, f := range row.Files {
		h.Trailers = append(h.Trailers, git.Trailer{Key: "Disk-Conflict", Value: string(f.Path)})
	}
	commit := git.EncodeCommit(h)
	a.objects.add(commit)
	want := map[git.Hash]bool{commit.Hash: true, base.commit: true}
	a.objects.reachable(tree, want)
	a.objects.reachable(base.tree, want)
	for _, c := range changes {
		want[c.new.Hash] = true
	}
	if err := d.publishHistory(); err != nil { // its parent comes first
		return err
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	for hash, o := range a.objects.fresh {
		if want[hash] {
			if err := d.repo.WriteLoose(o, d.store("quarantine"), false); err != nil {
				return err
			}
		}
	}
	if err := d.syncAll("conflict"); err != nil { // a ref must not outlive what it names
		return err
	}
	if err := d.repo.SetRef(refusedRefs+"/"+row.ID, commit.Hash); err != nil {
		return err
	}
	return d.syncRef(refusedRefs + "/" + row.ID)
}

// abandonLocked hands a conflict whose transaction ends without landing to the
// owner. Caller holds t.mu.
func (t *Txn) abandonLocked() {
	if t.ended || t.claim.id == "" {
		return
	}
	ctx := context.Background()
	err := t.d.j.Update(ctx, func(tx *journal.Tx) error {
		return setConflict(ctx, tx, t.claim.id, func(c *sys.ConflictInfo) { c.State = sys.ConflictWaiting })
	})
	if err != nil && !errors.Is(err, sys.NotFound) {
		t.d.log.Warn("a conflict could not be handed to the owner; the next start does it", "conflict", t.claim.id, "error", err)
	}
	t.claim.id = ""
}

// orphaned hands the owner all conflicts whose transaction died with a process.
func (d *Disk) orphaned(ctx context.Context) error {
	list, err := d.Conflicts(ctx, false)
	if err != nil {
		return err
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		for _, c := range list {
			if c.State != sys.ConflictRetrying {
				continue
			}
			if err := setConflict(ctx, tx, c.ID, func(c *sys.ConflictInfo) { c.State = sys.ConflictWaiting }); err != nil {
				return err
			}
		}
		return nil
	})
}

// putConflict writes a row, whole, and tells of it.
func putConflict(ctx context.Context, tx *journal.Tx, c sys.ConflictInfo) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO disk_conflict(id, time, state, row) VALUES(?,?,?,?)
		ON CONFLICT(id) DO UPDATE SET time = excluded.time, state = excluded.state, row = excluded.row`,
		c.ID, c.Time.UnixNano(), string(c.State), raw)
	if err != nil {
		return err
	}
	e := sys.NewEvent(sys.EventConflict, c)
	e.PID, e.Conversation, e.Request = c.Provenance.Process, c.Provenance.Conversation, c.Provenance.Request
	return tx.Append(e)
}

// setConflict changes a row; one that is settled stays as it is.
func setConflict(ctx context.Context, tx *journal.Tx, id string, change func(*sys.ConflictInfo)) error {
	var raw []byte
	err := tx.QueryRow(ctx, `SELECT row FROM disk_conflict WHERE id = ?`, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // its work could not be kept
	}
	if err != nil {
		return err
	}
	var c sys.ConflictInfo
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	if c.State == sys.ConflictSettled {
		return nil
	}
	change(&c)
	return putConflict(ctx, tx, c)
}

// Conflicts lists refused work that is kept, the newest first: what is not
// settled or, with all, everything.
func (d *Disk) Conflicts(ctx context.Context, all bool) (out []sys.ConflictInfo, err error) {
	rows, err := d.j.Query(ctx, `SELECT row FROM disk_conflict WHERE ? OR state != 'settled' ORDER BY time DESC`, all)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var c sys.ConflictInfo
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// ForgetConflict removes refused work for good: its row and its ref. Retention
// calls it; a conflict that is not settled is the owner's until then.
func (d *Disk) ForgetConflict(ctx context.Context, id string) error {
	if err := d.usable("forget conflict"); err != nil {
		return err
	}
	c, err := d.conflict(ctx, id)
	if err != nil {
		return err
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	ref := filepath.Join(d.repo.Dir(), filepath.FromSlash(refusedRefs), c.ID)
	if err := os.Remove(ref); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain("forget conflict", id, err)
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM disk_conflict_answer WHERE id = ?`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM disk_conflict WHERE id = ?`, id)
		return err
	})
}

func (d *Disk) conflict(ctx context.Context, id string) (c sys.ConflictInfo, err error) {
	var raw []byte
	err = d.j.QueryRow(ctx, `SELECT row FROM disk_conflict WHERE id = ?`, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return c, &sys.Error{Op: "find conflict", Path: id, Kind: sys.NotFound, Hint: "`matrixos conflicts` lists them"}
	}
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	return c, err
}
