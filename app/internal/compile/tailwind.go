package compile

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// tailwind is the library that compiles Tailwind's classes in the page; its name is
// the compiler's own.
const tailwind = "@matrixos/tailwind"

// tailwindGlobal is what a page may set its config on.
const tailwindGlobal = `<script>window.tailwind = {};</script>`

// tailwindFile is where a static page finds it.
const tailwindFile = "_tailwind.js"

var (
	directives = regexp.MustCompile(`@(?:tailwind|apply|theme|utility|custom-variant|plugin|config|reference)\b|@import\s+["'](?:tailwindcss|tw-animate-css)`)
	cssImport  = regexp.MustCompile(`@import\s+(?:url\()?["']?([^"');]+)["']?\)?([^;]*);`)
	outdated   = regexp.MustCompile(`@tailwind\s+(\w+)\s*;`)
	addOn      = regexp.MustCompile(`@(?:plugin|config|source|reference)\s+[^;{]*(?:;|\{[^}]*\})`)
	// The addresses under which pages load Tailwind from elsewhere.
	tailwindCDN = regexp.MustCompile(`^(?:https?:)?//(?:cdn\.tailwindcss\.com|(?:cdn\.jsdelivr\.net/npm|unpkg\.com)/(?:@tailwindcss/browser|tailwindcss))`)
)

// Version 3 names its layers one by one; version 4 imports them.
var layers = map[string]string{
	"base":       `@layer theme, base, components, utilities; @import "tailwindcss/theme" layer(theme); @import "tailwindcss/preflight" layer(base);`,
	"utilities":  `@import "tailwindcss/utilities" layer(utilities);`,
	"components": "", "variants": "", "screens": "",
}

// tailored reports whether a stylesheet, with what it imports of the app, is
// Tailwind's to read, and returns it in one piece.
func (b *builder) tailored(name string) (string, bool) {
	css := b.flat(name, nil)
	return css, directives.MatchString(css)
}

// flat is a stylesheet with the app's own imports in it.
func (b *builder) flat(name string, above []string) string {
	if slices.Contains(above, name) || len(above) > 16 {
		return "" // it imports itself
	}
	return cssImport.ReplaceAllStringFunc(string(b.now.files[name]), func(rule string) string {
		m := cssImport.FindStringSubmatch(rule)
		spec := strings.TrimSpace(m[1])
		for _, c := range b.candidates(spec, api.OnResolveArgs{Path: spec, Importer: name, Kind: api.ResolveCSSImportRule}) {
			if file, err := b.now.probe(c); err == nil {
				return b.flat(file, append(slices.Clone(above), name))
			}
		}
		return rule
	})
}

// tailwindModule is the source of the module that hands a stylesheet to Tailwind,
// with the config that the app has.
func (b *builder) tailwindModule(name string) string {
	css, _ := b.tailored(name)
	css = outdated.ReplaceAllStringFunc(css, func(rule string) string { return layers[outdated.FindStringSubmatch(rule)[1]] })
	css = addOn.ReplaceAllString(css, "")
	css = cssImport.ReplaceAllStringFunc(css, func(rule string) string {
		if remote.MatchString(cssImport.FindStringSubmatch(rule)[1]) {
			return "" // typefaces from elsewhere: there is no network
		}
		return rule
	})
	config := ""
	for _, ext := range []string{".ts", ".js", ".mjs", ".cjs"} {
		if _, ok := b.now.files[b.now.folder+"/tailwind.config"+ext]; ok {
			config = "import config from \"/tailwind.config" + ext + "\";\n"
			break
		}
	}
	argument := ""
	if config != "" {
		argument = ", config"
	}
	return fmt.Sprintf("import { style } from %q;\n%sstyle(%s%s);\n", tailwind, config, strconv.Quote(css), argument)
}

// fromConfig resolves what a tailwind.config imports: add-ons that are not there
// count as nothing.
func (b *builder) fromConfig(spec, importer string) (api.OnResolveResult, bool) {
	if !strings.HasPrefix(path.Base(importer), "tailwind.config.") {
		return api.OnResolveResult{}, false
	}
	return api.OnResolveResult{Path: nothing + spec, Namespace: made, SideEffects: api.SideEffectsFalse}, true
}

const nothing = "matrixos-nothing:"

// A value of which everything may be asked, and that is empty.
const nothingSource = `const none = new Proxy(function () {}, { get: (_, k) => (k === Symbol.iterator ? function* () {} : k === Symbol.toPrimitive ? () => "" : k === "then" || k === "__esModule" ? undefined : none), apply: () => none });
module.exports = none;
`

// ownTailwind has a static page load our Tailwind where it names that of the
// internet.
func (l *Libraries) ownTailwind(doc []byte, r *Result) []byte {
	m, ok := l.byName[tailwind]
	if !ok {
		return doc
	}
	var out []byte
	last := 0
	for _, e := range elements(doc) {
		if e.name != "script" || !tailwindCDN.MatchString(e.attributes["src"]) {
			continue
		}
		raw, err := l.File(m.File)
		if err != nil {
			return doc
		}
		r.Files[tailwindFile] = raw
		out = append(out, doc[last:e.start]...)
		out = append(out, tailwindGlobal+`<script type="module" src="./`+tailwindFile+`"></script>`...)
		last = e.close
	}
	return append(out, doc[last:]...)
}
