package disk

import (
	"cmp"
	"context"
	"io/fs"
	"slices"

	"matrixos/disk/git"
	"matrixos/disk/rows"
	"matrixos/journal"
	"matrixos/sys"
)

// Landing says who lands, why, and what else happens if and only if it does.
type Landing struct {
	Kind       sys.LandingKind // ByAgent if empty
	Title      string          // one line for people; made from the changes if empty
	Provenance sys.Provenance
	Events     []sys.Event                // appended in the commit transaction
	Update     func(tx *journal.Tx) error // run in it; an error refuses the landing

	// Strict refuses the landing with a conflict if anything that the transaction
	// has read (NoteRead) changed since: landings are then serializable over
	// tracked reads. Otherwise checks see it in Checked.Stale.
	Strict bool
	// Binary says what happens where others changed the same binary file: ours
	// keeps theirs out, theirs replaces it, both adds a second file. Empty is a
	// conflict.
	Binary sys.ConflictChoice
	// Held has the row checks judge the rows of this landing though the owner makes it:
	// they come from somewhere else, a file for instance.
	Held bool

	resolves string // the conflict that this decides
}

// Check decides whether a landing may happen. It runs before the commit point, on
// the merged result; it must not land anything itself, and may run more than
// once for one landing.
type Check func(ctx context.Context, c Checked) error

// Checked is what a Check sees.
type Checked struct {
	Tree    fs.FS // the home as it will be
	Changes []sys.Change
	Kind    sys.LandingKind
	Stale   []sys.Path // files that the transaction has read and that changed since
	// Others is what others have changed since the work began that is landing now:
	// where it is not empty, Tree is joined of two works that did not know of each
	// other. The apps of both have to hold.
	Others []sys.Change
	// Rows brings the rows that land with the files into a copy of the database at p; nil if
	// there are none. What was changed in it meanwhile stays: that it fits is found later.
	Rows func(ctx context.Context, p sys.Path, copy string) error
	// Attest says in the landing's provenance at which level what it touches was
	// verified, and against which contract. The newest run of the check counts.
	Attest func(level, contract string)
}

