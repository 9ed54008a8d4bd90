package claude

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// serve takes a request of the CLI to the provider and answers it. An error ends
// the turn, and the CLI with it.
func (t *turn) serve(ctx context.Context, q *asked) error {
	w, err := parseWire(q.cli.unveil(q.body))
	if err != nil {
		return t.cli.broken(err)
	}
	var a answer
	if t.isAside(w) {
		a, err = t.aside(ctx, w, q.betas)
	} else {
		a, err = t.ask(ctx, w, q.betas)
	}
	if err != nil {
		q.reply <- answer{refusal: "the turn is over"}
		return err
	}
	q.reply <- a
	return nil
}

// isAside tells a request that the CLI makes for purposes of its own from one of
// the conversation.
func (t *turn) isAside(w *wire) bool {
	return !strings.Contains(w.system, strings.TrimSpace(t.system)) || len(w.messages) == 0
}

// aside answers a request that is not part of the conversation. It is paid for
// like any other, and leaves nothing behind.
func (t *turn) aside(ctx context.Context, w *wire, betas []string) (answer, error) {
	rep, err := t.request(ctx, w, betas, func(model.Delta) {})
	if err != nil {
		return answer{}, err
	}
	t.host.Spent(context.WithoutCancel(ctx), rep.Cost)
	return answer{stream: stream(rep, encodeBlocks(rep.Message), "end_turn")}, nil
}

// ask makes the next request of the conversation, and further ones while what
// came back is not for the CLI to react to.
func (t *turn) ask(ctx context.Context, w *wire, betas []string) (answer, error) {
	w.tidy()
	if err := t.settle(ctx, w); err != nil {
		return answer{}, err
	}
	t.heard(w)
	t.final = false
	var beyond []model.Message // said and answered, and not known to the CLI
	for {
		if t.out.Steps >= t.o.MaxSteps {
			t.out.Lost = engine.TooLong
			return answer{}, engine.ErrSteps(t.out.Steps)
		}
		if err := t.makeRoom(); err != nil {
			return answer{}, err
		}
		full := *w
		full.messages = append([]wireMessage(nil), w.messages...)
		full.carry(beyond)
		t.mu.Lock()
		full.settle(t.results)
		t.mu.Unlock()
		rep, err := t.request(ctx, &full, betas, t.show)
		if err != nil {
			return answer{}, err
		}
		more, whole, err := t.react(ctx, rep)
		if err != nil {
			return answer{}, err
		}
		if whole {
			return t.reply(rep, beyond), nil
		}
		beyond = append(beyond, more...)
	}
}

// reply is what the CLI gets: all that the model has said since it asked.
func (t *turn) reply(rep *model.Reply, beyond []model.Message) answer {
	var blocks []json.RawMessage
	for _, m := range beyond {
		if m.Role == model.Assistant {
			blocks = append(blocks, encodeBlocks(m)...)
		}
	}
	stop := "end_turn"
	if !t.final {
		stop = "tool_use"
	}
	blocks = append(blocks, encodeBlocks(rep.Message)...)
	if len(blocks) == 0 {
		blocks = append(blocks, mustJSON(object{"type": "text", "text": t.out.Text}))
	}
	return answer{stream: stream(rep, blocks, stop)}
}

// show passes on what streams, with the names of tools as the Host has them.
func (t *turn) show(d model.Delta) {
	if d.Tool != nil {
		b := *d.Tool
		b.Name = plainName(b.Name)
		d.Tool = &b
	}
	t.emit(engine.Event{Kind: engine.Delta, Delta: d})
}

// request reserves, sends and counts one model request. Who gets a reply settles
// the reservation; a failed request is settled here.
func (t *turn) request(ctx context.Context, w *wire, betas []string, sink func(model.Delta)) (*model.Reply, error) {
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	most := w.max
	if limit := t.eng.o.Provider.Limits(w.model).MaxOutput; limit > 0 && (most <= 0 || most > limit) {
		most = limit
	}
	body, err := w.encode(most, t.o.Effort)
	if err != nil {
		return nil, t.cli.broken(err)
	}
	grant, err := t.host.Reserve(ctx, engine.Estimate{Model: w.model, Input: t.size(int64(len(body) / 4)), Cached: t.used, MaxOutput: most})
	if err != nil {
		return nil, err
	}
	if grant.MaxOutput > 0 && grant.MaxOutput < most {
		if body, err = w.encode(grant.MaxOutput, t.o.Effort); err != nil {
			t.host.Spent(context.WithoutCancel(ctx), sys.Cost{})
			return nil, t.cli.broken(err)
		}
	}
	t.out.Steps++
	rep, err := t.eng.o.Provider.Relay(ctx, &model.Raw{Model: w.model, Body: body, Betas: betas}, sink)
	if err := engine.Count(ctx, t.host, t.out, rep, err); err != nil {
		return nil, err
	}
	for i, b := range rep.Message.Blocks {
		if b.Kind == model.ToolUse {
			rep.Message.Blocks[i].Name, rep.Message.Blocks[i].Raw = plainName(b.Name), nil
		}
	}
	return rep, nil
}

