package native

import (
	"errors"
	"slices"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

const (
	reserve = 16_000 // tokens kept free for the reply
	tail    = 20_000 // tokens at the end of a conversation that stay as they are
	small   = 400    // bytes of a result that is not worth clearing
	cleared = "[This result was cleared to make room. Call again if you need it.]"
)

// makeRoom clears old results before a conversation outgrows the model's
// window. What was kept with the Host stays whole; only what is sent shrinks.
func (t *turn) makeRoom() {
	window := t.model.Limits(t.o.Model).Context
	limit := min(window*8/10, window-reserve)
	if limit <= 0 {
		limit = window / 2
	}
	used := t.used + tokens(t.msgs[t.counted:])
	if used > limit {
		t.clear(tail)
	}
}

// overflow answers a provider that says that the conversation is too long.
func (t *turn) overflow() error {
	freed := int64(0)
	if !t.relieved {
		freed = t.clear(0)
	}
	t.relieved = true
	if freed == 0 {
		return &sys.Error{
			Op: op, Path: t.o.Model, Kind: sys.Invalid, Err: errors.New("the conversation no longer fits the model's window"),
			Hint: "begin a new conversation, or choose a model with a larger window",
		}
	}
	t.emit(engine.Event{Kind: engine.Delta, Delta: model.Delta{Retry: &model.Retry{
		Attempt: 1, After: time.Duration(0), Reason: "the conversation is too long; older results were cleared",
	}}})
	return nil
}

// clear replaces the results in all but the newest messages, which it takes to
// hold at most keep tokens, and returns about how many tokens that frees. The
// newest message is always left alone: the model has not seen it yet.
func (t *turn) clear(keep int64) (freed int64) {
	for i := len(t.msgs) - 2; i >= 0; i-- {
		if keep -= tokens(t.msgs[i : i+1]); keep > 0 {
			continue
		}
		var blocks []model.Block
		for j, b := range t.msgs[i].Blocks {
			if b.Kind != model.ToolResult || len(b.Text) < small {
				continue
			}
			if blocks == nil {
				blocks = slices.Clone(t.msgs[i].Blocks) // the old ones may be shared
			}
			freed += int64(len(b.Text)-len(cleared)) / 4
			blocks[j].Text = cleared
		}
		if blocks != nil {
			t.msgs[i].Blocks = blocks
		}
	}
	if freed > 0 {
		t.prev = -1 // what was cached there is no longer a prefix
		t.used = max(0, t.used-freed)
	}
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
