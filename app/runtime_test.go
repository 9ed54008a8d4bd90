package app

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"matrixos/sys"
)

type heard struct {
	mu     sync.Mutex
	events []sys.Event
}

func (h *heard) add(ev sys.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, ev)
}

// take lists what was heard since the last call, as "kind payload".
func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, ev := range h.events {
		text := string(ev.Data)
		if ev.Kind == sys.EventApp {
			var d sys.AppData
			if err := json.Unmarshal(ev.Data, &d); err != nil {
				text = err.Error()
			} else {
				text = string(d.App.Slug)
				if d.Removed {
					text += " removed"
				} else if !d.App.OK {
					text += " broken"
				}
			}
		}
		out = append(out, string(ev.Kind)+" "+text)
	}
	h.events = nil
	return strings.Join(out, "; ")
}

func notes() fstest.MapFS {
	return fstest.MapFS{
		"apps/notes/matrix.json": {Data: []byte(`{"name":"Notes","slug":"notes","version":"1.0.0","runtime":"vite","icon":"pen","storage":{"tables":{"notes":{"columns":{"text":"text"}}}}}`)},
		"apps/notes/src/App.tsx": {Data: []byte(`import { App } from "@matrixos/ui"; export default () => <App title="Notes" />;`)},
		"apps/clock/matrix.json": {Data: []byte(`{"name":"Clock","slug":"clock","version":"1.0.0","runtime":"static"}`)},
		"apps/clock/index.html":  {Data: []byte(`<!doctype html><p>tick</p><script src="a.js"></script>`)},
		"apps/clock/a.js":        {Data: []byte(`1`)},
	}
}

func change(paths ...string) []sys.Change {
	var out []sys.Change
	for _, p := range paths {
		out = append(out, sys.Change{Path: sys.Path(p), Op: sys.Modified})
	}
	return out
}

