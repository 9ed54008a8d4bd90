package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"matrixos/engine"
	"matrixos/engine/coder"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sandbox"
	"matrixos/sys"
)

var _ kernel.Agents = (*models)(nil)

// Agent implements kernel.Agents: conversations over a model, run by a program that
// works in a folder. `command: codex` alone names the built-in adapter.
func (m *models) Agent(c engine.Command, name string) (engine.Engine, string, error) {
	name = strings.TrimPrefix(name, codexName+":")
	if len(c.Run) == 1 && len(c.Again) == 0 && c.Run[0] == codexName {
		return m.codex(name)
	}
	api, id, err := m.api(name)
	if err != nil {
		return nil, "", err
	}
	program, err := findAgent(c.Run[0], "install it, so that `"+c.Run[0]+"` is on the path of Matrix OS")
	if err != nil {
		return nil, "", err
	}
	e, err := m.coder(c.Run[0], program, c, api)
	return e, id, err
}

// codex is the Codex CLI over a model; a bare name is one of OpenAI's.
func (m *models) codex(name string) (engine.Engine, string, error) {
	if provider, _, qualified := strings.Cut(name, ":"); !qualified && provider != offlineModel {
		name = openaiName + ":" + name
	}
	api, id, err := m.api(name)
	if err != nil {
		return nil, "", err
	}
	program, err := findAgent(cmp.Or(m.env("MATRIXOS_CODEX"), codexName),
		"install it with `npm install -g @openai/codex@"+coder.CodexVersion+"`, or say in MATRIXOS_CODEX where it is; "+name+" works without it")
	if err != nil {
		return nil, "", err
	}
	e, err := m.coder("Codex", program, coder.Codex(codexName, id, api.Limits(id)), api)
	return e, id, err
}

// findAgent is where a program is.
func findAgent(name, hint string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &sys.Error{Op: "find the coding agent", Path: name, Kind: sys.Unavailable, Err: errors.New("it is not installed"), Hint: hint}
	}
	return filepath.Abs(path)
}

// api is a model by its full name, and its provider's own name of it.
func (m *models) api(name string) (model.Model, string, error) {
	provider, id, _ := strings.Cut(name, ":")
	id = cmp.Or(id, suggested[provider])
	switch {
	case m.safe:
		_, _, err := m.Engine(name)
		return nil, "", err
	case provider == offlineModel:
		return m.builtIn, offlineModel, nil
	case id == "" || provider != anthropicName && provider != openaiName:
		return nil, "", &sys.Error{
			Op: "use model", Path: name, Kind: sys.Invalid, Err: errors.New("no coding agent can use this"),
			Hint: "name a model behind it: offline, anthropic:claude-opus-4-6 or openai:NAME",
		}
	}
	api, _, err := m.adapter(provider)
	return api, id, err
}

func (m *models) coder(name, program string, c engine.Command, api model.Model) (engine.Engine, error) {
	if m.agent == nil {
		return nil, &sys.Error{
			Op: "run", Path: name, Kind: sys.Unavailable, Err: errors.New("a coding agent runs confined, and this machine offers no way to"),
			Hint: "`matrixos status` says what is missing; any model works without an agent",
		}
	}
	return coder.New(coder.Options{Name: name, Command: c, Model: api, Start: m.agent(program), Door: sandbox.Door, Dir: m.scratch, Logger: m.log}), nil
}

// agents starts coding agents in the sandbox, where they see the folder that they
// work in at the home's own path, what is private to them, and the program itself.
func agents(box *sandbox.Sandbox, home string) func(program string) func(coder.Launch) (*coder.Program, error) {
	return func(program string) func(coder.Launch) (*coder.Program, error) {
		return func(l coder.Launch) (*coder.Program, error) {
			found, err := sandbox.FindInstalled(program)
			if err != nil {
				return nil, err
			}
			env := map[string]string{"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PATH": lookIn(found)}
			for k, v := range l.Env {
				env[k] = v
			}
			ctx, kill := context.WithCancel(context.Background())
			s, err := box.Start(ctx, sandbox.Command{
				Argv: append([]string{found.Path}, l.Args[1:]...), Folder: l.Place.Dir, Enter: l.Place.Enter, Mount: home,
				Binds: append(found.Binds, sandbox.Bind{Path: l.Own, At: coder.Private, Write: true}),
				Env:   env, Network: &sandbox.Network{Serve: l.Serve}, Memory: cliMemory, Space: cliSpace, Procs: cliProcs,
			})
			if err != nil {
				kill()
				return nil, fmt.Errorf("start %s: %w", l.Args[0], err)
			}
			return &coder.Program{In: s.In, Out: s.Out, Kill: kill, Said: s.LastWords, Wait: func() {
				<-s.Done()
				_ = s.Close() // it has ended, and all that it said was read
			}}, nil
		}
	}
}

// lookIn is where a confined program looks for others.
func lookIn(p sandbox.Installed) string {
	return strings.Join(append(p.Dirs, "/usr/local/bin", "/usr/bin", "/bin"), ":")
}
