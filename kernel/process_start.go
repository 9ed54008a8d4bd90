package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// spec says what process to make.
type spec struct {
	program  sys.Program
	task     string
	app      sys.Slug
	contract string // of the app; "" leaves the one there is
	model    string // a name as the owner writes it
	request  *request
	talk     sys.Conversation // empty: one of its own
	class    sys.Class
	deadline time.Time
	parent   *process
	call     string   // of the parent
	fixed    *Program // in place of what the home has
	proof    *proof   // it is a trial
	errand   *errand  // it serves a guest, and has no model
	origin   origin
	events   func(p *process) []sys.Event
}

// origin is what a request has that the system itself makes.
type origin struct {
	job, name string      // of the schedule
	program   sys.Program // instead of the main agent
	label     sys.Label   // of what it was made from
	budget    sys.Budget  // instead of the program's
	// also is written with the process: both are, or neither. It may run twice.
	also func(ctx context.Context, tx *journal.Tx, pid sys.PID) error
}

// prepare makes a process and enters it in the table, in state ready. Nothing
// runs yet.
func (k *Kernel) prepare(ctx context.Context, s spec) (*process, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	program := s.fixed
	if program == nil {
		found, err := findProgram(view, s.program)
		if err != nil {
			return nil, err
		}
		program = &found
	}
	if s.origin.budget != (sys.Budget{}) {
		program.Budget.Budget = s.origin.budget
	}
	name := s.model
	if program.Model != "" && program.Model != "inherit" {
		name = program.Model
	}
	now := k.now()
	row := sys.Process{
		Program: s.program, Conversation: s.talk, Request: s.request.id, Task: firstLine(s.request.text),
		State: sys.Created, Since: now, Model: name, Started: now, Class: s.class, App: s.app, Budget: program.Budget.Budget,
	}
	if row.App == "" {
		row.App = s.request.app
	}
	if row.Label, err = k.startLabel(ctx, s, view, *program); err != nil {
		return nil, err
	}
	row.Label = row.Label.Join(s.origin.label)
	if s.parent != nil {
		row.Parent = s.parent.pid()
	}
	p := &process{
		k: k, program: *program, proof: s.proof, errand: s.errand, request: s.request, done: make(chan struct{}), row: row, view: view, seen: map[sys.Path][32]byte{}, reads: map[sys.Path]*disk.View{},
		memo: memo{Task: s.task, Call: s.call, Words: s.request.text, Contract: s.contract, From: s.request.from, Begun: s.request.started, Deadline: s.deadline, Job: s.origin.job, JobName: s.origin.name, Budget: s.origin.budget, Trial: s.proof != nil, Guest: s.errand != nil},
		beat: now,
	}
	if s.errand == nil {
		if err := p.use(name); err != nil {
			return nil, err
		}
	}
	if err := p.enter(ctx, s); err != nil {
		return nil, err
	}
	return p, nil
}

// enter gives the process its PID, durably, and puts it in the table.
func (p *process) enter(ctx context.Context, s spec) error {
	if err := p.moveLocked(sys.Ready, wait{}); err != nil {
		return err
	}
	talk := p.row.Conversation
	err := p.k.commits.do(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `INSERT INTO kernel_process(state, row) VALUES('created', '{}')`)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		p.row.PID, p.row.Conversation = sys.PID(id), talk
		if talk == "" {
			p.row.Conversation = childTalk(s.request.conversation, p.row.PID)
		}
		p.subject = policy.Subject{PID: p.row.PID, Program: s.program, Grant: p.program.Grant(), Label: p.row.Label, App: s.app}
		raw, err := json.Marshal(p.row)
		if err != nil {
			return err
		}
		kept, err := json.Marshal(p.memo)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=?, memo=? WHERE pid=?`, string(p.row.State), string(raw), string(kept), id); err != nil {
			return err
		}
		if s.origin.also != nil {
			if err := s.origin.also(ctx, tx, p.row.PID); err != nil {
				return err
			}
			if err := labelTalk(ctx, tx, p.row.Conversation, p.row.Label); err != nil {
				return err
			}
		}
		events := []sys.Event{p.event(sys.EventProcess, p.row)}
		if s.events != nil {
			events = append(events, s.events(p)...)
		}
		return tx.Append(events...)
	})
	if err != nil {
		return err
	}
	p.k.mu.Lock()
	p.k.procs[p.pid()] = p
	p.k.mu.Unlock()
	return nil
}

// process finds a process that is in the table.
func (k *Kernel) process(pid sys.PID) *process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.procs[pid]
}

// dismiss takes p out of the table.
func (k *Kernel) dismiss(p *process) {
	conversation := p.req().conversation
	k.mu.Lock()
	delete(k.procs, p.pid())
	if k.talking[conversation] == p {
		delete(k.talking, conversation)
	}
	k.mu.Unlock()
}

// spawn runs a child to its end, or takes up the one that answers the same call.
func (p *process) spawn(ctx context.Context, call string, o Spawn) (Report, error) {
	program := o.Program
	if program == sys.ProgramKernel {
		return Report{}, &sys.Error{Op: "spawn", Path: string(program), Kind: sys.Refused, Hint: "the main agent is not a sub-agent; name builder"}
	}
	child, report, err := p.child(ctx, call)
	if err != nil || report != nil {
		return *cmpReport(report), err
	}
	if child == nil {
		if err := p.k.settledFirst(o); err != nil {
			return Report{}, err
		}
		row := p.snapshot()
		p.mu.Lock()
		deadline := p.memo.Deadline
		p.mu.Unlock()
		child, err = p.k.prepare(ctx, spec{
			program: program, task: o.Task, app: o.App, contract: o.Contract, model: row.Model, class: row.Class, deadline: deadline,
			request: p.req(), parent: p, call: call,
		})
		if err != nil {
			return Report{}, err
		}
	}
	if err := p.waiting(ctx, sys.ForChild, string(program)); err != nil {
		return Report{}, err
	}
	childCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	child.arm(childCtx, cancel)
	end, err := child.live(childCtx)
	var rest *parked
	if errors.As(err, &rest) { // the whole request rests with it
		p.stop(rest)
		return end, err
	}
	p.req().child(err)
	p.mu.Lock()
	p.memo.Broken = failureOf(err)
	p.mu.Unlock()
	p.refresh()
	if e := p.shown(ctx, child.snapshot().Label); e != nil {
		return Report{}, e
	}
	if back := p.running(ctx); back != nil && err == nil {
		err = back
	}
	return end, err
}

func cmpReport(r *Report) *Report {
	if r == nil {
		return &Report{}
	}
	return r
}

// refresh lets a process that has changed nothing see what a child landed.
func (p *process) refresh() {
	if t := p.transaction(); t != nil {
		changes, err := t.Changes(context.Background())
		if err != nil || len(changes) > 0 || p.atWork(t) {
			return // it keeps its own view; landing merges
		}
		if err := p.forget(); err != nil {
			p.k.log.Warn("a workspace could not be removed", "error", err)
		}
	}
	p.mu.Lock()
	p.view = nil
	p.mu.Unlock()
}

// atWork reports whether a program of its own works in a transaction's folder.
func (p *process) atWork(t *disk.Txn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.worked == t
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:119]) + "…"
	}
	return line
}
