package boot

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/syscalls"
)

// apps makes the app runtime follow the landings of the disk, and checks apps
// before they land. It is the kernel's and the gateway's view of apps.
type apps struct {
	*app.Runtime
	runtime *app.Runtime
	disk    *disk.Disk
	log     *slog.Logger
	// scheduled is called when the reminders may have changed.
	scheduled func()

	mu sync.Mutex
	at sys.LandingID // what the runtime shows
}

var (
	_ kernel.Apps  = (*apps)(nil)
	_ gateway.Apps = (*apps)(nil)
)

func newApps(d *disk.Disk, rt *app.Runtime, log *slog.Logger, scheduled func()) *apps {
	return &apps{Runtime: rt, runtime: rt, disk: d, log: log, scheduled: scheduled}
}

// follow brings the runtime to the newest landing. What is wrong with an app is
// the app's own and does not fail it.
func (a *apps) follow(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	head := a.disk.Head()
	if a.at == head {
		return nil
	}
	view, err := a.disk.View(head)
	if err != nil {
		return err
	}
	var changed []sys.Change
	if a.at != 0 {
		since, err := a.disk.Log(ctx, disk.Query{Limit: int(head - a.at), Before: head + 1})
		if err != nil {
			return err
		}
		for _, l := range since {
			changed = append(changed, l.Changes...)
		}
	}
	if err := a.runtime.Use(ctx, view, head, changed); err != nil {
		return err
	}
	a.at = head
	a.tell(changed)
	return nil
}

// tell announces changed settings.
func (a *apps) tell(changed []sys.Change) {
	for _, c := range changed {
		if c.Path == kernel.ScheduleFile {
			a.scheduled()
		}
		if strings.HasPrefix(string(c.Path), "system/") && strings.HasSuffix(string(c.Path), ".json") {
			a.disk.Journal().Publish(sys.NewEvent(sys.EventSettings, sys.SettingsData{Path: c.Path}))
		}
	}
}

// watch follows landings of every kind until ctx ends.
func (a *apps) watch(ctx context.Context) {
	sub := a.disk.Journal().Subscribe(a.disk.Journal().Last())
	defer sub.Close()
	for {
		if err := a.follow(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "apps could not follow a landing", "error", err)
		}
		for landed := false; !landed; {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			landed = slices.ContainsFunc(events, func(e sys.Event) bool { return e.Kind == sys.EventLanding })
		}
	}
}

// Landed implements kernel.Apps.
func (a *apps) Landed(ctx context.Context, _ sys.LandingInfo) {
	if err := a.follow(context.WithoutCancel(ctx)); err != nil {
		a.log.ErrorContext(ctx, "apps could not follow a landing", "error", err)
	}
}

// appState is what a prompt is told of an app.
type appState struct {
	Slug        sys.Slug                     `json:"slug"`
	Name        string                       `json:"name,omitempty"`
	Description string                       `json:"description,omitempty"`
	Icon        string                       `json:"icon,omitempty"`
	Folder      sys.Path                     `json:"folder"`
	Tables      map[string]map[string]string `json:"tables,omitempty"`
	Broken      bool                         `json:"broken,omitempty"`
}

// State implements kernel.Apps.
func (a *apps) State(withheld func(sys.Path) bool) any {
	out := []appState{}
	for _, i := range a.runtime.List() {
		s := appState{Slug: i.Slug, Folder: i.Folder, Tables: a.runtime.Tables(i.Slug), Broken: !i.OK}
		if !withheld(i.Folder + "/matrix.json") {
			s.Name, s.Description, s.Icon = i.Name, i.Description, i.Icon
		}
		out = append(out, s)
	}
	return out
}

// List is up to date with the newest landing.
func (a *apps) List() []sys.AppInfo {
	a.Landed(context.Background(), sys.LandingInfo{})
	return a.runtime.List()
}

// Launch shows the newest landing, or a preview.
func (a *apps) Launch(slug sys.Slug, preview *app.Preview) (app.Launch, error) {
	a.Landed(context.Background(), sys.LandingInfo{})
	return a.runtime.Launch(slug, preview)
}

// check stands before every landing: each app that it touches must have a valid
// manifest and compile.
func (a *apps) check(ctx context.Context, c disk.Checked) error {
	found, err := app.Find(c.Tree)
	if err != nil {
		return err
	}
	var bad []sys.Diagnostic
	for _, f := range found {
		if !touches(c.Changes, f.Folder) {
			continue
		}
		for _, d := range a.runtime.Check(ctx, c.Tree, f.Folder) {
			if d.Severity == "error" {
				bad = append(bad, d)
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &sys.Error{Op: "check", Path: "the apps", Kind: sys.NotVerified, Err: errors.New(syscalls.Diagnostics(bad))}
}

func touches(changes []sys.Change, folder sys.Path) bool {
	for _, c := range changes {
		if strings.HasPrefix(string(c.Path), string(folder)+"/") {
			return true
		}
	}
	return false
}

// diagnose reports what is wrong with the app that path belongs to, for the
// result of a Write or Edit.
func (a *apps) diagnose(ctx context.Context, root syscalls.Root, path sys.Path) []sys.Diagnostic {
	folder, ok := appFolder(root.FS(), path)
	if !ok {
		return nil
	}
	return a.runtime.Check(ctx, root.FS(), folder)
}

// appFolder finds the nearest folder above path that has a manifest and enough
// of an app to compile: while the first files of a new app are written, there
// is nothing to say yet.
func appFolder(tree fs.FS, path sys.Path) (sys.Path, bool) {
	dir := string(path)
	for {
		i := strings.LastIndexByte(dir, '/')
		if i < 0 {
			return "", false
		}
		dir = dir[:i]
		if !strings.HasPrefix(dir, "apps/") {
			return "", false
		}
		if _, err := fs.Stat(tree, dir+"/matrix.json"); err == nil {
			_, err := fs.Stat(tree, dir+"/index.html")
			return sys.Path(dir), err == nil && entryThere(tree, dir)
		}
	}
}

// entryThere tells whether what index.html loads exists, as far as the usual
// names go.
func entryThere(tree fs.FS, dir string) bool {
	page, err := fs.ReadFile(tree, dir+"/index.html")
	if err != nil {
		return false
	}
	for _, src := range []string{"src/main.tsx", "src/main.jsx", "src/main.ts", "src/index.tsx"} {
		if strings.Contains(string(page), src) {
			_, err := fs.Stat(tree, dir+"/"+src)
			return err == nil
		}
	}
	return true
}
