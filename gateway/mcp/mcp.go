// Package mcp serves the system to agents of others, such as coding agents and
// desktop clients, by the Model Context Protocol over streamable HTTP. The gateway
// has found out by whose token a request comes; the tools are the system calls that
// the token's scopes name, and a few around them. Each call is a process of the
// kernel's, which decides everything; what a guest changes is labelled as text from
// outside, and lands by the same door.
//
// It keeps nothing but visits: what a guest has read and begun, until its token is
// revoked or it has made no request for a while. The protocol itself is the official
// SDK's. It asks a client for nothing, and needs no sessions of the protocol's own.
package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/sys"
)

// idleAfter is how long a guest is remembered that makes no request.
const idleAfter = time.Hour

// Server serves guests. Its methods may be called from any goroutine.
type Server struct {
	kernel  *kernel.Kernel
	version string
	whole   http.Handler
	stream  http.Handler

	mu     sync.Mutex
	visits map[string]*visit // by the token's id
}

var _ gateway.MCP = (*Server)(nil)

// visit is one token's holder.
type visit struct {
	*kernel.Visit
	server *mcp.Server
	idle   *time.Timer
}

// New makes a server of a home's kernel.
func New(k *kernel.Kernel, version string, log *slog.Logger) *Server {
	s := &Server{kernel: k, version: version, visits: map[string]*visit{}}
	handler := func(whole bool) http.Handler {
		return mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server { return s.visit(gateway.TokenOf(r.Context())).server }, &mcp.StreamableHTTPOptions{
			Stateless: true, JSONResponse: whole, Logger: log,
			DisableLocalhostProtection: true, // the gateway has checked the host
		})
	}
	s.whole, s.stream = handler(true), handler(false)
	return s
}

// ServeHTTP implements http.Handler. What wants to hear of progress is answered by a
// stream, everything else in one piece.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.whole.ServeHTTP(w, r)
		return
	}
	stream, err := wantsProgress(r)
	switch {
	case err != nil:
		http.Error(w, "the request could not be read", http.StatusBadRequest)
	case stream:
		s.stream.ServeHTTP(w, r)
	default:
		s.whole.ServeHTTP(w, r)
	}
}

// Leave implements gateway.MCP.
func (s *Server) Leave(token string) {
	s.mu.Lock()
	v := s.visits[token]
	delete(s.visits, token)
	s.mu.Unlock()
	if v != nil {
		v.idle.Stop()
		v.Leave()
	}
}

// visit is the visit of a token's holder, begun if need be.
func (s *Server) visit(t gateway.Token) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.visits[t.ID]; v != nil {
		v.idle.Reset(idleAfter)
		return v
	}
	v := &visit{Visit: s.kernel.Visit(t.Guest()), idle: time.AfterFunc(idleAfter, func() { s.Leave(t.ID) })}
	v.server = s.serve(v.Visit, t)
	s.visits[t.ID] = v
	return v
}

// instructions say what a guest has to know.
const instructions = `This is a home of Matrix OS: files in folders, apps below apps/<slug>/ with their data, tasks. Paths are relative to the home.
Each call that changes something lands by itself: it is checked, recorded with your name, and can be undone by the owner. Changes that
belong together, such as the files of an app, go between begin_changes and land_changes: they land as one, or not at all. A landing that
is refused says why; mend it and land again. Some things wait for the owner's yes; then a call takes long.`

// serve makes the protocol's server for a visit.
func (s *Server) serve(v *kernel.Visit, t gateway.Token) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "matrixos", Title: "Matrix OS", Version: s.version}, &mcp.ServerOptions{
		Instructions: instructions, Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
	})
	changes := false
	for _, c := range v.Calls() {
		if c.Name == "complete_task" || c.Name == "fail_task" || c.Name == "claim_task" {
			continue // below
		}
		changes = changes || c.Name == "Write" || c.Name == "app_data" && len(t.Guest().Writes) > 0
		add(server, c.Name, c.Description, c.Schema, c.ReadOnly, func(ctx context.Context, in json.RawMessage) (kernel.Outcome, error) {
			return v.Do(ctx, c.Title(in), kernel.Step{Name: c.Name, Input: in})
		})
	}
	for _, c := range v.Calls() {
		if c.Name == "complete_task" || c.Name == "fail_task" {
			add(server, c.Name, c.Description+" It is taken first, if nobody has it.", c.Schema, false, func(ctx context.Context, in json.RawMessage) (kernel.Outcome, error) {
				return end(ctx, v, c, in)
			})
		}
	}
	if changes {
		collect(server, v)
	}
	if t.Guest().Ask {
		add(server, "ask", "Puts a request to the main agent of the home, in words, and waits for its answer. What it changes lands as usual.",
			object(`"text":{"type":"string","minLength":1,"maxLength":20000}`, "text"), false, func(ctx context.Context, in json.RawMessage) (kernel.Outcome, error) {
				var a struct {
					Text string `json:"text"`
				}
				if err := json.Unmarshal(in, &a); err != nil {
					return kernel.Outcome{}, &sys.Error{Op: "ask", Kind: sys.Invalid, Err: err}
				}
				text, err := v.Ask(ctx, a.Text)
				return kernel.Outcome{Text: text}, err
			})
	}
	return server
}

