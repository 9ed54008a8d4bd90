package kernel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"matrixos/sys"
)

// contractFile is where the contract of the process's app stands, if its parent has
// settled one.
func (p *process) contractFile() (path sys.Path, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.memo.Contract == "" || p.subject.App == "" {
		return "", ""
	}
	return sys.Path("apps/" + string(p.subject.App) + "/contract.json"), p.memo.Contract
}

// layContract puts the contract into a transaction that has begun: what is built is
// tried against it, and lands with it.
func (p *process) layContract(dir string) (err error) {
	path, text := p.contractFile()
	if path == "" {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(filepath.Dir(string(path)), 0o755); err != nil {
		return err
	}
	return root.WriteFile(string(path), []byte(text), 0o644)
}

// asGiven leaves out of changes the contract that the process was given, and the
// files that a call has laid, if they are as they were given: those are the parent's
// and the call's changes, not the process's.
func (p *process) asGiven(dir string, changes []sys.Change) (_ []sys.Change, err error) {
	path, text := p.contractFile()
	laid := p.laid()
	if path == "" && len(laid) == 0 {
		return changes, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if changes, err = laid.without(root, changes); err != nil || path == "" {
		return changes, err
	}
	have, err := root.ReadFile(string(path))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(have, []byte(text)) {
		return changes, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c sys.Change) bool { return c.Path == path }), nil
}
