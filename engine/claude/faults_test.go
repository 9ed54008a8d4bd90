package claude_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// patience is for a slow machine.
const patience = 60 * time.Second

func open(t testing.TB, e *claude.Engine, h engine.Host, history ...model.Message) engine.Session {
	t.Helper()
	s, err := e.Open(t.Context(), h, engine.Options{Model: enginetest.Model, System: []string{"You are judged."}, History: history})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(ctx context.Context, s engine.Session, words string) *engine.Outcome {
	return s.Send(ctx, func(engine.Event) {}, enginetest.Say(words))
}

func plays(turns ...enginetest.Turn) modeltest.Player { return modeltest.Script(script(turns)...) }

func turnOf(blocks ...model.Block) enginetest.Turn { return enginetest.Turn{Blocks: blocks} }

// running lists the processes whose private folder is below dir.
func running(t testing.TB, dir string) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err == nil && bytes.Contains(env, []byte("CLAUDE_CONFIG_DIR="+dir)) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// The CLI is killed while a call runs: the call is not made again, its result is
// not lost, and the turn ends well. So it is with the real one.
func TestDeathInACall(t *testing.T) {
	for name, program := range map[string]func(testing.TB) string{
		"scripted": func(t testing.TB) string { return fakeCLI(t, "well") }, "real": enginetest.ClaudeCode,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h := &enginetest.Host{}
			h.Do = func(_ context.Context, _ string, in json.RawMessage) engine.Result {
				if string(in) == `{"path":"1"}` {
					for _, pid := range running(t, dir) {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
					eventually(t, "the CLI is gone", func() bool { return len(running(t, dir)) == 0 })
				}
				return engine.Result{Text: "wrote " + string(in)}
			}
			e, s := over(t, program(t), plays(
				turnOf(enginetest.Use("Write", `{"path":"1"}`), enginetest.Use("Write", `{"path":"2"}`)), turnOf(enginetest.Say("Done.")),
			), claude.Options{Dir: dir})
			out := send(t.Context(), open(t, e, h), "write")
			if out.Err != nil || out.Text != "Done." || len(h.Calls()) != 1 {
				t.Fatalf("outcome %+v, calls %+v", out, h.Calls())
			}
			last := s.Requests()[1]
			if res := last.Results(); len(res) != 2 || res[0].Text != `wrote {"path":"1"}` || res[0].Failed || !res[1].Failed {
				t.Errorf("the model read %+v", res)
			}
			if strings.Contains(string(last.Body), "No response requested") || strings.Contains(string(last.Body), "goes on here") {
				t.Errorf("the restart shows: %s", last.Body)
			}
		})
	}
}

func TestDeathAgainAndAgain(t *testing.T) {
	h := &enginetest.Host{}
	e, _ := over(t, fakeCLI(t, "dies"), plays(turnOf(enginetest.Use("Write", `{"path":"1"}`))), claude.Options{})
	out := send(t.Context(), open(t, e, h), "write")
	if sys.KindOf(out.Err) != sys.Unavailable || out.Steps != 3 || len(h.Calls()) != 0 {
		t.Errorf("outcome %+v, calls %+v", out, h.Calls())
	}
}

// What the CLI says of success counts for nothing, and a start that fails says
// why.
func TestTheCLIFails(t *testing.T) {
	for mode, says := range map[string]string{"lies": "API Error: 529", "dies-at-once": "cannot find my glasses"} {
		e, _ := over(t, fakeCLI(t, mode), plays(turnOf(enginetest.Say("Hello."))), claude.Options{})
		out := send(t.Context(), open(t, e, &enginetest.Host{}), "hi")
		if sys.KindOf(out.Err) != sys.Unavailable || !strings.Contains(out.Err.Error(), says) {
			t.Errorf("%s: %v", mode, out.Err)
		}
	}
}

func TestNoiseIsNothing(t *testing.T) {
	e, _ := over(t, fakeCLI(t, "noise"), plays(turnOf(enginetest.Say("Hello."))), claude.Options{})
	if out := send(t.Context(), open(t, e, &enginetest.Host{}), "hi"); out.Err != nil || out.Text != "Hello." {
		t.Errorf("outcome %+v", out)
	}
}

