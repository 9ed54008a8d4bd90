package coder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// about tells the model where it is, after what its own program says.
const about = `# Where you work
You work through %s, a program with tools of its own. Their commands run confined, without a network, in a private copy of the owner's home, which
is your working directory; paths above are relative to it. What is changed there lands together once you are done, after the home's checks; if that is refused you are told why.
The home's tools that the instructions above name are offered too, as those of the server "home". For files use whichever you like.`

// serve answers one request of the program. An error ends the turn, and the
// program with it.
func (t *turn) serve(ctx context.Context, a *asked) error {
	q, err := a.protocol.parse(a.body)
	if err != nil {
		a.reply <- answer{fault: err.Error()}
		return nil
	}
	q.names(t.tools)
	var rep *reply
	if len(q.tools) == 0 {
		rep, err = t.aside(ctx, q)
	} else {
		rep, err = t.ask(ctx, q)
	}
	if err != nil {
		a.reply <- answer{fault: "the turn is over"}
		return err
	}
	a.reply <- answer{body: a.protocol.answer(q, rep), stream: q.stream}
	return nil
}

// aside answers a request that the program makes for purposes of its own, such as a
// title or a summary: one without tools. It is paid for like any other, and leaves
// nothing behind.
func (t *turn) aside(ctx context.Context, q *request) (*reply, error) {
	t.restore(q)
	rep, err := t.request(ctx, &model.Request{System: q.system, Messages: q.msgs, Previous: -1}, func(model.Delta) {})
	if err != nil {
		return nil, err
	}
	t.host.Spent(context.WithoutCancel(ctx), rep.Cost)
	return t.reply(rep, rep.Message.Blocks), nil
}

func (t *turn) reply(rep *model.Reply, blocks []model.Block) *reply {
	t.at++
	return &reply{Reply: rep, blocks: blocks, id: fmt.Sprintf("%d_%d", len(t.msgs), t.at)}
}

// ask makes the next request of the conversation, and further ones while what came
// back is not for the program to react to.
func (t *turn) ask(ctx context.Context, q *request) (*reply, error) {
	if err := t.settle(ctx, q); err != nil {
		return nil, err
	}
	t.final = false
	t.restore(q)
	system := append(slices.Clone(t.o.System), q.system...)
	system = append(system, fmt.Sprintf(about, t.eng.o.Name))
	tools := q.list()
	prev := -1
	for i := len(q.msgs) - 1; i > 0 && prev < 0; i-- {
		if q.msgs[i].Role == model.Assistant {
			prev = i - 1 // its request ended there, and may still be cached
		}
	}
	var beyond []model.Message // said and answered, and not known to the program
	for {
		if t.out.Steps >= t.o.MaxSteps {
			t.out.Lost = engine.TooLong
			return nil, engine.ErrSteps(t.out.Steps)
		}
		r := &model.Request{System: system, Tools: tools, Messages: append(slices.Clip(q.msgs), beyond...), Previous: prev}
		rep, err := t.request(ctx, r, func(d model.Delta) { t.emit(engine.Event{Kind: engine.Delta, Delta: d}) })
		if err != nil {
			return nil, err
		}
		more, whole, err := t.react(ctx, q, rep)
		if err != nil {
			return nil, err
		}
		if beyond = append(beyond, more...); whole {
			return t.whole(rep, beyond), nil
		}
	}
}

// whole is what the program gets: all that the model has said since it asked.
func (t *turn) whole(rep *model.Reply, beyond []model.Message) *reply {
	var blocks []model.Block
	for _, m := range beyond {
		if m.Role == model.Assistant {
			blocks = append(blocks, m.Blocks...)
		}
	}
	blocks = append(blocks, rep.Message.Blocks...)
	said := model.Message{Role: model.Assistant, Blocks: blocks}
	for _, b := range engine.Calls(said) {
		t.said[b.ID] = said
	}
	if engine.Says(said) == "" && len(engine.Calls(said)) == 0 {
		blocks = append(blocks, model.Block{Kind: model.Text, Text: t.out.Text})
	}
	return t.reply(rep, blocks)
}

