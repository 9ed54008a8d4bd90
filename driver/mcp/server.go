package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
	"matrixos/sandbox"
	"matrixos/sys"
)

// server is an attached server.
type server struct {
	name    string
	session *mcp.ClientSession
	process *sandbox.Service // nil for a service
	meter   *meter
	done    chan struct{}
	closing atomic.Bool

	mu    sync.Mutex
	err   error
	hosts []driver.Host // of calls at work, the newest last
}

var (
	_ driver.Driver    = (*server)(nil)
	_ driver.Watched   = (*server)(nil)
	_ driver.Librarian = (*server)(nil)
	_ driver.Prompter  = (*server)(nil)
)

// greetWithin is how long a server may take to shake hands.
const greetWithin = time.Minute

// listMost is how many entries of a list are asked for.
const listMost = 1000

// connect shakes hands over a transport. On an error the transport is closed.
func connect(ctx context.Context, c Config, version string, t mcp.Transport, process *sandbox.Service, m *meter, changed func()) (*server, error) {
	s := &server{name: c.Name, process: process, meter: m, done: make(chan struct{})}
	o := &mcp.ClientOptions{
		Capabilities:           &mcp.ClientCapabilities{},
		ElicitationHandler:     s.elicit,
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed() },
	}
	if c.Sampling {
		o.CreateMessageHandler = s.sample //nolint:staticcheck // servers of today use it
	}
	if len(c.Folders) > 0 {
		o.Capabilities.RootsV2 = &mcp.RootCapabilities{} //nolint:staticcheck // as above
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "matrixos", Version: version}, o)
	for _, g := range c.Folders {
		client.AddRoots(&mcp.Root{URI: (&url.URL{Scheme: "file", Path: g.Path}).String()}) //nolint:staticcheck // as above
	}
	ctx, cancel := context.WithTimeout(ctx, greetWithin)
	defer cancel()
	session, err := client.Connect(ctx, t, nil)
	if err != nil {
		if process != nil {
			err = errors.Join(err, s.stop())
		}
		return nil, s.explain(err)
	}
	s.session = session
	go func() {
		err := session.Wait()
		if process != nil && !s.closing.Load() {
			err = errors.Join(err, s.stop())
		}
		s.mu.Lock()
		s.err = s.explain(err)
		s.mu.Unlock()
		close(s.done)
	}()
	return s, nil
}

// explain adds a program's last words to an error, and why it was cut off.
func (s *server) explain(err error) error {
	if flood := s.meter.flooded(); flood != nil {
		err = flood
	}
	if err == nil {
		err = errors.New("it ended")
	}
	if s.process != nil {
		if words := s.process.LastWords(); words != "" {
			err = fmt.Errorf("%w; it said: %s", err, tailOf(driver.Clean(words, 4000), 400))
		}
	}
	return &sys.Error{Op: "talk to", Path: s.name, Kind: sys.Unavailable, Err: err, Hint: "look at its command line or address, and at what it says"}
}

func tailOf(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return "…" + string(r[len(r)-most:])
}

// Done and Err implement driver.Watched.
func (s *server) Done() <-chan struct{} { return s.done }

// Err implements driver.Watched.
func (s *server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close implements driver.Driver.
func (s *server) Close() error {
	s.closing.Store(true)
	if s.process == nil {
		_ = s.session.Close() // how it ends is the other side's matter
		return nil
	}
	closed := make(chan error, 1)
	go func() { closed <- s.session.Close() }()
	select {
	case <-closed: // how it ends is not ours
	case <-time.After(time.Second):
	}
	err := s.stop()
	<-s.done
	return err
}

// stop ends the program; its pipe may be closed by the session already.
func (s *server) stop() error {
	if err := s.process.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Tools implements driver.Driver.
func (s *server) Tools(ctx context.Context) (out []driver.Tool, err error) {
	s.meter.reset()
	if s.session.InitializeResult().Capabilities.Tools == nil {
		return nil, nil
	}
	for t, err := range s.session.Tools(ctx, nil) {
		if err != nil {
			return nil, answered(err)
		}
		tool := driver.Tool{Name: t.Name, Title: t.Title, Description: t.Description}
		if t.Annotations != nil {
			tool.ReadOnly = t.Annotations.ReadOnlyHint
			if tool.Title == "" {
				tool.Title = t.Annotations.Title
			}
		}
		if tool.Schema, err = json.Marshal(t.InputSchema); err != nil {
			return nil, err
		}
		if t.OutputSchema != nil {
			if tool.Output, err = json.Marshal(t.OutputSchema); err != nil {
				return nil, err
			}
		}
		if out = append(out, tool); len(out) == listMost {
			break
		}
	}
	return out, nil
}

// Call implements driver.Driver.
func (s *server) Call(ctx context.Context, tool string, args json.RawMessage, h driver.Host) (driver.Result, error) {
	s.meter.reset()
	s.mu.Lock()
	s.hosts = append(s.hosts, h)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		if i := slices.Index(s.hosts, h); i >= 0 {
			s.hosts = slices.Delete(s.hosts, i, i+1)
		}
		s.mu.Unlock()
	}()
	res, err := s.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return said(err)
	}
	out := driver.Result{Text: textOf(res.Content), Failed: res.IsError}
	if res.StructuredContent != nil {
		out.Data, err = json.Marshal(res.StructuredContent)
	}
	return out, err
}

