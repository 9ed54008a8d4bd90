package native

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// turn is one run from what the owner said to the model's last word.
type turn struct {
	*session
	emit  func(engine.Event)
	out   *engine.Outcome
	guard guard

	relieved bool // old results were cleared for the request that is on its way
	empty    int  // empty replies in a row
	cutOff   int  // replies in a row that ended at the output limit
}

const op = "run turn"

// What the engine says to a model in the owner's place.
const (
	sayMore     = "Your reply was empty. Go on, or say what you have done."
	sayContinue = "Your reply was cut off at the output limit. Continue exactly where it ended, in smaller parts."
)

func (t *turn) run(ctx context.Context, in []model.Block) error {
	if n := len(t.msgs); n > 0 && calls(t.msgs[n-1]) {
		t.msgs = engine.Repair(t.msgs) // the last turn ended because its results could not be kept
	}
	if len(in) > 0 {
		t.msgs = append(t.msgs, model.Message{Role: model.User, Blocks: in}) // the Host has it already
	}
	if n := len(t.msgs); n == 0 || t.msgs[n-1].Role != model.User {
		return &sys.Error{Op: op, Kind: sys.Invalid, Err: errors.New("nothing was said"), Hint: "give the turn a text"}
	}
	for t.out.Steps < t.o.MaxSteps {
		rep, err := t.ask(ctx)
		if err != nil {
			return err
		}
		done, err := t.react(ctx, rep)
		if done || err != nil {
			return err
		}
	}
	return &sys.Error{
		Op: op, Kind: sys.OverBudget, Err: fmt.Errorf("the turn took %d model requests, which is its limit", t.out.Steps),
		Hint: "say \"continue\" to grant as many again",
	}
}

// ask makes one model request.
func (t *turn) ask(ctx context.Context) (*model.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, canceled(ctx)
	}
	if err := t.host.Reserve(ctx); err != nil {
		return nil, err
	}
	t.makeRoom()
	n := len(t.msgs)
	req := &model.Request{
		Model: t.o.Model, Program: t.o.Program, System: t.o.System, Tools: t.tools,
		Messages: t.msgs[:n:n], Previous: t.prev, Effort: t.o.Effort,
	}
	t.out.Steps++
	t.prev = n - 1
	rep, err := t.model.Stream(ctx, req, func(d model.Delta) { t.emit(engine.Event{Kind: engine.Delta, Delta: d}) })
	if rep != nil {
		t.out.Cost = t.out.Cost.Add(rep.Cost)
	}
	if err != nil {
		return nil, err
	}
	return rep, nil
}

// react does what a reply asks for, and reports whether it was the last.
func (t *turn) react(ctx context.Context, rep *model.Reply) (done bool, err error) {
	t.out.Stop = rep.Stop
	switch {
	case rep.Stop == model.StopOverflow:
		return false, t.overflow()
	case rep.Stop == model.StopRefusal:
		return true, t.refuse(ctx, rep)
	case len(rep.Message.Blocks) == 0, rep.Stop != model.StopPause && says(rep.Message) == "" && !calls(rep.Message):
		return false, t.nudge(ctx, rep)
	}
	t.empty, t.relieved = 0, false
	t.unique(rep.Message.Blocks)
	if err := t.keepReply(ctx, rep); err != nil {
		return false, err
	}
	switch {
	case calls(rep.Message):
		return false, t.calls(ctx, rep)
	case rep.Stop == model.StopPause:
		return false, nil // sent back as it is, the provider goes on
	case rep.Stop == model.StopMax:
		return false, t.goOn(ctx)
	}
	if more := t.host.Steering(); len(more) > 0 {
		return false, t.keepUser(ctx, more)
	}
	return true, nil
}

