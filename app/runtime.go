package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"matrixos/app/contract"
	"matrixos/app/internal/compile"
	"matrixos/app/internal/store"
	"matrixos/app/npm"
	"matrixos/app/server"
	"matrixos/sys"
)

// Options configure a Runtime.
type Options struct {
	Libraries fs.FS           // the built web runtime
	Data      string          // the home's data folder
	Search    string          // where full-text indexes of the data are kept; they can be made anew
	Publish   func(sys.Event) // receives EventApp, EventData and EventNotice; may be nil
	Logger    *slog.Logger    // may be nil
	// Migrated hears what following a landing has added to an app's database; may be
	// nil.
	Migrated func(ctx context.Context, app sys.Slug, landing sys.LandingID, added []Addition)
	// Room is asked before an app writes more data; its error refuses the call. May be
	// nil.
	Room func(ctx context.Context, app sys.Slug) error
	// Verdict is what is known of an app with this Fingerprint: the level at which it
	// is verified, and what of its contract does not hold. May be nil.
	Verdict func(fingerprint string) (level string, failing []string)
	// Strength is what was last measured of an app's contract; nil if nothing was. prints
	// name the app and its contract as they are now. May be nil.
	Strength func(app sys.Slug, prints func() (Prints, error)) *sys.Strength
	// Failed hears of what windows notice of an app that does not do well. May be nil.
	Failed func(app sys.Slug, how Failure, text string)
	// Network is how apps read from hosts; without it they do not.
	Network Network
	// Rooms are what apps share with other people; without them they share nothing.
	Rooms Rooms
	// Packages installs what apps ask of npm; nil: they have the libraries alone.
	Packages *npm.Installer
	// Servers runs the servers of apps with the runtime node; nil: there are none. The
	// runtime closes it.
	Servers *server.Servers
}

// Failure is what a window of an app notices of it.
type Failure string

// The failures.
const (
	Threw Failure = "threw" // an error that it did not catch
	Stuck Failure = "stuck" // it does not answer
	Heavy Failure = "heavy" // it takes more and more memory
)

// Addition is a table, column or index that was added to an app's database.
type Addition = store.Addition

// Runtime runs the apps of one home. It is safe for concurrent use.
type Runtime struct {
	libs     *compile.Libraries
	missing  error // why there are no libraries, if there are none
	build    *compile.Compiler
	data     *store.Store
	publish  func(sys.Event)
	migrated func(context.Context, sys.Slug, sys.LandingID, []Addition)
	room     func(context.Context, sys.Slug) error
	verdict  func(string) (string, []string)
	strength func(sys.Slug, func() (Prints, error)) *sys.Strength
	failed   func(sys.Slug, Failure, string)
	network  Network
	rooms    Rooms
	packages *npm.Installer  // may be nil
	servers  *server.Servers // may be nil
	log      *slog.Logger

	using sync.Mutex // one Use at a time

	mu       sync.Mutex
	apps     map[sys.Slug]*live
	tickets  map[string]*launch
	byRight  map[string]*launch // by capability
	launches map[sys.Slug][]*launch
	closed   bool
}

// live is an app as the newest landing has it.
type live struct {
	app  App
	tree fs.FS
	*made
}

// made is what came of an app. At the start of the system its sources are compiled
// when they are first needed, and Prepare sees to the rest; a database that is not
// there yet is made when the app is first opened. After a landing both happen at
// once.
type made struct {
	compiled, migrated sync.Once
	done               atomic.Bool // it is compiled
	result             *compile.Result
	info               atomic.Pointer[sys.AppInfo] // until it is compiled: what the manifest says
}

