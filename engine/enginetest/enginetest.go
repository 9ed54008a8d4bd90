// Package enginetest judges engines: one table of scenarios that every
// engine.Engine has to pass, and the Host to run them with. It says what the
// provider behind the engine answers in the words of package model; how that
// provider is scripted is up to the subject's own test, which hands Run a
// constructor. No product code may import it.
package enginetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// Fault is how the provider fails before, or instead of, an answer.
type Fault string

// The faults. Each strikes once, unless it says otherwise.
const (
	Overloaded Fault = "overloaded" // an HTTP 529 before the answer
	Broken     Fault = "broken"     // the stream breaks in the middle
	WrongKey   Fault = "wrong key"  // always
	TooLong    Fault = "too long"   // the prompt does not fit
)

// Turn is one answer of the scripted provider. Of its blocks, Text, Thinking and
// ToolUse are played; a ToolUse whose Input is a JSON string is played as the
// malformed text in it.
type Turn struct {
	Blocks []model.Block
	Stop   model.Stop // if empty: a call, or the end
	Fault  Fault
	Slow   bool // streams for several seconds
}

// New makes the engine to be judged over a provider that gives turns in order,
// and checks what it is sent as strictly as the real one.
type New func(t testing.TB, turns ...Turn) engine.Engine

// Model is the model that Run asks for.
const Model = "claude-opus-4-6"

// Host is a kernel for tests: it records what an engine does. Set its functions
// before it is used.
type Host struct {
	// Do runs a call; nil echoes it.
	Do func(ctx context.Context, name string, input json.RawMessage) engine.Result
	// Budget is how many requests are granted; 0 means all.
	Budget int
	// MaxOutput is what each grant allows; 0 means what was asked for.
	MaxOutput int64
	// Steer is handed out after the n-th call.
	Steer map[int]string
	// KeepErr, if set, may fail to keep a message.
	KeepErr func(m model.Message) error

	mu       sync.Mutex
	calls    []Call
	kept     []model.Message
	keptAt   []int // how many calls had ended when it was kept
	reserved int
	open     int // grants that were not settled
	running  int
	peak     int
	cost     sys.Cost
	canceled bool // Keep was called with a context that has ended

	estimates   []engine.Estimate
	compactions []engine.Compaction
}

// Call is one call that a Host ran.
type Call struct {
	ID, Name string
	Input    string
}

var _ engine.Host = (*Host)(nil)

// Tools implements engine.Host: Read and List only read, Write does not.
func (h *Host) Tools() []model.Tool {
	schema := json.RawMessage(`{"type":"object","properties":{"path":{"type":"string"}}}`)
	return []model.Tool{
		{Name: "List", Description: "Lists files.", Schema: schema, ReadOnly: true},
		{Name: "Read", Description: "Reads a file.", Schema: schema, ReadOnly: true},
		{Name: "Write", Description: "Writes a file.", Schema: schema},
	}
}

// Call implements engine.Host.
func (h *Host) Call(ctx context.Context, id, name string, input json.RawMessage) engine.Result {
	h.mu.Lock()
	h.running++
	h.peak = max(h.peak, h.running)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.running--
		h.calls = append(h.calls, Call{id, name, string(input)})
	}()
	if h.Do != nil {
		return h.Do(ctx, name, input)
	}
	return engine.Result{Text: "did " + name + " " + string(input)}
}

// Reserve implements engine.Host.
func (h *Host) Reserve(_ context.Context, e engine.Estimate) (engine.Grant, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.estimates = append(h.estimates, e)
	if h.reserved++; h.Budget > 0 && h.reserved > h.Budget {
		return engine.Grant{}, &sys.Error{Op: "reserve", Kind: sys.OverBudget, Hint: "raise the budget"}
	}
	h.open++
	return engine.Grant{MaxOutput: h.MaxOutput}, nil
}

// Spent implements engine.Host.
func (h *Host) Spent(_ context.Context, cost sys.Cost) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	h.cost = h.cost.Add(cost)
}

// Compact implements engine.Host.
func (h *Host) Compact(_ context.Context, c engine.Compaction) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.compactions = append(h.compactions, c)
	return nil
}

// Compactions returns how the conversation was shortened.
func (h *Host) Compactions() []engine.Compaction {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.compactions)
}

// Estimates returns what the requests were expected to use.
func (h *Host) Estimates() []engine.Estimate {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.estimates)
}

// Keep implements engine.Host.
func (h *Host) Keep(ctx context.Context, m model.Message, cost sys.Cost) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.canceled = h.canceled || ctx.Err() != nil
	if h.KeepErr != nil {
		if err := h.KeepErr(m); err != nil {
			return err
		}
	}
	if m.Role == model.Assistant {
		h.open--
	}
	m.Blocks = slices.Clone(m.Blocks)
	h.kept = append(h.kept, m)
	h.keptAt = append(h.keptAt, len(h.calls))
	h.cost = h.cost.Add(cost)
	return nil
}

// Steering implements engine.Host.
func (h *Host) Steering() []model.Block {
	h.mu.Lock()
	defer h.mu.Unlock()
	text, ok := h.Steer[len(h.calls)]
	if !ok {
		return nil
	}
	delete(h.Steer, len(h.calls))
	return []model.Block{{Kind: model.Text, Text: text}}
}

