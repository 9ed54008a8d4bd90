// Package compile turns an app's folder into what a browser runs: TypeScript, JSX
// and CSS are bundled in process by esbuild, and the documents of apps are put
// together. It reads a tree and writes nothing; esbuild sees only what the plugin
// hands it, so an app cannot import from outside its folder or from the network.
package compile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"matrixos/sys"
)

// Result is one compiled app. It is shared and must not be changed.
type Result struct {
	OK          bool
	Diagnostics []sys.Diagnostic
	Page        *Page                      // the document, of index.html
	Files       map[string][]byte          // what else is served, by path below the document
	Entry       string                     // the module to import, "" in static apps
	Modules     []string                   // specifiers of the libraries that Entry needs
	Icons       map[string]json.RawMessage // drawings of the icons that the code names
	Hash        string                     // of the sources
	Missing     map[string]string          // packages to be installed from npm first, with their versions
	Took        time.Duration
}

// Compiler compiles apps and remembers: unchanged sources cost only their reading,
// changed ones an incremental build. It is safe for concurrent use.
type Compiler struct {
	libs     *Libraries
	packages Packages

	mu       sync.Mutex
	builders []*builder // the most recently used last
	results  map[string]*Result
	recent   []string // keys of results, the newest last
}

const (
	keepBuilders = 12 // each holds about 2 MB
	keepResults  = 128
)

// New makes a compiler on the built libraries and what is installed from npm, which
// may be nil.
func New(libs *Libraries, packages Packages) *Compiler {
	return &Compiler{libs: libs, packages: packages, results: map[string]*Result{}}
}

// Close frees what the incremental builds hold.
func (c *Compiler) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.builders {
		b.dispose()
	}
	c.builders = nil
}

// Build compiles the app in folder of tree; source says whether it has to be
// bundled (the vite runtime) or is served as it is. Whatever is wrong with the app
// is in the result's diagnostics; an error means that the tree could not be read.
func (c *Compiler) Build(tree fs.FS, folder sys.Path, source bool) (*Result, error) {
	start := time.Now()
	snap, err := take(tree, string(folder))
	if err != nil {
		kind := sys.Invalid
		if errors.Is(err, fs.ErrNotExist) {
			kind = sys.NotFound
		}
		return nil, &sys.Error{Op: "read the app", Path: string(folder), Kind: kind, Err: err}
	}
	key := fmt.Sprint(folder, source, snap.hash)
	if r := c.remembered(key); r != nil {
		return r, nil
	}
	var r *Result
	if source {
		b := c.builder(string(folder))
		r = b.build(snap)
	} else {
		r = static(snap, c.libs)
	}
	r.Hash, r.Took = snap.hash, time.Since(start)
	for i, name := range snap.links { // before what comes of it
		severity := "warning"
		if !r.OK {
			severity = "error"
		}
		r.Diagnostics = slices.Insert(r.Diagnostics, i, Link(severity, sys.Path(name)))
	}
	slices.SortStableFunc(r.Diagnostics, func(a, b sys.Diagnostic) int { return strings.Compare(a.Severity, b.Severity) }) // errors first
	if len(r.Missing) == 0 {                                                                                               // they may come
		c.remember(key, r)
	}
	return r, nil
}

func (c *Compiler) remembered(key string) *Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.results[key]
}

func (c *Compiler) remember(key string, r *Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.results[key] == nil {
		c.recent = append(c.recent, key)
	}
	c.results[key] = r
	if len(c.recent) > keepResults {
		delete(c.results, c.recent[0])
		c.recent = c.recent[1:]
	}
}

// builder finds or makes the incremental build of a folder.
func (c *Compiler) builder(folder string) *builder {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.builders, func(b *builder) bool { return b.folder == folder })
	var b *builder
	if i >= 0 {
		b = c.builders[i]
		c.builders = slices.Delete(c.builders, i, i+1)
	} else {
		b = &builder{libs: c.libs, packages: c.packages, folder: folder}
	}
	c.builders = append(c.builders, b)
	if len(c.builders) > keepBuilders {
		go c.builders[0].dispose() // it may be building; dispose waits for that
		c.builders = c.builders[1:]
	}
	return b
}

// builder is the incremental build of one folder.
type builder struct {
	libs     *Libraries
	packages Packages
	folder   string

	mu     sync.Mutex // one build at a time; guards what follows
	edited bool       // it has been built before: keep what makes the next build fast
	ctx    api.BuildContext
	gone   bool
	now    *snapshot
	entry  string
	alias  []alias

	declared  map[string]string // dependencies in package.json
	installed string            // the folder with what is installed of them
	modules   struct {
		sync.Mutex
		seen   map[string]bool
		wanted map[string]string // packages from npm
	}
}

