package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/model/anthropic"
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
	e := claude.New(claude.Options{Program: program, Provider: api, Dir: m.scratch, Logger: m.log})
	m.engines[id] = e
	return e, nil
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