// Calls returns the calls so far, in the order in which they ended.
func (h *Host) Calls() []Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// Kept returns the messages so far.
func (h *Host) Kept() []model.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.kept)
}

// Reserved returns how many requests were asked for.
func (h *Host) Reserved() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reserved
}

// Peak returns how many calls ran at once at most.
func (h *Host) Peak() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peak
}

// results returns the results in all messages kept, in order.
func (h *Host) results() (list []model.Block) {
	for _, m := range h.Kept() {
		for _, b := range m.Blocks {
			if b.Kind == model.ToolResult {
				list = append(list, b)
			}
		}
	}
	return list
}

// said returns the texts in the user messages kept.
func (h *Host) said() (list []string) {
	for _, m := range h.Kept() {
		for _, b := range m.Blocks {
			if m.Role == model.User && b.Kind == model.Text {
				list = append(list, b.Text)
			}
		}
	}
	return list
}

// Say makes a block of text for a Turn.
func Say(text string) model.Block { return model.Block{Kind: model.Text, Text: text} }

// Think makes a thinking block.
func Think(text string) model.Block { return model.Block{Kind: model.Thinking, Text: text} }

// Use makes a call, with arguments as the model would write them.
func Use(name, arguments string) model.Block {
	return model.Block{Kind: model.ToolUse, Name: name, Input: model.Arguments(arguments)}
}

// play is one conversation under test.
type play struct {
	t       *testing.T
	host    *Host
	session engine.Session
	history []model.Message // what the kernel would store
}

func open(t *testing.T, new New, h *Host, o engine.Options, turns ...Turn) *play {
	t.Helper()
	o.Model, o.System = Model, []string{"You are judged."}
	s, err := new(t, turns...).Open(t.Context(), h, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &play{t, h, s, o.History}
}

// send runs one turn and checks what holds of every turn.
func (p *play) send(ctx context.Context, words string, each ...func(engine.Event)) (*engine.Outcome, []engine.Event) {
	p.t.Helper()
	var events []engine.Event
	messages := 0
	before := len(p.host.Kept())
	out := p.session.Send(ctx, func(e engine.Event) {
		events = append(events, e)
		if e.Kind == engine.Message {
			messages++
			if n := assistants(p.host.Kept()[before:]); n < messages {
				p.t.Errorf("message %d was shown before it was kept", messages)
			}
		}
		for _, f := range each {
			f(e)
		}
	}, Say(words))
	ends := 0
	for _, e := range events {
		if e.Kind == engine.End {
			ends++
		}
	}
	if ends != 1 || events[len(events)-1].Kind != engine.End || events[len(events)-1].Outcome != out {
		p.t.Errorf("%d end events; want one, the last, with the outcome", ends)
	}
	p.history = append(p.history, model.Message{Role: model.User, Blocks: []model.Block{Say(words)}})
	p.history = append(p.history, p.host.Kept()[before:]...)
	p.check()
	return out, events
}

func assistants(ms []model.Message) (n int) {
	for _, m := range ms {
		if m.Role == model.Assistant {
			n++
		}
	}
	return n
}

// check checks that what was kept is a conversation that needs no repair.
func (p *play) check() {
	p.t.Helper()
	if p.host.KeepErr != nil {
		return
	}
	was, err := json.Marshal(p.history)
	if err != nil {
		p.t.Fatalf("the history does not marshal: %v", err)
	}
	now, err := json.Marshal(engine.Repair(p.history))
	if err != nil {
		p.t.Fatal(err)
	}
	if string(was) != string(now) {
		p.t.Errorf("the turn left a conversation that needs repair:\n%s\n%s", was, now)
	}
	if p.host.open != 0 {
		p.t.Errorf("%d reservations were not settled", p.host.open)
	}
	if p.host.canceled {
		p.t.Error("a message was kept under a context that has ended")
	}
}

// fails checks that an outcome is an error of a kind.
func (p *play) fails(out *engine.Outcome, kind sys.Kind, part string) {
	p.t.Helper()
	if out.Err == nil {
		p.t.Fatalf("the turn succeeded: %+v", out)
	}
	if sys.KindOf(out.Err) != kind || !strings.Contains(out.Err.Error(), part) {
		p.t.Errorf("err = %v (%s), want %s with %q", out.Err, sys.KindOf(out.Err), kind, part)
	}
}

// ends checks that an outcome is good and says text at last.
func (p *play) ends(out *engine.Outcome, text string, steps int) {
	p.t.Helper()
	if out.Err != nil {
		p.t.Fatalf("the turn failed: %v", out.Err)
	}
	if out.Text != text || out.Steps != steps {
		p.t.Errorf("outcome = %q after %d steps, want %q after %d", out.Text, out.Steps, text, steps)
	}
	if out.Cost.Output == 0 {
		p.t.Errorf("cost = %+v, want something", out.Cost)
	}
}

// goesOn checks that the conversation is still usable, by one more turn that the
// script must have.
func (p *play) goesOn(text string) {
	p.t.Helper()
	out, _ := p.send(p.t.Context(), "go on")
	if out.Err != nil || out.Text != text {
		p.t.Errorf("the conversation cannot go on: %q, %v", out.Text, out.Err)
	}
}

// quick is when an engine has to have stopped, on a machine that is busy with other tests.
const quick = 10 * time.Second
