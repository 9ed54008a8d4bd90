package app

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"matrixos/app/internal/compile"
	"matrixos/sys"
)

// ServeHTTP serves /app/{ticket}/…, the documents and code of launched apps, and
// /runtime/…, the libraries. The ticket in the address is the right to read; no
// cookie is looked at, and no answer says whether an unknown ticket ever was one.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if rest, ok := strings.CutPrefix(req.URL.Path, "/runtime/"); ok {
		if reads(w, req) {
			r.serveLibrary(w, rest)
		}
		return
	}
	rest, ok := strings.CutPrefix(req.URL.Path, "/app/")
	ticket, name, slash := strings.Cut(rest, "/")
	l, v := r.byTicket(ticket)
	h.Set("Cache-Control", "no-store")
	if !ok || !slash || l == nil {
		if !reads(w, req) {
			return
		}
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		http.Error(w, "This window's address has ended. Open the app again.", http.StatusGone)
		return
	}
	if v.manifest.Runtime != RuntimeNode && !reads(w, req) {
		return
	}
	r.serveApp(w, req, l, v, name)
}

// reads refuses what is no reading.
func reads(w http.ResponseWriter, req *http.Request) bool {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "only GET", http.StatusMethodNotAllowed)
	return false
}

func (r *Runtime) serveLibrary(w http.ResponseWriter, name string) {
	h := w.Header()
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.missing != nil {
		http.Error(w, r.missing.Error(), http.StatusServiceUnavailable)
		return
	}
	if name == "manifest.json" {
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		r.write(w, r.libs.Manifest())
		return
	}
	hash, file, _ := strings.Cut(name, "/")
	raw, err := r.libs.File(file)
	if hash != r.libs.Hash || errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "There is no such library file.", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	r.write(w, raw)
}

func (r *Runtime) write(w http.ResponseWriter, raw []byte) {
	if _, err := w.Write(raw); err != nil {
		r.log.Debug("an answer was not taken", "err", err)
	}
}

// origin is the shell's, as the browser sees it: the frame's own is opaque, so
// 'self' means nothing in its policy.
func origin(req *http.Request) string {
	scheme := "http"
	if req.TLS != nil || strings.EqualFold(req.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + req.Host
}

// policy is the content security policy of one launch. A static page is written
// with scripts and handlers in it, so it may run its own inline code; that gives
// it nothing that its files could not do. A compiled page runs only what carries
// this answer's nonce.
func (r *Runtime) policy(req *http.Request, l *launch, nonce string, static bool) string {
	self := origin(req)
	own := self + "/app/" + l.ticket + "/"
	script := "'nonce-" + nonce + "' blob: "
	if l.trial && !l.handed {
		script += self + r.shared() + " "
	}
	if static {
		script = "'unsafe-inline' blob: "
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + script + own + " 'wasm-unsafe-eval'",
		"style-src 'unsafe-inline' " + own,
		"img-src data: blob: " + own,
		"font-src data: " + own,
		"media-src data: blob: " + own,
		"connect-src 'none'", "worker-src 'none'", "frame-src 'none'", "object-src 'none'", "manifest-src 'none'",
		"form-action 'none'", "base-uri 'none'",
		"frame-ancestors " + self,
		"sandbox allow-scripts allow-forms allow-downloads",
	}, "; ")
}

const permissions = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), xr-spatial-tracking=()"

