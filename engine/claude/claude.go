// Package claude lets the Claude Code CLI, a program of its own that the owner
// installs, run conversations: the loop of the Claude Agent SDK as one more CPU,
// which is trusted no further than any other.
//
// The CLI is a subprocess, spoken to over its control protocol. Three things
// stay with the Host. Its own tools are off: the system calls are served to it
// over MCP, and one runs only if the model asked for it on the wire. Its traffic
// goes through a proxy on the loopback address, with a token that is good for
// this subprocess alone: there each request is reserved before it is sent, what
// is sent and said is counted and kept, and the key stays on this side. And the
// conversation is the Host's: the CLI begins with a transcript that is written
// from it and loses nothing that matters when it dies.
//
// A turn keeps the promises of engine/native, by the same rules; doc/engines.md
// has the differences. This package bundles no CLI and reads no environment.
package claude

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/engine"
	"matrixos/engine/native"
	"matrixos/model"
	"matrixos/sys"
)

// Version is the one that this package was tried with.
const Version = "2.1.330"

// Provider answers the CLI's requests.
type Provider interface {
	model.Model
	// Relay sends a request in the provider's own words, under the contract of
	// model.Model.Stream.
	Relay(ctx context.Context, r *model.Raw, sink func(model.Delta)) (*model.Reply, error)
}

// Options sets up an Engine. Program and Provider are required.
type Options struct {
	Program  string // the CLI
	Provider Provider
	Dir      string // where each CLI gets a private folder; the system's own for temporary files if empty
	// Confine starts a CLI where it sees its own folder and reaches Door alone, the
	// address at which Launch.Serve answers it. Without it a CLI is a program like any
	// other.
	Confine func(Launch) (*Program, error)
	Door    string
	Warm    int           // CLIs that wait for their conversation to go on; 2, negative means none
	Idle    time.Duration // how long each of them waits; 5 min
	Logger  *slog.Logger
}

// Engine runs conversations in CLIs, one each. Close ends them all.
type Engine struct {
	o     Options
	short *native.Engine // sums up conversations that grow too long
	proxy proxy

	mu     sync.Mutex
	all    map[*cli]bool
	parked []*parked // the oldest first
	closed bool
}

var _ engine.Engine = (*Engine)(nil)

// Find returns the CLI: the program that is named, or else claude on the path.
func Find(named string) (string, error) {
	program, hint := "claude", "install it with `npm install -g @anthropic-ai/claude-code@"+Version+"`, or say in MATRIXOS_CLAUDE where it is; anthropic:MODEL works without it"
	if named != "" {
		program = named
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", &sys.Error{Op: "find Claude Code", Path: program, Kind: sys.Unavailable, Err: errors.New("it is not installed"), Hint: hint}
	}
	return filepath.Abs(path) // it does not run where we do
}

// New makes an Engine. It starts nothing.
func New(o Options) *Engine {
	if o.Warm == 0 {
		o.Warm = 2
	}
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{o: o, short: native.New(o.Provider, o.Logger), all: map[*cli]bool{}}
}

// defaultSteps is the limit of model requests per turn if Options has none.
const defaultSteps = 100

// Open implements engine.Engine. The CLI starts with the first turn, or is one
// that waits with this very conversation.
func (e *Engine) Open(_ context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	if o.MaxSteps <= 0 {
		o.MaxSteps = defaultSteps
	}
	s := &session{
		eng: e, host: h, o: o, tools: h.Tools(), system: strings.Join(o.System, "\n\n"),
		msgs: engine.Repair(o.History), results: map[string]*result{},
	}
	s.o.History = nil
	names := map[string]bool{}
	for _, t := range s.tools {
		if t.Name == "" || names[t.Name] {
			return nil, &sys.Error{Op: "open conversation", Path: t.Name, Kind: sys.Internal, Hint: "two tools share a name"}
		}
		names[t.Name] = true
	}
	s.index(s.msgs)
	s.cli = e.unpark(s)
	return s, nil
}

// Close ends every CLI, and waits until they are gone.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	left := make([]*cli, 0, len(e.all))
	for c := range e.all {
		left = append(left, c)
	}
	for _, p := range e.parked {
		p.timer.Stop()
	}
	e.parked = nil
	e.mu.Unlock()
	for _, c := range left {
		c.end()
	}
	return e.proxy.close()
}

// parked is a CLI that waits for its conversation to go on.
type parked struct {
	cli   *cli
	key   string
	timer *time.Timer
}

// park keeps the CLI of a session that closes, if it may be of use, and ends it
// otherwise.
func (e *Engine) park(s *session) {
	c := s.cli
	key, err := s.key()
	if !s.clean || err != nil || e.o.Warm < 0 {
		c.end()
		return
	}
	c.user.Store(nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		go c.end()
		return
	}
	p := &parked{cli: c, key: key}
	p.timer = time.AfterFunc(e.o.Idle, func() {
		if e.take(func(q *parked) bool { return q == p }) != nil {
			c.end()
		}
	})
	e.parked = append(e.parked, p)
	for len(e.parked) > e.o.Warm {
		old := e.parked[0]
		old.timer.Stop()
		e.parked = e.parked[1:]
		go old.cli.end()
	}
}

// unpark returns the CLI that has the conversation of s, or nil.
func (e *Engine) unpark(s *session) *cli {
	key, err := s.key()
	if err != nil || len(s.msgs) == 0 {
		return nil
	}
	p := e.take(func(p *parked) bool { return p.key == key })
	if p == nil {
		return nil
	}
	p.timer.Stop()
	if p.cli.dead() {
		p.cli.end()
		return nil
	}
	return p.cli
}

func (e *Engine) take(is func(*parked) bool) *parked {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.parked, is)
	if i < 0 {
		return nil
	}
	p := e.parked[i]
	e.parked = slices.Delete(e.parked, i, i+1)
	return p
}

// start runs a CLI that begins with the conversation in msgs, if there is any.
func (e *Engine) start(ctx context.Context, s *session, msgs []model.Message) (*cli, error) {
	base := e.o.Door
	if e.o.Confine == nil {
		var err error
		if base, err = e.proxy.open(); err != nil {
			return nil, err
		}
	}
	c, err := newCLI(e, s, base, msgs)
	if err != nil {
		return nil, err
	}
	e.proxy.admit(c)
	e.mu.Lock()
	closed := e.closed
	e.all[c] = true
	e.mu.Unlock()
	if closed {
		c.end()
		return nil, &sys.Error{Op: "start Claude Code", Kind: sys.Canceled, Err: errors.New("the system is closing")}
	}
	c.user.Store(s)
	if err := c.initialize(ctx, s); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// forget lets go of a CLI that has ended, and of its folder.
func (e *Engine) forget(c *cli) {
	e.proxy.dismiss(c)
	e.mu.Lock()
	delete(e.all, c)
	e.mu.Unlock()
	if err := os.RemoveAll(c.dir); err != nil {
		e.o.Logger.Warn("the private folder of Claude Code could not be removed", "error", err)
	}
}
