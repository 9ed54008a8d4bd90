package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"strings"

	"matrixos/app/contract"
	"matrixos/sys"
)

// Fingerprint names an app as tree has it, with the libraries that it runs on: what
// was found of it holds for the same fingerprint. Folders that it may share with
// others are part of it.
func (r *Runtime) Fingerprint(tree fs.FS, folder sys.Path) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, r.libs.Hash, len(r.libs.TrialFrame))
	if err := printInto(h, tree, folder, ""); err != nil {
		return "", err
	}
	return sumOf(h), nil
}

// Prints name an app's files but for its contract, and the contract, whatever libraries
// they run on.
type Prints struct{ Code, Contract string }

// PrintsOf names the app in folder as tree has it.
func PrintsOf(tree fs.FS, folder sys.Path) (p Prints, err error) {
	h := sha256.New()
	if err := printInto(h, tree, folder, contract.Path(folder)); err != nil {
		return p, err
	}
	p.Code = sumOf(h)
	raw, err := fs.ReadFile(tree, string(contract.Path(folder)))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, &sys.Error{Op: "read", Path: string(contract.Path(folder)), Kind: sys.Internal, Err: err}
	}
	h = sha256.New()
	h.Write(raw)
	p.Contract = sumOf(h)
	return p, nil
}

func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// printInto writes the files of an app, and of folders that it may share with others, but
// for one of them.
func printInto(h hash.Hash, tree fs.FS, folder, but sys.Path) error {
	roots := []string{string(folder)}
	for dir := path.Dir(string(folder)); dir != "."; dir = path.Dir(dir) {
		entries, err := fs.ReadDir(tree, dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "_") {
				roots = append(roots, dir+"/"+e.Name())
			}
		}
	}
	for _, root := range roots {
		err := fs.WalkDir(tree, root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || p == string(but) {
				return err
			}
			raw, err := fs.ReadFile(tree, p)
			fmt.Fprintf(h, "%q %d\n", p, len(raw))
			h.Write(raw)
			return err
		})
		if err != nil {
			return &sys.Error{Op: "read", Path: root, Kind: sys.Internal, Err: err}
		}
	}
	return nil
}
