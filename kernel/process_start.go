package kernel

import (
	"context"
	"encoding/json"
	"strings"

	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// spec says what process to make.
type spec struct {
	program sys.Program
	task    string
	app     sys.Slug
	model   string // a name as the owner writes it
	request *request
	talk    sys.Conversation // empty: one of its own
	parent  *process
}

// prepare makes a process and enters it in the table, in state ready. Nothing
// runs yet.
func (k *Kernel) prepare(ctx context.Context, s spec) (*process, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	program, err := findProgram(view, s.program)
	if err != nil {
		return nil, err
	}
	name := s.model
	if program.Model != "" && program.Model != "inherit" {
		name = program.Model
	}
	eng, id, err := k.models.Engine(name)
	if err != nil {
		return nil, err
	}
	row := sys.Process{
		Program: s.program, Conversation: s.talk, Request: s.request.id, Task: firstLine(s.request.text),
		State: sys.Created, Model: name, Started: k.now(),
	}
	if s.parent != nil {
		row.Parent = s.parent.pid()
		row.Label = s.parent.snapshot().Label
	}
	p := &process{
		k: k, program: program, request: s.request, engine: eng, model: id, task: s.task,
		done: make(chan struct{}), row: row, view: view, seen: map[sys.Path][32]byte{},
	}
	if err := p.enter(ctx, s); err != nil {
		return nil, err
	}
	return p, nil
}

// enter gives the process its PID, durably, and puts it in the table.
func (p *process) enter(ctx context.Context, s spec) error {
	err := p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `INSERT INTO kernel_process(state, row) VALUES('created', '{}')`)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		p.row.PID = sys.PID(id)
		if p.row.Conversation == "" {
			p.row.Conversation = childTalk(s.request.conversation, p.row.PID)
		}
		if err := p.moveLocked(sys.Ready, ""); err != nil {
			return err
		}
		p.subject = policy.Subject{PID: p.row.PID, Program: s.program, Grant: p.program.Grant(), Label: p.row.Label, App: s.app}
		raw, err := json.Marshal(p.row)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=? WHERE pid=?`, string(p.row.State), string(raw), id); err != nil {
			return err
		}
		return tx.Append(p.event(sys.EventProcess, p.row))
	})
	if err != nil {
		return err
	}
	p.k.mu.Lock()
	p.k.procs[p.pid()] = p
	p.k.mu.Unlock()
	return nil
}

// admit makes p the one that works in its conversation.
func (k *Kernel) admit(p *process) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.talking[p.request.conversation] != nil {
		delete(k.procs, p.pid())
		kind, hint := sys.Conflict, "ask again in a moment"
		if k.closed {
			kind, hint = sys.Unavailable, "start it again with `matrixos up`"
		}
		return &sys.Error{Op: "ask", Kind: kind, Hint: hint}
	}
	k.talking[p.request.conversation] = p
	return nil
}

// dismiss takes p out of the table.
func (k *Kernel) dismiss(p *process) {
	k.mu.Lock()
	delete(k.procs, p.pid())
	if k.talking[p.request.conversation] == p {
		delete(k.talking, p.request.conversation)
	}
	k.mu.Unlock()
	close(p.done)
}

// spawn runs a child to its end.
func (p *process) spawn(ctx context.Context, program sys.Program, task string, app sys.Slug) (Report, error) {
	if program == sys.ProgramKernel {
		return Report{}, &sys.Error{Op: "spawn", Path: string(program), Kind: sys.Refused, Hint: "the main agent is not a sub-agent; name builder"}
	}
	child, err := p.k.prepare(ctx, spec{
		program: program, task: task, app: app, model: p.snapshot().Model, request: p.request, parent: p,
	})
	if err != nil {
		return Report{}, err
	}
	if err := p.waiting(ctx, "child "+string(program)); err != nil {
		return Report{}, err
	}
	childCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	child.arm(cancel)
	report, err := child.live(childCtx)
	p.k.dismiss(child)
	p.request.child(err)
	p.refresh()
	if back := p.running(ctx); back != nil && err == nil {
		err = back
	}
	return report, err
}

// refresh lets a process that has changed nothing see what a child landed.
func (p *process) refresh() {
	if t := p.transaction(); t != nil {
		changes, err := t.Changes(context.Background())
		if err != nil || len(changes) > 0 {
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

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:119]) + "…"
	}
	return line
}
