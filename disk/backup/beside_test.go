package backup

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A copy has the homeserver as it stood still, and a snapshot the keys that belong to
// it; what is made anew, and clients' keys, stay behind.
func TestTheHomeserverIsInCopies(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	const at = ".disk/matrix/example.org-0123456789abcdef/"
	there := []string{at + "data/jetstream/x/streams/a/msgs/1.blk", at + "data/media/q/file", at + "front/profiles.json"}
	for _, name := range append(there, at+"data/search/store/1.zap", at+"homeserver.log", at+"acme/key", ".disk/matrix/clients/you/keys.db", ".disk/matrix/clients/you/device") {
		put(t, d.Root(), name, "as it was "+name)
	}
	db, err := sql.Open("sqlite", filepath.Join(d.Root(), at+"data/roomserver.db"))
	if err == nil {
		_, err = db.ExecContext(ctx, `PRAGMA journal_mode=WAL; CREATE TABLE event(body); INSERT INTO event VALUES('hello')`)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stood := 0
	beside := Beside{
		Still: func(_ context.Context, do func() error) error {
			stood++
			return do()
		},
		Keys: func() ([]byte, error) { return []byte(`{"matrix/signing/x":"k"}`), nil },
	}
	r, _, dest := begun(t)
	r.beside = beside
	s := run(t, r, d)
	put(t, d.Root(), there[0], "changed afterwards")
	again := filepath.Join(t.TempDir(), "again")
	if _, err := r.Restore(ctx, s, again, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := Export(ctx, d, &file, ExportOptions{Beside: beside}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "home.mxhome")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	imported := filepath.Join(t.TempDir(), "imported")
	if _, err := Import(ctx, name, imported, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if stood != 2 {
		t.Errorf("the homeserver stood still %d times for two copies", stood)
	}
	for _, home := range []string{again, imported} {
		hasServer(t, home, at, there)
	}
	if b, err := os.ReadFile(filepath.Join(again, keysFile)); err != nil || !strings.Contains(string(b), "matrix/signing/x") {
		t.Errorf("the keys of the restored home: %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(imported, keysFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an export has keys without a passphrase: %v", err)
	}
	packs, err := filepath.Glob(filepath.Join(dest, "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packs {
		if b, err := os.ReadFile(p); err == nil && bytes.Contains(b, []byte("matrix/signing/x")) {
			t.Errorf("%s has a key in plain", p)
		}
	}
}

// hasServer looks for the homeserver in a copy: the first file may have changed meanwhile.
func hasServer(t *testing.T, home, at string, there []string) {
	t.Helper()
	ctx := t.Context()
	for i, name := range there {
		b, err := os.ReadFile(filepath.Join(home, name))
		if err != nil || i > 0 && string(b) != "as it was "+name {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	copied, err := sql.Open("sqlite", filepath.Join(home, at+"data/roomserver.db"))
	if err != nil {
		t.Fatal(err)
	}
	var body string
	if err := copied.QueryRowContext(ctx, `SELECT body FROM event`).Scan(&body); err != nil || body != "hello" {
		t.Errorf("the database has %q, %v", body, err)
	}
	if err := copied.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{at + "data/search", at + "homeserver.log", at + "acme", ".disk/matrix/clients"} {
		if _, err := os.Stat(filepath.Join(home, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s came along: %v", name, err)
		}
	}
}
