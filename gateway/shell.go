package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"matrixos/sys"
)

// shell serves the built desktop. Files are read and compressed when first
// asked for.
type shell struct {
	files fs.FS

	mu   sync.Mutex
	seen map[string]*asset
}

// asset is a file of the desktop, ready to be sent.
type asset struct {
	body, gz []byte // gz is nil where compressing does not pay
	kind     string
	etag     string
}

// get returns a file, or nil if there is none.
func (s *shell) get(name string) (*asset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.seen[name]; a != nil {
		return a, nil
	}
	if s.files == nil || !fs.ValidPath(name) {
		return nil, nil
	}
	b, err := fs.ReadFile(s.files, name)
	if errors.Is(err, fs.ErrNotExist) || isFolder(s.files, name) {
		return nil, nil
	}
	if err != nil {
		return nil, &sys.Error{Op: "read desktop file", Path: name, Kind: sys.Internal, Err: err}
	}
	sum := sha256.Sum256(b)
	a := &asset{body: b, kind: mime.TypeByExtension(path.Ext(name)), etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	if worthCompressing(a.kind, len(b)) {
		if a.gz, err = compressed(b); err != nil {
			return nil, err
		}
	}
	if s.seen == nil {
		s.seen = map[string]*asset{}
	}
	s.seen[name] = a
	return a, nil
}

// built reports whether there is a desktop to serve.
func (s *shell) built() bool {
	a, err := s.get("index.html")
	return a != nil && err == nil
}

func isFolder(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.IsDir()
}

func worthCompressing(kind string, size int) bool {
	if size < 1<<10 {
		return false
	}
	for _, k := range []string{"text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml", "application/wasm"} {
		if strings.HasPrefix(kind, k) {
			return true
		}
	}
	return false
}

func compressed(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// serveShell serves the desktop: its files by name, and for every other page
// that a browser opens its index.
func (g *Gateway) serveShell(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		noSuchCall(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	a, err := g.shell.get(name)
	if a == nil && err == nil && path.Ext(name) == "" {
		name = "index.html"
		a, err = g.shell.get(name)
	}
	switch {
	case err != nil:
		g.log.ErrorContext(r.Context(), "desktop not served", slog.Any("error", err))
		problemOf(err).write(w)
	case a == nil && name == "index.html":
		g.page(w, http.StatusServiceUnavailable, "The desktop is not in this build",
			"The kernel is running, and every command of matrixos works. This binary was compiled before the desktop was.",
			"In the source folder, <code>make run</code> builds the desktop and starts Matrix OS with it.")
	case a == nil:
		newProblem(http.StatusNotFound, sys.NotFound, "there is no "+r.URL.Path, "the desktop is at /").write(w)
	default:
		a.send(w, r, name, originOf(r.Context()))
	}
}

// send answers with a file. Files in assets/ carry their hash in their name, so
// that a browser may keep them for ever; all others are asked for again.
func (a *asset) send(w http.ResponseWriter, r *http.Request, name, origin string) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.HasPrefix(a.kind, "text/html") {
		h.Set("Content-Security-Policy", shellPolicy(origin))
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self), payment=(), usb=()")
		h.Set("X-Frame-Options", "DENY")
	}
	body := a.body
	if a.gz != nil {
		h.Add("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
			h.Set("Content-Encoding", "gzip")
			body = a.gz
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// shellPolicy is the desktop's own Content-Security-Policy. Its frame-src is
// what stops an app from carrying data away by navigating its own frame. Styles
// may be inline: the editor and charts set them, and they can load nothing.
func shellPolicy(origin string) string {
	socket := "ws" + strings.TrimPrefix(origin, "http")
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self' 'unsafe-inline'",
		"img-src 'self' data: blob:",
		"font-src 'self'",
		"media-src 'self' blob:",
		"connect-src 'self' " + socket,
		"frame-src " + origin + "/app/",
		"worker-src 'self'",
		"manifest-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// page sends a short page of plain text that needs no desktop.
func (g *Gateway) page(w http.ResponseWriter, status int, title, text string, more template.HTML) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	err := plainPage.Execute(w, struct {
		Title, Text string
		More        template.HTML
	}{title, text, more})
	if err != nil {
		g.log.Debug("page not sent", slog.Any("error", err))
	}
}

var plainPage = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title><style>` + plainStyle + `</style>
<main><h1>{{.Title}}</h1><p>{{.Text}}</p><p>{{.More}}</p></main></html>
`))

const plainStyle = `:root{color-scheme:light dark}body{font:16px/1.55 system-ui,sans-serif;margin:0;padding:12vh 24px}` +
	`main{max-width:34rem;margin:0 auto}h1{font-size:1.5rem;font-weight:600;letter-spacing:-.01em}` +
	`code{font:.9em ui-monospace,monospace;background:color-mix(in srgb,currentColor 9%,transparent);padding:.1em .35em;border-radius:4px}` +
	`table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em 1em .25em 0;font-size:.9rem;vertical-align:top}`
