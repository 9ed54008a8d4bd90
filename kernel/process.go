package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/journal"
	"matrixos/model"
	"matrixos/policy"
	"matrixos/sys"
)

// process is one run of a program.
type process struct {
	k       *Kernel
	program Program
	subject policy.Subject
	request *request
	engine  engine.Engine
	model   string // the engine's own id of it
	task    string
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when it left the table

	desk sync.Mutex // held while the transaction begins; taken before mu

	mu     sync.Mutex
	row    sys.Process
	txn    *disk.Txn
	view   *disk.View // what it reads until its transaction begins
	seen   map[sys.Path][32]byte
	steer  []model.Block
	report Report
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
}

func (k *Kernel) state(p *process) State {
	focus := p.subject.App
	if focus == "" {
		focus = p.request.app
	}
	return State{
		Now: k.now().Truncate(time.Second), Program: p.program.Name, Handle: k.handle,
		Model: p.row.Model, Focus: focus, Apps: k.apps.State(),
	}
}

// event fills in whose event it is.
func (p *process) event(kind sys.EventKind, data any) sys.Event {
	e := sys.NewEvent(kind, data)
	e.PID, e.Conversation, e.Request = p.pid(), p.request.conversation, p.request.id
	return e
}

func (p *process) pid() sys.PID { return p.subject.PID }

// snapshot returns the process's row as it is now.
func (p *process) snapshot() sys.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.row
}

// update changes the row and makes the new row durable together with its event.
func (p *process) update(ctx context.Context, change func(*sys.Process)) error {
	p.mu.Lock()
	change(&p.row)
	row := p.row
	p.mu.Unlock()
	raw, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return p.k.journal.Update(context.WithoutCancel(ctx), func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=? WHERE pid=?`, string(row.State), string(raw), int64(row.PID)); err != nil {
			return err
		}
		return tx.Append(p.event(sys.EventProcess, row))
	})
}

// tree is what the process reads: its transaction once that began, the landing
// it started from before.
func (p *process) tree(ctx context.Context) (fs.FS, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.txn != nil {
		root, err := os.OpenRoot(p.txn.Dir())
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { root.Close() })
		return root.FS(), nil
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

// workspace is the folder of the process's transaction, begun if need be.
func (p *process) workspace(ctx context.Context) (string, error) {
	p.desk.Lock()
	defer p.desk.Unlock()
	if t := p.transaction(); t != nil {
		return t.Dir(), nil
	}
	t, err := p.k.disk.Begin(ctx, string(p.program.Name))
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	p.txn = t
	p.mu.Unlock()
	return t.Dir(), nil
}

func (p *process) transaction() *disk.Txn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.txn
}

func (p *process) mayWrite(path sys.Path) error { return policy.Write(p.subject, path) }

// provenance signs a landing of the process.
func (p *process) provenance() sys.Provenance {
	row := p.snapshot()
	return sys.Provenance{
		Process: row.PID, Parent: row.Parent, Program: row.Program, Request: row.Request,
		Conversation: p.request.conversation, Model: row.Model, Cost: row.Cost, Label: row.Label,
	}
}

// Workspace is the home as process pid would land it; NotFound if it has
// changed nothing so far.
func (k *Kernel) Workspace(pid sys.PID) (fs.FS, error) {
	k.mu.Lock()
	p := k.procs[pid]
	k.mu.Unlock()
	if p != nil {
		if t := p.transaction(); t != nil {
			return os.DirFS(t.Dir()), nil
		}
	}
	return nil, &sys.Error{Op: "look into the work of process", Path: fmt.Sprint(pid), Kind: sys.NotFound, Hint: "it has changed nothing, or it has landed"}
}
