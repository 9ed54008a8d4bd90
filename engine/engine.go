// Package engine is the contract for a whole conversation: a model, tools, and
// the loop between them. engine/native runs the loop itself over model.Model;
// engine/claude lets the Claude Agent SDK run it. An engine owns no files and
// no policy: everything it does goes through its Host, which is the kernel.
package engine

import (
	"context"
	"encoding/json"

	"matrixos/model"
	"matrixos/sys"
)

// Host is the kernel as one process's engine sees it. All methods may be called
// from several goroutines.
type Host interface {
	// Tools lists what this process may call, in a stable order.
	Tools() []model.Tool
	// Call runs one system call: it checks policy, journals, runs, journals. It
	// never fails: what went wrong is the result that the model reads.
	Call(ctx context.Context, id, name string, input json.RawMessage) Result
	// Reserve asks for the budget of one more model request and for a place at
	// its provider, before it is sent; it waits for the place. The grant may let
	// the model write less than asked for. An error (OverBudget, Canceled) ends
	// the turn. Each grant is settled once: by Keep of an assistant's message, or
	// by Spent.
	Reserve(ctx context.Context, e Estimate) (Grant, error)
	// Spent settles a request that brought nothing to keep.
	Spent(ctx context.Context, cost sys.Cost)
	// Keep makes a message durable before the conversation goes on: at the latest
	// when it is next asked for a request or a call, and an assistant's at once.
	Keep(ctx context.Context, m model.Message, cost sys.Cost) error
	// Compact makes durable that the conversation so far is replaced by c.
	Compact(ctx context.Context, c Compaction) error
	// Steering returns what the owner said since the last call, to be folded
	// into the running turn; usually nothing.
	Steering() []model.Block
}

// Estimate is what a model request may use at most.
type Estimate struct {
	Model     string // the provider's own id
	Input     int64  // tokens, estimated
	Cached    int64  // of these, tokens that the provider still knows
	MaxOutput int64  // tokens
}

// Grant is a reservation.
type Grant struct {
	MaxOutput int64 // tokens that the model may write
}

// Compaction is the shorter form of a conversation that outgrew its model: a
// summary with the owner's rules, and the newest messages as they were.
type Compaction struct {
	Messages []model.Message
	By       string // "model", or "cut" where no model could sum it up
}

// Result is what a system call returned.
type Result struct {
	Text   string
	Failed bool
}

// EventKind says what an Event is.
type EventKind string

// The events of a turn.
const (
	Delta   EventKind = "delta"   // Delta is set
	Message EventKind = "message" // a whole assistant message; Message and Cost are set
	End     EventKind = "end"     // always last, exactly once; Outcome is set
)

// Event is one thing that happened in a turn.
type Event struct {
	Kind    EventKind
	Delta   model.Delta
	Message model.Message
	Cost    sys.Cost
	Model   string // that answered, as the provider calls it; with Message
	Outcome *Outcome
}

// Outcome is how a turn ended. Err is set where Stop says nothing good: the
// model could not be reached, the budget is spent, the turn was stopped.
type Outcome struct {
	Stop  model.Stop
	Text  string // the last message's text
	Steps int    // model requests
	Cost  sys.Cost
	Err   error
	Lost  Lost // why the turn was given up, if the model had lost its way
}

// Lost says in which way a model has lost its way.
type Lost string

// The ways.
const (
	Loop       Lost = "loop"        // the same calls with the same results
	NoProgress Lost = "no progress" // one failed call after the other
	WrongCalls Lost = "wrong calls" // calls that could not be run
	TooLong    Lost = "too long"    // more model requests than a turn may have
)

// Options opens a conversation.
type Options struct {
	Model    string // the provider's own id
	Program  sys.Program
	System   []string
	History  []model.Message // to resume with; already repaired or not
	Pinned   []string        // rules of the owner that every request has to carry, word for word
	MaxSteps int             // model requests per turn; 0 means 100
	Effort   string
}

// Session is one open conversation. Send runs one turn and may not be called
// again before it returned; emit is called from one goroutine, in order. Cancel
// ctx to interrupt.
type Session interface {
	Send(ctx context.Context, emit func(Event), in ...model.Block) *Outcome
	Close() error
}

// Engine opens conversations.
type Engine interface {
	Open(ctx context.Context, h Host, o Options) (Session, error)
}
