package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/sys"
)

// puppet is a model with a small window that answers what it is told to.
type puppet struct {
	window  int64
	answers []model.Reply
	asked   []model.Request
}

func (p *puppet) Limits(string) model.Limits {
	return model.Limits{Context: p.window, MaxOutput: 1000}
}

func (p *puppet) Stream(_ context.Context, r *model.Request, _ func(model.Delta)) (*model.Reply, error) {
	c := *r
	c.Messages = append([]model.Message(nil), r.Messages...)
	p.asked = append(p.asked, c)
	rep := p.answers[min(len(p.asked), len(p.answers))-1]
	rep.Message.Role = model.Assistant
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			rep.Cost.Input += int64(len(b.Text)+len(b.Input)) / 4
		}
	}
	return &rep, nil
}

func reads(ids ...string) model.Reply {
	rep := model.Reply{Stop: model.StopTool}
	for _, id := range ids {
		b := enginetest.Use("Read", fmt.Sprintf(`{"path":%q}`, id))
		b.ID = id
		rep.Message.Blocks = append(rep.Message.Blocks, b)
	}
	return rep
}

func says(text string) model.Reply {
	return model.Reply{Stop: model.StopEnd, Message: model.Message{Blocks: []model.Block{enginetest.Say(text)}}}
}

// TestMakesRoom lets a conversation grow towards the window: old results are
// cleared before it overflows, the newest stay, and what was kept is untouched.
func TestMakesRoom(t *testing.T) {
	p := &puppet{window: 100_000}
	for i := range 14 {
		p.answers = append(p.answers, reads(fmt.Sprint("call", i)))
	}
	p.answers = append(p.answers, says("Done."))
	long := strings.Repeat("words that go on and on, ", 1640) // about 10,000 tokens
	h := &enginetest.Host{Do: func(_ context.Context, _ string, in json.RawMessage) engine.Result {
		return engine.Result{Text: string(in) + long[:40_000]}
	}}
	s, err := newEngine(p).Open(t.Context(), h, engine.Options{Model: "puppet"})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.Send(t.Context(), func(engine.Event) {}, enginetest.Say("read it all")); out.Err != nil || out.Text != "Done." {
		t.Fatalf("outcome = %q, %v", out.Text, out.Err)
	}
	rooms := 0
	for i, r := range p.asked {
		size := 0
		for _, m := range r.Messages {
			for _, b := range m.Blocks {
				size += len(b.Text) + len(b.Input)
			}
		}
		if size/4 > 84_000 {
			t.Errorf("request %d has %d tokens, more than the window leaves", i, size/4)
		}
		if last := r.Messages[len(r.Messages)-1].Blocks[0]; i > 0 && len(last.Text) < 40_000 {
			t.Errorf("request %d lost its newest result", i)
		}
		if i > 0 && r.Previous < 0 {
			rooms++
		} else if i > 0 && r.Previous != len(p.asked[i-1].Messages)-1 {
			t.Errorf("request %d: previous = %d, want %d", i, r.Previous, len(p.asked[i-1].Messages)-1)
		}
	}
	if rooms == 0 || rooms > 4 {
		t.Errorf("room was made %d times, want rarely: each time voids the prompt cache", rooms)
	}
	for _, m := range h.Kept() {
		if b := m.Blocks[0]; b.Kind == model.ToolResult && len(b.Text) < 40_000 {
			t.Errorf("a result that was kept is cleared: %d bytes", len(b.Text))
		}
	}
}

// TestTellsCallsApart gives calls without an id, or with the same one, ids of
// their own.
func TestTellsCallsApart(t *testing.T) {
	p := &puppet{window: 100_000, answers: []model.Reply{reads("a", "a", ""), says("Done.")}}
	h := &enginetest.Host{}
	s, err := newEngine(p).Open(t.Context(), h, engine.Options{Model: "puppet"})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.Send(t.Context(), func(engine.Event) {}, enginetest.Say("go")); out.Err != nil {
		t.Fatal(out.Err)
	}
	ids := map[string]bool{"": true}
	for _, b := range h.Kept()[1].Blocks {
		if ids[b.ID] {
			t.Errorf("the id %q is empty or used twice", b.ID)
		}
		ids[b.ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("ids = %v", ids)
	}
}

func TestOpenRefusesTwinTools(t *testing.T) {
	_, err := newEngine(&puppet{}).Open(t.Context(), &twins{}, engine.Options{})
	if sys.KindOf(err) != sys.Internal {
		t.Errorf("err = %v", err)
	}
}

type twins struct{ enginetest.Host }

func (*twins) Tools() []model.Tool { return []model.Tool{{Name: "Read"}, {Name: "Read"}} }
