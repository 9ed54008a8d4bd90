package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrixos/disk"
	"matrixos/driver"
	"matrixos/engine"
	"matrixos/ipc"
	"matrixos/journal"
	"matrixos/sys"
)

// Models finds the engine for a model name such as "offline" or
// "anthropic:claude-opus-4-6", and the id by which that engine knows it. Its
// errors say how to attach the model.
type Models interface {
	Engine(name string) (e engine.Engine, id string, err error)
	// Default is the owner's choice of model.
	Default() string
}

// Agents are Models over which programs of their own can run conversations: coding
// agents that are installed. Its errors say how to get the program.
type Agents interface {
	Agent(c engine.Command, model string) (e engine.Engine, id string, err error)
}

// Apps is what the kernel needs to know of apps.
type Apps interface {
	// Landed makes the apps follow a landing before the process that made it
	// goes on; problems are the apps' own, shown with them.
	Landed(ctx context.Context, l sys.LandingInfo)
	// State describes the installed apps for a prompt, marshalled as JSON. Words
	// of an app whose manifest withheld reports are left out: they came from
	// outside.
	State(withheld func(manifest sys.Path) bool) any
	// Promises reports why a contract that an agent wrote may not land: it would find
	// next to nothing, whatever the app does. tree is the process's.
	Promises(tree fs.FS, contract sys.Path) error
}

// Options are what a kernel is made of. All fields are required but the last
// ones.
type Options struct {
	Disk   *disk.Disk
	Models Models
	Apps   Apps
	Calls  []Syscall
	Handle func() sys.Handle // the owner's; it may change while the kernel runs
	Logger *slog.Logger
	Now    func() time.Time // the clock; time.Now but for tests
	// Settings are the owner's, read whenever they count; nil means the defaults.
	Settings func() Settings
	// Resume lets what an earlier run left unfinished go on by itself. Without it,
	// it stays in the table, at rest, until somebody continues it.
	Resume bool
	// Redact takes secrets out of what a call returns, before anybody reads it; nil
	// takes out nothing.
	Redact func(string) string
	// Drivers are the attached things whose tools programs may call; nil if there can
	// be none. Describe says for the owner what a file of system/mcp attaches.
	Drivers  *driver.Rack
	Describe func(path sys.Path, text []byte) (string, error)
	// Safe starts nothing by itself, after crashes in a row.
	Safe bool
	// Second says that the home is also on another device of the owner's, which runs
	// what is due and looks around: here nothing of that begins.
	Second bool
}

// Kernel is the process table and everything that acts on it. Its methods may
// be called from any goroutine.
type Kernel struct {
	disk    *disk.Disk
	journal *journal.Journal
	ipc     *ipc.Store
	models  Models
	apps    Apps
	calls   map[string]*call
	handle  func() sys.Handle
	log     *slog.Logger
	now     func() time.Time
	talks   *talks
	commits *commits
	places  *scheduler
	books   *books
	scratch scratch

	memoryIndex, talkIndex index

	drivers  *driver.Rack
	describe func(sys.Path, []byte) (string, error)

	daemon  bool // it resumes what was left, and leaves what is unfinished to be resumed
	safe    bool
	second  bool
	redact  func(string) string
	stopped atomic.Bool
	loops   []*loop

	settings func() Settings

	cancel context.CancelCauseFunc
	group  sync.WaitGroup
	base   func() context.Context // of everything that runs in the background

	editing sync.Mutex // held while the owner changes the schedule

	mu        sync.Mutex
	procs     map[sys.PID]*process
	talking   map[sys.Conversation]*process // the main process of each; nil while it is made
	questions map[string]chan string
	answered  chan struct{} // closed, and another made, when the owner has answered an approval
	closed    bool
	wake      chan struct{} // the schedule changed
}

// call is a system call with its compiled schema.
type call struct {
	Syscall
	schema *jsonschema.Schema
}

