package compile

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// The namespaces of the build: an app's files, the same files as assets, the
// libraries, and modules that we make up.
const (
	inApp   = "app"
	asURL   = "url"
	asText  = "raw"
	asStyle = "tailwind"
	inLib   = "lib"
	made    = "made"
	entryID = "matrixos-entry"
)

var remote = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*:)?//`)

// plugin resolves and loads everything; esbuild never looks at a disk.
func (b *builder) plugin() api.Plugin {
	return api.Plugin{Name: "matrixos", Setup: func(p api.PluginBuild) {
		p.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(r api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case r.PluginData == native:
				return api.OnResolveResult{}, nil
			case r.Namespace == inPackage:
				return b.fromPackage(p, r)
			}
			return b.resolve(p, r)
		})
		p.OnLoad(api.OnLoadOptions{Filter: ".*"}, b.load)
	}}
}

func (b *builder) resolve(p api.PluginBuild, r api.OnResolveArgs) (api.OnResolveResult, error) {
	spec := r.Path
	switch {
	case r.Kind == api.ResolveEntryPoint:
		return api.OnResolveResult{Path: entryID, Namespace: made}, nil
	case strings.HasPrefix(spec, "data:"), strings.HasPrefix(spec, "#") && r.Kind == api.ResolveCSSURLToken:
		return api.OnResolveResult{Path: spec, External: true}, nil
	case strings.HasPrefix(spec, "matrixos:/") && r.Namespace == inLib:
		b.uses(spec)
		return api.OnResolveResult{Path: spec, External: true, SideEffects: api.SideEffectsFalse}, nil
	case strings.HasPrefix(spec, iconPrefix) && r.Namespace == inLib, spec == iconMaker:
		return api.OnResolveResult{Path: spec, Namespace: made, SideEffects: api.SideEffectsFalse}, nil
	case remote.MatchString(spec):
		return fault("the remote import %q is not allowed", "an app loads only its own files and %s", spec, b.libs.available())
	}
	spec, query, _ := strings.Cut(spec, "?")
	candidates := b.candidates(spec, r)
	if candidates == nil {
		return b.library(p, spec, r)
	}
	namespace := inApp
	switch query {
	case "raw":
		namespace = asText
	case "url", "inline":
		namespace = asURL
	case "":
	default:
		return fault("the import suffix ?%s is not supported", "supported are ?raw, ?url and ?inline%s", query, "")
	}
	var first error
	for _, c := range candidates {
		name, err := b.now.probe(c)
		if err == nil {
			if namespace == inApp && r.Kind == api.ResolveJSImportStatement && path.Ext(name) == ".css" && !strings.HasSuffix(name, ".module.css") {
				if _, ok := b.tailored(name); ok {
					namespace = asStyle
				}
			}
			return api.OnResolveResult{Path: name, Namespace: namespace}, nil
		}
		if first == nil {
			first = err
		}
	}
	return fault("%s", "", first.Error(), "")
}

// fault is an error of the app, with a hint where there is one.
func fault(text, hint, arg, hintArg string) (api.OnResolveResult, error) {
	m := api.Message{Text: fmt.Sprintf(text, arg)}
	if hint != "" {
		m.Notes = []api.Note{{Text: fmt.Sprintf(hint, hintArg)}}
	}
	return api.OnResolveResult{Errors: []api.Message{m}}, nil
}

// candidates lists the paths that spec may mean, or nil if it names a library.
func (b *builder) candidates(spec string, r api.OnResolveArgs) []string {
	folder := b.now.folder
	css := r.Kind == api.ResolveCSSURLToken || r.Kind == api.ResolveCSSImportRule
	for _, a := range b.alias {
		if m := a.match(spec); m != nil {
			return m
		}
	}
	switch {
	case strings.HasPrefix(spec, "/"): // Vite's root, then its public folder
		return []string{folder + path.Clean(spec), folder + "/public" + path.Clean(spec)}
	case strings.HasPrefix(spec, "./"), strings.HasPrefix(spec, "../"), spec == ".", spec == "..", css && b.libs.byName[spec].Name == "" && spec != "tailwindcss":
		dir := path.Dir(r.Importer)
		if r.Namespace == made {
			dir = folder
		}
		return []string{path.Join(dir, spec)}
	}
	return nil
}

