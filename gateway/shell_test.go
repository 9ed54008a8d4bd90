package gateway_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/gateway"
)

func TestShellFiles(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]struct {
		status int
		cache  string
		kind   string
	}{
		"/":                   {200, "no-cache", "text/html; charset=utf-8"},
		"/index.html":         {200, "no-cache", "text/html; charset=utf-8"},
		"/apps/notes":         {200, "no-cache", "text/html; charset=utf-8"}, // the desktop's own address
		"/favicon.svg":        {200, "no-cache", "image/svg+xml"},
		"/assets/app-1234.js": {200, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		"/assets/app-9999.js": {404, "no-store", "application/problem+json"},
		"/assets/":            {200, "no-cache", "text/html; charset=utf-8"},
		"/missing.png":        {404, "no-store", "application/problem+json"},
	} {
		a := w.do("GET", path, "")
		if a.StatusCode != want.status || a.Header.Get("Cache-Control") != want.cache || a.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %q %q", path, a.StatusCode, a.Header.Get("Cache-Control"), a.Header.Get("Content-Type"))
		}
	}
}

// The desktop's policy lets frames load apps of this very origin only: it is
// what keeps an app from carrying data away by navigating its frame.
func TestShellPolicy(t *testing.T) {
	w := newWorld(t)
	a := w.do("GET", "/", "")
	policy := map[string]string{}
	for d := range strings.SplitSeq(a.Header.Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(d, " ")
		policy[name] = value
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "script-src": "'self'", "frame-src": w.server.URL + "/app/", "frame-ancestors": "'none'", "base-uri": "'none'",
		"connect-src": "'self' ws" + strings.TrimPrefix(w.server.URL, "http"), "form-action": "'self'",
	} {
		if policy[name] != want {
			t.Errorf("%s is %q, not %q", name, policy[name], want)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if a := w.do("GET", "/app/t1/", ""); a.Header.Get("Content-Security-Policy") != "" || a.body != "app file /app/t1/" {
		t.Errorf("an app's policy is the app runtime's: %v", a.Header)
	}
}

func TestShellCompression(t *testing.T) {
	w := newWorld(t)
	plain := w.do("GET", "/assets/app-1234.js", "")
	zipped := w.do("GET", "/assets/app-1234.js", "", "Accept-Encoding: gzip")
	if plain.Header.Get("Content-Encoding") != "" || zipped.Header.Get("Content-Encoding") != "gzip" || zipped.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v %v", plain.Header, zipped.Header)
	}
	z, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(b, []byte(plain.body)) || len(zipped.body) > len(plain.body)/2 {
		t.Errorf("%d bytes of %d, %v", len(zipped.body), len(plain.body), err)
	}
	if a := w.do("GET", "/assets/app-1234.js", "", "If-None-Match: "+plain.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged, and sent again: %d", a.StatusCode)
	}
}

func TestUnbuiltShellSaysHow(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.Shell = fstest.MapFS{".keep": {}} })
	a := w.do("GET", "/", "")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "make run") || !strings.Contains(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	w = newWorld(t, func(o *gateway.Options) { o.Shell = nil })
	if a := w.do("GET", "/", ""); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", a.StatusCode)
	}
}
