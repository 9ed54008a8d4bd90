package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrixos/app/internal/compile"
	"matrixos/app/server"
	"matrixos/sys"
)

// ServerPermission is what the owner grants an app with the runtime node: to run a
// program on this machine.
const ServerPermission = "server"

// mostPage bounds a page of a server app, which is read whole to put the loader in.
const mostPage = 16 << 20

// nodeResult is what stands for the compiled form of an app with the runtime node:
// what it lacks of npm, if anything.
func (r *Runtime) nodeResult(tree fs.FS, a App) *compile.Result {
	wanted := compile.Dependencies(tree, string(a.Folder))
	result := &compile.Result{OK: true}
	if len(wanted) == 0 {
		return result
	}
	if r.packages != nil {
		if _, ok := r.packages.Folder(wanted, readLock(tree, a)); ok {
			return result
		}
	}
	result.OK, result.Missing = false, wanted
	names := strings.Join(slices.Sorted(maps.Keys(wanted)), " ")
	result.Diagnostics = []sys.Diagnostic{{
		Severity: "error", File: a.Folder + "/package.json", Line: 1, Text: "its packages are not installed: " + names,
		Hint: "they come from npm: the owner allows them once, in the app's window or with `matrixos apps packages allow " + names + "`",
	}}
	return result
}

// mayServe refuses to open an app with a server that the owner has not allowed, or
// that cannot run here.
func (r *Runtime) mayServe(m Manifest) error {
	refuse := func(kind sys.Kind, why, hint string) error {
		return &sys.Error{Op: "open", Path: string(m.Slug), Kind: kind, Err: errors.New(why), Hint: hint}
	}
	switch {
	case m.Runtime != RuntimeNode:
		return nil
	case r.servers == nil || r.network.Granted == nil:
		return refuse(sys.Unavailable, "apps with a server of their own do not run here", "use the runtime vite")
	case !r.network.Granted(m.Slug, ServerPermission):
		return refuse(sys.NeedsApproval, m.Name+" wants to run a program on this machine, confined to its own folder", "allow it in the app's window")
	}
	return nil
}

// serveNode passes a request of a window on to the app's server.
func (r *Runtime) serveNode(w http.ResponseWriter, req *http.Request, l *launch, v *view, name string) {
	nonce, base := l.ticket, "/app/"+l.ticket
	h := w.Header()
	h.Set("Content-Security-Policy", nodePolicy(req, base))
	if req.Method == http.MethodOptions && req.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", req.Header.Get("Access-Control-Request-Headers"))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := r.mayServe(v.manifest); err != nil {
		r.nodeTrouble(w, l, v, nonce, err)
		return
	}
	spec, err := r.serverOf(l)
	if err != nil {
		r.nodeTrouble(w, l, v, nonce, err)
		return
	}
	transport, done, err := r.servers.Use(req.Context(), spec)
	if err != nil {
		r.nodeTrouble(w, l, v, nonce, err)
		return
	}
	defer done()
	jar, here := l.cookies(), &url.URL{Scheme: "http", Host: "app.invalid", Path: "/" + name}
	kept := h.Clone()
	(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = &url.URL{Scheme: "http", Host: "app", Path: "/" + name, RawQuery: req.URL.RawQuery}
			p.Out.Host = "localhost"
			p.Out.Body = sys.ByLength(p.Out.Body, req.ContentLength)
			for _, secret := range []string{"Cookie", "Authorization", "X-App-Capability", "Origin", "Referer", "Accept-Encoding"} {
				p.Out.Header.Del(secret)
			}
			for _, c := range jar.Cookies(here) {
				p.Out.AddCookie(c)
			}
		},
		ModifyResponse: func(res *http.Response) error {
			jar.SetCookies(here, res.Cookies())
			res.Header.Del("Set-Cookie")
			for name := range kept {
				res.Header.Del(name) // ours stand
			}
			if to := res.Header.Get("Location"); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
				res.Header.Set("Location", base+to)
			}
			return r.dress(res, l, v, nonce, base)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			r.nodeTrouble(w, l, v, nonce, &sys.Error{Op: "ask the server of", Path: string(l.slug), Kind: sys.Unavailable, Err: err, Hint: "try again"})
		},
		ErrorLog: nil,
	}).ServeHTTP(w, req)
}

// dress puts the loader into a page, and the addresses of the app below its own.
func (r *Runtime) dress(res *http.Response, l *launch, v *view, nonce, base string) error {
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || res.Request.Method == http.MethodHead {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, mostPage+1))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if len(raw) > mostPage {
		return fmt.Errorf("a page has more than %d MB", mostPage>>20)
	}
	p := compile.Split(compile.Below(raw, base))
	raw = slices.Concat(p.Head, r.loaderAt(l, v, nonce, base), p.Rest)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	res.Header.Set("Content-Length", strconv.Itoa(len(raw)))
	return nil
}

