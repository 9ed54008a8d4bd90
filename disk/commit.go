package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"matrixos/disk/chunk"
	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// mostListed is how many changes a LandingInfo names; Show and the history have
// all of them.
const mostListed = 1000

// decision is a landing that has passed everything and only has to happen.
type decision struct {
	landing Landing
	base    sys.LandingID
	changes []change
	merged  []string // files that both sides had changed
	stale   []string // files read by the transaction and changed since
	objects objects
	live    bool        // the live files have it already
	op      string      // of a conflict of rows
	rows    []rowChange // what happens to databases
	copies  []dataCopy  // of them, taken before the lander was held
	anchor  string      // the journal's head before it; commitLocked reads it
}

// commitLocked makes a landing durable and publishes it: prepare all that can
// fail, decide in one SQLite transaction, then move things into place. On error
// before the decision everything is as it was.
func (d *Disk) commitLocked(ctx context.Context, n decision) (sys.LandingInfo, error) {
	sortChanges(n.changes)
	head := d.at()
	tree, err := n.objects.update(head.tree, n.changes)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	if tree.IsZero() {
		tree = n.objects.add(git.EncodeTree(nil))
	}
	info, err := d.describe(head, tree, n)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	n.anchor = d.anchor(ctx)
	commit := git.EncodeCommit(d.message(info, n, tree, head.commit))
	n.objects.add(commit)
	info.Commit = commit.Hash.String()

	prep := &preparation{d: d, id: info.ID}
	record, err := prep.objects(n, tree, commit.Hash)
	if err == nil {
		d.hook("objects")
		err = prep.files(n)
	}
	if err == nil {
		d.hook("files")
		err = prep.data(ctx, n, tree)
		info.Kept = prep.kept
	}
	if err == nil {
		d.hook("staged")
		err = d.decide(ctx, prep, info, n, record, tree)
	}
	if errors.Is(err, journal.ErrUnknown) { // what was put aside may be needed: recovery finds out
		d.broken.Store(&err)
		return sys.LandingInfo{}, errors.Join(err, prep.dropRows())
	}
	if err != nil {
		return sys.LandingInfo{}, errors.Join(err, prep.undo())
	}
	d.publishLocked(ctx, prep, info.ID, n)
	if err := prep.closeWriter(); err != nil {
		d.log.WarnContext(ctx, "a writer of copies could not be closed", "error", err)
	}
	if prep.moved != nil {
		if err := d.forgetMoved(); err != nil { // the next start does
			d.log.WarnContext(ctx, "a note about a moved database could not be removed", "error", err)
		}
	}
	return info, nil
}

// describe fills in what a landing says about itself.
func (d *Disk) describe(head point, tree git.Hash, n decision) (sys.LandingInfo, error) {
	info := sys.LandingInfo{
		ID: head.id + 1, Kind: n.landing.Kind, Title: git.OneLine(n.landing.Title),
		Time: time.Now().UTC(), Provenance: n.landing.Provenance,
	}
	if info.Kind == "" {
		info.Kind = sys.ByAgent
	}
	if info.Title == "" {
		info.Title = title(n.changes)
	}
	apps := map[sys.Slug]bool{}
	for _, r := range n.rows {
		info.Data = append(info.Data, r.summary())
		if len(n.changes) == 0 && n.landing.Title == "" {
			info.Title = "Changed the data of " + r.path
		}
	}
	for _, c := range n.changes {
		if len(info.Changes) < mostListed {
			info.Changes = append(info.Changes, c.public())
		}
		slug, ok := sys.Path(c.path).App()
		if !ok || apps[slug] {
			continue
		}
		apps[slug] = true
		info.Apps = append(info.Apps, slug)
		before, err := n.objects.lookup(head.tree, "apps/"+string(slug))
		if err != nil {
			return info, err
		}
		after, err := n.objects.lookup(tree, "apps/"+string(slug))
		if err != nil {
			return info, err
		}
		if before.IsZero() && !after.IsZero() {
			info.Created = append(info.Created, slug)
		}
	}
	return info, nil
}

