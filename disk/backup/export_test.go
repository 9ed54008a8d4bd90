package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"matrixos/disk"
	"matrixos/sys"
)

// export writes d to a file.
func export(t testing.TB, d *disk.Disk, o ExportOptions) (string, Summary) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "home.mxhome")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := Export(context.Background(), d, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return name, s
}

func TestExportImport(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	name, s := export(t, d, ExportOptions{Version: "1"})
	if s.Landing != d.Head() || s.Keys || len(s.Outside) != 0 {
		t.Errorf("%+v", s)
	}
	if v, err := Verify(ctx, name); err != nil || v.Files != s.Files || v.Bytes != s.Bytes {
		t.Errorf("verify: %+v, %v", v, err)
	}
	home := filepath.Join(t.TempDir(), "new", "home")
	got, err := Import(ctx, name, home, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Landing != s.Landing || got.Files != s.Files {
		t.Errorf("%+v, exported %+v", got, s)
	}
	equal(t, d.Root(), home, 200)
	if _, err := os.Lstat(filepath.Join(home, ".disk/keys.json")); !os.IsNotExist(err) {
		t.Errorf("keys came along: %v", err)
	}
	n := open(t, home)
	was, err := d.Log(ctx, disk.Query{})
	if err != nil {
		t.Fatal(err)
	}
	now, err := n.Log(ctx, disk.Query{})
	if err != nil || len(was) != len(now) || was[0].Commit != now[0].Commit {
		t.Errorf("the history differs: %v", err)
	}
	if _, _, err := n.Undo(ctx, 0, disk.UndoOptions{}); err != nil {
		t.Errorf("the imported home cannot undo: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(home))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A home in use is exported as of one landing, whatever happens meanwhile.
func TestExportInUse(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	d := lived(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			both := []byte(strings.Repeat("x", i%100))
			_, err := d.Write(context.WithoutCancel(ctx), disk.Write{Files: map[sys.Path][]byte{"a": both, "b": both}})
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for range 3 {
		name, s := export(t, d, ExportOptions{})
		home := filepath.Join(t.TempDir(), "home")
		if _, err := Import(context.Background(), name, home, ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		a, errA := os.ReadFile(filepath.Join(home, "a"))
		b, errB := os.ReadFile(filepath.Join(home, "b"))
		if !bytes.Equal(a, b) || (errA == nil) != (errB == nil) {
			t.Errorf("%s is torn: %d and %d bytes", s.Landing, len(a), len(b))
		}
	}
	stop()
	<-done
}

func TestExportKeys(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	keys := []byte(`{"anthropic":"canary-51"}`)
	if _, err := Export(ctx, d, io.Discard, ExportOptions{Keys: keys}); sys.KindOf(err) != sys.Invalid || sys.HintOf(err) == "" {
		t.Errorf("keys without a passphrase: %v", err)
	}
	name, s := export(t, d, ExportOptions{Keys: keys, Passphrase: "correct horse"})
	if !s.Keys {
		t.Error("no keys")
	}
	eachEntry(t, name, func(h *tar.Header, b []byte) bool {
		if bytes.Contains(b, []byte("canary-51")) {
			t.Errorf("%s holds a key in clear", h.Name)
		}
		return true
	})
	if _, err := Import(ctx, name, filepath.Join(t.TempDir(), "h"), ImportOptions{Passphrase: "wrong"}); sys.KindOf(err) != sys.Unauthorized {
		t.Errorf("a wrong passphrase: %v", err)
	}
	home := filepath.Join(t.TempDir(), "h")
	if _, err := Import(ctx, name, home, ImportOptions{Passphrase: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(home, ".disk/keys.json"))
	st, statErr := os.Stat(filepath.Join(home, ".disk/keys.json"))
	if err != nil || statErr != nil || !bytes.Equal(b, keys) || st.Mode().Perm() != 0o600 {
		t.Errorf("keys: %q, %v, %v", b, err, statErr)
	}
}

// eachEntry lists an archive; with fn false an entry is left out. It returns the
// archive as rewritten.
func eachEntry(t testing.TB, name string, fn func(h *tar.Header, b []byte) bool) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out bytes.Buffer
	zw, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	tr, tw := tar.NewReader(z), tar.NewWriter(zw)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if !fn(h, b) {
			continue
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// refuse imports bytes that must be refused, and returns the error. Nothing may
// be left of the attempt.
func refuse(t testing.TB, b []byte) error {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "export")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Import(context.Background(), name, filepath.Join(dir, "home"), ImportOptions{})
	if err == nil {
		t.Error("it was imported")
	}
	left, lerr := os.ReadDir(dir)
	if lerr != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, lerr)
	}
	return err
}

func TestImportRefusesDamage(t *testing.T) {
	d := lived(t)
	name, _ := export(t, d, ExportOptions{})
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 10, len(raw) / 3, len(raw) / 2, len(raw) - 100, len(raw) - 1} {
		if err := refuse(t, raw[:cut]); sys.HintOf(err) == "" || !strings.Contains(err.Error(), "export") {
			t.Errorf("cut at %d of %d: %v", cut, len(raw), err)
		}
	}
	for i := 1; i < 8; i++ {
		b := bytes.Clone(raw)
		b[len(b)*i/8] ^= 0x10
		if err := refuse(t, b); sys.KindOf(err) != sys.Invalid {
			t.Errorf("a bit flipped at %d/8: %v", i, err)
		}
	}
	err = refuse(t, append(bytes.Clone(raw), raw...))
	if sys.KindOf(err) != sys.Invalid {
		t.Errorf("twice: %v", err)
	}
	changed := eachEntry(t, name, func(h *tar.Header, b []byte) bool {
		if h.Name == "home/note.md" {
			b[0] = 'L'
		}
		return true
	})
	if err := refuse(t, changed); !strings.Contains(err.Error(), "home/note.md") {
		t.Errorf("a changed file is not named: %v", err)
	}
	missing := eachEntry(t, name, func(h *tar.Header, _ []byte) bool { return h.Name != "home/note.md" })
	if err := refuse(t, missing); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a missing file: %v", err)
	}
	for entry, want := range map[string]sys.Kind{headerName: sys.Invalid, manifestName: sys.Invalid} {
		gone := eachEntry(t, name, func(h *tar.Header, _ []byte) bool { return h.Name != entry })
		if err := refuse(t, gone); sys.KindOf(err) != want {
			t.Errorf("without %s: %v", entry, err)
		}
	}
	newer := eachEntry(t, name, func(h *tar.Header, b []byte) bool {
		if h.Name == headerName {
			copy(b, bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 9`), 1))
		}
		return true
	})
	if err := refuse(t, newer); sys.KindOf(err) != sys.TooNew {
		t.Errorf("a newer format: %v", err)
	}
}

// hostile makes an export of the given entries.
func hostile(t testing.TB, entries ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	head := Header{Format: 1, Landing: 1, Commit: strings.Repeat("0", 40), Version: "x"}
	b, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	e := &exporter{tar: w}
	if err := e.bytes(headerName, b); err != nil {
		t.Fatal(err)
	}
	for _, h := range entries {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, h.Size); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{w, z} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestImportRefusesTricks(t *testing.T) {
	link := func(name, to string) *tar.Header {
		return &tar.Header{Name: "home/" + name, Typeflag: tar.TypeSymlink, Linkname: to}
	}
	plain := func(name string) *tar.Header { return &tar.Header{Name: name, Size: 3, Mode: 0o644} }
	for what, entries := range map[string][]*tar.Header{
		"up":                  {plain("home/../x")},
		"absolute":            {plain("/etc/x")},
		"absolute below home": {plain("home//etc/x")},
		"outside home":        {plain("other/x")},
		"hooks":               {plain("home/.disk/repo.git/hooks/post-commit")},
		"git's settings":      {plain("home/.disk/repo.git/config")},
		"alternates":          {plain("home/.disk/repo.git/objects/info/alternates")},
		"keys in clear":       {plain("home/.disk/Keys.json")},
		"a .git file":         {plain("home/.git")},
		"a lock":              {plain("home/.disk/lock")},
		"store by case":       {plain("home/.DISK/kernel.db")},
		"twice":               {plain("home/a"), plain("home/a")},
		"through a link":      {link("a", "b"), plain("home/a/x")},
		"link in the store":   {link(".disk/displaced/x", "y")},
		"link out":            {link("a", "/etc")},
		"link up":             {link("a/b", "../../x")},
		"device":              {{Name: "home/null", Typeflag: tar.TypeChar}},
		"hard link":           {{Name: "home/a", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"file as folder":      {plain("home/a"), plain("home/a/b")},
	} {
		err := refuse(t, hostile(t, entries...))
		name := entries[len(entries)-1].Name
		if k := sys.KindOf(err); k != sys.Invalid && k != sys.Refused || !strings.Contains(err.Error(), strings.TrimPrefix(name, "/")) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A link that leads out is imported when the owner says so, and never followed.
func TestImportLinks(t *testing.T) {
	d := lived(t)
	out := t.TempDir()
	if err := os.Symlink(out, filepath.Join(d.Root(), "photos")); err != nil {
		t.Fatal(err)
	}
	name, s := export(t, d, ExportOptions{})
	if len(s.Outside) != 1 || s.Outside[0] != "photos" {
		t.Errorf("links that lead out: %v", s.Outside)
	}
	home := filepath.Join(t.TempDir(), "h")
	if _, err := Import(context.Background(), name, home, ImportOptions{}); sys.KindOf(err) != sys.Refused || !strings.Contains(err.Error(), "photos") {
		t.Errorf("%v", err)
	}
	if _, err := Import(context.Background(), name, home, ImportOptions{Links: true}); err != nil {
		t.Fatal(err)
	}
	equal(t, d.Root(), home, 200)
}

func TestImportBomb(t *testing.T) {
	a := &archive{name: "bomb", take: func(_ meta, r io.Reader) (string, error) { return "", nil }}
	bomb := hostile(t, &tar.Header{Name: "home/a", Size: 64 << 20, Mode: 0o644})
	a.bytes = bombBytes - 1 // as if much had come before
	_, err := a.read(context.Background(), bytes.NewReader(bomb))
	if sys.KindOf(err) != sys.Invalid || !strings.Contains(err.Error(), "far more") {
		t.Errorf("%v", err)
	}
}

func TestImportNeedsAnEmptyPlace(t *testing.T) {
	d := lived(t)
	name, _ := export(t, d, ExportOptions{})
	home := t.TempDir() // empty, and there
	if _, err := Import(context.Background(), name, home, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	before := picture(t, home)
	_, err := Import(context.Background(), name, home, ImportOptions{})
	if sys.KindOf(err) != sys.Exists || sys.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if len(picture(t, home)) != len(before) {
		t.Error("the home was touched")
	}
	if _, err := Import(context.Background(), "/no/such/file", filepath.Join(home, "x"), ImportOptions{}); sys.KindOf(err) != sys.NotFound {
		t.Errorf("%v", err)
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(hostile(f, &tar.Header{Name: "home/a", Size: 10}))
	f.Add(hostile(f, &tar.Header{Name: "home/a", Typeflag: tar.TypeSymlink, Linkname: "b"}, &tar.Header{Name: manifestName, Size: 2}))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		bld, err := newBuilder(filepath.Join(dir, "home"), false)
		if err != nil {
			t.Fatal(err)
		}
		a := &archive{name: "fuzz", take: bld.add}
		if _, err := a.read(context.Background(), bytes.NewReader(b)); err == nil {
			_ = bld.finish()
		}
		if err := bld.discard(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Fatalf("it wrote beside the home: %v, %v", left, err)
		}
	})
}