// New makes a kernel on an open disk, takes up what an earlier run left
// unfinished, and starts the schedule. Close it before the disk.
func New(ctx context.Context, o Options) (*Kernel, error) {
	k := &Kernel{
		disk: o.Disk, journal: o.Disk.Journal(), models: o.Models, apps: o.Apps,
		calls: map[string]*call{}, handle: o.Handle, log: o.Logger, now: o.Now,
		talks: &talks{root: o.Disk.Root()}, commits: &commits{j: o.Disk.Journal()},
		books: &books{accounts: map[string]*account{}}, scratch: scratch{filepath.Join(o.Disk.Root(), sys.Store, "scratch")},
		daemon: o.Resume, safe: o.Safe, second: o.Second, drivers: o.Drivers, describe: o.Describe, redact: o.Redact, settings: o.Settings,
		procs: map[sys.PID]*process{}, talking: map[sys.Conversation]*process{},
		questions: map[string]chan string{}, answered: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	if k.settings == nil {
		k.settings = func() Settings { return Settings{} }
	}
	k.places = newScheduler(k.now, func(provider string) int { return k.settings().Concurrent[provider] })
	for _, c := range o.Calls {
		schema, err := compileSchema(c.Name, c.Schema)
		if err != nil {
			return nil, err
		}
		k.calls[c.Name] = &call{Syscall: c, schema: schema}
	}
	for owner, steps := range map[string][]string{"kernel": tables, "kernel-label": labelTables, "kernel-approval": approvalTables, "kernel-outgoing": outgoingTables, "kernel-job": jobTables, "kernel-setup": setupTables} {
		if err := k.journal.Migrate(ctx, owner, steps...); err != nil {
			return nil, err
		}
	}
	var err error
	if k.ipc, err = ipc.Open(ctx, k.journal, o.Now); err != nil {
		return nil, err
	}
	k.scratch.sweep(k.now(), k.log)
	background, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	k.cancel, k.base = cancel, func() context.Context { return background }
	left, err := k.recover(ctx)
	if err != nil {
		cancel(err)
		return nil, err
	}
	for _, p := range left {
		k.run(p)
	}
	k.loops = []*loop{{name: "schedule", run: k.schedule}, {name: "heartbeat", run: k.heartbeat}, {name: "leases", run: k.keepLeases}}
	for _, l := range k.loops {
		k.start(l)
	}
	k.group.Go(func() { k.watch(background) })
	return k, nil
}

// Close stops every process, waits for them to leave the table, and returns. Where
// the next start takes up what is unfinished they are put to rest for it; else
// they end, and work that had not landed is dropped.
func (k *Kernel) Close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	var why error = &sys.Error{
		Op: "run", Kind: sys.Canceled, Err: errors.New("stopped with Matrix OS; nothing was left half done"),
		Hint: "ask again to take it up",
	}
	if k.daemon {
		why = errSuspended
	}
	k.cancel(why)
	k.group.Wait()
	for _, l := range k.loops {
		l.settle()
	}
	for _, p := range k.all() {
		if err := p.forget(); err != nil {
			k.log.Warn("a workspace could not be removed", "pid", p.pid(), "error", err)
		}
	}
	if err := errors.Join(k.memoryIndex.close(), k.talkIndex.close()); err != nil {
		return err
	}
	if !k.daemon {
		return nil
	}
	return k.setMeta(context.Background(), metaClean, "yes")
}

func compileSchema(name string, raw json.RawMessage) (*jsonschema.Schema, error) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, &sys.Error{Op: "read schema of", Path: name, Kind: sys.Internal, Err: err}
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name+".json", doc); err != nil {
		return nil, &sys.Error{Op: "read schema of", Path: name, Kind: sys.Internal, Err: err}
	}
	s, err := c.Compile(name + ".json")
	if err != nil {
		return nil, &sys.Error{Op: "read schema of", Path: name, Kind: sys.Internal, Err: err}
	}
	return s, nil
}
