package coder

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

const op = "run turn"

// session is one conversation. What mu guards is also used by the calls that run;
// the rest is for Send alone.
type session struct {
	eng   *Engine
	host  engine.Workplace
	o     engine.Options
	tools []model.Tool
	msgs  []model.Message // the conversation, as the Host has it
	used  int64           // tokens of it, as of the newest reply

	dir      string                     // private to the program; empty before it is furnished
	known    bool                       // the program has a conversation there to go on with
	words    map[string][]model.Message // what tokens stand for
	said     map[string]model.Message   // replies as the model gave them, by the ids of their calls
	inserted map[string][]model.Block   // what the owner said meanwhile, by the call after whose result it came

	mu      sync.Mutex
	results map[string]model.Block // by the id of the call
}

var _ engine.Session = (*session)(nil)

// Close implements engine.Session.
func (s *session) Close() error {
	if s.dir == "" {
		return nil
	}
	dir := s.dir
	s.dir, s.known = "", false
	return os.RemoveAll(dir)
}

// Send implements engine.Session. Without in, it goes on where a conversation
// was interrupted.
func (s *session) Send(ctx context.Context, emit func(engine.Event), in ...model.Block) *engine.Outcome {
	t := &turn{
		session: s, emit: emit, out: &engine.Outcome{}, asked: make(chan *asked), slots: make(chan struct{}, parallel),
	}
	t.out.Err = t.run(ctx, in)
	emit(engine.Event{Kind: engine.End, Outcome: t.out})
	return t.out
}

// goOn is what a program is told that begins anew in the middle of a turn.
const goOn = "You were interrupted; the folder is as you left it. Go on."

// begin says in a token what the next run is told: all of the conversation for a
// program that does not have it yet.
func (s *session) begin(in []model.Block) (token string, err error) {
	if n := len(s.msgs); n > 0 && len(engine.Calls(s.msgs[n-1])) > 0 {
		s.msgs = engine.Repair(s.msgs) // the last turn ended before its results were kept
	}
	said := []model.Message{{Role: model.User, Blocks: in}}
	if len(in) > 0 {
		s.msgs = append(slices.Clip(s.msgs), said...) // the Host has it already
	}
	if n := len(s.msgs); n == 0 || s.msgs[n-1].Role != model.User {
		return "", &sys.Error{Op: op, Kind: sys.Invalid, Err: errors.New("nothing was said"), Hint: "give the turn a text"}
	}
	s.known = s.known && len(in) > 0 && len(s.eng.o.Command.Again) > 0
	if !s.known {
		said = s.recent()
	}
	token = "words-" + strings.ToLower(rand.Text())
	s.words[token] = said
	return token, nil
}

// recent is as much of the conversation as half of the model's window holds, the
// newest part.
func (s *session) recent() []model.Message {
	room := s.eng.o.Model.Limits(s.o.Model).Context / 2
	if room <= 0 {
		return slices.Clone(s.msgs)
	}
	i := len(s.msgs) - 1
	for room -= tokens(s.msgs[i:]); i > 0; i-- {
		if room -= tokens(s.msgs[i-1 : i]); room < 0 {
			break
		}
	}
	return engine.Repair(s.msgs[i:])
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

// restore makes of what a program sends what the model shall read: words in the
// place of tokens, replies as the model gave them, results as the Host has them, and
// what the owner said meanwhile. What the program says before the owner's words is
// part of its instructions.
func (s *session) restore(q *request) {
	var out []model.Message
	for _, m := range q.msgs {
		if m.Role == model.Assistant {
			out = append(out, s.asSaid(m))
			continue
		}
		for len(out) == 0 && len(m.Blocks) > 1 && s.instructs(m.Blocks[0]) {
			q.system = append(q.system, m.Blocks[0].Text)
			m.Blocks = m.Blocks[1:]
		}
		out = append(out, s.asHeard(m)...)
	}
	q.msgs = engine.Repair(merged(out))
}

// instructs tells a text of the program's own from one with words of the owner.
func (s *session) instructs(b model.Block) bool {
	_, token, _ := s.cut(b.Text)
	return b.Kind == model.Text && token == ""
}

func (s *session) asSaid(m model.Message) model.Message {
	for _, b := range m.Blocks {
		if was, ok := s.said[b.ID]; ok && b.Kind == model.ToolUse {
			return was
		}
	}
	return m
}

func (s *session) asHeard(m model.Message) (out []model.Message) {
	user := func(b model.Block) { out = append(out, model.Message{Role: model.User, Blocks: []model.Block{b}}) }
	var more []model.Block
	for _, b := range m.Blocks {
		if b.Kind == model.ToolResult {
			s.mu.Lock()
			if r, ok := s.results[b.ID]; ok {
				b = r
			}
			s.mu.Unlock()
			more = append(more, s.inserted[b.ID]...)
			user(b)
			continue
		}
		for len(b.Text) > 0 {
			before, token, after := s.cut(b.Text)
			if strings.TrimSpace(before) != "" {
				user(model.Block{Kind: model.Text, Text: before})
			}
			out, b.Text = append(out, s.words[token]...), after
		}
	}
	for _, b := range more {
		user(b)
	}
	return out
}

// cut splits text at the first token.
func (s *session) cut(text string) (before, token, after string) {
	at := len(text)
	for t := range s.words {
		if i := strings.Index(text, t); i >= 0 && i < at {
			at, token = i, t
		}
	}
	return text[:at], token, text[at+len(token):]
}
