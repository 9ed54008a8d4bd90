package claude

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

const op = "run turn"

// session is one conversation. The CLI's goroutines use what mu guards and the
// turn that runs; the rest is for Send alone.
type session struct {
	eng    *Engine
	host   engine.Host
	o      engine.Options
	tools  []model.Tool
	system string

	cli   *cli            // nil until it is needed, and after it was given up
	clean bool            // the CLI has exactly this conversation, and rests
	msgs  []model.Message // the conversation, as the Host has it
	used  int64           // tokens of it, as of message counted
	upTo  int             // messages that used covers

	turn atomic.Pointer[turn] // the one that runs

	mu      sync.Mutex
	results map[string]*result // by the id of the call, as the CLI has it
}

var _ engine.Session = (*session)(nil)

// result is what a call returned, as the model reads it.
type result struct {
	block   model.Block
	cleared bool // to make room
}

// What a result is replaced by that had to go, and what is too small for that.
const (
	clearedText = "[This result was cleared to make room. Call again if you need it.]"
	smallResult = 400 // bytes
)

func (r *result) text() string {
	if r.cleared {
		return clearedText
	}
	return r.block.Text
}

// index remembers the results in messages.
func (s *session) index(ms []model.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range ms {
		for _, b := range m.Blocks {
			if b.Kind == model.ToolResult {
				s.results[safeID(b.ID)] = &result{block: b}
			}
		}
	}
}

// Close implements engine.Session. The CLI waits a while for the conversation to
// go on.
func (s *session) Close() error {
	if s.cli != nil {
		s.eng.park(s)
		s.cli = nil
	}
	return nil
}

// Send implements engine.Session. Without in, it goes on where a conversation
// was interrupted.
func (s *session) Send(ctx context.Context, emit func(engine.Event), in ...model.Block) *engine.Outcome {
	t := &turn{
		session: s, emit: emit, out: &engine.Outcome{},
		asked: make(chan *asked), wanted: make(chan *wanted), over: make(chan struct{}), slots: make(chan struct{}, parallel),
	}
	s.turn.Store(t)
	t.out.Err = t.run(ctx, in)
	s.turn.Store(nil)
	close(t.over)
	t.calls.Wait()
	emit(engine.Event{Kind: engine.End, Outcome: t.out})
	return t.out
}

// begin brings the words of the owner to a CLI that has the conversation before
// them.
func (s *session) begin(ctx context.Context, in []model.Block) error {
	if n := len(s.msgs); n > 0 && len(engine.Calls(s.msgs[n-1])) > 0 {
		s.msgs = engine.Repair(s.msgs) // the last turn ended because its results could not be kept
		s.index(s.msgs)
		s.drop()
	}
	before := s.msgs
	if len(in) > 0 {
		s.msgs = append(slices.Clip(s.msgs), model.Message{Role: model.User, Blocks: in}) // the Host has it already
	} else {
		in = []model.Block{{Kind: model.Text, Text: goOn}}
		s.drop() // what it has may end elsewhere
	}
	if n := len(s.msgs); n == 0 || s.msgs[n-1].Role != model.User {
		return &sys.Error{Op: op, Kind: sys.Invalid, Err: errors.New("nothing was said"), Hint: "give the turn a text"}
	}
	if s.cli != nil && s.cli.dead() {
		s.drop()
	}
	if s.cli == nil {
		var err error
		if s.cli, err = s.eng.start(ctx, s, before); err != nil {
			return err
		}
	}
	s.cli.user.Store(s)
	s.clean = false
	return s.cli.say(in)
}

// restart goes on in a new CLI that has the conversation as it is now.
func (s *session) restart(ctx context.Context) error {
	s.drop()
	var err error
	if s.cli, err = s.eng.start(ctx, s, s.msgs); err != nil {
		return err
	}
	return s.cli.say([]model.Block{{Kind: model.Text, Text: goOn}})
}

// drop ends the CLI.
func (s *session) drop() {
	if s.cli != nil {
		s.cli.user.Store(nil)
		s.cli.end()
		s.cli, s.clean = nil, false
	}
}

// allows says why a use of a tool is refused, or "": only a call that the model
// has made on the wire, and that has not been run, may run.
func (s *session) allows(id, name string) string {
	t := s.turn.Load()
	if t == nil {
		return "no turn is running"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, refusal := t.find(id, plainName(name))
	if name == plainName(name) && refusal == "" {
		refusal = name + " is not one of the tools here"
	}
	return refusal
}

// call runs a system call for the CLI and returns what it says.
func (s *session) call(c *cli, id, name string, _ json.RawMessage) model.Block {
	failed := func(text string) model.Block { return model.Block{Kind: model.ToolResult, Text: text, IsError: true} }
	t := s.turn.Load()
	if t == nil {
		return failed("error: no turn is running")
	}
	w := &wanted{cli: c, id: id, name: name, reply: make(chan model.Block, 1)}
	select {
	case t.wanted <- w:
	case <-t.over:
		return failed("error: the turn is over")
	}
	select {
	case r := <-w.reply:
		return r
	case <-c.gone:
		return failed("error: nobody waits for this any more")
	}
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