// request reserves, sends and counts one model request. Who gets a reply settles
// the reservation; a failed request is settled here.
func (t *turn) request(ctx context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	r.Model, r.Program, r.Effort = t.o.Model, t.o.Program, t.o.Effort
	most := t.eng.o.Model.Limits(t.o.Model).MaxOutput
	grant, err := t.host.Reserve(ctx, engine.Estimate{Model: r.Model, Input: max(t.used, size(r)), Cached: t.used, MaxOutput: most})
	if err != nil {
		return nil, err
	}
	if grant.MaxOutput > 0 && grant.MaxOutput < most {
		r.MaxTokens = grant.MaxOutput
	}
	t.out.Steps++
	rep, err := t.eng.o.Model.Stream(ctx, r, sink)
	if err := engine.Count(ctx, t.host, t.out, rep, err); err != nil {
		return nil, err
	}
	return rep, nil
}

// size guesses what a request takes.
func size(r *model.Request) int64 {
	n := tokens(r.Messages)
	for _, s := range r.System {
		n += int64(len(s)) / 4
	}
	for _, tool := range r.Tools {
		n += int64(len(tool.Name)+len(tool.Description)+len(tool.Schema)) / 4
	}
	return n
}

// react does what a reply asks for. It is whole when the program may have it;
// until then the request is made again, with more at its end.
func (t *turn) react(ctx context.Context, q *request, rep *model.Reply) (more []model.Message, whole bool, err error) {
	t.out.Stop = rep.Stop
	calls := engine.Calls(rep.Message)
	switch {
	case rep.Stop == model.StopOverflow:
		t.host.Spent(ctx, rep.Cost)
		return nil, false, t.overflow(q)
	case rep.Stop == model.StopRefusal:
		return nil, true, t.refuse(ctx, q, rep)
	case len(rep.Message.Blocks) == 0, rep.Stop != model.StopPause && engine.Says(rep.Message) == "" && len(calls) == 0:
		return t.nudge(ctx, rep)
	}
	t.empty, t.relieved = 0, 0
	engine.Unique(rep.Message.Blocks, len(t.msgs))
	if err := t.keepReply(ctx, q, rep); err != nil {
		return nil, false, err
	}
	switch {
	case len(calls) > 0:
		if rep.Stop != model.StopMax {
			t.cutOff = 0
		}
		return nil, true, t.expect(ctx, q, rep)
	case rep.Stop == model.StopPause:
		return []model.Message{rep.Message}, false, nil // sent back as it is, the provider goes on
	case rep.Stop == model.StopMax:
		if t.cutOff++; t.cutOff > 1 {
			return nil, false, engine.ErrLong()
		}
		said, err := t.tell(engine.SayContinue)
		return []model.Message{rep.Message, said}, false, err
	}
	t.final = true
	return nil, true, nil
}

// What an older result is replaced by that has to go, and what is too small for that.
const (
	clearedText = "[This result was cleared to make room. Do it again if you need it.]"
	smallResult = 400 // bytes
)

// overflow answers a provider that says that the conversation is too long: older
// results are cleared, once. What is kept stays whole.
func (t *turn) overflow(q *request) error {
	cleared := 0
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range max(0, len(q.msgs)-1) {
		for j, b := range q.msgs[i].Blocks {
			if b.Kind == model.ToolResult && len(b.Text) >= smallResult {
				b.Text = clearedText
				q.msgs[i].Blocks[j], t.results[b.ID] = b, b
				cleared++
			}
		}
	}
	if t.relieved++; t.relieved > 1 || cleared == 0 {
		return engine.ErrFull(t.o.Model)
	}
	t.used = 0 // nobody knows
	return nil
}

// keepReply makes the model's message last, and then shows it. Calls of the
// program's own tools are kept under names that no system call has.
func (t *turn) keepReply(ctx context.Context, q *request, rep *model.Reply) error {
	kept := rep.Message
	kept.Blocks = slices.Clone(kept.Blocks)
	for i, b := range kept.Blocks {
		if b.Kind == model.ToolUse {
			kept.Blocks[i].Name, kept.Blocks[i].Raw = keptName(q, b.Name), nil
		}
	}
	t.out.Text = engine.Says(kept)
	if err := t.host.Keep(context.WithoutCancel(ctx), kept, rep.Cost); err != nil {
		return err
	}
	t.msgs = append(t.msgs, kept)
	t.used = rep.Cost.Input + rep.Cost.CacheRead + rep.Cost.CacheWrite + rep.Cost.Output
	t.emit(engine.Event{Kind: engine.Message, Message: kept, Cost: rep.Cost, Model: rep.Model})
	return nil
}

func keptName(q *request, name string) string {
	if call, ours := q.call(name); ours {
		return call
	}
	return engine.Own + name
}

