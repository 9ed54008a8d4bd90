package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/engine/enginetest"
	"matrixos/model/modeltest"
)

// TestCacheReadsWithSubAgents plays a session of thirty turns in which every
// fifth one gives work to a sub-agent, a conversation of its own with another
// prompt, and reads files in between. Nine tokens in ten come from the cache.
func TestCacheReadsWithSubAgents(t *testing.T) {
	read := []modeltest.Call{{Name: "Read", Input: map[string]string{"path": "a"}}, {Name: "Read", Input: map[string]string{"path": "b"}}}
	s, url := serve(t, modeltest.PlayFunc(func(r *modeltest.Request) modeltest.Turn {
		words, answers := r.Words()
		switch {
		case strings.HasPrefix(words, "build") && answers < 6:
			return modeltest.Turn{Text: "Writing.", Calls: []modeltest.Call{{Name: "Write", Input: map[string]string{"path": fmt.Sprint(words, answers)}}}}
		case !strings.HasPrefix(words, "build") && answers == 0:
			if strings.HasSuffix(words, "0") || strings.HasSuffix(words, "5") {
				return modeltest.Turn{Text: "I'll have it built.", Calls: []modeltest.Call{{Name: "Write", Input: map[string]string{"path": "spawn " + words}}}}
			}
			return modeltest.Turn{Thinking: "Let me see.", Text: "Looking.", Calls: read}
		}
		return modeltest.Turn{Text: "Done."}
	}))
	e := overAnthropic(t, url)
	file := strings.Repeat(" some text of a file", 40)
	builder := &enginetest.Host{Do: func(_ context.Context, _ string, in json.RawMessage) engine.Result {
		return engine.Result{Text: string(in) + file}
	}}
	main := &enginetest.Host{Do: func(ctx context.Context, _ string, in json.RawMessage) engine.Result {
		if !strings.Contains(string(in), "spawn") {
			return engine.Result{Text: string(in) + file}
		}
		child, err := e.Open(ctx, builder, engine.Options{Model: enginetest.Model, System: []string{strings.Repeat("how to build ", 1200)}})
		if err != nil {
			return engine.Result{Text: err.Error(), Failed: true}
		}
		out := child.Send(ctx, func(engine.Event) {}, enginetest.Say("build "+string(in)))
		return engine.Result{Text: out.Text, Failed: out.Err != nil}
	}}
	session, err := e.Open(t.Context(), main, engine.Options{Model: enginetest.Model, System: []string{strings.Repeat("stable prompt ", 1500)}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if out := session.Send(t.Context(), func(engine.Event) {}, enginetest.Say(fmt.Sprintf("turn %d", i))); out.Err != nil {
			t.Fatal(out.Err)
		}
	}
	u := s.Used()
	share := float64(u.Read) / float64(u.Read+u.Write5m+u.Write1h+u.Input)
	t.Logf("%.1f%% read from the cache in %d requests: %+v", 100*share, len(s.Requests()), u)
	if share < 0.90 {
		t.Errorf("%.1f%% of the tokens were read from the cache, want at least 90%%", 100*share)
	}
}

// TestMode02StreamCutMidToolCall cuts the stream at every so many bytes of a call:
// the broken reply is dropped, nothing of it runs, and the turn ends well.
func TestMode02StreamCutMidToolCall(t *testing.T) {
	for _, kind := range []modeltest.FaultKind{modeltest.Drop, modeltest.ErrorMid, modeltest.Garbage} {
		for after := 1; after < 1500; after += 180 {
			s, url := serve(t, modeltest.Script(
				modeltest.Turn{Text: "Writing it.", Calls: []modeltest.Call{{Name: "Write", Input: map[string]string{"path": "x", "text": strings.Repeat("words ", 30)}}}, Fault: &modeltest.Fault{Kind: kind, After: after}},
				modeltest.Turn{Text: "Done."},
			))
			h := &enginetest.Host{}
			session, err := overAnthropic(t, url).Open(t.Context(), h, engine.Options{Model: enginetest.Model, System: []string{"x"}})
			if err != nil {
				t.Fatal(err)
			}
			out := session.Send(t.Context(), func(engine.Event) {}, enginetest.Say("write"))
			if out.Err != nil || out.Text != "Done." || len(h.Calls()) != 1 || len(h.Kept()) != 3 || len(s.Requests()) != 3 {
				t.Errorf("%s after %d: %q %v, %d calls, %d kept, %d requests", kind, after, out.Text, out.Err, len(h.Calls()), len(h.Kept()), len(s.Requests()))
			}
		}
	}
}