// A CLI cannot run what the model did not call, cannot run a call twice, and
// cannot choose its arguments.
func TestForgedCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tried")
	h := &enginetest.Host{}
	e, _ := over(t, fakeCLI(t, "forges "+file), plays(turnOf(enginetest.Use("Read", `{"path":"mine"}`)), turnOf(enginetest.Say("Done."))), claude.Options{})
	if out := send(t.Context(), open(t, e, h), "read"); out.Err != nil || out.Text != "Done." {
		t.Errorf("outcome %+v", out)
	}
	if calls := h.Calls(); len(calls) != 1 || calls[0].Input != `{"path":"mine"}` {
		t.Errorf("calls %+v", calls)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, l := range lines {
		if strings.Count(l, `"deny"`) != 2 || !strings.Contains(l, `"isError":true`) || !strings.Contains(l, `"PreToolUse"`) {
			t.Errorf("not refused three times: %s", l)
		}
	}
	if len(lines) != 5 {
		t.Errorf("%d tries, want 5", len(lines))
	}
}

// A request for purposes of the CLI's own is paid for, and is no part of the
// conversation.
func TestARequestAside(t *testing.T) {
	h := &enginetest.Host{}
	e, s := over(t, fakeCLI(t, "aside"), plays(turnOf(enginetest.Say("A title")), turnOf(enginetest.Say("Hello."))), claude.Options{})
	out := send(t.Context(), open(t, e, h), "hi")
	if out.Err != nil || out.Text != "Hello." || len(h.Kept()) != 1 {
		t.Errorf("outcome %+v, kept %+v", out, h.Kept())
	}
	if es := h.Estimates(); len(es) != 2 || es[0].Model != "claude-haiku-4-5" || out.Cost.Output != s.Used().Output {
		t.Errorf("estimates %+v, cost %+v, used %+v", es, out.Cost, s.Used())
	}
}

// Nothing is left behind by Close, by a stop that the CLI does not heed, and by
// one that is not ready: neither the CLI nor what it has started.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Run("close", func(t *testing.T) {
		dir, file := t.TempDir(), filepath.Join(t.TempDir(), "child")
		e, _ := over(t, fakeCLI(t, "orphan "+file), plays(turnOf(enginetest.Say("Hello."))), claude.Options{Dir: dir})
		s := open(t, e, &enginetest.Host{})
		if out := send(t.Context(), s, "hi"); out.Err != nil || len(running(t, dir)) != 2 {
			t.Fatalf("outcome %+v, processes %v", out, running(t, dir))
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "both are gone", func() bool { return len(running(t, dir)) == 0 })
		if out := send(t.Context(), s, "hi"); out.Err == nil {
			t.Error("a closed engine answers")
		}
	})
	t.Run("stop", func(t *testing.T) {
		dir := t.TempDir()
		e, _ := over(t, fakeCLI(t, "deaf"), plays(turnOf(enginetest.Use("Write", `{}`)), turnOf(enginetest.Say("Back."))), claude.Options{Dir: dir})
		ctx, cancel := context.WithCancel(t.Context())
		h := &enginetest.Host{Do: func(ctx context.Context, _ string, _ json.RawMessage) engine.Result {
			cancel()
			<-ctx.Done()
			return engine.Result{Text: "stopped", Failed: true}
		}}
		s := open(t, e, h)
		if out := send(ctx, s, "write"); sys.KindOf(out.Err) != sys.Canceled || len(running(t, dir)) != 0 {
			t.Errorf("outcome %+v, processes %v", out, running(t, dir))
		}
		if out := send(t.Context(), s, "go on"); out.Err != nil || out.Text != "Back." {
			t.Errorf("outcome %+v", out)
		}
	})
	t.Run("not ready", func(t *testing.T) {
		dir := t.TempDir()
		e, _ := over(t, fakeCLI(t, "mute"), plays(), claude.Options{Dir: dir})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			eventually(t, "it has started", func() bool { return len(running(t, dir)) > 0 })
			cancel()
		}()
		if out := send(ctx, open(t, e, &enginetest.Host{}), "hi"); sys.KindOf(out.Err) != sys.Canceled || len(running(t, dir)) != 0 {
			t.Errorf("outcome %+v, processes %v", out, running(t, dir))
		}
	})
}