func (r *Runtime) serveApp(w http.ResponseWriter, req *http.Request, l *launch, v *view, name string) {
	h := w.Header()
	nonce := rand.Text()
	static := v.manifest.Runtime == RuntimeStatic
	h.Set("Content-Security-Policy", r.policy(req, l, nonce, static))
	h.Set("Connection-Allowlist", "(response-origin)") // closes WebRTC, DNS and preconnect where the browser knows it
	if !l.trial || l.handed {
		h.Set("Document-Isolation-Policy", "isolate-and-credentialless") // a process of its own, where the browser knows it
	}
	h.Set("Permissions-Policy", permissions)
	h.Set("X-DNS-Prefetch-Control", "off")
	h.Set("Access-Control-Allow-Origin", "*") // module scripts of an opaque origin need it; the ticket is the right
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	broken := v.result == nil || !v.result.OK || failed(v.found)
	switch {
	case broken && (name == "" || strings.HasSuffix(name, ".html")):
		h.Set("Content-Type", "text/html; charset=utf-8")
		r.write(w, overlay(v.manifest, v.found, r.loader(l, v, nonce, "")))
		return
	case v.manifest.Runtime == RuntimeNode && !v.frozen:
		r.serveNode(w, req, l, v, name)
		return
	case v.manifest.Runtime == RuntimeNode:
		r.nodeTrouble(w, l, v, nonce, &sys.Error{Op: "show", Path: string(l.slug), Kind: sys.Unavailable, Err: errors.New("an app with a server of its own cannot be looked at as it was: its server would run, and write"), Hint: "look at its files as they were, or undo the landing"})
		return
	case name == "" || name == "index.html":
		h.Set("Content-Type", "text/html; charset=utf-8")
		r.write(w, r.document(l, v, nonce))
		return
	}
	var raw []byte
	if v.result != nil && fs.ValidPath(name) {
		raw = v.result.Files[name]
	}
	if raw == nil {
		http.Error(w, "The app has no such file.", http.StatusNotFound)
		return
	}
	kind := contentType(name)
	h.Set("Content-Type", kind)
	if strings.HasPrefix(kind, "text/html") {
		p := compile.Split(raw) // another page of a static app
		raw = slices.Concat(p.Head, r.loader(l, v, nonce, ""), p.Rest)
	}
	r.write(w, raw)
}

var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".wasm": "application/wasm",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp4": "video/mp4", ".webm": "video/webm", ".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8",
}

func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := contentTypes[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" && !strings.HasPrefix(t, "text/html") {
		return t
	}
	return "application/octet-stream"
}

// shared is where the libraries are served.
func (r *Runtime) shared() string { return "/runtime/" + r.libs.Hash + "/" }

// loader is the script that comes first in every document.
func (r *Runtime) loader(l *launch, v *view, nonce, entry string) []byte {
	return r.script(l, v, nonce, entry, "")
}

// loaderAt is the loader of a page of a server app, whose addresses lie below base.
func (r *Runtime) loaderAt(l *launch, v *view, nonce, base string) []byte {
	return r.script(l, v, nonce, "", base)
}

func (r *Runtime) script(l *launch, v *view, nonce, entry, base string) []byte {
	config := map[string]any{"nonce": l.Nonce + rand.Text()[:8], "name": v.manifest.Name, "entry": entry, "base": base, "local": r.kept(l, v), "modules": []string{}, "libraries": "", "icons": map[string]string{}}
	if entry != "" {
		config["modules"], config["icons"] = v.result.Modules, v.result.Icons
		if l.trial && !l.handed {
			config["libraries"] = r.shared() + "lib/"
		}
	}
	raw, err := json.Marshal(config) // escapes < and >, so it cannot end the script
	if err != nil {
		panic("app: the loader's config does not marshal: " + err.Error()) // strings and JSON of ours only
	}
	if r.libs.Loader == "" {
		return nil
	}
	trial := ""
	if l.trial {
		trial = r.libs.TrialFrame + "\n;"
	}
	return []byte(`<script nonce="` + nonce + `">` + trial + `(function(__config){` + r.libs.Loader + "\n})(" + string(raw) + ")</script>\n")
}

// localKey is the key of an app's data that stands for its localStorage.
const localKey = "local-storage"

// kept is what the app has in localStorage, null if that is nothing or no object.
func (r *Runtime) kept(l *launch, v *view) json.RawMessage {
	raw, err := v.data.ReadKey(l.slug, localKey)
	if err != nil {
		r.log.Warn("what an app keeps in localStorage cannot be read", "app", l.slug, "err", err)
	}
	if len(raw) == 0 || raw[0] != '{' {
		return json.RawMessage("null")
	}
	return raw
}

func (r *Runtime) document(l *launch, v *view, nonce string) []byte {
	p := v.result.Page
	var out []byte
	out = append(out, p.Head...)
	out = append(out, "\n"...)
	out = append(out, r.loader(l, v, nonce, v.result.Entry)...)
	if _, styled := v.result.Files["_app.css"]; styled && v.result.Entry != "" {
		out = append(out, "<link rel=\"stylesheet\" href=\"./_app.css\">\n"...)
	}
	rest := p.Rest
	if v.result.Entry != "" {
		rest = allowScripts(rest, nonce)
	}
	return append(out, rest...)
}

// allowScripts gives the inline scripts of a compiled app's own page the nonce.
func allowScripts(doc []byte, nonce string) []byte {
	return []byte(strings.ReplaceAll(string(doc), "<script", `<script nonce="`+nonce+`"`))
}

var _ http.Handler = (*Runtime)(nil)
