package compile

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"matrixos/sys"
)

var (
	noExport = regexp.MustCompile(`^No matching export in "([^"]*)" for import "([^"]*)"`)
	// The other form: a property of `import * as X` that is not there.
	noMember = regexp.MustCompile(`^Import "([^"]*)" will always be undefined because there is no matching export in "([^"]*)"`)
)

// diagnostics puts esbuild's messages in our words and paths.
func (b *builder) diagnostics(severity string, messages []api.Message) []sys.Diagnostic {
	var out []sys.Diagnostic
	for _, m := range messages {
		d := sys.Diagnostic{Severity: severity, Text: m.Text}
		if l := m.Location; l != nil {
			d.File, d.Line, d.Column, d.Source = sys.Path(strings.TrimPrefix(l.File, inApp+":")), l.Line, l.Column+1, l.LineText
			d.Hint = l.Suggestion
		}
		for _, n := range m.Notes {
			if d.Hint == "" {
				d.Hint = n.Text
			}
		}
		b.explain(&d)
		if in, ok := strings.CutPrefix(string(d.File), inPackage+":"); ok { // nobody mends it there
			_, short, _ := strings.Cut(in, "/node_modules/")
			d.Text, d.File, d.Line, d.Column, d.Source = "in the package "+short+": "+d.Text, sys.Path(b.folder+"/package.json"), 1, 0, ""
		}
		if strings.HasPrefix(string(d.File), made+":") || strings.HasPrefix(string(d.File), inLib+":") {
			d.File, d.Line, d.Column, d.Source = sys.Path(b.folder+"/index.html"), 1, 0, ""
		}
		out = append(out, d)
	}
	return out
}

// explain rewrites the messages about names that a library does not have.
func (b *builder) explain(d *sys.Diagnostic) {
	module, name := "", ""
	if m := noExport.FindStringSubmatch(d.Text); m != nil {
		module, name = m[1], m[2]
	} else if m := noMember.FindStringSubmatch(d.Text); m != nil {
		module, name = m[2], m[1]
	}
	from, ok := strings.CutPrefix(module, inLib+":")
	switch {
	case module == "":
		return
	case !ok:
		file := shortPath(strings.TrimPrefix(module, inApp+":"), b.folder)
		d.Text = "there is no export " + name + " in " + file
		if name == "default" && strings.HasPrefix(string(d.File), made+":") {
			d.File, d.Line = sys.Path(strings.TrimPrefix(module, inApp+":")), 1
			d.Text, d.Hint = file+" has no default export", "export default the component that is the app"
		}
		return
	}
	var names []string
	from, _ = split(from)
	if from == lucide {
		if t, err := b.libs.icons(); err == nil {
			names = slices.Sorted(maps.Keys(t.Names))
		}
	} else {
		names = b.libs.byName[from].Exports
	}
	d.Text = "there is no " + name + " in " + from
	d.Hint = ""
	if n := Nearest(name, names); n != "" {
		d.Hint = "did you mean " + n + "?"
	} else if from != lucide && len(names) <= 60 {
		d.Hint = "there are " + strings.Join(names, ", ")
	}
}
