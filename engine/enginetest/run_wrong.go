package enginetest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

func done() Turn { return Turn{Blocks: []model.Block{Say("Done.")}} }

func use(name, arguments string) Turn { return Turn{Blocks: []model.Block{Use(name, arguments)}} }

// wrong is what models do wrong.
var wrong = []scenario{
	{"a tool fails", func(t *testing.T, new New) {
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
			return engine.Result{Text: "error: no such file", Failed: true}
		}}
		p := open(t, new, h, engine.Options{}, use("Read", `{"path":"x"}`), done())
		out, _ := p.send(t.Context(), "read")
		p.ends(out, "Done.", 2)
		if res := h.results(); len(res) != 1 || !res[0].IsError || res[0].Text != "error: no such file" {
			t.Errorf("results = %+v", res)
		}
	}},
	{"a tool panics", func(t *testing.T, new New) {
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result { panic("nil map") }}
		p := open(t, new, h, engine.Options{}, Turn{Blocks: []model.Block{Use("Read", `{}`), Use("List", `{}`)}}, done())
		out, _ := p.send(t.Context(), "read")
		p.ends(out, "Done.", 2)
		for _, r := range h.results() {
			if !r.IsError || !strings.Contains(r.Text, "nil map") {
				t.Errorf("result = %+v", r)
			}
		}
	}},
	{"a tool says too much", func(t *testing.T, new New) {
		for _, long := range []string{strings.Repeat("a line of text\n", 100_000), strings.Repeat("日", 100_000), strings.Repeat("\n", 49_000)} {
			h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result { return engine.Result{Text: long} }}
			p := open(t, new, h, engine.Options{}, use("Read", `{}`), done())
			out, _ := p.send(t.Context(), "read")
			p.ends(out, "Done.", 2)
			text := h.results()[0].Text
			if len(text) > 52<<10 || strings.Count(text, "\n") > 2002 || !strings.Contains(text, "more bytes") || strings.ContainsRune(text, '\uFFFD') {
				t.Errorf("%d bytes in %d lines reach the model, ending %q", len(text), strings.Count(text, "\n"), text[len(text)-80:])
			}
		}
	}},
	{"an unknown tool", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, use("Delete", `{}`), use("Read", `{}`), done())
		out, _ := p.send(t.Context(), "delete")
		p.ends(out, "Done.", 3)
		res := p.host.results()
		if len(p.host.Calls()) != 1 || !res[0].IsError || !strings.Contains(res[0].Text, "Delete") || !strings.Contains(res[0].Text, "Write") {
			t.Errorf("results = %+v, want an error that names the tools there are", res)
		}
	}},
	{"malformed arguments", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Blocks: []model.Block{
			Use("Read", `{"path":"fine"}`), Use("Write", `{"path": "x`),
		}}, done())
		out, _ := p.send(t.Context(), "write")
		p.ends(out, "Done.", 2)
		res := p.host.results()
		if got := inputs(p.host.Calls()); got != `Read{"path":"fine"}` || res[0].IsError || !res[1].IsError || !strings.Contains(res[1].Text, `{"path": "x`) {
			t.Errorf("calls = %s, results = %+v", got, res)
		}
	}},
	{"wrong calls, three times", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, use("Write", `{"a`), use("Delete", `{}`), use("Write", `{"b`), done())
		out, _ := p.send(t.Context(), "write")
		p.fails(out, sys.Invalid, "3 times")
		if out.Steps != 3 {
			t.Errorf("%d steps, want 3", out.Steps)
		}
		p.goesOn("Done.")
	}},
	{"the same call over and over", func(t *testing.T, new New) {
		same := use("Read", `{"path":"x"}`)
		p := open(t, new, &Host{}, engine.Options{}, same, same, same, done())
		out, _ := p.send(t.Context(), "read")
		p.fails(out, sys.Invalid, "3 times")
		if out.Lost != engine.Loop {
			t.Errorf("lost by %q", out.Lost)
		}
		for i, r := range p.host.results() {
			if warned := strings.Contains(r.Text, "same call"); warned != (i == 1) {
				t.Errorf("result %d = %q", i, r.Text)
			}
		}
		p.goesOn("Done.")
	}},
	{"two calls in turn, over and over", func(t *testing.T, new New) {
		a, b := use("Read", `{"path":"x"}`), use("List", `{"path":"y"}`)
		p := open(t, new, &Host{}, engine.Options{}, a, b, a, b, a, done())
		out, _ := p.send(t.Context(), "read")
		p.fails(out, sys.Invalid, "3 times")
		p.goesOn("Done.")
	}},
	{"nothing works", func(t *testing.T, new New) {
		n := 0
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
			n++
			return engine.Result{Text: strings.Repeat("no ", n), Failed: true}
		}}
		var turns []Turn
		for range 10 {
			turns = append(turns, use("Read", `{"path":"x"}`))
		}
		p := open(t, new, h, engine.Options{}, append(turns, done())...)
		out, _ := p.send(t.Context(), "read")
		p.fails(out, sys.Invalid, "10 steps")
		if out.Lost != engine.NoProgress {
			t.Errorf("lost by %q", out.Lost)
		}
		p.goesOn("Done.")
	}},
	{"the same call with other results", func(t *testing.T, new New) {
		n := 0
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
			n++
			return engine.Result{Text: strings.Repeat("waiting ", n)}
		}}
		same := use("Read", `{"path":"x"}`)
		p := open(t, new, h, engine.Options{}, same, same, same, same, same, same, done())
		out, _ := p.send(t.Context(), "wait for it")
		p.ends(out, "Done.", 7)
	}},
	{"a refusal", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{},
			Turn{Stop: model.StopRefusal, Blocks: []model.Block{Say("I will not."), Use("Write", `{"path":"x"}`)}}, done())
		out, _ := p.send(t.Context(), "harm")
		p.ends(out, "I will not.", 1)
		if out.Stop != model.StopRefusal || len(p.host.Calls()) != 0 {
			t.Errorf("stop = %q, calls = %+v", out.Stop, p.host.Calls())
		}
		p.goesOn("Done.")
	}},
	{"a refusal without words", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Stop: model.StopRefusal}, done())
		out, _ := p.send(t.Context(), "harm")
		if out.Err != nil || out.Stop != model.StopRefusal || out.Text == "" {
			t.Errorf("outcome = %+v, want a refusal in words", out)
		}
		p.goesOn("Done.")
	}},
	{"an empty reply", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{}, done())
		out, _ := p.send(t.Context(), "hi")
		p.ends(out, "Done.", 2)
	}},
	{"only empty replies", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, use("Read", `{}`), Turn{}, Turn{}, done())
		out, _ := p.send(t.Context(), "hi")
		p.fails(out, sys.Unavailable, "empty")
		p.goesOn("Done.")
	}},
	{"a reply cut off", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Stop: model.StopMax, Blocks: []model.Block{Say("Once upon")}}, done())
		out, _ := p.send(t.Context(), "tell")
		p.ends(out, "Done.", 2)
	}},
	{"replies cut off", func(t *testing.T, new New) {
		cut := Turn{Stop: model.StopMax, Blocks: []model.Block{Say("and then")}}
		p := open(t, new, &Host{}, engine.Options{}, cut, cut, done())
		out, _ := p.send(t.Context(), "tell")
		p.fails(out, sys.Invalid, "longer")
		p.goesOn("Done.")
	}},
	{"a call cut off", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Stop: model.StopMax, Blocks: []model.Block{
			Use("Write", `{"path":"1"}`), Use("Write", `{"path":"2","content":"half`),
		}}, done())
		out, _ := p.send(t.Context(), "write")
		p.ends(out, "Done.", 2)
		res := p.host.results()
		if got := inputs(p.host.Calls()); got != `Write{"path":"1"}` || len(res) != 2 || !strings.Contains(res[1].Text, "cut off") {
			t.Errorf("calls = %s, results = %+v", got, res)
		}
	}},
	{"a pause", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Stop: model.StopPause, Blocks: []model.Block{Say("Searching…")}}, done())
		out, _ := p.send(t.Context(), "search")
		p.ends(out, "Done.", 2)
		if said := p.host.said(); len(said) != 0 {
			t.Errorf("said %q in between, want nothing", said)
		}
	}},
	{"a pause about nothing", func(t *testing.T, new New) {
		pause := Turn{Stop: model.StopPause}
		p := open(t, new, &Host{}, engine.Options{}, pause, pause, pause, done())
		out, _ := p.send(t.Context(), "search")
		p.fails(out, sys.Unavailable, "empty")
	}},
	{"an overflow", func(t *testing.T, new New) {
		h := &Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
			return engine.Result{Text: strings.Repeat("long text ", 1000)}
		}}
		p := open(t, new, h, engine.Options{}, use("Read", `{"path":"1"}`), use("Read", `{"path":"2"}`),
			Turn{Fault: TooLong, Blocks: []model.Block{Say("Fits now.")}})
		out, _ := p.send(t.Context(), "read")
		p.ends(out, "Fits now.", 4)
		for _, r := range h.results() {
			if len(r.Text) < 10_000 {
				t.Errorf("what was kept was cleared too: %q", r.Text)
			}
		}
	}},
	{"an overflow for good", func(t *testing.T, new New) {
		p := open(t, new, &Host{}, engine.Options{}, Turn{Fault: TooLong}, done())
		out, _ := p.send(t.Context(), "read this book")
		p.fails(out, sys.Invalid, "no longer fits")
		p.goesOn("Done.")
	}},
}
