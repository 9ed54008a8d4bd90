package claude

import (
	"context"
	"fmt"
	"runtime/debug"

	"matrixos/engine"
	"matrixos/model"
)

// expect remembers the calls of a reply. Those that cannot be run have their
// result at once.
func (t *turn) expect(rep *model.Reply) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.batch = nil
	for _, b := range engine.Calls(rep.Message) {
		d := &due{call: b}
		if complaint := engine.Faulty(t.tools, b, rep.Stop); complaint != "" {
			d.faulty, d.done, d.result = true, true, failed(b, complaint)
		}
		t.batch = append(t.batch, d)
	}
}

// find returns the call that the CLI means, or why there is none. The caller
// holds mu.
func (t *turn) find(id, name string) (*due, string) {
	for _, d := range t.batch {
		if safeID(d.call.ID) != id {
			continue
		}
		switch {
		case d.call.Name != name:
			return nil, fmt.Sprintf("the model called %s, not %s", d.call.Name, name)
		case d.begun:
			return nil, "this call was already run"
		}
		return d, ""
	}
	return nil, "the model has not made this call"
}

// start runs a call that the CLI asks for, with the arguments that the model has
// written. It comes back at once.
func (t *turn) start(ctx context.Context, w *wanted) {
	t.mu.Lock()
	d, refusal := t.find(w.id, w.name)
	if d != nil && d.faulty {
		t.mu.Unlock()
		w.reply <- d.result
		return
	}
	if d != nil {
		d.begun = true
	}
	t.mu.Unlock()
	if d == nil {
		t.eng.o.Logger.WarnContext(ctx, "Claude Code asked for a call that may not run", "call", w.name, "why", refusal)
		w.reply <- failed(model.Block{ID: w.id, Name: w.name}, "error: "+refusal)
		return
	}
	t.calls.Go(func() {
		r := t.perform(ctx, d.call)
		t.mu.Lock()
		d.done, d.result = true, r
		last := true
		for _, other := range t.batch {
			last = last && other.done
		}
		t.mu.Unlock()
		if last && ctx.Err() == nil {
			t.hear(w.cli)
		}
		w.reply <- r
	})
}

// hear takes what the owner has said meanwhile to the CLI, which gives it to the
// model with the results.
func (t *turn) hear(c *cli) {
	more := t.host.Steering()
	if len(more) == 0 {
		return
	}
	if err := c.say(more); err != nil {
		t.eng.o.Logger.Warn("words of the owner reach the model only after a restart", "error", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, more...)
}

// perform runs one call. Whatever goes wrong is its result.
func (t *turn) perform(ctx context.Context, b model.Block) (out model.Block) {
	readOnly := false
	for _, tool := range t.tools {
		readOnly = readOnly || tool.Name == b.Name && tool.ReadOnly
	}
	if readOnly {
		t.slots <- struct{}{}
		defer func() { <-t.slots }()
		t.readers.RLock()
		defer t.readers.RUnlock()
	} else {
		t.readers.Lock()
		defer t.readers.Unlock()
	}
	if ctx.Err() != nil {
		return stoppedBefore(b)
	}
	defer func() {
		if p := recover(); p != nil {
			t.eng.o.Logger.ErrorContext(ctx, "a tool panicked", "tool", b.Name, "panic", p, "stack", string(debug.Stack()))
			out = failed(b, fmt.Sprintf("error: %s failed inside: %v", b.Name, p))
		}
	}()
	r := t.host.Call(ctx, b.ID, b.Name, b.Input)
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: engine.Bounded(r), IsError: r.Failed}
}

func failed(b model.Block, text string) model.Block {
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: text, IsError: true}
}

func stoppedBefore(b model.Block) model.Block {
	return failed(b, "error: stopped before it ran")
}

// settle keeps the results of the newest reply's calls, one each, whatever
// happened. What the CLI has refused by itself is in w, its next request, which
// may be nil.
func (t *turn) settle(ctx context.Context, w *wire) error {
	t.mu.Lock()
	batch, said := t.batch, t.said
	t.batch, t.said = nil, nil
	t.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	var calls, results []model.Block
	bad := 0
	for _, d := range batch {
		switch {
		case d.faulty:
			bad++
		case d.done:
		case w != nil:
			d.result = failed(d.call, w.result(d.call.ID))
		default:
			d.result = stoppedBefore(d.call)
		}
		calls, results = append(calls, d.call), append(results, d.result)
	}
	lost, failure := t.guard.Step(calls, results, bad)
	t.out.Lost = lost
	for _, b := range said {
		t.unheard = append(t.unheard, b.Text)
	}
	if err := t.keepUser(append(results, said...)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	return failure
}