// New makes a runtime without apps; Use brings them. Without built libraries it
// works except for compiling, and every app says how to build them.
func New(o Options) (*Runtime, error) {
	r := &Runtime{
		data: store.New(o.Data), publish: o.Publish, migrated: o.Migrated, room: o.Room, verdict: o.Verdict, strength: o.Strength, failed: o.Failed, network: o.Network, rooms: o.Rooms, log: o.Logger,
		apps: map[sys.Slug]*live{}, tickets: map[string]*launch{}, byRight: map[string]*launch{}, launches: map[sys.Slug][]*launch{},
	}
	if o.Data == "" {
		return nil, &sys.Error{Op: "start the app runtime", Kind: sys.Invalid, Err: errors.New("no data folder is named")}
	}
	r.data.SearchIn(o.Search)
	if r.publish == nil {
		r.publish = func(sys.Event) {}
	}
	if r.migrated == nil {
		r.migrated = func(context.Context, sys.Slug, sys.LandingID, []Addition) {}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if o.Libraries == nil {
		return nil, &sys.Error{Op: "start the app runtime", Kind: sys.Invalid, Err: errors.New("no libraries are given")}
	}
	libs, err := compile.Load(o.Libraries)
	switch {
	case errors.Is(err, sys.Unavailable):
		r.missing = err
		r.log.Warn("apps cannot be compiled", "err", err)
		libs = &compile.Libraries{}
	case err != nil:
		return nil, err
	}
	r.libs, r.packages, r.servers = libs, o.Packages, o.Servers
	r.build = compile.New(libs, installed(o.Packages))
	return r, nil
}

// Close ends all launches and folds the databases.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	var ended []*launch
	for _, l := range r.tickets {
		ended = append(ended, l)
	}
	for _, l := range ended {
		r.dropLocked(l)
	}
	r.mu.Unlock()
	r.build.Close()
	if r.servers != nil {
		r.servers.Close()
	}
	errs := []error{r.data.Close()}
	for _, l := range ended {
		errs = append(errs, l.end())
	}
	return errors.Join(errs...)
}

// Check judges the app in folder as tree has it: its manifest, whether it compiles,
// and whether its tables fit the data there is. This is the static level.
func (r *Runtime) Check(ctx context.Context, tree fs.FS, folder sys.Path) []sys.Diagnostic {
	a, err := load(tree, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return []sys.Diagnostic{{Severity: "error", File: folder + "/" + ManifestName, Text: "the app has no " + ManifestName, Hint: `write one with name, slug, version and runtime`}}
	}
	if err != nil {
		return []sys.Diagnostic{{Severity: "error", File: folder + "/" + ManifestName, Text: err.Error()}}
	}
	_, found := r.judge(ctx, tree, a)
	return found
}

// judge compiles a and adds up all that is to be said about it.
func (r *Runtime) judge(ctx context.Context, tree fs.FS, a App) (*compile.Result, []sys.Diagnostic) {
	found := slices.Clone(a.Diagnostics)
	fault := func(text, hint string) {
		found = append(found, sys.Diagnostic{Severity: "error", File: a.Folder + "/" + ManifestName, Line: 1, Text: text, Hint: hint})
	}
	if owner := r.owner(tree, a); owner != "" {
		fault(fmt.Sprintf("the slug %q belongs to %s already", a.Manifest.Slug, owner), "give this app a slug of its own")
	}
	if a.Manifest.Slug.Valid() && !failed(found) {
		problems, err := r.data.Plan(ctx, a.Manifest.Slug, a.Manifest.Storage.Tables)
		if err != nil {
			found = append(found, dataFault(a.Manifest.Slug, err))
		}
		found = append(found, schemaDiagnostics(tree, a, problems)...)
	}
	return r.compile(ctx, tree, a, found)
}

// compile builds a, and adds what is wrong with it to what was found already.
func (r *Runtime) compile(ctx context.Context, tree fs.FS, a App, found []sys.Diagnostic) (*compile.Result, []sys.Diagnostic) {
	fault := func(text, hint string) {
		found = append(found, sys.Diagnostic{Severity: "error", File: a.Folder + "/" + ManifestName, Line: 1, Text: text, Hint: hint})
	}
	switch {
	case r.missing != nil && a.Manifest.Runtime == RuntimeVite:
		fault(r.missing.Error(), sys.HintOf(r.missing))
		return nil, found
	}
	result, err := r.compiled(ctx, tree, a, fault)
	if err != nil {
		fault(err.Error(), sys.HintOf(err))
		return nil, found
	}
	return result, append(found, result.Diagnostics...)
}

// owner is the other folder of tree that has a's slug now, or "".
func (r *Runtime) owner(tree fs.FS, a App) sys.Path {
	r.mu.Lock()
	l := r.apps[a.Manifest.Slug]
	r.mu.Unlock()
	if l == nil || l.app.Folder == a.Folder {
		return ""
	}
	other, err := load(tree, l.app.Folder)
	if err != nil || other.Manifest.Slug != a.Manifest.Slug {
		return "" // it has moved, or gone
	}
	return l.app.Folder
}

