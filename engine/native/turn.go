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

	relieved int   // how often room was made for the request that is on its way
	broken   error // why no model sums up
	empty    int   // empty replies in a row
	cutOff   int   // replies in a row that ended at the output limit
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
	if rep != nil {
		t.out.Cost = t.out.Cost.Add(rep.Cost)
	}
	if err != nil {
		var cost sys.Cost
		if rep != nil {
			cost = rep.Cost
		}
		t.host.Spent(context.WithoutCancel(ctx), cost)
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
	case len(rep.Message.Blocks) == 0, rep.Stop != model.StopPause && says(rep.Message) == "" && !calls(rep.Message):
		return false, t.nudge(ctx, rep)
	}
	t.empty, t.relieved = 0, 0
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
	if says(rep.Message) == "" {
		t.host.Spent(ctx, rep.Cost)
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
	t.host.Spent(ctx, rep.Cost)
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
