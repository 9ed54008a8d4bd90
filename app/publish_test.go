package app_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/app"
	"matrixos/sys"
)

func publisherOf(seed byte, handle sys.Handle) app.Publisher {
	return app.Publisher{Handle: handle, Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func breadTree() fstest.MapFS {
	return fstest.MapFS{
		"apps/food/bread/matrix.json": {Data: []byte(`{"version":"1.0.0","slug":"bread","tables":{},"name":"Bread"}`)},
		"apps/food/bread/index.html":  {Data: []byte("<h1>Bread</h1>")},
		"apps/food/bread/.env":        {Data: []byte("KEY=secret")},
	}
}

func publish(t *testing.T, tree fstest.MapFS, by app.Publisher) app.Publication {
	t.Helper()
	p, err := app.Publish(tree, "bread", by)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPublishedVersionStaysWhatItIs(t *testing.T) {
	tree, me := breadTree(), publisherOf(1, "@me:local")
	p := publish(t, tree, me)
	if bytes.Contains(p.Content, []byte("KEY=secret")) {
		t.Error("a hidden file is in the bundle")
	}
	tree[string(p.Path)] = &fstest.MapFile{Data: p.Content}
	if again := publish(t, tree, me); !bytes.Equal(again.Content, p.Content) {
		t.Error("the same app makes other bytes")
	}
	tree["apps/food/bread/index.html"] = &fstest.MapFile{Data: []byte("<h1>Rye</h1>")}
	if _, err := app.Publish(tree, "bread", me); sys.KindOf(err) != sys.Exists || !strings.Contains(err.Error(), "raise version") {
		t.Errorf("the same version with other files: %v", err)
	}
	tree["apps/food/bread/matrix.json"] = &fstest.MapFile{Data: []byte(`{"slug":"bread","version":"soon"}`)}
	if _, err := app.Publish(tree, "bread", me); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("a wrong manifest: %v", err)
	}
}

func TestAForkKeepsTheManifestsOrder(t *testing.T) {
	files, err := app.Fork(breadTree(), t.TempDir(), "bread", "cake", "", 7)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "version": "1.0.0",
  "slug": "cake",
  "tables": {},
  "name": "Bread (copy)",
  "forkedFrom": {
    "slug": "bread",
    "landing": 7
  }
}
`
	if got := string(files["apps/cake/matrix.json"]); got != want || len(files) != 2 {
		t.Errorf("%d files, manifest %s", len(files), got)
	}
}

func TestInstallSaysWhoSignedIt(t *testing.T) {
	bob := publish(t, breadTree(), publisherOf(2, "@bob:b.example"))
	me := publisherOf(1, "@me:local")
	tree := fstest.MapFS{}
	a, err := app.Install(tree, t.TempDir(), bob.Content, "", me.Public())
	if err != nil || a.Ours || a.Known || !strings.Contains(a.Signature(), "which is new here") || len(a.Files) != 3 {
		t.Fatalf("%+v %v", a, err)
	}
	if string(a.Files["apps/bread/matrix.json"]) != string(breadTree()["apps/food/bread/matrix.json"].Data) {
		t.Error("the manifest is not as it was")
	}
	tree[string(app.PublishersFile)] = &fstest.MapFile{Data: a.Files[app.PublishersFile]}
	if a, err := app.Install(tree, t.TempDir(), bob.Content, "", me.Public()); err != nil || !a.Known {
		t.Errorf("the second time: %+v %v", a, err)
	}
	forged := publish(t, breadTree(), publisherOf(3, "@bob:b.example"))
	if _, err := app.Install(tree, t.TempDir(), forged.Content, "", me.Public()); sys.KindOf(err) != sys.Refused {
		t.Errorf("another key: %v", err)
	}
	a, err = app.Install(tree, t.TempDir(), publish(t, breadTree(), me).Content, "rye", me.Public())
	if err != nil || !a.Ours || !strings.Contains(string(a.Files["apps/rye/matrix.json"]), a.SHA256) {
		t.Errorf("our own: %+v %v", a, err)
	}
}

// What an earlier app of the slug has left is not for somebody else's app.
func TestWhatAnEarlierAppLeftStaysWithTheOwner(t *testing.T) {
	bob, me := publish(t, breadTree(), publisherOf(2, "@bob:b.example")), publisherOf(1, "@me:local")
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, "data", "bread"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "data", "bread", "bread.sqlite"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Install(fstest.MapFS{}, home, bob.Content, "", me.Public()); sys.KindOf(err) != sys.Exists || !strings.Contains(err.Error(), "its data") {
		t.Errorf("data: %v", err)
	}
	granted := fstest.MapFS{string(app.GrantsFile): {Data: []byte(`{"bread":["net:x.example"]}`)}}
	if _, err := app.Install(granted, t.TempDir(), bob.Content, "", me.Public()); sys.KindOf(err) != sys.Exists || !strings.Contains(err.Error(), "grants") {
		t.Errorf("grants: %v", err)
	}
	if _, err := app.Install(granted, home, publish(t, breadTree(), me).Content, "", me.Public()); err != nil {
		t.Errorf("our own comes back: %v", err)
	}
}
