package gateway_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/disk"
	"matrixos/sys"
)

// edit saves a file as the owner and returns the landing.
func (w *world) edit(path, text string) sys.LandingID {
	w.t.Helper()
	if _, err := w.client.WriteFile(w.t.Context(), client.Text{Path: sys.Path(path), Content: text}); err != nil {
		w.t.Fatal(err)
	}
	return w.disk.Head()
}

// What can be done with the past can be done over the wire, by whatever name a
// moment is called.
func TestPast(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	a := w.edit("docs/list.md", "milk\n")
	b := w.edit("docs/list.md", "milk\nbread\n")
	if s, err := w.client.NameSnapshot(ctx, "before-bread", a.String()); err != nil || s.Landing != a {
		t.Fatalf("%+v %v", s, err)
	}
	if list, err := w.client.Snapshots(ctx); err != nil || len(list) != 1 || list[0].Name != "before-bread" {
		t.Errorf("%+v %v", list, err)
	}
	e, err := w.client.Why(ctx, "docs/list.md", 2, "")
	if err != nil || len(e.Lines) != 1 || e.Lines[0].Landing != b || e.Lines[0].Text != "bread" || e.Causes[0].Kind != sys.ByOwner {
		t.Errorf("%+v %v", e, err)
	}
	d, err := w.client.Diff(ctx, "before-bread", "", "", false)
	if err != nil || d.To != b || len(d.Files) != 1 || d.Files[0].AddedLines != 1 || !strings.Contains(d.Files[0].Patch, "+bread") {
		t.Errorf("%+v %v", d, err)
	}
	for path, want := range map[string]string{"/api/file?path=docs/list.md": `"milk\n"`, "/api/raw?path=docs/list.md": "milk\n", "/api/files?path=docs": "list.md"} {
		if got := w.do("GET", path+"&at=before-bread", "", bearer); got.StatusCode != 200 || !strings.Contains(got.body, want) || strings.Contains(got.body, "bread") {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if got := w.do("GET", "/api/files?path=docs&at=L1", "", bearer); got.StatusCode != 200 || strings.Contains(got.body, "list.md") {
		t.Errorf("L1: %d %s", got.StatusCode, got.body)
	}
	r, err := w.client.Restore(ctx, "docs/list.md", "before-bread", true)
	if err != nil || r.Landing.ID != 0 || len(r.Files) != 1 || w.disk.Head() != b {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = w.client.Restore(ctx, "docs", "before-bread", false); err != nil || r.Landing.ID != b+1 {
		t.Errorf("%+v %v", r, err)
	}
	if text, err := os.ReadFile(filepath.Join(w.home, "docs/list.md")); err != nil || string(text) != "milk\n" {
		t.Errorf("%q %v", text, err)
	}
	v, err := w.client.View(ctx, "L3", "")
	if text, err2 := os.ReadFile(filepath.Join(v.Dir, "docs/list.md")); err != nil || err2 != nil || string(text) != "milk\nbread\n" {
		t.Errorf("%+v %v: %q %v", v, err, text, err2)
	}
	if l, err := w.client.Moment(ctx, "now"); err != nil || l.ID != b+1 {
		t.Errorf("%+v %v", l, err)
	}
	if list, err := w.client.FindLandings(ctx, client.Query{Limit: 9, By: "owner", Since: "1 hour ago", Text: "LIST"}); err != nil || len(list) != 3 {
		t.Errorf("%+v %v", list, err)
	}
	if err := w.client.DeleteSnapshot(ctx, "before-bread"); err != nil {
		t.Error(err)
	}
}

// An app as it was is launched frozen, and says what it shows.
func TestLaunchPast(t *testing.T) {
	w := newWorld(t)
	w.edit("apps/notes/index.html", "<!doctype html><title>new</title>")
	got := w.do("POST", "/api/apps/notes/launch", `{"at":"L1"}`, bearer)
	if got.StatusCode != 200 || !strings.Contains(got.body, `"landing":1`) || !strings.Contains(got.body, `"data":"now"`) {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if p := w.apps.preview; p == nil || !p.Frozen {
		t.Errorf("launched %+v", p)
	}
}

// With a copy of its database that is kept, an app as it was has the data of then.
func TestLaunchPastWithItsData(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	file := filepath.Join(w.home, "data/notes/notes.sqlite")
	query := func(file, q string) string {
		t.Helper()
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var out string
		if err := db.QueryRow(q).Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	query(file, `CREATE TABLE note(text); INSERT INTO note VALUES('then'); SELECT text FROM note`)
	at := w.disk.Head()
	if _, err := w.disk.Write(ctx, disk.Write{Title: "a landing that touches the app", Files: map[sys.Path][]byte{"apps/notes/more.txt": []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	query(file, `UPDATE note SET text='now'; SELECT text FROM note`)
	got := w.do("POST", "/api/apps/notes/launch", fmt.Sprintf(`{"at":"%s"}`, at), bearer)
	if got.StatusCode != 200 || !strings.Contains(got.body, `"data":"then"`) || w.apps.preview.Data == nil {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	dir := t.TempDir()
	if err := w.apps.preview.Data(ctx, dir); err != nil {
		t.Fatal(err)
	}
	if text := query(filepath.Join(dir, "notes.sqlite"), `SELECT text FROM note`); text != "then" {
		t.Errorf("its data are of %q", text)
	}
	if now := query(file, `SELECT text FROM note`); now != "now" {
		t.Errorf("the live data are of %q", now)
	}
}

// Every refusal of the past has a kind and a way out.
func TestPastRefuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path, body string
		want               sys.Kind
	}{
		{"GET", "/api/moment?at=soon", "", sys.NotFound},
		{"GET", "/api/landings/L99", "", sys.NotFound},
		{"GET", "/api/why?path=" + url.QueryEscape("../x"), "", sys.Invalid},
		{"GET", "/api/why?path=never.md", "", sys.NotFound},
		{"GET", "/api/diff?from=L99", "", sys.NotFound},
		{"GET", "/api/file?at=L1&path=never.md", "", sys.NotFound},
		{"GET", "/api/file?at=L1&path=" + url.QueryEscape(".disk/kernel.db"), "", sys.Invalid},
		{"GET", "/api/raw?at=L1&path=docs", "", sys.Invalid},
		{"GET", "/api/files?at=L1&path=..", "", sys.Invalid},
		{"POST", "/api/restore", `{"path":"docs/readme.md","at":"L1"}`, sys.Exists},
		{"POST", "/api/restore", `{"path":"never.md","at":"L1"}`, sys.NotFound},
		{"POST", "/api/snapshots", `{"name":"L12"}`, sys.Invalid},
		{"POST", "/api/views", `{"at":"L1","dir":"relative"}`, sys.Invalid},
		{"DELETE", "/api/snapshots/" + url.PathEscape("../heads/main"), "", sys.Invalid},
		{"DELETE", "/api/snapshots/never", "", sys.NotFound},
		{"POST", "/api/apps/notes/launch", `{"at":"soon"}`, sys.NotFound},
	} {
		a := w.do(c.method, c.path, c.body, bearer)
		if p := a.problem(t); p.Kind != c.want || p.Hint == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.StatusCode, a.body)
		}
	}
	if head := w.disk.Head(); head != 1 {
		t.Errorf("something has landed: %s", head)
	}
}
