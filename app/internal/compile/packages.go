package compile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Packages is what has been installed from npm.
type Packages interface {
	// Folder is where the wanted packages, by name and version range, are installed
	// in node_modules, with the versions of lock if it is not empty; false if they
	// are not.
	Folder(wanted map[string]string, lock []byte) (string, bool)
}

// inPackage is the namespace of files of installed packages; native marks what
// esbuild is asked to resolve by itself.
const (
	inPackage = "package"
	native    = "matrixos-native"
)

// mostPackage bounds a file of a package.
const mostPackage = 16 << 20

// declared reads the dependencies of the app's package.json.
func declared(snap *snapshot) map[string]string {
	var p struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if json.Unmarshal(snap.files[snap.folder+"/package.json"], &p) != nil {
		return nil // npm's file; the app's imports are checked one by one
	}
	return p.Dependencies
}

// Dependencies are those that the package.json of an app's folder names.
func Dependencies(tree fs.FS, folder string) map[string]string {
	raw, err := fs.ReadFile(tree, folder+"/package.json")
	if err != nil {
		return nil
	}
	return declared(&snapshot{folder: folder, files: map[string][]byte{folder + "/package.json": raw}})
}

// packageOf is the package that an import names: "@a/b" of "@a/b/c".
func packageOf(spec string) string {
	parts := strings.SplitN(spec, "/", 3)
	if strings.HasPrefix(spec, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// runInstalled builds; if that asks for packages from npm, and they are installed,
// it builds with them.
func (b *builder) runInstalled(snap *snapshot, r *Result) (api.BuildResult, bool) {
	for {
		b.modules.seen, b.modules.wanted = map[string]bool{}, map[string]string{}
		built, ok := b.run(r)
		if !ok || len(b.modules.wanted) == 0 {
			return built, ok
		}
		folder, there := "", false
		if b.packages != nil {
			folder, there = b.packages.Folder(b.modules.wanted, snap.files[snap.folder+"/package-lock.json"])
		}
		if !there && b.installed != "" { // it is of fewer packages
			b.installed = ""
			continue
		}
		if !there {
			r.Missing = b.modules.wanted
			return built, ok
		}
		if folder == b.installed {
			return built, ok
		}
		b.installed = folder
	}
}

// installedPackage resolves an import of a package that the app's package.json
// names.
func (b *builder) installedPackage(p api.PluginBuild, spec string, r api.OnResolveArgs) (api.OnResolveResult, error) {
	name := packageOf(spec)
	b.modules.Lock()
	b.modules.wanted[name] = b.declared[name]
	b.modules.Unlock()
	if b.installed == "" {
		return fault("the package %q is not installed", "%s", name, "it comes from npm: the owner allows it once, in the app's window or with `matrixos apps packages allow "+name+"`")
	}
	return b.native(p, spec, b.installed, r.Kind)
}

// fromPackage resolves an import in a file of an installed package. Libraries of the
// binary go first, so that there is one React.
func (b *builder) fromPackage(p api.PluginBuild, r api.OnResolveArgs) (api.OnResolveResult, error) {
	if _, ok := b.libs.byName[r.Path]; ok || r.Path == lucide {
		return b.library(p, r.Path, r)
	}
	if strings.HasPrefix(r.Path, "data:") || remote.MatchString(r.Path) || strings.HasPrefix(r.Path, "#") && r.Kind == api.ResolveCSSURLToken {
		return api.OnResolveResult{Path: r.Path, External: true}, nil
	}
	return b.native(p, r.Path, r.ResolveDir, r.Kind)
}

// native lets esbuild find a module on the disk, and takes it only if it lies in the
// folder of what is installed.
func (b *builder) native(p api.PluginBuild, spec, dir string, kind api.ResolveKind) (api.OnResolveResult, error) {
	found := p.Resolve(spec, api.ResolveOptions{ResolveDir: dir, Kind: kind, PluginData: native})
	if len(found.Errors) > 0 {
		if kind == api.ResolveJSRequireCall || kind == api.ResolveJSDynamicImport {
			return api.OnResolveResult{Path: nothing + spec, Namespace: made}, nil // of Node: tried, and done without
		}
		return fault("%q cannot be found in what is installed from npm", "%s", spec, "a package that needs Node is for apps with the runtime node")
	}
	if found.Namespace != "file" { // its package says that a browser does without
		return api.OnResolveResult{Path: nothing + spec, Namespace: made}, nil
	}
	real, err := filepath.EvalSymlinks(b.installed)
	if err != nil {
		return api.OnResolveResult{}, err
	}
	rel, err := filepath.Rel(real, found.Path)
	if err != nil || !filepath.IsLocal(rel) {
		return fault("%q leads out of what is installed from npm", "", spec, "")
	}
	effects := api.SideEffectsTrue
	if !found.SideEffects {
		effects = api.SideEffectsFalse
	}
	return api.OnResolveResult{Path: found.Path, Namespace: inPackage, SideEffects: effects}, nil
}

// loadPackage reads a file of an installed package, through no link that leads out.
func (b *builder) loadPackage(name string) (_ api.OnLoadResult, err error) {
	real, err := filepath.EvalSymlinks(b.installed)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	rel, err := filepath.Rel(real, name)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	defer root.Close()
	info, err := root.Stat(rel)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	if info.Size() > mostPackage {
		return api.OnLoadResult{}, fmt.Errorf("%s has %d bytes, more than %d", rel, info.Size(), mostPackage)
	}
	raw, err := fs.ReadFile(root.FS(), filepath.ToSlash(rel))
	if err != nil {
		return api.OnLoadResult{}, err
	}
	s, ext := string(raw), strings.ToLower(path.Ext(rel))
	loader, ok := loaders[ext]
	switch {
	case ext == ".js" || ext == ".cjs" || ext == ".mjs" || ext == "":
		loader = api.LoaderJS
	case strings.HasSuffix(rel, ".module.css"):
		loader = api.LoaderLocalCSS
	case !ok && slices.Contains(assets, ext):
		loader = api.LoaderDataURL
		if len(raw) > inlineBelow {
			loader = api.LoaderFile
		}
	case !ok:
		return api.OnLoadResult{}, fmt.Errorf("files of type %q cannot be imported", ext)
	}
	return api.OnLoadResult{Contents: &s, Loader: loader, ResolveDir: filepath.Dir(name)}, nil
}
