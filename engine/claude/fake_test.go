package claude_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fake is a small program that speaks the CLI's protocol, so that faults can be
// put into it. The test binary plays it; mode says what it does wrong.
type fake struct {
	mode   string
	config string
	url    string
	key    string
	model  string
	out    sync.Mutex
	system string

	mu       sync.Mutex
	n        int
	answers  map[string]chan obj
	queued   []any // words in the middle of a turn
	messages []any
	cancel   context.CancelFunc
	words    chan []any
}

type obj = map[string]any

const fakeName = "fake-claude"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == fakeName {
		(&fake{mode: os.Args[2], answers: map[string]chan obj{}, words: make(chan []any, 16)}).main(os.Args[3:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fakeCLI is a program that behaves like the CLI, but for mode.
func fakeCLI(t testing.TB, mode string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "claude")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\nexec %q %s %q \"$@\"\n", self, fakeName, mode), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// once reports whether something happens for the first time, in all processes
// with the same mode, whose last word is a file.
func (f *fake) once(what string) bool {
	name, file, _ := strings.Cut(f.mode, " ")
	if name != what {
		return false
	}
	h, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	_ = h.Close()
	return true
}

func (f *fake) is(what string) bool {
	name, _, _ := strings.Cut(f.mode, " ")
	return name == what
}

func (f *fake) note(text string) {
	_, file, _ := strings.Cut(f.mode, " ")
	h, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, _ = h.WriteString(text + "\n")
		_ = h.Close()
	}
}

func (f *fake) main(args []string) {
	f.url, f.key, f.config = os.Getenv("ANTHROPIC_BASE_URL"), os.Getenv("ANTHROPIC_API_KEY"), os.Getenv("CLAUDE_CONFIG_DIR")
	for _, a := range args {
		if m, ok := strings.CutPrefix(a, "--model="); ok {
			f.model = m
		}
		if id, ok := strings.CutPrefix(a, "--resume="); ok {
			f.resume(id)
		}
	}
	if f.is("dies-at-once") {
		fmt.Fprintln(os.Stderr, "cannot find my glasses")
		os.Exit(3)
	}
	if f.is("orphan") {
		child := exec.Command("sleep", "1000")
		_ = child.Start()
		f.note(fmt.Sprint(child.Process.Pid))
	}
	if f.is("noise") {
		fmt.Println("this is no JSON\n[]\n7\nnull\n{\"type\":7}\n{\"type\":\"control_response\"}\n{\"type\":\"result\"")
		fmt.Println(strings.Repeat("x", 3<<20))
	}
	go func() {
		for w := range f.words {
			f.turn(w)
		}
	}()
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m obj
		if json.Unmarshal(line, &m) == nil {
			f.hear(m)
		}
	}
}

func (f *fake) resume(id string) {
	found, _ := filepath.Glob(filepath.Join(f.config, "projects", "*", id+".jsonl"))
	if len(found) != 1 {
		fmt.Fprintln(os.Stderr, "No conversation found with session ID: "+id)
		os.Exit(1)
	}
	text, _ := os.ReadFile(found[0])
	for line := range bytes.Lines(text) {
		var e obj
		if json.Unmarshal(line, &e) == nil {
			m := e["message"].(obj)
			f.messages = append(f.messages, obj{"role": m["role"], "content": m["content"]})
		}
	}
	if n := len(f.messages); n > 0 && f.messages[n-1].(obj)["role"] == "user" {
		f.messages = append(f.messages, obj{"role": "assistant", "content": []any{obj{"type": "text", "text": "No response requested."}}})
	}
}

func (f *fake) write(v any) {
	raw, _ := json.Marshal(v)
	f.out.Lock()
	defer f.out.Unlock()
	_, _ = os.Stdout.Write(append(raw, '\n'))
}

