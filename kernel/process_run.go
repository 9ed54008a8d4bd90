package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// landingTries is how often a refused landing goes back to the conversation
// that made it before the process fails.
const landingTries = 4

// think holds the conversation to its end: a turn, and one more for each landing
// that was refused, for words that came late, and for a success that was claimed
// without effect.
func (p *process) think(ctx context.Context) error {
	if p.errand != nil {
		return p.serve(ctx)
	}
	if err := p.running(ctx); err != nil {
		return err
	}
	input, said, err := p.pickUp(ctx)
	if err != nil {
		return err
	}
	t := &thread{p: p}
	defer t.close()
	for tries := 0; ; {
		if !said {
			if err := t.turn(ctx, input); err != nil {
				return err
			}
		}
		said = false
		var next []model.Block
		err := p.land(ctx)
		switch {
		case err == nil:
			if next, err = p.afterwards(); err != nil || next == nil {
				return err
			}
		default:
			if tries++; tries == landingTries {
				return err
			}
			told, fatal := p.rebase(ctx, err)
			if fatal != nil {
				return fatal
			}
			again, ok := p.refused(told)
			if !ok {
				return err
			}
			next = []model.Block{{Kind: model.Text, Text: again}}
		}
		if err := p.running(ctx); err != nil {
			return err
		}
		input = next
	}
}

// afterwards is what remains to be said to a process whose work has landed, nil
// if nothing does; it takes no more words then.
func (p *process) afterwards() ([]model.Block, error) {
	if text, err := p.claim(); text != "" || err != nil {
		return []model.Block{{Kind: model.Text, Text: text}}, err
	}
	if more := (*host)(p).Steering(); len(more) > 0 {
		return more, nil
	}
	p.hearing.Lock()
	defer p.hearing.Unlock()
	if more := (*host)(p).Steering(); len(more) > 0 { // they came this instant
		return more, nil
	}
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	return nil, nil
}

// claim checks a success that the model claims: a program that is there to land
// something, and has landed nothing, is told so once and fails then.
func (p *process) claim() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.program.Effect != "landing" || len(p.report.Landings) > 0 {
		return "", nil
	}
	if !p.memo.Reopened {
		p.memo.Reopened = true
		return "You say that you are done, but nothing has changed: no file was written. Do it now, or say what stops you.", nil
	}
	return "", &sys.Error{
		Op: "run", Path: string(p.program.Name), Kind: sys.NotVerified,
		Err:  errors.New("it said that it was done, twice, but changed nothing"),
		Hint: "say more about what you want, or choose a stronger model",
	}
}

// thread is a process's open session, and the models that it may yet try.
type thread struct {
	p       *process
	session engine.Session
	tried   []string
}

func (t *thread) close() {
	if t.session != nil {
		if err := t.session.Close(); err != nil {
			t.p.k.log.Warn("a session did not close", "pid", t.p.pid(), "error", err)
		}
		t.session = nil
	}
}

// turn says input and follows the engine until it has nothing more to do. A
// model that does not answer, or will not, is followed by the next of the
// owner's fallback chain, which goes on in the same conversation.
func (t *thread) turn(ctx context.Context, input []model.Block) error {
	p := t.p
	if len(input) > 0 {
		if err := p.keepUser(model.Message{Role: model.User, Blocks: input}); err != nil {
			return err
		}
		if input[0].Kind == model.ToolResult {
			input = nil // the session begins with it
		}
	}
	for {
		err := t.once(ctx, input)
		var failed *modelError
		if err == nil || context.Cause(ctx) != nil || !errors.As(err, &failed) {
			return err
		}
		err = failed.error
		next, ok := t.fallback()
		if !ok {
			return p.withoutModel(err)
		}
		p.queue(p.event(sys.EventNotice, sys.NoticeData{
			Level: "info", Title: "Another model goes on: " + next, Text: plain(err),
		}))
		t.close()
		if err := p.use(next); err != nil {
			return err
		}
		input = nil // it is part of the conversation by now
		if failed.spoke {
			input = []model.Block{{Kind: model.Text, Text: "Another model goes on from here: you. Do what was asked."}}
			if err := p.keepUser(model.Message{Role: model.User, Blocks: input}); err != nil {
				return err
			}
		}
	}
}

// modelError is a failure that another model might not have.
type modelError struct {
	error
	spoke bool // it has said something, so that the next one has to be asked anew
}

// once runs one turn on the current model.
func (t *thread) once(ctx context.Context, input []model.Block) error {
	p := t.p
	if t.session == nil {
		if err := t.open(ctx, len(input) > 0); err != nil {
			return err
		}
	}
	out := t.session.Send(ctx, p.emit, input...)
	p.mu.Lock()
	p.memo.Last, p.report.Text = out.Text, out.Text
	obstacle := p.obstacle
	p.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	name := p.snapshot().Model
	switch {
	case out.Err == nil && out.Stop == model.StopRefusal && obstacle != nil:
		return obstacle
	case out.Err == nil && out.Stop == model.StopRefusal:
		return &modelError{&sys.Error{
			Op: "ask", Path: name, Kind: sys.Unavailable, Err: errors.New("the model declined"),
			Hint: "say it differently, or choose another model with --model or in Settings",
		}, true}
	case out.Err == nil && out.Stop == model.StopOverflow:
		return &sys.Error{
			Op: "ask", Path: name, Kind: sys.Unavailable, Err: errors.New("the conversation no longer fits the model's context"),
			Hint: "begin a new conversation",
		}
	case sys.KindOf(out.Err) == sys.Unavailable || sys.KindOf(out.Err) == sys.Unauthorized:
		return &modelError{out.Err, false}
	case out.Lost != "" && out.Err != nil:
		p.queue(p.event(sys.EventNotice, sys.NoticeData{
			Level: "error", Title: fmt.Sprintf("%s was stopped: %s", p.program.Name, out.Lost), Text: plain(out.Err),
		}))
	}
	return out.Err
}

