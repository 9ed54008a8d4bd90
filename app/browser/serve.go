package browser

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/sys"
)

// server is what the browser loads: apps on trial, libraries, the page around them.
type server struct {
	rt     *app.Runtime
	http   *http.Server
	host   string
	secret string
	script []byte

	mu      sync.Mutex
	windows map[string]*app.Window // by the id that the page knows
}

func serve(rt *app.Runtime) (*server, error) {
	script, ok := rt.TrialPage()
	if !ok {
		return nil, &sys.Error{Op: "try apps in", Path: "a browser", Kind: sys.Unavailable, Err: errors.New("the web runtime has not been built"), Hint: "build it: `npm ci && npm run build` in web/runtime, then build the binary again"}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, &sys.Error{Op: "try apps in", Path: "a browser", Kind: sys.Unavailable, Err: err}
	}
	s := &server{rt: rt, host: ln.Addr().String(), secret: rand.Text() + rand.Text(), script: script, windows: map[string]*app.Window{}}
	mux := http.NewServeMux()
	mux.Handle("/app/", rt)
	mux.Handle("/runtime/", rt)
	mux.HandleFunc("GET /trial/"+s.secret+"/{$}", s.page)
	mux.HandleFunc("GET /trial/"+s.secret+"/page.js", s.code)
	mux.HandleFunc("POST /trial/"+s.secret+"/call", s.call)
	s.http = &http.Server{Handler: s.local(mux), ReadHeaderTimeout: 10 * time.Second}
	go s.http.Serve(ln) //nolint:errcheck // ends with Close
	return s, nil
}

// local refuses requests that name another host than ours: no page may reach in here
// by a name of its own.
func (s *server) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != s.host {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) url() string { return "http://" + s.host + "/trial/" + s.secret + "/" }

func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; frame-src http://"+s.host+"/app/; frame-ancestors 'none'")
	_, _ = io.WriteString(w, `<!doctype html><title>trial</title><link rel="icon" href="data:,"><style>body{margin:0}iframe{border:0;width:1100px;height:800px}</style><body><script src="page.js"></script>`)
}

func (s *server) code(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(s.script)
}

// call carries a call of a window's app, or of whoever conducts its trial.
func (s *server) call(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID     string          `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Now    float64         `json:"now"`
	}
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			return // the page has gone
		}
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 8<<20)).Decode(&q); err != nil {
		answer(map[string]string{"error": err.Error()})
		return
	}
	s.mu.Lock()
	win := s.windows[q.ID]
	s.mu.Unlock()
	if win == nil {
		answer(map[string]string{"error": "this window is closed"})
		return
	}
	if q.Now > 0 {
		win.SetNow(q.Now)
	}
	value, err := s.rt.Call(r.Context(), win.Capability, q.Method, q.Params)
	if err != nil {
		answer(map[string]string{"error": plain(err)})
		return
	}
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	answer(map[string]json.RawMessage{"value": value})
}

// plain is an error as an app sees it in the desktop.
func plain(err error) string { return strings.TrimSpace(err.Error()) }

func (s *server) show(w *app.Window) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows[id] = w
	return id
}

func (s *server) hide(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.windows, id)
}

func (s *server) close() error { return s.http.Close() }