func (f *fake) hear(m obj) {
	switch m["type"] {
	case "control_response":
		r := m["response"].(obj)
		f.mu.Lock()
		ch := f.answers[r["request_id"].(string)]
		f.mu.Unlock()
		if ch != nil {
			ch <- r
		}
	case "control_request":
		q := m["request"].(obj)
		switch q["subtype"] {
		case "initialize":
			if f.is("mute") {
				return
			}
			f.system, _ = q["systemPrompt"].(string)
			go func() {
				f.mcp("initialize", obj{"protocolVersion": "2025-11-25", "clientInfo": obj{"name": "fake", "version": "2.1.330"}})
				f.mcp("tools/list", obj{})
				f.write(obj{"type": "control_response", "response": obj{"subtype": "success", "request_id": m["request_id"], "response": obj{}}})
			}()
		case "interrupt":
			if f.is("deaf") {
				return
			}
			f.mu.Lock()
			if f.cancel != nil {
				f.cancel()
			}
			f.mu.Unlock()
			f.write(obj{"type": "control_response", "response": obj{"subtype": "success", "request_id": m["request_id"], "response": obj{}}})
		}
	case "user":
		content := m["message"].(obj)["content"].([]any)
		f.mu.Lock()
		busy := f.cancel != nil
		if busy {
			f.queued = append(f.queued, content...)
		}
		f.mu.Unlock()
		if !busy {
			f.words <- content
		}
	}
}

// ask makes a control request.
func (f *fake) ask(q obj) obj {
	f.mu.Lock()
	f.n++
	id := fmt.Sprint("fake_", f.n)
	ch := make(chan obj, 1)
	f.answers[id] = ch
	f.mu.Unlock()
	f.write(obj{"type": "control_request", "request_id": id, "request": q})
	return <-ch
}

func (f *fake) mcp(method string, params obj) obj {
	r := f.ask(obj{"subtype": "mcp_message", "server_name": "kernel", "message": obj{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}})
	inner, _ := r["response"].(obj)
	answer, _ := inner["mcp_response"].(obj)
	result, _ := answer["result"].(obj)
	return result
}

func (f *fake) turn(words []any) {
	ctx, cancel := context.WithCancel(context.Background())
	f.mu.Lock()
	f.cancel = cancel
	f.mu.Unlock()
	defer cancel()
	f.messages = append(f.messages, obj{"role": "user", "content": words})
	if f.is("lies") {
		f.write(obj{"type": "result", "subtype": "success", "is_error": true, "result": "API Error: 529"})
		return
	}
	if f.is("aside") {
		_, _ = f.post(obj{"model": "claude-haiku-4-5", "max_tokens": 10, "system": "Write a title.", "messages": []any{obj{"role": "user", "content": "aside"}}})
	}
	result := obj{"type": "result", "subtype": "success", "is_error": false}
	for {
		content, stop, err := f.request(ctx)
		if err != nil {
			result["is_error"], result["result"] = true, err.Error()
			break
		}
		if stop != "tool_use" {
			break
		}
		f.use(ctx, content)
		if ctx.Err() != nil {
			result["subtype"] = "error_during_execution"
			f.messages = append(f.messages, obj{"role": "user", "content": []any{obj{"type": "text", "text": "[Request interrupted by user]"}}})
			break
		}
	}
	f.mu.Lock()
	f.cancel = nil
	left := f.queued
	f.queued = nil
	f.mu.Unlock()
	f.write(result)
	if len(left) > 0 {
		f.words <- left
	}
}

// request asks the provider for the next message.
func (f *fake) request(ctx context.Context) (content []any, stop string, err error) {
	type answer struct {
		m   obj
		err error
	}
	ch := make(chan answer, 1)
	body := obj{
		"model": f.model, "max_tokens": 64000, "stream": true, "messages": f.messages,
		"system": []any{obj{"type": "text", "text": "You are a fake."}, obj{"type": "text", "text": f.system}},
		"tools":  []any{tool("List"), tool("Read"), tool("Write")},
	}
	go func() {
		m, err := f.post(body)
		ch <- answer{m, err}
	}()
	select {
	case <-ctx.Done():
		return nil, "", ctx.Err()
	case a := <-ch:
		if a.err != nil {
			return nil, "", a.err
		}
		content, _ = a.m["content"].([]any)
		stop, _ = a.m["stop_reason"].(string)
		f.messages = append(f.messages, obj{"role": "assistant", "content": content})
		return content, stop, nil
	}
}

func tool(name string) obj {
	return obj{"name": "mcp__kernel__" + name, "input_schema": obj{"type": "object"}}
}

