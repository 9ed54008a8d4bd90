package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/ipc"
	"matrixos/model"
	"matrixos/policy"
	"matrixos/sys"
)

// process is one run of a program.
type process struct {
	k       *Kernel
	program Program
	subject policy.Subject
	engine  engine.Engine
	model   string // the engine's own id of it
	cancel  context.CancelCauseFunc
	proof   *proof        // it is a trial; nil otherwise
	errand  *errand       // it serves a guest; nil otherwise
	done    chan struct{} // closed when it left the table, or was parked

	reviving sync.Mutex   // held while it is taken up again; taken before all others
	hearing  sync.RWMutex // held for writing while it stops taking words
	desk     sync.Mutex   // held while the transaction begins
	sampling sync.Mutex   // held while its model answers an attached thing
	writing  sync.Mutex   // one commit at a time, in order

	mu       sync.Mutex
	request  *request
	row      sys.Process
	memo     memo
	leaf     string // the newest entry of its conversation
	pending  pending
	tools    int // calls that run
	place    func()
	txn      *disk.Txn
	worked   *disk.Txn               // a program of its own is at work in it
	view     *disk.View              // what it reads until its transaction begins
	base     *disk.View              // what its transaction began on
	reads    map[sys.Path]*disk.View // what it has read, and in which state of the home
	seen     map[sys.Path][32]byte
	steer    []steering
	taken    int64 // the newest steering that the engine has
	closing  bool  // it takes no more steering
	report   Report
	receipt  ipc.Receipt     // of mail that it was handed and has not confirmed
	beat     time.Time       // when it last did something
	dormant  bool            // an earlier run left it unfinished, and nothing runs it now
	proved   map[string]bool // what has passed its trial, and is as it was then
	stranger string          // a model that answered and was not asked
	retaken  string          // the call that is being made again
	obstacle error           // how its newest call failed, if no model could have done it
	cause    func() error    // why its context ended
}

// Report is what a finished process tells its parent.
type Report struct {
	Text     string
	Landings []sys.LandingInfo
	Verified string
}

// State is the volatile part of a prompt; it goes in front of the newest
// message, never into the cached system prompt.
type State struct {
	Now     time.Time   `json:"now"`
	Program sys.Program `json:"program"`
	Handle  sys.Handle  `json:"handle"`
	Model   string      `json:"model"`
	Focus   sys.Slug    `json:"focus,omitempty"` // the app in front of the owner, or to work on
	Apps    any         `json:"apps"`
	New     bool        `json:"new,omitempty"` // the first conversation of a home whose owner is not known yet
}

func (k *Kernel) state(p *process) State {
	focus := p.subject.App
	if focus == "" {
		focus = p.req().app
	}
	return State{
		Now: k.now().Truncate(time.Second), Program: p.program.Name, Handle: k.handle(),
		Model: p.snapshot().Model, Focus: focus, Apps: k.apps.State(k.withheld), New: p.program.Name == sys.ProgramKernel && k.isNew(),
	}
}

// event fills in whose event it is.
func (p *process) event(kind sys.EventKind, data any) sys.Event {
	e := sys.NewEvent(kind, data)
	r := p.req()
	e.PID, e.Conversation, e.Request = p.pid(), r.conversation, r.id
	return e
}

func (p *process) pid() sys.PID { return p.subject.PID }

func (p *process) req() *request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.request
}

// snapshot returns the process's row as it is now.
func (p *process) snapshot() sys.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.row
}

// tree is what the calls of the process read: its transaction once that began,
// the landing it started from before; and its scratch folder. One with a scope
// reads its transaction from the start.
func (p *process) tree(ctx context.Context) (fs.FS, error) {
	if len(p.program.Scope) > 0 {
		t, err := p.begun(ctx)
		if err != nil {
			return nil, err
		}
		home, err := folder(ctx, t)
		if err != nil {
			return nil, err
		}
		return withScratch{home, p.k.scratch.folder(p.snapshot().Conversation)}, nil
	}
	home, err := p.homeTree(ctx)
	if err != nil {
		return nil, err
	}
	return withScratch{home, p.k.scratch.folder(p.snapshot().Conversation)}, nil
}

// folder is a transaction's folder, which no link leads out of, until ctx ends.
func folder(ctx context.Context, t *disk.Txn) (fs.FS, error) {
	root, err := os.OpenRoot(t.Dir())
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { root.Close() })
	return root.FS(), nil
}

// homeTree is the home as the process knows it, for the kernel's own use: what
// lies outside its program's scope as well, as it last landed.
func (p *process) homeTree(ctx context.Context) (fs.FS, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.txn != nil && len(p.program.Scope) == 0 {
		return folder(ctx, p.txn)
	}
	if p.view == nil {
		v, err := p.k.disk.View(0)
		if err != nil {
			return nil, err
		}
		p.view = v
	}
	return p.view, nil
}

// begun is the process's transaction, begun if need be.
func (p *process) begun(ctx context.Context) (*disk.Txn, error) {
	p.desk.Lock()
	defer p.desk.Unlock()
	if t := p.transaction(); t != nil {
		return t, nil
	}
	if s := p.snapshot().State; s.Ended() || s == sys.Parked {
		return nil, &sys.Error{Op: "begin", Path: fmt.Sprint(p.pid()), Kind: sys.Canceled, Err: fmt.Errorf("the process is %s", s)}
	}
	t, err := p.k.disk.BeginWith(ctx, disk.BeginOptions{Label: string(p.program.Name), Scope: p.program.scope(p.subject.App)})
	if err != nil {
		return nil, err
	}
	base, err := p.k.disk.View(t.Base())
	if err != nil {
		return nil, errors.Join(err, t.Drop())
	}
	if err := p.layContract(t.Dir()); err != nil {
		return nil, errors.Join(err, t.Drop())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.txn, p.base = t, base
	for path, view := range p.reads { // reads before it began count as well
		t.NoteReadIn(view, path)
	}
	return t, nil
}

func (p *process) transaction() *disk.Txn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.txn
}

func (p *process) mayWrite(path sys.Path) error {
	founds, err := p.founds(path)
	if err != nil {
		return err
	}
	if founds {
		return policy.Found(p.subject, path)
	}
	return policy.Write(p.subject, path)
}

// provenance signs a landing of the process.
func (p *process) provenance() sys.Provenance {
	row := p.snapshot()
	return sys.Provenance{
		Process: row.PID, Parent: row.Parent, Program: row.Program, Request: row.Request,
		Conversation: p.req().conversation, Model: row.Model, Cost: row.Cost, Label: row.Label,
	}
}

// Workspace is the home as process pid would land it; NotFound if it has
// changed nothing so far.
func (k *Kernel) Workspace(pid sys.PID) (fs.FS, error) {
	if p := k.process(pid); p != nil {
		if t := p.transaction(); t != nil {
			return os.DirFS(t.Dir()), nil
		}
	}
	return nil, &sys.Error{Op: "look into the work of process", Path: fmt.Sprint(pid), Kind: sys.NotFound, Hint: "it has changed nothing, or it has landed"}
}

// steering is what the owner said to a process at work.
type steering struct {
	id   int64
	text string
}

func (s steering) block() model.Block { return model.Block{Kind: model.Text, Text: s.text} }
