package native

import (
	"context"
	"errors"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// turn is one run from what the owner said to the model's last word.
type turn struct {
	*session
	emit  func(engine.Event)
	out   *engine.Outcome
	guard engine.Guard

	relieved int   // how often room was made for the request that is on its way
	broken   error // why no model sums up
	empty    int   // empty replies in a row
	cutOff   int   // replies in a row that ended at the output limit
}

const op = "run turn"

func (t *turn) run(ctx context.Context, in []model.Block) error {
	if n := len(t.msgs); n > 0 && calls(t.msgs[n-1]) {
		t.msgs = engine.Repair(t.msgs) // the last turn ended because its results could not be kept
	}
	if len(in) > 0 {
		t.rules = addRules(t.rules, in)
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
	t.out.Lost = engine.TooLong
	return engine.ErrSteps(t.out.Steps)
}

// ask makes one model request.
func (t *turn) ask(ctx context.Context) (*model.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, canceled(ctx)
	}
	if err := t.makeRoom(ctx); err != nil {
		return nil, err
	}
	t.pin()
	n := len(t.msgs)
	rep, err := t.request(ctx, &model.Request{Messages: t.msgs[:n:n], Previous: t.prev}, func(d model.Delta) {
		t.emit(engine.Event{Kind: engine.Delta, Delta: d})
	})
	t.prev = n - 1
	return rep, err
}

// request reserves, sends and counts one model request. Who gets a reply settles
// the reservation; a failed request is settled here.
func (t *turn) request(ctx context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	r.Model, r.Program, r.System, r.Tools, r.Effort = t.o.Model, t.o.Program, t.o.System, t.tools, t.o.Effort
	limits := t.model.Limits(t.o.Model)
	most := limits.MaxOutput
	if r.MaxTokens > 0 {
		most = min(most, r.MaxTokens)
	}
	var cached int64
	if r.Previous >= 0 {
		cached = t.used
	}
	grant, err := t.host.Reserve(ctx, engine.Estimate{Model: t.o.Model, Input: t.size(r.Messages), Cached: cached, MaxOutput: most})
	if err != nil {
		return nil, err
	}
	if grant.MaxOutput > 0 && grant.MaxOutput < most {
		r.MaxTokens = grant.MaxOutput
	}
	t.out.Steps++
	rep, err := t.model.Stream(ctx, r, sink)
	if err := engine.Count(ctx, t.host, t.out, rep, err); err != nil {
		return nil, err
	}
	return rep, nil
}

// react does what a reply asks for, and reports whether it was the last.
func (t *turn) react(ctx context.Context, rep *model.Reply) (done bool, err error) {
	t.out.Stop = rep.Stop
	switch {
	case rep.Stop == model.StopOverflow:
		t.host.Spent(ctx, rep.Cost)
		return false, t.overflow(ctx)
	case rep.Stop == model.StopRefusal:
		return true, t.refuse(ctx, rep)
	case len(rep.Message.Blocks) == 0, rep.Stop != model.StopPause && engine.Says(rep.Message) == "" && !calls(rep.Message):
		return false, t.nudge(ctx, rep)
	}
	t.empty, t.relieved = 0, 0
	engine.Unique(rep.Message.Blocks, len(t.msgs))
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
	t.out.Text = engine.Says(rep.Message)
	if err := t.host.Keep(context.WithoutCancel(ctx), rep.Message, rep.Cost); err != nil {
		return err
	}
	t.msgs = append(t.msgs, rep.Message)
	t.used = rep.Cost.Input + rep.Cost.CacheRead + rep.Cost.CacheWrite + rep.Cost.Output
	t.counted = len(t.msgs)
	t.emit(engine.Event{Kind: engine.Message, Message: rep.Message, Cost: rep.Cost, Model: rep.Model})
	return nil
}

func (t *turn) keepUser(ctx context.Context, blocks []model.Block) error {
	t.rules = addRules(t.rules, blocks)
	m := model.Message{Role: model.User, Blocks: blocks}
	if err := t.host.Keep(context.WithoutCancel(ctx), m, sys.Cost{}); err != nil {
		return err
	}
	t.msgs = append(t.msgs, m)
	return nil
}

// refuse keeps what the model says about its refusal, but runs nothing of it.
func (t *turn) refuse(ctx context.Context, rep *model.Reply) error {
	if engine.Says(rep.Message) == "" {
		t.host.Spent(ctx, rep.Cost)
		t.out.Text = engine.Declined
		return nil
	}
	engine.OnlyText(&rep.Message)
	return t.keepReply(ctx, rep)
}

// nudge answers an empty reply, once. The reply itself says nothing and is not
// kept.
func (t *turn) nudge(ctx context.Context, rep *model.Reply) error {
	t.host.Spent(ctx, rep.Cost)
	t.empty++
	switch {
	case t.empty > 1 && rep.Stop == model.StopMax:
		return engine.ErrLong()
	case t.empty > 1:
		return engine.ErrEmpty(t.o.Model)
	}
	return t.keepUser(ctx, []model.Block{{Kind: model.Text, Text: engine.SayMore}})
}

// goOn lets a reply that was cut off continue, once.
func (t *turn) goOn(ctx context.Context) error {
	if t.cutOff++; t.cutOff > 1 {
		return engine.ErrLong()
	}
	return t.keepUser(ctx, []model.Block{{Kind: model.Text, Text: engine.SayContinue}})
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
