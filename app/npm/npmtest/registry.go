// Package npmtest is a registry of packages for tests: it serves one small package
// in the form that npm asks for. It is for tests alone.
package npmtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Serve is a registry on the loopback with one package, tiny-words 1.2.3, whose
// install script would leave a file behind. It ends with the test.
func Serve(t testing.TB) *httptest.Server {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{
		"package/package.json": `{"name":"tiny-words","version":"1.2.3","main":"index.js","scripts":{"postinstall":"touch ran"}}`,
		"package/index.js":     `exports.hello = (name) => "hello " + name;`,
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/tiny-words":
			json.NewEncoder(rw).Encode(map[string]any{"name": "tiny-words", "dist-tags": map[string]string{"latest": "1.2.3"}, "versions": map[string]any{"1.2.3": map[string]any{
				"name": "tiny-words", "version": "1.2.3", "hasInstallScript": true, "scripts": map[string]string{"postinstall": "touch ran"},
				"dist": map[string]string{"tarball": srv.URL + "/tiny-words.tgz", "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:])},
			}}})
		case "/tiny-words.tgz":
			rw.Write(b.Bytes())
		default:
			http.NotFound(rw, req)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}
