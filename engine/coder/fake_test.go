package coder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/engine"
	"matrixos/engine/coder"
	"matrixos/engine/enginetest"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
)

// desk is a Host with a folder; it records what a program did by itself.
type desk struct {
	*enginetest.Host
	mu  sync.Mutex
	own []string
}

func (d *desk) Work(context.Context) (engine.Place, error) { return engine.Place{}, nil }

func (d *desk) Began(_ context.Context, _, name string, input json.RawMessage) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.own = append(d.own, name+string(input))
	return nil
}

func (d *desk) Ended(_ context.Context, _, name, text string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.own = append(d.own, name+" ended")
	return strings.ReplaceAll(text, "the-secret", "[secret]")
}

// atDesk opens conversations on a desk.
type atDesk struct{ engine.Engine }

func (a atDesk) Open(ctx context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	if plain, ok := h.(*enginetest.Host); ok {
		h = &desk{Host: plain}
	}
	return a.Engine.Open(ctx, h, o)
}

// fake is a coding agent: it asks for answers by chat completions, runs what it is
// asked to, and keeps its conversation in its private folder.
type fake struct {
	url, token string
	file       string // of its conversation
	msgs       []map[string]any
	die        func(step int) bool // whether it ends at once, after so many answers
	home       *mcp.ClientSession
}

// agent is the engine over fakes whose model plays p, and how often one was started.
func agent(t testing.TB, p modeltest.Player, die func(step int) bool) (engine.Engine, *modeltest.Server, func() int) {
	t.Helper()
	s := modeltest.New(p)
	s.Key = "the-owners-key"
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	m, err := anthropic.New(anthropic.Options{Key: s.Key, BaseURL: ts.URL, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	started := 0
	dir := t.TempDir()
	return atDesk{coder.New(coder.Options{
		Name: "Fake", Model: m, Door: "http://door", Dir: dir,
		Command: engine.Command{Run: []string{"fake"}, Again: []string{"again"}},
		Start: func(l coder.Launch) (*coder.Program, error) {
			mu.Lock()
			started++
			mu.Unlock()
			return play(l, die)
		},
	})}, s, func() int { mu.Lock(); defer mu.Unlock(); return started }
}

// play runs a fake as if it were a program.
func play(l coder.Launch, die func(int) bool) (*coder.Program, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in, toIn := io.Pipe()
	out, toOut := io.Pipe()
	ctx, kill := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { l.Serve(ln) })
	all.Go(func() {
		text, _ := io.ReadAll(in)
		f := &fake{url: "http://" + ln.Addr().String(), token: strings.TrimSpace(string(text)), file: l.Own + "/talk.json", die: die}
		if len(l.Args) > 1 {
			if raw, err := os.ReadFile(f.file); err == nil {
				_ = json.Unmarshal(raw, &f.msgs)
			}
		}
		err := f.run(ctx)
		fmt.Fprintln(toOut, err)
		_ = toOut.Close()
		_ = ln.Close()
		kill()
	})
	context.AfterFunc(ctx, func() { _ = in.Close() })
	return &coder.Program{In: toIn, Out: out, Kill: kill, Said: func() string { return "" }, Wait: all.Wait}, nil
}

func (f *fake) run(ctx context.Context) (err error) {
	f.home, err = mcp.NewClient(&mcp.Implementation{Name: "fake", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{Endpoint: f.url + "/mcp", DisableStandaloneSSE: true}, nil)
	if err != nil {
		return err
	}
	defer f.home.Close()
	list, err := f.home.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	tools := []map[string]any{{"type": "function", "function": map[string]any{"name": "shell", "parameters": map[string]any{"type": "object"}}}}
	reads := map[string]bool{}
	for _, tool := range list.Tools {
		tools = append(tools, map[string]any{"type": "function", "function": map[string]any{"name": "home_" + tool.Name, "description": tool.Description, "parameters": tool.InputSchema}})
		reads["home_"+tool.Name] = tool.Annotations.ReadOnlyHint
	}
	f.msgs = append(f.msgs, map[string]any{"role": "user", "content": "<asked>" + f.token + "</asked>"})
	for step := 1; ; step++ {
		message, err := f.ask(ctx, tools, step%2 == 0)
		if err != nil {
			return err
		}
		if f.die != nil && f.die(step) {
			return fmt.Errorf("killed")
		}
		f.msgs = append(f.msgs, map[string]any{"role": "assistant", "content": message.Content, "tool_calls": message.Calls})
		if len(message.Calls) == 0 {
			raw, err := json.Marshal(f.msgs)
			if err != nil {
				return err
			}
			return os.WriteFile(f.file, raw, 0o600)
		}
		f.work(ctx, message, reads)
		if text := f.call(ctx, call{Function: function{"home_Write", `{"path":"of its own"}`}}); !strings.Contains(text, "has not made this call") {
			return fmt.Errorf("a call that nobody made came to %q", text)
		}
	}
}

// said is an answer.
type said struct {
	Content string `json:"content"`
	Calls   []call `json:"tool_calls"`
}

type call struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// ask asks for an answer, streamed or whole.
func (f *fake) ask(ctx context.Context, tools any, stream bool) (*said, error) {
	raw, err := json.Marshal(map[string]any{"model": "m", "stream": stream, "tools": tools, "messages": append([]map[string]any{{"role": "system", "content": "You are Fake."}}, f.msgs...)})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/v1/chat/completions", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var got struct {
		Choices []struct{ Message, Delta said } `json:"choices"`
	}
	if !stream {
		if err := json.Unmarshal(text, &got); err != nil || len(got.Choices) != 1 {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		return &got.Choices[0].Message, nil
	}
	for line := range strings.Lines(string(text)) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(data), &got); err != nil || len(got.Choices) != 1 {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		return &got.Choices[0].Delta, nil
	}
	return nil, fmt.Errorf("%s: nothing came", text)
}

// work runs the calls of an answer: those that only read together, others alone.
func (f *fake) work(ctx context.Context, m *said, reads map[string]bool) {
	results := make([]string, len(m.Calls))
	var together sync.WaitGroup
	for i, c := range m.Calls {
		run := func() { results[i] = f.call(ctx, c) }
		if reads[c.Function.Name] {
			together.Go(run)
			continue
		}
		together.Wait()
		run()
	}
	together.Wait()
	for i, c := range m.Calls {
		f.msgs = append(f.msgs, map[string]any{"role": "tool", "tool_call_id": c.ID, "content": results[i]})
	}
}

func (f *fake) call(ctx context.Context, c call) string {
	name, ours := strings.CutPrefix(c.Function.Name, "home_")
	if !ours {
		if name != "shell" {
			return "unsupported call: " + name
		}
		return "ran " + c.Function.Arguments
	}
	var args map[string]any
	if err := json.Unmarshal([]byte(c.Function.Arguments), &args); err != nil {
		return "these are no arguments: " + c.Function.Arguments
	}
	res, err := f.home.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		return err.Error()
	}
	return res.Content[0].(*mcp.TextContent).Text
}