// said makes an error that the server answered with a result.
func said(err error) (driver.Result, error) {
	if e := ofServer(err); e != nil {
		return driver.Result{Text: e.Message, Failed: true}, nil
	}
	return driver.Result{}, err
}

// ofServer is the error that a server has answered with; nil if err is another. The
// SDK's own faults look like it, by these codes: closing, and rejected on the way.
func ofServer(err error) *jsonrpc.Error {
	e, ok := errors.AsType[*jsonrpc.Error](err)
	if !ok || e.Code == -32003 || e.Code == -32004 || e.Code == -32005 {
		return nil
	}
	return e
}

// answered marks an error that the server answered with: it lives.
func answered(err error) error {
	if e := ofServer(err); e != nil {
		return &sys.Error{Op: "ask", Path: "the server", Kind: sys.Invalid, Err: errors.New(driver.Clean(e.Message, 500)), Hint: "do without it, and say so"}
	}
	return err
}

// textOf is what can be shown of a result.
func textOf(list []mcp.Content) string {
	var out []string
	for _, c := range list {
		switch c := c.(type) {
		case *mcp.TextContent:
			out = append(out, c.Text)
		case *mcp.ImageContent:
			out = append(out, fmt.Sprintf("[a picture, %s, %d bytes, which is not shown]", c.MIMEType, len(c.Data)))
		case *mcp.AudioContent:
			out = append(out, fmt.Sprintf("[a sound, %s, %d bytes, which is not played]", c.MIMEType, len(c.Data)))
		case *mcp.ResourceLink:
			out = append(out, fmt.Sprintf("[%s](%s)", c.Name, c.URI))
		case *mcp.EmbeddedResource:
			out = append(out, resourceText(c.Resource))
		}
	}
	return strings.Join(out, "\n")
}

func resourceText(r *mcp.ResourceContents) string {
	switch {
	case r == nil:
		return ""
	case r.Blob != nil:
		return fmt.Sprintf("[%s, %s, %d bytes, which are not shown]", r.URI, r.MIMEType, len(r.Blob))
	}
	return r.Text
}

// Resources implements driver.Librarian.
func (s *server) Resources(ctx context.Context) (out []driver.Resource, err error) {
	s.meter.reset()
	if s.session.InitializeResult().Capabilities.Resources == nil {
		return nil, nil
	}
	for r, err := range s.session.Resources(ctx, nil) {
		if err != nil {
			return nil, answered(err)
		}
		if out = append(out, driver.Resource{URI: r.URI, Name: r.Name, Description: r.Description, Type: r.MIMEType}); len(out) == listMost {
			return out, nil
		}
	}
	for r, err := range s.session.ResourceTemplates(ctx, nil) {
		if err != nil {
			return out, nil //nolint:nilerr // many have resources and no templates
		}
		if out = append(out, driver.Resource{URI: r.URITemplate, Name: r.Name, Description: r.Description, Type: r.MIMEType, Template: true}); len(out) == listMost {
			break
		}
	}
	return out, nil
}

// Resource implements driver.Librarian.
func (s *server) Resource(ctx context.Context, uri string) (driver.Result, error) {
	s.meter.reset()
	res, err := s.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		return said(err)
	}
	var out []string
	for _, c := range res.Contents {
		out = append(out, resourceText(c))
	}
	return driver.Result{Text: strings.Join(out, "\n")}, nil
}

// Prompts implements driver.Prompter.
func (s *server) Prompts(ctx context.Context) (out []driver.Prompt, err error) {
	s.meter.reset()
	if s.session.InitializeResult().Capabilities.Prompts == nil {
		return nil, nil
	}
	for p, err := range s.session.Prompts(ctx, nil) {
		if err != nil {
			return nil, answered(err)
		}
		one := driver.Prompt{Name: p.Name, Description: p.Description}
		for _, a := range p.Arguments {
			one.Args = append(one.Args, driver.PromptArg{Name: a.Name, Description: a.Description, Required: a.Required})
		}
		if out = append(out, one); len(out) == listMost {
			break
		}
	}
	return out, nil
}

// Prompt implements driver.Prompter.
func (s *server) Prompt(ctx context.Context, name string, args map[string]string) (driver.Result, error) {
	s.meter.reset()
	res, err := s.session.GetPrompt(ctx, &mcp.GetPromptParams{Name: name, Arguments: args})
	if err != nil {
		return said(err)
	}
	var out []string
	for _, m := range res.Messages {
		out = append(out, string(m.Role)+": "+textOf([]mcp.Content{m.Content}))
	}
	return driver.Result{Text: strings.Join(out, "\n\n")}, nil
}
