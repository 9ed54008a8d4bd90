package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrixos/disk"
	"matrixos/engine"
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

// Apps is what the kernel needs to know of apps.
type Apps interface {
	// Landed makes the apps follow a landing before the process that made it
	// goes on; problems are the apps' own, shown with them.
	Landed(ctx context.Context, l sys.LandingInfo)
	// State describes the installed apps for a prompt, marshalled as JSON.
	State() any
}

// Options are what a kernel is made of. All fields are required.
type Options struct {
	Disk   *disk.Disk
	Models Models
	Apps   Apps
	Calls  []Syscall
	Handle sys.Handle
	Logger *slog.Logger
	Now    func() time.Time // the clock; time.Now but for tests
}

// Kernel is the process table and everything that acts on it. Its methods may
// be called from any goroutine.
type Kernel struct {
	disk    *disk.Disk
	journal *journal.Journal
	models  Models
	apps    Apps
	calls   map[string]*call
	handle  sys.Handle
	log     *slog.Logger
	now     func() time.Time
	talks   *talks

	cancel context.CancelCauseFunc
	group  sync.WaitGroup
	base   func() context.Context // of everything that runs in the background

	mu        sync.Mutex
	procs     map[sys.PID]*process
	talking   map[sys.Conversation]*process // the main process at work in each
	questions map[string]*question
	closed    bool
	wake      chan struct{} // the schedule changed
}

// call is a system call with its compiled schema.
type call struct {
	Syscall
	schema *jsonschema.Schema
}

// New makes a kernel on an open disk, marks what an earlier run left unfinished
// as killed, and starts the schedule. Close it before the disk.
func New(ctx context.Context, o Options) (*Kernel, error) {
	k := &Kernel{
		disk: o.Disk, journal: o.Disk.Journal(), models: o.Models, apps: o.Apps,
		calls: map[string]*call{}, handle: o.Handle, log: o.Logger, now: o.Now,
		talks: &talks{root: o.Disk.Root()},
		procs: map[sys.PID]*process{}, talking: map[sys.Conversation]*process{},
		questions: map[string]*question{}, wake: make(chan struct{}, 1),
	}
	for _, c := range o.Calls {
		schema, err := compileSchema(c.Name, c.Schema)
		if err != nil {
			return nil, err
		}
		k.calls[c.Name] = &call{Syscall: c, schema: schema}
	}
	if err := k.journal.Migrate(ctx, "kernel", tables...); err != nil {
		return nil, err
	}
	if err := k.recover(ctx); err != nil {
		return nil, err
	}
	background, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	k.cancel, k.base = cancel, func() context.Context { return background }
	k.group.Go(func() { k.schedule(background) })
	return k, nil
}

// Close stops every process, waits for them to leave the table, and returns.
// Work that had not landed is dropped.
func (k *Kernel) Close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.cancel(&sys.Error{
		Op: "run", Kind: sys.Canceled, Err: errors.New("stopped with Matrix OS; nothing was left half done"),
		Hint: "ask again to take it up",
	})
	k.group.Wait()
	return nil
}

// tables are the kernel's own, beside the journal.
var tables = []string{
	`CREATE TABLE kernel_process (
		pid INTEGER PRIMARY KEY AUTOINCREMENT,
		state TEXT NOT NULL,
		row TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX kernel_process_state ON kernel_process(state)`,
	`CREATE TABLE kernel_fired (
		job TEXT NOT NULL,
		occurrence TEXT NOT NULL,
		PRIMARY KEY (job, occurrence)
	) STRICT`,
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
