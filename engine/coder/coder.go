// Package coder lets coding agents, programs of their own that the owner installs,
// run conversations: any that works in a folder and asks a language model over one
// of the usual protocols. It is trusted no further than a command of the model's.
//
// A turn is one run of the program in the process's folder, confined by whoever
// starts it. Three things stay with the Host. The wire: the one address that the
// program reaches is ours, where each request is reserved before it is sent, is
// answered by the model that the Host's owner has chosen, and is counted and kept;
// there is no key on its side. The calls: the system calls are served to it over
// MCP, and one runs only if the model asked for it on the wire, with the arguments
// of the wire; what it does with tools of its own is recorded as it stands on the
// wire. And the conversation: the program is told a token, in the place of which the
// model reads the conversation as the Host has it. So a program that dies is begun
// anew, and nothing that counts is lost with it.
//
// What a program is and how it is spoken to is data (engine.Command); Codex is the
// built-in one. This package bundles no program, confines none and reads no
// environment.
package coder

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// Private is where a program sees the folder for all that is its own.
const Private = "/run/agent"

// Launch is a program that is to be started, confined.
type Launch struct {
	Args  []string          // the program's name and its arguments
	Env   map[string]string // beside what every confined program has
	Own   string            // the folder that it sees, and may write, at Private
	Place engine.Place      // where it works
	Serve func(net.Listener)
}

// Program is one that has been started.
type Program struct {
	In   io.WriteCloser
	Out  io.Reader
	Kill func()        // ends it and all that it has started; at any time, any number of times
	Wait func()        // returns when nothing of it is left
	Said func() string // the end of what it has said on its standard error
}

// Options sets up an Engine. All but Dir and Logger are required.
type Options struct {
	Name    string // of the agent, for people
	Command engine.Command
	Model   model.Model
	// Start starts a program where it sees its folders and reaches Door alone, at
	// which Launch.Serve answers it. Its error says how to get the program, or the
	// confinement.
	Start  func(Launch) (*Program, error)
	Door   string
	Dir    string // where private folders are made; the system's own for temporary files if empty
	Logger *slog.Logger
}

// Engine runs conversations in runs of one agent. It has no state of its own.
type Engine struct{ o Options }

var _ engine.Engine = (*Engine)(nil)

// New makes an Engine. It starts nothing.
func New(o Options) *Engine {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{o}
}

// defaultSteps is the limit of model requests per turn if Options has none.
const defaultSteps = 100

// Open implements engine.Engine. The program starts with the first turn.
func (e *Engine) Open(_ context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	w, ok := h.(engine.Workplace)
	if !ok {
		return nil, &sys.Error{Op: "open conversation", Path: e.o.Name, Kind: sys.Internal, Err: errors.New("there is no folder to work in")}
	}
	if o.MaxSteps <= 0 {
		o.MaxSteps = defaultSteps
	}
	s := &session{
		eng: e, host: w, o: o, tools: h.Tools(), msgs: engine.Repair(o.History),
		words: map[string][]model.Message{}, said: map[string]model.Message{}, results: map[string]model.Block{}, inserted: map[string][]model.Block{},
	}
	s.o.History = nil
	return s, nil
}

// fill puts values in the place of their names.
func (e *Engine) fill(text, model, prompt string) string {
	return strings.NewReplacer("{prompt}", prompt, "{url}", e.o.Door, "{model}", model, "{private}", Private).Replace(text)
}

// furnish makes the private folder of a conversation.
func (e *Engine) furnish(model string) (dir string, err error) {
	if e.o.Dir != "" {
		if err := os.MkdirAll(e.o.Dir, 0o700); err != nil {
			return "", err
		}
	}
	if dir, err = os.MkdirTemp(e.o.Dir, "matrixos-agent-"); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return dir, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for name, text := range e.o.Command.Files {
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return dir, err
		}
		if err := root.WriteFile(name, []byte(e.fill(text, model, "")), 0o600); err != nil {
			return dir, err
		}
	}
	return dir, nil
}
