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

// TestCacheReads plays a session of thirty turns, each with twelve parallel calls
// (which make 24 blocks, and more), against the server's cache simulator, which
// looks back twenty blocks from a breakpoint as the provider does. At least nine tokens in ten of what is sent
// must be read from the cache.
func TestCacheReads(t *testing.T) {
	var calls []modeltest.Call
	for i := range 12 {
		calls = append(calls, modeltest.Call{Name: "Read", Input: map[string]string{"path": fmt.Sprintf("apps/notes/file-%d.tsx", i)}})
	}
	s, url := serve(t, modeltest.PlayFunc(func(r *modeltest.Request) modeltest.Turn {
		if _, answers := r.Words(); answers == 0 {
			return modeltest.Turn{Thinking: "Let me look at all of them.", Text: "Looking.", Calls: calls}
		}
		return modeltest.Turn{Text: "Seen them all."}
	}))
	h := &enginetest.Host{Do: func(_ context.Context, _ string, in json.RawMessage) engine.Result {
		return engine.Result{Text: string(in) + strings.Repeat(" some text of a file", 20)}
	}}
	o := engine.Options{Model: enginetest.Model, System: []string{strings.Repeat("stable prompt ", 1500), "the end of it"}}
	session, err := overAnthropic(t, url).Open(t.Context(), h, o)
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
	t.Logf("%.1f%% read from the cache: %+v", 100*share, u)
	if share < 0.90 {
		t.Errorf("%.1f%% of the tokens were read from the cache, want at least 90%%: %+v", 100*share, u)
	}
	if u.Write1h == 0 {
		t.Error("nothing was kept for an hour: the system prompt should be")
	}
}

// TestCacheReadsAfterReopening resumes a stored conversation: its old prefix is
// found again.
func TestCacheReadsAfterReopening(t *testing.T) {
	s, url := serve(t, speedPlayer())
	h := &enginetest.Host{}
	o := engine.Options{Model: enginetest.Model, System: []string{speedPrompt}}
	for i := range 3 {
		session, err := overAnthropic(t, url).Open(t.Context(), h, o)
		if err != nil {
			t.Fatal(err)
		}
		kept := len(h.Kept())
		words := enginetest.Say(fmt.Sprint("turn ", i))
		if out := session.Send(t.Context(), func(engine.Event) {}, words); out.Err != nil {
			t.Fatal(out.Err)
		}
		o.History = append(append(o.History, userMessage(words)), h.Kept()[kept:]...)
	}
	all := s.Requests()
	for i, r := range all[1:] {
		if before := all[i].Usage; r.Usage.Read < before.Read+before.Write1h+before.Write5m {
			t.Errorf("request %d read %d tokens from the cache, want all %d of the one before",
				i+1, r.Usage.Read, before.Read+before.Write1h+before.Write5m)
		}
	}
}
