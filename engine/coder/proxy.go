package coder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/engine"
	"matrixos/model"
)

// asked is a request of a program on its way through a turn.
type asked struct {
	protocol protocol
	body     []byte
	reply    chan answer // takes one
}

// answer is what becomes of it.
type answer struct {
	body   []byte
	stream bool
	fault  string
}

// maxBody is the largest request of a program, and pingEvery keeps it patient while
// its request waits or is answered.
const (
	maxBody   = 64 << 20
	pingEvery = 5 * time.Second
)

// serveAt answers one run of the program, at the one address that it reaches, until
// that run is over. It has no key, and sends nothing anywhere itself.
func (t *turn) serveAt(ctx context.Context, over <-chan struct{}) func(net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/responses", t.model(responses{}, over))
	mux.Handle("POST /v1/chat/completions", t.model(chat{}, over))
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(encode(object{"object": "list", "data": []object{{"id": t.o.Model, "object": "model", "owned_by": "matrixos"}}})) // who asked may be gone
	})
	server := t.home(ctx)
	mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, Logger: t.eng.o.Logger,
		DisableLocalhostProtection: true, // nobody but the program reaches it
	}))
	return func(ln net.Listener) {
		s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		_ = s.Serve(ln) // it ends when the program does
		_ = s.Close()
	}
}

// model takes requests for answers of the model.
func (t *turn) model(p protocol, over <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		var how struct {
			Stream bool `json:"stream"`
		}
		_ = json.Unmarshal(body, &how) // the protocol says what is wrong
		a := &asked{protocol: p, body: body, reply: make(chan answer, 1)}
		select {
		case t.asked <- a:
		case <-over:
			http.Error(w, "the turn is over", http.StatusForbidden)
			return
		case <-r.Context().Done():
			return
		}
		wait(w, r, a, how.Stream, over)
	}
}

// wait answers at once, with the beginning of a stream, and keeps it alive until
// there is something to say.
func wait(w http.ResponseWriter, r *http.Request, a *asked, stream bool, over <-chan struct{}) {
	w.Header().Set("Content-Type", "application/json")
	var ping <-chan time.Time
	if stream {
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(pingEvery)
		defer tick.Stop()
		ping = tick.C
	}
	flush := http.NewResponseController(w)
	for {
		text, last := []byte(": still at it\n\n"), true
		select {
		case got := <-a.reply:
			switch {
			case got.fault == "":
				text = got.body
			case stream:
				text = a.protocol.fault(got.fault)
			default:
				http.Error(w, got.fault, http.StatusBadRequest)
				return
			}
		case <-over:
			return
		case <-r.Context().Done():
			return
		case <-ping:
			last = false
		}
		if _, err := w.Write(text); err != nil {
			return
		}
		if err := flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) || last {
			return
		}
	}
}

// home serves the system calls.
func (t *turn) home(ctx context.Context) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: serverName, Version: "1"}, nil)
	for _, tool := range t.tools {
		server.AddTool(&mcp.Tool{Name: tool.Name, Description: tool.Description, InputSchema: schemaOf(tool), Annotations: &mcp.ToolAnnotations{ReadOnlyHint: tool.ReadOnly}},
			func(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				res := t.call(ctx, tool, r.Params.Arguments) // it goes on though the program should die
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: res.Text}}, IsError: res.Failed}, nil
			})
	}
	return server
}

// schemaOf is a tool's schema in the form that the protocol demands.
func schemaOf(tool model.Tool) json.RawMessage {
	var is struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(tool.Schema, &is) != nil || is.Type != "object" {
		return json.RawMessage(`{"type":"object"}`)
	}
	return tool.Schema
}

// due is a system call that the model has made and that the program has to ask for.
type due struct {
	id, name string
	input    json.RawMessage
	begun    bool
	done     *engine.Result
}

// call runs a system call for the program, if the model has made it: once, and with
// the arguments of the wire.
func (t *turn) call(ctx context.Context, tool model.Tool, input json.RawMessage) engine.Result {
	d := t.take(tool.Name, input)
	if d == nil {
		return engine.Result{Text: "error: the model has not made this call, so it is not run", Failed: true}
	}
	defer t.calls.Done()
	if tool.ReadOnly {
		t.slots <- struct{}{}
		defer func() { <-t.slots }()
		t.readers.RLock()
		defer t.readers.RUnlock()
	} else {
		t.readers.Lock()
		defer t.readers.Unlock()
	}
	if ctx.Err() != nil { // it has waited for its turn, and the turn is stopped
		return engine.Result{Text: "error: the turn was stopped before this call ran", Failed: true}
	}
	res := t.safely(ctx, d)
	res.Text = engine.Bounded(res)
	t.mu.Lock()
	defer t.mu.Unlock()
	d.done = &res
	return res
}

// safely runs a call; a panic in it is its failure.
func (t *turn) safely(ctx context.Context, d *due) (res engine.Result) {
	defer func() {
		if r := recover(); r != nil {
			t.eng.o.Logger.ErrorContext(ctx, "a tool panicked", "tool", d.name, "panic", r, "stack", string(debug.Stack()))
			res = engine.Result{Text: fmt.Sprintf("error: %s broke down: %v", d.name, r), Failed: true}
		}
	}()
	return t.host.Call(ctx, d.id, d.name, d.input)
}

// take finds the call that is meant, the one with these arguments or else the first
// of the name, and counts it among those that run. It returns nil if there is none,
// or the run of the program is over.
func (t *turn) take(name string, input json.RawMessage) (found *due) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running {
		return nil
	}
	for _, d := range t.due {
		if d.name == name && !d.begun && (found == nil || same(d.input, input)) {
			found = d
		}
	}
	if found != nil {
		found.begun = true
		t.calls.Add(1)
	}
	return found
}

func same(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