// decide is the commit point. Whoever is told of the landing's event can see it.
func (d *Disk) decide(ctx context.Context, p *preparation, info sys.LandingInfo, n decision, r redo, tree git.Hash) error {
	if err := d.fault("decide"); err != nil {
		return err
	}
	for _, c := range p.rows {
		r.rows = append(r.rows, c.path)
	}
	record := r.encode()
	err := d.j.Update(ctx, func(tx *journal.Tx) error {
		tx.OnCommit(func() { d.show(p, r, point{info.ID, r.commit, tree}) })
		if _, err := tx.Exec(ctx, `UPDATE disk_redo SET applied = 1 WHERE landing <= ? AND applied = 0`, d.applied); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO disk_redo(landing, boot, applied, record) VALUES(?,?,0,?)`, info.ID, d.boot, record); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO disk_head(one, landing, commit_id, tree) VALUES(1,?,?,?)
			ON CONFLICT(one) DO UPDATE SET landing = excluded.landing, commit_id = excluded.commit_id, tree = excluded.tree`,
			info.ID, info.Commit, tree.String()); err != nil {
			return err
		}
		if err := insertLanding(ctx, tx, info, tree, n.changes); err != nil {
			return err
		}
		if err := p.insertData(ctx, tx, info.ID, info.Time); err != nil {
			return err
		}
		return d.companions(tx, n.landing, &info)
	})
	if err != nil {
		return err
	}
	d.redoRows++
	d.redoBytes += len(record)
	return d.fault("decided")
}

// show moves the head of the disk to a landing that is decided, its objects in
// reach.
func (d *Disk) show(p *preparation, r redo, now point) {
	d.hook("committed")
	p.commitRows()
	d.repo.Hold(r.objects)
	if p.large {
		if err := d.adoptLarge(p.quarantine()); err != nil {
			d.log.Error("a landing is decided, but the history could not be written; restart to finish it", "landing", now.id.String(), "error", err)
			d.broken.Store(&err)
		}
	}
	d.head.Store(&now)
}

// companions writes what a caller wants to happen if and only if it lands.
func (d *Disk) companions(tx *journal.Tx, l Landing, info *sys.LandingInfo) error {
	if info != nil {
		e := sys.NewEvent(sys.EventLanding, info)
		e.PID, e.Conversation, e.Request = l.Provenance.Process, l.Provenance.Conversation, l.Provenance.Request
		if err := tx.Append(e); err != nil {
			return err
		}
	}
	if err := tx.Append(l.Events...); err != nil {
		return err
	}
	if l.Update != nil {
		if err := l.Update(tx); err != nil {
			return err
		}
	}
	if l.resolves == "" {
		return nil
	}
	return setConflict(context.Background(), tx, l.resolves, func(c *sys.ConflictInfo) {
		c.State = sys.ConflictSettled
		if info != nil {
			c.Landing = info.ID
		}
	})
}

// preparation is what a landing has put aside before it is decided.
type preparation struct {
	d      *Disk
	id     sys.LandingID
	large  bool  // there are objects in the quarantine
	staged []int // indexes of changes with a staged file

	writer *chunk.Writer // holds sweeps off until the copies are recorded
	copies []dataCopy
	rows   []rowRecord
	opened []*openRows
	moved  *moved   // the damaged database that is made anew; else nil
	kept   []string // what an undo of rows has left in place, in words
}

func (p *preparation) quarantine() string { return p.d.store("quarantine", p.id.String()) }

func (p *preparation) stagePath(i int) string { return p.d.store("stage", stageName(p.id, i)) }

func stageName(id sys.LandingID, i int) string { return fmt.Sprintf("%s.%d", id, i) }