// open opens a session on the conversation so far, without the newest message
// where that is what is about to be sent.
func (t *thread) open(ctx context.Context, newest bool) error {
	p := t.p
	tree, err := p.homeTree(ctx)
	if err != nil {
		return err
	}
	sections, err := p.k.sections(tree, p.program)
	if err != nil {
		return err
	}
	history, err := p.history(ctx)
	if err != nil {
		return err
	}
	if n := len(history); newest && n > 0 {
		history = history[:n-1]
	}
	rules, err := instructions(tree, p.program)
	if err != nil {
		return err
	}
	t.session, err = p.engine.Open(ctx, (*host)(p), engine.Options{
		Model: p.model, Program: p.program.Name, System: []string{join(sections)}, Pinned: rules,
		History: history, MaxSteps: p.program.MaxTurns,
	})
	return err
}

// fallback is the next model to try.
func (t *thread) fallback() (string, bool) {
	t.tried = append(t.tried, t.p.snapshot().Model)
	for _, name := range t.p.k.settings().Fallback {
		if !slices.Contains(t.tried, name) {
			return name, true
		}
	}
	return "", false
}

// use makes a model the process's own.
func (p *process) use(name string) error {
	eng, id, err := p.k.engineFor(p.program, name)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.engine, p.model, p.row.Model = eng, id, name
	return nil
}

// engineFor finds what runs the conversations of a program: the one of its model, or
// the program that it names itself, over that model.
func (k *Kernel) engineFor(p Program, name string) (engine.Engine, string, error) {
	if len(p.Command) == 0 {
		return k.models.Engine(name)
	}
	agents, ok := k.models.(Agents)
	if !ok {
		return nil, "", &sys.Error{Op: "run", Path: p.Command[0], Kind: sys.Unavailable, Err: errors.New("coding agents are not run here")}
	}
	return agents.Agent(engine.Command{Run: p.Command, Again: p.Again, Env: p.Env, Files: p.Files}, name)
}

// withoutModel decides what becomes of a process that no model answers: one that
// has done something waits, parked, for the owner; one that has not just fails.
func (p *process) withoutModel(err error) error {
	if row := p.snapshot(); row.Parent == 0 && row.Calls == 0 {
		return err
	}
	if sys.KindOf(err) != sys.Unavailable {
		return err
	}
	return &parked{sys.ForNoModel, err}
}

// emit passes what streams on to whoever watches.
func (p *process) emit(e engine.Event) {
	if e.Kind == engine.Message {
		p.recognize(e.Model)
	}
	if e.Kind != engine.Delta {
		return
	}
	p.mu.Lock()
	p.beat = p.k.now()
	p.mu.Unlock()
	d := e.Delta
	switch {
	case d.Retry != nil:
		p.k.journal.Publish(p.event(sys.EventRetry, sys.RetryData{
			Attempt: d.Retry.Attempt, Millis: d.Retry.After.Milliseconds(), Reason: d.Retry.Reason,
		}))
	case d.Text != "" || d.Thinking != "" || d.Input != "":
		p.k.journal.Publish(p.event(sys.EventDelta, sys.DeltaData{Text: d.Text, Thinking: d.Thinking, Writing: d.Input}))
	}
}

// recognize tells the owner, once per process, when another model answers than
// was asked.
func (p *process) recognize(got string) {
	p.mu.Lock()
	asked, told := p.model, p.stranger
	if got == "" || sameModel(asked, got) {
		got = ""
	} else {
		p.stranger = got
	}
	p.mu.Unlock()
	if got == "" || got == told {
		return
	}
	p.queue(p.event(sys.EventNotice, sys.NoticeData{
		Level: "error", Title: "Another model answers: " + got, Text: fmt.Sprintf("%s was asked. The provider has changed something, or something stands between you and it.", asked),
	}))
}

// sameModel tells whether a provider's name for a model is that of the one asked
// for: itself, a dated form of it, or either with a route in front.
func sameModel(asked, got string) bool {
	base := func(s string) string { return strings.ToLower(s[strings.LastIndexByte(s, '/')+1:]) }
	a, g := base(asked), base(got)
	if a == g {
		return true
	}
	long, short := g, a
	if len(long) < len(short) {
		long, short = short, long
	}
	rest, ok := strings.CutPrefix(long, short)
	return ok && (strings.Trim(rest, "-0123456789") == "" || strings.HasPrefix(rest, ":") || rest == "-latest")
}

// host is a process as its engine sees it.
type host process

var _ engine.Host = (*host)(nil)

// Tools lists the calls that the program is granted, in the order it names
// them.
func (h *host) Tools() []model.Tool {
	return append(h.k.toolsOf(h.program), h.k.attachedTools(h.program)...)
}

func (k *Kernel) toolsOf(p Program) []model.Tool {
	var out []model.Tool
	for _, name := range p.Tools {
		if c, ok := k.calls[name]; ok {
			out = append(out, model.Tool{Name: c.Name, Description: c.Description, Schema: c.Schema, ReadOnly: c.ReadOnly})
		}
	}
	return out
}

// provider is who answers for a model.
func provider(model string) string {
	name, _, _ := strings.Cut(model, ":")
	return name
}
