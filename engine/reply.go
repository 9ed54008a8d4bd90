package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

// What an engine says to a model in the owner's place, and to the owner in the
// model's.
const (
	SayMore     = "Your reply was empty. Go on, or say what you have done."
	SayContinue = "Your reply was cut off at the output limit. Continue exactly where it ended, in smaller parts."
	Declined    = "The model declined to answer this."
)

const op = "run turn"

// ErrLong is a reply that was cut off twice.
func ErrLong() error {
	return &sys.Error{
		Op: op, Kind: sys.Invalid, Err: errors.New("the answer is longer than the model may write, also when continued"),
		Hint: "ask for less at once",
	}
}

// ErrEmpty is a reply that said nothing, twice.
func ErrEmpty(model string) error {
	return &sys.Error{
		Op: op, Path: model, Kind: sys.Unavailable, Err: errors.New("the model gave an empty answer, twice"),
		Hint: "try again, or choose another model",
	}
}

// ErrSteps is a turn that took as many model requests as it may.
func ErrSteps(n int) error {
	return &sys.Error{
		Op: op, Kind: sys.OverBudget, Err: fmt.Errorf("the turn took %d model requests, which is its limit", n),
		Hint: "say \"continue\" to grant as many again",
	}
}

// ErrFull is a conversation that no shortening makes fit.
func ErrFull(model string) error {
	return &sys.Error{
		Op: op, Path: model, Kind: sys.Invalid, Err: errors.New("the conversation no longer fits the model's window"),
		Hint: "begin a new conversation, or choose a model with a larger window",
	}
}

// Says is the text of a message.
func Says(m model.Message) string {
	var b strings.Builder
	for _, block := range m.Blocks {
		if block.Kind == model.Text {
			b.WriteString(block.Text)
		}
	}
	return strings.TrimSpace(b.String())
}

// OnlyText leaves nothing of a message but its text.
func OnlyText(m *model.Message) {
	m.Blocks = slices.DeleteFunc(m.Blocks, func(b model.Block) bool { return b.Kind != model.Text })
}

// Count adds to out what a model request has cost. One that failed is settled with h,
// and its error returned.
func Count(ctx context.Context, h Host, out *Outcome, rep *model.Reply, err error) error {
	var cost sys.Cost
	if rep != nil {
		cost = rep.Cost
	}
	out.Cost = out.Cost.Add(cost)
	if err != nil {
		h.Spent(context.WithoutCancel(ctx), cost)
	}
	return err
}

// Unique gives calls without an id, or with one that another call of the same
// message has, an id of their own: results are told apart by it. The message is
// the n-th of its conversation.
func Unique(blocks []model.Block, n int) {
	seen := map[string]bool{}
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != model.ToolUse {
			continue
		}
		if b.ID == "" || seen[b.ID] {
			b.ID = fmt.Sprintf("call_%d_%d", n, i)
			b.Raw = nil
		}
		seen[b.ID] = true
	}
}