// objects collects the new objects for the redo record. Those too large for it
// become durable in the quarantine, where git does not look: a landing that does
// not happen leaves nothing in the repository.
func (p *preparation) objects(n decision, tree, commit git.Hash) (redo, error) {
	r := redo{commit: commit, live: n.live, changes: n.changes}
	if err := p.d.fault("objects"); err != nil {
		return r, err
	}
	if waiting := p.d.repo.Waiting(); waiting > mostWaiting {
		if err := p.d.publishHistory(); err != nil {
			return r, err
		}
	}
	want := map[git.Hash]bool{commit: true}
	n.objects.reachable(tree, want)
	for _, c := range n.changes {
		want[c.new.Hash] = true
	}
	for h, o := range n.objects.fresh {
		if !want[h] || p.d.repo.Has(h) {
			continue
		}
		if len(o.Data) <= inlineMax {
			r.objects = append(r.objects, o)
			continue
		}
		r.outside = append(r.outside, h)
		if !p.large {
			p.large = true
			if err := os.MkdirAll(p.quarantine(), 0o700); err != nil {
				return r, err
			}
		}
		raw, err := git.EncodeLoose(o)
		if err != nil {
			return r, err
		}
		if err := writeFile(filepath.Join(p.quarantine(), h.String()), raw, 0o444, true); err != nil {
			return r, err
		}
		if err := os.MkdirAll(filepath.Dir(p.d.repo.ObjectPath(h)), 0o755); err != nil {
			return r, err
		}
	}
	if p.large {
		return r, errors.Join(syncFolder(p.quarantine()), syncFolder(p.d.store("quarantine")))
	}
	return r, nil
}

// reachable adds the fresh trees below a tree.
func (o objects) reachable(tree git.Hash, want map[git.Hash]bool) {
	obj, fresh := o.fresh[tree]
	if !fresh || want[tree] {
		return
	}
	want[tree] = true
	entries, err := git.ParseTree(obj.Data)
	if err != nil {
		panic("disk: " + err.Error()) // we have just encoded it
	}
	for _, e := range entries {
		if e.IsFolder() {
			o.reachable(e.Hash, want)
		}
	}
}

// files stages the new contents on the live file system, durably.
func (p *preparation) files(n decision) error {
	if n.live {
		return nil
	}
	if err := p.d.fault("files"); err != nil {
		return err
	}
	jobs, err := p.d.stage(p, n.changes, n.objects)
	p.staged = jobs
	return err
}

// undo removes what was put aside.
func (p *preparation) undo() error {
	err := p.dropRows()
	if p.moved != nil {
		err = errors.Join(err, p.d.moveBack(p.moved))
	}
	if p.large {
		err = errors.Join(err, os.RemoveAll(p.quarantine()))
	}
	for _, i := range p.staged {
		if e := os.Remove(p.stagePath(i)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// title says in one line what changed.
func title(changes []change) string {
	verbs := map[sys.ChangeOp]string{sys.Added: "Added", sys.Modified: "Edited", sys.Deleted: "Deleted"}
	switch {
	case len(changes) == 1:
		return verbs[changes[0].public().Op] + " " + changes[0].path
	case len(changes) == 2:
		a, b := changes[0], changes[1]
		if a.new.IsZero() && b.old.IsZero() && a.old.Hash == b.new.Hash {
			return "Renamed " + a.path + " to " + b.path
		}
		if b.new.IsZero() && a.old.IsZero() && b.old.Hash == a.new.Hash {
			return "Renamed " + b.path + " to " + a.path
		}
	case len(changes) == 0:
		return "Nothing changed"
	}
	op := changes[0].public().Op
	shared, _ := split(changes[0].path)
	for _, c := range changes[1:] {
		if c.public().Op != op {
			op = ""
		}
		for shared != "" && !strings.HasPrefix(c.path, shared+"/") {
			shared, _ = split(shared)
		}
	}
	verb := verbs[op]
	if verb == "" || verb == "Edited" {
		verb = "Changed"
	}
	where := ""
	if shared != "" {
		where = " in " + shared
	}
	return fmt.Sprintf("%s %d files%s", verb, len(changes), where)
}

// writeFile creates a file that must not exist yet.
func writeFile(path string, data []byte, mode fs.FileMode, sync bool) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) { // a landing of this number was tried before
		if err = os.Remove(path); err == nil {
			f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// listedJSON is how a list is kept in the landings table.
func listedJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("disk: " + err.Error()) // only our own types come here
	}
	return string(b)
}