func (t *turn) keepUser(blocks []model.Block) error {
	m := model.Message{Role: model.User, Blocks: blocks}
	if err := t.host.Keep(context.Background(), m, sys.Cost{}); err != nil {
		return err
	}
	t.msgs = append(t.msgs, m)
	return nil
}

// tell says something to the model in the owner's place.
func (t *turn) tell(text string) (model.Message, error) {
	err := t.keepUser([]model.Block{{Kind: model.Text, Text: text}})
	return t.msgs[len(t.msgs)-1], err
}

// refuse keeps what the model says about its refusal, but runs nothing of it.
func (t *turn) refuse(ctx context.Context, q *request, rep *model.Reply) error {
	t.final, t.refused = true, true
	engine.OnlyText(&rep.Message)
	if engine.Says(rep.Message) == "" {
		t.host.Spent(ctx, rep.Cost)
		t.out.Text = engine.Declined
		return nil
	}
	return t.keepReply(ctx, q, rep)
}

// nudge answers an empty reply, once. The reply itself says nothing and is not
// kept.
func (t *turn) nudge(ctx context.Context, rep *model.Reply) ([]model.Message, bool, error) {
	t.host.Spent(ctx, rep.Cost)
	t.empty++
	switch {
	case t.empty > 1 && rep.Stop == model.StopMax:
		return nil, false, engine.ErrLong()
	case t.empty > 1:
		return nil, false, engine.ErrEmpty(t.o.Model)
	}
	said, err := t.tell(engine.SayMore)
	return []model.Message{said}, false, err
}

// expect notes the calls of a reply: those of the program's own tools have begun,
// the others wait for the program to make them. One that cannot be run has its result
// already, whatever the program makes of it.
func (t *turn) expect(ctx context.Context, q *request, rep *model.Reply) error {
	t.bad = 0
	for _, b := range engine.Calls(rep.Message) {
		d := &due{id: b.ID, input: b.Input}
		call, ours := q.call(b.Name)
		fault := engine.Faulty(q.list(), b, rep.Stop)
		if d.name = call; fault != "" {
			d.begun, d.done = true, &engine.Result{Text: fault, Failed: true}
			t.bad++
		}
		if ours || fault != "" {
			t.mu.Lock()
			t.due = append(t.due, d)
			t.mu.Unlock()
		} else if err := t.host.Began(ctx, b.ID, b.Name, b.Input); err != nil {
			return err
		}
		t.open = append(t.open, b)
	}
	return nil
}

// settle gives the calls of the last reply their results, and keeps these: as the
// Host has them, as the program says, or the truth, that nobody knows.
func (t *turn) settle(ctx context.Context, q *request) error {
	if len(t.open) == 0 {
		return nil
	}
	calls := t.open
	t.open = nil
	heard := map[string]model.Block{}
	if q != nil {
		for _, m := range q.msgs {
			for _, b := range m.Blocks {
				if b.Kind == model.ToolResult {
					heard[b.ID] = b
				}
			}
		}
	}
	results := make([]model.Block, 0, len(calls))
	for _, c := range calls {
		results = append(results, t.result(ctx, c, heard))
	}
	lost, failure := engine.Lost(""), error(nil)
	if q != nil {
		lost, failure = t.guard.Step(calls, results, t.bad)
	}
	t.mu.Lock()
	for _, r := range results {
		t.results[r.ID] = r
	}
	t.mu.Unlock()
	if failure == nil && q != nil {
		if more := t.host.Steering(); len(more) > 0 {
			t.inserted[calls[len(calls)-1].ID] = more
			results = append(results, more...)
		}
	}
	if lost != "" {
		t.out.Lost = lost
	}
	return errors.Join(failure, t.keepUser(results))
}

func (t *turn) result(ctx context.Context, c model.Block, heard map[string]model.Block) model.Block {
	r := model.Block{Kind: model.ToolResult, ID: c.ID, Name: c.Name, Text: engine.Interrupted, IsError: true}
	if h, ok := heard[c.ID]; ok {
		r.Text, r.IsError = engine.Bounded(engine.Result{Text: h.Text}), h.IsError
	}
	t.mu.Lock()
	i := slices.IndexFunc(t.due, func(d *due) bool { return d.id == c.ID })
	if i >= 0 {
		if done := t.due[i].done; done != nil {
			r.Text, r.IsError = done.Text, done.Failed
		}
		t.due = slices.Delete(t.due, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		r.Text = t.host.Ended(ctx, c.ID, c.Name, r.Text)
	}
	return r
}
