package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"matrixos/disk/git"
	"matrixos/disk/workspace"
	"matrixos/journal"
	"matrixos/sys"
)

// Options are what a caller may say about a home.
type Options struct {
	// Template is the first landing of a new home. Files that are already in
	// the folder win over it.
	Template fs.FS
	// Logger receives what an operator should know; nil discards it.
	Logger *slog.Logger
	// Owner is the git author of edits by hand, "Name" or "Name <address>".
	Owner string
	// Hook is called at named points of landing and recovery, for tests.
	Hook func(point string)
	// NoWatch leaves out the watcher: edits by hand are then found by Capture,
	// Begin and Land only.
	NoWatch bool
	// Workspace is the backend to use for the folders of transactions; empty takes
	// the best that the machine offers.
	Workspace workspace.Kind
	// Holder is a program that calls workspace.Hold when it is started under the
	// name workspace.HolderName; empty does without overlay.
	Holder string

	// For tests.
	fault    func(point string) error // fail here
	boot     string                   // the id of this machine's boot, if not the true one
	unsynced string                   // a kind of sync to leave out: "stage" or "checkpoint"
}

// Disk is an open home. All methods may be called concurrently.
type Disk struct {
	root      string // the home, absolute
	dir       string // the store in it
	rootFD    *os.File
	stageFD   *os.File
	appliedFD *os.File
	lock      *os.File
	repo      *git.Repo
	spaces    *workspace.Store
	j         *journal.Journal
	log       *slog.Logger
	owner     string
	hook      func(string)
	fault     func(string) error
	boot      string // the id of this machine's boot

	unsynced string // a kind of sync that tests leave out

	head      atomic.Pointer[point]
	ignore    atomic.Pointer[ignorer]
	checks    atomic.Pointer[[]Check]
	rowChecks atomic.Pointer[[]RowCheck]
	care      atomic.Pointer[func() Care]

	room room      // whether new things are taken
	data dataStore // copies and changes of app databases

	mu        sync.Mutex // the lander: one landing at a time
	stats     map[string]known
	pending   map[string]change // decided, but not yet in the live files
	applied   sys.LandingID     // all landings up to here are in the live files
	redoRows  int               // since the last checkpoint
	redoBytes int
	indexed   git.Hash // what git's index was last made of

	verified map[string]known // while opening: what the last scrub has compared
	rotten   []string         // found while opening: changed without having been touched

	blames  blames     // what is known of where lines come from
	viewing sync.Mutex // one checkout at a time; nothing else is taken with it
	caring  sync.Mutex // above mu: one scrub or collection at a time

	races  atomic.Int64          // edits by hand that came between and were kept
	broken atomic.Pointer[error] // the history could not be written; only a restart helps
	tidyUp chan struct{}         // something for tidy to do

	decided    chan struct{} // something for writeHistory to do
	publishing sync.Mutex    // below mu: one writer of the repository at a time
	published  git.Hash      // what main is, guarded by publishing

	dirtyMu sync.Mutex // below mu
	dirty   map[string]bool
	dirtied chan struct{}

	background sync.WaitGroup
	stop       context.CancelFunc
	closed     atomic.Bool
}

// point is a position of the history.
type point struct {
	id           sys.LandingID
	commit, tree git.Hash
}

// Open opens the home in folder root, creating what is missing: the folder, the
// store, the first landing. It finishes what a crash has left undone and records
// edits made while nothing ran. One process holds a home; others get an error
// of kind Held.
func Open(ctx context.Context, root string, o Options) (_ *Disk, err error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, &sys.Error{Op: "open home", Path: root, Kind: sys.Invalid, Err: err}
	}
	d := &Disk{
		root: abs, dir: filepath.Join(abs, sys.Store),
		log: o.Logger, owner: o.Owner, hook: o.Hook, fault: o.fault,
		stats: map[string]known{}, pending: map[string]change{},
		boot: o.boot, unsynced: o.unsynced, tidyUp: make(chan struct{}, 1), decided: make(chan struct{}, 1), dirty: map[string]bool{}, dirtied: make(chan struct{}, 1),
	}
	d.defaults()
	d.room.changed = make(chan struct{}, 1)
	err = d.openStore(ctx)
	if isFull(err) && d.dropBallast() {
		if err = d.release(); err == nil {
			d.j, d.data.chunks, d.stageFD, d.rootFD, d.lock = nil, nil, nil, nil, nil
			err = d.openStore(ctx)
		}
	}
	if err != nil {
		return nil, errors.Join(explain("open home", abs, err), d.release())
	}
	if err := d.start(ctx, o); err != nil {
		d.closed.Store(true)
		if d.stop != nil {
			d.stop()
		}
		d.background.Wait()
		return nil, errors.Join(explain("open home", abs, err), d.release())
	}
	return d, nil
}