func TestUseTellsWhatChanged(t *testing.T) {
	var h heard
	r := newRuntime(t, h.add)
	tree := notes()
	use := func(landing sys.LandingID, changed []sys.Change) {
		t.Helper()
		if err := r.Use(t.Context(), maps.Clone(tree), landing, changed); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		edit func()
		what []sys.Change
		want string
	}{
		{func() {}, nil, "app clock; app notes"},
		{func() {}, change("system/soul.md"), ""},
		{func() { tree["apps/notes/src/App.tsx"] = &fstest.MapFile{Data: []byte(`export default () => <p>`)} }, change("apps/notes/src/App.tsx"), "app notes broken"},
		{func() { tree["apps/notes/src/App.tsx"] = notes()["apps/notes/src/App.tsx"] }, change("apps/notes/src/App.tsx"), "app notes"},
		{func() { delete(tree, "apps/clock/matrix.json") }, change("apps/clock/matrix.json"), "app clock removed"},
		{func() { tree["apps/games/go/matrix.json"] = tree["apps/notes/matrix.json"] }, change("apps/games/go/matrix.json"), ""}, // the slug and its data stay with who has them
	}
	for i, s := range steps {
		s.edit()
		use(sys.LandingID(i+1), s.what)
		if got := h.take(); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	if found := r.Check(t.Context(), tree, "apps/games/go"); !failed(found) || !strings.Contains(found[0].Text, "apps/notes") {
		t.Errorf("%+v", found)
	}
	if l := r.List(); len(l) != 1 || l[0].Landing != 4 || l[0].Folder != "apps/notes" {
		t.Errorf("%+v", l)
	}
}

func TestBridge(t *testing.T) {
	var h heard
	r := newRuntime(t, h.add)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	l, err := r.Launch("notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.take()
	call := func(method, params string) (string, error) {
		v, err := r.Call(t.Context(), l.Capability, method, json.RawMessage(params))
		return string(v), err
	}
	steps := []struct{ method, params, want, event string }{
		{"db.insert", `{"table":"notes","data":{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","text":"a"}}`, `{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}`, `data {"app":"notes","table":"notes"}`},
		{"db.update", `{"table":"notes","id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","data":{"text":"b"}}`, `{"updated":1}`, `data {"app":"notes","table":"notes"}`},
		{"db.bulkUpdate", `{"table":"notes","rows":[{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","data":{"text":"c"}}]}`, `{"updated":1}`, `data {"app":"notes","table":"notes"}`},
		{"db.count", `{"table":"notes","where":{"text":"c"}}`, `1`, ""},
		{"db.findOne", `{"table":"notes","id":"none"}`, ``, ""},
		{"db.findOne", `{"table":"notes","id":"6ba7b810-9dad-11d1-80b4-00c04fd430c9"}`, `null`, ""},
		{"db.search", `{"text":"nothing","limit":3}`, `[]`, ""},
		{"db.delete", `{"table":"notes","id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}`, `{"deleted":1}`, `data {"app":"notes","table":"notes"}`},
		{"db.find", `{"table":"notes"}`, `[]`, ""},
		{"data.read", `{"key":"x"}`, `null`, ""},
		{"data.write", `{"key":"x","value":"1.0"}`, `null`, `data {"app":"notes","key":"x"}`},
		{"data.read", `{"key":"x"}`, `"1.0"`, ""},
		{"integrations", `{}`, `[]`, ""},
		{"db.appInfo", ``, `{"name":"Notes","preview":false,"slug":"notes","tables":{"notes":{"text":"text"}},"version":"1.0.0"}`, ""},
		{"app.error", `{"message":"boom","stack":"at x"}`, `null`, `notice {"level":"error","title":"Notes ran into an error","text":"boom\nat x","app":"notes"}`},
		{"app.stuck", `{}`, `null`, `notice {"level":"error","title":"Notes does not answer","text":"It is stuck, or takes very long over something.","app":"notes"}`},
		{"app.heavy", `{"bytes":734003200,"before":104857600,"minutes":10}`, `null`, `notice {"level":"error","title":"Notes takes much memory","text":"700 MB now, 100 MB 10 minutes ago.","app":"notes"}`},
		{"app.heavy", `{"bytes":1073741824}`, `null`, `notice {"level":"error","title":"Notes takes much memory","text":"1024 MB now.","app":"notes"}`},
	}
	for _, s := range steps {
		got, err := call(s.method, s.params)
		if s.want == "" {
			if !errors.Is(err, sys.Invalid) {
				t.Errorf("%s %s: %s, %v", s.method, s.params, got, err)
			}
			continue
		}
		if err != nil || got != s.want {
			t.Errorf("%s: %s, %v; want %s", s.method, got, err, s.want)
		}
		if ev := h.take(); ev != s.event {
			t.Errorf("%s told %q, want %q", s.method, ev, s.event)
		}
	}
	for method, kind := range map[string]sys.Kind{"service": sys.Refused, "proxyFetch": sys.Refused, "gatewayFetch": sys.Refused, "db.drop": sys.NotFound, "openApp": sys.NotFound} {
		if _, err := call(method, `{"url":"https://x"}`); !errors.Is(err, kind) {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, err := call("db.find", `[1]`); !errors.Is(err, sys.Invalid) {
		t.Error(err)
	}
}

// Without room an app reads and deletes on, and what it writes is refused.
func TestNoRoomForData(t *testing.T) {
	r := newRuntime(t)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	l, err := r.Launch("notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	full := &sys.Error{Op: "write", Kind: sys.NoSpace, Hint: "delete"}
	r.room = func(_ context.Context, slug sys.Slug) error {
		if slug != "notes" {
			t.Errorf("asked for %q", slug)
		}
		return full
	}
	for method, refused := range map[string]bool{"db.insert": true, "db.update": true, "data.write": true, "db.find": false, "data.read": false, "db.delete": false} {
		_, err := r.Call(t.Context(), l.Capability, method, json.RawMessage(`{"table":"notes","key":"k","id":"x","data":{}}`))
		if errors.Is(err, full) != refused {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestRightsEndWithTheWindow(t *testing.T) {
	r := newRuntime(t)
	tree := notes()
	if err := r.Use(t.Context(), tree, 1, nil); err != nil {
		t.Fatal(err)
	}
	ok := func(l Launch) bool {
		_, err := r.Call(t.Context(), l.Capability, "integrations", nil)
		rec := httptest.NewRecorder()
		r.ServeHTTP(rec, httptest.NewRequest("GET", l.URL, nil))
		if (err == nil) != (rec.Code == 200) || err != nil && !errors.Is(err, sys.Unauthorized) {
			t.Errorf("call %v, page %d", err, rec.Code)
		}
		return err == nil
	}
	launch := func(slug sys.Slug) Launch {
		l, err := r.Launch(slug, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := launch("notes"), launch("notes")
	if !ok(a) || !ok(b) || a.Capability == b.Capability || a.URL == b.URL || a.Nonce == b.Nonce {
		t.Error("two windows of an app are two launches")
	}
	r.Leave(a.Capability)
	if ok(a) || !ok(b) {
		t.Error("closing a window ends its rights and no other's")
	}
	for range perApp {
		ok(launch("notes"))
	}
	if ok(b) {
		t.Error("the oldest window of many is not let go")
	}
	c := launch("clock")
	delete(tree, "apps/clock/matrix.json")
	if err := r.Use(t.Context(), tree, 2, change("apps/clock/matrix.json")); err != nil {
		t.Fatal(err)
	}
	if ok(c) {
		t.Error("a deleted app still has rights")
	}
	if _, err := r.Launch("clock", nil); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
}

func TestPreviewWritesItsOwnCopy(t *testing.T) {
	var h heard
	r := newRuntime(t, h.add)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	real, err := r.Launch("notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	call := func(l Launch, method, params string) string {
		t.Helper()
		v, err := r.Call(t.Context(), l.Capability, method, json.RawMessage(params))
		if err != nil {
			t.Fatal(method, err)
		}
		return string(v)
	}
	call(real, "db.insert", `{"table":"notes","data":{"text":"mine"}}`)
	tree := notes()
	tree["apps/notes/matrix.json"] = &fstest.MapFile{Data: []byte(strings.Replace(string(tree["apps/notes/matrix.json"].Data), `"text":"text"`, `"text":"text","mood":"text"`, 1))}
	tree["apps/notes/src/App.tsx"] = &fstest.MapFile{Data: []byte(`export default () => "the new one";`)}
	shown, err := r.Launch("notes", &Preview{Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	h.take()
	call(shown, "db.insert", `{"table":"notes","data":{"text":"try","mood":"good"}}`)
	call(shown, "data.write", `{"key":"k","value":1}`)
	if got := h.take(); got != "" {
		t.Errorf("a preview told %s", got)
	}
	if got := call(shown, "db.count", `{"table":"notes"}`) + call(real, "db.count", `{"table":"notes"}`) + call(real, "data.read", `{"key":"k"}`); got != "21null" {
		t.Error(got)
	}
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, httptest.NewRequest("GET", shown.URL+"_app.js", nil))
	if !strings.Contains(rec.Body.String(), "the new one") {
		t.Error(rec.Body.String())
	}
	dir := r.byRight[shown.Capability].preview.dir
	r.Leave(shown.Capability)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy stays behind: %v", err)
	}
	if _, err := os.Stat(filepath.Join(r.data.Dir("notes"), "notes.sqlite")); err != nil {
		t.Error(err)
	}
	if _, err := r.Launch("nobody", &Preview{Tree: tree}); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
}

// An app as it was reads today's data, changes nothing, and shows the old code,
// also where the old tables would not fit today's data.
func TestFrozenLaunch(t *testing.T) {
	var h heard
	r := newRuntime(t, h.add)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	real, err := r.Launch("notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Call(t.Context(), real.Capability, "db.insert", json.RawMessage(`{"table":"notes","data":{"text":"mine"}}`)); err != nil {
		t.Fatal(err)
	}
	tree := notes()
	tree["apps/notes/matrix.json"] = &fstest.MapFile{Data: []byte(strings.Replace(string(tree["apps/notes/matrix.json"].Data), `"text":"text"`, `"text":"integer"`, 1))}
	tree["apps/notes/src/App.tsx"] = &fstest.MapFile{Data: []byte(`export default () => "the old one";`)}
	past, err := r.Launch("notes", &Preview{Tree: tree, Frozen: true})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.Call(t.Context(), past.Capability, "db.count", json.RawMessage(`{"table":"notes"}`)); err != nil || string(v) != "1" {
		t.Errorf("%s %v", v, err)
	}
	for name, params := range map[string]string{
		"db.insert": `{"table":"notes","data":{"text":"x"}}`, "db.bulkInsert": `{"table":"notes","rows":[{"text":"x"}]}`, "db.update": `{"table":"notes","id":"1","data":{}}`,
		"db.bulkUpdate": `{"table":"notes","rows":[]}`, "db.delete": `{"table":"notes","id":"1"}`, "data.write": `{"key":"k","value":1}`,
	} {
		if _, err := r.Call(t.Context(), past.Capability, name, json.RawMessage(params)); !errors.Is(err, sys.Refused) || sys.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	given := func(_ context.Context, dir string) error { // data of then: none yet
		return os.WriteFile(filepath.Join(dir, "k.json"), []byte("7"), 0o600)
	}
	then, err := r.Launch("notes", &Preview{Tree: notes(), Frozen: true, Data: given})
	if err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]string{"db.count": "0", "data.read": "7"} {
		if v, err := r.Call(t.Context(), then.Capability, call, json.RawMessage(`{"table":"notes","key":"k"}`)); err != nil || string(v) != want {
			t.Errorf("%s of then: %s %v", call, v, err)
		}
	}
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, httptest.NewRequest("GET", past.URL+"_app.js", nil))
	if !strings.Contains(rec.Body.String(), "the old one") {
		t.Error(rec.Body.String())
	}
}

func TestServedHeaders(t *testing.T) {
	r := newRuntime(t)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	get := func(method, url string) *http.Response {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(method, url, nil)
		req.Host = "127.0.0.1:4000"
		r.ServeHTTP(rec, req)
		return rec.Result()
	}
	for _, slug := range []sys.Slug{"notes", "clock"} {
		l, err := r.Launch(slug, nil)
		if err != nil {
			t.Fatal(err)
		}
		res := get("GET", l.URL)
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "connect-src 'none'", "frame-src 'none'", "form-action 'none'", "base-uri 'none'", "worker-src 'none'", "frame-ancestors http://127.0.0.1:4000", "sandbox allow-scripts allow-forms allow-downloads", "http://127.0.0.1:4000" + l.URL} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %q: %s", slug, want, csp)
			}
		}
		for _, never := range []string{"allow-same-origin", "allow-popups", "allow-top", "unsafe-eval' ", "http://127.0.0.1:4000;", "*"} {
			if strings.Contains(strings.ReplaceAll(csp, "frame-ancestors http://127.0.0.1:4000;", ""), never) {
				t.Errorf("%s: the policy has %q: %s", slug, never, csp)
			}
		}
		if slug == "notes" && strings.Contains(strings.Split(csp, ";")[1], "unsafe-inline") {
			t.Errorf("a compiled app may run inline code: %s", csp)
		}
		for name, want := range map[string]string{"Connection-Allowlist": "(response-origin)", "Document-Isolation-Policy": "isolate-and-credentialless", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Dns-Prefetch-Control": "off"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", slug, name, got)
			}
		}
		if len(res.Cookies()) > 0 {
			t.Error("a cookie is set")
		}
	}
	l, err := r.Launch("notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]int{
		l.URL + "_app.js": 200, l.URL + "src/App.tsx": 404, l.URL + "matrix.json": 404, l.URL + "../../data/x": 404,
		"/app/none/": 410, "/app/" + strings.ToLower(strings.Split(l.URL, "/")[2]) + "/": 410, strings.TrimSuffix(l.URL, "/"): 410,
		"/runtime/manifest.json": 200, "/runtime/" + r.libs.Hash + "/lib/react.mjs": 200, "/runtime/old/lib/react.mjs": 404,
		"/runtime/" + r.libs.Hash + "/icons.json": 404, "/runtime/" + r.libs.Hash + "/../.keep": 404,
	} {
		if res := get("GET", url); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", url, res.StatusCode, want)
		}
	}
	if res := get("POST", l.URL); res.StatusCode != 405 {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

func TestCheckFindsATypeChangeBeforeItLands(t *testing.T) {
	r := newRuntime(t)
	if err := r.Use(t.Context(), notes(), 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Launch("notes", nil); err != nil { // its data exist from now on
		t.Fatal(err)
	}
	tree := notes()
	tree["apps/notes/matrix.json"] = &fstest.MapFile{Data: []byte(strings.Replace(string(tree["apps/notes/matrix.json"].Data), `"text":"text"`, `"text":"integer"`, 1))}
	found := r.Check(t.Context(), tree, "apps/notes")
	if len(found) != 1 || !strings.Contains(found[0].Text, "from text to integer") || found[0].Line != 1 {
		t.Errorf("%+v", found)
	}
	if found := r.Check(t.Context(), tree, "apps/none"); len(found) != 1 || !strings.Contains(found[0].Text, "no matrix.json") {
		t.Errorf("%+v", found)
	}
}

// TestCheckFindsRowsAgainstAUniqueIndexBeforeItLands: the landing is refused with words,
// and the app works on as it is. Before, it landed, and no window of the app opened any more.
func TestCheckFindsRowsAgainstAUniqueIndexBeforeItLands(t *testing.T) {
	r := newRuntime(t)
	tree := notes()
	if err := r.Use(t.Context(), tree, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Launch("notes", nil); err != nil {
		t.Fatal(err)
	}
	rows := func(texts ...string) error {
		apps, err := Find(tree)
		if err != nil {
			return err
		}
		for _, a := range apps {
			if a.Manifest.Slug != "notes" {
				continue
			}
			for _, text := range texts {
				if _, err := r.data.Tables("notes", a.Manifest.Storage.Tables).Insert(t.Context(), "notes", []json.RawMessage{[]byte(text)}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := rows(`{"text":"milk"}`, `{"text":"milk"}`); err != nil {
		t.Fatal(err)
	}
	next := notes()
	next["apps/notes/matrix.json"] = &fstest.MapFile{Data: []byte(strings.Replace(string(tree["apps/notes/matrix.json"].Data), `{"text":"text"}`, `{"text":"text"},`+"\n"+`"indexes":[{"columns":["text"],"unique":true}]`, 1))}
	found := r.Check(t.Context(), next, "apps/notes")
	if len(found) != 1 || found[0].Severity != "error" || !strings.Contains(found[0].Text, `2 rows of table notes have text "milk"`) || found[0].Line != 2 || !strings.HasPrefix(found[0].Source, `"indexes"`) {
		t.Errorf("%+v", found)
	}
	if _, err := r.Launch("notes", nil); err != nil {
		t.Errorf("the app as it is: %v", err)
	}
	if err := rows(`{"text":"bread"}`); err != nil {
		t.Errorf("its rows: %v", err)
	}
}
