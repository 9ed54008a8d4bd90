package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"matrixos/policy"
	"matrixos/sys"
)

// contractForm is how a contract is written, for a model that has to write one.
const contractForm = `{"version": 1, "request": "the owner's words", "scenarios": [{"name": "an entry is shown and stays", "steps": [` +
	`{"click": "button", "name": "Add expense"}, {"fill": "Amount", "with": "12.50"}, {"click": "button", "name": "Save"}, {"rows": "expenses", "where": {"amount": 12.5}, "count": 1}, {"reload": true}, {"see": "12.50"}]}]}`

// settledFirst refuses to have a new app built that nobody has said what it has to
// do: nothing is built and paid for then.
func (k *Kernel) settledFirst(o Spawn) error {
	if o.App == "" || o.Contract != "" {
		return nil
	}
	view, err := k.disk.View(0)
	if err != nil {
		return err
	}
	program, err := findProgram(view, o.Program)
	if err != nil {
		return err
	}
	manifest := "apps/" + string(o.App) + "/matrix.json"
	if policy.Write(policy.Subject{Program: o.Program, Grant: program.Grant(), App: o.App}, sys.Path(manifest)) != nil {
		return nil // it makes no apps
	}
	for _, pattern := range []string{manifest, "apps/*/" + string(o.App) + "/matrix.json"} {
		found, err := fs.Glob(view, pattern)
		if err != nil || len(found) > 0 {
			return err
		}
	}
	return &sys.Error{
		Op: "spawn", Path: string(o.App), Kind: sys.Invalid, Err: errors.New("it is a new app, and nothing says what it has to do"),
		Hint: "settle that first, from the owner's words, and call spawn again with it in contract, such as " + contractForm,
	}
}

// founds reports whether file is the contract of an app that the process is about to
// make, and that its parent has settled nothing for.
func (p *process) founds(file sys.Path) (bool, error) {
	if !policy.Promise(file) {
		return false, nil
	}
	if given, _ := p.contractFile(); given == file {
		return false, nil
	}
	view, err := p.k.disk.View(0)
	if err != nil {
		return false, err
	}
	folder := path.Dir(string(file))
	for _, name := range []string{"matrix.json", "contract.json"} {
		_, err := fs.Stat(view, folder+"/"+name)
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, nil
}

// promised refuses a landing that makes an app without a contract, or with one that would
// find nothing, and one that changes what the process was given as one. given are the
// changes without those of others: an app that was brought in is not the process's own.
func (p *process) promised(dir string, given []sys.Change) (err error) {
	settled, _ := p.contractFile()
	for _, c := range given {
		if settled != "" && c.Path == settled && c.Op != sys.Deleted {
			return policy.Write(p.subject, c.Path)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, c := range given {
		if policy.Promise(c.Path) && c.Op != sys.Deleted {
			if err := p.k.apps.Promises(root.FS(), c.Path); err != nil {
				return err
			}
		}
	}
	missing, err := policy.Unpromised(given, func(f sys.Path) (bool, error) {
		_, err := root.Stat(string(f))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	return &sys.Error{
		Op: "land", Path: path.Dir(string(missing[0])), Kind: sys.NotVerified, Err: fmt.Errorf("it is a new app without a contract: nothing says what it has to do"),
		Hint: fmt.Sprintf("write %s from what was asked for, not from what was built, such as %s", missing[0], contractForm),
	}
}

// contractFile is where the contract of the process's app stands, if its parent has
// settled one.
func (p *process) contractFile() (file sys.Path, text string) {
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
	file, text := p.contractFile()
	if file == "" {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(path.Dir(string(file)), 0o755); err != nil {
		return err
	}
	return root.WriteFile(string(file), []byte(text), 0o644)
}

// asGiven leaves out of changes the contract that the process was given, and the
// files that a call has laid, if they are as they were given: those are the parent's
// and the call's changes, not the process's.
func (p *process) asGiven(dir string, changes []sys.Change) (_ []sys.Change, err error) {
	file, text := p.contractFile()
	laid := p.laid()
	if file == "" && len(laid) == 0 {
		return changes, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if changes, err = laid.without(root, changes); err != nil || file == "" {
		return changes, err
	}
	have, err := root.ReadFile(string(file))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(have, []byte(text)) {
		return changes, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c sys.Change) bool { return c.Path == file }), nil
}