func (b *builder) library(p api.PluginBuild, spec string, r api.OnResolveArgs) (api.OnResolveResult, error) {
	importer := r.Importer
	if spec == lucide { // each file has a lucide of its own, with the icons it names
		return api.OnResolveResult{Path: lucide + "|" + importer, Namespace: inLib, SideEffects: api.SideEffectsFalse}, nil
	}
	if m, ok := b.libs.byName[spec]; ok {
		if len(m.Exports) > manyExports {
			spec += "|" + importer
		}
		return api.OnResolveResult{Path: spec, Namespace: inLib, SideEffects: api.SideEffectsFalse}, nil
	}
	if r, ok := b.fromConfig(spec, importer); ok {
		return r, nil
	}
	if _, ok := b.declared[packageOf(spec)]; ok {
		return b.installedPackage(p, spec, r)
	}
	names := slices.Sorted(maps.Keys(b.libs.byName))
	hint := "available are " + b.libs.available() + "; another is installed from npm if dependencies in package.json names it"
	if n := Nearest(spec, append(names, lucide)); n != "" {
		hint = fmt.Sprintf("did you mean %q? %s", n, hint)
	}
	if strings.HasPrefix(spec, "tailwindcss") {
		hint = "Tailwind is there for stylesheets: import a .css file that says @import \"tailwindcss\";"
	}
	return fault("the package %q is not available to apps", "%s", spec, hint)
}

const lucide = "lucide-react"

var loaders = map[string]api.Loader{
	".tsx": api.LoaderTSX, ".ts": api.LoaderTS, ".mts": api.LoaderTS, ".jsx": api.LoaderJSX, ".js": api.LoaderJSX, ".mjs": api.LoaderJS,
	".css": api.LoaderCSS, ".json": api.LoaderJSON, ".txt": api.LoaderText, ".md": api.LoaderText, ".csv": api.LoaderText,
}

var assets = []string{".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".ico", ".woff", ".woff2", ".ttf", ".otf", ".mp3", ".ogg", ".wav", ".mp4", ".webm", ".pdf", ".wasm", ".html", ".xml", ".glsl"}

// inlineBelow is how large an asset may be to become a data URL.
const inlineBelow = 128 << 10

func (b *builder) load(l api.OnLoadArgs) (api.OnLoadResult, error) {
	switch l.Namespace {
	case made:
		return b.make(l.Path)
	case inPackage:
		return b.loadPackage(l.Path)
	case asStyle:
		s := b.tailwindModule(l.Path)
		return api.OnLoadResult{Contents: &s, Loader: api.LoaderJS}, nil
	case inLib:
		name, importer := split(l.Path)
		if name == lucide {
			t, err := b.libs.icons()
			if err != nil {
				return api.OnLoadResult{}, err
			}
			s := t.module(b.source(importer))
			return api.OnLoadResult{Contents: &s, Loader: api.LoaderJS}, nil
		}
		s := facade(b.libs.byName[name], b.source(importer))
		return api.OnLoadResult{Contents: &s, Loader: api.LoaderJS}, nil
	}
	raw, ok := b.now.files[l.Path]
	if !ok {
		return api.OnLoadResult{}, fmt.Errorf("%s is gone", l.Path)
	}
	s := string(raw)
	loader, ok := loaders[strings.ToLower(path.Ext(l.Path))]
	switch {
	case l.Namespace == asText:
		loader = api.LoaderText
	case l.Namespace == asURL, !ok && slices.Contains(assets, strings.ToLower(path.Ext(l.Path))):
		loader = api.LoaderDataURL
		if len(raw) > inlineBelow {
			loader = api.LoaderFile
		}
	case !ok:
		return api.OnLoadResult{}, fmt.Errorf("files of type %q cannot be imported; add ?raw for the text or ?url for an address", path.Ext(l.Path))
	case strings.HasSuffix(l.Path, ".module.css"):
		loader = api.LoaderLocalCSS
	}
	return api.OnLoadResult{Contents: &s, Loader: loader}, nil
}

func (b *builder) make(name string) (api.OnLoadResult, error) {
	source := b.entry
	switch {
	case name == iconMaker:
		source = iconMakerSource
	case strings.HasPrefix(name, nothing):
		source = nothingSource
	case strings.HasPrefix(name, iconPrefix):
		t, err := b.libs.icons()
		if err != nil {
			return api.OnLoadResult{}, err
		}
		id, node := t.find(strings.TrimPrefix(name, iconPrefix))
		source = iconSource(id, node)
	}
	return api.OnLoadResult{Contents: &source, Loader: api.LoaderTSX}, nil
}

// source is the text of a module that imports something.
func (b *builder) source(importer string) []byte {
	if importer == entryID {
		return []byte(b.entry)
	}
	return b.now.files[importer]
}
