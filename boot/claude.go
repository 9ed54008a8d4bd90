package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/model/anthropic"
	"matrixos/sandbox"
	"matrixos/sys"
)

// claudeCode is the engine that runs conversations in the Claude Code CLI, with
// the Anthropic key and address of now. The CLI itself sees neither.
func (m *models) claudeCode() (engine.Engine, error) {
	program, err := claude.Find(m.env("MATRIXOS_CLAUDE"))
	if err != nil {
		return nil, err
	}
	key, base, err := m.account(anthropicName)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := fmt.Sprintf("%s|%s|%s|%s", claudeCode, key, base, program)
	if e := m.engines[id]; e != nil {
		return e, nil
	}
	api, err := anthropic.New(anthropic.Options{Key: key, BaseURL: base, Logger: m.log})
	if err != nil {
		return nil, err
	}
	e := claude.New(claude.Options{Program: program, Provider: api, Dir: m.scratch, Confine: m.confine, Door: sandbox.Door, Logger: m.log})
	m.engines[id] = e
	return e, nil
}

// What a confined CLI may use: it takes some 250 MB, and reserves much more than
// it takes.
const (
	cliMemory = 4 << 30
	cliSpace  = 1 << 42
	cliProcs  = 256
)

// confined starts CLIs in the sandbox, where they see their private folder and
// their own program, and reach our end of their traffic alone.
func confined(box *sandbox.Sandbox) func(claude.Launch) (*claude.Program, error) {
	return func(l claude.Launch) (*claude.Program, error) {
		program, err := sandbox.FindInstalled(l.Path)
		if err != nil {
			return nil, err
		}
		env := map[string]string{"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
		for _, e := range l.Env {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		env["PATH"] = lookIn(program)
		ctx, kill := context.WithCancel(context.Background())
		s, err := box.Start(ctx, sandbox.Command{
			Argv: append([]string{program.Path}, l.Args...), Folder: l.Folder, Mount: l.Folder, Binds: program.Binds,
			Env: env, Network: &sandbox.Network{Serve: l.Serve}, Memory: cliMemory, Space: cliSpace, Procs: cliProcs,
		})
		if err != nil {
			kill()
			return nil, err
		}
		return &claude.Program{In: s.In, Out: s.Out, Kill: kill, Said: s.LastWords, Wait: func() {
			<-s.Done()
			_ = s.Close() // it has ended, and all that it said was read
		}}, nil
	}
}

// clearScratch removes what programs that a crash took along have left behind,
// and returns the folder for new ones.
func clearScratch(home string) (string, error) {
	dir := filepath.Join(home, sys.Store, "claude-code")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, nil
}

// close ends the programs that engines have started.
func (m *models) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, e := range m.engines {
		if c, ok := e.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
