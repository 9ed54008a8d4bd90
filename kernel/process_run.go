package kernel

import (
	"context"
	"fmt"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// landingTries is how often a refused landing goes back to the conversation
// that made it before the process fails.
const landingTries = 4

// live runs the process from ready to its end and returns its report. On error
// everything that had not landed is dropped.
func (p *process) live(ctx context.Context) (Report, error) {
	err := p.think(ctx)
	err = p.exit(ctx, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report, err
}

// think holds the conversation: one turn, and one more for each landing that
// was refused.
func (p *process) think(ctx context.Context) error {
	if err := p.running(ctx); err != nil {
		return err
	}
	tree, err := p.tree(ctx)
	if err != nil {
		return err
	}
	sections, err := promptOf(tree, p.program)
	if err != nil {
		return err
	}
	talk := p.snapshot().Conversation
	history, err := p.k.talks.load(talk)
	if err != nil {
		return err
	}
	session, err := p.engine.Open(ctx, (*host)(p), engine.Options{
		Model: p.model, Program: p.program.Name, System: []string{join(sections)},
		History: history, MaxSteps: p.program.MaxTurns,
	})
	if err != nil {
		return err
	}
	defer session.Close()
	input, err := opening(p.k.state(p), p.task)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err := p.turn(ctx, session, input); err != nil {
			return err
		}
		err := p.land(ctx)
		if err == nil {
			return nil
		}
		again, ok := p.refused(err)
		if !ok || try == landingTries {
			return err
		}
		if err := p.rebase(ctx, err); err != nil {
			return err
		}
		if err := p.running(ctx); err != nil {
			return err
		}
		input = []model.Block{{Kind: model.Text, Text: again}}
	}
}

// turn sends input and follows the engine until it has nothing more to do.
func (p *process) turn(ctx context.Context, s engine.Session, input []model.Block) error {
	if err := p.keep(ctx, model.Message{Role: model.User, Blocks: input}, sys.Cost{}); err != nil {
		return err
	}
	before := p.snapshot().Cost
	out := s.Send(ctx, p.emit, input...)
	p.mu.Lock()
	p.report.Text = out.Text
	// A request that failed half-way has cost as well, and was never kept.
	unkept := out.Cost.Sub(p.row.Cost.Sub(before))
	p.row.Cost = p.row.Cost.Add(unkept)
	p.mu.Unlock()
	p.request.spend(unkept)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	switch {
	case out.Err != nil:
		return out.Err
	case out.Stop == model.StopRefusal:
		return &sys.Error{
			Op: "ask", Path: p.row.Model, Kind: sys.Unavailable, Err: fmt.Errorf("the model declined"),
			Hint: "say it differently, or choose another model with --model or in Settings",
		}
	case out.Stop == model.StopOverflow:
		return &sys.Error{
			Op: "ask", Path: p.row.Model, Kind: sys.Unavailable, Err: fmt.Errorf("the conversation no longer fits the model's context"),
			Hint: "begin a new conversation",
		}
	}
	return nil
}

// emit passes what streams on to whoever watches.
func (p *process) emit(e engine.Event) {
	if e.Kind != engine.Delta {
		return
	}
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

// host is a process as its engine sees it.
type host process

var _ engine.Host = (*host)(nil)

// Tools lists the calls that the program is granted, in the order it names
// them.
func (h *host) Tools() []model.Tool {
	var out []model.Tool
	for _, name := range h.program.Tools {
		if c, ok := h.k.calls[name]; ok {
			out = append(out, model.Tool{Name: c.Name, Description: c.Description, Schema: c.Schema, ReadOnly: c.ReadOnly})
		}
	}
	return out
}

// Reserve grants one more model request.
func (h *host) Reserve(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	p := (*process)(h)
	p.mu.Lock()
	spent := p.row.Cost.USD
	p.row.Steps++
	p.mu.Unlock()
	if spent >= p.program.Budget {
		return &sys.Error{
			Op: "think", Path: string(p.program.Name), Kind: sys.OverBudget,
			Err:  fmt.Errorf("$%.2f of $%.2f is spent", spent, p.program.Budget),
			Hint: fmt.Sprintf("raise `budget` in agents/%s.md, or ask for less", p.program.Name),
		}
	}
	return nil
}

// Keep makes a message durable.
func (h *host) Keep(ctx context.Context, m model.Message, cost sys.Cost) error {
	return (*process)(h).keep(ctx, m, cost)
}

func (p *process) keep(ctx context.Context, m model.Message, cost sys.Cost) error {
	ctx = context.WithoutCancel(ctx)
	row := p.snapshot()
	if err := p.k.talks.append(row.Conversation, Entry{Time: p.k.now(), Request: row.Request, PID: row.PID, Message: m, Cost: cost}); err != nil {
		return err
	}
	if m.Role != model.Assistant {
		return nil
	}
	p.request.spend(cost)
	var text strings.Builder
	for _, b := range m.Blocks {
		if b.Kind == model.Text {
			text.WriteString(b.Text)
		}
	}
	if err := p.update(ctx, func(r *sys.Process) { r.Cost = r.Cost.Add(cost) }); err != nil {
		return err
	}
	if text.Len() == 0 {
		return nil
	}
	_, err := p.k.journal.Append(ctx, p.event(sys.EventMessage, sys.MessageData{Role: "assistant", Text: text.String(), Cost: cost}))
	return err
}

// Steering hands over what the owner said meanwhile.
func (h *host) Steering() []model.Block {
	p := (*process)(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.steer
	p.steer = nil
	return out
}

// waiting and running move the process between the two states, durably.
func (p *process) waiting(ctx context.Context, what string) error {
	return p.move(ctx, sys.Waiting, what)
}

func (p *process) running(ctx context.Context) error { return p.move(ctx, sys.Running, "") }

func (p *process) move(ctx context.Context, to sys.State, what string) error {
	p.mu.Lock()
	err := p.moveLocked(to, what)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.update(ctx, func(*sys.Process) {})
}
