package browser

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

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
	mux.HandleFunc("GET /runtime/", s.library)
	mux.HandleFunc("GET /trial/"+s.secret+"/{$}", s.page)
	mux.HandleFunc("GET /trial/"+s.secret+"/page.js", s.code)
	mux.HandleFunc("GET /trial/"+s.secret+"/calls", s.calls)
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

// library serves the libraries to the windows themselves, which have no origin.
func (s *server) library(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	s.rt.ServeHTTP(w, r)
}

// page is the page around the frame. The frame is as large as a window and drawn small:
// what is drawn nobody sees, and drawing costs.
func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src ws://"+s.host+"; style-src 'unsafe-inline'; frame-src http://"+s.host+"/app/; frame-ancestors 'none'")
	_, _ = io.WriteString(w, `<!doctype html><title>trial</title><link rel="icon" href="data:,"><style>body{margin:0}iframe{border:0;width:1100px;height:800px;transform:scale(.125);transform-origin:0 0}</style><body><script src="page.js"></script>`)
}

func (s *server) code(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(s.script)
}

// question is a call of a window's app, or of whoever conducts its trial.
type question struct {
	N      int64           `json:"n"`
	ID     string          `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Now    float64         `json:"now"`
}

// answer is what comes of it.
type answer struct {
	N     int64           `json:"n"`
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// calls carries the calls of one page, one after the other.
func (s *server) calls(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	defer c.CloseNow() //nolint:errcheck // the page has gone
	c.SetReadLimit(8 << 20)
	for ctx := r.Context(); ; {
		var q question
		if err := wsjson.Read(ctx, c, &q); err != nil {
			return
		}
		if err := wsjson.Write(ctx, c, s.call(ctx, q)); err != nil {
			return
		}
	}
}

func (s *server) call(ctx context.Context, q question) answer {
	s.mu.Lock()
	win := s.windows[q.ID]
	s.mu.Unlock()
	if win == nil {
		return answer{N: q.N, Error: "this window is closed"}
	}
	if q.Now > 0 {
		win.SetNow(q.Now)
	}
	value, err := s.rt.Call(ctx, win.Capability, q.Method, q.Params)
	if err != nil {
		return answer{N: q.N, Error: plain(err)}
	}
	return answer{N: q.N, Value: value}
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