// nodeTrouble says, in the app's window, why there is no answer.
func (r *Runtime) nodeTrouble(w http.ResponseWriter, l *launch, v *view, nonce string, err error) {
	r.log.Warn("the server of an app does not answer", "app", l.slug, "err", err)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadGateway)
	found := []sys.Diagnostic{{Severity: "error", Text: err.Error(), Hint: sys.HintOf(err)}}
	r.write(w, overlay(v.manifest, found, r.loader(l, v, nonce, "")))
}

// serverOf says what to run for a window: the app as the newest landing has it, or
// as its preview or trial has it, with data of its own.
func (r *Runtime) serverOf(l *launch) (server.App, error) {
	if p := l.preview; p != nil {
		a, err := r.serverFrom(p.tree, p.app)
		a.Version, a.Key, a.Data = "preview", p.key, filepath.Join(p.dir, "server")
		return a, err
	}
	r.mu.Lock()
	now := r.apps[l.slug]
	r.mu.Unlock()
	if now == nil {
		return server.App{}, notFound("serve", l.slug)
	}
	a, err := r.serverFrom(now.tree, now.app)
	a.Version = fmt.Sprint(now.info.Load().Landing, " ", now.app.Folder)
	return a, err
}

func (r *Runtime) serverFrom(tree fs.FS, of App) (server.App, error) {
	m := of.Manifest
	seconds := func(n float64, usual time.Duration) time.Duration {
		if n == 0 {
			return usual
		}
		return time.Duration(n * float64(time.Second))
	}
	a := server.App{
		Slug: m.Slug, Tree: tree, Folder: of.Folder, Start: m.Serve.Start, Health: m.Serve.HealthCheck,
		Memory: server.Memory, StartIn: seconds(m.Serve.StartTimeout, server.StartIn), Idle: seconds(m.Serve.IdleShutdown, server.Idle),
	}
	if m.Resources.MemoryMb > 0 {
		a.Memory = int64(m.Resources.MemoryMb) << 20
	}
	if wanted := compile.Dependencies(tree, string(of.Folder)); len(wanted) > 0 && r.packages != nil {
		dir, err := r.install(context.Background(), tree, of, wanted)
		if err != nil {
			return server.App{}, err
		}
		a.Modules = dir
	}
	return a, nil
}

// beside prepares the server of a preview or a trial; data is a folder that it
// begins with a copy of, or "".
func (r *Runtime) beside(p *preview, tree fs.FS, data string) error {
	if p.app.Manifest.Runtime != RuntimeNode || r.servers == nil {
		return nil
	}
	p.tree, p.key = tree, "beside "+rand.Text()
	p.stop = func() { r.servers.Drop(p.key) }
	if data == "" {
		return nil
	}
	err := os.CopyFS(filepath.Join(p.dir, "server"), os.DirFS(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RestServer stops the server of an app, if one runs, and waits for its end; the next
// request starts it anew.
func (r *Runtime) RestServer(slug sys.Slug) {
	if r.servers != nil {
		r.servers.Stop(slug)
	}
}

// ServerLog is what the server of an app has said lately.
func (r *Runtime) ServerLog(slug sys.Slug) (string, error) {
	r.mu.Lock()
	l := r.apps[slug]
	r.mu.Unlock()
	switch {
	case l == nil:
		return "", notFound("read the log of", slug)
	case l.app.Manifest.Runtime != RuntimeNode || r.servers == nil:
		return "", &sys.Error{Op: "read the log of", Path: string(slug), Kind: sys.Invalid, Err: errors.New("it has no server of its own"), Hint: "what its window fails at is in `matrixos logs`"}
	}
	return r.servers.Log(slug), nil
}

// Runnable says why the app of a trial cannot be opened, if so: then no scenario of
// it can run.
func (t *Trial) Runnable() error {
	m := t.app.Manifest
	if m.Runtime != RuntimeNode {
		return nil
	}
	if err := t.r.mayServe(m); err != nil {
		return err
	}
	return t.r.servers.Able(m.Slug)
}

// cookies are what the app's server has given this window; they never reach the
// browser, whose frame could not keep them.
func (l *launch) cookies() http.CookieJar {
	l.jarOnce.Do(func() {
		jar, err := cookiejar.New(nil)
		if err != nil {
			panic("app: " + err.Error()) // it never fails without options
		}
		l.jar = jar
	})
	return l.jar
}

// nodePolicy is the content security policy of a server app's window: as that of a
// static page, and its requests go to its own server.
func nodePolicy(req *http.Request, base string) string {
	self := origin(req)
	own := self + base + "/"
	socket := "ws" + strings.TrimPrefix(own, "http")
	return strings.Join([]string{
		"default-src 'none'", "script-src 'unsafe-inline' blob: " + own + " 'wasm-unsafe-eval'", "style-src 'unsafe-inline' " + own,
		"img-src data: blob: " + own, "font-src data: " + own, "media-src data: blob: " + own, "connect-src " + own + " " + socket,
		"form-action " + own, "worker-src 'none'", "frame-src 'none'", "object-src 'none'", "manifest-src 'none'", "base-uri 'none'",
		"frame-ancestors " + self, "sandbox allow-scripts allow-forms allow-downloads",
	}, "; ")
}
