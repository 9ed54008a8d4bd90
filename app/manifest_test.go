package app

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/sys"
)

func TestManifestDefaultsAreSaidOnce(t *testing.T) {
	m, found := ParseManifest([]byte(`{"description":"x"}`), "apps/games/snake-two", true)
	if m.Slug != "snake-two" || m.Name != "Snake two" || m.Version != "1.0.0" || m.Runtime != RuntimeVite {
		t.Errorf("%+v", m)
	}
	if len(found) != 1 || found[0].Severity != "warning" || !strings.Contains(found[0].Text, `slug "snake-two"`) || !strings.Contains(found[0].Text, `runtime "vite"`) {
		t.Errorf("%+v", found)
	}
	if m, _ := ParseManifest([]byte(`{}`), "apps/x", false); m.Runtime != RuntimeStatic {
		t.Errorf("runtime %s", m.Runtime)
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":1}`, `{"storage":{"tables":{"a":{"columns":{"b":"text"},"indexes":[["b"],{"columns":["b"],"unique":true}]}}}}`, `[`, `{}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, found := ParseManifest(raw, "apps/x", false)
		if !failed(found) && (!m.Slug.Valid() || m.Name == "" || m.Runtime == "") {
			t.Errorf("%q is called right: %+v", raw, m)
		}
		for _, d := range found {
			if d.Text == "" || d.File == "" {
				t.Errorf("%q: %+v", raw, d)
			}
		}
	})
}

func TestFind(t *testing.T) {
	app := &fstest.MapFile{Data: []byte(`{"runtime":"static"}`)}
	tree := fstest.MapFS{
		"apps/notes/matrix.json":              app,
		"apps/notes/inner/matrix.json":        app, // belongs to notes
		"apps/games/chess/matrix.json":        app,
		"apps/_shared/matrix.json":            app,
		"apps/.trash/old/matrix.json":         app,
		"apps/a/b/c/d/e/matrix.json":          app, // too deep
		"apps/readme.md":                      {Data: []byte("hi")},
		"apps/office/notes/matrix.json":       app, // the slug is taken
		"apps/x/node_modules/pkg/matrix.json": app,
	}
	apps, err := Find(tree)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range apps {
		got = append(got, string(a.Folder))
	}
	if s := strings.Join(got, " "); s != "apps/games/chess apps/notes apps/office/notes" {
		t.Error(s)
	}
	if d := apps[2].Diagnostics; !failed(d) || !strings.Contains(d[len(d)-1].Text, "apps/notes") {
		t.Errorf("%+v", d)
	}
	if apps, err := Find(fstest.MapFS{}); err != nil || len(apps) != 0 {
		t.Errorf("an empty home: %v, %v", apps, err)
	}
}

func TestWithoutTheBuiltRuntimeStaticAppsRun(t *testing.T) {
	r, err := New(Options{Libraries: fstest.MapFS{".keep": {}}, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tree := fstest.MapFS{
		"apps/s/matrix.json": {Data: []byte(`{"runtime":"static"}`)}, "apps/s/index.html": {Data: []byte("<p>hi")},
		"apps/v/matrix.json": {Data: []byte(`{"runtime":"vite"}`)}, "apps/v/src/App.tsx": {Data: []byte("export default () => null")},
	}
	if err := r.Use(t.Context(), tree, 1, nil); err != nil {
		t.Fatal(err)
	}
	list := r.List()
	if !list[0].OK || list[1].OK || !strings.Contains(list[1].Diagnostics[len(list[1].Diagnostics)-1].Hint, "npm") {
		t.Errorf("%+v", list)
	}
}

// The example that app authors and models read has to be right.
func TestReferenceExampleCompiles(t *testing.T) {
	raw, err := os.ReadFile("../home/template/agents/knowledge/apps.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(lang string) []byte {
		_, rest, ok := strings.Cut(string(raw), "```"+lang+"\n")
		code, _, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			t.Fatalf("no %s block", lang)
		}
		return []byte(code)
	}
	if n := len(raw); n > 10000 {
		t.Errorf("the reference has %d bytes: it is part of a prompt", n)
	}
	if n := bytes.Count(block("json"), []byte("\n")) + bytes.Count(block("tsx"), []byte("\n")); n >= 120 {
		t.Errorf("the example has %d lines; a tracker is under 120", n)
	}
	r := newRuntime(t)
	tree := fstest.MapFS{"apps/workouts/matrix.json": {Data: block("json")}, "apps/workouts/src/App.tsx": {Data: block("tsx")}}
	if found := r.Check(t.Context(), tree, "apps/workouts"); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

// newRuntime is a runtime on the built libraries. Developers without them skip; CI
// has to have them.
func newRuntime(t *testing.T, publish ...func(sys.Event)) *Runtime {
	t.Helper()
	libs := os.DirFS("../web/runtime/dist")
	if _, err := fs.Stat(libs, "manifest.json"); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatal("the web runtime is not built")
		}
		t.Skip("the web runtime is not built")
	}
	o := Options{Libraries: libs, Data: t.TempDir()}
	if len(publish) > 0 {
		o.Publish = publish[0]
	}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