func (d *Disk) defaults() {
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.owner == "" {
		d.owner = "Owner"
	}
	if d.hook == nil {
		d.hook = func(string) {}
	}
	if d.fault == nil {
		d.fault = func(string) error { return nil }
	}
	if d.boot == "" {
		d.boot = bootID()
	}
	d.checks.Store(&[]Check{})
	d.rowChecks.Store(&[]RowCheck{})
}

// start brings live files, history and memory to the same state.
func (d *Disk) start(ctx context.Context, o Options) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.recoverLocked(ctx); err != nil {
		return err
	}
	d.loadIgnore()
	if d.Head() == 0 {
		if err := d.firstLanding(ctx, o.Template); err != nil {
			return err
		}
	}
	if err := d.withBallast(func() error { return d.orphaned(ctx) }); err != nil && !d.noteTrouble(err) {
		return err
	}
	// Watching starts before the scan, so that no edit falls between.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	if !o.NoWatch {
		if err := d.startWatching(running); err != nil {
			return err
		}
	}
	var err error
	if d.verified, err = d.readVerified(ctx); err != nil {
		return err
	}
	if _, err := d.captureLocked(ctx, nil, captureAtOpen); err != nil {
		if !d.noteTrouble(err) {
			return fmt.Errorf("record edits made while nothing ran: %w", err)
		}
		d.markDirty("") // they stay in the files, and are recorded once there is room
	}
	d.lookAtRoom(ctx)
	d.healRottenLocked(ctx)
	if err := d.makeRoom(); err != nil {
		d.log.WarnContext(ctx, "old views could not be removed", "error", err)
	}
	d.spaces, err = workspace.Open(ctx, workspace.Options{
		Dir: d.dir, Source: d.repo, Only: o.Workspace, Holder: o.Holder, Logger: d.log,
	}, d.at().tree)
	if err != nil {
		return fmt.Errorf("make folders for transactions: %w", err)
	}
	d.background.Go(func() { d.tidy(running) })
	d.background.Go(func() { d.watchRoom(running) })
	d.background.Go(func() { d.lookAfter(running) })
	d.background.Go(func() { d.writeHistory(running) })
	d.tellHistory()
	return nil
}

// Root returns the home's folder.
func (d *Disk) Root() string { return d.root }

// Journal returns the home's journal, which closes with the disk.
func (d *Disk) Journal() *journal.Journal { return d.j }

// Head returns the newest landing.
func (d *Disk) Head() sys.LandingID { return d.at().id }

func (d *Disk) at() point {
	if p := d.head.Load(); p != nil {
		return *p
	}
	return point{}
}

// SetChecks says what every landing has to pass before its commit point, except
// what the owner did by hand.
func (d *Disk) SetChecks(checks ...Check) { d.checks.Store(&checks) }

// Close stops watching, waits for a running landing and lets go of the home.
// Open transactions become useless; drop them first.
func (d *Disk) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	d.stop()
	d.background.Wait()
	err := errors.Join(d.spaces.Close(), d.writeIndex(true))
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(err, d.publishHistory(), d.markAppliedLocked(context.Background()), d.release())
}

// usable fails once the disk is closed.
func (d *Disk) usable(op string) error {
	if d.closed.Load() {
		return &sys.Error{Op: op, Path: d.root, Kind: sys.Canceled, Err: errors.New("the home is closed")}
	}
	if err := d.broken.Load(); err != nil {
		return &sys.Error{Op: op, Path: d.root, Kind: sys.Unavailable, Err: *err, Hint: "restart Matrix OS: it finishes what was decided"}
	}
	return nil
}