// react does what a reply asks for. It is whole when the CLI may have it; until
// then the request is made again, with more at its end.
func (t *turn) react(ctx context.Context, rep *model.Reply) (more []model.Message, whole bool, err error) {
	t.out.Stop = rep.Stop
	calls := engine.Calls(rep.Message)
	switch {
	case rep.Stop == model.StopOverflow:
		t.host.Spent(ctx, rep.Cost)
		return nil, false, t.overflow()
	case rep.Stop == model.StopRefusal:
		return nil, true, t.refuse(ctx, rep)
	case len(rep.Message.Blocks) == 0, rep.Stop != model.StopPause && engine.Says(rep.Message) == "" && len(calls) == 0:
		return t.nudge(ctx, rep)
	}
	t.empty, t.relieved = 0, 0
	engine.Unique(rep.Message.Blocks, len(t.msgs))
	if err := t.keepReply(ctx, rep); err != nil {
		return nil, false, err
	}
	switch {
	case len(calls) > 0:
		if rep.Stop != model.StopMax {
			t.cutOff = 0
		}
		t.expect(rep)
		return nil, true, nil
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

// keepReply makes the model's message last, and then shows it.
func (t *turn) keepReply(ctx context.Context, rep *model.Reply) error {
	t.out.Text = engine.Says(rep.Message)
	if err := t.host.Keep(context.WithoutCancel(ctx), rep.Message, rep.Cost); err != nil {
		return err
	}
	t.msgs = append(t.msgs, rep.Message)
	t.used = rep.Cost.Input + rep.Cost.CacheRead + rep.Cost.CacheWrite + rep.Cost.Output
	t.upTo = len(t.msgs)
	t.emit(engine.Event{Kind: engine.Message, Message: rep.Message, Cost: rep.Cost, Model: rep.Model})
	return nil
}

// tell says something to the model in the owner's place.
func (t *turn) tell(text string) (model.Message, error) {
	err := t.keepUser([]model.Block{{Kind: model.Text, Text: text}})
	return t.msgs[len(t.msgs)-1], err
}

// refuse keeps what the model says about its refusal, but runs nothing of it.
func (t *turn) refuse(ctx context.Context, rep *model.Reply) error {
	t.final, t.refused = true, true
	engine.OnlyText(&rep.Message)
	if engine.Says(rep.Message) == "" {
		t.host.Spent(ctx, rep.Cost)
		t.out.Text = engine.Declined
		return nil
	}
	return t.keepReply(ctx, rep)
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

// heard checks off the words of the owner that a request carries.
func (t *turn) heard(w *wire) {
	var left []string
	for _, words := range t.unheard {
		if !w.carries(words) {
			left = append(left, words)
		}
	}
	t.unheard = left
}

// carries reports whether words are part of a request, wherever the CLI puts
// them.
func (w *wire) carries(words string) bool {
	quoted := inQuotes(words)
	for _, m := range w.messages {
		for _, b := range m.blocks {
			if bytes.Contains(mustJSON(b), quoted) {
				return true
			}
		}
	}
	return false
}

// result is what the CLI says that a call returned.
func (w *wire) result(id string) string {
	for _, m := range w.messages {
		for _, b := range m.blocks {
			if b.str("type") == "tool_result" && b.str("tool_use_id") == safeID(id) {
				text, _ := resultText(b["content"])
				return engine.Head(text, 2000)
			}
		}
	}
	return engine.Interrupted
}

// overflow answers a provider that says that the conversation is too long: old
// results are cleared, then the older part is summed up.
func (t *turn) overflow() error {
	if t.relieved++; t.relieved > 2 {
		return engine.ErrFull(t.o.Model)
	}
	if t.relieved == 1 && t.clear(0) > 0 {
		t.retry("the conversation is too long; older results were cleared")
		return nil
	}
	return errShorten
}

// Tokens kept free for the reply, and at the end of a conversation as they are.
const (
	reserveTokens = 16_000
	tailTokens    = 20_000
)

// makeRoom shortens a conversation before it outgrows the model's window.
func (t *turn) makeRoom() error {
	window := t.eng.o.Provider.Limits(t.o.Model).Context
	limit := min(window*8/10, window-reserveTokens)
	if limit <= 0 {
		limit = window / 2
	}
	if t.used == 0 || limit <= 0 || t.size(0) <= limit {
		return nil
	}
	t.clear(min(tailTokens, limit/2))
	if t.size(0) <= limit*9/10 {
		return nil
	}
	return errShorten
}

// size guesses what a request takes; guess counts if nothing better is known.
func (t *turn) size(guess int64) int64 {
	if t.used == 0 || len(t.msgs) < t.upTo {
		return guess
	}
	return t.used + tokens(t.msgs[t.upTo:])
}

// clear replaces the results in all but the newest messages, which it takes to
// hold at most keep tokens, and returns about how many tokens that frees.
func (t *turn) clear(keep int64) (freed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.msgs) - 2; i >= 0; i-- {
		if keep -= tokens(t.msgs[i : i+1]); keep > 0 {
			continue
		}
		for _, b := range t.msgs[i].Blocks {
			r := t.results[safeID(b.ID)]
			if b.Kind != model.ToolResult || r == nil || r.cleared || len(b.Text) < smallResult {
				continue
			}
			r.cleared = true
			freed += int64(len(b.Text)-len(clearedText)) / 4
		}
	}
	t.used = max(0, t.used-freed)
	return freed
}

// tokens guesses the size of messages.
func tokens(ms []model.Message) (n int64) {
	for _, m := range ms {
		for _, b := range m.Blocks {
			n += int64(len(b.Text)+len(b.Input)+len(b.Raw)) / 4
		}
	}
	return n
}