// dataFault says that the database of an app cannot be used: it is no fault of the manifest.
func dataFault(slug sys.Slug, err error) sys.Diagnostic {
	hint := sys.HintOf(err)
	file := sys.Path("data/" + slug + "/" + slug + ".sqlite")
	return sys.Diagnostic{Severity: "error", File: file, Text: strings.TrimSuffix(err.Error(), "; "+hint), Hint: hint}
}

func schemaDiagnostics(tree fs.FS, a App, problems []store.Problem) []sys.Diagnostic {
	raw, err := fs.ReadFile(tree, string(a.Folder)+"/"+ManifestName)
	if err != nil {
		raw = nil // the problems are told without their lines
	}
	p := parser{file: a.Folder + "/" + ManifestName, raw: raw, at: contract.Offsets(raw)}
	for _, problem := range problems {
		p.fail(problem.Place, "%s", problem.Text)
	}
	return p.found
}

func failed(found []sys.Diagnostic) bool {
	return slices.ContainsFunc(found, func(d sys.Diagnostic) bool { return d.Severity == "error" })
}

// Use takes over tree as the newest landing. Apps that changed touches are
// compiled again and their data is brought up to their manifests; nil means that
// nothing is known of them yet, and each is seen to when it is first needed.
// Each app that is now different is published as EventApp. An app that is wrong
// is no error of Use: it says so in its AppInfo.
func (r *Runtime) Use(ctx context.Context, tree fs.FS, landing sys.LandingID, changed []sys.Change) error {
	r.using.Lock()
	defer r.using.Unlock()
	found, err := Find(tree)
	if err != nil {
		return err
	}
	r.mu.Lock()
	before := maps.Clone(r.apps)
	r.mu.Unlock()
	next := map[sys.Slug]*live{}
	for _, a := range keepOwners(found, before) {
		if _, taken := next[a.Manifest.Slug]; taken {
			r.log.WarnContext(ctx, "two apps have the same slug", "slug", a.Manifest.Slug, "folder", a.Folder)
			continue
		}
		old := before[a.Manifest.Slug]
		if old != nil && old.app.Folder == a.Folder && changed != nil && !touches(changed, a.Folder) {
			same := *old
			same.tree = tree
			next[a.Manifest.Slug] = &same
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		l := &live{app: a, tree: tree, made: &made{}}
		l.info.Store(describe(a, tree, landing, a.Diagnostics))
		if changed != nil {
			r.ready(ctx, l)
		}
		next[a.Manifest.Slug] = l
	}
	r.settle(before, next)
	return nil
}

// keepOwners puts the apps that had their slug before in front: a newcomer must not
// come by the data of an app by taking its slug.
func keepOwners(found []App, before map[sys.Slug]*live) []App {
	owner := func(a App) int {
		if old := before[a.Manifest.Slug]; old != nil && old.app.Folder == a.Folder {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b App) int { return owner(a) - owner(b) })
	return found
}

// ready brings an app to where it can run: compiled, its data migrated.
func (r *Runtime) ready(ctx context.Context, l *live) {
	r.compileOnce(ctx, l)
	l.migrated.Do(func() { r.migrate(context.WithoutCancel(ctx), l) })
}

func (r *Runtime) compileOnce(ctx context.Context, l *live) {
	l.compiled.Do(func() {
		var found []sys.Diagnostic
		l.result, found = r.judge(context.WithoutCancel(ctx), l.tree, l.app)
		info := describe(l.app, l.tree, l.info.Load().Landing, found)
		if l.result != nil {
			info.Packages = slices.Sorted(maps.Keys(l.result.Missing))
		}
		r.verify(ctx, l, info)
		l.info.Store(info)
		l.done.Store(true)
	})
}

// migrate brings the data of an app that has no faults to its manifest.
func (r *Runtime) migrate(ctx context.Context, l *live) {
	info := l.info.Load()
	if !info.OK {
		return
	}
	added, problems, err := r.data.Migrate(ctx, info.Slug, l.app.Manifest.Storage.Tables)
	if len(added) > 0 {
		r.migrated(ctx, info.Slug, info.Landing, added)
	}
	found := schemaDiagnostics(l.tree, l.app, problems)
	if err != nil {
		r.log.ErrorContext(ctx, "migrating an app's data failed", "slug", info.Slug, "err", err)
		found = append(found, dataFault(info.Slug, err))
	}
	if len(found) > 0 {
		next := describe(l.app, l.tree, info.Landing, append(slices.Clone(info.Diagnostics), found...))
		r.verify(ctx, l, next)
		l.info.Store(next)
	}
}

func describe(a App, tree fs.FS, landing sys.LandingID, diagnostics []sys.Diagnostic) *sys.AppInfo {
	m := a.Manifest
	_, none := fs.Stat(tree, string(contract.Path(a.Folder)))
	if m.Runtime == RuntimeNode {
		m.Permissions = append(slices.Clone(m.Permissions), ServerPermission)
	}
	return &sys.AppInfo{
		Slug: m.Slug, Name: m.Name, Description: m.Description, Icon: m.Icon, Category: m.Category, Author: m.Author, Permissions: m.Permissions, Version: m.Version, Runtime: m.Runtime,
		Folder: a.Folder, Hidden: m.Hidden, OK: !failed(diagnostics), Contract: none == nil, Tables: slices.Sorted(maps.Keys(m.Storage.Tables)),
		Diagnostics: diagnostics, Landing: landing, Updated: time.Now().UTC(),
	}
}

// verify puts down what is known of the app as it is.
func (r *Runtime) verify(ctx context.Context, l *live, info *sys.AppInfo) {
	info.Verified, info.Failing, info.Strength, info.Weak = "", nil, nil, nil
	if !info.OK {
		return
	}
	var err error
	if info.Weak, err = Weak(l.tree, l.app.Folder); err != nil {
		r.log.WarnContext(ctx, "a contract cannot be read", "slug", info.Slug, "err", err)
	}
	if r.strength != nil && info.Contract {
		info.Strength = r.strength(info.Slug, func() (Prints, error) { return PrintsOf(l.tree, l.app.Folder) })
	}
	info.Verified = sys.VerifiedStatic
	if r.verdict == nil {
		return
	}
	print, err := r.Fingerprint(l.tree, l.app.Folder)
	if err != nil {
		r.log.WarnContext(ctx, "an app cannot be read", "slug", info.Slug, "err", err)
		return
	}
	if level, failing := r.verdict(print); level != "" || len(failing) > 0 {
		info.Verified, info.Failing = level, failing
	}
}

// Judged is to be called when more is known of an app than before: it asks for the
// verdict again and tells everybody.
func (r *Runtime) Judged(ctx context.Context, slug sys.Slug) {
	r.using.Lock()
	defer r.using.Unlock()
	r.mu.Lock()
	l := r.apps[slug]
	r.mu.Unlock()
	if l == nil || !l.done.Load() {
		return
	}
	before := l.info.Load()
	next := *before
	r.verify(ctx, l, &next)
	if reflect.DeepEqual(*before, next) {
		return
	}
	l.info.Store(&next)
	r.publish(sys.NewEvent(sys.EventApp, sys.AppData{App: next}))
}

// settle puts next in place, ends the launches of apps that went, and tells.
func (r *Runtime) settle(before, next map[sys.Slug]*live) {
	var events []sys.Event
	var ended []*launch
	r.mu.Lock()
	r.apps = next
	for slug, old := range before {
		if next[slug] == nil {
			events = append(events, sys.NewEvent(sys.EventApp, sys.AppData{App: *old.info.Load(), Removed: true}))
			if r.servers != nil {
				go r.servers.Stop(slug) // it may take a second
			}
			for _, l := range slices.Clone(r.launches[slug]) {
				if l.preview == nil {
					r.dropLocked(l)
					ended = append(ended, l)
				}
			}
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(next)) {
		if old := before[slug]; old == nil || old.made != next[slug].made && !reflect.DeepEqual(old.info.Load(), next[slug].info.Load()) {
			events = append(events, sys.NewEvent(sys.EventApp, sys.AppData{App: *next[slug].info.Load()}))
		}
	}
	r.mu.Unlock()
	r.finish(ended)
	for _, ev := range events {
		r.publish(ev)
	}
}

// touches reports whether a change lies in folder or in a shared folder that apps
// there may read.
func touches(changed []sys.Change, folder sys.Path) bool {
	for _, c := range changed {
		p := string(c.Path)
		if strings.HasPrefix(p, string(folder)+"/") {
			return true
		}
		for dir := path.Dir(string(folder)); dir != "."; dir = path.Dir(dir) {
			if strings.HasPrefix(p, dir+"/_") {
				return true
			}
		}
	}
	return false
}
