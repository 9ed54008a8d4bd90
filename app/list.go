package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"matrixos/sys"
)

// List describes all apps, by slug, and compiles those that have not been compiled.
func (r *Runtime) List() []sys.AppInfo {
	r.Prepare(context.Background())
	return r.Known()
}

// Known describes all apps, by slug, as far as that is known without compiling: an
// app that has not been needed yet since the start is taken to be as it was found
// when it landed, without faults.
func (r *Runtime) Known() []sys.AppInfo {
	var list []sys.AppInfo
	for _, l := range r.all() {
		list = append(list, *l.info.Load())
	}
	return list
}

// Prepare compiles what has not been compiled since the start, one app after the
// other, until ctx ends.
func (r *Runtime) Prepare(ctx context.Context) {
	for _, l := range r.all() {
		if ctx.Err() != nil {
			return
		}
		if l.done.Load() {
			continue
		}
		r.compileOnce(ctx, l)
		if r.data.Has(l.app.Manifest.Slug) {
			r.ready(ctx, l)
		}
		if info := l.info.Load(); !info.OK {
			r.publish(sys.NewEvent(sys.EventApp, sys.AppData{App: *info}))
		}
	}
}

func (r *Runtime) all() []*live {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*live
	for _, slug := range slices.Sorted(maps.Keys(r.apps)) {
		all = append(all, r.apps[slug])
	}
	return all
}

// Tables describes the tables of an app, column by column, or nil.
func (r *Runtime) Tables(slug sys.Slug) map[string]map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.apps[slug]
	if l == nil {
		return nil
	}
	return columnsOf(l.app.Manifest)
}

func columnsOf(m Manifest) map[string]map[string]string {
	out := map[string]map[string]string{}
	for name, t := range m.Storage.Tables {
		out[name] = map[string]string{}
		for column, typ := range t.Columns {
			out[name][column] = string(typ)
		}
	}
	return out
}

func notFound(op string, slug sys.Slug) error {
	return &sys.Error{Op: op, Path: string(slug), Kind: sys.NotFound, Err: fmt.Errorf("there is no app %q", slug), Hint: "`matrixos apps` lists them"}
}
