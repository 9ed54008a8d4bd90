package compile

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/sys"
)

// libraries loads the built runtime. Developers without it skip; CI has to have it.
func libraries(t testing.TB) *Libraries {
	t.Helper()
	l, err := Load(os.DirFS("../../../web/runtime/dist"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return l
}

// sample is the home in testdata, in memory, so that tests can change it.
func sample(t testing.TB) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	root := os.DirFS("../../testdata/home")
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(root, p)
		out[p] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func build(t testing.TB, c *Compiler, tree fs.FS, folder string, source bool) *Result {
	t.Helper()
	r, err := c.Build(tree, sys.Path(folder), source)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCompilesAViteAppAsItIs(t *testing.T) {
	c := New(libraries(t), nil)
	defer c.Close()
	r := build(t, c, sample(t), "apps/studio", true)
	if !r.OK || len(r.Diagnostics) > 0 {
		t.Fatalf("diagnostics: %+v", r.Diagnostics)
	}
	js, css := string(r.Files["_app.js"]), string(r.Files["_app.css"])
	for _, want := range []string{"lucide", "A small studio", "data:image/svg+xml", `from "matrixos:/react-jsx-runtime.mjs"`, `"production"`} {
		if !strings.Contains(js, want) {
			t.Errorf("_app.js lacks %q", want)
		}
	}
	for _, unwanted := range []string{"process.env", "import.meta.env", "RotateCw"} {
		if strings.Contains(js, unwanted) {
			t.Errorf("_app.js still has %q", unwanted)
		}
	}
	if !strings.Contains(css, "Header") && !strings.Contains(css, "_head") {
		t.Errorf("no CSS module in %s", css)
	}
	for _, m := range []string{"matrixos:/react.mjs", "matrixos:/react-dom-client.mjs", "matrixos:/date-fns.mjs", "matrixos:/clsx.mjs"} {
		if !slices.Contains(r.Modules, m) {
			t.Errorf("modules lack %s: %v", m, r.Modules)
		}
	}
	if slices.Contains(r.Modules, "matrixos:/recharts.mjs") {
		t.Error("recharts is loaded though nothing imports it")
	}
	if page := string(r.Page.Head) + string(r.Page.Rest); strings.Contains(page, "main.tsx") || !strings.Contains(page, `href="./favicon.svg"`) || !strings.Contains(page, `id="root"`) {
		t.Errorf("page:\n%s", page)
	}
	if r.Files["favicon.svg"] == nil || r.Files["src/App.tsx"] != nil {
		t.Errorf("served files: %v", slices.Sorted(maps.Keys(r.Files)))
	}
}

// TestAnAppWithoutLibrariesCompiles: the loader reads the list of what it needs, so that
// is none, and not nothing.
func TestAnAppWithoutLibrariesCompiles(t *testing.T) {
	c := New(libraries(t), nil)
	defer c.Close()
	r := build(t, c, fstest.MapFS{
		"apps/x/index.html":  {Data: []byte(`<div id="root"></div><script type="module" src="/src/main.ts"></script>`)},
		"apps/x/src/main.ts": {Data: []byte("document.body.textContent = \"hello\";\n")},
	}, "apps/x", true)
	if list, err := json.Marshal(r.Modules); err != nil || !r.OK || string(list) != "[]" {
		t.Errorf("%s, %v, %+v", list, err, r.Diagnostics)
	}
}

func TestIconsComeWithTheAppThatNamesThem(t *testing.T) {
	c := New(libraries(t), nil)
	defer c.Close()
	tree := fstest.MapFS{"apps/x/src/App.tsx": {Data: []byte(`import { Button } from "@matrixos/ui"; export default () => <Button icon="dumbbell">Train</Button>;`)}}
	r := build(t, c, tree, "apps/x", true)
	if !r.OK || r.Icons["dumbbell"] == nil || len(r.Icons) > 2 {
		t.Errorf("icons %v, diagnostics %+v", slices.Sorted(maps.Keys(r.Icons)), r.Diagnostics)
	}
}

func TestCompileErrors(t *testing.T) {
	c := New(libraries(t), nil)
	defer c.Close()
	tests := []struct {
		name, source string
		text, hint   string
		file         string
		line         int
	}{
		{"syntax", "export default () => (\n  <div>\n);\n", "before a closing \"div\" tag", "</div>", "src/App.tsx", 4},
		{"unknown icon", "import { Walet } from \"lucide-react\";\nexport default () => <Walet />;\n", "there is no Walet in lucide-react", "Wallet", "src/App.tsx", 1},
		{"unknown component", "import { Traker } from \"@matrixos/ui\";\nexport default () => <Traker />;\n", "there is no Traker in @matrixos/ui", "Tracker", "src/App.tsx", 1},
		{"unknown package", "import ky from \"ky\";\nexport default () => ky;\n", `the package "ky" is not available`, "available are", "src/App.tsx", 1},
		{"misspelt package", "import { format } from \"datefns\";\nexport default () => format;\n", `the package "datefns"`, `did you mean "date-fns"?`, "src/App.tsx", 1},
		{"remote import", "import x from \"https://esm.sh/x\";\nexport default () => x;\n", "remote import", "own files", "src/App.tsx", 1},
		{"missing file", "import { x } from \"./Othr\";\nexport default () => x;\n", "there is no file src/Othr", "", "src/App.tsx", 1},
		{"outside", "import x from \"../../../system/config.json\";\nexport default () => x;\n", "outside this app", "", "src/App.tsx", 1},
		{"sibling", "import x from \"../../other/src/secret\";\nexport default () => x;\n", "outside this app", "", "src/App.tsx", 1},
		{"root", "import x from \"/../../system/config.json\";\nexport default () => x;\n", "there is no file", "", "src/App.tsx", 1},
		{"alias out", "import x from \"@/../../other/src/secret\";\nexport default () => x;\n", "outside this app", "", "src/App.tsx", 1},
		{"no default", "export const App = () => null;\n", "no default export", "export default", "src/App.tsx", 1},
		{"css outside", "import \"./bad.css\";\nexport default () => null;\n", "outside this app", "", "src/bad.css", 1},
		{"reaching for ours", "import \"matrixos:/react.mjs\";\nexport default () => null;\n", "not available", "", "src/App.tsx", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"apps/x/src/App.tsx":       {Data: []byte(tt.source)},
				"apps/x/src/Other.tsx":     {Data: []byte("export const x = 1;")},
				"apps/x/src/bad.css":       {Data: []byte("@import \"../../../system/soul.css\";")},
				"apps/other/src/secret.ts": {Data: []byte("export default 42;")},
				"system/config.json":       {Data: []byte("{}")},
				"system/soul.css":          {Data: []byte("")},
			}
			r := build(t, c, tree, "apps/x", true)
			if r.OK || len(r.Diagnostics) == 0 {
				t.Fatalf("compiled: %s", r.Files["_app.js"])
			}
			d := r.Diagnostics[0]
			if !strings.Contains(d.Text, tt.text) || !strings.Contains(d.Hint, tt.hint) || string(d.File) != "apps/x/"+tt.file || d.Line != tt.line {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// The page about apps names every library there is.
func TestLibrariesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../doc/apps.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Split(libraries(t).available(), ", ") {
		if name != "react-dom/client" && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("doc/apps.md does not name %s", name)
		}
	}
}

func TestIncrementalBuildSeesEveryChange(t *testing.T) {
	c := New(libraries(t), nil)
	defer c.Close()
	tree := sample(t)
	first := build(t, c, tree, "apps/studio", true)
	if again := build(t, c, tree, "apps/studio", true); again != first {
		t.Error("unchanged sources were compiled again")
	}
	tree["apps/_shared/words.ts"] = &fstest.MapFile{Data: []byte("export const plural = (n: number, noun: string) => `shared ${n} ${noun}`;")}
	if r := build(t, c, tree, "apps/studio", true); !strings.Contains(string(r.Files["_app.js"]), "shared $") {
		t.Error("a change in the shared folder is not seen")
	}
	tree["apps/studio/src/App.tsx"] = &fstest.MapFile{Data: []byte("export default () => <p>{missing</p>")}
	if r := build(t, c, tree, "apps/studio", true); r.OK {
		t.Error("a broken file compiled")
	}
	delete(tree, "apps/studio/src/App.tsx")
	if r := build(t, c, tree, "apps/studio", true); r.OK {
		t.Error("a missing file compiled")
	}
	if r := build(t, c, sample(t), "apps/studio", true); r != first {
		t.Error("the first state is not remembered")
	}
}

func TestLinksLeadNowhere(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.txt", "the secret")
	write("home/apps/x/src/App.tsx", `import s from "./secret.txt"; export default () => s;`)
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(dir, "home/apps/x/src/secret.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "home/apps/x"), filepath.Join(dir, "home/apps/linked")); err != nil {
		t.Fatal(err)
	}
	c := New(libraries(t), nil)
	defer c.Close()
	r := build(t, c, os.DirFS(filepath.Join(dir, "home")), "apps/x", true)
	if r.OK || strings.Contains(string(r.Files["_app.js"]), "the secret") {
		t.Errorf("read through a link: %+v", r)
	}
	if d := r.Diagnostics[0]; d.Severity != "error" || d.File != "apps/x/src/secret.txt" || !strings.Contains(d.Text, "a symbolic link") {
		t.Errorf("the link is not what is named first: %+v", r.Diagnostics)
	}
	write("home/apps/x/src/App.tsx", `export default () => 1;`)
	if r = build(t, c, os.DirFS(filepath.Join(dir, "home")), "apps/x", true); !r.OK || len(r.Diagnostics) != 1 || r.Diagnostics[0].Severity != "warning" {
		t.Errorf("a link that nothing uses: %v, %+v", r.OK, r.Diagnostics)
	}
	if _, err := c.Build(os.DirFS(filepath.Join(dir, "home")), "apps/linked", true); err == nil {
		t.Error("an app folder that is a link was compiled")
	}
}

func TestStaticAppsAreJudged(t *testing.T) {
	page := func(body string) fstest.MapFS {
		return fstest.MapFS{"apps/x/index.html": {Data: []byte("<!doctype html>\n<html>\n<head></head>\n<body>\n" + body + "\n</body></html>")}, "apps/x/ok.js": {Data: []byte("let a = 1")}, "apps/x/bad.js": {Data: []byte("let a = ;")}}
	}
	tests := []struct {
		name string
		tree fstest.MapFS
		ok   bool
		text string
		line int
	}{
		{"good", page(`<script src="/ok.js"></script><script>let b = 2</script>`), true, "", 0},
		{"syntax in the page", page("<script>\nlet b = ;\n</script>"), false, "Unexpected", 6},
		{"syntax in a file", page(`<script src="bad.js"></script>`), false, "Unexpected", 1},
		{"missing file", page(`<script src="none.js"></script>`), false, "there is no file none.js", 5},
		{"from the network", page(`<script src="https://cdn.example/x.js"></script>`), true, "will not load", 5},
		{"data block", page(`<script type="application/json">{not js}</script>`), true, "", 0},
		{"no page", fstest.MapFS{"apps/x/readme.md": {Data: []byte("hi")}}, false, "no index.html", 1},
	}
	c := New(&Libraries{}, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := build(t, c, tt.tree, "apps/x", false)
			if r.OK != tt.ok || (len(r.Diagnostics) > 0) != (tt.text != "") {
				t.Fatalf("ok %v, %+v", r.OK, r.Diagnostics)
			}
			if tt.text != "" && (!strings.Contains(r.Diagnostics[0].Text, tt.text) || r.Diagnostics[0].Line != tt.line) {
				t.Errorf("%+v", r.Diagnostics[0])
			}
		})
	}
}

func TestNearest(t *testing.T) {
	names := []string{"Wallet", "WalletCards", "Trash", "Trash2", "Tracker", "Chart"}
	for in, want := range map[string]string{"Walet": "Wallet", "Trahs2": "Trash2", "trash": "Trash", "ChartBarStacked": "", "Zzz": "", "Wall": "Wallet"} {
		if got := Nearest(in, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzDocument: whatever a page holds, cutting it loses and adds nothing.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(plainPage))
	f.Add([]byte("<script>let a = '</p>'</script><head>"))
	f.Add([]byte("<!DOCTYPE html><html lang=de><!-- <head> --><p"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		p := Split(doc)
		if string(p.Head)+string(p.Rest) != string(doc) {
			t.Errorf("%q became %q and %q", doc, p.Head, p.Rest)
		}
		rootless(doc)
		_, _, _ = viteEntry(&snapshot{folder: "apps/x", files: map[string][]byte{"apps/x/index.html": doc}})
	})
}

func FuzzPlainJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, 2,], /* c */ "b": "x // y", // z` + "\n}"))
	f.Fuzz(func(_ *testing.T, raw []byte) { plainJSON(raw) })
}

// laps are the times of the rounds of a benchmark: beside other work the median says
// more than the mean, and the processor time is what a quiet machine would take at most.
type laps struct {
	took []time.Duration
	cpu  time.Duration
}

func (l *laps) round(b *testing.B, fn func()) {
	b.Helper()
	before, start := cpuTime(b), time.Now()
	fn()
	l.took, l.cpu = append(l.took, time.Since(start)), l.cpu+cpuTime(b)-before
}

func (l *laps) report(b *testing.B) {
	slices.Sort(l.took)
	b.ReportMetric(l.took[len(l.took)/2].Seconds()*1000, "median-ms")
	b.ReportMetric(l.cpu.Seconds()*1000/float64(len(l.took)), "cpu-ms/op")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkFull(b *testing.B) {
	libs := libraries(b)
	tree := sample(b)
	var l laps
	for b.Loop() {
		l.round(b, func() {
			c := New(libs, nil)
			if r := build(b, c, tree, "apps/studio", true); !r.OK {
				b.Fatal(r.Diagnostics)
			}
			c.Close()
		})
	}
	l.report(b)
}

func BenchmarkIncremental(b *testing.B) {
	c := New(libraries(b), nil)
	defer c.Close()
	tree := sample(b)
	n := 0
	var l laps
	for b.Loop() {
		n++
		tree["apps/studio/src/components/Gauge.tsx"] = &fstest.MapFile{Data: []byte("export const Gauge = ({ value }: { value: number }) => <b>{value + " + strings.Repeat("1", n%300+1) + "}</b>;")}
		l.round(b, func() {
			if r := build(b, c, tree, "apps/studio", true); !r.OK {
				b.Fatal(r.Diagnostics)
			}
		})
	}
	l.report(b)
}

type folder string

func (f folder) Folder(wanted map[string]string, _ []byte) (string, bool) {
	return string(f), f != "" && wanted["tiny-words"] == "^1.0.0" && len(wanted) == 1
}

// A package that package.json names is bundled from where npm has put it, with the
// binary's React, and reads nothing beside it.
func TestPackagesFromNPM(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"node_modules/tiny-words/package.json": `{"name":"tiny-words","version":"1.2.3","main":"index.js","browser":{"./server.js":false}}`,
		"node_modules/tiny-words/index.js":     `const React = require("react"); require("./server.js"); const deep = require("deep-words"); exports.hello = (n) => React.createElement("b", null, deep.greet + n, process.env.WORDS);`,
		"node_modules/tiny-words/server.js":    `require("fs");`,
		"node_modules/tiny-words/escape.js":    `exports.secret = require("../../../secret.json");`,
		"node_modules/tiny-words/style.css":    `.tiny { color: red }`,
		"node_modules/deep-words/package.json": `{"name":"deep-words","version":"1.0.0","exports":"./index.mjs","type":"module"}`,
		"node_modules/deep-words/index.mjs":    `export const greet = "deep hello ";`,
		"node_modules/react/index.js":          `exports.second = "a second React";`,
	} {
		p := filepath.Join(dir, "in", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "secret.json"), []byte(`{"pin":"1234-PIN"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{
		"apps/x/package.json": {Data: []byte(`{"dependencies":{"tiny-words":"^1.0.0","react":"^18.0.0"}}`)},
		"apps/x/src/App.tsx":  {Data: []byte(`import { hello } from "tiny-words"; import "tiny-words/style.css"; export default () => hello("you");`)},
	}
	without := New(libraries(t), folder(""))
	defer without.Close()
	r := build(t, without, tree, "apps/x", true)
	if r.OK || r.Missing["tiny-words"] != "^1.0.0" || !strings.Contains(r.Diagnostics[0].Text, `"tiny-words" is not installed`) || !strings.Contains(r.Diagnostics[0].Hint, "packages allow tiny-words") {
		t.Fatalf("missing %v, %+v", r.Missing, r.Diagnostics)
	}
	c := New(libraries(t), folder(filepath.Join(dir, "in")))
	defer c.Close()
	r = build(t, c, tree, "apps/x", true)
	if js := string(r.Files["_app.js"]); !r.OK || !strings.Contains(js, "deep hello") || strings.Contains(js, "a second React") || !strings.Contains(js, "matrixos:/react.mjs") || !strings.Contains(string(r.Files["_app.css"]), ".tiny") {
		t.Fatalf("%+v\n%s", r.Diagnostics, js)
	}
	tree["apps/x/src/App.tsx"] = &fstest.MapFile{Data: []byte(`import { secret } from "tiny-words/escape.js"; export default () => secret;`)}
	r = build(t, c, tree, "apps/x", true)
	if js := string(r.Files["_app.js"]); strings.Contains(js, "1234-PIN") {
		t.Fatalf("a package read a file beside it: %s", js)
	}
}
