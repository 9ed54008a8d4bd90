package app

import (
	"context"
	"errors"
	"io/fs"

	"matrixos/app/internal/compile"
	"matrixos/app/npm"
	"matrixos/sys"
)

// PackagesFile is where the owner's yes to packages from npm is kept.
const PackagesFile = npm.AllowedFile

// CheckPackage refuses what is no name of a package.
func CheckPackage(name string) error { return npm.CheckName(name) }

// installed is p as the compiler asks for it.
func installed(p *npm.Installer) compile.Packages {
	if p == nil {
		return nil
	}
	return p
}

// install has the packages that an app lacks installed, in the versions of its
// package-lock.json if it has one.
func (r *Runtime) install(ctx context.Context, tree fs.FS, a App, wanted map[string]string) (string, error) {
	return r.packages.Install(ctx, wanted, readLock(tree, a))
}

// readLock is the app's package-lock.json; one that cannot be read counts as none.
func readLock(tree fs.FS, a App) []byte {
	lock, err := fs.ReadFile(tree, string(a.Folder)+"/package-lock.json")
	if err != nil {
		return nil
	}
	return lock
}

// compiled has an app compiled, and what it lacks of npm installed for that. An error is
// about the tree; what is wrong with the app is in the result and in fault.
func (r *Runtime) compiled(ctx context.Context, tree fs.FS, a App, fault func(text, hint string)) (*compile.Result, error) {
	build := func() (*compile.Result, error) {
		if a.Manifest.Runtime == RuntimeNode {
			return r.nodeResult(tree, a), nil
		}
		return r.build.Build(tree, a.Folder, a.Manifest.Runtime != RuntimeStatic)
	}
	result, err := build()
	if err != nil || len(result.Missing) == 0 || r.packages == nil {
		return result, err
	}
	_, failed := r.install(ctx, tree, a, result.Missing)
	switch {
	case failed == nil:
		return build()
	case sys.KindOf(failed) != sys.NeedsApproval:
		fault(failed.Error(), sys.HintOf(failed))
	}
	return result, nil
}

// Install installs what apps lack of npm, as far as the owner has allowed it, and
// compiles them again. What the owner has not allowed is left; what fails for
// another reason is in the error, and the other apps are seen to all the same.
func (r *Runtime) Install(ctx context.Context) error {
	if r.packages == nil {
		return nil
	}
	var errs []error
	for _, l := range r.all() {
		if len(l.info.Load().Packages) == 0 {
			continue
		}
		_, err := r.install(ctx, l.tree, l.app, l.result.Missing)
		if err == nil {
			r.again(ctx, l)
		} else if sys.KindOf(err) != sys.NeedsApproval {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// again compiles an app anew, though its files have not changed.
func (r *Runtime) again(ctx context.Context, old *live) {
	r.using.Lock()
	defer r.using.Unlock()
	next := &live{app: old.app, tree: old.tree, made: &made{}}
	next.info.Store(describe(old.app, old.tree, old.info.Load().Landing, old.app.Diagnostics))
	r.ready(ctx, next)
	slug := old.app.Manifest.Slug
	r.mu.Lock()
	same := r.apps[slug] != nil && r.apps[slug].made == old.made
	if same {
		r.apps[slug] = next
	}
	r.mu.Unlock()
	if same {
		r.publish(sys.NewEvent(sys.EventApp, sys.AppData{App: *next.info.Load()}))
	}
}
