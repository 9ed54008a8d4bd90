package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

type scenario struct {
	name string
	run  func(t *testing.T, new New)
}

// Run judges an engine against the contract of engine.Engine. Scenarios named
// in except are left out, for an engine whose provider settles them itself.
func Run(t *testing.T, new New, except ...string) {
	all := slices.Concat(plain, wrong, stopped)
	for _, name := range except {
		if !slices.ContainsFunc(all, func(s scenario) bool { return s.name == name }) {
			t.Errorf("there is no scenario %q to leave out", name)
		}
	}
	for _, s := range all {
		if !slices.Contains(except, s.name) {
			t.Run(s.name, func(t *testing.T) { t.Parallel(); s.run(t, new) })
		}
	}
}

var plain = []scenario{
	{"text", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Blocks: []model.Block{Think("Hm."), Say("Hello.")}})
		out, events := p.send(t.Context(), "hi")
		p.ends(out, "Hello.", 1)
		var streamed strings.Builder
		for _, e := range events {
			streamed.WriteString(e.Delta.Text)
		}
		if streamed.String() != "Hello." || out.Stop != model.StopEnd {
			t.Errorf("streamed %q, stop %q", streamed.String(), out.Stop)
		}
		if kept := p.host.Kept(); len(kept) != 1 || kept[0].Role != model.Assistant {
			t.Errorf("kept %+v, want the answer alone", kept)
		}
		if p.host.Reserved() != 1 || p.host.cost != out.Cost {
			t.Errorf("%d requests reserved, %+v kept; want one, and %+v", p.host.Reserved(), p.host.cost, out.Cost)
		}
	}},
	{"loop", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{},
			Turn{Blocks: []model.Block{Think("First."), Say("One."), Use("Write", `{"path":"1"}`)}},
			Turn{Blocks: []model.Block{Use("Write", `{"path":"2"}`)}},
			Turn{Blocks: []model.Block{Use("Read", `{"path":"1"}`)}},
			Turn{Blocks: []model.Block{Say("Done.")}})
		out, _ := p.send(t.Context(), "write")
		p.ends(out, "Done.", 4)
		if got := inputs(p.host.Calls()); got != `Write{"path":"1"} Write{"path":"2"} Read{"path":"1"}` {
			t.Errorf("calls = %s", got)
		}
		if res := p.host.results(); len(res) != 3 || res[0].Text != `did Write {"path":"1"}` {
			t.Errorf("results = %+v", res)
		}
	}},
	{"two turns", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{},
			Turn{Blocks: []model.Block{Say("First.")}}, Turn{Blocks: []model.Block{Say("Second.")}})
		out, _ := p.send(t.Context(), "one")
		p.ends(out, "First.", 1)
		p.goesOn("Second.")
	}},
	{"reads run together", func(t *testing.T, new New) {
		var blocks []model.Block
		for i := range 20 {
			blocks = append(blocks, Use([]string{"Read", "List"}[i%2], fmt.Sprintf(`{"path":"%d"}`, i)))
		}
		h := &Host{Do: func(_ context.Context, _ string, in json.RawMessage) engine.Result {
			<-time.After(40 * time.Millisecond)
			return engine.Result{Text: string(in)}
		}}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: blocks}, Turn{Blocks: []model.Block{Say("Done.")}})
		out, _ := p.send(t.Context(), "read")
		p.ends(out, "Done.", 2)
		if h.Peak() < 4 || h.Peak() > 8 {
			t.Errorf("%d reads ran at once, want 4 to 8", h.Peak())
		}
		for i, r := range h.results() {
			if r.Text != fmt.Sprintf(`{"path":"%d"}`, i) {
				t.Fatalf("result %d = %q: out of order", i, r.Text)
			}
		}
	}},
	{"writes run alone", func(t *testing.T, new New) {
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
			<-time.After(10 * time.Millisecond)
			return engine.Result{Text: "ok"}
		}}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{
			Use("Write", `{"path":"1"}`), Use("Write", `{"path":"2"}`), Use("Read", `{"path":"1"}`), Use("Write", `{"path":"3"}`),
		}}, Turn{Blocks: []model.Block{Say("Done.")}})
		out, _ := p.send(t.Context(), "write")
		p.ends(out, "Done.", 2)
		want := `Write{"path":"1"} Write{"path":"2"} Read{"path":"1"} Write{"path":"3"}`
		if got := inputs(h.Calls()); h.Peak() != 1 || got != want {
			t.Errorf("%d at once: %s; want %s, one by one", h.Peak(), got, want)
		}
	}},
	{"steering", func(t *testing.T, new New) {
		h := &Host{Steer: map[int]string{1: "in green, please"}}
		p := open(t, new, h, engine.Options{},
			Turn{Blocks: []model.Block{Use("Write", `{"path":"1"}`)}}, Turn{Blocks: []model.Block{Say("Green.")}})
		out, _ := p.send(t.Context(), "paint")
		p.ends(out, "Green.", 2)
		if said := h.said(); len(said) != 1 || said[0] != "in green, please" {
			t.Errorf("said = %q", said)
		}
	}},
	{"steering at the end", func(t *testing.T, new New) {
		h := &Host{Steer: map[int]string{0: "wait, also this"}}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{Say("Done.")}}, Turn{Blocks: []model.Block{Say("Both done.")}})
		out, _ := p.send(t.Context(), "do")
		p.ends(out, "Both done.", 2)
	}},
	{"resumes a broken history", func(t *testing.T, new New) {
		history := []model.Message{
			{Role: model.User, Blocks: []model.Block{Say("write")}},
			{Role: model.Assistant, Blocks: []model.Block{
				{Kind: model.ToolUse, ID: "toolu_1", Name: "Write", Input: json.RawMessage(`{"path":"1"}`)},
				{Kind: model.ToolUse, ID: "toolu_2", Name: "Write", Input: json.RawMessage(`{"path":"2"}`)},
			}},
			{Role: model.User, Blocks: []model.Block{{Kind: model.ToolResult, ID: "toolu_2", Text: "ok"}, {Kind: model.ToolResult, ID: "gone", Text: "?"}}},
			{Role: model.Assistant, Blocks: []model.Block{{Kind: model.ToolUse, ID: "toolu_3", Name: "Read", Input: json.RawMessage(`{}`)}}},
		}
		h := &Host{}
		s, err := new(t, Turn{Blocks: []model.Block{Say("Where was I?")}}).Open(t.Context(), h,
			engine.Options{Model: Model, System: []string{"x"}, History: history})
		if err != nil {
			t.Fatal(err)
		}
		out := s.Send(t.Context(), func(engine.Event) {}, Say("go on"))
		if out.Err != nil || out.Text != "Where was I?" || len(h.Calls()) != 0 {
			t.Errorf("outcome = %q, %v, %d calls", out.Text, out.Err, len(h.Calls()))
		}
	}},
	{"provider recovers", func(t *testing.T, new New) {
		for _, f := range []Fault{Overloaded, Broken} {
			p := open(t, new, &Host{}, engine.Options{}, Turn{Fault: f, Blocks: []model.Block{Say("There it is at last.")}})
			out, events := p.send(t.Context(), "hi")
			p.ends(out, "There it is at last.", 1)
			if !slices.ContainsFunc(events, func(e engine.Event) bool { return e.Delta.Retry != nil }) {
				t.Errorf("%s: no retry was announced", f)
			}
		}
	}},
	{"provider is gone", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Fault: WrongKey})
		out, _ := p.send(t.Context(), "hi")
		p.fails(out, sys.Unauthorized, "key")
	}},
}

