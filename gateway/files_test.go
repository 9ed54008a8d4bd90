package gateway_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/sys"
)

// No path leads out of the home or into its store, for reading or writing.
func TestTraversal(t *testing.T) {
	w := newWorld(t)
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("the neighbour's secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"link.txt": secret, "out": filepath.Dir(secret), "store": ".disk", "docs/up.txt": "../../" + filepath.Base(filepath.Dir(secret)) + "/secret.txt",
	} {
		if err := os.Symlink(to, filepath.Join(w.home, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{
		secret, "../secret.txt", "docs/../../secret.txt", "..", "~/../secret.txt", "./..", "a/../../b", "..\x00", "docs/readme.md\x00.png",
		".disk/kernel.db", ".DISK/kernel.db", "./.disk/kernel.db", "docs/../.disk/kernel.db", ".git/config", "~/.disk/run/daemon.json",
		"link.txt", "out/secret.txt", "docs/up.txt", "", ".", "/", "/etc/passwd", "....//....//etc/passwd", `..\..\secret.txt`,
	} {
		q := "?path=" + url.QueryEscape(p)
		for _, call := range []string{"/api/file", "/api/raw"} {
			if a := w.do("GET", call+q, "", bearer); a.StatusCode < 400 || a.StatusCode > 422 || strings.Contains(a.body, "neighbour") || strings.Contains(a.body, "SQLite") {
				t.Errorf("GET %s %q: %d %.200s", call, p, a.StatusCode, a.body)
			}
		}
		if p == "" || p == "." || p == "/" || p == `..\..\secret.txt` || strings.HasPrefix(p, "....") {
			continue // the home itself may be listed; the others are odd names, not ways out
		}
		if a := w.do("GET", "/api/files"+q, "", bearer); a.StatusCode < 400 {
			t.Errorf("list %q: %d %.200s", p, a.StatusCode, a.body)
		}
		if strings.HasPrefix(p, "link") || strings.HasPrefix(p, "out") || p == "docs/up.txt" {
			continue // what a write does to a link is the disk's part
		}
		if _, err := w.client.WriteFile(t.Context(), client.Text{Path: sys.Path(p), Content: "x"}); sys.KindOf(err) != sys.Invalid {
			t.Errorf("write %q: %v", p, err)
		}
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "the neighbour's secret" {
		t.Errorf("the neighbour's file: %q %v", b, err)
	}
}

func TestFolders(t *testing.T) {
	w := newWorld(t)
	list, err := w.client.Files(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	if !slices.Contains(names, "apps") || !slices.Contains(names, "docs") || slices.Contains(names, ".disk") || slices.Contains(names, ".git") {
		t.Errorf("the home: %v", names)
	}
	list, err = w.client.Files(t.Context(), "apps/notes")
	if err != nil || len(list) != 2 || list[0].Path != "apps/notes/index.html" || list[0].Dir || list[0].Size == 0 || list[0].Modified.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := w.client.Files(t.Context(), "apps/none"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("no such folder: %v", err)
	}
	if _, err := w.client.Files(t.Context(), "docs/readme.md"); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a file is no folder: %v", err)
	}
}

// An edit lands under the owner's name; one made on an old copy does not.
func TestEditing(t *testing.T) {
	w := newWorld(t)
	f, err := w.client.ReadFile(t.Context(), "docs/readme.md")
	if err != nil || f.Content != "hello\n" || len(f.Hash) != 64 {
		t.Fatalf("%+v %v", f, err)
	}
	hash, err := w.client.WriteFile(t.Context(), client.Text{Path: f.Path, Content: "hello you\n", Hash: f.Hash})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.WriteFile(t.Context(), client.Text{Path: f.Path, Content: "over it\n", Hash: f.Hash}); sys.KindOf(err) != sys.Conflict {
		t.Errorf("on an old copy: %v", err)
	}
	if f, err = w.client.ReadFile(t.Context(), "docs/readme.md"); err != nil || f.Content != "hello you\n" || f.Hash != hash {
		t.Errorf("%+v %v", f, err)
	}
	if err := os.WriteFile(filepath.Join(w.home, "docs/readme.md"), []byte("by hand\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.WriteFile(t.Context(), client.Text{Path: f.Path, Content: "over it\n", Hash: hash}); sys.KindOf(err) != sys.Conflict {
		t.Errorf("over an edit by hand: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(w.home, "docs/readme.md")); err != nil || string(b) != "by hand\n" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := w.client.WriteFile(t.Context(), client.Text{Path: "docs/new/deep.md", Content: ""}); err != nil {
		t.Errorf("a new, empty file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.home, "docs/new/deep.md")); err != nil {
		t.Error(err)
	}
	if a := w.do("DELETE", "/api/file?path=docs/new/deep.md", "", bearer); a.StatusCode != http.StatusOK {
		t.Errorf("remove: %d %s", a.StatusCode, a.body)
	}
	if _, err := os.Stat(filepath.Join(w.home, "docs/new/deep.md")); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	list, err := w.client.Landings(t.Context(), 1, 0)
	if err != nil || list[0].Kind != sys.ByOwner || list[0].Title != "Removed docs/new/deep.md" {
		t.Errorf("%+v %v", list, err)
	}
}

// A file of the home cannot act in the desktop's origin.
func TestRawFilesAreInert(t *testing.T) {
	w := newWorld(t)
	for name, kind := range map[string]string{"x.html": "application/octet-stream", "x.svg": "image/svg+xml", "x.js": "application/octet-stream", "x.png": "image/png", "x": "application/octet-stream"} {
		if err := os.WriteFile(filepath.Join(w.home, name), []byte("<script>alert(1)</script>"), 0o644); err != nil {
			t.Fatal(err)
		}
		a := w.do("GET", "/api/raw?path="+name, "", w.signIn())
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != kind || a.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Header)
		}
		if shown := strings.HasPrefix(a.Header.Get("Content-Disposition"), "inline"); shown != strings.HasPrefix(kind, "image/") {
			t.Errorf("%s: %s", name, a.Header.Get("Content-Disposition"))
		}
	}
	if err := os.WriteFile(filepath.Join(w.home, "bytes"), []byte{0xff, 0xfe, 0}, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.ReadFile(t.Context(), "bytes"); sys.KindOf(err) != sys.Invalid {
		t.Errorf("bytes as text: %v", err)
	}
}
