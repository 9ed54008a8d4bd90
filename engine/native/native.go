// Package native is our own engine: the loop between a model and the system
// calls of its Host. It is small on purpose and must stay fast; what a
// conversation may do is decided by the Host, and how a provider is spoken to by
// the model. It writes no files and journals nothing itself: what has to last it
// hands to the Host before it goes on.
//
// A turn survives what models do wrong: calls of tools that do not exist,
// arguments that are no JSON, replies that are empty or cut off, the same call
// over and over. Whenever and however it ends, the conversation is one that every
// provider accepts, so that the next turn can begin.
package native

import (
	"context"
	"log/slog"
	"slices"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// Engine runs conversations over one model. It has no state of its own and
// serves any number of them.
type Engine struct {
	model  model.Model
	logger *slog.Logger
}

var _ engine.Engine = (*Engine)(nil)

// New makes an engine over m. The logger may be nil.
func New(m model.Model, logger *slog.Logger) *Engine {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{m, logger}
}

// session is one conversation. Only Send uses it, and there is one at a time.
type session struct {
	*Engine
	host     engine.Host
	o        engine.Options
	tools    []model.Tool
	readOnly map[string]bool // by name; what is missing does not exist
	msgs     []model.Message
	prev     int   // index of the last message of the previous request, or -1
	used     int64 // tokens of the conversation, as of message len(msgs) at that time
	counted  int   // messages that used covers
	rules    []string
	overhead int64 // tokens of the system prompt and the tools
}

var _ engine.Session = (*session)(nil)

// defaultSteps is the limit of model requests per turn if Options has none.
const defaultSteps = 100

// Open implements engine.Engine. The tools are those that the Host lists now: a
// list that changes in the middle of a conversation would void the prompt cache.
func (e *Engine) Open(_ context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	s, err := e.open(h, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (e *Engine) open(h engine.Host, o engine.Options) (*session, error) {
	if o.MaxSteps <= 0 {
		o.MaxSteps = defaultSteps
	}
	s := &session{
		Engine: e, host: h, o: o, tools: h.Tools(), readOnly: map[string]bool{}, msgs: engine.Repair(o.History), prev: -1,
	}
	s.o.History, s.o.System = nil, slices.Clone(o.System)
	s.rules = rulesOf(o.Pinned, s.msgs)
	for _, t := range s.tools {
		if t.Name == "" || s.known(t.Name) {
			return nil, &sys.Error{Op: "open conversation", Path: t.Name, Kind: sys.Internal, Hint: "two tools share a name"}
		}
		s.readOnly[t.Name] = t.ReadOnly
		s.overhead += int64(len(t.Name)+len(t.Description)+len(t.Schema)) / 4
	}
	for _, part := range s.o.System {
		s.overhead += int64(len(part)) / 4
	}
	for i := len(s.msgs) - 1; i > 0 && s.prev < 0; i-- {
		if s.msgs[i].Role == model.Assistant {
			s.prev = i - 1 // its request ended there, and may still be cached
		}
	}
	return s, nil
}

func (s *session) known(name string) bool {
	_, ok := s.readOnly[name]
	return ok
}

// Close implements engine.Session. There is nothing to let go of.
func (s *session) Close() error { return nil }

// Send implements engine.Session. Without in, it goes on where a conversation
// was interrupted.
func (s *session) Send(ctx context.Context, emit func(engine.Event), in ...model.Block) *engine.Outcome {
	t := &turn{session: s, emit: emit, out: &engine.Outcome{}}
	t.out.Err = t.run(ctx, in)
	emit(engine.Event{Kind: engine.End, Outcome: t.out})
	return t.out
}
