package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
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
	promise *contracts
	disk    *disk.Disk
	log     *slog.Logger
	// scheduled is called when the reminders may have changed.
	scheduled func()
	// attached is called when the files of servers may have changed; nil: never.
	attached func()
	// held is called when an app was tried by itself and holds; nil: never.
	held func(context.Context, sys.Slug)
	// refused counts what an app would have become by a landing that was refused, and
	// whether it was joined of the work of two; nil: nobody does.
	refused func(ctx context.Context, r *sys.ContractReport, joined bool) error

	weights strengths   // of contracts
	busy    func() bool // the machine has other things to do than to measure unasked

	mu sync.Mutex
	at sys.LandingID // what the runtime shows
}

var (
	_ kernel.Apps  = (*apps)(nil)
	_ gateway.Apps = (*apps)(nil)
)

func newApps(d *disk.Disk, rt *app.Runtime, c *contracts, log *slog.Logger, scheduled func()) *apps {
	return &apps{Runtime: rt, runtime: rt, promise: c, disk: d, log: log, scheduled: scheduled, busy: busyMachine}
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
	var data []sys.DataChange
	if a.at != 0 {
		changed = []sys.Change{}
		since, err := a.disk.Log(ctx, disk.Query{Limit: int(head - a.at), Before: head + 1})
		if err != nil {
			return err
		}
		for _, l := range since {
			changed = append(changed, l.Changes...)
			for _, c := range l.Data {
				if !c.Migrated { // that is the runtime's own doing
					data = append(data, c)
				}
			}
		}
		changed = append(changed, a.reformed(data)...)
	}
	if err := a.runtime.Use(ctx, view, head, changed); err != nil {
		return err
	}
	a.at = head
	a.tell(changed)
	a.tellData(data)
	return nil
}

// appOf is the app whose database a landing has changed.
func appOf(c sys.DataChange) sys.Slug {
	rest, _ := strings.CutPrefix(string(c.Path), "data/")
	slug, _, _ := strings.Cut(rest, "/")
	return sys.Slug(slug)
}

// reformed are the manifests of apps whose tables have another form now: they are
// compared with it again.
func (a *apps) reformed(data []sys.DataChange) (out []sys.Change) {
	for _, c := range data {
		for _, i := range a.runtime.Known() {
			if len(c.Schema) > 0 && i.Slug == appOf(c) {
				out = append(out, sys.Change{Path: i.Folder + "/" + app.ManifestName, Op: sys.Modified})
			}
		}
	}
	return out
}

// tellData tells open windows which tables a landing has changed.
func (a *apps) tellData(data []sys.DataChange) {
	for _, c := range data {
		for _, table := range c.Tables {
			a.disk.Journal().Publish(sys.NewEvent(sys.EventData, sys.TableData{App: appOf(c), Table: table}))
		}
	}
}

// noteMigration has the disk remember what following a landing has added to a
// database, so that an undo of the landing can take it back.
func noteMigration(d *disk.Disk, log *slog.Logger) func(context.Context, sys.Slug, sys.LandingID, []app.Addition) {
	return func(ctx context.Context, slug sys.Slug, landing sys.LandingID, added []app.Addition) {
		m := disk.Migration{Path: sys.Path("data/" + slug + "/" + slug + ".sqlite"), Tables: map[string]string{}, Columns: map[[2]string]string{}, Indexes: map[[2]string]string{}}
		for _, x := range added {
			switch {
			case x.Column != "":
				m.Columns[[2]string{x.Table, x.Column}] = x.SQL
			case x.Index != "":
				m.Indexes[[2]string{x.Table, x.Index}] = x.SQL
			default:
				m.Tables[x.Table] = x.SQL
			}
		}
		if err := d.NoteMigration(ctx, landing, m); err != nil {
			log.ErrorContext(ctx, "a migration could not be recorded; undo will leave it in place", "app", slug, "error", err)
		}
	}
}

// Judged tells everybody of a new verdict.
func (a *apps) Judged(ctx context.Context, slug sys.Slug) {
	a.Landed(ctx, sys.LandingInfo{})
	a.runtime.Judged(ctx, slug)
}