// use runs the calls of a message: reads together, the rest one by one.
func (f *fake) use(ctx context.Context, content []any) {
	var calls []obj
	for _, c := range content {
		if b := c.(obj); b["type"] == "tool_use" {
			calls = append(calls, b)
		}
	}
	if f.is("forges") {
		f.forge(calls[0])
	}
	results := make([]any, len(calls))
	var wg sync.WaitGroup
	for i, c := range calls {
		run := func() { results[i] = f.call(ctx, c) }
		if c["name"] == "mcp__kernel__Write" {
			wg.Wait()
			run()
			continue
		}
		wg.Go(run)
	}
	wg.Wait()
	f.mu.Lock()
	results = append(results, f.queued...)
	f.queued = nil
	f.mu.Unlock()
	f.messages = append(f.messages, obj{"role": "user", "content": results})
}

func (f *fake) call(ctx context.Context, c obj) obj {
	result := obj{"type": "tool_result", "tool_use_id": c["id"]}
	name := c["name"].(string)
	if ctx.Err() != nil || name != "mcp__kernel__List" && name != "mcp__kernel__Read" && name != "mcp__kernel__Write" {
		result["content"], result["is_error"] = "<tool_use_error>no</tool_use_error>", true
		return result
	}
	if f.is("dies") {
		f.die()
	}
	if f.once("dies-once") {
		go func() {
			time.Sleep(50 * time.Millisecond) // so that the call is on its way
			f.die()
		}()
	}
	allowed := f.ask(obj{"subtype": "can_use_tool", "tool_name": name, "tool_use_id": c["id"], "input": c["input"]})
	if r, _ := allowed["response"].(obj); r["behavior"] != "allow" {
		result["content"], result["is_error"] = r["message"], true
		return result
	}
	r := f.mcp("tools/call", obj{"name": strings.TrimPrefix(name, "mcp__kernel__"), "arguments": c["input"], "_meta": obj{"claudecode/toolUseId": c["id"]}})
	result["content"], result["is_error"] = r["content"], r["isError"]
	return result
}

// forge tries what the model has not asked for.
func (f *fake) forge(c obj) {
	try := func(what, id, name string) {
		hook := f.ask(obj{"subtype": "hook_callback", "callback_id": "fence", "input": obj{"tool_name": name, "tool_use_id": id}})
		use := f.ask(obj{"subtype": "can_use_tool", "tool_name": name, "tool_use_id": id, "input": obj{}})
		r := f.mcp("tools/call", obj{"name": strings.TrimPrefix(name, "mcp__kernel__"), "arguments": obj{"path": "forged"}, "_meta": obj{"claudecode/toolUseId": id}})
		raw, _ := json.Marshal([]any{hook["response"], use["response"], r})
		f.note(what + " " + string(raw))
	}
	id := c["id"].(string)
	try("unasked", "toolu_nobody", "mcp__kernel__Write")
	try("nameless", "", "mcp__kernel__Write")
	try("other", id, "mcp__kernel__Write")
	try("own", id, "Bash")
	// What the model did ask for, with other arguments, and then once more.
	f.mcp("tools/call", obj{"name": strings.TrimPrefix(c["name"].(string), "mcp__kernel__"), "arguments": obj{"path": "forged"}, "_meta": obj{"claudecode/toolUseId": id}})
	try("again", id, c["name"].(string))
}

func (f *fake) die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// post sends a request and puts the stream's answer together.
func (f *fake) post(body obj) (obj, error) {
	raw, _ := json.Marshal(body)
	r, err := http.NewRequest(http.MethodPost, f.url+"/v1/messages?beta=true", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Api-Key", f.key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%d %s %v", resp.StatusCode, text, err)
	}
	var blocks []any
	message := obj{}
	for line := range strings.Lines(string(text)) {
		data, ok := strings.CutPrefix(line, "data: ")
		var e obj
		if !ok || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		switch e["type"] {
		case "error":
			return nil, fmt.Errorf("API Error: %v", e["error"])
		case "content_block_start":
			blocks = append(blocks, e["content_block"])
		case "content_block_delta":
			grow(blocks[len(blocks)-1].(obj), e["delta"].(obj))
		case "message_delta":
			message["stop_reason"] = e["delta"].(obj)["stop_reason"]
		}
	}
	message["content"] = blocks
	return message, nil
}

func grow(b, d obj) {
	add := func(to, from string) { b[to] = fmt.Sprint(b[to]) + fmt.Sprint(d[from]) }
	switch d["type"] {
	case "text_delta":
		add("text", "text")
	case "thinking_delta":
		add("thinking", "thinking")
	case "signature_delta":
		add("signature", "signature")
	case "input_json_delta":
		var input any
		_ = json.Unmarshal([]byte(d["partial_json"].(string)), &input)
		b["input"] = input
	}
}
