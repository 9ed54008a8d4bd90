package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"maps"
	"os"
	"strings"
	"testing"

	"matrixos/app/bundle"
	"matrixos/sys"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func sample() bundle.Bundle {
	return bundle.Bundle{Slug: "bread", Name: "Bread", Version: "1.0.0", Author: "@anna:example.org", Files: map[string][]byte{
		"matrix.json": []byte(`{"name":"Bread","slug":"bread","version":"1.0.0"}`), "index.html": []byte("<h1>Bread</h1>"), "src/main.tsx": []byte("1\n"),
	}}
}

func write(t testing.TB, b bundle.Bundle, k ed25519.PrivateKey) []byte {
	t.Helper()
	raw, err := bundle.Write(b, k)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTheSameAppMakesTheSameBytes(t *testing.T) {
	raw := write(t, sample(), key)
	if !bytes.Equal(raw, write(t, sample(), key)) {
		t.Error("two bundles of the same files differ")
	}
	b, err := bundle.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(b.Files, sample().Files, bytes.Equal) || b.Author != "@anna:example.org" || !b.Key.Equal(key.Public()) || b.Slug != "bread" {
		t.Errorf("read back: %+v", b)
	}
	unsigned, err := bundle.Read(write(t, sample(), nil))
	if err != nil || unsigned.Signed() || unsigned.Author != "" {
		t.Errorf("unsigned: %+v %v", unsigned, err)
	}
}

// A bundle that was changed anywhere is refused: each byte in turn.
func TestEveryChangedByteIsFound(t *testing.T) {
	raw := write(t, sample(), key)
	want, err := bundle.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 0x11
		got, err := bundle.Read(bad)
		if err == nil && (!maps.EqualFunc(got.Files, want.Files, bytes.Equal) || got.Name != want.Name || got.Author != want.Author || !got.Key.Equal(want.Key)) {
			t.Errorf("byte %d was changed, and it was taken for genuine", i)
		}
	}
}

// entry is one of an archive made by somebody who means harm.
type entry struct {
	name, text string
	mode       os.FileMode
	method     uint16
}

func archive(t testing.TB, list ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range list {
		h := &zip.FileHeader{Name: e.name, Method: e.method}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(e.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatIsNoBundleIsRefused(t *testing.T) {
	head := entry{name: "bundle.json", text: `{"format":1,"slug":"bread","name":"Bread","version":"1.0.0","sha256":{}}`}
	app := entry{name: "app/matrix.json", text: "{}"}
	many := []entry{head, app}
	for range 1100 {
		many = append(many, entry{name: "app/" + strings.Repeat("x", len(many)%7+1)})
	}
	for name, c := range map[string]struct {
		list []entry
		why  string
	}{
		"up":          {[]entry{head, app, {name: "app/../../system/policy.json"}}, "leads out"},
		"absolute":    {[]entry{head, app, {name: "app//etc/passwd"}}, "leads out"},
		"backslash":   {[]entry{head, app, {name: `app/..\x`}}, "leads out"},
		"hidden":      {[]entry{head, app, {name: "app/.git/config"}}, "cannot have"},
		"elsewhere":   {[]entry{head, app, {name: "data/bread/bread.sqlite"}}, "none that a bundle has"},
		"link":        {[]entry{head, app, {name: "app/a", text: "/etc/passwd", mode: os.ModeSymlink | 0o777}}, "link"},
		"compressed":  {[]entry{head, app, {name: "app/a", text: strings.Repeat("0", 9000), method: zip.Deflate}}, "compressed"},
		"twice":       {[]entry{head, app, app}, "twice"},
		"case":        {[]entry{head, app, {name: "app/Matrix.json"}}, "same file"},
		"both":        {[]entry{head, app, {name: "app/a"}, {name: "app/a/b"}}, "a folder"},
		"many":        {many, "entries"},
		"large":       {[]entry{head, app, {name: "app/a", text: strings.Repeat("0", 5<<20)}}, "may have"},
		"no index":    {[]entry{app}, "no bundle.json"},
		"no app":      {[]entry{head}, "no matrix.json"},
		"unlisted":    {[]entry{head, app}, "list of sums"},
		"newer":       {[]entry{{name: "bundle.json", text: `{"format":2}`}}, "another version"},
		"half signed": {[]entry{{name: "bundle.json", text: `{"format":1,"slug":"bread","name":"Bread","version":"1.0.0","author":"@a:b","sha256":{"matrix.json":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}`}, app}, "its key is none"},
	} {
		_, err := bundle.Read(archive(t, c.list...))
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if k := sys.KindOf(err); k != sys.Invalid && k != sys.NotVerified && k != sys.TooNew {
			t.Errorf("%s: kind %s", name, k)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(write(f, sample(), key))
	f.Add(write(f, sample(), nil))
	f.Add([]byte("PK"))
	f.Add(archive(f, entry{name: "app/../x"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := bundle.Read(raw)
		if err != nil {
			return
		}
		for p := range b.Files {
			if strings.HasPrefix(p, "/") || strings.Contains(p, "..") && strings.Contains("/"+p+"/", "/../") {
				t.Errorf("it lets %q through", p)
			}
		}
		if _, err := bundle.Write(b, nil); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