// keepReply makes the model's message last, and then shows it. What it cost goes
// with it.
func (t *turn) keepReply(ctx context.Context, rep *model.Reply) error {
	t.out.Text = says(rep.Message)
	if err := t.host.Keep(context.WithoutCancel(ctx), rep.Message, rep.Cost); err != nil {
		return err
	}
	t.msgs = append(t.msgs, rep.Message)
	t.used = rep.Cost.Input + rep.Cost.CacheRead + rep.Cost.CacheWrite + rep.Cost.Output
	t.counted = len(t.msgs)
	t.emit(engine.Event{Kind: engine.Message, Message: rep.Message, Cost: rep.Cost})
	return nil
}

func (t *turn) keepUser(ctx context.Context, blocks []model.Block) error {
	m := model.Message{Role: model.User, Blocks: blocks}
	if err := t.host.Keep(context.WithoutCancel(ctx), m, sys.Cost{}); err != nil {
		return err
	}
	t.msgs = append(t.msgs, m)
	return nil
}

// refuse keeps what the model says about its refusal, but runs nothing of it.
func (t *turn) refuse(ctx context.Context, rep *model.Reply) error {
	if says(rep.Message) == "" {
		t.out.Text = "The model declined to answer this."
		return nil
	}
	var kept []model.Block
	for _, b := range rep.Message.Blocks {
		if b.Kind == model.Text {
			kept = append(kept, b)
		}
	}
	rep.Message.Blocks = kept
	return t.keepReply(ctx, rep)
}

// nudge answers an empty reply, once. The reply itself says nothing and is not
// kept.
func (t *turn) nudge(ctx context.Context, rep *model.Reply) error {
	t.empty++
	switch {
	case t.empty > 1 && rep.Stop == model.StopMax:
		return errLong()
	case t.empty > 1:
		return &sys.Error{
			Op: op, Path: t.o.Model, Kind: sys.Unavailable, Err: errors.New("the model gave an empty answer, twice"),
			Hint: "try again, or choose another model",
		}
	}
	return t.keepUser(ctx, []model.Block{{Kind: model.Text, Text: sayMore}})
}

// goOn lets a reply that was cut off continue, once.
func (t *turn) goOn(ctx context.Context) error {
	if t.cutOff++; t.cutOff > 1 {
		return errLong()
	}
	return t.keepUser(ctx, []model.Block{{Kind: model.Text, Text: sayContinue}})
}

func errLong() error {
	return &sys.Error{
		Op: op, Kind: sys.Invalid, Err: errors.New("the answer is longer than the model may write, also when continued"),
		Hint: "ask for less at once",
	}
}

// calls runs the calls of a reply, and keeps their results whatever happened.
func (t *turn) calls(ctx context.Context, rep *model.Reply) error {
	if rep.Stop != model.StopMax {
		t.cutOff = 0
	}
	results, failure := t.runAll(ctx, rep)
	if failure == nil && ctx.Err() == nil {
		results = append(results, t.host.Steering()...)
	}
	if err := t.keepUser(ctx, results); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	return failure
}

// unique gives calls without an id, or with one that another call of the same
// message has, an id of their own: results are told apart by it.
func (t *turn) unique(blocks []model.Block) {
	seen := map[string]bool{}
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != model.ToolUse {
			continue
		}
		if b.ID == "" || seen[b.ID] {
			b.ID = fmt.Sprintf("call_%d_%d", len(t.msgs), i)
			b.Raw = nil
		}
		seen[b.ID] = true
	}
}

func says(m model.Message) string {
	var b strings.Builder
	for _, block := range m.Blocks {
		if block.Kind == model.Text {
			b.WriteString(block.Text)
		}
	}
	return strings.TrimSpace(b.String())
}

func calls(m model.Message) bool {
	for _, b := range m.Blocks {
		if b.Kind == model.ToolUse {
			return true
		}
	}
	return false
}

func canceled(ctx context.Context) error {
	return &sys.Error{Op: op, Kind: sys.Canceled, Err: context.Cause(ctx)}
}