// collect adds the tools that land several changes as one.
func collect(server *mcp.Server, v *kernel.Visit) {
	add(server, "begin_changes", "Begins changes that belong together: the calls that follow are collected until land_changes lands them as one, or drop_changes forgets them.",
		object(`"title":{"type":"string","minLength":1,"maxLength":120,"description":"what they are for, for the history"}`, "title"), false,
		func(ctx context.Context, in json.RawMessage) (kernel.Outcome, error) {
			var a struct {
				Title string `json:"title"`
			}
			if err := json.Unmarshal(in, &a); err != nil {
				return kernel.Outcome{}, &sys.Error{Op: "begin", Kind: sys.Invalid, Err: err}
			}
			return kernel.Outcome{Text: "Begun. What you change now is in the home when you call land_changes."}, v.Begin(ctx, a.Title)
		})
	add(server, "land_changes", "Lands what was collected since begin_changes, as one. If that is refused, the changes stay open: mend them and land again.", object(""), false,
		func(ctx context.Context, _ json.RawMessage) (kernel.Outcome, error) {
			id, err := v.Land(ctx)
			if id == 0 {
				return kernel.Outcome{Text: "There was nothing to land."}, err
			}
			return kernel.Outcome{Landing: id}, err
		})
	add(server, "drop_changes", "Forgets what was collected since begin_changes.", object(""), false,
		func(context.Context, json.RawMessage) (kernel.Outcome, error) {
			return kernel.Outcome{Text: "Dropped."}, v.Drop()
		})
}

// end ends a task, which a guest has to take first: a task belongs to the process
// that has taken it, and each call is one of its own.
func end(ctx context.Context, v *kernel.Visit, c kernel.Syscall, in json.RawMessage) (kernel.Outcome, error) {
	var a struct {
		ID string `json:"task_id"`
	}
	if err := json.Unmarshal(in, &a); err != nil {
		return kernel.Outcome{}, &sys.Error{Op: c.Name, Kind: sys.Invalid, Err: err}
	}
	claim, err := json.Marshal(map[string]string{"task_id": a.ID})
	if err != nil {
		return kernel.Outcome{}, err
	}
	return v.Do(ctx, c.Title(in), kernel.Step{Name: "claim_task", Input: claim}, kernel.Step{Name: c.Name, Input: in})
}

// object is the schema of arguments.
func object(properties string, required ...string) json.RawMessage {
	req, err := json.Marshal(append([]string{}, required...))
	if err != nil {
		panic("mcp: " + err.Error()) // strings
	}
	return json.RawMessage(fmt.Sprintf(`{"type":"object","properties":{%s},"required":%s,"additionalProperties":false}`, properties, req))
}

// add offers one tool. What a tool has to say about a failure is a result, which the
// guest's model reads.
func add(server *mcp.Server, name, description string, schema json.RawMessage, reads bool, do func(context.Context, json.RawMessage) (kernel.Outcome, error)) {
	server.AddTool(&mcp.Tool{Name: name, Description: description, InputSchema: schema, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: reads}},
		func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			in := r.Params.Arguments
			if len(in) == 0 || string(in) == "null" {
				in = json.RawMessage("{}")
			}
			out, err := patiently(ctx, r, tellEvery, func() (kernel.Outcome, error) { return do(ctx, in) })
			if err != nil {
				out = kernel.Outcome{Text: words(err), Failed: true}
			}
			if out.Landing != 0 {
				out.Text = strings.TrimSpace(fmt.Sprintf("%s\nLanded as %s.", out.Text, out.Landing))
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: cmp.Or(out.Text, "Done.")}}, IsError: out.Failed}, nil
		})
}

// words are what a guest reads of an error: with its way out.
func words(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*sys.Error](err); ok && e.Hint != "" && !strings.Contains(text, e.Hint) {
		text += "; " + e.Hint
	}
	return text
}