func inputs(calls []Call) string {
	var list []string
	for _, c := range calls {
		list = append(list, c.Name+c.Input)
	}
	return strings.Join(list, " ")
}

var stopped = []scenario{
	{"canceled in the stream", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{},
			Turn{Slow: true, Blocks: []model.Block{Say(strings.Repeat("word ", 500))}}, Turn{Blocks: []model.Block{Say("Back.")}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var start time.Time
		out, _ := p.send(ctx, "talk", func(e engine.Event) {
			if e.Delta.Text != "" && start.IsZero() {
				start = time.Now()
				cancel()
			}
		})
		p.fails(out, sys.Canceled, "")
		if took := time.Since(start); took > quick {
			t.Errorf("took %v to stop", took)
		}
		p.goesOn("Back.")
	}},
	{"canceled in a tool", func(t *testing.T, new New) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h := &Host{}
		h.Do = func(ctx context.Context, _ string, in json.RawMessage) engine.Result {
			if string(in) == `{"path":"2"}` {
				cancel()
				<-ctx.Done()
				return engine.Result{Text: "stopped", Failed: true}
			}
			return engine.Result{Text: "ok"}
		}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{
			Use("Write", `{"path":"1"}`), Use("Write", `{"path":"2"}`), Use("Write", `{"path":"3"}`),
		}}, Turn{Blocks: []model.Block{Say("Back.")}})
		out, _ := p.send(ctx, "write")
		p.fails(out, sys.Canceled, "")
		if len(h.Calls()) != 2 {
			t.Errorf("calls = %+v: the third ran after the stop", h.Calls())
		}
		res := h.results()
		if len(res) != 3 || res[0].IsError || !res[1].IsError || !res[2].IsError {
			t.Errorf("results = %+v", res)
		}
		p.goesOn("Back.")
	}},
	{"no budget", func(t *testing.T, new New) {
		h := &Host{Budget: 1}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{Use("Write", `{"path":"1"}`)}}, Turn{Blocks: []model.Block{Say("no")}})
		out, _ := p.send(t.Context(), "write")
		p.fails(out, sys.OverBudget, "")
		if out.Steps != 1 || len(h.Calls()) != 1 {
			t.Errorf("%d steps, %d calls; want one each", out.Steps, len(h.Calls()))
		}
	}},
	{"too many steps", func(t *testing.T, new New) {
		var turns []Turn
		for i := range 6 {
			turns = append(turns, Turn{Blocks: []model.Block{Use("Write", fmt.Sprintf(`{"path":"%d"}`, i))}})
		}
		p := open(t, new, &Host{}, engine.Options{MaxSteps: 4}, turns...)
		out, _ := p.send(t.Context(), "write")
		p.fails(out, sys.OverBudget, "4")
		if out.Steps != 4 {
			t.Errorf("%d steps, want 4", out.Steps)
		}
	}},
	{"cannot keep", func(t *testing.T, new New) {
		full := &sys.Error{Op: "keep", Kind: sys.NoSpace}
		fail := true
		h := &Host{KeepErr: func(m model.Message) error {
			if fail && m.Role == model.User {
				return full
			}
			return nil
		}}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{Use("Write", `{"path":"1"}`)}}, Turn{Blocks: []model.Block{Say("Back.")}})
		out, _ := p.send(t.Context(), "write")
		if !errors.Is(out.Err, full) {
			t.Errorf("err = %v, want that of the host", out.Err)
		}
		fail = false
		p.goesOn("Back.")
	}},
}
