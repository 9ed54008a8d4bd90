package backup

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// open opens a home, which closes with the test.
func open(t testing.TB, dir string) *disk.Disk {
	t.Helper()
	d, err := disk.Open(context.Background(), dir, disk.Options{NoWatch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a test may have closed it
	return d
}

func put(t testing.TB, root, name, text string) {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// lived makes a home that has something of everything.
func lived(t testing.TB) *disk.Disk {
	t.Helper()
	d := open(t, filepath.Join(t.TempDir(), "home"))
	root := d.Root()
	for i := range 3 {
		_, err := d.Write(context.Background(), disk.Write{Files: map[sys.Path][]byte{
			"apps/todo/index.html": fmt.Appendf(nil, "<p>%d</p>", i), "note.md": []byte(strings.Repeat("line\n", i+1)),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, "secret.txt", "mine")
	put(t, root, "run.sh", "#!/bin/sh\n")
	put(t, root, "system/conversations/a.jsonl", "{}\n{}\n")
	put(t, root, "system/layout.json", "{}")
	put(t, root, "p/node_modules/x/index.js", "no")
	put(t, root, "p/build/CACHEDIR.TAG", "no")
	put(t, root, "p/build/out", "no")
	put(t, root, "p/.git/config", "[core]\n")
	put(t, root, ".disk/displaced/x", "displaced")
	put(t, root, ".disk/keys.json", `{"k":"v"}`)
	for _, err := range []error{
		os.Chmod(filepath.Join(root, "secret.txt"), 0o600), os.Chmod(filepath.Join(root, "run.sh"), 0o755),
		os.MkdirAll(filepath.Join(root, "empty/deep"), 0o750), os.Symlink("note.md", filepath.Join(root, "link")),
		os.Symlink("../nowhere", filepath.Join(root, "empty/inside")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows(t, filepath.Join(root, "data/todo/todo.sqlite"), 200)
	return d
}

// rows makes a database in write-ahead mode and leaves rows in its log.
func rows(t testing.TB, name string, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+name+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT)`); err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := db.Exec(`INSERT INTO t(v) VALUES(hex(randomblob(100)))`); err != nil {
			t.Fatal(err)
		}
	}
}

func count(t testing.TB, name string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+name+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) FROM t`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// picture is what a person can see of a home: names, permissions, contents.
// Databases are left out: their bytes may differ where their rows do not.
func picture(t testing.TB, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, p)
		if err != nil || name == "." || strings.Contains(name, ".sqlite") {
			return err
		}
		if name == sys.Store || strings.HasSuffix(name, "node_modules") || name == "p/build" {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			text += " " + to
		case !e.IsDir():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(b)
			text += " " + hex.EncodeToString(sum[:])
		}
		out[name] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// equal compares a restored home with the first.
func equal(t testing.TB, was, now string, wantRows int) {
	t.Helper()
	a, b := picture(t, was), picture(t, now)
	for name, text := range a {
		if b[name] != text {
			t.Errorf("%s is %q, was %q", name, b[name], text)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s was not there", name)
		}
	}
	if n := count(t, filepath.Join(now, "data/todo/todo.sqlite")); n != wantRows {
		t.Errorf("%d rows, want %d", n, wantRows)
	}
	if b, err := os.ReadFile(filepath.Join(now, ".disk/displaced/x")); err != nil || string(b) != "displaced" {
		t.Errorf("displaced bytes: %q, %v", b, err)
	}
	fsck(t, filepath.Join(now, ".disk/repo.git"))
}

func fsck(t testing.TB, repo string) {
	t.Helper()
	out, err := exec.Command("git", "--git-dir", repo, "fsck", "--strict", "--full").CombinedOutput()
	if err != nil || strings.Contains(string(out), "error") || strings.Contains(string(out), "missing") {
		t.Errorf("git fsck: %v\n%s", err, out)
	}
}