func (b *builder) uses(specifier string) {
	b.modules.Lock()
	defer b.modules.Unlock()
	b.modules.seen[specifier] = true
}

func (b *builder) dispose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	if b.ctx != nil {
		b.ctx.Dispose()
		b.ctx = nil
	}
}

func (b *builder) options() api.BuildOptions {
	return api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{{InputPath: entryID, OutputPath: "_app"}},
		Bundle:              true, Splitting: true, Format: api.FormatESModule, Outdir: "/out", AbsWorkingDir: "/",
		PublicPath: "./", ChunkNames: "_chunk-[hash]", AssetNames: "_asset-[hash]",
		JSX: api.JSXAutomatic, Target: api.ES2022, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		TsconfigRaw: `{"compilerOptions":{"jsx":"react-jsx","target":"es2022","useDefineForClassFields":true,"experimentalDecorators":true}}`,
		Define: map[string]string{
			"process.env.NODE_ENV": `"production"`, "process.env": "{}", "global": "globalThis",
			"import.meta.env":      `{"MODE":"production","DEV":false,"PROD":true,"SSR":false,"BASE_URL":"./"}`,
			"import.meta.env.MODE": `"production"`, "import.meta.env.BASE_URL": `"./"`,
			"import.meta.env.DEV": "false", "import.meta.env.PROD": "true", "import.meta.env.SSR": "false",
		},
		Write: false, LogLevel: api.LogLevelSilent, LogLimit: 50,
		Plugins: []api.Plugin{b.plugin()},
	}
}

func (b *builder) build(snap *snapshot) *Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &Result{Files: map[string][]byte{}, Entry: "./_app.js"}
	page, entry, problems := viteEntry(snap)
	r.Page, r.Diagnostics = page, problems
	if entry == "" {
		return r
	}
	b.now, b.entry, b.alias = snap, entry, snap.aliases()
	b.declared = declared(snap)
	built, ok := b.runInstalled(snap, r)
	if !ok {
		return r
	}
	r.Diagnostics = append(r.Diagnostics, b.diagnostics("error", built.Errors)...)
	r.Diagnostics = append(r.Diagnostics, b.diagnostics("warning", built.Warnings)...)
	r.OK = !slices.ContainsFunc(r.Diagnostics, func(d sys.Diagnostic) bool { return d.Severity == "error" })
	for _, f := range built.OutputFiles {
		r.Files[strings.TrimPrefix(f.Path, "/out/")] = f.Contents
	}
	b.serveAssets(snap, r)
	if r.OK {
		b.need(r)
	}
	return r
}

// run lets esbuild build. Most apps are built once, when the system starts: only
// from the second build on is memory spent on making the next one fast.
func (b *builder) run(r *Result) (api.BuildResult, bool) {
	if !b.edited {
		b.edited = true
		return api.Build(b.options()), true
	}
	if b.ctx == nil {
		ctx, err := api.Context(b.options())
		if err != nil {
			r.Diagnostics = append(r.Diagnostics, b.diagnostics("error", err.Errors)...)
			return api.BuildResult{}, false
		}
		b.ctx = ctx
	}
	built := b.ctx.Rebuild()
	if b.gone {
		b.ctx.Dispose()
		b.ctx = nil
	}
	return built, true
}

// serveAssets adds the files that the app names by address: Vite's public folder
// and the assets beside the sources. Sources are not served.
func (b *builder) serveAssets(snap *snapshot, r *Result) {
	for name, raw := range snap.files {
		rest, ok := strings.CutPrefix(name, snap.folder+"/")
		if !ok {
			continue
		}
		if public, ok := strings.CutPrefix(rest, "public/"); ok {
			rest = public
		} else if !slices.Contains(assets, strings.ToLower(path.Ext(rest))) {
			continue
		}
		if _, taken := r.Files[rest]; !taken {
			r.Files[rest] = raw
		}
	}
}

// need finds the libraries and icons that the compiled code asks for.
func (b *builder) need(r *Result) {
	var specifiers []string
	for s := range b.modules.seen {
		specifiers = append(specifiers, s)
	}
	r.Modules = b.libs.closure(specifiers)
	if _, drawn := b.libs.byName["@matrixos/ui"]; !drawn || !b.modules.seen[b.libs.byName["@matrixos/ui"].Specifier] {
		return
	}
	t, err := b.libs.icons()
	if err != nil {
		r.OK = false
		r.Diagnostics = append(r.Diagnostics, sys.Diagnostic{Severity: "error", Text: err.Error()})
		return
	}
	r.Icons = map[string]json.RawMessage{}
	for name, raw := range r.Files {
		if path.Ext(name) == ".js" {
			maps.Copy(r.Icons, t.mentioned(raw))
		}
	}
}