// A CLI waits for its conversation to go on, and for no other; few do, and not
// for long.
func TestWarmCLIs(t *testing.T) {
	dir := t.TempDir()
	e, _ := over(t, fakeCLI(t, "well"), modeltest.PlayFunc(func(*modeltest.Request) modeltest.Turn { return modeltest.Turn{Text: "Yes."} }),
		claude.Options{Dir: dir, Warm: 2, Idle: time.Hour})
	talk := func(words string, history ...model.Message) (int, []model.Message) {
		h := &enginetest.Host{}
		s := open(t, e, h, history...)
		before := running(t, dir)
		if out := send(t.Context(), s, words); out.Err != nil {
			t.Fatal(out.Err)
		}
		after := running(t, dir)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		new := slices.DeleteFunc(slices.Clone(after), func(pid int) bool { return slices.Contains(before, pid) })
		return len(new), append(slices.Clone(history), append([]model.Message{{Role: model.User, Blocks: []model.Block{enginetest.Say(words)}}}, h.Kept()...)...)
	}
	started, first := talk("one")
	if started != 1 {
		t.Errorf("%d CLIs started for the first conversation", started)
	}
	if started, _ = talk("two", first...); started != 0 {
		t.Error("the conversation did not go on in its CLI")
	}
	if started, _ = talk("two, again", first...); started != 1 {
		t.Error("a conversation went on in a CLI that knows more")
	}
	for i := range 3 {
		talk(fmt.Sprint("other ", i))
	}
	eventually(t, "two are left", func() bool { return len(running(t, dir)) == 2 })

	soon, _ := over(t, fakeCLI(t, "well"), plays(turnOf(enginetest.Say("Yes."))), claude.Options{Dir: t.TempDir() + "/x", Idle: time.Millisecond})
	s := open(t, soon, &enginetest.Host{})
	if out := send(t.Context(), s, "one"); out.Err != nil {
		t.Error(out.Err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The key stays on this side, and the proxy serves nobody but a CLI in a turn.
func TestTheProxyIsForATurnOfACLI(t *testing.T) {
	dir := t.TempDir()
	var base, token string
	try := func(path, token string) int {
		body := fmt.Sprintf(`{"model":%q,"max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`, enginetest.Model)
		r, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	h := &enginetest.Host{Do: func(context.Context, string, json.RawMessage) engine.Result {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", running(t, dir)[0]))
		if err != nil {
			t.Error(err)
		}
		if bytes.Contains(env, []byte("the-owners-key")) {
			t.Error("the CLI has the key")
		}
		for v := range strings.SplitSeq(string(env), "\x00") {
			if b, ok := strings.CutPrefix(v, "ANTHROPIC_BASE_URL="); ok {
				base = b
			}
			if k, ok := strings.CutPrefix(v, "ANTHROPIC_API_KEY="); ok {
				token = k
			}
		}
		if got := try("/v1/messages", "matrixos-guess"); got != http.StatusUnauthorized {
			t.Errorf("a wrong token: %d", got)
		}
		if got := try("/v1/files", token); got != http.StatusNotFound {
			t.Errorf("another path: %d", got)
		}
		return engine.Result{Text: "ok"}
	}}
	e, s := over(t, fakeCLI(t, "well"), plays(turnOf(enginetest.Use("Write", `{}`)), turnOf(enginetest.Say("Done."))), claude.Options{Dir: dir})
	if out := send(t.Context(), open(t, e, h), "write"); out.Err != nil {
		t.Fatal(out.Err)
	}
	if got := try("/v1/messages", token); got != http.StatusForbidden {
		t.Errorf("without a turn: %d", got)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests reached the provider, want 2", n)
	}
}

// A conversation that is too long is summed up, and goes on in a new CLI.
func TestACompaction(t *testing.T) {
	long := strings.Repeat("many words ", 20_000)
	var history []model.Message
	for range 4 {
		history = append(history, model.Message{Role: model.User, Blocks: []model.Block{enginetest.Say(long)}},
			model.Message{Role: model.Assistant, Blocks: []model.Block{enginetest.Say("Yes.")}})
	}
	h := &enginetest.Host{}
	e, s := over(t, fakeCLI(t, "well"), plays(
		enginetest.Turn{Fault: enginetest.TooLong, Blocks: []model.Block{enginetest.Say("They said many words.")}}, turnOf(enginetest.Say("Fits now.")),
	), claude.Options{})
	out := send(t.Context(), open(t, e, h, history...), "and now?")
	if out.Err != nil || out.Text != "Fits now." || len(h.Compactions()) != 1 {
		t.Fatalf("outcome %+v, %d compactions", out, len(h.Compactions()))
	}
	last := s.Requests()[len(s.Requests())-1]
	if words, _ := last.Words(); !strings.Contains(string(last.Body), "They said many words.") || !strings.Contains(words, "and now?") {
		t.Errorf("the model was sent %s", last.Body)
	}
}
