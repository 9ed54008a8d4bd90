package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"matrixos/app/contract"
	"matrixos/app/internal/compile"
	"matrixos/app/internal/store"
	"matrixos/sys"
)

// Launch is what the shell needs to show an app in a frame.
type Launch struct {
	URL        string `json:"url"`        // for the frame's src; knowing it is the right to load the app's code
	Nonce      string `json:"nonce"`      // the frame's hello has to begin with it; each document adds its own
	Capability string `json:"capability"` // stays in the shell; the right to call as this app
}

// Preview asks for an app as another tree has it: one that has not landed, or a
// past one. It works on a private copy of the app's data, which ends with the
// launch.
type Preview struct {
	Tree   fs.FS
	Frozen bool // the app may look at its data and not change them
	// Data, if set, writes the app's data into a folder, instead of a copy of today's.
	Data func(ctx context.Context, dir string) error
}

const (
	perApp = 8 // windows of one app at a time, over all of the owner's devices
	maxAge = 24 * time.Hour
)

// launch is one opened window. It is immutable but for used and the cookies.
type launch struct {
	Launch
	ticket  string
	slug    sys.Slug
	preview *preview
	trial   bool             // nobody sees it; its document has the runner in it
	handed  bool             // of a trial: the libraries are handed over, as in a window of the desktop
	net     []contract.Reply // what the network says in a trial
	rooms   *trialRooms      // what others do in a trial
	used    time.Time        // guarded by Runtime.mu
	jarOnce sync.Once
	jar     http.CookieJar // of a server app
}

type preview struct {
	app    App
	result *compile.Result
	found  []sys.Diagnostic
	data   *store.Store
	dir    string
	frozen bool
	tree   fs.FS  // of an app with a server
	key    string // of that server
	stop   func() // ends it; may be nil
}

// end frees what a launch holds.
func (l *launch) end() error {
	if l.preview == nil {
		return nil
	}
	if l.preview.stop != nil {
		l.preview.stop()
	}
	return errors.Join(l.preview.data.Close(), os.RemoveAll(l.preview.dir))
}

// Launch opens an app: the address of its frame, good until the window is closed,
// the app goes, or newer windows crowd it out.
func (r *Runtime) Launch(slug sys.Slug, p *Preview) (Launch, error) {
	r.mu.Lock()
	app := r.apps[slug]
	r.mu.Unlock()
	if app != nil && p == nil {
		if err := r.mayServe(app.app.Manifest); err != nil {
			return Launch{}, err
		}
		r.ready(context.Background(), app)
	}
	l := &launch{slug: slug, ticket: rand.Text(), used: time.Now()}
	l.Launch = Launch{URL: "/app/" + l.ticket + "/", Nonce: rand.Text(), Capability: rand.Text() + rand.Text()}
	if p != nil {
		v, err := r.openPreview(slug, p)
		if err != nil {
			return Launch{}, err
		}
		l.preview = v
	}
	r.mu.Lock()
	if r.closed || l.preview == nil && r.apps[slug] == nil {
		r.mu.Unlock()
		return Launch{}, errors.Join(notFound("open", slug), l.end())
	}
	ended := r.expireLocked()
	if all := r.launches[slug]; len(all) >= perApp {
		oldest := slices.MinFunc(all, func(a, b *launch) int { return a.used.Compare(b.used) })
		r.dropLocked(oldest)
		ended = append(ended, oldest)
	}
	r.tickets[l.ticket], r.byRight[l.Capability] = l, l
	r.launches[slug] = append(r.launches[slug], l)
	r.mu.Unlock()
	r.finish(ended)
	return l.Launch, nil
}

// Leave ends the launch with the capability; its address and its rights are void.
func (r *Runtime) Leave(capability string) {
	r.mu.Lock()
	l := r.byRight[capability]
	if l != nil {
		r.dropLocked(l)
	}
	r.mu.Unlock()
	if l != nil {
		r.finish([]*launch{l})
	}
}

func (r *Runtime) expireLocked() []*launch {
	var old []*launch
	for _, l := range r.tickets {
		if time.Since(l.used) > maxAge {
			old = append(old, l)
		}
	}
	for _, l := range old {
		r.dropLocked(l)
	}
	return old
}

func (r *Runtime) dropLocked(l *launch) {
	delete(r.tickets, l.ticket)
	delete(r.byRight, l.Capability)
	r.launches[l.slug] = slices.DeleteFunc(r.launches[l.slug], func(o *launch) bool { return o == l })
}

func (r *Runtime) finish(ended []*launch) {
	for _, l := range ended {
		if err := l.end(); err != nil {
			r.log.Error("a preview's copy of data could not be removed", "slug", l.slug, "err", err)
		}
	}
}

// openPreview compiles the app of another tree and copies its data.
func (r *Runtime) openPreview(slug sys.Slug, p *Preview) (*preview, error) {
	apps, err := Find(p.Tree)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(apps, func(a App) bool { return a.Manifest.Slug == slug })
	if i < 0 {
		return nil, notFound("preview", slug)
	}
	dir, err := os.MkdirTemp("", "matrixos-preview-")
	if err != nil {
		return nil, &sys.Error{Op: "preview", Path: string(slug), Kind: sys.Internal, Err: err}
	}
	v := &preview{app: apps[i], dir: dir, data: store.NewScratch(dir, nil), frozen: p.Frozen}
	ctx := context.Background() // a launch has none: it is short, and its copy outlives the request
	if p.Frozen {               // what it would do to today's data is of no concern
		v.result, v.found = r.compile(ctx, p.Tree, v.app, slices.Clone(v.app.Diagnostics))
	} else {
		v.result, v.found = r.judge(ctx, p.Tree, v.app)
	}
	if p.Data == nil {
		err = r.data.CopyTo(ctx, slug, v.data)
	} else if err = os.MkdirAll(v.data.Dir(slug), 0o755); err == nil {
		err = p.Data(ctx, v.data.Dir(slug))
	}
	if err == nil && !failed(v.found) {
		_, _, err = v.data.Migrate(ctx, slug, v.app.Manifest.Storage.Tables) // judge has found the problems
	}
	if err == nil && !p.Frozen {
		err = r.beside(v, p.Tree, filepath.Join(r.data.Dir(slug), "server"))
	}
	if err != nil {
		return nil, errors.Join(err, v.data.Close(), os.RemoveAll(dir))
	}
	return v, nil
}

// view is what a launch shows and works on at this moment.
type view struct {
	manifest Manifest
	result   *compile.Result
	found    []sys.Diagnostic
	data     *store.Store
	preview  bool
	frozen   bool
}

// at finds the launch of a ticket or a capability.
func (r *Runtime) at(index func() map[string]*launch, key string) (*launch, *view) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := index()[key]
	if l == nil {
		return nil, nil
	}
	l.used = time.Now()
	if p := l.preview; p != nil {
		return l, &view{p.app.Manifest, p.result, p.found, p.data, true, p.frozen}
	}
	a := r.apps[l.slug]
	if a == nil {
		return nil, nil
	}
	return l, &view{a.app.Manifest, a.result, a.info.Load().Diagnostics, r.data, false, false} // it became ready when it was launched or landed
}

func (r *Runtime) byTicket(ticket string) (*launch, *view) {
	return r.at(func() map[string]*launch { return r.tickets }, ticket)
}

func (r *Runtime) byCapability(capability string) (*launch, *view) {
	return r.at(func() map[string]*launch { return r.byRight }, capability)
}