// Land makes the transaction's changes part of the home. With them come, in the
// same commit, l.Events and what l.Update writes. If nothing has changed, these
// happen alone and the landing's ID is 0.
//
// An error of kind Conflict is a *ConflictError; an error of a check comes back
// as it is. After both the home is unchanged and the transaction can go on:
// edit its files and land again. A file that was reported in conflict lands
// once it has been edited, over the version that was reported.
func (t *Txn) Land(ctx context.Context, l Landing) (sys.LandingInfo, error) {
	if err := t.d.usable("land"); err != nil {
		return sys.LandingInfo{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.d.objects()
	changes, err := t.scanLocked(ctx, o)
	if err != nil {
		return sys.LandingInfo{}, explain("land", t.label, err)
	}
	data, err := t.rowsLocked(ctx)
	if err != nil {
		return sys.LandingInfo{}, explain("land", t.label, err)
	}
	if err := t.noteReadsLocked(ctx, o); err != nil {
		return sys.LandingInfo{}, explain("land", t.label, err)
	}
	t.d.hook("scanned")
	l.resolves = t.claim.id
	attempt := &attempt{d: t.d, landing: l, base: t.base.id, since: t.base.tree, changes: changes, rows: data, objects: o, txn: t, reads: t.reads}
	info, err := attempt.run(ctx)
	if err != nil {
		t.keepRefused(ctx, attempt, err)
		return sys.LandingInfo{}, explain("land", t.label, err)
	}
	t.ended = true
	return info, nil
}

// attempt is one landing on its way to the commit point.
type attempt struct {
	d       *Disk
	op      string // of a conflict
	landing Landing
	base    sys.LandingID // on which the changes were made; 0 if on the newest
	since   git.Hash      // the tree of that; zero if on the newest
	changes []change
	rows    []rowChange
	copies  []dataCopy
	objects objects
	txn     *Txn                // may be nil
	reads   map[string]git.Node // what it was made from: files and folders as they were then
	extra   []Check             // of this landing alone
}

// freeTries is how often checks run beside other landings. After that many
// changed the home meanwhile, they run with the lander held.
// For work that was refused before they do so at once: it is the older, and goes
// first.
const freeTries = 2

func (a *attempt) run(ctx context.Context) (sys.LandingInfo, error) {
	if err := a.admit(ctx); err != nil {
		return sys.LandingInfo{}, err
	}
	info, err := a.carryOut(ctx)
	return info, a.d.trouble(ctx, cmp.Or(a.op, "land"), err)
}

func (a *attempt) carryOut(ctx context.Context) (sys.LandingInfo, error) {
	if len(a.changes) == 0 && len(a.rows) == 0 {
		return sys.LandingInfo{}, a.d.j.Update(ctx, func(tx *journal.Tx) error { return a.d.companions(tx, a.landing, nil) })
	}
	checks := slices.Concat(*a.d.checks.Load(), a.extra)
	if a.landing.Kind == sys.ByOwner {
		checks = nil
	}
	drop, err := a.copyAhead(ctx)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	defer drop()
	var checked git.Hash // the tree that the checks have passed
	free := freeTries
	if a.txn != nil && a.txn.claim.tries > 0 {
		free = 0
	}
	for try := 0; ; try++ {
		info, tree, merged, err := a.try(ctx, checks, checked, try >= free)
		if err != nil || merged == nil {
			return info, err
		}
		// Somebody has to look at the merged tree before it can land.
		if err := a.check(ctx, checks, tree, merged); err != nil {
			return sys.LandingInfo{}, err
		}
		checked = tree
	}
}

// try merges and, if no checks are due on the result, commits. Otherwise it
// returns the merge to be checked, unless hold says to check right here.
func (a *attempt) try(ctx context.Context, checks []Check, checked git.Hash, hold bool) (sys.LandingInfo, git.Hash, *merger, error) {
	d := a.d
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := a.mergeLocked(ctx)
	if err != nil {
		return sys.LandingInfo{}, git.Hash{}, nil, err
	}
	d.hook("merged")
	if len(m.changes) == 0 && len(a.rows) == 0 { // others have done all of it
		err := d.j.Update(ctx, func(tx *journal.Tx) error { return d.companions(tx, a.landing, nil) })
		return sys.LandingInfo{}, git.Hash{}, nil, err
	}
	tree, err := m.objects.update(m.head, m.changes)
	if err != nil {
		return sys.LandingInfo{}, git.Hash{}, nil, err
	}
	if len(checks) > 0 && tree != checked {
		if !hold {
			return sys.LandingInfo{}, tree, m, nil
		}
		if err := a.check(ctx, checks, tree, m); err != nil {
			return sys.LandingInfo{}, git.Hash{}, nil, err
		}
	}
	d.hook("checked")
	info, err := d.commitLocked(ctx, decision{landing: a.landing, base: a.base, changes: m.changes, merged: m.merged, stale: m.stale, objects: m.objects, op: a.op, rows: a.rows, copies: a.copies})
	return info, git.Hash{}, nil, err
}

// mergeLocked records the owner's edits of the files in question, then joins the
// changes with what landed since.
func (a *attempt) mergeLocked(ctx context.Context) (*merger, error) {
	d := a.d
	touched, err := a.touched()
	if err != nil {
		return nil, err
	}
	if _, err := d.captureLocked(ctx, touched, captureLand); err != nil {
		return nil, err
	}
	d.hook("captured")
	m := &merger{objects: a.objects, head: d.at().tree, binary: a.landing.Binary}
	if m.stale, err = a.stale(m.head); err != nil {
		return nil, err
	}
	if a.landing.Strict && len(m.stale) > 0 {
		return nil, &ConflictError{Op: "land", Stale: paths(m.stale)}
	}
	if err := m.joinAll(a.rebased()); err != nil {
		return nil, err
	}
	if len(m.files) > 0 {
		a.remember(m)
		op := a.op
		if op == "" {
			op = "land"
		}
		return nil, &ConflictError{Op: op, Files: m.files}
	}
	return m, nil
}

// touched returns the paths to look at for owner edits: the files, and files
// that stand where folders are needed.
func (a *attempt) touched() ([]string, error) {
	seen := map[string]bool{}
	var out []string
	for _, c := range a.changes {
		out = append(out, c.path)
		for dir, _ := split(c.path); dir != "" && !seen[dir]; dir, _ = split(dir) {
			seen[dir] = true
			st, ok, err := look(a.d.rootFD, dir)
			if err != nil {
				return nil, err
			}
			if ok && !st.isDir() {
				out = append(out, dir)
			}
		}
	}
	if a.landing.Strict {
		for p := range a.reads {
			out = append(out, p)
		}
	}
	return out, nil
}

// rebased gives files whose conflict the agent has seen, and edited since, the
// version that it was shown as their base.
func (a *attempt) rebased() []change {
	if a.txn == nil || len(a.txn.answered) == 0 {
		return a.changes
	}
	out := make([]change, len(a.changes))
	for i, c := range a.changes {
		if seen, ok := a.txn.answered[c.path]; ok && c.new != seen.theirs {
			c.old = seen.ours
		}
		out[i] = c
	}
	return out
}

func (a *attempt) remember(m *merger) {
	if a.txn == nil {
		return
	}
	for _, f := range m.files {
		for _, c := range a.changes {
			if c.path != string(f.Path) {
				continue
			}
			if now, err := m.objects.file(m.head, c.path); err == nil {
				a.txn.answered[c.path] = answer{ours: now, theirs: c.new}
			}
		}
	}
}

// stale returns the files that the landing was made from and that are no longer as
// they were then, sorted.
func (a *attempt) stale(head git.Hash) (out []string, err error) {
	for path, was := range a.reads {
		now, err := a.objects.lookup(head, path)
		if err != nil {
			return nil, err
		}
		if was != now {
			out = append(out, cmp.Or(path, "."))
		}
	}
	slices.Sort(out)
	return out, nil
}

// check runs all checks on a tree.
func (a *attempt) check(ctx context.Context, checks []Check, tree git.Hash, m *merger) error {
	c := Checked{Tree: &View{objects: a.objects, tree: tree, at: a.d.at().id}, Kind: a.landing.Kind, Attest: func(level, contract string) {
		a.landing.Provenance.Verified, a.landing.Provenance.Contract = level, contract
	}}
	if len(a.rows) > 0 {
		c.Rows = a.carry
	}
	for _, ch := range m.changes {
		c.Changes = append(c.Changes, ch.public())
	}
	c.Stale = paths(m.stale)
	if !a.since.IsZero() {
		var others []change
		if err := a.objects.diff(a.since, m.head, "", &others); err != nil {
			return err
		}
		sortChanges(others)
		for _, ch := range others {
			c.Others = append(c.Others, ch.public())
		}
	}
	if c.Kind == "" {
		c.Kind = sys.ByAgent
	}
	for _, check := range checks {
		if err := check(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// carry brings the rows of the landing into a copy of a database.
func (a *attempt) carry(ctx context.Context, p sys.Path, copy string) error {
	for _, c := range a.rows {
		if c.path != string(p) {
			continue
		}
		if err := applyTo(ctx, copy, c.set, rows.Mode{KeepLive: true, KeepUsed: true}); err != nil {
			return explain("bring rows into a copy of", c.path, err)
		}
	}
	return nil
}

func paths(list []string) []sys.Path {
	var out []sys.Path
	for _, p := range list {
		out = append(out, sys.Path(p))
	}
	return out
}
