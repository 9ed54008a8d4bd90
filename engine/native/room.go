package native

import (
	"context"
	"slices"
	"time"

	"matrixos/engine"
	"matrixos/model"
)

const (
	reserve = 16_000 // tokens kept free for the reply
	tail    = 20_000 // tokens at the end of a conversation that stay as they are
	small   = 400    // bytes of a result that is not worth clearing
	cleared = "[This result was cleared to make room. Call again if you need it.]"
)

// limit is how large a conversation may get before it is made shorter.
func (t *turn) limit() int64 {
	window := t.model.Limits(t.o.Model).Context
	limit := min(window*8/10, window-reserve)
	if limit <= 0 {
		limit = window / 2
	}
	return limit
}

// keep is how much of the end stays as it is.
func (t *turn) keep() int64 { return min(tail, t.limit()/2) }

// size guesses what a request with these messages takes.
func (t *turn) size(msgs []model.Message) int64 {
	if len(msgs) >= t.counted && t.used > 0 {
		return t.used + tokens(msgs[t.counted:])
	}
	return t.overhead + tokens(msgs)
}

// makeRoom shortens a conversation before it outgrows the model's window: first
// old results are cleared from what is sent, then the older part is summed up.
func (t *turn) makeRoom(ctx context.Context) error {
	limit := t.limit()
	if limit <= 0 || t.size(t.msgs) <= limit {
		return nil
	}
	t.clear(t.keep())
	if t.size(t.msgs) <= limit*9/10 {
		return nil
	}
	_, err := t.compact(ctx)
	return err
}

// overflow answers a provider that says that the conversation is too long. It
// clears old results, then sums up, then gives up.
func (t *turn) overflow(ctx context.Context) error {
	reason := "the conversation is too long; older results were cleared"
	var freed int64
	if t.relieved == 0 {
		freed = t.clear(0)
	}
	if freed == 0 && t.relieved < 2 {
		done, err := t.compact(ctx)
		if err != nil {
			return err
		}
		if done {
			freed, t.relieved = 1, 1
			reason = "the conversation is too long; its older part was summed up"
		}
	}
	t.relieved++
	if freed == 0 {
		return engine.ErrFull(t.o.Model)
	}
	t.emit(engine.Event{Kind: engine.Delta, Delta: model.Delta{Retry: &model.Retry{Attempt: 1, After: time.Duration(0), Reason: reason}}})
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
