package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"matrixos/app/contract"
	"matrixos/sys"
)

// Rules are the rules that an app has for its data, as tree has them: the invariants of
// its contract. There are none for an app without a contract, or with one that is wrong,
// which is told where it is tried.
func Rules(tree fs.FS, slug sys.Slug) (a App, rules []contract.Invariant, err error) {
	a, err = withSlug(tree, slug)
	if err != nil || a.Folder == "" {
		return a, nil, err
	}
	c, ok, err := soundContract(tree, a.Folder)
	if err != nil || !ok {
		return a, nil, err
	}
	return a, c.Invariants, nil
}

// soundContract reads the contract of the app in a folder; ok is false if there is none, or
// if it is wrong.
func soundContract(tree fs.FS, folder sys.Path) (c contract.Contract, ok bool, err error) {
	file := contract.Path(folder)
	if isLink(tree, file) {
		return c, false, nil
	}
	raw, err := fs.ReadFile(tree, string(file))
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, &sys.Error{Op: "read the contract", Path: string(file), Kind: sys.Internal, Err: err}
	}
	c, wrong := contract.Parse(raw, file)
	return c, len(wrong) == 0, nil
}

// withSlug finds the app of a slug, in the folder of that name as a rule.
func withSlug(tree fs.FS, slug sys.Slug) (App, error) {
	if a, err := load(tree, "apps/"+sys.Path(slug)); err == nil && a.Manifest.Slug == slug {
		return a, nil
	}
	all, err := Find(tree)
	for _, a := range all {
		if a.Manifest.Slug == slug {
			return a, err
		}
	}
	return App{}, err
}

// RowWords is a row that a rule has found, for people.
func RowWords(columns []string, row []any) string {
	var one []string
	for i, v := range row {
		if raw, ok := v.([]byte); ok {
			v = string(raw)
		}
		if v != nil {
			one = append(one, fmt.Sprintf("%s %v", columns[i], v))
		}
	}
	return strings.Join(one, ", ")
}

// Weak says why a contract would find next to nothing, whatever the app in folder of tree
// does; a contract that is wrong is told elsewhere. It runs nothing.
func Weak(tree fs.FS, folder sys.Path) ([]string, error) {
	c, ok, err := soundContract(tree, folder)
	if err != nil || !ok {
		return nil, err
	}
	var tables []string
	a, err := load(tree, folder)
	switch {
	case err == nil:
		tables = slices.Sorted(maps.Keys(a.Manifest.Storage.Tables))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return c.Weak(tables), nil
}

// WeakContract is Weak of the text of a sound contract by itself.
func WeakContract(raw []byte) []string {
	c, wrong := contract.Parse(raw, contract.Name)
	if len(wrong) > 0 {
		return nil
	}
	return c.Weak(nil)
}