// tell announces changed settings.
func (a *apps) tell(changed []sys.Change) {
	for _, c := range changed {
		if c.Path == kernel.ScheduleFile {
			a.scheduled()
		}
		if a.attached != nil && isServerFile(c.Path) {
			a.attached()
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
			if slices.ContainsFunc(events, func(e sys.Event) bool { return e.Kind == sys.EventRequest }) {
				a.rest()
				a.promise.warm() // what it makes may have to be tried
			}
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
	Shipped     bool                         `json:"shipped,omitempty"` // a new home comes with it
}

// State implements kernel.Apps.
func (a *apps) State(withheld func(sys.Path) bool) any {
	out := []appState{}
	for _, i := range a.runtime.Known() {
		s := appState{Slug: i.Slug, Folder: i.Folder, Tables: a.runtime.Tables(i.Slug), Broken: !i.OK, Shipped: i.Author == sys.ShippedBy}
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
// manifest, compile, and keep its contract.
func (a *apps) check(ctx context.Context, c disk.Checked) error {
	found, err := app.Find(c.Tree)
	if err != nil {
		return err
	}
	var touched []app.App
	for _, f := range found {
		if touches(c.Changes, f.Folder) {
			touched = append(touched, f)
		}
	}
	if c.Kind == sys.ByHealer { // it may mend one fault of several
		head, err := a.disk.View(0)
		if err != nil {
			return err
		}
		return a.promise.betterOnly(ctx, c, head, touched)
	}
	var bad []sys.Diagnostic
	for _, f := range touched {
		faults := slices.DeleteFunc(a.runtime.Check(ctx, c.Tree, f.Folder), func(d sys.Diagnostic) bool { return d.Severity != "error" })
		if len(faults) > 0 {
			a.noteRefused(ctx, c, f, &sys.ContractReport{Faults: faults})
		}
		bad = append(bad, faults...)
	}
	if len(bad) == 0 {
		return a.promise.gate(ctx, c, touched, a.noteRefused)
	}
	return joined(c, touched, &sys.Error{Op: "check", Path: "the apps", Kind: sys.NotVerified, Err: errors.New(syscalls.Diagnostics(bad))})
}

// noteRefused counts a landing that is refused for what it makes of an app.
func (a *apps) noteRefused(ctx context.Context, c disk.Checked, f app.App, r *sys.ContractReport) {
	a.countRefused(ctx, f, r, len(met(c, f)) > 0)
}

// countRefused is noteRefused where it is known whether two works met.
func (a *apps) countRefused(ctx context.Context, f app.App, r *sys.ContractReport, joined bool) {
	if a.refused == nil {
		return
	}
	one := *r
	if one.App = f.Manifest.Slug; !one.App.Valid() {
		one.App = sys.Slug(f.Folder.Base())
	}
	if err := a.refused(context.WithoutCancel(ctx), &one, joined); err != nil {
		a.log.WarnContext(ctx, "a refused landing could not be counted", "app", one.App, "error", err)
	}
}

// met are the files of some apps that others have changed since a work began that is
// landing now.
func met(c disk.Checked, list ...app.App) (out []string) {
	for _, ch := range c.Others {
		if slices.ContainsFunc(list, func(f app.App) bool { return touches([]sys.Change{ch}, f.Folder) }) {
			out = append(out, string(ch.Path))
		}
	}
	return out
}

// mostMet is how many files a refusal names that others have changed.
const mostMet = 6

// joined tells in a refusal that it is of two works that did not know of each other, if so:
// each may hold by itself.
func joined(c disk.Checked, touched []app.App, refusal *sys.Error) error {
	files := met(c, touched...)
	if len(files) == 0 {
		return refusal
	}
	if n := len(files) - mostMet; n > 0 {
		files = append(files[:mostMet:mostMet], fmt.Sprintf("%d more", n))
	}
	refusal.Err = fmt.Errorf("since this work began, others have changed %s, and together with that: %w", strings.Join(files, ", "), refusal.Err)
	refusal.Hint = strings.TrimSuffix("read those files as they are now, and make the work fit them; "+refusal.Hint, "; ")
	return refusal
}

// Check tries an app as it is against its contract.
func (a *apps) Check(ctx context.Context, slug sys.Slug) (*sys.ContractReport, error) {
	view, folder, err := a.newest(ctx, slug)
	if err != nil {
		return nil, err
	}
	r, err := a.promise.check(ctx, view, folder)
	if err == nil {
		a.runtime.Judged(ctx, slug)
		if r.Green && a.held != nil {
			a.held(ctx, slug)
		}
	}
	return r, err
}

// newest finds an app in the newest landing.
func (a *apps) newest(ctx context.Context, slug sys.Slug) (fs.FS, sys.Path, error) {
	if err := a.follow(ctx); err != nil {
		return nil, "", err
	}
	view, err := a.disk.View(0)
	if err != nil {
		return nil, "", err
	}
	for _, i := range a.runtime.Known() {
		if i.Slug == slug {
			return view, i.Folder, nil
		}
	}
	return nil, "", &sys.Error{Op: "check", Path: string(slug), Kind: sys.NotFound, Err: errors.New("there is no such app"), Hint: "`matrixos apps` lists them"}
}

// touches reports whether a change lies in an app's folder, or in one that it may share
// with others.
func touches(changes []sys.Change, folder sys.Path) bool {
	for _, c := range changes {
		if strings.HasPrefix(string(c.Path), string(folder)+"/") {
			return true
		}
		for dir := path.Dir(string(folder)); dir != "."; dir = path.Dir(dir) {
			if strings.HasPrefix(string(c.Path), dir+"/_") {
				return true
			}
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
	a.promise.warm() // it will land soon
	return a.runtime.Check(ctx, root.FS(), folder)
}

// Promises implements kernel.Apps.
func (a *apps) Promises(tree fs.FS, file sys.Path) error {
	folder := sys.Path(path.Dir(string(file)))
	weak, err := app.Weak(tree, folder)
	if err != nil || len(weak) == 0 {
		return err
	}
	return &sys.Error{
		Op: "check", Path: string(file), Kind: sys.NotVerified, Err: errors.New("the contract finds too little: " + strings.Join(weak, "; ")),
		Hint: "write from the task what has to be seen or kept after it is used, such as fill, click, rows, reload and see",
	}
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
